"""Events about other things than jobs: models, downloads, workflows, texts.

Importing this module adds them to `events.EVENT_TYPES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Optional

from invokeai_py_client._core.events import EVENT_TYPES, ServerEvent

__all__ = [
    "BulkDownloadEvent",
    "DownloadEvent",
    "LanguageModelEvent",
    "ModelInstallEvent",
    "ModelLoadEvent",
    "RecallParametersUpdatedEvent",
    "WorkflowLibraryEvent",
]


class ModelLoadEvent(ServerEvent):
    """A model is being loaded for a node, or is ready.

    ``model_load_started`` and ``model_load_complete`` come also when the model is in
    the server's memory already.
    """

    shown: ClassVar[tuple[str, ...]] = ("key", "model_name", "submodel_type")

    @property
    def config(self) -> Mapping[str, Any]:
        """The model's record."""
        return self._mapping("config")

    @property
    def key(self) -> Optional[str]:
        """The model's key."""
        value = self.config.get("key")
        return value if isinstance(value, str) else None

    @property
    def model_name(self) -> Optional[str]:
        """The model's name."""
        value = self.config.get("name")
        return value if isinstance(value, str) else None

    @property
    def submodel_type(self) -> Optional[str]:
        """Which part of it, such as ``"unet"``; None for a whole one."""
        return self._text("submodel_type")

    @property
    def is_complete(self) -> bool:
        """True when the model is ready."""
        return self.name == "model_load_complete"


class ModelInstallEvent(ServerEvent):
    """An installation came forward, such as ``model_install_started``."""

    shown: ClassVar[tuple[str, ...]] = ("job_id", "key", "error")

    @property
    def job_id(self) -> Optional[int]:
        """The installation, as `model_repo.get_install` knows it."""
        return self._integer("id")

    @property
    def source(self) -> Mapping[str, Any]:
        """Where the model comes from: its `type` and a path, URL or repository."""
        return self._mapping("source")

    @property
    def local_path(self) -> Optional[str]:
        """Where the server puts it while it downloads."""
        return self._text("local_path")

    @property
    def bytes(self) -> Optional[int]:
        """Downloaded so far."""
        return self._integer("bytes")

    @property
    def total_bytes(self) -> Optional[int]:
        """To download."""
        return self._integer("total_bytes")

    @property
    def parts(self) -> tuple[Mapping[str, Any], ...]:
        """The files that are downloaded, each with its bytes."""
        value = self.payload.get("parts")
        if not isinstance(value, (list, tuple)):
            return ()
        return tuple(part for part in value if isinstance(part, Mapping))

    @property
    def key(self) -> Optional[str]:
        """The installed model's key, once it is installed."""
        return self._text("key")

    @property
    def config(self) -> Mapping[str, Any]:
        """The installed model's record, once it is installed."""
        return self._mapping("config")

    @property
    def error_type(self) -> Optional[str]:
        """The server's exception class, when it failed."""
        return self._text("error_type")

    @property
    def error(self) -> Optional[str]:
        """The server's words, when it failed."""
        return self._text("error")

    @property
    def is_over(self) -> bool:
        """True when the installation has ended, well or not."""
        return self.name in _INSTALL_ENDS


_INSTALL_ENDS = frozenset(
    {"model_install_complete", "model_install_error", "model_install_cancelled"}
)


class DownloadEvent(ServerEvent):
    """A file that the server downloads came forward, mostly of a model."""

    shown: ClassVar[tuple[str, ...]] = ("source", "current_bytes", "error")

    @property
    def source(self) -> Optional[str]:
        """The file's address."""
        return self._text("source")

    @property
    def download_path(self) -> Optional[str]:
        """Where the server writes it."""
        return self._text("download_path")

    @property
    def current_bytes(self) -> Optional[int]:
        """Downloaded so far."""
        return self._integer("current_bytes")

    @property
    def total_bytes(self) -> Optional[int]:
        """To download."""
        return self._integer("total_bytes")

    @property
    def error_type(self) -> Optional[str]:
        """The server's exception class, when it failed."""
        return self._text("error_type")

    @property
    def error(self) -> Optional[str]:
        """The server's words, when it failed."""
        return self._text("error")


