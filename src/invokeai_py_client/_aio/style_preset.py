# Generated from prompts/style_preset.py by scripts/generate_async.py; do not edit.
"""`AsyncStylePresetRepository`: prompt templates."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

from invokeai_py_client._arguments import (
    Name,
    PathLike,
    checks_arguments,
)
from invokeai_py_client._core.send import (
    changes_of,
    drop_none,
    post,
)
from invokeai_py_client._exports import set_module
from invokeai_py_client._io.runner import AsyncRunner
from invokeai_py_client._objects.handle import Repository
from invokeai_py_client.exceptions import ArgumentError
from invokeai_py_client.image.sources import ImageSource
from invokeai_py_client.prompts.style_preset import (
    PATH,
    PRESETS,
    StylePreset,
    StylePresetLike,
    StylePresetType,
    export_presets_flow,
    find_image_flow,
    find_presets_flow,
    import_presets_flow,
    send_preset_flow,
    update_preset_flow,
)

"""A style preset, its name or its id."""


@set_module("invokeai_py_client.prompts")
@checks_arguments
class AsyncStylePresetRepository(Repository[AsyncRunner]):
    """Reads and changes the server's style presets; the GUI says prompt templates."""

    async def list_presets(self) -> list[StylePreset]:
        """List the user's own, the public ones, and those of the server."""
        return await self._runner.run(PRESETS.list_all())

    async def get_preset(self, preset: StylePresetLike) -> StylePreset:
        """Read one.

        Raises:
            NotFoundError: There is none of that id.
            PermissionDeniedError: It belongs to another user.
        """
        return await self._runner.run(PRESETS.get(preset))

    async def search_presets(self, name: str) -> list[StylePreset]:
        """Find those of a name; names need not be unique.

        Case matters only where one has exactly this name.
        """
        return await self._runner.run(find_presets_flow(name))

    async def create_preset(
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
            image: All that `AsyncImageRepository.upload_image` takes.

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
        return await self._runner.run(send_preset_flow(post, PATH, data, image))

    async def update_preset(
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
            image: A new one: all that `AsyncImageRepository.upload_image` takes.
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
        return await self._runner.run(
            update_preset_flow(preset, drop_none(values), image, remove_image)
        )

    async def delete_preset(self, preset: StylePresetLike) -> None:
        """Delete one for good.

        Raises:
            NotFoundError: There is none of that id.
            PermissionDeniedError: It belongs to another user, or to the server.
        """
        return await self._runner.run(PRESETS.delete(preset))

    async def find_preset_image(self, preset: StylePresetLike) -> Optional[bytes]:
        """Download the image of one, a file of bytes; None when it has none.

        Raises:
            NotFoundError: There is no preset of that id.
        """
        return await self._runner.run(find_image_flow(preset))

    async def export_presets(self, path: PathLike, *, overwrite: bool = True) -> Path:
        """Save the users' presets as a CSV file; needs an administrator.

        Those of the server and images are not in it.

        Args:
            path: A file, or a folder in which it is called ``style_presets-….csv``,
                with a tag of the server's address.
            overwrite: Replace a file that exists already.

        Raises:
            FileExistsError: The file exists and `overwrite` is False.
        """
        return await self._runner.run(export_presets_flow(path, overwrite))

    async def import_presets(self, path: PathLike) -> list[StylePreset]:
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
        return await self._runner.run(import_presets_flow(path))
