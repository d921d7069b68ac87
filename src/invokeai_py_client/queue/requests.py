"""The requests about a queue's jobs, each made here once, newest route first.

The answers are the server's own records; `flows.py` makes `IvkJob`s of them. Older
servers lack the cheap routes (summaries since 6.14, ids since 6.7): a route that is
missing answers 404, 405 or, behind the web app, an HTML page, and the next older one is
asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Optional

from invokeai_py_client._core.flow import Flow, gather
from invokeai_py_client._core.messages import RetryRule
from invokeai_py_client._core.paging import chunks
from invokeai_py_client._core.send import (
    call_field,
    delete,
    get,
    post,
    put,
    request_json,
    route,
)
from invokeai_py_client._core.versions import ROUTE_ERRORS, is_missing_route
from invokeai_py_client.exceptions import (
    APIResponseError,
    InternalServerError,
    NotFoundError,
)

QUEUE = "/api/v1/queue/{}"
ITEM = QUEUE + "/i/{}"

UNREADABLE = "validation error for GraphExecutionState"
"""In the answers of a server that cannot read a job's session again."""

SESSION_CHUNK = 50
"""Sessions per request: 3.4 kB each, a thousand take the server 0.9 s."""

Record = Mapping[str, Any]
"""A job as the server reports it, with at least its `item_id`."""


def enqueue_batch(queue_id: str, body: Mapping[str, Any]) -> Flow[Record]:
    """Enqueue, once: this request is never repeated by the layers below."""
    reply = yield from request_json(
        post(route(QUEUE + "/enqueue_batch", queue_id), json=body)
    )
    if not isinstance(reply, Mapping) or not isinstance(reply.get("enqueued"), int):
        raise APIResponseError(
            "the server's answer to enqueue_batch says nothing about the jobs",
            method="POST",
        )
    return reply


def find_receipt(queue_id: str, key: str) -> Flow[Optional[Record]]:
    """What was enqueued under an idempotency key; None when nothing was.

    None also for an answer that is not a receipt: no release has this route yet.

    Returns:
        At least ``batch_id`` and ``item_ids``.
    """
    request = get(
        route(QUEUE + "/enqueue_batch/receipt", queue_id),
        params={"idempotency_key": key},
    )
    try:
        receipt = yield from request_json(request)
    except ROUTE_ERRORS as error:
        if isinstance(error, NotFoundError) or is_missing_route(error):
            return None
        raise
    if not isinstance(receipt, Mapping):
        return None
    is_batch = isinstance(receipt.get("batch_id"), str) and receipt["batch_id"]
    return receipt if is_batch and isinstance(receipt.get("item_ids"), list) else None


def acknowledge_receipt(queue_id: str, key: str) -> Flow[None]:
    """Tell the server that nobody needs the receipt any more."""
    path = route(QUEUE + "/enqueue_batch/acknowledge", queue_id)
    body = {"idempotency_key": key}
    yield from request_json(post(path, json=body, retry=RetryRule.SAFE))


def batch_status(queue_id: str, *batch_ids: str) -> Flow[Mapping[str, Any]]:
    """Counts by status and the ``total``, children of workflow calls included."""
    if len(batch_ids) == 1:
        return (yield from _status_of(queue_id, batch_ids[0]))
    counts = yield from gather([_status_of(queue_id, id_) for id_ in batch_ids])
    names = {name for count in counts for name in count if type(count[name]) is int}
    return {name: sum(count.get(name, 0) for count in counts) for name in names}


def _status_of(queue_id: str, batch_id: str) -> Flow[Mapping[str, Any]]:
    request = get(route(QUEUE + "/b/{}/status", queue_id, batch_id))
    counts = yield from request_json(request)
    # A total of 0 by default would say that no job of the batch arrived.
    if not isinstance(counts, Mapping) or not isinstance(counts.get("total"), int):
        raise APIResponseError("the batch's status has no total", method="GET")
    return counts


def cancel_batches(queue_id: str, batch_ids: Sequence[str]) -> Flow[int]:
    """Cancel every unfinished job of batches; works for unreadable jobs too."""
    request = put(
        route(QUEUE + "/cancel_by_batch_ids", queue_id),
        json={"batch_ids": list(batch_ids)},
        retry=RetryRule.SAFE,
    )
    try:
        return (yield from call_field(int, request, "canceled"))
    except InternalServerError as error:
        if UNREADABLE not in str(error.detail):
            raise
        # It has cancelled them before it fails to read the one that was running.
        count: int = (yield from batch_status(queue_id, *batch_ids))["canceled"]
        return count


def delete_job(queue_id: str, item_id: int) -> Flow[None]:
    """Delete one job, cancelling it first."""
    yield from request_json(delete(route(ITEM, queue_id, item_id)))


