"""`AppRepository`: the server as a program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Optional, Union
from urllib.parse import quote

from invokeai_py_client._arguments import (
    Count,
    Kind,
    Name,
    NotAllowedError,
    checks_arguments,
    whole_number,
)
from invokeai_py_client._core.messages import RetryRule
from invokeai_py_client._core.send import (
    call_bytes,
    call_field,
    call_model,
    changes_of,
    delete,
    drop_none,
    get,
    learn_version,
    patch,
    post,
    put,
    request_json,
    route,
)
from invokeai_py_client._exports import set_module
from invokeai_py_client._io.runner import Runner
from invokeai_py_client._objects.handle import Repository
from invokeai_py_client.admin.app_models import (
    ExternalProvider,
    ExternalProviderStatus,
    Font,
    GenerationDevice,
    InvocationCache,
    LogLevel,
    RuntimeConfig,
)

CONFIG = "/api/v1/app/runtime_config"
DEVICES = "/api/v1/app/generation_device_options"
PROVIDERS = "/api/v1/app/external_providers/config"
PROVIDER_STATUSES = "/api/v1/app/external_providers/status"
PROVIDER = PROVIDERS + "/{}"
LOGGING = "/api/v1/app/logging"
CACHE = "/api/v1/app/invocation_cache"
FONTS = "/api/v1/utilities/fonts"


def _log_level(value: Any) -> LogLevel:
    try:
        if isinstance(value, str):
            return LogLevel[value.upper()]
        return LogLevel(whole_number().convert(value))
    except (KeyError, ValueError):
        raise NotAllowedError from None


_LEVELS = " or ".join(f'"{level.name.lower()}"' for level in LogLevel)
Level = Annotated[
    Union[LogLevel, int, str], Kind(f"{_LEVELS}, or a LogLevel", _log_level)
]


@set_module("invokeai_py_client.admin")
@checks_arguments
class AppRepository(Repository[Runner]):
    """Version, settings, log, cache of node results, devices and fonts.

    On a server with several users most of it needs an administrator.
    """

    def get_version(self) -> str:
        """Read the server's version, such as ``"6.14.2"``.

        Raises:
            APIResponseError: Something answers that is not InvokeAI.
        """
        return self._runner.run(learn_version(again=True))

    def get_dependencies(self) -> dict[str, str]:
        """Read the versions of the server's Python packages, and of CUDA."""
        return self._runner.run(call_model(dict[str, str], get("/api/v1/app/app_deps")))

    def is_patchmatch_available(self) -> bool:
        """Ask whether the server can infill with PatchMatch.

        Raises:
            UnsupportedVersionError: The server is older than 6.9.
        """
        return self._runner.run(call_model(bool, get("/api/v1/app/patchmatch_status")))

    def list_devices(self) -> list[GenerationDevice]:
        """List what jobs can run on.

        Raises:
            UnsupportedVersionError: The server is older than 6.14.
        """
        return self._runner.run(call_model(list[GenerationDevice], get(DEVICES)))

    def get_runtime_config(self) -> RuntimeConfig:
        """Read the server's settings; secrets are masked.

        Raises:
            UnsupportedVersionError: The server is older than 5.15.
        """
        return self._runner.run(call_model(RuntimeConfig, get(CONFIG)))

    def update_runtime_config(
        self,
        *,
        image_subfolder_strategy: Optional[Name] = None,
        generation_devices: Union[Name, Sequence[Name], None] = None,
        max_queue_history: Union[Count, Literal["keep"], None] = "keep",
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
        devices = generation_devices
        if isinstance(devices, str) and devices != "auto":
            devices = [devices]
        values = {
            "image_subfolder_strategy": image_subfolder_strategy,
            "generation_devices": devices,
        }
        if max_queue_history == "keep":
            changes = changes_of(values)
        else:
            changes = {**drop_none(values), "max_queue_history": max_queue_history}
        return self._runner.run(call_model(RuntimeConfig, patch(CONFIG, json=changes)))

    def list_external_provider_statuses(self) -> list[ExternalProviderStatus]:
        """List the paid services that make images, and which of them can be used.

        Raises:
            UnsupportedVersionError: The server is older than 6.13.
        """
        return self._runner.run(
            call_model(list[ExternalProviderStatus], get(PROVIDER_STATUSES))
        )

    def list_external_providers(self) -> list[ExternalProvider]:
        """List how the server reaches paid services; without the keys.

        Raises:
            UnsupportedVersionError: The server is older than 6.13.
        """
        return self._runner.run(call_model(list[ExternalProvider], get(PROVIDERS)))

    def set_external_provider(
        self,
        provider_id: Name,
        *,
        api_key: Optional[str] = None,
        base_url: Optional[str] = None,
    ) -> ExternalProvider:
        """Set the key or the address of a paid service; what is None stays.

        Args:
            provider_id: Such as ``"openai"``.
            api_key: An empty string removes the key, and the service's models.
            base_url: An empty string goes back to the service's own address.

        Raises:
            NotFoundError: The server does not know this service.
            UnsupportedVersionError: The server is older than 6.13.
        """
        changes = changes_of({"api_key": api_key, "base_url": base_url})
        # The same values again change nothing.
        request = post(route(PROVIDER, provider_id), json=changes, retry=RetryRule.SAFE)
        return self._runner.run(call_model(ExternalProvider, request))

    def reset_external_provider(self, provider_id: Name) -> ExternalProvider:
        """Forget a paid service's key and address, and remove its models.

        Raises:
            NotFoundError: The server does not know this service.
            UnsupportedVersionError: The server is older than 6.13.
        """
        # Resetting twice is fine and never answered with a 404 for having been done.
        request = delete(route(PROVIDER, provider_id), retry=RetryRule.SAFE)
        return self._runner.run(call_model(ExternalProvider, request))

    def get_log_level(self) -> LogLevel:
        """Read how much the server logs."""
        return self._runner.run(call_model(LogLevel, get(LOGGING)))

    def set_log_level(self, level: Level) -> LogLevel:
        """Set how much the server logs, until it restarts.

        Args:
            level: Such as `LogLevel.DEBUG`, ``10`` or ``"debug"``.

        Raises:
            ArgumentError: There is no such level; nothing was sent.
        """
        request = post(LOGGING, json=int(_log_level(level)), retry=RetryRule.SAFE)
        return self._runner.run(call_model(LogLevel, request))

    def get_invocation_cache(self) -> InvocationCache:
        """Read the statistics of the cache of node results."""
        return self._runner.run(call_model(InvocationCache, get(CACHE + "/status")))

    def clear_invocation_cache(self) -> None:
        """Forget all node results, so that equal nodes run again."""
        self._runner.run(request_json(delete(CACHE)))

    def enable_invocation_cache(self) -> None:
        """Use the cache of node results (again)."""
        request = put(f"{CACHE}/enable", retry=RetryRule.SAFE)
        self._runner.run(request_json(request))

    def disable_invocation_cache(self) -> None:
        """Let every node run, also with the same inputs, until the server restarts."""
        request = put(f"{CACHE}/disable", retry=RetryRule.SAFE)
        self._runner.run(request_json(request))

    def list_fonts(self) -> list[Font]:
        """List the fonts in the server's fonts folder.

        Raises:
            UnsupportedVersionError: The server is older than 6.14.
        """
        return self._runner.run(call_field(list[Font], get(FONTS), "fonts"))

    def get_font(self, path: Name) -> bytes:
        """Download a font's file.

        Args:
            path: The `path` of a font or of one of its faces.

        Raises:
            NotFoundError: There is no such file.
            UnsupportedVersionError: The server is older than 6.14.
        """
        # The server fails over fonts that it should compress.
        request = get(f"{FONTS}/{quote(path, safe='/')}", identity=True)
        return self._runner.run(call_bytes(request))
