"""The queue's routes as running a workflow uses them, newest route first.

Each flow here is one question to the server. Older servers lack the cheap routes
(job summaries since 6.14, ids since 6.7); a route that is missing answers 404, 405
or, behind the web app, an HTML page, and the next older one is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Optional

from invokeai_py_client._core.flow import Flow, gather
from invokeai_py_client._core.messages import Request, RetryRule
from invokeai_py_client._core.paging import chunks
from invokeai_py_client._core.send import call, delete, get, post, put, route
from invokeai_py_client._core.versions import ROUTE_ERRORS, is_missing_route
from invokeai_py_client.exceptions import (
    APIResponseError,
    NotFoundError,
)
from invokeai_py_client.workflow.orders import Order, QueuedJob
from invokeai_py_client.workflow.read_session import known_values

SESSION_CHUNK = 50
"""Sessions per request: 3.4 kB each, a thousand take the server 0.9 s."""


def queue_path(queue_id: str, tail: str, *parts: object) -> str:
    """The path of a queue's route."""
    return route("/api/v1/queue/{}/" + tail, queue_id, *parts)


def post_batch(order: Order) -> Flow[Mapping[str, Any]]:
    """Enqueue, once: this request is never repeated by the layers below."""
    reply = yield from call(
        post(queue_path(order.queue_id, "enqueue_batch"), json=order.body())
    )
    if not isinstance(reply, Mapping) or not isinstance(reply.get("enqueued"), int):
        raise APIResponseError(
            "the server's answer to enqueue_batch says nothing about the jobs",
            method="POST",
        )
    return reply


def batch_status(
    queue_id: str, batch_id: str, *, timeout: Optional[float] = None
) -> Flow[Mapping[str, int]]:
    """Counts by status and the ``total``, children of workflow calls included."""
    path = queue_path(queue_id, "b/{}/status", batch_id)
    counts = yield from call(_look(get(path), timeout))
    if not isinstance(counts, Mapping) or not isinstance(counts.get("total"), int):
        raise APIResponseError("the batch's status has no total", method="GET")
    return {key: value for key, value in counts.items() if isinstance(value, int)}


def queue_status(
    queue_id: str, *, timeout: Optional[float] = None
) -> Flow[Mapping[str, Any]]:
    """The queue's and the processor's state."""
    status = yield from call(_look(get(queue_path(queue_id, "status")), timeout))
    return status if isinstance(status, Mapping) else {}


def cancel_batch(queue_id: str, batch_id: str) -> Flow[None]:
    """Cancel whatever of the batch is not over; works for unreadable jobs too."""
    path = queue_path(queue_id, "cancel_by_batch_ids")
    body = {"batch_ids": [batch_id]}
    yield from call(put(path, json=body, retry=RetryRule.SAFE))


def remove_jobs(queue_id: str, item_ids: Sequence[int]) -> Flow[None]:
    """Delete jobs one by one, which cancels them first; some may be gone already."""
    yield from gather([_remove_job(queue_id, item_id) for item_id in item_ids])


def _remove_job(queue_id: str, item_id: int) -> Flow[None]:
    try:
        yield from call(delete(queue_path(queue_id, "i/{}", item_id)))
    except NotFoundError:
        return


def list_rows(
    queue_id: str, item_ids: Sequence[int], *, timeout: Optional[float] = None
) -> Flow[list[Mapping[str, Any]]]:
    """Rows of jobs with at least id, status and batch; missing jobs are left out."""
    rows: list[Mapping[str, Any]] = []
    for chunk in chunks(item_ids):
        rows += yield from _rows_of(queue_id, chunk, timeout)
    return rows


def _rows_of(
    queue_id: str, item_ids: Sequence[int], timeout: Optional[float]
) -> Flow[list[Mapping[str, Any]]]:
    path = queue_path(queue_id, "item_summaries_by_ids")
    request = post(path, json={"item_ids": list(item_ids)}, retry=RetryRule.SAFE)
    try:
        return _mappings((yield from call(_look(request, timeout))))
    except ROUTE_ERRORS as error:
        if not is_missing_route(error):
            raise
    found = yield from list_items(queue_id, item_ids, timeout=timeout)
    return list(found.values())


