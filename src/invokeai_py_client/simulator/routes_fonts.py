"""Fonts that were put into the server's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .fonts import MEDIA_TYPES, FontPathError, find_font, list_fonts
from .wire import ApiError, Call, Reply, route

_F = "/api/v1/utilities/fonts"


def _folder(call: Call) -> Path:
    return call.simulation.folder / "fonts"


@route("GET", _F)
def _list(call: Call) -> Any:
    return {"fonts": list_fonts(_folder(call))}


@route("GET", f"{_F}/{{path:path}}")
def _get(call: Call) -> Any:
    try:
        file = find_font(_folder(call), call.params["path"])
    except FontPathError:
        raise ApiError(400, "Invalid font path") from None
    if file is None:
        raise ApiError(404, "Font file not found")
    media_type = MEDIA_TYPES.get(file.suffix.lower())
    if media_type is None:
        raise ApiError(400, "Unsupported font format")
    headers = {"cache-control": "private, max-age=31536000, immutable"}
    return Reply(file.read_bytes(), media_type=media_type, headers=headers)
