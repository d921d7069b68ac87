"""What can be asked of the server as a program, and set, as flows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Optional, Union
from urllib.parse import quote

from invokeai_py_client._core.decode import parse
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.messages import RetryRule
from invokeai_py_client._core.send import (
    call,
    call_bytes,
    call_model,
    delete,
    get,
    given,
    patch,
    post,
    put,
    route,
)
from invokeai_py_client.app.models import (
    ExternalProvider,
    ExternalProviderStatus,
    Font,
    GenerationDevice,
    InvocationCache,
    LogLevel,
    RuntimeConfig,
)

CONFIG = "/api/v1/app/runtime_config"
PROVIDER = "/api/v1/app/external_providers/config/{}"
LOGGING = "/api/v1/app/logging"
CACHE = "/api/v1/app/invocation_cache"
FONTS = "/api/v1/utilities/fonts"


def get_dependencies() -> Flow[dict[str, str]]:
    """The Python packages of the server, by name, with their versions."""
    return (yield from call_model(dict[str, str], get("/api/v1/app/app_deps")))


def is_patchmatch_available() -> Flow[bool]:
    """True when the server can infill with PatchMatch."""
    return (yield from call_model(bool, get("/api/v1/app/patchmatch_status")))


def list_devices() -> Flow[list[GenerationDevice]]:
    """What jobs can run on."""
    request = get("/api/v1/app/generation_device_options")
    return (yield from call_model(list[GenerationDevice], request))


def get_config() -> Flow[RuntimeConfig]:
    """The server's settings."""
    return (yield from call_model(RuntimeConfig, get(CONFIG)))


def update_config(
    subfolders: Optional[str],
    devices: Union[str, Sequence[str], None],
    history: Union[int, Literal["keep"], None],
) -> Flow[RuntimeConfig]:
    """Change settings, also in the server's `invokeai.yaml`."""
    changes: dict[str, Any] = {}
    if subfolders is not None:
        changes["image_subfolder_strategy"] = subfolders
    if isinstance(devices, str):
        changes["generation_devices"] = "auto" if devices == "auto" else [devices]
    elif devices is not None:
        changes["generation_devices"] = list(devices)
    if history != "keep":
        changes["max_queue_history"] = history
    if not changes:
        raise ValueError("update_runtime_config needs something to change")
    return (yield from call_model(RuntimeConfig, patch(CONFIG, json=changes)))


def list_provider_statuses() -> Flow[list[ExternalProviderStatus]]:
    """Which paid services the server can use."""
    request = get("/api/v1/app/external_providers/status")
    return (yield from call_model(list[ExternalProviderStatus], request))


def list_providers() -> Flow[list[ExternalProvider]]:
    """How the server reaches paid services."""
    request = get("/api/v1/app/external_providers/config")
    return (yield from call_model(list[ExternalProvider], request))


def set_provider(
    provider_id: str, api_key: Optional[str], base_url: Optional[str]
) -> Flow[ExternalProvider]:
    """Set the key or address of a paid service."""
    changes = given({"api_key": api_key, "base_url": base_url})
    if not changes:
        raise ValueError("set_external_provider needs api_key= or base_url=")
    # The same values again change nothing.
    request = post(route(PROVIDER, provider_id), json=changes, retry=RetryRule.SAFE)
    return (yield from call_model(ExternalProvider, request))


def reset_provider(provider_id: str) -> Flow[ExternalProvider]:
    """Forget a paid service's key and address, and remove its models."""
    # Resetting twice is fine and never answered with a 404 for having been done.
    request = delete(route(PROVIDER, provider_id), retry=RetryRule.SAFE)
    return (yield from call_model(ExternalProvider, request))


def get_log_level() -> Flow[LogLevel]:
    """How much the server logs."""
    return (yield from call_model(LogLevel, get(LOGGING)))


def set_log_level(level: Union[int, str]) -> Flow[LogLevel]:
    """Set how much the server logs until it restarts."""
    request = post(LOGGING, json=int(log_level(level)), retry=RetryRule.SAFE)
    return (yield from call_model(LogLevel, request))


def log_level(level: Union[int, str]) -> LogLevel:
    """Read a level's number or name.

    Raises:
        ValueError: It is none of the server's levels.
    """
    names = [item.name.lower() for item in LogLevel]
    if isinstance(level, str):
        if level.lower() not in names:
            raise ValueError(f"no log level is called {level!r}; there are {names}")
        return LogLevel[level.upper()]
    return LogLevel(level)


def get_invocation_cache() -> Flow[InvocationCache]:
    """The cache of node results."""
    return (yield from call_model(InvocationCache, get(CACHE + "/status")))


def clear_invocation_cache() -> Flow[None]:
    """Forget all results."""
    yield from call(delete(CACHE))


def switch_invocation_cache(on: bool) -> Flow[None]:
    """Switch the cache on or off until the server restarts."""
    verb = "enable" if on else "disable"
    yield from call(put(f"{CACHE}/{verb}", retry=RetryRule.SAFE))


def list_fonts() -> Flow[list[Font]]:
    """The fonts in the server's fonts folder."""
    data = parse(dict[str, Any], (yield from call(get(FONTS))))
    return parse(list[Font], data.get("fonts"))


def get_font(path: str) -> Flow[bytes]:
    """A font's file; `path` may name a folder below the fonts folder."""
    # The server fails over fonts that it should compress.
    request = get(f"{FONTS}/{quote(path, safe='/')}", identity=True)
    return (yield from call_bytes(request))
