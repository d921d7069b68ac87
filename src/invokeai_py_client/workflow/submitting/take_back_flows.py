"""Jobs that nobody shall have: taken out of the queue again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from invokeai_py_client._core.flow import Flow, gather, now, pause
from invokeai_py_client.exceptions import NotFoundError
from invokeai_py_client.queue import requests as queue_requests
from invokeai_py_client.workflow.jobs.batch_request import BatchRequest
from invokeai_py_client.workflow.submitting.find_copies_flows import find_copies

# Jobs of a batch that was being enqueued when the caller was interrupted have been
# seen to appear 0.6 s later.
SURE_AFTER = 2.0


def take_back(request: BatchRequest) -> Flow[None]:
    """Cancel the jobs of a batch that may still be on its way into the queue.

    Under a key, only jobs that this very request put there, and so that the key is
    as it was.
    """
    end = (yield from now()) + SURE_AFTER
    while True:
        request = yield from _as_accepted(request)
        if request.keyed:
            found = yield from find_copies(request)
            own = [item for item in found if item.copy == request.graph.get("id")]
            yield from remove_jobs(request.queue_id, [i.job.item_id for i in own])
            is_done = bool(own)
        else:
            yield from queue_requests.cancel_batches(
                request.queue_id, request.batch_ids
            )
            counts = yield from queue_requests.batch_status(
                request.queue_id, *request.batch_ids
            )
            is_done = counts["total"] > 0
        if is_done or (yield from now()) >= end:
            return
        yield from pause(0.25)


def _as_accepted(request: BatchRequest) -> Flow[BatchRequest]:
    """The request with the id that its receipt has, where there is one."""
    key, batch_ids = request.idempotency_key, request.batch_ids
    if key is None:
        return request
    receipt = yield from queue_requests.find_receipt(request.queue_id, key)
    if receipt is None or receipt["batch_id"] in batch_ids:
        return request
    if request.keyed:
        return replace(request, parts=(*request.parts, receipt["batch_id"]))
    return replace(request, batch_id=receipt["batch_id"])


def remove_jobs(queue_id: str, item_ids: Sequence[int]) -> Flow[None]:
    """Delete jobs; jobs that are gone already do not matter."""
    yield from gather([_remove_job(queue_id, item_id) for item_id in item_ids])


def _remove_job(queue_id: str, item_id: int) -> Flow[None]:
    try:
        yield from queue_requests.delete_job(queue_id, item_id)
    except NotFoundError:
        return
