"""Sample calls of workflows that are run: what goes into the queue."""

import inspect

from workflow_builder import document, node

from contract.calls import Call, Local
from contract.calls.queue import COUNTS, IDLE, JOB, QUEUE
from invokeai_py_client.workflow.document.definition import WorkflowDefinition

FILE = document([node("sum", "add", {"a": 1, "b": 2})], form=[("sum", "a")])
RESULTS = {"sum-1": {"value": 3, "type": "integer_output"}}
DONE = {
    **JOB,
    # The client makes it up: it is not known here.
    "batch_id": None,
    "status": "completed",
    "session": {
        "id": "session",
        "graph": {"id": "graph", "nodes": {}, "edges": []},
        "results": RESULTS,
        "errors": {},
        "prepared_source_mapping": {"sum-1": "sum"},
        "source_prepared_mapping": {"sum": ["sum-1"]},
    },
}
REPLIES = {
    "GET /api/v1/app/version": {"version": "6.14.2"},
    f"POST {QUEUE}/enqueue_batch": {
        "queue_id": "default",
        "batch": {"batch_id": "batch"},
        "enqueued": 1,
        "requested": 1,
        "priority": 0,
        "item_ids": [5],
    },
    f"POST {QUEUE}/item_summaries_by_ids": [DONE],
    f"POST {QUEUE}/items_by_ids": [DONE],
    f"GET {QUEUE}/i/{{item_id}}": DONE,
    f"GET {QUEUE}/status": IDLE,
    f"GET {QUEUE}/b/{{batch_id}}/status": {
        **COUNTS,
        "batch_id": "batch",
        "pending": 0,
        "completed": 1,
    },
}


def handle(client):
    made = client.workflow_repo.create_workflow(WorkflowDefinition.from_dict(FILE))
    assert not inspect.isawaitable(made)
    return made


def run(method, *args, **kwargs):
    return Call(f"WorkflowHandle.{method}", args, kwargs, on=handle, replies=REPLIES)


def plan(client):
    return handle(client).sweep(product={"a": [4]})


CALLS = [
    run("submit", a=4),
    run("run", a=4, timeout=60),
    Call("SweepPlan.run", (Local.NEW_FOLDER,), on=plan, replies=REPLIES),
]
