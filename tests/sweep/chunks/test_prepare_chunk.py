"""Items of one part become one batch, in their order."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
import workflow_builder as build

from invokeai_py_client import FieldValidationError, InvokeAIClient
from invokeai_py_client.simulator import SimulatedServer
from invokeai_py_client.sweep.chunks.prepare_chunk import prepare_chunk
from invokeai_py_client.sweep.planning.base_plan import BaseSweepPlan
from invokeai_py_client.sweep.planning.plan_sweep import plan_sweep
from invokeai_py_client.workflow.submitting.enqueue_flows import enqueue
from invokeai_py_client.workflow.submitting.enqueue_options import EnqueueOptions

NODES = [
    build.node("n", "noise", {"width": 64}),
    build.node("r", "rand_int"),
    build.node("b", "blank_image", is_intermediate=False),
    build.node("w", "integer"),
]
EDGES = ["r.value -> n.seed", "w.value -> b.height"]
FORM = [("b", "width"), ("n", "seed"), ("b", "mode"), ("w", "value")]


@pytest.fixture(scope="module")
def client():
    with SimulatedServer() as server, InvokeAIClient.from_url(server.url) as client:
        yield client


def handle_of(client, nodes=NODES, edges=EDGES, form=FORM):
    return client.workflow_repo.create_workflow(build.definition(nodes, edges, form))


def ledger_items(plan):
    return [
        SimpleNamespace(index=i.index, key=i.key, values=json.loads(i.values))
        for i in plan._planned_items()
    ]


def chunk_of(handle, plan, items=None):
    items = ledger_items(plan) if items is None else items
    flow = prepare_chunk(handle._context(), handle, items, "b1", "ivk-sweep:1")
    return handle._runner.run(flow)


def row(job_values):
    return {f"{v['node_path']}.{v['field_name']}": v["value"] for v in job_values}


def test_the_jobs_are_those_of_the_items_in_their_order(client):
    handle = handle_of(client)
    arguments = {"product": {"width": [64, 72], "seed": [5, 6]}}
    plan = BaseSweepPlan(plan_sweep(handle, **arguments))
    chunk = chunk_of(handle, plan)
    assert chunk.jobs_per_item == 1
    wanted = [
        {"b.width": item.values["width"], "r.low": s, "r.high": s + 1}
        for item in plan
        for s in [item.values["seed"]]
    ]
    assert [row(values) for values in chunk.batch.expansion()] == wanted
    outcome = handle._runner.run(enqueue(chunk.batch, EnqueueOptions()))
    jobs = [client.queue_repo.get_job(job.item_id) for job in outcome.jobs]
    assert [row(job.field_values) for job in jobs] == wanted


def test_batch_nodes_of_the_workflow_multiply_and_an_items_jobs_are_neighbours(client):
    nodes = [*NODES, build.node("m", "integer_batch", {"integers": [1, 2, 3]})]
    edges = ["w.value -> b.height", "m.value -> n.width"]
    nodes[0] = build.node("n", "noise", {"seed": 1})
    nodes[-1] = build.node("m", "integer_batch", {"integers": [64, 72, 80]})
    handle = handle_of(client, nodes, edges)
    plan = BaseSweepPlan(plan_sweep(handle, product={"width": [64, 72]}))
    chunk = chunk_of(handle, plan)
    assert chunk.jobs_per_item == 3
    found = [row(values)["b.width"] for values in chunk.batch.expansion()]
    assert found == [64, 64, 64, 72, 72, 72]


def test_items_without_batch_data_are_runs(client):
    handle = handle_of(client)
    plan = BaseSweepPlan(plan_sweep(handle, product={"b.color": ["red"]}, runs=3))
    chunk = chunk_of(handle, plan)
    assert (chunk.batch.runs, chunk.batch.data, chunk.jobs_per_item) == (3, [], 1)
    assert chunk.batch.graph["nodes"]["b"]["color"]["r"] == 255


def test_a_value_that_would_end_the_servers_worker_is_refused_by_its_item(client):
    division = build.node("d", "integer_math", {"operation": "DIV", "a": 8})
    handle = handle_of(client, [*NODES, division])
    items = [
        SimpleNamespace(index=n, key=str(n), values={"d.b": b})
        for n, b in enumerate([1, 2, 0])
    ]
    with pytest.raises(FieldValidationError, match=r"item 2, column 'd\.b'"):
        chunk_of(handle, None, items)
