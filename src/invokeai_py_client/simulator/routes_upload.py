"""Images from outside: the upload."""

from __future__ import annotations

import io
import json
from typing import Any, Optional

from PIL import Image
from pydantic import BaseModel, Field, ValidationError

from .board_rights import writable_board
from .choices import ImageCategory
from .graph import Workflow
from .images import ImageFileSaveException
from .media_store import MediaOrigin
from .resizing import resize_upload
from .wire import ApiError, Call, UploadedFile, json_reply, missing, route

_LARGEST = 4096 * 4096


class _Size(BaseModel):
    width: int = Field(gt=0)
    height: int = Field(gt=0)


@route("POST", "/api/v1/images/upload")
def _upload(call: Call) -> Any:
    query = call.arguments(
        image_category=(ImageCategory,),
        is_intermediate=(bool,),
        board_id=(str, None),
        session_id=(str, None),
        crop_visible=(bool, False),
    )
    board_id = query["board_id"]
    part = call.form.get("file")
    if not isinstance(part, UploadedFile):
        raise ApiError(422, [missing(("body", "file"))])
    if board_id is not None:
        writable_board(call, board_id, "upload to")
    image = picture_of(part)
    if query["crop_visible"]:
        image = image.crop(image.getbbox())
    image = _resized(image, call.form.get("resize_to"))
    source = MediaOrigin(
        origin="external",
        category=query["image_category"],
        is_intermediate=query["is_intermediate"],
        board_id=board_id,
        session_id=query["session_id"],
        metadata=_metadata(call.form.get("metadata"), image),
        workflow=_embedded_workflow(image),
        graph=_embedded_graph(image),
        user_id=call.user.user_id,
    )
    try:
        dto = call.simulation.images.create(image, source)
    except ImageFileSaveException as error:
        raise ApiError(500, "Failed to create image") from error
    return json_reply(dto, 201, {"Location": dto["image_url"]})


def picture_of(part: UploadedFile) -> Image.Image:
    """The picture of an upload, not decoded yet.

    Raises:
        ApiError: 415, when it is none.
    """
    if not (part.media_type or "").startswith("image"):
        raise ApiError(415, "Not an image")
    try:
        # Header only, as the server does: broken pixels fail later, and otherwise.
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
