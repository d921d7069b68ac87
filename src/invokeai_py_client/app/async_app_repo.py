# Generated from app_repo.py by scripts/generate_async.py; do not edit.
"""`AsyncAppRepository`: the server as a program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Optional, Union

from invokeai_py_client._core import server_flows
from invokeai_py_client._io.runner import AsyncRunner
from invokeai_py_client.app import flows
from invokeai_py_client.app.models import (
    ExternalProvider,
    ExternalProviderStatus,
    Font,
    GenerationDevice,
    InvocationCache,
    LogLevel,
    RuntimeConfig,
)

__all__ = ["AsyncAppRepository"]


class AsyncAppRepository:
    """Version, settings, log, cache of node results, devices and fonts.

    On a server with several users most of it needs an administrator.

    Args:
        runner: What runs the flows: the client's.
    """

    def __init__(self, runner: AsyncRunner) -> None:
        self._runner = runner

    async def get_version(self) -> str:
        """Read the server's version, such as ``"6.14.2"``.

        Raises:
            APIResponseError: Something answers that is no InvokeAI.
        """
        return await self._runner.run(server_flows.read_version())

    async def get_dependencies(self) -> dict[str, str]:
        """Read the versions of the server's Python packages, and of CUDA."""
        return await self._runner.run(flows.get_dependencies())

    async def is_patchmatch_available(self) -> bool:
        """Ask whether the server can infill with PatchMatch.

        Raises:
            UnsupportedVersionError: The server is older than 6.9.
        """
        return await self._runner.run(flows.is_patchmatch_available())

    async def list_devices(self) -> list[GenerationDevice]:
        """List what jobs can run on.

        Raises:
            UnsupportedVersionError: The server is older than 6.14.
        """
        return await self._runner.run(flows.list_devices())

    async def get_runtime_config(self) -> RuntimeConfig:
        """Read the server's settings; secrets are masked.

        Raises:
            UnsupportedVersionError: The server is older than 5.15.
        """
        return await self._runner.run(flows.get_config())

    async def update_runtime_config(
        self,
        *,
        image_subfolder_strategy: Optional[str] = None,
        generation_devices: Union[str, Sequence[str], None] = None,
        max_queue_history: Union[int, Literal["keep"], None] = "keep",
    ) -> RuntimeConfig:
        """Change settings, also in the server's `invokeai.yaml`.

        Args:
            image_subfolder_strategy: How new images are put into folders:
                ``"flat"``, ``"date"``, ``"type"`` or ``"hash"``.
            generation_devices: ``"auto"`` for all, or devices such as
                ``["cuda:0"]``; takes effect when the server restarts.
            max_queue_history: How many ended jobs are kept when the server starts;
                None keeps all.

        Returns:
            The settings as they are now.

        Raises:
            UnprocessableEntityError: The server refuses a value.
            UnsupportedVersionError: The server is older than 6.13.
        """
        return await self._runner.run(
            flows.update_config(
                image_subfolder_strategy, generation_devices, max_queue_history
            )
        )

    async def list_external_provider_statuses(self) -> list[ExternalProviderStatus]:
        """List the paid services that make images, and which of them can be used.

        Raises:
            UnsupportedVersionError: The server is older than 6.13.
        """
        return await self._runner.run(flows.list_provider_statuses())

    async def list_external_providers(self) -> list[ExternalProvider]:
        """List how the server reaches paid services; keys are not told.

        Raises:
            UnsupportedVersionError: The server is older than 6.13.
        """
        return await self._runner.run(flows.list_providers())

    async def set_external_provider(
        self,
        provider_id: str,
        *,
        api_key: Optional[str] = None,
        base_url: Optional[str] = None,
    ) -> ExternalProvider:
        """Set the key or the address of a paid service; what is None stays.

        Args:
            provider_id: Such as ``"openai"``.
            api_key: An empty text removes the key, and the service's models.
            base_url: An empty text goes back to the service's own address.

        Raises:
            NotFoundError: The server does not know this service.
            UnsupportedVersionError: The server is older than 6.13.
        """
        return await self._runner.run(
            flows.set_provider(provider_id, api_key, base_url)
        )

    async def reset_external_provider(self, provider_id: str) -> ExternalProvider:
        """Forget a paid service's key and address, and remove its models.

        Raises:
            NotFoundError: The server does not know this service.
            UnsupportedVersionError: The server is older than 6.13.
        """
        return await self._runner.run(flows.reset_provider(provider_id))

    async def get_log_level(self) -> LogLevel:
        """Read how much the server logs."""
        return await self._runner.run(flows.get_log_level())

    async def set_log_level(self, level: Union[LogLevel, int, str]) -> LogLevel:
        """Set how much the server logs, until it restarts.

        Args:
            level: Such as `LogLevel.DEBUG`, ``10`` or ``"debug"``.

        Raises:
            ValueError: There is no such level; nothing was sent.
        """
        return await self._runner.run(flows.set_log_level(level))

    async def get_invocation_cache(self) -> InvocationCache:
        """Read how the cache of node results does."""
        return await self._runner.run(flows.get_invocation_cache())

    async def clear_invocation_cache(self) -> None:
        """Forget all node results, so that equal nodes run again."""
        return await self._runner.run(flows.clear_invocation_cache())

    async def enable_invocation_cache(self) -> None:
        """Use the cache of node results (again)."""
        return await self._runner.run(flows.switch_invocation_cache(True))

    async def disable_invocation_cache(self) -> None:
        """Let every node run, also with the same inputs, until the server restarts."""
        return await self._runner.run(flows.switch_invocation_cache(False))

    async def list_fonts(self) -> list[Font]:
        """List the fonts that somebody put into the server's fonts folder.

        Raises:
            UnsupportedVersionError: The server is older than 6.14.
        """
        return await self._runner.run(flows.list_fonts())

    async def get_font(self, path: str) -> bytes:
        """Download a font's file.

        Args:
            path: The `path` of a font or of one of its faces.

        Raises:
            NotFoundError: There is no such file.
            UnsupportedVersionError: The server is older than 6.14.
        """
        return await self._runner.run(flows.get_font(path))