class BulkDownloadEvent(ServerEvent):
    """A zip of images is being made, is ready, or could not be made."""

    shown: ClassVar[tuple[str, ...]] = ("bulk_download_item_name", "error")

    @property
    def bulk_download_id(self) -> Optional[str]:
        """Always ``"default"``."""
        return self._text("bulk_download_id")

    @property
    def bulk_download_item_id(self) -> Optional[str]:
        """The zip's id."""
        return self._text("bulk_download_item_id")

    @property
    def bulk_download_item_name(self) -> Optional[str]:
        """The zip's file name, by which it is fetched."""
        return self._text("bulk_download_item_name")

    @property
    def error(self) -> Optional[str]:
        """The server's words, when it failed."""
        return self._text("error")

    @property
    def is_complete(self) -> bool:
        """True when the zip can be fetched, once."""
        return self.name == "bulk_download_complete"


class WorkflowLibraryEvent(ServerEvent):
    """A workflow of the library was made, changed, deleted, or is shared no more."""

    shown: ClassVar[tuple[str, ...]] = ("workflow_id", "is_public")

    @property
    def workflow_id(self) -> Optional[str]:
        """The workflow."""
        return self._text("workflow_id")

    @property
    def is_public(self) -> Optional[bool]:
        """Whether every user sees it (or saw it, when it was deleted)."""
        for key in ("is_public", "new_is_public"):
            value = self.payload.get(key)
            if isinstance(value, bool):
                return value
        return None

    @property
    def was_public(self) -> Optional[bool]:
        """Whether every user saw it before a change."""
        value = self.payload.get("old_is_public")
        return value if isinstance(value, bool) else None


class RecallParametersUpdatedEvent(ServerEvent):
    """Somebody sent parameters to the web interface; see `recall_repo`."""

    shown: ClassVar[tuple[str, ...]] = ("queue_id",)

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The parameters that were sent."""
        return self._mapping("parameters")


class LanguageModelEvent(ServerEvent):
    """A text that a language model writes came forward; see `prompt_repo`."""

    shown: ClassVar[tuple[str, ...]] = ("task_id", "phase", "percentage", "error")

    @property
    def task_id(self) -> Optional[str]:
        """What the call that started it gave as `task_id`."""
        return self._text("task_id")

    @property
    def phase(self) -> Optional[str]:
        """``"loading_model"`` or ``"generating"``."""
        return self._text("phase")

    @property
    def message(self) -> Optional[str]:
        """What it is doing."""
        return self._text("message")

    @property
    def percentage(self) -> Optional[float]:
        """How far it is, from 0 to 1 whatever the name says; None when unknown."""
        return self._number("percentage")

    @property
    def current_tokens(self) -> Optional[int]:
        """How long the text is so far."""
        return self._integer("current_tokens")

    @property
    def total_tokens(self) -> Optional[int]:
        """How long it may become."""
        return self._integer("total_tokens")

    @property
    def error(self) -> Optional[str]:
        """The server's words, when it failed."""
        return self._text("error")


def _named(kind: type[ServerEvent], head: str, *tails: str) -> None:
    EVENT_TYPES.update({f"{head}_{tail}": kind for tail in tails})


_named(ModelLoadEvent, "model_load", "started", "complete")
_named(
    ModelInstallEvent,
    "model_install",
    "started",
    "download_started",
    "download_progress",
    "downloads_complete",
    "complete",
    "cancelled",
    "error",
)
_named(
    DownloadEvent,
    "download",
    "started",
    "progress",
    "paused",
    "complete",
    "cancelled",
    "error",
)
_named(BulkDownloadEvent, "bulk_download", "started", "complete", "error")
_named(
    WorkflowLibraryEvent, "workflow", "created", "updated", "deleted", "access_revoked"
)
_named(RecallParametersUpdatedEvent, "recall", "parameters_updated")
_named(LanguageModelEvent, "llm_task", "progress", "complete", "error")
