"""Models installed on the server."""

from __future__ import annotations

from invokeai_py_client.model.async_model_install import AsyncModelInstallJob
from invokeai_py_client.model.async_model_repo import AsyncModelRepository
from invokeai_py_client.model.model_install import ModelInstallJob
from invokeai_py_client.model.model_repo import ModelRepository
from invokeai_py_client.model.models import InstallStatus, ModelInstall, ModelRecord

__all__ = [
    "AsyncModelInstallJob",
    "AsyncModelRepository",
    "InstallStatus",
    "ModelInstall",
    "ModelInstallJob",
    "ModelRecord",
    "ModelRepository",
]
