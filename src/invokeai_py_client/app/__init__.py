"""The server as a program: version, settings, log, caches, devices, fonts."""

from __future__ import annotations

from invokeai_py_client.app.app_repo import AppRepository
from invokeai_py_client.app.async_app_repo import AsyncAppRepository
from invokeai_py_client.app.models import (
    ExternalProvider,
    ExternalProviderStatus,
    Font,
    FontFace,
    GenerationDevice,
    InvocationCache,
    LogLevel,
    RuntimeConfig,
)

__all__ = [
    "AppRepository",
    "AsyncAppRepository",
    "ExternalProvider",
    "ExternalProviderStatus",
    "Font",
    "FontFace",
    "GenerationDevice",
    "InvocationCache",
    "LogLevel",
    "RuntimeConfig",
]
