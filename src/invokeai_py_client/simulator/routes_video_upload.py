"""Videos from outside: the upload."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter, ValidationError

from .board_rights import writable_board
from .choices import ImageCategory
from .media_store import MediaOrigin
from .mp4 import VideoFormatError, has_mp4_brand, read_video
from .video_body import read_video_body
from .video_ingress import UPLOAD_PATH
from .videos import VideoFileSaveException
from .wire import ApiError, Call, json_reply, route

_METADATA = TypeAdapter(dict[str, Any])


def _check_query(call: Call) -> dict[str, Any]:
    """The parameters; what is wrong with them is said before the body is read."""
    query = call.arguments(
        video_category=(ImageCategory,),
        is_intermediate=(bool,),
        board_id=(str, None),
        session_id=(str, None),
    )
    if query["board_id"] is not None:
        writable_board(call, query["board_id"], "upload to")
    return query


@route("POST", UPLOAD_PATH, before_body=_check_query)
def _upload(call: Call) -> Any:
    query = call.checked
    body = read_video_body(call.headers.get("content-type", ""), call.body)
    if body.metadata is not None:
        try:
            _METADATA.validate_json(body.metadata)
        except ValidationError as error:
            raise ApiError(422, "Metadata must be a JSON object") from error
    if not has_mp4_brand(body.data):
        raise ApiError(415, "Not an MP4 video file")
    try:
        facts = read_video(body.data)
    except VideoFormatError as error:
        raise ApiError(415, "Failed to read video") from error
    source = MediaOrigin(
        origin="external",
        category=query["video_category"],
        is_intermediate=query["is_intermediate"],
        board_id=query["board_id"],
        session_id=query["session_id"],
        metadata=body.metadata,
        user_id=call.user.user_id,
    )
    try:
        dto = call.simulation.videos.create(body.data, facts, source)
    except VideoFileSaveException as error:
        raise ApiError(500, "Failed to create video") from error
    return json_reply(dto, 201, {"Location": dto["video_url"]})
