"""The server has something else under the id of a batch of a sweep."""

from __future__ import annotations

import pytest
from sweep_rig import blank

from invokeai_py_client import InvokeAIClient
from invokeai_py_client._core.flow import run_blocking
from invokeai_py_client.exceptions import KeyConflictError
from invokeai_py_client.simulator import SimulatedServer
from invokeai_py_client.sweep.batches.placing_flows import place
from invokeai_py_client.workflow.jobs.batch_request import BatchRequest


def batch(width):
    graph = {"id": "g:1", "edges": [], "nodes": {}}
    values = {"id": "b", "type": "blank_image", "width": width, "height": 8}
    graph["nodes"]["b"] = values
    return BatchRequest("batch-1", graph, keyed=True, idempotency_key="batch-1")


def enqueue(client, request):
    def nothing(*_):
        yield from ()

    def wanted():
        return (yield from run_blocking(lambda: True))

    return client._runner.run(place(request, 0.1, nothing, nothing, wanted, False))


@pytest.mark.parametrize("are_gone", [True, False])
def test_a_key_that_has_another_batch_is_told_with_what_to_do(are_gone):
    with SimulatedServer(rules="7") as server, InvokeAIClient(server.url) as client:
        assert client.workflow_repo.create_workflow(blank()).run(width=8)
        client.queue_repo.pause_processor()
        enqueue(client, batch(8))
        if are_gone:
            client.queue_repo.clear_queue()
        with pytest.raises(KeyConflictError) as told:
            enqueue(client, batch(9))
    error = told.value
    assert (error.key, error.batch_id) == ("batch-1", "batch-1")
    assert "batch batch-1 (1 jobs) cannot be enqueued" in error.message
    assert "abandon=" in error.hint
    if are_gone:
        assert error.differences == ()
        assert "whose jobs are gone" in error.message
    else:
        assert error.differences == ("b.width is 8 there and 9 here",)
        assert error.differences[0] in error.message
