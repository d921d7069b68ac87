"""Batches on servers where no two share an id, and each has an idempotency key.

Those are servers after 6 (docs/dev/next-version.md). An id that is taken is replaced,
so the rest of a batch is a batch of its own, a *part*, whose id follows from that of
the whole. A key enqueues once, and has a receipt until the client acknowledges it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from invokeai_py_client._core.flow import Flow
from invokeai_py_client.exceptions import APIError, APIStatusError
from invokeai_py_client.queue import requests as queue_requests
from invokeai_py_client.queue.requests import Record
from invokeai_py_client.workflow.jobs.batch_request import BatchRequest, next_part

# A server that has jobs of every batch that it is asked for is out of its mind.
MOST_PARTS = 1000

logger = logging.getLogger("invokeai_py_client")


def post_batch(request: BatchRequest, unacknowledged: set[str]) -> Flow[Record]:
    """Send a batch; when there are too many receipts, acknowledge ours and try again.

    Args:
        request: The batch.
        unacknowledged: Keys of ours whose receipts could not be acknowledged yet.
    """
    queue_id, body = request.queue_id, request.body()
    try:
        return (yield from queue_requests.enqueue_batch(queue_id, body))
    except APIStatusError as error:
        if not is_receipt_limit(request, error) or not unacknowledged:
            raise
        yield from acknowledge(queue_id, list(unacknowledged), unacknowledged)
    return (yield from queue_requests.enqueue_batch(queue_id, body))


def is_receipt_limit(request: BatchRequest, error: APIError) -> bool:
    """Whether the server refused a batch for the receipts that it keeps already."""
    return (
        request.idempotency_key is not None
        and isinstance(error, APIStatusError)
        and error.status_code == 429
        and error.from_invokeai
    )


def accepted_id(reply: Record, asked: str) -> str:
    """The id of the batch in the queue: the server may have replaced the one asked."""
    batch = reply.get("batch")
    accepted = batch.get("batch_id") if isinstance(batch, dict) else None
    return accepted if isinstance(accepted, str) and accepted else asked


def acknowledge(
    queue_id: str, keys: Iterable[str], unacknowledged: set[str]
) -> Flow[None]:
    """Let the server forget receipts; a failure only leaves them for another time."""
    for key in keys:
        yield from _acknowledge(queue_id, key, unacknowledged)


def _acknowledge(queue_id: str, key: str, unacknowledged: set[str]) -> Flow[None]:
    # Also when the flow ends in the middle of it.
    unacknowledged.add(key)
    try:
        yield from queue_requests.acknowledge_receipt(queue_id, key)
    except APIError as error:
        logger.debug("the receipt of %s was not acknowledged: %s", key, error)
    else:
        unacknowledged.discard(key)


def find_parts(queue_id: str, batch_id: str) -> Flow[tuple[str, ...]]:
    """Ids of the parts of a batch that are in the queue."""
    found: tuple[str, ...] = ()
    while len(found) < MOST_PARTS:
        part = next_part(batch_id, found)
        if not (yield from queue_requests.batch_status(queue_id, part))["total"]:
            break
        found = (*found, part)
    return found
