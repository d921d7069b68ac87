"""Style presets: records and images."""

from __future__ import annotations

import json
import uuid
from typing import Any, Literal, Optional

from pydantic import BaseModel, ValidationError

from ..api_gallery.routes_upload import image_of
from ..base.database import Row
from ..base.errors import ApiError, CrashError, missing
from ..http.wire import ApiRequest, Reply, UploadedFile, route
from ..library.owned_records import OwnedRecords
from ..media.resizing import thumbnail_of

_P = "/api/v1/style_presets"


class _Preset(BaseModel):
    name: str
    positive_prompt: str
    negative_prompt: str
    type: Literal["user", "default"]
    is_public: bool = False


def _presets(request: ApiRequest) -> OwnedRecords:
    return request.simulation.style_presets


def _row(request: ApiRequest) -> Row:
    try:
        return _presets(request).row(request.params["preset_id"])
    except LookupError:
        raise ApiError(404, "Style preset not found") from None


def _shown(row: Row) -> dict[str, Any]:
    # The address of the image is new each time, against caches.
    url = f"api/v1/style_presets/i/{row['id']}/image?{uuid.uuid4()}"
    return {
        **{key: row[key] for key in ("name", "type", "id", "user_id")},
        "preset_data": {
            "positive_prompt": row["positive_prompt"],
            "negative_prompt": row["negative_prompt"],
        },
        "is_public": bool(row["is_public"]),
        "image": None if row["image"] is None else url,
    }


def _readable(request: ApiRequest) -> Row:
    row = _row(request)
    if row["is_public"] or row["type"] == "default" or request.owns(row):
        return row
    raise ApiError(403, "Not authorized to access this style preset")


def _writable(request: ApiRequest) -> Row:
    row = _row(request)
    if row["type"] == "default" and not request.user.is_admin:
        raise ApiError(403, "Default style presets cannot be modified")
    if request.owns(row):
        return row
    raise ApiError(403, "Not authorized to modify this style preset")


def _data(request: ApiRequest) -> _Preset:
    text = request.form.get("data")
    if not isinstance(text, str):
        raise ApiError(422, [missing(("body", "data"))])
    try:
        return _Preset.model_validate(json.loads(text))
    except (json.JSONDecodeError, ValidationError) as error:
        raise ApiError(400, "Invalid preset data") from error


def _image_data(request: ApiRequest) -> Optional[bytes]:
    part = request.form.get("image")
    if not isinstance(part, UploadedFile):
        return None
    try:
        return thumbnail_of(image_of(part))
    except (OSError, SyntaxError, ValueError) as error:
        raise CrashError from error


@route("GET", f"{_P}/")
def _list(request: ApiRequest) -> Any:
    return [_shown(row) for row in _presets(request).visible(request.scope_user)]


@route("GET", f"{_P}/i/{{preset_id}}")
def _get(request: ApiRequest) -> Any:
    return _shown(_readable(request))


@route("GET", f"{_P}/i/{{preset_id}}/image")
def _image(request: ApiRequest) -> Any:
    row = _readable(request)
    if row["image"] is None:
        raise CrashError
    headers = {
        "cache-control": "max-age=31536000",
        "content-disposition": f'inline; filename="{row["id"]}.png"',
    }
    return Reply(bytes(row["image"]), media_type="image/png", headers=headers)


@route("POST", f"{_P}/")
def _create(request: ApiRequest) -> Any:
    data = _data(request)
    if data.type == "default" and not request.user.is_admin:
        raise ApiError(403, "Only admins can create default presets")
    columns = {"user_id": request.user.user_id, "image": _image_data(request)}
    return _shown(_presets(request).create({**data.model_dump(), **columns}))


@route("PATCH", f"{_P}/i/{{preset_id}}")
def _update(request: ApiRequest) -> Any:
    data = _data(request)
    preset_id = _writable(request)["id"]
    # The type never changes, and without an image the old one is removed.
    columns = {**data.model_dump(exclude={"type"}), "image": _image_data(request)}
    return _shown(_presets(request).update(preset_id, columns))


@route("DELETE", f"{_P}/i/{{preset_id}}")
def _delete(request: ApiRequest) -> Any:
    _presets(request).delete(_writable(request)["id"])
