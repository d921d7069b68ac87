"""`StylePresetRepository`: prompt templates."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Optional, Union

from pydantic import Field

from invokeai_py_client._arguments import (
    KnownId,
    Name,
    Naming,
    PathLike,
    checks_arguments,
)
from invokeai_py_client._core.decode import parse
from invokeai_py_client._core.flow import Flow, get_shared, run_blocking
from invokeai_py_client._core.messages import FilePart, Request
from invokeai_py_client._core.send import (
    changes_of,
    drop_none,
    get,
    patch,
    post,
    request_json,
    send,
)
from invokeai_py_client._exports import set_module
from invokeai_py_client._file_names import tag
from invokeai_py_client._io.runner import Runner
from invokeai_py_client._objects.handle import Repository
from invokeai_py_client._objects.named_records import NamedRecords
from invokeai_py_client._snapshot import OpenEnum, Snapshot
from invokeai_py_client._target_path import file_in
from invokeai_py_client.exceptions import ArgumentError
from invokeai_py_client.image.files import plan_target
from invokeai_py_client.image.media import IMAGE
from invokeai_py_client.image.media_flows import (
    decode_upload,
    open_source,
    read_whole,
    save,
)
from invokeai_py_client.image.sources import ImageSource


@set_module("invokeai_py_client.prompts")
class StylePresetType(OpenEnum):
    """The owner of a style preset."""

    USER = "user"
    DEFAULT = "default"


@set_module("invokeai_py_client.prompts")
class PresetPrompts(Snapshot):
    """The prompts of a style preset; ``{prompt}`` is the placeholder for the user's."""

    positive_prompt: str = ""
    negative_prompt: str = ""


@set_module("invokeai_py_client.prompts")
class StylePreset(Snapshot):
    """A style preset, which the GUI calls prompt template.

    Attributes:
        id: The server's id.
        type: `DEFAULT` for those that come with the server.
        is_public: Whether all users see it.
        image: Where its image is, relative to the server's address; None without
            one.
    """

    _SET: ClassVar[str] = "style_preset_repo.update_preset(preset, …) changes it"

    id: str = Field(min_length=1)
    name: str
    preset_data: PresetPrompts
    type: StylePresetType = StylePresetType.USER
    is_public: bool = False
    user_id: Optional[str] = None
    image: Optional[str] = None

    @property
    def positive_prompt(self) -> str:
        """The positive prompt; ``{prompt}`` is the placeholder for the user's."""
        return self.preset_data.positive_prompt

    @property
    def negative_prompt(self) -> str:
        """The negative prompt; ``{prompt}`` is the placeholder for the user's."""
        return self.preset_data.negative_prompt


PATH = "/api/v1/style_presets/"
PRESETS = NamedRecords(StylePreset, Naming("style preset", "id"), PATH, PATH + "i/{}")
StylePresetLike = Annotated[Union[str, StylePreset], PRESETS.kind]
"""A style preset, its name or its id."""

IMPORTED = {".csv": "text/csv", ".json": "application/json"}


def find_presets_flow(name: str) -> Flow[list[StylePreset]]:
    """Those of this name, without regard to case only if none has it exactly."""
    presets = yield from PRESETS.list_all()
    same = [preset for preset in presets if preset.name == name]
    folded = name.casefold()
    return same or [preset for preset in presets if preset.name.casefold() == folded]


def send_preset_flow(
    make: Callable[..., Request],
    path: str,
    data: Mapping[str, Any],
    image: Optional[ImageSource],
) -> Flow[StylePreset]:
    """Create or replace one, with an image if there is one."""
    files: list[FilePart] = []
    label = "the request"
    upload = None
    if image is not None:
        upload = yield from open_source(image)
        files, label = [upload.part("image")], upload.label
    try:
        request = make(path, form={"data": json.dumps(data)}, files=files)
        reply = yield from send(request)
    finally:
        if upload is not None:
            upload.close()
    return parse(StylePreset, decode_upload(IMAGE, reply, label))


def update_preset_flow(
    preset: StylePresetLike,
    changes: Mapping[str, Any],
    image: Optional[ImageSource],
    remove_image: bool,
) -> Flow[StylePreset]:
    """Change one.

    The server takes all or nothing, and deletes the image when none is sent; so
    what is there now is read and sent again.
    """
    known = KnownId((yield from PRESETS.find_id(preset)))
    now = yield from PRESETS.get(known)
    data = {
        "name": now.name,
        "positive_prompt": now.positive_prompt,
        "negative_prompt": now.negative_prompt,
        "is_public": now.is_public,
        **changes,
        "type": now.type.value,
    }
    if image is None and not remove_image and now.image is not None:
        image = yield from image_bytes_flow(known)
    path = yield from PRESETS.find_route(known)
    yield from send_preset_flow(patch, path, data, image)
    # This answer says where the image was before a first one was stored.
    return (yield from PRESETS.get(known))


def image_bytes_flow(preset: StylePresetLike) -> Flow[bytes]:
    """The image of one."""
    path = yield from PRESETS.find_route(preset)
    return (yield from read_whole(get(f"{path}/image")))


def find_image_flow(preset: StylePresetLike) -> Flow[Optional[bytes]]:
    """The image of one; None when it has none."""
    found = yield from PRESETS.get(preset)
    if found.image is None:
        # The server fails over the image of a preset without one.
        return None
    return (yield from image_bytes_flow(found))


def export_presets_flow(target: PathLike, overwrite: bool = True) -> Flow[Path]:
    """Stream the users' presets into a CSV file.

    In a folder its name has a tag of the server, whose presets have no other name.
    """
    server = (yield from get_shared()).address
    name = f"style_presets-{tag(server)}.csv"
    return (
        yield from save(
            get("/api/v1/style_presets/export"),
            lambda: plan_target(file_in(target, name), name, overwrite),
            overwrite,
        )
    )