def item_ids(queue_id: str) -> Flow[list[int]]:
    """The ids of all jobs the queue still knows, in no useful order.

    The server sorts by creation time alone, which jobs of one batch share.
    """
    request = get(route(QUEUE + "/item_ids", queue_id))
    return (yield from call_field(list[int], request, "item_ids"))


def list_summaries(
    queue_id: str, ids: Sequence[int], *, readable_only: bool = False
) -> Flow[list[Record]]:
    """Jobs with at least id, status and batch; missing ones are left out.

    Args:
        queue_id: The queue.
        ids: The jobs' numbers.
        readable_only: Where the server has no summaries, leave out the jobs it cannot
            read, instead of raising the error it has for each.
    """
    found: list[Record] = []
    for chunk in chunks(ids):
        found += yield from _summaries_of(queue_id, chunk, readable_only)
    return found


def _summaries_of(
    queue_id: str, ids: Sequence[int], readable_only: bool
) -> Flow[list[Record]]:
    try:
        return (yield from _by_ids(queue_id, "item_summaries_by_ids", ids))
    except ROUTE_ERRORS as error:
        if not is_missing_route(error):
            raise
    if readable_only:
        return (yield from list_readable(queue_id, ids))
    return (yield from list_records(queue_id, ids))


def list_readable(queue_id: str, ids: Sequence[int]) -> Flow[list[Record]]:
    """Whole jobs with their sessions, but for those the server cannot read."""
    return (yield from _in_chunks(partial(_by_ids, queue_id, "items_by_ids"), ids))


def list_records(queue_id: str, ids: Sequence[int]) -> Flow[list[Record]]:
    """Whole jobs with their sessions; those that are gone are left out."""
    return (yield from _in_chunks(partial(_records_of, queue_id), ids))


def _in_chunks(
    read: Callable[[Sequence[int]], Flow[list[Record]]], ids: Sequence[int]
) -> Flow[list[Record]]:
    flows = [read(chunk) for chunk in chunks(ids, SESSION_CHUNK)]
    parts = yield from gather(flows, limit=4)
    return [record for part in parts for record in part]


def _records_of(queue_id: str, ids: Sequence[int]) -> Flow[list[Record]]:
    found: list[Record] = []
    if len(ids) > 1:
        try:
            found = yield from _by_ids(queue_id, "items_by_ids", ids)
        except ROUTE_ERRORS as error:
            if not is_missing_route(error):
                raise
    # A job that was left out may be gone, or unreadable: ask for it alone.
    listed = {record["item_id"] for record in found}
    for item_id in ids:
        if item_id not in listed:
            record = yield from find_record(queue_id, item_id)
            found += [record] if record is not None else []
    return found


def _by_ids(queue_id: str, verb: str, ids: Sequence[int]) -> Flow[list[Record]]:
    request = post(
        route(QUEUE + "/{}", queue_id, verb),
        json={"item_ids": list(ids)},
        retry=RetryRule.SAFE,
    )
    return _records((yield from request_json(request)))


def find_record(queue_id: str, item_id: int) -> Flow[Optional[Record]]:
    """One whole job with its session; None when the queue does not have it."""
    request = get(route(ITEM, queue_id, item_id))
    try:
        record = yield from request_json(request)
    except NotFoundError:
        return None
    return record if isinstance(record, Mapping) else None


def pages(
    queue_id: str, *, newest_first: bool = True, readable_only: bool = False
) -> Flow[Iterable[Flow[list[Record]]]]:
    """Every job of the queue by its id, as flows that give a page of summaries each.

    Args:
        queue_id: The queue.
        newest_first: Highest ids first, or lowest.
        readable_only: As for `list_summaries`.
    """
    try:
        ids = yield from item_ids(queue_id)
    except ROUTE_ERRORS as error:
        if not is_missing_route(error):
            raise
        return [_only_page(queue_id, newest_first)]
    ids.sort(reverse=newest_first)
    return (
        list_summaries(queue_id, chunk, readable_only=readable_only)
        for chunk in chunks(ids)
    )


def _only_page(queue_id: str, newest_first: bool) -> Flow[list[Record]]:
    reply = yield from request_json(get(route(QUEUE + "/list_all", queue_id)))
    return sorted(
        _records(reply), key=lambda record: record["item_id"], reverse=newest_first
    )


def _records(reply: Any) -> list[Record]:
    if not isinstance(reply, list):
        raise APIResponseError("the queue's answer is not a list of jobs")
    return [
        record
        for record in reply
        if isinstance(record, Mapping) and isinstance(record.get("item_id"), int)
    ]
