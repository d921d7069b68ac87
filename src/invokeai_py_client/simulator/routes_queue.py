"""The queue's API: `/api/v1/queue/{queue_id}/…`."""

from __future__ import annotations

from typing import Annotated, Any, Optional

from pydantic import Field, ValidationError

from .choices import Direction
from .database import Row, placeholders
from .graph import Batch
from .poison import refuse_poison
from .queue_state import ItemNotFoundError
from .queue_views import full_item, summary, without_nulls
from .wire import ApiError, Call, route

_Q = "/api/v1/queue/{queue_id}"
_Ids = Annotated[list[int], Field(max_length=1000)]


def _queue(call: Call) -> str:
    return call.params["queue_id"]


@route("POST", f"{_Q}/enqueue_batch")
def _enqueue(call: Call) -> Any:
    body = call.embedded(batch=Batch, prepend=(bool, False))
    if call.simulation.settings.poison == "refuse":
        refuse_poison(body["batch"], call.simulation.schemas)
    return call.simulation.queue.enqueue(
        _queue(call),
        body["batch"],
        prepend=body["prepend"],
        user_id=call.user.user_id,
    )


def _shown(call: Call, row: Row, doing: str) -> dict[str, Any]:
    try:
        return full_item(call.simulation, row, call.user)
    except ValidationError as error:
        raise ApiError(500, f"Unexpected error while {doing}: {error}") from error


@route("GET", f"{_Q}/list_all")
def _list_all(call: Call) -> Any:
    destination = call.argument("destination", str, None)
    where = "q.queue_id = ?"
    parameters: tuple[str, ...] = (_queue(call),)
    if destination is not None:
        where += " AND q.destination = ?"
        parameters = (*parameters, destination)
    rows = call.simulation.queue.items(
        f"{where} ORDER BY q.priority DESC, q.item_id", parameters
    )
    return [_shown(call, row, "listing all queue items") for row in rows]


@route("GET", f"{_Q}/item_ids")
def _item_ids(call: Call) -> Any:
    direction = call.argument("order_dir", Direction, "DESC")
    # By time alone, as on the server: inside one batch the ids ascend even in DESC.
    rows = call.simulation.database.all(
        "SELECT item_id FROM session_queue WHERE queue_id = ? "
        f"ORDER BY created_at {direction}, item_id ASC",
        (_queue(call),),
    )
    ids = [row["item_id"] for row in rows]
    return {"item_ids": ids, "total_count": len(ids)}


def _rows_by_id(call: Call) -> list[Row]:
    ids = call.embedded(item_ids=_Ids)["item_ids"]
    rows = call.simulation.queue.items(
        f"q.queue_id = ? AND q.item_id IN ({placeholders(ids)})", (_queue(call), *ids)
    )
    by_id = {row["item_id"]: row for row in rows}
    return [by_id[item_id] for item_id in ids if item_id in by_id]


@route("POST", f"{_Q}/items_by_ids")
def _items_by_ids(call: Call) -> Any:
    items = (_readable(call, row) for row in _rows_by_id(call))
    return [item for item in items if item is not None]


def _readable(call: Call, row: Row) -> Optional[dict[str, Any]]:
    try:
        return full_item(call.simulation, row, call.user)
    except ValidationError:
        return None  # left out without a word, as on the server


@route("POST", f"{_Q}/item_summaries_by_ids")
def _summaries(call: Call) -> Any:
    return [summary(row, call.user) for row in _rows_by_id(call)]


@route("PUT", f"{_Q}/processor/resume", "admin")
def _resume(call: Call) -> Any:
    call.simulation.processor.resume()
    return call.simulation.processor.status()


@route("PUT", f"{_Q}/processor/pause", "admin")
def _pause(call: Call) -> Any:
    call.simulation.processor.pause()
    return call.simulation.processor.status()


@route("PUT", f"{_Q}/cancel_all_except_current")
def _cancel_all(call: Call) -> Any:
    count = call.simulation.operations.cancel_all_except_current(
        _queue(call), call.scope_user
    )
    return {"canceled": count}


@route("PUT", f"{_Q}/delete_all_except_current")
def _delete_all(call: Call) -> Any:
    count = call.simulation.operations.delete_all_except_current(
        _queue(call), call.scope_user
    )
    return {"deleted": count}


@route("PUT", f"{_Q}/cancel_by_batch_ids")
def _cancel_batches(call: Call) -> Any:
    ids = call.embedded(batch_ids=list[str])["batch_ids"]
    count = call.simulation.operations.cancel_by_batch_ids(
        _queue(call), ids, call.scope_user
    )
    return {"canceled": count}


@route("PUT", f"{_Q}/cancel_by_destination")
def _cancel_destination(call: Call) -> Any:
    count = call.simulation.operations.cancel_by_destination(
        _queue(call), call.argument("destination", str), call.scope_user
    )
    return {"canceled": count}


