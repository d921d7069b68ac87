"""Events that are not about jobs: each has a type that reads what came with it."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from invokeai_py_client import events
from invokeai_py_client._core.server_events import parse_event
from invokeai_py_client._core.server_flows import event_names
from invokeai_py_client.events import (
    BulkDownloadEvent,
    DownloadEvent,
    JobEvent,
    JobStatusChangedEvent,
    LanguageModelEvent,
    ModelInstallEvent,
    ModelLoadEvent,
    RecallParametersUpdatedEvent,
    ServerEvent,
    UnknownEvent,
    WorkflowLibraryEvent,
)
from invokeai_py_client.exceptions import ArgumentError

# Every event of InvokeAI 6.14.2 that reaches a client.
SERVER = {
    "batch_enqueued", "queue_cleared", "queue_item_status_changed",
    "queue_items_canceled", "queue_items_retried", "invocation_started",
    "invocation_progress", "invocation_complete", "invocation_error",
    "model_load_started", "model_load_complete", "model_install_started",
    "model_install_download_started", "model_install_download_progress",
    "model_install_downloads_complete", "model_install_complete",
    "model_install_cancelled", "model_install_error", "download_started",
    "download_progress", "download_complete", "download_cancelled",
    "download_paused", "download_error", "bulk_download_started",
    "bulk_download_complete", "bulk_download_error", "workflow_created",
    "workflow_updated", "workflow_deleted", "workflow_access_revoked",
    "llm_task_progress", "llm_task_complete", "llm_task_error",
    "recall_parameters_updated",
}  # fmt: skip

SAMPLES = [
    (
        "model_load_started",
        {"config": {"key": "k", "name": "n"}, "submodel_type": "unet"},
        ModelLoadEvent,
        {"key": "k", "model_name": "n", "submodel_type": "unet", "is_complete": False},
    ),
    (
        "model_install_download_progress",
        {
            "id": 3,
            "source": {"type": "url"},
            "local_path": "/p",
            "bytes": 5,
            "total_bytes": 9,
            "parts": [{"url": "u"}, "odd"],
        },
        ModelInstallEvent,
        {
            "job_id": 3,
            "source": {"type": "url"},
            "local_path": "/p",
            "bytes": 5,
            "total_bytes": 9,
            "parts": ({"url": "u"},),
            "is_over": False,
        },
    ),
    (
        "model_install_error",
        {"id": 3, "error_type": "ValueError", "error": "why"},
        ModelInstallEvent,
        {"error_type": "ValueError", "error": "why", "is_over": True},
    ),
    (
        "model_install_complete",
        {"id": 3, "key": "k", "config": {"key": "k"}},
        ModelInstallEvent,
        {"key": "k", "config": {"key": "k"}, "is_over": True},
    ),
    (
        "download_progress",
        {"source": "u", "download_path": "/p", "current_bytes": 1, "total_bytes": 2},
        DownloadEvent,
        {"source": "u", "download_path": "/p", "current_bytes": 1, "total_bytes": 2},
    ),
    (
        "bulk_download_complete",
        {
            "bulk_download_id": "default",
            "bulk_download_item_id": "a",
            "bulk_download_item_name": "a.zip",
        },
        BulkDownloadEvent,
        {"bulk_download_item_name": "a.zip", "is_complete": True, "error": None},
    ),
    (
        "workflow_updated",
        {"workflow_id": "w", "old_is_public": False, "new_is_public": True},
        WorkflowLibraryEvent,
        {"workflow_id": "w", "is_public": True, "was_public": False},
    ),
    (
        "recall_parameters_updated",
        {"parameters": {"seed": 1}, "queue_id": "default"},
        RecallParametersUpdatedEvent,
        {"parameters": {"seed": 1}, "queue_id": "default"},
    ),
    (
        "llm_task_progress",
        {
            "task_id": "t",
            "phase": "generating",
            "message": "m",
            "percentage": 0.5,
            "current_tokens": 1,
            "total_tokens": 2,
        },
        LanguageModelEvent,
        {
            "task_id": "t",
            "phase": "generating",
            "message": "m",
            "percentage": 0.5,
            "current_tokens": 1,
            "total_tokens": 2,
        },
    ),
]


@pytest.mark.parametrize(("name", "payload", "kind", "values"), SAMPLES)
def test_what_came_is_read(name, payload, kind, values):
    event = parse_event(name, payload)
    assert type(event) is kind
    assert {key: getattr(event, key) for key in values} == values
    assert name in repr(event)


def test_every_event_of_the_server_has_a_type():
    assert set(events.EVENT_TYPES) - {"connect", "disconnect"} == SERVER
    assert UnknownEvent not in events.EVENT_TYPES.values()


@pytest.mark.parametrize("name", sorted(SERVER))
@given(payload=st.dictionaries(st.text(max_size=9), st.none() | st.integers()))
def test_odd_payloads_break_nothing(name, payload):
    keys = ["id", "config", "parts", "source", "error", "percentage", "is_public"]
    odd = {**dict.fromkeys(keys, 7), **payload}
    event = parse_event(name, odd)
    for attribute in dir(type(event)):
        if not attribute.startswith("_"):
            getattr(event, attribute)
    assert event.name == name
    assert repr(event).startswith(type(event).__name__)


def test_events_are_chosen_by_name_and_class():
    assert event_names([]) == frozenset()
    assert event_names(["new_in_seven"]) == {"new_in_seven"}
    assert event_names([JobStatusChangedEvent]) == {"queue_item_status_changed"}
    jobs = event_names([JobEvent, "batch_enqueued"])
    assert {"invocation_progress", "queue_item_status_changed"} <= jobs
    assert "batch_enqueued" in jobs
    assert event_names([ServerEvent]) == frozenset()
    with pytest.raises(ArgumentError, match="UnknownEvent"):
        event_names([UnknownEvent])


def test_the_public_module_has_every_type():
    kinds = {kind.__name__ for kind in events.EVENT_TYPES.values()}
    assert kinds <= set(events.__all__)
