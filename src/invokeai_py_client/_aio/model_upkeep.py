# Generated from model/model_upkeep.py by scripts/generate_async.py; do not edit.
"""`AsyncModelUpkeep`: where models come from, and what a server keeps besides records."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Optional, Union

from invokeai_py_client._arguments import Name, PathLike, checks_arguments
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.send import call_model, delete, get, post, request_json
from invokeai_py_client._io.runner import AsyncRunner
from invokeai_py_client._objects.handle import Repository
from invokeai_py_client.image.sources import ImageSource
from invokeai_py_client.model import flows, upkeep_flows
from invokeai_py_client.model.lookup import ModelLike, many
from invokeai_py_client.model.model_upkeep import HF_LOGIN, ORPHANED
from invokeai_py_client.model.models import (
    DeletedOrphans,
    FoundModel,
    HuggingFaceRepository,
    HuggingFaceToken,
    ModelCacheStats,
    OrphanedModel,
    StarterModels,
)


@checks_arguments
class AsyncModelUpkeep(Repository[AsyncRunner]):
    """The part of `AsyncModelRepository` that few programs need."""

    async def get_starter_models(self) -> StarterModels:
        """List models that the server knows where to get.

        The `source` of one is what `install_model` takes.
        """
        request = get("/api/v2/models/starter_models")
        return await self._runner.run(call_model(StarterModels, request))

    async def scan_folder(self, path: PathLike) -> list[FoundModel]:
        """Look for models in a folder of the server's machine.

        Raises:
            ModelError: It is not a folder there, or cannot be read.
        """
        return await self._runner.run(upkeep_flows.scan_folder(os.fspath(path)))

    async def get_huggingface_repository(self, name: Name) -> HuggingFaceRepository:
        """Ask what can be installed from a HuggingFace repository.

        Args:
            name: Such as ``"owner/name"``.

        Raises:
            ModelError: There is none of that name, or the server has no internet.
        """
        return await self._runner.run(upkeep_flows.get_huggingface_repository(name))

    async def get_huggingface_token(self) -> HuggingFaceToken:
        """Ask whether the server has a HuggingFace token, and a good one."""
        return await self._runner.run(call_model(HuggingFaceToken, get(HF_LOGIN)))

    async def set_huggingface_token(self, token: Name) -> HuggingFaceToken:
        """Give the server a token, for repositories that need one.

        Returns:
            `HuggingFaceToken.VALID` when HuggingFace accepted it.
        """
        request = post(HF_LOGIN, json={"token": token})
        return await self._runner.run(call_model(HuggingFaceToken, request))

    async def delete_huggingface_token(self) -> HuggingFaceToken:
        """Let the server forget its HuggingFace token."""
        return await self._runner.run(call_model(HuggingFaceToken, delete(HF_LOGIN)))

    async def get_cover_image(self, model: ModelLike) -> bytes:
        """Download a model's cover image, a small WebP file.

        Raises:
            NotFoundError: There is no such model, or it has no cover.
        """
        return await self._runner.run(upkeep_flows.get_cover(model))

    async def set_cover_image(self, model: ModelLike, image: ImageSource) -> None:
        """Make an image the cover of a model.

        Args:
            model: The model, its name or its key.
            image: All that `AsyncImageRepository.upload_image` takes.

        Raises:
            ImageError: The image cannot be read.
        """
        return await self._runner.run(upkeep_flows.set_cover(model, image))

    async def delete_cover_image(self, model: ModelLike) -> None:
        """Remove a model's cover image.

        Raises:
            NotFoundError: It has none.
        """
        return await self._runner.run(upkeep_flows.delete_cover(model))

    async def list_related_model_keys(
        self, models: Union[ModelLike, Sequence[ModelLike]]
    ) -> list[str]:
        """List the keys of the models that go with one model, or with any of several.

        Such relations are made by people; the server does not act on them.

        Raises:
            UnsupportedVersionError: The server is older than 5.15.
        """
        return await self._runner.run(flows.related_keys(many(models)))

    async def relate_models(self, first: ModelLike, second: ModelLike) -> None:
        """Say that two models go together; saying it twice is fine."""
        return await self._runner.run(flows.relate_models(first, second))

    async def unrelate_models(self, first: ModelLike, second: ModelLike) -> None:
        """Take back that two models go together; fine when nobody had said so."""
        return await self._runner.run(flows.unrelate_models(first, second))

    async def find_model_cache_stats(self) -> Optional[ModelCacheStats]:
        """Read how the cache of loaded models does; None before the first load."""
        request = get("/api/v2/models/stats")
        flow: Flow[Optional[ModelCacheStats]]
        flow = call_model(Optional[ModelCacheStats], request)  # type: ignore[arg-type]
        return await self._runner.run(flow)

    async def empty_model_cache(self) -> None:
        """Free the memory of all models that are not in use right now."""
        await self._runner.run(request_json(post("/api/v2/models/empty_model_cache")))

    async def list_orphaned_models(self) -> list[OrphanedModel]:
        """List folders of model files that no installed model uses.

        Raises:
            UnsupportedVersionError: The server is older than 6.12.
        """
        return await self._runner.run(call_model(list[OrphanedModel], get(ORPHANED)))

    async def delete_orphaned_models(
        self, orphans: Sequence[Union[Name, OrphanedModel]]
    ) -> DeletedOrphans:
        """Delete such folders for good.

        Args:
            orphans: What `list_orphaned_models` gave, or the paths.

        Returns:
            Which are gone, and why the others are not.
        """
        paths = [item if isinstance(item, str) else item.path for item in orphans]
        request = delete(ORPHANED, json={"paths": paths})
        return await self._runner.run(call_model(DeletedOrphans, request))
