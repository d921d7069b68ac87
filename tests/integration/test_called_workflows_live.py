"""A workflow that calls another: its job waits while the called one runs."""

from __future__ import annotations

import pytest
from workflow_builder import definition, node

from simulator.talks.conversation import callee

from .noun_calls import done

pytestmark = [
    pytest.mark.live,
    pytest.mark.timeout(300),
    pytest.mark.needs_server("6.14.0", "workflows that call workflows"),
    pytest.mark.real_server("the simulator fails calls of saved workflows"),
]


@pytest.fixture
async def caller(client):
    """A workflow that has a saved one double 21."""
    saved = await done(client.workflow_repo.save_workflow(callee()))
    call = node("c", "call_saved_workflow", {"workflow_id": saved.workflow_id})
    call["data"]["useCache"] = False
    read = node("g", "workflow_return_get", {"key": "doubled"})
    made = node("b", "blank_image", {"width": 8, "height": 8}, is_intermediate=False)
    edges = ["c.values -> g.values"]
    file = definition([call, read, made], edges)
    handle = await done(client.workflow_repo.load(file))
    handle.set_node_value("c", "saved_workflow_input::a::a", 21)
    yield handle
    await done(client.workflow_repo.delete_workflow(saved.workflow_id))


async def test_a_called_workflow_is_waited_for_and_is_not_counted_as_a_job(caller):
    result = await done(caller.run(runs=2, timeout=120))
    assert [job.status for job in result.jobs] == ["completed", "completed"]
    for job in result.jobs:
        assert job.outputs["g"].value == 42


async def test_jobs_of_called_workflows_are_not_copies_of_a_keyed_submission(
    caller, own_destination
):
    first = await done(caller.submit(runs=2, key=own_destination))
    await done(first.wait(timeout=120))
    again = await done(caller.submit(runs=2, key=own_destination))
    assert again.adopted
    assert [job.item_id for job in again.jobs] == [job.item_id for job in first.jobs]
    result = await done(again.wait(timeout=120))
    assert result.is_complete
