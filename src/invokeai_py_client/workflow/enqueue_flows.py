"""Putting an order into the queue exactly once, whatever happens to the replies.

Enqueuing is the one request that must not be repeated blindly. Its jobs carry a batch
id that we made, so after a lost reply the batch's own status tells whether they
arrived: look for a settle time (jobs have been seen to appear 0.6 s after their
connection broke), send once more when there are surely none, look again, and remove
what came twice. What cannot be told is raised as `SubmissionUnknownError`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Optional

from invokeai_py_client._core.flow import Flow, now, pause
from invokeai_py_client._core.outage import Outage, is_passing, may_pass
from invokeai_py_client.exceptions import (
    APIConnectionError,
    APIError,
    APIResponseError,
    APIStatusError,
    InternalServerError,
    QueueFullError,
    SubmissionUnknownError,
)
from invokeai_py_client.workflow import queue_calls
from invokeai_py_client.workflow.orders import Order, QueuedJob

logger = logging.getLogger("invokeai_py_client")

__all__ = ["OnFull", "Placement", "Placing", "adopt", "enqueue", "settle"]

OnFull = Literal["error", "partial", "wait"]

FIRST_LOOK = 0.2
LONGEST_LOOK_PAUSE = 1.0
# A full queue empties at the pace of its jobs; 0.6 s is the least one takes.
ROOM_PAUSE = 2.0

# After these the jobs may be in the queue or may not.
_UNSURE = (APIConnectionError, APIResponseError, InternalServerError)
# These say that nothing was done; a proxy can say so too late, when the server had
# the request already. One look makes sure.
_NOT_NOW = (408, 429)


@dataclass(frozen=True)
class Placement:
    """What became of an order.

    Attributes:
        item_ids: The jobs, in expansion order.
        requested: How many were asked for.
        resent: The order was sent twice; a late copy may still turn up.
        adopted: The jobs were there before, under the same key.
        jobs: Those that were adopted, with the values they were given.
        warnings: What the caller should know, one line each.
    """

    item_ids: tuple[int, ...]
    requested: int
    resent: bool = False
    adopted: bool = False
    jobs: tuple[QueuedJob, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Placing:
    """How to place orders.

    Attributes:
        settle_time: Seconds to look for jobs whose reply was lost.
        on_full: What to do when the server takes fewer jobs than asked.
        settler: Makes the `settle()` of a `SubmissionUnknownError`, given the jobs
            of the order that are known to be in the queue.
    """

    settle_time: float = 10.0
    on_full: OnFull = "error"
    settler: Optional[Callable[[tuple[int, ...]], Callable[[], Any]]] = None


def enqueue(order: Order, placing: Placing) -> Flow[Placement]:
    """Send the order and return its jobs.

    Raises:
        QueueFullError: Fewer jobs were taken than asked; they were taken back.
        SubmissionUnknownError: A reply was lost, and what happened cannot be told.
        APIStatusError: The server refused the order; nothing was enqueued.
    """
    placement = yield from _place(order, placing)
    return (yield from _complete(order, placement, placing))


def settle(
    order: Order, placing: Placing, placed: Sequence[int] = ()
) -> Flow[Placement]:
    """Find out what became of an order whose reply was lost; send it once more if lost.

    Args:
        order: The whole order.
        placing: As for `enqueue`.
        placed: Jobs of the order that are known to be in the queue, which can be so
            with ``on_full="wait"``; only the rest is looked for.

    Raises:
        QueueFullError: As `enqueue`.
        SubmissionUnknownError: It still cannot be told.
        APIStatusError: The server refused the second sending.
    """
    first = Placement(tuple(placed), order.requested)
    part = yield from _settle(*_rest(order, first, placing))
    return (yield from _complete(order, _joined(first, part), placing))


def adopt(order: Order, found: Sequence[QueuedJob]) -> Optional[Placement]:
    """The jobs that are there already under this order's key; None to enqueue.

    Fewer jobs than asked which are all cancelled are an order that found the queue
    full and was taken back: that one never ran.
    """
    jobs = [job for job in found if job.item_id not in order.known]
    cancelled = all(job.status == "canceled" for job in jobs)
    if not jobs or (cancelled and len(jobs) < order.requested):
        return None
    return _adopted(jobs)


def _adopted(jobs: Sequence[QueuedJob]) -> Placement:
    ids = tuple(job.item_id for job in jobs)
    return Placement(ids, len(ids), adopted=True, jobs=tuple(jobs))


def _complete(order: Order, placement: Placement, placing: Placing) -> Flow[Placement]:
    """Do what the caller chose when the queue took only a part of the order."""
    enough = placement.adopted or len(placement.item_ids) >= order.requested
    if enough or placing.on_full == "partial":
        return placement
    if placing.on_full == "wait":
        return (yield from _place_rest(order, placement, placing))
    raise (yield from _take_back(order, len(placement.item_ids)))


def _settle(
    order: Order, placing: Placing, cause: Optional[APIError] = None
) -> Flow[Placement]:
    logger.warning(
        "batch %s: no good reply (%s), looking for its jobs", order.batch_id, cause
    )
    says_no = _says_not_now(cause)
    jobs = yield from _watch(order, placing.settle_time, enough=0 if says_no else 1)
    if jobs is None:
        raise _unknown(order, placing) from cause
    if jobs:
        return (yield from _recount(order, placing, resent=False))
    if cause is not None and says_no:
        raise cause
    if isinstance(cause, InternalServerError) and cause.status_code == 500:
        # The server itself failed while enqueuing; sending again would fail again.
        raise cause
    logger.warning("batch %s: no job arrived, sending it again", order.batch_id)
    return (yield from _send_again(order, placing))


def _place(order: Order, placing: Placing) -> Flow[Placement]:
    try:
        reply = yield from queue_calls.post_batch(order)
    except APIError as error:
        if _was_never_sent(error) or not _is_unsure(error):
            raise
        return (yield from _settle(order, placing, error))
    ids = _new_ids(order, reply.get("item_ids"))
    if len(ids) == reply["enqueued"]:
        return Placement(ids, order.requested)
    # Servers before 6.0 give no ids. More ids than jobs enqueued: somebody else
    # used the same key at the same moment.
    return (yield from _recount(order, placing, resent=False))


def _send_again(order: Order, placing: Placing) -> Flow[Placement]:
    try:
        yield from queue_calls.post_batch(order)
    except APIError as error:
        if not _is_unsure(error):
            raise
        jobs = yield from _watch(order, placing.settle_time, enough=1)
        if jobs is not None and not jobs and _says_not_now(error):
            raise
        if not jobs:
            raise _unknown(order, placing) from error
    # The first sending may still be on its way: give it the time to show up.
    yield from _watch(order, placing.settle_time, enough=order.requested + 1)
    return (yield from _recount(order, placing, resent=True))


def _watch(
    order: Order, seconds: float, *, enough: int
) -> Flow[Optional[list[QueuedJob]]]:
    """Look for the order's jobs until there are `enough` or the time is over.

    Returns:
        The jobs of the last look; None when that look failed.
    """
    end = (yield from now()) + seconds
    delay = FIRST_LOOK
    while True:
        try:
            jobs = yield from _look(order, enough)
        except APIError as error:
            if not may_pass(error):
                raise
            jobs = None
        left = end - (yield from now())
        if left <= 0 or (jobs is not None and len(jobs) >= enough):
            return jobs
        yield from pause(min(delay, left))
        delay = min(delay * 2, LONGEST_LOOK_PAUSE)


def _look(order: Order, enough: int) -> Flow[list[QueuedJob]]:
    status = yield from queue_calls.batch_status(order.queue_id, order.batch_id)
    # The count may be too high (children of workflow calls), never too low.
    if status["total"] < len(order.known) + enough:
        return []
    return (yield from _our_jobs(order, status["total"]))


def _our_jobs(order: Order, total: Optional[int] = None) -> Flow[list[QueuedJob]]:
    found = yield from queue_calls.find_jobs(
        order.queue_id, order.batch_id, total=total
    )
    return [job for job in found if job.item_id not in order.known]


def _recount(order: Order, placing: Placing, *, resent: bool) -> Flow[Placement]:
    """Read the jobs from the queue and remove those that are there twice."""
    try:
        jobs = yield from _our_jobs(order)
        if len(jobs) <= order.requested:
            return replace(_found(order, jobs), resent=resent)
        shared = order.keyed and not resent
        keep = order.pick_first(jobs) if shared else order.pick_copy(jobs)
        if keep is None:
            raise (yield from _take_back(order, order.requested - 1))
        warnings = yield from remove_surplus(order.queue_id, jobs, keep)
    except APIError as error:
        # They are in the queue, but which ones are ours is not known yet.
        raise _unknown(order, placing) from error
    return replace(_found(order, keep), resent=resent, warnings=warnings)


def remove_surplus(
    queue_id: str, jobs: Sequence[QueuedJob], keep: Sequence[QueuedJob]
) -> Flow[tuple[str, ...]]:
    """Remove the jobs that are not to be kept; say so when one had already started.

    They leave the queue's list too: who looks up the batch later must not take the
    cancelled copy for jobs of the submission.
    """
    kept = {job.item_id for job in keep}
    surplus = [job for job in jobs if job.item_id not in kept]
    yield from queue_calls.remove_jobs(queue_id, [job.item_id for job in surplus])
    ran = [job.item_id for job in surplus if job.has_started]
    logger.warning("removed %d jobs that were enqueued twice", len(surplus))
    if not ran:
        return ()
    return (f"jobs {ran} were enqueued twice and had started before being removed",)


def _place_rest(order: Order, first: Placement, placing: Placing) -> Flow[Placement]:
    """Put the rest of the order into the queue as room appears.

    Raises:
        QueueFullError: The server refused the rest; what it had taken was taken back.
        SubmissionUnknownError: A reply was lost, or the server stayed out of reach.
    """
    placed = first
    outage = Outage()
    while len(placed.item_ids) < order.requested:
        logger.info(
            "batch %s: the queue is full, %d of %d jobs are in it",
            order.batch_id,
            len(placed.item_ids),
            order.requested,
        )
        yield from pause(ROOM_PAUSE)
        rest, placing_rest = _rest(order, placed, placing)
        try:
            part = yield from _place(rest, placing_rest)
        except APIError as error:
            # Nothing of the rest arrived, but the first part is there and runs.
            if not is_passing(error):
                taken = len(placed.item_ids)
                raise (yield from _take_back(order, taken, error)) from error
            try:
                outage.note(error, (yield from now()))
            except APIError:
                raise _unknown(rest, placing_rest) from error
        else:
            outage.over()
            placed = _joined(placed, part)
    return placed


def _rest(order: Order, placed: Placement, placing: Placing) -> tuple[Order, Placing]:
    """What is left of the order, and how to place that; its settler tells of all."""
    if not placed.item_ids:
        return order, placing
    rest = order.after(len(placed.item_ids), placed.item_ids)
    make = placing.settler
    if make is None:
        return rest, placing
    return rest, replace(placing, settler=lambda more: make(placed.item_ids + more))


def _joined(first: Placement, part: Placement) -> Placement:
    if not first.item_ids:
        return part
    return Placement(
        item_ids=first.item_ids + part.item_ids,
        requested=first.requested,
        resent=first.resent or part.resent,
        warnings=first.warnings + part.warnings,
    )


def _new_ids(order: Order, item_ids: Any) -> tuple[int, ...]:
    """The reply's ids in expansion order.

    The reply lists every row of the batch id, newest first; ids grow in the order of
    the expansion.
    """
    ids = item_ids if isinstance(item_ids, list) else []
    return tuple(sorted({key for key in ids if type(key) is int} - order.known))


def _found(order: Order, jobs: Sequence[QueuedJob]) -> Placement:
    if order.keyed and not order.is_ours(jobs):
        return _adopted(jobs)
    return Placement(tuple(job.item_id for job in jobs), order.requested)


def _is_unsure(error: APIError) -> bool:
    return isinstance(error, _UNSURE) or _says_not_now(error)


def _says_not_now(error: Optional[APIError]) -> bool:
    return isinstance(error, APIStatusError) and error.status_code in _NOT_NOW


def _was_never_sent(error: APIError) -> bool:
    return isinstance(error, APIConnectionError) and not error.sent


def _take_back(
    order: Order, enqueued: int, refusal: Optional[APIError] = None
) -> Flow[QueueFullError]:
    """Cancel what the queue took of the order, and make the error that says so."""
    outcome = "they were taken back"
    try:
        yield from queue_calls.cancel_batch(order.queue_id, order.batch_id)
    except APIError as error:
        outcome = f"they could not be taken back: {error.message}"
    why = "" if refusal is None else f" and refused the rest ({refusal.message})"
    return QueueFullError(
        f"the queue took {enqueued} of {order.requested} jobs{why}; {outcome}",
        requested=order.requested,
        enqueued=enqueued,
        hint='submit fewer, wait until it is emptier, or pass on_full="wait"',
    )


def _unknown(order: Order, placing: Placing) -> SubmissionUnknownError:
    return SubmissionUnknownError(
        f"the reply to batch {order.batch_id} was lost, and whether the server has its "
        "jobs cannot be told",
        batch_id=order.batch_id,
        settle=placing.settler(()) if placing.settler else None,
    )