def list_items(
    queue_id: str, item_ids: Sequence[int], *, timeout: Optional[float] = None
) -> Flow[dict[int, Mapping[str, Any]]]:
    """Whole jobs with their sessions, by id; those that are gone are left out."""
    parts = yield from gather(
        [
            _items_of(queue_id, part, timeout)
            for part in chunks(item_ids, SESSION_CHUNK)
        ],
        limit=4,
    )
    return {item["item_id"]: item for part in parts for item in part}


def _items_of(
    queue_id: str, item_ids: Sequence[int], timeout: Optional[float]
) -> Flow[list[Mapping[str, Any]]]:
    found: list[Mapping[str, Any]] = []
    if len(item_ids) > 1:
        path = queue_path(queue_id, "items_by_ids")
        request = post(path, json={"item_ids": list(item_ids)}, retry=RetryRule.SAFE)
        try:
            found = _mappings((yield from call(_look(request, timeout))))
        except ROUTE_ERRORS as error:
            if not is_missing_route(error):
                raise
    # A job that was left out may be gone, or unreadable: ask for it alone.
    listed = {item["item_id"] for item in found}
    for item_id in item_ids:
        if item_id not in listed:
            item = yield from find_item(queue_id, item_id, timeout=timeout)
            found += [item] if item is not None else []
    return found


def find_item(
    queue_id: str, item_id: int, *, timeout: Optional[float] = None
) -> Flow[Optional[Mapping[str, Any]]]:
    """One whole job with its session; None when the queue does not have it."""
    request = get(queue_path(queue_id, "i/{}", item_id))
    try:
        item = yield from call(_look(request, timeout))
    except NotFoundError:
        return None
    return item if isinstance(item, Mapping) else None


def find_jobs(
    queue_id: str, batch_id: str, *, total: Optional[int] = None
) -> Flow[list[QueuedJob]]:
    """The jobs of a batch by ascending id, without children of workflow calls.

    No route lists one batch, so ids are read newest first until `total` rows of the
    batch have turned up.

    Args:
        queue_id: The queue to search.
        batch_id: The batch to find.
        total: Rows the batch has, as `batch_status` counts them; None to ask.
    """
    if total is None:
        total = (yield from batch_status(queue_id, batch_id))["total"]
    found: dict[int, Mapping[str, Any]] = {}
    if total:
        pages = yield from _pages_of_ids(queue_id)
        for page in pages:
            rows = yield from list_rows(queue_id, page)
            mine = (row for row in rows if row.get("batch_id") == batch_id)
            found.update((row["item_id"], row) for row in mine)
            if len(found) >= total:
                break
    return [
        _queued_job(row)
        for _, row in sorted(found.items())
        if row.get("parent_item_id") is None
    ]


def _pages_of_ids(queue_id: str) -> Flow[Iterator[list[int]]]:
    """Every id of the queue, newest first, in pages that `list_rows` takes."""
    try:
        reply = yield from call(get(queue_path(queue_id, "item_ids")))
        listed = reply.get("item_ids") if isinstance(reply, Mapping) else None
        if not isinstance(listed, list):
            raise APIResponseError("the queue's answer is no list of ids", method="GET")
        ids = [item_id for item_id in listed if type(item_id) is int]
    except ROUTE_ERRORS as error:
        if not is_missing_route(error):
            raise
        reply = yield from call(get(queue_path(queue_id, "list_all")))
        ids = [item["item_id"] for item in _mappings(reply)]
    return chunks(sorted(ids, reverse=True))


def _queued_job(row: Mapping[str, Any]) -> QueuedJob:
    return QueuedJob(
        item_id=row["item_id"],
        status=str(row.get("status")),
        field_values=known_values(row.get("field_values")),
    )


def _look(request: Request, timeout: Optional[float]) -> Request:
    """Limit a look's time; the loop that makes it then decides about repeating."""
    if timeout is None:
        return request
    return replace(request, timeout=timeout, retry=RetryRule.NEVER)


def _mappings(reply: Any) -> list[Mapping[str, Any]]:
    if not isinstance(reply, list):
        raise APIResponseError("the queue's answer is no list of jobs")
    return [
        item
        for item in reply
        if isinstance(item, Mapping) and isinstance(item.get("item_id"), int)
    ]
