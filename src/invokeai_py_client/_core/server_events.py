"""Every event by its name, and the types of those that are not about jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from invokeai_py_client._core.events import (
    BatchEnqueuedEvent,
    ConnectionEvent,
    InvocationCompleteEvent,
    InvocationErrorEvent,
    InvocationProgressEvent,
    InvocationStartedEvent,
    JobsCanceledEvent,
    JobsRetriedEvent,
    JobStatusChangedEvent,
    PayloadValue,
    QueueClearedEvent,
    ServerEvent,
    UnknownEvent,
    integer,
    mapping,
    number,
    text,
    truth,
)


class ModelLoadEvent(ServerEvent):
    """A model is being loaded for a node, or is ready.

    ``model_load_started`` and ``model_load_complete`` come also when the model is in
    the server's memory already.

    Attributes:
        config: The model's record.
        key: The model's key.
        model_name: The model's name.
        submodel_type: Which part of it, such as ``"unet"``; None for a whole one.
    """

    shown = ("key", "model_name", "submodel_type")

    config = PayloadValue(mapping)
    key = PayloadValue(text, "config", "key")
    model_name = PayloadValue(text, "config", "name")
    submodel_type = PayloadValue(text)

    @property
    def is_complete(self) -> bool:
        """True when the model is ready."""
        return self.name == "model_load_complete"


def _objects(value: Any) -> tuple[Mapping[str, Any], ...]:
    items = value if isinstance(value, (list, tuple)) else ()
    return tuple(item for item in items if isinstance(item, Mapping))


class ModelInstallEvent(ServerEvent):
    """What happens to an installation, such as ``model_install_started``.

    Attributes:
        job_id: The installation, as `model_repo.get_install` knows it.
        source: Where the model comes from: its `type` and a path, URL or repository.
        local_path: Where the server puts it while it downloads.
        bytes: Downloaded so far.
        total_bytes: To download.
        parts: The files that are downloaded, each with its bytes.
        key: The installed model's key, once it is installed.
        config: The installed model's record, once it is installed.
        error_type: The server's exception class, when it failed.
        error: The server's error message, when it failed.
    """

    shown = ("job_id", "key", "error")

    job_id = PayloadValue(integer, "id")
    source = PayloadValue(mapping)
    local_path = PayloadValue(text)
    bytes = PayloadValue(integer)
    total_bytes = PayloadValue(integer)
    parts = PayloadValue(_objects)
    key = PayloadValue(text)
    config = PayloadValue(mapping)
    error_type = PayloadValue(text)
    error = PayloadValue(text)

    @property
    def is_over(self) -> bool:
        """True when the installation has ended, well or not."""
        return self.name.endswith(("_install_complete", "_error", "_cancelled"))


class DownloadEvent(ServerEvent):
    """What happens to a file that the server downloads, mostly of a model.

    Attributes:
        source: The file's address.
        download_path: Where the server writes it.
        current_bytes: Downloaded so far.
        total_bytes: To download.
        error_type: The server's exception class, when it failed.
        error: The server's error message, when it failed.
    """

    shown = ("source", "current_bytes", "error")

    source = PayloadValue(text)
    download_path = PayloadValue(text)
    current_bytes = PayloadValue(integer)
    total_bytes = PayloadValue(integer)
    error_type = PayloadValue(text)
    error = PayloadValue(text)


class BulkDownloadEvent(ServerEvent):
    """A zip of images is being made, is ready, or could not be made.

    Attributes:
        bulk_download_id: Always ``"default"``.
        bulk_download_item_id: The zip's id.
        bulk_download_item_name: The zip's file name, by which it is fetched.
        error: The server's error message, when it failed.
    """

    shown = ("bulk_download_item_name", "error")

    bulk_download_id = PayloadValue(text)
    bulk_download_item_id = PayloadValue(text)
    bulk_download_item_name = PayloadValue(text)
    error = PayloadValue(text)

    @property
    def is_complete(self) -> bool:
        """True when the zip can be fetched, once."""
        return self.name == "bulk_download_complete"


class WorkflowLibraryEvent(ServerEvent):
    """A workflow of the library was made, changed, deleted, or is no longer shared.

    Attributes:
        workflow_id: The workflow.
        was_public: Whether every user saw it before a change.
    """

    shown = ("workflow_id", "is_public")

    workflow_id = PayloadValue(text)
    was_public = PayloadValue(truth, "old_is_public")

    @property
    def is_public(self) -> Optional[bool]:
        """Whether every user sees it (or saw it, when it was deleted)."""
        values = (self.payload.get(key) for key in ("is_public", "new_is_public"))
        return next((value for value in values if isinstance(value, bool)), None)


class RecallParametersUpdatedEvent(ServerEvent):
    """Somebody sent parameters to the web interface; see `recall_repo`.

    Attributes:
        parameters: The parameters that were sent.
    """

    shown = ("queue_id",)

    parameters = PayloadValue(mapping)


class LanguageModelEvent(ServerEvent):
    """The progress of a language model that writes; see `prompt_repo`.

    Attributes:
        task_id: The `task_id` of the call that started it.
        phase: ``"loading_model"`` or ``"generating"``.
        message: What it is doing.
        percentage: How far it is, from 0 to 1 despite the name; None when unknown.
        current_tokens: How long the text is so far.
        total_tokens: How long it may become.
        error: The server's error message, when it failed.
    """

    shown = ("task_id", "phase", "percentage", "error")

    task_id = PayloadValue(text)
    phase = PayloadValue(text)
    message = PayloadValue(text)
    percentage = PayloadValue(number)
    current_tokens = PayloadValue(integer)
    total_tokens = PayloadValue(integer)
    error = PayloadValue(text)


def _all_named(
    kind: type[ServerEvent], head: str, tails: str
) -> dict[str, type[ServerEvent]]:
    return {f"{head}_{tail}": kind for tail in tails.split()}


_INSTALL_STEPS = "started download_started download_progress downloads_complete"
_ENDS = "complete cancelled error"

EVENT_TYPES: dict[str, type[ServerEvent]] = {
    "connect": ConnectionEvent,
    "disconnect": ConnectionEvent,
    "batch_enqueued": BatchEnqueuedEvent,
    "queue_cleared": QueueClearedEvent,
    "queue_item_status_changed": JobStatusChangedEvent,
    "queue_items_canceled": JobsCanceledEvent,
    "queue_items_retried": JobsRetriedEvent,
    "invocation_started": InvocationStartedEvent,
    "invocation_progress": InvocationProgressEvent,
    "invocation_complete": InvocationCompleteEvent,
    "invocation_error": InvocationErrorEvent,
    "recall_parameters_updated": RecallParametersUpdatedEvent,
    **_all_named(ModelLoadEvent, "model_load", "started complete"),
    **_all_named(ModelInstallEvent, "model_install", f"{_INSTALL_STEPS} {_ENDS}"),
    **_all_named(DownloadEvent, "download", f"started progress paused {_ENDS}"),
    **_all_named(BulkDownloadEvent, "bulk_download", "started complete error"),
    **_all_named(
        WorkflowLibraryEvent, "workflow", "created updated deleted access_revoked"
    ),
    **_all_named(LanguageModelEvent, "llm_task", "progress complete error"),
}
"""The class of each event; add to it to type more."""


def parse_event(name: str, payload: Mapping[str, Any]) -> ServerEvent:
    """Give an event its class; one without a class is an `UnknownEvent`."""
    return EVENT_TYPES.get(name, UnknownEvent)(name, payload)
