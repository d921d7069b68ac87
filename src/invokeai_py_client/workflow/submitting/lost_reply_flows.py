"""A batch without a good reply: whether it may have arrived, and looking for its jobs.

Its jobs carry a batch id that the client made, so the status of the batch shows whether
they arrived. They are looked for during a settle time: jobs have been seen to appear
0.6 s after their connection broke.
"""

from __future__ import annotations

import math
from typing import Optional

from invokeai_py_client._core.flow import Flow, now, pause
from invokeai_py_client._core.wait_loop import bounded
from invokeai_py_client.exceptions import (
    APIConnectionError,
    APIError,
    APIStatusError,
    InternalServerError,
)
from invokeai_py_client.queue import flows as queue_flows, requests as queue_requests
from invokeai_py_client.workflow.jobs.batch_request import BatchRequest

FIRST_POLL_DELAY = 0.2
LONGEST_POLL_DELAY = 1.0
# InvokeAI does not say these: a proxy does, which may have handed the request on.
_NOT_OURS = (408, 413, 425, 429)


def may_have_arrived(error: APIError) -> bool:
    """False when a batch was never sent, or InvokeAI itself says that it refused it."""
    if isinstance(error, APIConnectionError):
        return error.sent
    is_refusal = (
        isinstance(error, APIStatusError)
        and not isinstance(error, InternalServerError)
        and error.from_invokeai
        and error.status_code not in _NOT_OURS
    )
    return not is_refusal


def wait_for_jobs(request: BatchRequest, enough: int, settle_time: float) -> Flow[bool]:
    """Poll until there are `enough` new jobs or the settle time is over.

    Returns:
        False when the last poll said that there are none.

    Raises:
        APIError: The last poll failed.
    """
    end = (yield from now()) + settle_time
    delay = FIRST_POLL_DELAY
    while True:
        found = 0
        failure: Optional[APIError] = None
        try:
            # A slow server gets the time to answer: no new poll begins when the
            # settle time is over, but this one may end.
            found = yield from bounded(_count_new_jobs(request, enough), math.inf)
        except APIError as error:
            # It says nothing about the jobs, not even that the token is old.
            failure = error
        left = end - (yield from now())
        if left <= 0 or (failure is None and found >= enough):
            break
        yield from pause(min(delay, left))
        delay = min(delay * 2, LONGEST_POLL_DELAY)
    if failure is not None:
        raise failure
    return found > 0


def _count_new_jobs(request: BatchRequest, enough: int) -> Flow[int]:
    """How many jobs there are under the batch id that were not there before."""
    queue_id, batch_ids = request.queue_id, request.batch_ids
    if request.idempotency_key is not None:
        key = request.idempotency_key
        receipt = yield from queue_requests.find_receipt(queue_id, key)
        if receipt is not None:
            return enough
    total = (yield from queue_requests.batch_status(queue_id, *batch_ids))["total"]
    # The count may be too high (children of workflow calls), never too low.
    if total < len(request.known) + enough:
        return 0
    found = yield from queue_flows.find_batch(queue_id, *batch_ids, total=total)
    return sum(job.item_id not in request.known for job in found)
