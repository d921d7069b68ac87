"""Models installed on the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invokeai_py_client._lazy import lazy_exports

if TYPE_CHECKING:
    from invokeai_py_client.model.async_model_install import AsyncModelInstallJob
    from invokeai_py_client.model.async_model_repo import AsyncModelRepository
    from invokeai_py_client.model.model_install import ModelInstallJob
    from invokeai_py_client.model.model_repo import ModelRepository
    from invokeai_py_client.model.models import InstallStatus, ModelInstall, ModelRecord
else:
    _HOMES = {
        "async_model_install": ("AsyncModelInstallJob",),
        "async_model_repo": ("AsyncModelRepository",),
        "model_install": ("ModelInstallJob",),
        "model_repo": ("ModelRepository",),
        "models": ("InstallStatus", "ModelInstall", "ModelRecord"),
    }
    __getattr__, __dir__ = lazy_exports(__name__, _HOMES)

__all__ = [
    "AsyncModelInstallJob",
    "AsyncModelRepository",
    "InstallStatus",
    "ModelInstall",
    "ModelInstallJob",
    "ModelRecord",
    "ModelRepository",
]
