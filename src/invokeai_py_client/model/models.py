"""What the server says about its models: frozen snapshots."""

from __future__ import annotations

from typing import Any, ClassVar, Optional

from pydantic import Field

from invokeai_py_client._exports import set_module
from invokeai_py_client._snapshot import OpenEnum, Snapshot


@set_module("invokeai_py_client")
class ModelRecord(Snapshot):
    """A model installed on the server.

    Base, type and format are plain text, because every release of the server adds
    some. Settings that only some kinds of model have are kept in `model_extra`.

    Attributes:
        key: The server's id, the only thing by which a job finds its model.
        hash: Of the files; the same files may be installed twice.
        name: Need not be unique, not even for one base and type.
        base: Architecture, such as ``"sd-1"`` or ``"sdxl"``; ``"any"`` fits all.
        type: What it is, such as ``"main"``, ``"vae"`` or ``"lora"``.
        format: How it is stored, such as ``"diffusers"`` or ``"checkpoint"``.
        path: On the server; relative paths are inside its models folder.
        file_size: Bytes.
        trigger_phrases: Words that a prompt needs for it to work.
    """

    _SET: ClassVar[str] = "model_repo.update_model(model, …) changes it on the server"

    key: str = Field(min_length=1)
    hash: str = ""
    name: str = ""
    base: str = "unknown"
    type: str = "unknown"
    format: Optional[str] = None
    path: Optional[str] = None
    description: Optional[str] = None
    file_size: Optional[int] = None
    source: Optional[str] = None
    source_type: Optional[str] = None
    cover_image: Optional[str] = None
    variant: Optional[str] = None
    prediction_type: Optional[str] = None
    trigger_phrases: Optional[list[str]] = None
    default_settings: Optional[dict[str, Any]] = None

    def identifier(self) -> dict[str, str]:
        """The model as a workflow's model input holds it."""
        return {
            "key": self.key,
            "hash": self.hash,
            "name": self.name,
            "base": self.base,
            "type": self.type,
        }

    def describe(self) -> str:
        """Name, base, type and key in one line, for messages."""
        return f"{self.name!r} ({self.base} {self.type}, key {self.key})"


@set_module("invokeai_py_client.model")
class InstallStatus(OpenEnum):
    """The state of an installation; values unknown today are not terminal."""

    WAITING = "waiting"
    DOWNLOADING = "downloading"
    DOWNLOADS_DONE = "downloads_done"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    ERROR = "error"
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        """True when the installation will not go on by itself."""
        return self in _ENDED


_ENDED = frozenset(
    {InstallStatus.COMPLETED, InstallStatus.ERROR, InstallStatus.CANCELLED}
)


@set_module("invokeai_py_client.model")
class ModelInstall(Snapshot):
    """An installation at the moment it was read.

    Attributes:
        id: The server's number; numbers start at 0 again when it restarts, which
            also forgets the installations.
        bytes: Downloaded so far.
        total_bytes: To download; 0 when unknown.
        error_reason: The server's exception class; None unless it failed.
        error: The server's words; None unless it failed.
        config_out: The model's record once the installation has completed.
    """

    id: int
    status: InstallStatus = InstallStatus.WAITING
    bytes: int = 0
    total_bytes: int = 0
    error_reason: Optional[str] = None
    error: Optional[str] = None
    error_traceback: Optional[str] = None
    source: Optional[dict[str, Any]] = None
    config_out: Optional[dict[str, Any]] = None
    local_path: Optional[str] = None
    download_parts: list[dict[str, Any]] = Field(default_factory=list)

    @property
    def fraction(self) -> Optional[float]:
        """How much is downloaded, from 0 to 1; None when the size is not known."""
        if self.total_bytes <= 0:
            return None
        return min(self.bytes / self.total_bytes, 1.0)


class FailedModel(Snapshot):
    """A model of several that could not be changed, and why."""

    key: str = ""
    error: str = ""


@set_module("invokeai_py_client.model")
class BulkModelResult(Snapshot):
    """What became of several models.

    Attributes:
        done: Keys of those that were deleted or identified.
        failed: The others, unknown keys included.
    """

    done: list[str] = Field(default_factory=list)
    failed: list[FailedModel] = Field(default_factory=list)


@set_module("invokeai_py_client.model")
class FoundModel(Snapshot):
    """A file or folder on the server's machine that may be a model."""

    path: str
    is_installed: bool = False


@set_module("invokeai_py_client.model")
class HuggingFaceRepository(Snapshot):
    """What a HuggingFace repository offers.

    Attributes:
        urls: Its single-file models, each to be installed by its URL; None when the
            server does not say.
        is_diffusers: True when the repository as a whole is a model.
    """

    urls: Optional[list[str]] = None
    is_diffusers: bool = False


@set_module("invokeai_py_client.model")
class HuggingFaceToken(OpenEnum):
    """What the server knows of its HuggingFace token.

    `UNKNOWN` means that it could not be checked, such as without internet.
    """

    VALID = "valid"
    INVALID = "invalid"
    UNKNOWN = "unknown"


@set_module("invokeai_py_client.model")
class StarterModel(Snapshot):
    """A model that the server knows where to get.

    Attributes:
        source: What `install_model` takes.
        dependencies: Other models that it needs and that are not installed yet.
    """

    name: str
    source: str
    description: str = ""
    base: str = "unknown"
    type: str = "unknown"
    format: Optional[str] = None
    variant: Optional[str] = None
    is_installed: bool = False
    dependencies: Optional[list[StarterModel]] = None


class StarterBundle(Snapshot):
    """Starter models that belong together."""

    name: str
    models: list[StarterModel] = Field(default_factory=list)


@set_module("invokeai_py_client.model")
class StarterModels(Snapshot):
    """The models and bundles a server knows where to get.

    Attributes:
        starter_bundles: By the name of their base, such as ``"sdxl"``.
    """

    starter_models: list[StarterModel] = Field(default_factory=list)
    starter_bundles: dict[str, StarterBundle] = Field(default_factory=dict)


@set_module("invokeai_py_client.model")
class ModelCacheStats(Snapshot):
    """The cache of loaded models, in memory, over all devices.

    Attributes:
        in_cache: Models in the cache.
        cache_size: Bytes it may take.
        high_watermark: Most bytes it ever took.
        cleared: Models that were thrown out.
        loaded_model_sizes: Bytes by model.
    """

    hits: int = 0
    misses: int = 0
    high_watermark: int = 0
    in_cache: int = 0
    cleared: int = 0
    cache_size: int = 0
    loaded_model_sizes: dict[str, int] = Field(default_factory=dict)


@set_module("invokeai_py_client.model")
class OrphanedModel(Snapshot):
    """A folder of model files that no installed model uses.

    Attributes:
        path: Relative to the server's models folder; what `delete_orphans` takes.
        size_bytes: Of all its files together.
    """

    path: str
    absolute_path: str = ""
    files: list[str] = Field(default_factory=list)
    size_bytes: int = 0


@set_module("invokeai_py_client.model")
class DeletedOrphans(Snapshot):
    """Which orphaned folders are gone.

    Attributes:
        errors: Why the others are not, by path.
    """

    deleted: list[str] = Field(default_factory=list)
    errors: dict[str, str] = Field(default_factory=dict)
