"""How far a run is: what a progress bar is told, also when events were missed."""

from __future__ import annotations

from typing import Any

import pytest

from invokeai_py_client._core.events import ServerEvent
from invokeai_py_client._core.server_events import parse_event
from invokeai_py_client._core.tracker import JobTracker
from invokeai_py_client.workflow.jobs.result_names import ResultNames
from invokeai_py_client.workflow.waiting.progress import ProgressMeter

SOURCES = {
    "positive": frozenset({"model"}),
    "denoise": frozenset({"positive", "noise"}),
    "decode": frozenset({"denoise"}),
}


def invocation(name: str, node_id: str, **fields: Any) -> ServerEvent:
    payload = {
        "item_id": 1,
        "invocation": {"id": node_id, "type": node_id},
        "invocation_source_id": node_id,
        **fields,
    }
    return parse_event(name, payload)


@pytest.mark.parametrize("sources", [SOURCES, {}], ids=["graph known", "unknown"])
def test_a_node_that_runs_tells_that_those_before_it_are_done(
    sources: dict[str, frozenset[str]],
) -> None:
    meter = ProgressMeter(
        JobTracker([1]), ResultNames(sources=sources), nodes_per_job=5
    )
    meter.apply_event(invocation("invocation_progress", "denoise", percentage=0.5))
    done = 3 if sources else 0
    assert meter.snapshot().fraction == pytest.approx((done + 0.5) / 5)
    meter.apply_event(invocation("invocation_complete", "denoise"))
    assert meter.snapshot().fraction == pytest.approx((done + 1) / 5)


def test_what_completes_twice_counts_once() -> None:
    meter = ProgressMeter(
        JobTracker([1]), ResultNames(sources=SOURCES), nodes_per_job=5
    )
    for node in ("model", "noise", "model", "positive", "noise"):
        meter.apply_event(invocation("invocation_complete", node))
    assert meter.snapshot().fraction == pytest.approx(3 / 5)
