"""Style presets: records, pictures, files."""

from __future__ import annotations

import json
from typing import Any, Literal, Optional

from PIL import Image
from pydantic import BaseModel, ValidationError

from .database import Row
from .routes_upload import picture_of
from .style_presets import PresetFileError, PresetNotFoundError, StylePresets
from .wire import ApiError, Call, CrashError, Reply, UploadedFile, missing, route

_P = "/api/v1/style_presets"


class _Preset(BaseModel):
    name: str
    positive_prompt: str
    negative_prompt: str
    type: Literal["user", "default"]
    is_public: bool = False


def _presets(call: Call) -> StylePresets:
    return call.simulation.style_presets


def _row(call: Call) -> Row:
    try:
        return _presets(call).row(call.params["preset_id"])
    except PresetNotFoundError:
        raise ApiError(404, "Style preset not found") from None


def _is_own(call: Call, row: Row) -> bool:
    return bool(call.user.is_admin or row["user_id"] == call.user.user_id)


def _readable(call: Call) -> Row:
    row = _row(call)
    if row["type"] == "default" or row["is_public"] or _is_own(call, row):
        return row
    raise ApiError(403, "Not authorized to access this style preset")


def _writable(call: Call) -> Row:
    row = _row(call)
    if row["type"] == "default" and not call.user.is_admin:
        raise ApiError(403, "Default style presets cannot be modified")
    if _is_own(call, row):
        return row
    raise ApiError(403, "Not authorized to modify this style preset")


def _data(call: Call) -> _Preset:
    text = call.form.get("data")
    if not isinstance(text, str):
        raise ApiError(422, [missing(("body", "data"))])
    try:
        return _Preset.model_validate(json.loads(text))
    except (json.JSONDecodeError, ValidationError) as error:
        raise ApiError(400, "Invalid preset data") from error


def _picture(call: Call) -> Optional[Image.Image]:
    part = call.form.get("image")
    return picture_of(part) if isinstance(part, UploadedFile) else None


def _set_picture(call: Call, preset_id: str, picture: Optional[Image.Image]) -> None:
    try:
        _presets(call).set_image(preset_id, picture)
    except (OSError, SyntaxError, ValueError) as error:
        raise CrashError from error


@route("GET", f"{_P}/")
def _list(call: Call) -> Any:
    return _presets(call).visible(call.scope_user)


@route("GET", f"{_P}/i/{{preset_id}}")
def _get(call: Call) -> Any:
    return _presets(call).record(_readable(call)["id"])


@route("GET", f"{_P}/i/{{preset_id}}/image")
def _image(call: Call) -> Any:
    row = _readable(call)
    if row["image"] is None:
        raise CrashError
    headers = {
        "cache-control": "max-age=31536000",
        "content-disposition": f'inline; filename="{row["id"]}.png"',
    }
    return Reply(bytes(row["image"]), media_type="image/png", headers=headers)


@route("POST", f"{_P}/")
def _create(call: Call) -> Any:
    data = _data(call)
    if data.type == "default" and not call.user.is_admin:
        raise ApiError(403, "Only admins can create default presets")
    picture = _picture(call)
    presets = _presets(call)
    preset_id = presets.create(
        data.name,
        data.positive_prompt,
        data.negative_prompt,
        data.type,
        call.user.user_id,
        public=data.is_public,
    )
    if picture is not None:
        _set_picture(call, preset_id, picture)
    return presets.record(preset_id)


@route("PATCH", f"{_P}/i/{{preset_id}}")
def _update(call: Call) -> Any:
    data = _data(call)
    preset_id = _writable(call)["id"]
    # Without a picture the old one goes away.
    _set_picture(call, preset_id, _picture(call))
    return _presets(call).update(
        preset_id,
        data.name,
        data.positive_prompt,
        data.negative_prompt,
        public=data.is_public,
    )


@route("DELETE", f"{_P}/i/{{preset_id}}")
def _delete(call: Call) -> Any:
    _presets(call).delete(_writable(call)["id"])
    return None


@route("GET", f"{_P}/export", "admin")
def _export(call: Call) -> Any:
    headers = {"content-disposition": "attachment; filename=prompt_templates.csv"}
    text = _presets(call).exported().encode("utf-8")
    return Reply(text, media_type="text/csv; charset=utf-8", headers=headers)


@route("POST", f"{_P}/import", "admin")
def _import(call: Call) -> Any:
    part = call.form.get("file")
    if not isinstance(part, UploadedFile):
        raise ApiError(422, [missing(("body", "file"))])
    if part.media_type not in ("text/csv", "application/json"):
        raise ApiError(415, "")
    try:
        _presets(call).import_file(part.data, part.media_type, call.user.user_id)
    except PresetFileError as error:
        raise ApiError(400, str(error)) from error
    except UnicodeDecodeError as error:
        raise CrashError from error
    return None
