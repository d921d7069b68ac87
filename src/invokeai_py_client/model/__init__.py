"""Models installed on the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invokeai_py_client._exports import lazy_exports

if TYPE_CHECKING:
    from invokeai_py_client._aio.model_install import (
        AsyncModelInstallJob as AsyncModelInstallJob,
    )
    from invokeai_py_client._aio.model_repo import (
        AsyncModelRepository as AsyncModelRepository,
    )
    from invokeai_py_client.model.model_install import (
        ModelInstallJob as ModelInstallJob,
    )
    from invokeai_py_client.model.model_repo import ModelRepository as ModelRepository
    from invokeai_py_client.model.models import (
        BulkModelResult as BulkModelResult,
        DeletedOrphans as DeletedOrphans,
        FoundModel as FoundModel,
        HuggingFaceRepository as HuggingFaceRepository,
        HuggingFaceToken as HuggingFaceToken,
        InstallStatus as InstallStatus,
        ModelCacheStats as ModelCacheStats,
        ModelInstall as ModelInstall,
        ModelRecord as ModelRecord,
        OrphanedModel as OrphanedModel,
        StarterModel as StarterModel,
        StarterModels as StarterModels,
    )
else:
    _HOMES = {
        "_aio.model_install": "AsyncModelInstallJob",
        "_aio.model_repo": "AsyncModelRepository",
        "model.model_install": "ModelInstallJob",
        "model.model_repo": "ModelRepository",
        "model.models": (
            "BulkModelResult DeletedOrphans FoundModel HuggingFaceRepository "
            "HuggingFaceToken InstallStatus ModelCacheStats ModelInstall "
            "ModelRecord OrphanedModel StarterModel StarterModels"
        ),
    }
    __getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
