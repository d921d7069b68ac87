"""Uploads of images and videos."""

from __future__ import annotations

import io
import json
from typing import Any, Optional

from PIL import Image
from pydantic import BaseModel, Field, ValidationError

from ..base.api_enums import ImageCategory
from ..base.errors import ApiError, missing
from ..graphs.batch import Workflow
from ..http.wire import ApiRequest, UploadedFile, json_reply, route
from ..media.images import ImageFileSaveException
from ..media.media_store import MediaOrigin
from ..media.mp4 import VideoFormatError, has_mp4_brand, read_video
from ..media.resizing import resize_upload
from ..media.videos import VideoFileSaveException
from .board_rights import writable_board

_LARGEST = 4096 * 4096


class _Size(BaseModel):
    width: int = Field(gt=0)
    height: int = Field(gt=0)


@route("POST", "/api/v1/images/upload")
def _upload(request: ApiRequest) -> Any:
    query = request.arguments(
        image_category=(ImageCategory,),
        is_intermediate=(bool,),
        board_id=(str, None),
        session_id=(str, None),
        crop_visible=(bool, False),
    )
    board_id = query["board_id"]
    part = request.form.get("file")
    if not isinstance(part, UploadedFile):
        raise ApiError(422, [missing(("body", "file"))])
    if board_id is not None:
        writable_board(request, board_id, "upload to")
    image = image_of(part)
    if query["crop_visible"]:
        image = image.crop(image.getbbox())
    image = _resized(image, request.form.get("resize_to"))
    source = _origin(
        request,
        query,
        category=query["image_category"],
        metadata=_metadata(request.form.get("metadata"), image),
        workflow=_embedded_workflow(image),
        graph=_embedded_graph(image),
    )
    try:
        dto = request.simulation.images.create(image, source)
    except ImageFileSaveException as error:
        raise ApiError(500, "Failed to create image") from error
    return json_reply(dto, 201, {"Location": dto["image_url"]})


@route("POST", "/api/v1/videos/upload")
def _upload_video(request: ApiRequest) -> Any:
    query = request.arguments(
        video_category=(ImageCategory,),
        is_intermediate=(bool,),
        board_id=(str, None),
        session_id=(str, None),
    )
    if query["board_id"] is not None:
        writable_board(request, query["board_id"], "upload to")
    part, metadata = request.form.get("file"), request.form.get("metadata")
    if not isinstance(part, UploadedFile):
        raise ApiError(422, "Expected a video file in the upload")
    if metadata is not None and not isinstance(_parsed(metadata), dict):
        raise ApiError(422, "Metadata must be a JSON object")
    if not has_mp4_brand(part.data):
        raise ApiError(415, "Not an MP4 video file")
    category = query["video_category"]
    source = _origin(request, query, category=category, metadata=metadata)
    try:
        facts = read_video(part.data)
        dto = request.simulation.videos.create(part.data, facts, source)
    except VideoFormatError as error:
        raise ApiError(415, "Failed to read video") from error
    except VideoFileSaveException as error:
        raise ApiError(500, "Failed to create video") from error
    return json_reply(dto, 201, {"Location": dto["video_url"]})


def _origin(request: ApiRequest, query: dict[str, Any], **known: Any) -> MediaOrigin:
    common = ("is_intermediate", "board_id", "session_id")
    known.update({key: query[key] for key in common})
    return MediaOrigin(origin="external", user_id=request.user.user_id, **known)


def image_of(part: UploadedFile) -> Image.Image:
    """The image of an upload, not yet decoded; ApiError 415 for other files."""
    if not (part.media_type or "").startswith("image"):
        raise ApiError(415, "Not an image")
    try:
        # Only the header, as on the server: broken pixels are another, later error.
        return Image.open(io.BytesIO(part.data))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ApiError(415, "Failed to read image") from error


def _resized(image: Image.Image, wanted: Any) -> Image.Image:
    if not wanted:
        return image
    try:
        size = _Size(**json.loads(wanted))
        if size.width * size.height > _LARGEST:
            raise ValueError("too large")
    except (ValueError, TypeError) as error:
        raise ApiError(400, "Invalid resize_to format or size") from error
    try:
        return resize_upload(image, size.width, size.height)
    except (OSError, ValueError) as error:
        raise ApiError(500, "Failed to resize image") from error


def _metadata(given: Any, image: Image.Image) -> Optional[str]:
    text = given if given is not None else image.info.get("invokeai_metadata")
    return text if isinstance(_parsed(text), dict) else None


def _embedded_workflow(image: Image.Image) -> Optional[str]:
    text = image.info.get("invokeai_workflow")
    if not isinstance(text, str):
        return None
    try:
        Workflow.model_validate_json(text)
    except ValidationError:
        return None
    return text


def _embedded_graph(image: Image.Image) -> Optional[str]:
    text = image.info.get("invokeai_graph")
    graph = _parsed(text)
    fits = (
        isinstance(graph, dict)
        and isinstance(graph.get("nodes"), dict)
        and isinstance(graph.get("edges"), list)
    )
    return text if fits else None


def _parsed(text: Any) -> Any:
    if not isinstance(text, str):
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None
