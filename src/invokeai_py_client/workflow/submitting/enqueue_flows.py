"""Putting a batch into the queue exactly once, even if replies are lost.

Enqueuing is the one request that must not be repeated blindly. After a lost reply, look
for the jobs (`lost_reply_flows.py`), send once more when there are surely none, look
again, and remove what arrived twice. If the outcome stays unknown, raise
`SubmissionUnknownError`.

A batch id that was made of a key may have jobs before anything is sent. They are
compared with what was asked for (`match_jobs.py`); only what is missing is sent.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any, Optional, cast

from invokeai_py_client._core.flow import Flow, now, pause
from invokeai_py_client._core.retry import is_passing
from invokeai_py_client._core.wait_loop import TimeOverError
from invokeai_py_client.exceptions import (
    APIError,
    APIStatusError,
    ConflictError,
)
from invokeai_py_client.queue import requests as queue_requests
from invokeai_py_client.workflow.jobs.batch_request import BatchRequest, known_values
from invokeai_py_client.workflow.jobs.submission_record import SubmittedJob
from invokeai_py_client.workflow.submitting.batch_on_its_way import BatchOnItsWay
from invokeai_py_client.workflow.submitting.enqueue_options import (
    EnqueueOptions,
    EnqueueOutcome,
)
from invokeai_py_client.workflow.submitting.lost_reply_flows import (
    may_have_arrived,
)
from invokeai_py_client.workflow.submitting.match_jobs import (
    Match,
)
from invokeai_py_client.workflow.submitting.receipt_flows import (
    accepted_id,
    acknowledge,
    is_receipt_limit,
)

logger = logging.getLogger("invokeai_py_client")

Step = Callable[[], Flow[Any]]

# A full queue empties at the pace of its jobs; 0.6 s is the least one takes.
ROOM_PAUSE = 2.0


def enqueue(request: BatchRequest, options: EnqueueOptions) -> Flow[EnqueueOutcome]:
    """Send the batch, or what is missing of it under its key, and return its jobs.

    Raises:
        KeyConflictError: The key has jobs of other values.
        QueueFullError: Fewer jobs were taken than asked; they were taken back.
        SubmissionUnknownError: A reply was lost, and the outcome cannot be determined.
        APIStatusError: The server refused the batch; nothing was enqueued.
    """
    return EnqueueAttempt(request, options).enqueue()


def settle(
    request: BatchRequest,
    options: EnqueueOptions,
    placed: Sequence[SubmittedJob] = (),
) -> Flow[EnqueueOutcome]:
    """Find out what became of a batch whose reply was lost; send it again if lost.

    Args:
        request: The whole batch.
        options: As for `enqueue`.
        placed: Jobs of the batch that are known to be in the queue, which can be so
            with ``on_full="wait"``; only the rest is looked for.

    Raises:
        QueueFullError: As `enqueue`.
        SubmissionUnknownError: The outcome still cannot be determined.
        APIStatusError: The server refused the second sending.
    """
    attempt = EnqueueAttempt(request, options, placed, sent=True)
    return attempt.run(attempt.look_again if request.keyed else attempt.settle)


class EnqueueAttempt(BatchOnItsWay):
    """Puts one batch into the queue; each step returns the next, or None."""

    def enqueue(self) -> Flow[EnqueueOutcome]:
        """See the function of this name."""
        return self.run(self.look if self._request.keyed else self.send)

    def run(self, step: Optional[Step]) -> Flow[EnqueueOutcome]:
        """Take step after step until the batch is in the queue."""
        while step is not None:
            step = yield from self._take(step)
        unacknowledged = self._options.unacknowledged
        yield from acknowledge(self._request.queue_id, self._keys, unacknowledged)
        jobs = tuple(self._placed[index] for index in sorted(self._placed))
        return EnqueueOutcome(
            batch_id=jobs[0].batch_id if jobs else self._request.batch_id,
            jobs=jobs,
            requested=self._request.requested,
            adopted=self._adopted,
            warnings=tuple(self._warnings),
        )

    def _take(self, step: Step) -> Flow[Optional[Step]]:
        try:
            return cast(Optional[Step], (yield from step()))
        except APIError as error:
            if self._sent and isinstance(error, TimeOverError):
                raise self._unknown(error) from error
            if not self._is_rest:
                raise
            # Nothing of the rest arrived, but the first part is there and runs.
            if not is_passing(error):
                raise (yield from self._take_back(error)) from error
            try:
                self._outage.note(error, (yield from now()))
            except APIError:
                raise self._unknown(error) from error
            return self._wait_for_room

    def look(self) -> Flow[Optional[Step]]:
        """Look for jobs under the same key."""
        yield from self._learn_batches()
        yield from self._count()
        self._before = frozenset(job.item_id for job in self._placed.values())
        missing = len(self._missing)
        if not missing:
            logger.info("batch %s is in the queue already", self._request.batch_id)
            return None
        if self._placed:
            self._warnings.append(
                f"{len(self._placed)} of {self._request.requested} jobs were in the "
                f"queue under this key; the missing {missing} were added"
            )
        return self.send

    def look_again(self) -> Flow[Optional[Step]]:
        """Look at what is there of a batch whose reply was lost."""
        yield from self._learn_batches()
        yield from self._count()
        return self.settle if self._missing else None

    def send(self) -> Flow[Optional[Step]]:
        """Send what is left of the batch."""
        try:
            reply = yield from self._post()
        except ConflictError:
            # The server keeps the key of another batch, or of ours with other seeds.
            if not (yield from self._learn_receipt()):
                raise
            return self._compare_with_key
        except APIError as error:
            if is_receipt_limit(self._rest, error):
                raise (yield from self._no_receipt(error)) from error
            if not may_have_arrived(error):
                raise
            self._lost = error
            return self.settle
        return (yield from self._read(reply))

    def _read(self, reply: queue_requests.Record) -> Flow[Optional[Step]]:
        """Take over what the reply says of the jobs."""
        # The reply lists every row of the batch id, newest first; ids grow in the
        # order of the expansion.
        rest = self._rest
        listed = reply.get("item_ids")
        given = listed if isinstance(listed, list) else []
        ids = {key for key in given if type(key) is int} - rest.known
        if len(ids) != reply["enqueued"]:
            # Servers before 6.0 return no ids. More ids than jobs enqueued: another
            # client used the same key at the same moment.
            self._learn(accepted_id(reply, rest.batch_id))
            return self._count
        self._outage.over()
        return (yield from self._accept(accepted_id(reply, rest.batch_id), ids))

    def _accept(self, accepted: str, ids: Collection[int]) -> Flow[Optional[Step]]:
        """Place jobs, unless the batch that has the id in their place is the same."""
        rest = self._rest
        is_other = accepted != rest.batch_id
        if is_other and (rest.idempotency_key is not None or not self._placed):
            asked = (rest.batch_id,) if rest.batch_id != self._request.batch_id else ()
            parts = (*self._request.parts, *asked, accepted)
            both = replace(self._request, parts=parts, keyed=True)
            match, _ = yield from self._or_unknown(self._compare(both))
            if self._request.keyed and (match.kept or match.differences):
                self._request = both
                return self._count
            if match.kept and match.copy != self._copy and not match.differences:
                self._request = replace(both, keyed=False)
                yield from self._or_unknown(self._drop_surplus(match.surplus))
                return self._adopt(match)
        if ids:
            self._learn(accepted)
        expansion = self._request.expansion()
        for index, item_id in zip(self._missing, sorted(ids)):
            self._place(index, item_id, expansion[index], accepted)
        return self._check

    def _compare_with_key(self) -> Flow[Optional[Step]]:
        """Take over the jobs of the key that the server keeps, if they are the same."""
        keyed = self._request.keyed
        self._request = replace(self._request, keyed=True)
        step = yield from self._count()
        self._request = replace(self._request, keyed=keyed)
        if not self._placed:
            raise self._options.conflict(())
        return step

    def settle(self) -> Flow[Optional[Step]]:
        """The reply was lost: look for the jobs."""
        lost = self._lost
        logger.warning(
            "batch %s: no good reply (%s), looking for its jobs",
            self._request.batch_id,
            lost,
        )
        if (yield from self._wait_for_jobs(enough=1)):
            return self._arrived
        # The server itself failed while enqueuing, or a proxy says no: sending again
        # would fail again.
        if isinstance(lost, APIStatusError) and lost.status_code <= 500:
            raise lost
        return self._resend

    def _arrived(self) -> Flow[Optional[Step]]:
        """Jobs are there: the receipt says which, where there is one."""
        receipt = yield from self._learn_receipt()
        if receipt is None or self._request.keyed:
            return self._count
        ids = [item_id for item_id in receipt["item_ids"] if type(item_id) is int]
        return (yield from self._accept(receipt["batch_id"], ids))

    def _resend(self) -> Flow[Optional[Step]]:
        """No job arrived: send once more, and look for both copies."""
        logger.warning(
            "batch %s: no job arrived, sending it again", self._request.batch_id
        )
        has_key = self._rest.idempotency_key is not None
        try:
            reply = yield from self._post()
        except APIError as error:
            # This says nothing of the first copy, which may be on its way.
            self._lost = error
            if not (yield from self._wait_for_jobs(enough=1)):
                raise self._unknown(error) from error
            if has_key:
                return self._arrived
        else:
            if has_key:
                # Of both copies the server takes one.
                return (yield from self._read(reply))
            accepted = accepted_id(reply, self._rest.batch_id)
            if accepted not in self._request.batch_ids:
                parts = (*self._request.parts, accepted)
                self._request = replace(self._request, parts=parts)
                self._rest = replace(self._rest, parts=parts)
        # The first sending may still be on its way: give it the time to show up.
        yield from self._wait_for_jobs(enough=self._rest.requested + 1)
        return self._count

    def _count(self) -> Flow[Optional[Step]]:
        """Jobs are there: read which, and remove those that are there twice."""
        match = yield from self._or_unknown(self.match())
        yield from self._or_unknown(self._drop_surplus(match.surplus))
        return self._adopt(match)

    def _adopt(self, match: Match) -> Step:
        """Take over jobs that are there."""
        self._outage.over()
        if match.kept:
            own = str(self._request.graph.get("id"))
            self._adopted = self._request.keyed and match.copy != own
            self._copy = match.copy or self._copy
            if match.is_unseen and self._request.keyed:
                self._warnings.append(
                    "the values of the jobs under this key cannot be seen, so they "
                    "were not compared"
                )
        for index, item in match.kept.items():
            values = known_values(item.job.field_values) or ()
            job = item.job
            self._place(index, job.item_id, values, job.batch_id, job.session_id)
        self._rest = self._part_left(self._request.known | match.known)
        return self._check

    def _check(self) -> Flow[Optional[Step]]:
        """Compare what the queue took with what was asked for."""
        if not self._missing or self._options.on_full == "partial":
            return None
        if self._options.on_full == "wait":
            return self._wait_for_room
        raise (yield from self._take_back())

    def _wait_for_room(self) -> Flow[Optional[Step]]:
        """The queue is full: wait."""
        taken = len(self._placed)
        logger.info(
            "batch %s: the queue is full, %d of %d jobs are in it",
            self._request.batch_id,
            taken,
            self._request.requested,
        )
        yield from pause(ROOM_PAUSE)
        self._is_rest = True
        if taken:
            self._rest = self._part_left(self._rest.known)
        return self.send
