"""From values to jobs: prepare, then enqueue, exactly once.

A key finds the batch that is in the queue already. What is not there is prepared, all
calls before the first is sent, and placed; a server that refuses what was compiled with
node types from our cache is asked for its own once.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Optional, TypeVar, Union

from invokeai_py_client._core.flow import Flow, gather, on_interrupt
from invokeai_py_client.exceptions import (
    APIError,
    FieldProblem,
    FieldValidationError,
    InvokeAIError,
    UnprocessableEntityError,
)
from invokeai_py_client.workflow import queue_calls
from invokeai_py_client.workflow.calls import Call, Desk
from invokeai_py_client.workflow.catalog_flows import fetch_catalog
from invokeai_py_client.workflow.enqueue_flows import (
    Placement,
    Placing,
    adopt,
    enqueue,
    settle,
)
from invokeai_py_client.workflow.legends import legend_of
from invokeai_py_client.workflow.orders import QueuedJob
from invokeai_py_client.workflow.prepare_flows import Ready, prepare
from invokeai_py_client.workflow.ticket import SubmittedJob, Ticket, ticket_of_found
from invokeai_py_client.workflow.wait_flows import cancel_surely

ResultT = TypeVar("ResultT")

logger = logging.getLogger("invokeai_py_client")

__all__ = ["batch_id_of", "run", "submit", "submit_all"]

# A namespace of our own, so that a key always gives the same batch id.
KEYS = uuid.UUID("5b1c1d0e-6f0c-5c7e-9a55-8d6f1f3b6a10")


def batch_id_of(key: object, queue_id: str) -> str:
    """A batch id: always the same for the same key, new without one.

    Raises:
        FieldValidationError: The key is no text, or empty: a variable that was not
            set would make all submissions one.
    """
    if key is None:
        return str(uuid.uuid4())
    if not isinstance(key, str) or not key:
        allowed = "a text that is not empty"
        message = f"key={key!r} is not allowed; allowed: {allowed}"
        problem = FieldProblem(message, "key", value=key, allowed=allowed)
        raise FieldValidationError([problem])
    return str(uuid.uuid5(KEYS, f"{queue_id}\n{key}"))


def submit(desk: Desk, call: Call) -> Flow[Ticket]:
    """Put one call into the queue; see `WorkflowHandle.submit`."""
    return (yield from _placed(desk, (yield from _find_or_prepare(desk, call))))


def submit_all(desk: Desk, calls: Sequence[Call]) -> Flow[list[Ticket]]:
    """Put several calls into the queue, in order; all are checked before the first.

    When one cannot be enqueued, those before it are taken back.
    """
    prepared: list[Union[Ticket, Ready]] = []
    # One alone first: what it asks the server for, the others need not ask as well.
    for part in (calls[:1], calls[1:]):
        prepared += yield from gather(
            [_find_or_prepare(desk, call) for call in part], limit=4
        )
    tickets: list[Ticket] = []
    yield from on_interrupt(lambda: _take_all_back(tickets))
    try:
        for item in prepared:
            tickets += [(yield from _placed(desk, item))]
    except InvokeAIError:
        yield from _take_all_back(tickets)
        raise
    yield from on_interrupt(None)
    return tickets


def _take_all_back(tickets: Sequence[Ticket]) -> Flow[None]:
    """Cancel what the caller will never get to know; not what was there before."""
    for ticket in tickets:
        if ticket.adopted:
            continue
        try:
            yield from queue_calls.cancel_batch(ticket.queue_id, ticket.id)
        except APIError as error:
            text = "submission %s could not be taken back: %s"
            logger.warning(text, ticket.id, error)


def _placed(desk: Desk, item: Union[Ticket, Ready]) -> Flow[Ticket]:
    return item if isinstance(item, Ticket) else (yield from _place(desk, item))


def _find_or_prepare(desk: Desk, call: Call) -> Flow[Union[Ticket, Ready]]:
    found: list[QueuedJob] = []
    if call.keyed:
        queue_id = desk.server.queue_id
        found = yield from queue_calls.find_jobs(queue_id, call.batch_id)
        if any(job.status != "canceled" for job in found):
            return _adopted(desk, call, found)
    ready = yield from prepare(desk, call)
    if adopt(ready.order, found) is not None:
        return _adopted(desk, call, found)
    known = frozenset(job.item_id for job in found)
    return replace(ready, order=replace(ready.order, known=known))


def _adopted(desk: Desk, call: Call, found: Sequence[QueuedJob]) -> Ticket:
    logger.info("batch %s is in the queue already: not enqueued", call.batch_id)
    legend = legend_of(call.handle)
    return ticket_of_found(call.batch_id, desk.server.queue_id, found, legend)


def _place(desk: Desk, ready: Ready) -> Flow[Ticket]:
    placing = _placing(desk, ready)
    try:
        placement = yield from enqueue(ready.order, placing)
    except UnprocessableEntityError:
        again = yield from _with_fresh_catalog(desk, ready)
        if again is None:
            raise
        ready = again
        placement = yield from enqueue(ready.order, _placing(desk, ready))
    return _ticket(ready, placement)


def _with_fresh_catalog(desk: Desk, ready: Ready) -> Flow[Optional[Ready]]:
    """The call compiled anew when the server's nodes are not those we knew."""
    if desk.server.catalog_is_fresh:
        return None
    logger.info("the server refused the batch: reading its node types again")
    catalog = yield from fetch_catalog(desk.server)
    again = yield from prepare(desk, ready.call, catalog)
    known = ready.order.known
    same = _without_id(again.order.graph) == _without_id(ready.order.graph)
    return None if same else replace(again, order=replace(again.order, known=known))


