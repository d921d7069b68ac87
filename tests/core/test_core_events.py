"""Typed events: what they read, and that nothing makes reading fail."""

from __future__ import annotations

import base64
import sys

import pytest
from hypothesis import given, strategies as st

from invokeai_py_client._core import events
from invokeai_py_client._core.events import PayloadValue, ServerEvent
from invokeai_py_client._core.server_events import EVENT_TYPES, parse_event
from invokeai_py_client.models import JobStatus


def test_progress_with_a_preview():
    picture = base64.b64encode(b"\xff\xd8jpeg").decode()
    event = parse_event(
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
    assert isinstance(event, events.InvocationProgressEvent)
    assert (event.queue_id, event.item_id, event.batch_id) == ("default", 3, "b")
    assert (event.node_id, event.prepared_id) == ("n1", "p1")
    assert (event.message, event.percentage) == ("Denoising", 1.0)
    assert (event.preview.width, event.preview.height) == (8, 16)
    assert event.preview.media_type == "image/jpeg"
    assert event.preview.content == b"\xff\xd8jpeg"


def test_status_compares_with_the_enum_and_is_shown():
    payload = {"item_id": 3, "status": "failed", "status_sequence": 2}
    event = parse_event("queue_item_status_changed", payload)
    assert event.status == JobStatus.FAILED
    assert repr(event) == (
        "JobStatusChangedEvent('queue_item_status_changed', item_id=3, "
        "status='failed', status_sequence=2)"
    )


def test_lists_of_jobs():
    canceled = parse_event(
        "queue_items_canceled", {"canceled_item_ids": [2, 1, None, "x"]}
    )
    retried = parse_event("queue_items_retried", {"retried_item_ids": [5]})
    assert (canceled.item_ids, retried.item_ids) == ((2, 1), (5,))


def test_unknown_names_keep_their_payload():
    event = parse_event("brand_new", {"a": 1})
    assert isinstance(event, events.UnknownEvent)
    assert (event.name, event.payload) == ("brand_new", {"a": 1})


def properties(kind):
    return [
        name
        for base in kind.__mro__
        for name, value in vars(base).items()
        if isinstance(value, (property, PayloadValue))
    ]


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (0, 0.0),
        (1.5, 1.5),
        (sys.float_info.max, sys.float_info.max),
        (-sys.float_info.max, -sys.float_info.max),
        (10**400, None),
        (-(10**400), None),
        (float("inf"), None),
        (float("nan"), None),
        (True, None),
        ("1", None),
    ],
)
def test_a_number_is_a_finite_one(value, read):
    event = parse_event("invocation_progress", {"percentage": value})
    assert event.percentage == read


@pytest.mark.parametrize("values", [[1, True, 2.0, "3", None, 4], (1, 4)])
def test_whole_numbers_are_taken_out_of_a_list(values):
    event = parse_event("queue_items_canceled", {"canceled_item_ids": values})
    assert event.item_ids == (1, 4)


@pytest.mark.parametrize(
    "missing", [{"dataURL": None}, {"width": "8"}, {"height": None}, {"width": None}]
)
def test_a_preview_has_an_image_and_its_size(missing):
    image = {"dataURL": "data:image/png;base64,AA==", "width": 1, "height": 2}
    whole = parse_event("invocation_progress", {"image": image})
    assert whole.preview is not None
    part = parse_event("invocation_progress", {"image": {**image, **missing}})
    assert part.preview is None


@pytest.mark.parametrize(
    ("url", "kind", "content"),
    [
        ("data:image/png;base64,AAE=", "image/png", b"\x00\x01"),
        ("data:,AAE=", "", b"\x00\x01"),
        ("data:image/png;base64,A", "image/png", b""),
        ("nothing", "", b""),
    ],
)
def test_an_odd_preview_is_empty(url, kind, content):
    image = {"dataURL": url, "width": 1, "height": 1}
    preview = parse_event("invocation_progress", {"image": image}).preview
    assert (preview.media_type, preview.content) == (kind, content)


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
    event = parse_event(name, payload)
    assert isinstance(event, ServerEvent)
    assert type(event).__name__ in repr(event)
    for property_name in properties(type(event)):
        getattr(event, property_name)
    preview = getattr(event, "preview", None)
    if preview is not None:
        assert isinstance(preview.content, bytes)
        assert isinstance(preview.media_type, str)
