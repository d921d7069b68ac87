"""Typed events: what they read, and that nothing makes reading fail."""

from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st

from invokeai_py_client._core import events
from invokeai_py_client._core.events import EVENT_TYPES, ServerEvent, parse_event
from invokeai_py_client._core.messages import RawEvent
from invokeai_py_client.models import JobStatus


def test_progress_with_a_preview():
    picture = base64.b64encode(b"\xff\xd8jpeg").decode()
    event = parse_event(
        RawEvent(
            "invocation_progress",
            {
                "queue_id": "default",
                "item_id": 3,
                "batch_id": "b",
                "invocation": {"id": "p1", "type": "denoise_latents"},
                "invocation_source_id": "n1",
                "message": "Denoising",
                "percentage": 1,
                "image": {
                    "width": 8,
                    "height": 16,
                    "dataURL": f"data:image/jpeg;base64,{picture}",
                },
            },
        )
    )
    assert isinstance(event, events.InvocationProgressEvent)
    assert (event.queue_id, event.item_id, event.batch_id) == ("default", 3, "b")
    assert (event.node_id, event.prepared_id) == ("n1", "p1")
    assert (event.message, event.percentage) == ("Denoising", 1.0)
    assert (event.preview.width, event.preview.height) == (8, 16)
    assert event.preview.media_type == "image/jpeg"
    assert event.preview.content == b"\xff\xd8jpeg"


def test_status_compares_with_the_enum_and_is_shown():
    payload = {"item_id": 3, "status": "failed", "status_sequence": 2}
    event = parse_event(RawEvent("queue_item_status_changed", payload))
    assert event.status == JobStatus.FAILED
    assert repr(event) == (
        "JobStatusChangedEvent('queue_item_status_changed', item_id=3, "
        "status='failed', status_sequence=2)"
    )


def test_lists_of_jobs():
    canceled = parse_event(
        RawEvent("queue_items_canceled", {"canceled_item_ids": [2, 1, None, "x"]})
    )
    retried = parse_event(RawEvent("queue_items_retried", {"retried_item_ids": [5]}))
    assert (canceled.item_ids, retried.item_ids) == ((2, 1), (5,))


def test_unknown_names_keep_their_payload():
    event = parse_event(RawEvent("brand_new", {"a": 1}))
    assert isinstance(event, events.UnknownEvent)
    assert (event.name, event.payload) == ("brand_new", {"a": 1})


def properties(kind):
    return [
        name
        for base in kind.__mro__
        for name, value in vars(base).items()
        if isinstance(value, property)
    ]


keys = sorted({name for kind in EVENT_TYPES.values() for name in properties(kind)})
keys += ["invocation_source_id", "image", "canceled_item_ids", "retried_item_ids"]
odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "type", "width", "height", "dataURL"]), inner
        )
    ),
    max_leaves=6,
)


@given(
    st.sampled_from([*EVENT_TYPES, "other"]),
    st.dictionaries(st.sampled_from(keys), odd, max_size=8),
)
def test_no_payload_breaks_an_event(name, payload):
    event = parse_event(RawEvent(name, payload))
    assert isinstance(event, ServerEvent)
    assert type(event).__name__ in repr(event)
    for property_name in properties(type(event)):
        getattr(event, property_name)
    preview = getattr(event, "preview", None)
    if preview is not None:
        assert isinstance(preview.content, bytes)
        assert isinstance(preview.media_type, str)