def _without_id(graph: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in graph.items() if key != "id"}


def _placing(desk: Desk, ready: Ready) -> Placing:
    def settler(placed: tuple[int, ...]) -> Callable[[], Any]:
        return lambda: desk.redeem(_settle(desk, ready, placed))

    return Placing(desk.server.settle_time, ready.call.on_full, settler)


def _settle(desk: Desk, ready: Ready, placed: tuple[int, ...]) -> Flow[Ticket]:
    placement = yield from settle(ready.order, _placing(desk, ready), placed)
    return _ticket(ready, placement)


def _ticket(ready: Ready, placement: Placement) -> Ticket:
    if placement.adopted:
        # Somebody else was faster under the same key; their values are what runs.
        queue_id = ready.order.queue_id
        legend = legend_of(ready.call.handle, ready.compiled)
        return ticket_of_found(ready.order.batch_id, queue_id, placement.jobs, legend)
    expansion = ready.order.expansion()
    jobs = tuple(
        SubmittedJob(item_id, index, expansion[index])
        for index, item_id in enumerate(placement.item_ids)
    )
    warnings = ready.warnings + placement.warnings
    if len(jobs) < placement.requested:
        warnings += (f"the queue took {len(jobs)} of {placement.requested} jobs",)
    return Ticket(
        id=ready.order.batch_id,
        queue_id=ready.order.queue_id,
        jobs=jobs,
        requested=placement.requested,
        legend=legend_of(ready.call.handle, ready.compiled),
        node_count=len(ready.order.graph["nodes"]),
        warnings=warnings,
    )


def run(
    desk: Desk,
    call: Call,
    follow: Callable[[Ticket], Flow[ResultT]],
) -> Flow[ResultT]:
    """Submit and wait; an interrupted caller's jobs are cancelled.

    Args:
        desk: Where to submit.
        call: What to submit.
        follow: The wait for what was submitted.
    """
    queue_id = desk.server.queue_id
    # Before anything is sent: the reply may be what is being waited for.
    yield from on_interrupt(lambda: cancel_surely(queue_id, call.batch_id))
    ticket = yield from submit(desk, call)
    result = yield from follow(ticket)
    yield from on_interrupt(None)
    return result
