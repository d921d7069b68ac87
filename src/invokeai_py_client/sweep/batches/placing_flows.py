"""Getting a batch into a server's queue, however often the server goes away.

A fresh batch is sent. When its reply is lost, or the sweep is taken up again and the
ledger has a batch of which nobody knows whether it arrived, the server is asked first,
and only then the same bytes are sent again. While the server does not answer, nothing
is decided: the batch is noted as unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Optional, TypeVar

from invokeai_py_client._core.flow import Flow, now, pause
from invokeai_py_client._core.retry import FailureBudget, may_pass
from invokeai_py_client.exceptions import (
    APIConnectionError,
    APIError,
    KeyConflictError,
    SubmissionUnknownError,
)
from invokeai_py_client.exceptions.base import short_repr
from invokeai_py_client.workflow.jobs.batch_request import BatchRequest
from invokeai_py_client.workflow.submitting.enqueue_flows import enqueue, settle
from invokeai_py_client.workflow.submitting.enqueue_options import (
    EnqueueOptions,
    EnqueueOutcome,
)
from invokeai_py_client.workflow.submitting.match_jobs import Difference

T = TypeVar("T")

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 5.0


class Patience:
    """The server failed: how long to wait before it is asked again, and how often."""

    def __init__(self) -> None:
        self._budget = FailureBudget()

    def over(self) -> None:
        """The server answered."""
        self._budget.over()

    def wait(self, error: APIError) -> Flow[None]:
        """Wait a moment; raise the error when the server stays away for good."""
        if not may_pass(error):
            raise error
        self._budget.note(error, (yield from now()))
        longer = FIRST_PAUSE * 2.0 ** min(self._budget.failures - 1, 8)
        yield from pause(min(longer, LONGEST_PAUSE))


def persist(make: Callable[[], Flow[T]]) -> Flow[T]:
    """Run a flow of reads until the server answers, or stays away for a minute."""
    patience = Patience()
    while True:
        try:
            return (yield from make())
        except APIError as error:  # noqa: PERF203  it is what the loop is for
            yield from patience.wait(error)


def place(
    request: BatchRequest,
    settle_time: float,
    on_doubt: Callable[[str], Flow[None]],
    on_refusal: Callable[[str], Flow[None]],
    is_wanted: Callable[[], Flow[bool]],
    was_sent: bool = False,
) -> Flow[Optional[EnqueueOutcome]]:
    """Put a batch into the queue exactly once.

    Args:
        request: The batch. One with a key may be there already: it is looked for.
        settle_time: Seconds to look for jobs whose reply was lost.
        on_doubt: Called with the reason when it is not known whether it arrived.
        on_refusal: Called with the reason when the server surely took none of it.
        is_wanted: Whether the batch is still to be sent, when the server is back.
        was_sent: It was sent before, and it is not known whether it arrived: it may
            still be on its way.

    Returns:
        None when it is not wanted any more.

    Raises:
        APIError: The server refused it, or stayed away for a minute.
    """
    options = EnqueueOptions(
        settle_time, on_full="wait", conflict=partial(_conflict, request)
    )
    is_sent = was_sent
    patience = Patience()
    while True:
        try:
            if is_sent:
                return (yield from settle(replace(request, keyed=True), options))
            return (yield from enqueue(request, options))
        except SubmissionUnknownError as unknown:
            is_sent = True
            yield from on_doubt(unknown.message)
            cause = unknown.__cause__
            if not isinstance(cause, APIError):
                cause = APIConnectionError(unknown.message)
            error: APIError = cause
        except APIError as failure:
            error = failure
            if not is_sent and not may_pass(error):
                yield from on_refusal(error.message)
        yield from patience.wait(error)
        if not (yield from is_wanted()):
            return None


def _conflict(
    request: BatchRequest, differences: Sequence[Difference]
) -> KeyConflictError:
    """The server has, or had, jobs of other values under the id of a batch."""
    lines = [
        f"{found.node_id}.{found.field_name} is {short_repr(found.there)} there and "
        f"{short_repr(found.here)} here"
        for found in differences
    ]
    what = f"batch {request.batch_id} ({request.requested} jobs)"
    if lines:
        why = f"the server has other jobs under its id: {'; '.join(lines[:5])}"
    else:
        why = "the server took another batch under its id, whose jobs are gone"
    error = KeyConflictError(
        f"{what} cannot be enqueued: {why}",
        key=request.idempotency_key or request.batch_id,
        batch_id=request.batch_id,
        differences=lines,
    )
    error.hint = (
        "if a copy of the sweep's folder is at work, go on with that one; "
        "abandon=[the server's address] has the items made again under another id"
    )
    return error