def import_presets_flow(source: PathLike) -> Flow[list[StylePreset]]:
    """Send a CSV or JSON file of presets; those that are new afterwards."""
    path = Path(source).expanduser()
    kind = IMPORTED.get(path.suffix.lower())
    if kind is None:
        raise ArgumentError("path", str(source), "a .csv or a .json file")
    before = {preset.id for preset in (yield from PRESETS.list_all())}
    file = yield from run_blocking(lambda: path.open("rb"))
    try:
        part = FilePart("file", path.name, file, kind)
        yield from request_json(post("/api/v1/style_presets/import", files=[part]))
    finally:
        file.close()
    presets = yield from PRESETS.list_all()
    return [preset for preset in presets if preset.id not in before]


@set_module("invokeai_py_client.prompts")
@checks_arguments
class StylePresetRepository(Repository[Runner]):
    """Reads and changes the server's style presets; the GUI says prompt templates."""

    def list_presets(self) -> list[StylePreset]:
        """List the user's own, the public ones, and those of the server."""
        return self._runner.run(PRESETS.list_all())

    def get_preset(self, preset: StylePresetLike) -> StylePreset:
        """Read one.

        Raises:
            NotFoundError: There is none of that id.
            PermissionDeniedError: It belongs to another user.
        """
        return self._runner.run(PRESETS.get(preset))

    def search_presets(self, name: str) -> list[StylePreset]:
        """Find those of a name; names need not be unique.

        Case matters only where one has exactly this name.
        """
        return self._runner.run(find_presets_flow(name))

    def create_preset(
        self,
        name: Name,
        *,
        positive_prompt: str = "{prompt}",
        negative_prompt: str = "",
        is_public: bool = False,
        image: Optional[ImageSource] = None,
    ) -> StylePreset:
        """Make one.

        Args:
            name: Need not be unique.
            positive_prompt: ``{prompt}`` is where the user's prompt goes.
            negative_prompt: Likewise.
            is_public: Let all users see it.
            image: All that `ImageRepository.upload_image` takes.

        Raises:
            ImageFileNotFoundError: There is no such file; nothing was sent.
            ImageError: No image, or one the server cannot read.
        """
        data = {
            "name": name,
            "positive_prompt": positive_prompt,
            "negative_prompt": negative_prompt,
            "type": StylePresetType.USER.value,
            "is_public": is_public,
        }
        return self._runner.run(send_preset_flow(post, PATH, data, image))

    def update_preset(
        self,
        preset: StylePresetLike,
        *,
        name: Optional[Name] = None,
        positive_prompt: Optional[str] = None,
        negative_prompt: Optional[str] = None,
        is_public: Optional[bool] = None,
        image: Optional[ImageSource] = None,
        remove_image: bool = False,
    ) -> StylePreset:
        """Change one; what is None stays as it is, also the image.

        Args:
            preset: The preset, its name or its id.
            name: A new name.
            positive_prompt: ``{prompt}`` is where the user's prompt goes.
            negative_prompt: Likewise.
            is_public: Whether all users see it.
            image: A new one: all that `ImageRepository.upload_image` takes.
            remove_image: Take the image away.

        Returns:
            The preset as it is now.

        Raises:
            ImageError: No image, or one the server cannot read.
            NotFoundError: There is none of that id.
            PermissionDeniedError: It belongs to another user, or to the server.
            ArgumentError: Nothing to change was given.
        """
        if image is not None and remove_image:
            raise ArgumentError("remove_image", True, "False together with an image")
        values = {
            "name": name,
            "positive_prompt": positive_prompt,
            "negative_prompt": negative_prompt,
            "is_public": is_public,
        }
        changes_of({**values, "image": image, "remove_image": remove_image or None})
        return self._runner.run(
            update_preset_flow(preset, drop_none(values), image, remove_image)
        )

    def delete_preset(self, preset: StylePresetLike) -> None:
        """Delete one for good.

        Raises:
            NotFoundError: There is none of that id.
            PermissionDeniedError: It belongs to another user, or to the server.
        """
        return self._runner.run(PRESETS.delete(preset))

    def find_preset_image(self, preset: StylePresetLike) -> Optional[bytes]:
        """Download the image of one, a file of bytes; None when it has none.

        Raises:
            NotFoundError: There is no preset of that id.
        """
        return self._runner.run(find_image_flow(preset))

    def export_presets(self, path: PathLike, *, overwrite: bool = True) -> Path:
        """Save the users' presets as a CSV file; needs an administrator.

        Those of the server and images are not in it.

        Args:
            path: A file, or a folder in which it is called ``style_presets-….csv``,
                with a tag of the server's address.
            overwrite: Replace a file that exists already.

        Raises:
            FileExistsError: The file exists and `overwrite` is False.
        """
        return self._runner.run(export_presets_flow(path, overwrite))

    def import_presets(self, path: PathLike) -> list[StylePreset]:
        """Make presets from a CSV or JSON file; needs an administrator.

        A file has ``name``, ``prompt`` (or ``positive_prompt``) and
        ``negative_prompt`` as columns, or as keys of the objects in a list.
        Importing twice makes them twice.

        Args:
            path: A ``.csv`` or ``.json`` file, in UTF-8.

        Returns:
            Those that are there now and were not before.

        Raises:
            FileNotFoundError: There is no such file; nothing was sent.
            APIStatusError: The server cannot use the file's content; `.detail` says
                why.
            ArgumentError: The name ends otherwise.
        """
        return self._runner.run(import_presets_flow(path))
