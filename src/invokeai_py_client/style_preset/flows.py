"""What can be done with style presets, as flows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Optional

from invokeai_py_client._core.decode import parse
from invokeai_py_client._core.flow import Flow, local
from invokeai_py_client._core.messages import FilePart
from invokeai_py_client._core.send import (
    call,
    call_bytes,
    call_model,
    delete,
    get,
    given,
    patch,
    post,
    route,
    send,
)
from invokeai_py_client._folders import file_in
from invokeai_py_client.image.files import (
    ImageSource,
    PathLike,
    open_upload,
    plan_target,
)
from invokeai_py_client.image.media import IMAGE
from invokeai_py_client.image.media_flows import decode_upload, save
from invokeai_py_client.style_preset.models import StylePreset, StylePresetType

PRESETS = "/api/v1/style_presets/"
PRESET = "/api/v1/style_presets/i/{}"
IMPORTED = {".csv": "text/csv", ".json": "application/json"}


def list_presets() -> Flow[list[StylePreset]]:
    """All that the user may see."""
    return (yield from call_model(list[StylePreset], get(PRESETS)))


def get_preset(preset_id: str) -> Flow[StylePreset]:
    """One by its id."""
    return (yield from call_model(StylePreset, get(route(PRESET, preset_id))))


def find_presets(name: str) -> Flow[list[StylePreset]]:
    """Those of this name, without regard to case only if none has it exactly."""
    presets = yield from list_presets()
    return named(presets, name)


def named(presets: Sequence[StylePreset], name: str) -> list[StylePreset]:
    """The presets called `name`; see `find_presets`."""
    same = [preset for preset in presets if preset.name == name]
    folded = name.casefold()
    return same or [preset for preset in presets if preset.name.casefold() == folded]


def create_preset(
    name: str,
    positive_prompt: str,
    negative_prompt: str,
    *,
    is_public: bool = False,
    image: Optional[ImageSource] = None,
) -> Flow[StylePreset]:
    """Make one, with a picture if there is one."""
    data = {
        "name": name,
        "positive_prompt": positive_prompt,
        "negative_prompt": negative_prompt,
        "type": StylePresetType.USER.value,
        "is_public": is_public,
    }
    files, close, label = yield from _picture(image)
    try:
        request = post(PRESETS, form={"data": json.dumps(data)}, files=files)
        reply = yield from send(request)
    finally:
        close()
    return parse(StylePreset, decode_upload(IMAGE, reply, label))


def update_preset(
    preset_id: str,
    *,
    name: Optional[str] = None,
    positive_prompt: Optional[str] = None,
    negative_prompt: Optional[str] = None,
    is_public: Optional[bool] = None,
    image: Optional[ImageSource] = None,
    remove_image: bool = False,
) -> Flow[StylePreset]:
    """Change one; what is None stays.

    The server takes all or nothing, and deletes the picture when none is sent; so
    what is there now is read and sent again.
    """
    if image is not None and remove_image:
        raise ValueError("image= and remove_image= exclude each other")
    now = yield from get_preset(preset_id)
    wanted = {
        "name": name,
        "positive_prompt": positive_prompt,
        "negative_prompt": negative_prompt,
        "is_public": is_public,
    }
    changes = given(wanted)
    if not changes and image is None and not remove_image:
        raise ValueError("update_preset needs something to change")
    data = {
        "name": now.name,
        "positive_prompt": now.positive_prompt,
        "negative_prompt": now.negative_prompt,
        "is_public": now.is_public,
        **changes,
        "type": now.type.value,
    }
    if image is None and not remove_image and now.image is not None:
        image = yield from image_bytes(preset_id)
    files, close, label = yield from _picture(image)
    try:
        request = patch(
            route(PRESET, preset_id), form={"data": json.dumps(data)}, files=files
        )
        reply = yield from send(request)
    finally:
        close()
    parse(StylePreset, decode_upload(IMAGE, reply, label))
    # This answer says where the picture was before a first one was stored.
    return (yield from get_preset(preset_id))


def _picture(image: Optional[ImageSource]) -> Flow[tuple[list[FilePart], Any, str]]:
    if image is None:
        return [], lambda: None, "the request"
    upload = yield from local(lambda: open_upload(image))
    return [upload.part("image")], upload.close, upload.label


def delete_preset(preset_id: str) -> Flow[None]:
    """Delete one for good."""
    yield from call(delete(route(PRESET, preset_id)))


def image_bytes(preset_id: str) -> Flow[bytes]:
    """The picture of one."""
    return (yield from call_bytes(get(route(PRESET + "/image", preset_id))))


def find_image(preset_id: str) -> Flow[Optional[bytes]]:
    """The picture of one; None when it has none."""
    preset = yield from get_preset(preset_id)
    # The picture of a preset without one is a failure of the server.
    return None if preset.image is None else (yield from image_bytes(preset_id))


def export_presets(target: PathLike, overwrite: bool = True) -> Flow[Path]:
    """Stream the users' presets into a CSV file."""
    name = "style_presets.csv"
    return (
        yield from save(
            get("/api/v1/style_presets/export"),
            lambda: plan_target(file_in(target, name), name, overwrite),
            overwrite,
            may_be_empty=True,
        )
    )


def import_presets(source: PathLike) -> Flow[list[StylePreset]]:
    """Send a CSV or JSON file of presets; those that are new afterwards."""
    path = Path(source).expanduser()
    kind = IMPORTED.get(path.suffix.lower())
    if kind is None:
        raise ValueError(f"{path.name} must be a .csv or a .json file")
    before = {preset.id for preset in (yield from list_presets())}
    file = yield from local(lambda: path.open("rb"))
    try:
        part = FilePart("file", path.name, file, kind)
        yield from call(post("/api/v1/style_presets/import", files=[part]))
    finally:
        file.close()
    presets = yield from list_presets()
    return [preset for preset in presets if preset.id not in before]
