"""`ModelUpkeep`: where models come from, and what a server keeps besides records."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Optional, Union

from invokeai_py_client._io.runner import Runner
from invokeai_py_client.image.files import ImageSource
from invokeai_py_client.model import flows, upkeep_flows
from invokeai_py_client.model.flows import ModelKey, key_of, keys_of
from invokeai_py_client.model.models import (
    DeletedOrphans,
    FoundModel,
    HuggingFaceRepository,
    HuggingFaceToken,
    ModelCacheStats,
    OrphanedModel,
    StarterModels,
)

__all__ = ["ModelUpkeep"]


class ModelUpkeep:
    """The part of `ModelRepository` that few programs need."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def list_starter_models(self) -> StarterModels:
        """List models that the server knows where to get.

        The `source` of one is what `install_model` takes.
        """
        return self._runner.run(upkeep_flows.list_starter_models())

    def scan_folder(self, path: Union[str, os.PathLike[str]]) -> list[FoundModel]:
        """Look for models in a folder of the server's machine.

        Raises:
            ModelError: It is no folder there, or cannot be read.
        """
        return self._runner.run(upkeep_flows.scan_folder(os.fspath(path)))

    def get_huggingface_repository(self, name: str) -> HuggingFaceRepository:
        """Ask what can be installed from a HuggingFace repository.

        Args:
            name: Such as ``"owner/name"``.

        Raises:
            ModelError: There is none of that name, or the server has no internet.
        """
        return self._runner.run(upkeep_flows.get_huggingface_repository(name))

    def get_huggingface_token(self) -> HuggingFaceToken:
        """Ask whether the server has a HuggingFace token, and a good one."""
        return self._runner.run(upkeep_flows.get_huggingface_token())

    def set_huggingface_token(self, token: str) -> HuggingFaceToken:
        """Give the server a token, for repositories that need one.

        Returns:
            `HuggingFaceToken.VALID` when HuggingFace accepted it.
        """
        return self._runner.run(upkeep_flows.set_huggingface_token(token))

    def delete_huggingface_token(self) -> HuggingFaceToken:
        """Let the server forget its HuggingFace token."""
        return self._runner.run(upkeep_flows.delete_huggingface_token())

    def get_cover_image(self, model: ModelKey) -> bytes:
        """Download a model's cover image, a small WebP file.

        Raises:
            NotFoundError: There is no such model, or it has no cover.
        """
        return self._runner.run(upkeep_flows.get_cover(key_of(model)))

    def set_cover_image(self, model: ModelKey, image: ImageSource) -> None:
        """Make a picture the cover of a model.

        Args:
            model: Its key or record.
            image: A path, the bytes of a file, or a Pillow image.

        Raises:
            NotFoundError: No model has this key.
            ImageError: The picture cannot be read.
        """
        return self._runner.run(upkeep_flows.set_cover(key_of(model), image))

    def delete_cover_image(self, model: ModelKey) -> None:
        """Remove a model's cover image.

        Raises:
            NotFoundError: It has none.
        """
        return self._runner.run(upkeep_flows.delete_cover(key_of(model)))

    def list_related_models(
        self, models: Union[ModelKey, Sequence[ModelKey]]
    ) -> list[str]:
        """List the keys of the models that go with one model, or with any of several.

        Such relations are made by people; the server does not act on them.

        Raises:
            UnsupportedVersionError: The server is older than 5.15.
        """
        return self._runner.run(flows.related_keys(keys_of(models)))

    def relate_models(self, first: ModelKey, second: ModelKey) -> None:
        """Say that two models go together; saying it twice is fine.

        Raises:
            NotFoundError: There is no such model.
        """
        return self._runner.run(flows.relate_models(key_of(first), key_of(second)))

    def unrelate_models(self, first: ModelKey, second: ModelKey) -> None:
        """Take back that two models go together; fine when nobody had said so."""
        return self._runner.run(flows.unrelate_models(key_of(first), key_of(second)))

    def get_cache_stats(self) -> Optional[ModelCacheStats]:
        """Read how the cache of loaded models does; None before the first load."""
        return self._runner.run(upkeep_flows.get_cache_stats())

    def empty_cache(self) -> None:
        """Free the memory of all models that are not in use right now."""
        return self._runner.run(upkeep_flows.empty_cache())

    def list_orphans(self) -> list[OrphanedModel]:
        """List folders of model files that no installed model uses.

        Raises:
            UnsupportedVersionError: The server is older than 6.12.
        """
        return self._runner.run(upkeep_flows.list_orphans())

    def delete_orphans(
        self, orphans: Sequence[Union[str, OrphanedModel]]
    ) -> DeletedOrphans:
        """Delete such folders for good.

        Args:
            orphans: What `list_orphans` gave, or the paths.

        Returns:
            Which are gone, and why the others are not.
        """
        paths = [item if isinstance(item, str) else item.path for item in orphans]
        return self._runner.run(upkeep_flows.delete_orphans(paths))
