"""The queue's API: `/api/v1/queue/{queue_id}/…`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Optional

from pydantic import Field, ValidationError

from ..base.api_enums import Direction
from ..base.database import Row, placeholders
from ..base.errors import ApiError
from ..graphs.batch import Batch, Key, KeyedBatch
from ..http.wire import ApiRequest, route
from ..queue.poison import refuse_poison
from ..queue.queue_operations import QueueOperations
from ..queue.queue_state import ItemNotFoundError
from ..queue.queue_views import full_item, summary, without_nulls

_Q = "/api/v1/queue/{queue_id}"
_Ids = Annotated[list[int], Field(max_length=1000)]


def _queue(request: ApiRequest) -> str:
    return request.params["queue_id"]


@route("POST", f"{_Q}/enqueue_batch")
def _enqueue(request: ApiRequest) -> Any:
    kind = KeyedBatch if request.simulation.settings.rules == "7" else Batch
    body = request.embedded(batch=kind, prepend=(bool, False))
    if request.simulation.settings.poison == "refuse":
        refuse_poison(body["batch"], request.simulation.schemas)
    return request.simulation.queue.enqueue(
        _queue(request),
        body["batch"],
        prepend=body["prepend"],
        user_id=request.user.user_id,
    )


@route("GET", f"{_Q}/enqueue_batch/receipt", rules="7")
def _receipt(request: ApiRequest) -> Any:
    key = request.argument("idempotency_key", Key)
    receipts = request.simulation.queue.receipts
    user_id = request.user.user_id
    row = None if receipts is None else receipts.find(_queue(request), user_id, key)
    if row is None:
        raise ApiError(404, "Enqueue receipt not found")
    return {
        name: row[name] for name in ("batch_id", "enqueued", "item_ids", "requested")
    }


@route("POST", f"{_Q}/enqueue_batch/acknowledge", rules="7")
def _acknowledge(request: ApiRequest) -> Any:
    key = request.embedded(idempotency_key=Key)["idempotency_key"]
    receipts = request.simulation.queue.receipts
    if receipts is not None:
        receipts.acknowledge(_queue(request), request.user.user_id, key)


def _shown(request: ApiRequest, row: Row, doing: str) -> dict[str, Any]:
    try:
        return full_item(row, request.simulation.schemas, request.user)
    except ValueError as error:
        # The real server reads the whole session at once.
        what = f"1 validation error for GraphExecutionState\n{error}"
        raise ApiError(500, f"Unexpected error while {doing}: {what}") from error


@route("GET", f"{_Q}/list_all")
def _list_all(request: ApiRequest) -> Any:
    destination = request.argument("destination", str, None)
    where = "q.queue_id = ?"
    parameters: tuple[str, ...] = (_queue(request),)
    if destination is not None:
        where += " AND q.destination = ?"
        parameters = (*parameters, destination)
    rows = request.simulation.queue.items(
        f"{where} ORDER BY q.priority DESC, q.item_id", parameters
    )
    return [_shown(request, row, "listing all queue items") for row in rows]


@route("GET", f"{_Q}/item_ids")
def _item_ids(request: ApiRequest) -> Any:
    direction = request.argument("order_dir", Direction, "DESC")
    # Sorted by time only, as on the server: ids of one batch ascend even in DESC.
    rows = request.simulation.database.all(
        "SELECT item_id FROM session_queue WHERE queue_id = ? "
        f"ORDER BY created_at {direction}, item_id ASC",
        (_queue(request),),
    )
    ids = [row["item_id"] for row in rows]
    return {"item_ids": ids, "total_count": len(ids)}


def _rows_by_id(request: ApiRequest) -> list[Row]:
    ids = request.embedded(item_ids=_Ids)["item_ids"]
    rows = request.simulation.queue.items(
        f"q.queue_id = ? AND q.item_id IN ({placeholders(ids)})",
        (_queue(request), *ids),
    )
    by_id = {row["item_id"]: row for row in rows}
    return [by_id[item_id] for item_id in ids if item_id in by_id]


@route("POST", f"{_Q}/items_by_ids")
def _items_by_ids(request: ApiRequest) -> Any:
    items = (_readable(request, row) for row in _rows_by_id(request))
    return [item for item in items if item is not None]


def _readable(request: ApiRequest, row: Row) -> Optional[dict[str, Any]]:
    try:
        return full_item(row, request.simulation.schemas, request.user)
    except ValidationError:
        return None  # silently left out, as on the server


@route("POST", f"{_Q}/item_summaries_by_ids")
def _summaries(request: ApiRequest) -> Any:
    return [summary(row, request.user) for row in _rows_by_id(request)]


@route("PUT", f"{_Q}/processor/resume", "admin")
def _resume(request: ApiRequest) -> Any:
    request.simulation.workers.resume()
    return request.simulation.workers.status()


@route("PUT", f"{_Q}/processor/pause", "admin")
def _pause(request: ApiRequest) -> Any:
    request.simulation.workers.pause()
    return request.simulation.workers.status()


def _counted(
    change: Callable[..., int], told: str, request: ApiRequest, *about: Any
) -> dict[str, int]:
    """Change many items and return how many there were."""
    operations = request.simulation.operations
    return {told: change(operations, _queue(request), *about, request.scope_user)}


for _path, _change, _told in (
    ("clear", QueueOperations.clear, "deleted"),
    ("prune", QueueOperations.prune, "deleted"),
    (
        "cancel_all_except_current",
        QueueOperations.cancel_all_except_current,
        "canceled",
    ),
    ("delete_all_except_current", QueueOperations.delete_all_except_current, "deleted"),
):
    route("PUT", f"{_Q}/{_path}")(partial(_counted, _change, _told))


@route("PUT", f"{_Q}/cancel_by_batch_ids")
def _cancel_batches(request: ApiRequest) -> Any:
    ids = request.embedded(batch_ids=list[str])["batch_ids"]
    running = request.simulation.operations.running(_queue(request), ids)
    answer = _counted(QueueOperations.cancel_by_batch_ids, "canceled", request, ids)
    for item_id in running:
        # Cancelled, but it cannot be shown: it ended the worker.
        row = request.simulation.queue.item(item_id)
        _shown(request, row, "canceling by batch id")
    return answer


@route("PUT", f"{_Q}/cancel_by_destination")
def _cancel_destination(request: ApiRequest) -> Any:
    destination = request.argument("destination", str)
    change = QueueOperations.cancel_by_destination
    return _counted(change, "canceled", request, destination)


@route("DELETE", f"{_Q}/d/{{destination}}")
def _delete_destination(request: ApiRequest) -> Any:
    change = QueueOperations.delete_by_destination
    return _counted(change, "deleted", request, request.params["destination"])


def _check_retry(request: ApiRequest, item_id: int) -> None:
    try:
        row = request.simulation.queue.item(item_id)
    except ItemNotFoundError:
        return
    if row["queue_id"] != _queue(request):
        raise _not_found(request, item_id)
    _own(request, row, f"retry queue item {item_id}")
    _shown(request, row, "retrying queue items")


@route("PUT", f"{_Q}/retry_items_by_id")
def _retry(request: ApiRequest) -> Any:
    ids = request.read(list[int])
    for item_id in ids:
        _check_retry(request, item_id)
    retried = request.simulation.operations.retry(_queue(request), ids)
    return {"queue_id": _queue(request), "retried_item_ids": retried}


def _first(request: ApiRequest, status: str, order: str, doing: str) -> Any:
    rows = request.simulation.queue.items(
        f"q.queue_id = ? AND q.status = ? ORDER BY {order} LIMIT 1",
        (_queue(request), status),
    )
    return _shown(request, rows[0], doing) if rows else None


@route("GET", f"{_Q}/current")
def _current(request: ApiRequest) -> Any:
    doing = "getting current queue item"
    return _first(request, "in_progress", "q.item_id", doing)


@route("GET", f"{_Q}/next")
def _next(request: ApiRequest) -> Any:
    order = "q.priority DESC, q.created_at, q.item_id"
    return _first(request, "pending", order, "getting next queue item")


@route("GET", f"{_Q}/status")
def _status(request: ApiRequest) -> Any:
    return {
        "queue": request.simulation.queue.queue_status(
            _queue(request), request.user.user_id, is_admin=request.user.is_admin
        ),
        "processor": request.simulation.workers.status(),
    }


@route("GET", f"{_Q}/b/{{batch_id}}/status")
def _batch_status(request: ApiRequest) -> Any:
    return request.simulation.queue.batch_status(
        _queue(request), request.params["batch_id"], request.scope_user
    )


@route("GET", f"{_Q}/counts_by_destination")
def _destination_counts(request: ApiRequest) -> Any:
    return request.simulation.queue.destination_counts(
        _queue(request), request.argument("destination", str), request.scope_user
    )


def _not_found(request: ApiRequest, item_id: int) -> ApiError:
    return ApiError(
        404, f"Queue item with id {item_id} not found in queue {_queue(request)}"
    )


def _own(request: ApiRequest, row: Row, doing: str) -> None:
    if not request.owns(row):
        raise ApiError(403, f"You do not have permission to {doing}")


def _row(request: ApiRequest, item_id: int, doing: str) -> Optional[Row]:
    """A readable item of this queue; None when it is of another queue."""
    try:
        row = request.simulation.queue.item(item_id)
    except ItemNotFoundError:
        raise _not_found(request, item_id) from None
    # The server reads the item before it looks at the queue.
    _shown(request, row, doing)
    return row if row["queue_id"] == _queue(request) else None


@route("GET", f"{_Q}/i/{{item_id}}")
def _get(request: ApiRequest) -> Any:
    item_id = request.integer("item_id")
    row = _row(request, item_id, "fetching queue item")
    if row is None:
        # The server wraps its own 404 in a 500 here, and only here.
        problem = f"404: {_not_found(request, item_id).detail}"
        raise ApiError(500, f"Unexpected error while fetching queue item: {problem}")
    return without_nulls(_shown(request, row, "fetching queue item"))


@route("DELETE", f"{_Q}/i/{{item_id}}")
def _delete(request: ApiRequest) -> Any:
    row = _changeable(request, "deleting queue item")
    _own(request, row, "delete this queue item")
    request.simulation.operations.delete(row["item_id"])


@route("PUT", f"{_Q}/i/{{item_id}}/cancel")
def _cancel(request: ApiRequest) -> Any:
    row = _changeable(request, "canceling queue item")
    _own(request, row, "cancel this queue item")
    canceled = request.simulation.operations.cancel(row["item_id"])
    return _shown(request, canceled, "canceling queue item")


def _changeable(request: ApiRequest, doing: str) -> Row:
    item_id = request.integer("item_id")
    row = _row(request, item_id, doing)
    if row is None:
        raise _not_found(request, item_id)
    return row