@route("DELETE", f"{_Q}/d/{{destination}}")
def _delete_destination(call: Call) -> Any:
    count = call.simulation.operations.delete_by_destination(
        _queue(call), call.params["destination"], call.scope_user
    )
    return {"deleted": count}


@route("PUT", f"{_Q}/retry_items_by_id")
def _retry(call: Call) -> Any:
    ids = call.read(list[int])
    for item_id in ids:
        try:
            row = call.simulation.queue.item(item_id)
        except ItemNotFoundError:
            continue
        if row["queue_id"] != _queue(call):
            raise _not_found(call, item_id)
        root = call.simulation.queue.item(row["root_item_id"] or item_id)
        _own(call, root, f"retry queue item {item_id}")
        _shown(call, row, "retrying queue items")
    retried = call.simulation.operations.retry(_queue(call), ids)
    return {"queue_id": _queue(call), "retried_item_ids": retried}


@route("PUT", f"{_Q}/clear")
def _clear(call: Call) -> Any:
    deleted = call.simulation.operations.clear(_queue(call), call.scope_user)
    return {"deleted": deleted}


@route("PUT", f"{_Q}/prune")
def _prune(call: Call) -> Any:
    deleted = call.simulation.operations.prune(_queue(call), call.scope_user)
    return {"deleted": deleted}


def _first(call: Call, status: str, order: str, doing: str) -> Any:
    rows = call.simulation.queue.items(
        f"q.queue_id = ? AND q.status = ? ORDER BY {order} LIMIT 1",
        (_queue(call), status),
    )
    return _shown(call, rows[0], doing) if rows else None


@route("GET", f"{_Q}/current")
def _current(call: Call) -> Any:
    doing = "getting current queue item"
    return _first(call, "in_progress", "q.item_id", doing)


@route("GET", f"{_Q}/next")
def _next(call: Call) -> Any:
    order = "q.priority DESC, q.created_at, q.item_id"
    return _first(call, "pending", order, "getting next queue item")


@route("GET", f"{_Q}/status")
def _status(call: Call) -> Any:
    return {
        "queue": call.simulation.queue.queue_status(
            _queue(call), call.user.user_id, is_admin=call.user.is_admin
        ),
        "processor": call.simulation.processor.status(),
    }


@route("GET", f"{_Q}/b/{{batch_id}}/status")
def _batch_status(call: Call) -> Any:
    return call.simulation.queue.batch_status(
        _queue(call), call.params["batch_id"], call.scope_user
    )


@route("GET", f"{_Q}/counts_by_destination")
def _destination_counts(call: Call) -> Any:
    return call.simulation.queue.destination_counts(
        _queue(call), call.argument("destination", str), call.scope_user
    )


def _not_found(call: Call, item_id: int) -> ApiError:
    return ApiError(
        404, f"Queue item with id {item_id} not found in queue {_queue(call)}"
    )


def _own(call: Call, row: Row, doing: str) -> None:
    if not call.user.is_admin and row["user_id"] != call.user.user_id:
        raise ApiError(403, f"You do not have permission to {doing}")


def _row(call: Call, item_id: int, doing: str) -> Optional[Row]:
    """A readable item of this queue; None when it is of another queue."""
    try:
        row = call.simulation.queue.item(item_id)
    except ItemNotFoundError:
        raise _not_found(call, item_id) from None
    # The server reads the item before it looks at the queue.
    _shown(call, row, doing)
    return row if row["queue_id"] == _queue(call) else None


@route("GET", f"{_Q}/i/{{item_id}}")
def _get(call: Call) -> Any:
    item_id = call.integer("item_id")
    row = _row(call, item_id, "fetching queue item")
    if row is None:
        # The server wraps its own 404 in a 500 here, and only here.
        problem = f"404: {_not_found(call, item_id).detail}"
        raise ApiError(500, f"Unexpected error while fetching queue item: {problem}")
    return without_nulls(_shown(call, row, "fetching queue item"))


@route("DELETE", f"{_Q}/i/{{item_id}}")
def _delete(call: Call) -> Any:
    item_id = call.integer("item_id")
    row = _row(call, item_id, "deleting queue item")
    if row is None:
        raise _not_found(call, item_id)
    root = call.simulation.queue.item(row["root_item_id"] or item_id)
    _own(call, root, "delete this queue item")
    call.simulation.operations.delete(item_id)
    return None


@route("PUT", f"{_Q}/i/{{item_id}}/cancel")
def _cancel(call: Call) -> Any:
    item_id = call.integer("item_id")
    row = _row(call, item_id, "canceling queue item")
    if row is None:
        raise _not_found(call, item_id)
    _own(call, row, "cancel this queue item")
    return _shown(
        call, call.simulation.operations.cancel(item_id), "canceling queue item"
    )
