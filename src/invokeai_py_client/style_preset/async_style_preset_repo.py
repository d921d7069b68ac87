# Generated from style_preset_repo.py by scripts/generate_async.py; do not edit.
"""`AsyncStylePresetRepository`: prompt templates."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

from invokeai_py_client._io.runner import AsyncRunner
from invokeai_py_client.image.files import ImageSource, PathLike
from invokeai_py_client.style_preset import flows
from invokeai_py_client.style_preset.models import (
    StylePreset,
    StylePresetLike,
    style_preset_id_of,
)

__all__ = ["AsyncStylePresetRepository"]


class AsyncStylePresetRepository:
    """Reads and changes the server's style presets; the GUI says prompt templates.

    Args:
        runner: What runs the flows: the client's.
    """

    def __init__(self, runner: AsyncRunner) -> None:
        self._runner = runner

    async def list_presets(self) -> list[StylePreset]:
        """List the user's own, the public ones, and those of the server."""
        return await self._runner.run(flows.list_presets())

    async def get_preset(self, preset: StylePresetLike) -> StylePreset:
        """Read one by its id.

        Raises:
            NotFoundError: There is none of that id.
            PermissionDeniedError: It belongs to somebody else.
        """
        return await self._runner.run(flows.get_preset(style_preset_id_of(preset)))

    async def find_presets(self, name: str) -> list[StylePreset]:
        """Find those of a name; names need not be unique.

        Case matters only where one has exactly this name.
        """
        return await self._runner.run(flows.find_presets(name))

    async def create_preset(
        self,
        name: str,
        *,
        positive_prompt: str = "{prompt}",
        negative_prompt: str = "",
        is_public: bool = False,
        image: Optional[ImageSource] = None,
    ) -> StylePreset:
        """Make one.

        Args:
            name: Need not be unique.
            positive_prompt: ``{prompt}`` stands for the user's own prompt.
            negative_prompt: Likewise.
            is_public: Let all users see it.
            image: A picture that stands for it: a path, bytes or a Pillow image.

        Raises:
            ImageFileNotFoundError: There is no such file; nothing was sent.
            ImageError: No picture, or one the server cannot read.
        """
        return await self._runner.run(
            flows.create_preset(
                name,
                positive_prompt,
                negative_prompt,
                is_public=is_public,
                image=image,
            )
        )

    async def update_preset(
        self,
        preset: StylePresetLike,
        *,
        name: Optional[str] = None,
        positive_prompt: Optional[str] = None,
        negative_prompt: Optional[str] = None,
        is_public: Optional[bool] = None,
        image: Optional[ImageSource] = None,
        remove_image: bool = False,
    ) -> StylePreset:
        """Change one; what is None stays as it is, also the picture.

        Args:
            preset: The preset or its id.
            name: A new name.
            positive_prompt: ``{prompt}`` stands for the user's own prompt.
            negative_prompt: Likewise.
            is_public: Whether all users see it.
            image: A new picture: a path, bytes or a Pillow image.
            remove_image: Take the picture away.

        Returns:
            The preset as it is now.

        Raises:
            ImageError: No picture, or one the server cannot read.
            NotFoundError: There is none of that id.
            PermissionDeniedError: It belongs to somebody else, or to the server.
            ValueError: Nothing to change was given.
        """
        return await self._runner.run(
            flows.update_preset(
                style_preset_id_of(preset),
                name=name,
                positive_prompt=positive_prompt,
                negative_prompt=negative_prompt,
                is_public=is_public,
                image=image,
                remove_image=remove_image,
            )
        )

    async def delete_preset(self, preset: StylePresetLike) -> None:
        """Delete one for good.

        Raises:
            NotFoundError: There is none of that id.
            PermissionDeniedError: It belongs to somebody else, or to the server.
        """
        return await self._runner.run(flows.delete_preset(style_preset_id_of(preset)))

    async def find_image(self, preset: StylePresetLike) -> Optional[bytes]:
        """Download the picture of one, a file of bytes; None when it has none.

        Raises:
            NotFoundError: There is no preset of that id.
        """
        return await self._runner.run(flows.find_image(style_preset_id_of(preset)))

    async def export_presets(self, path: PathLike, *, overwrite: bool = True) -> Path:
        """Save the users' presets as a CSV file; needs an administrator.

        Those of the server and pictures are not in it.

        Args:
            path: A file, or a folder in which it is called ``style_presets.csv``.
            overwrite: Replace a file that exists already.

        Raises:
            FileExistsError: The file exists and `overwrite` is False.
        """
        return await self._runner.run(flows.export_presets(path, overwrite))

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
            ValueError: The name ends otherwise.
        """
        return await self._runner.run(flows.import_presets(path))
