"""What is known of a batch on its way into the queue, and what is asked about it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Optional, TypeVar

from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.retry import FailureBudget
from invokeai_py_client._job import JobStatus
from invokeai_py_client.exceptions import (
    APIConnectionError,
    APIError,
    QueueFullError,
    SubmissionUnknownError,
)
from invokeai_py_client.queue import requests as queue_requests
from invokeai_py_client.workflow.jobs.batch_request import BatchRequest
from invokeai_py_client.workflow.jobs.submission_record import SubmittedJob
from invokeai_py_client.workflow.submitting.enqueue_options import EnqueueOptions
from invokeai_py_client.workflow.submitting.find_copies_flows import (
    find_copies,
    match_media,
)
from invokeai_py_client.workflow.submitting.lost_reply_flows import wait_for_jobs
from invokeai_py_client.workflow.submitting.match_jobs import (
    FoundJob,
    Match,
    match_jobs,
)
from invokeai_py_client.workflow.submitting.receipt_flows import find_parts, post_batch
from invokeai_py_client.workflow.submitting.take_back_flows import remove_jobs

ResultT = TypeVar("ResultT")

logger = logging.getLogger("invokeai_py_client")


class BatchOnItsWay:
    """One batch on its way into the queue: its jobs there, and the ids they have."""

    def __init__(
        self,
        request: BatchRequest,
        options: EnqueueOptions,
        placed: Sequence[SubmittedJob] = (),
        *,
        sent: bool = False,
    ) -> None:
        self._request = request
        self._options = options
        self._placed = {job.index: job for job in placed}
        self._copy = str(request.graph.get("id"))
        self._rest = self._part_left(request.known) if placed else request
        self._before: frozenset[int] = frozenset()
        self._adopted = False
        self._warnings: list[str] = []
        self._lost: Optional[APIError] = None
        self._keys: set[str] = set()
        self._sent = sent
        self._is_rest = bool(placed)
        self._outage = FailureBudget()

    @property
    def request(self) -> BatchRequest:
        """The batch, with the ids that its jobs have as far as they are known."""
        return self._request

    def match(self) -> Flow[Match]:
        """Compare the jobs under the batch id with what was asked for."""
        match, found = yield from self._compare(self._request)
        if not match.differences:
            return match
        if self._sent:
            # They came at the same moment; the jobs that were there first stay.
            own = [item for item in found if item.copy == self._copy]
            queue_id = self._request.queue_id
            yield from remove_jobs(queue_id, [i.job.item_id for i in own])
        raise self._options.conflict(match.differences)

    def _compare(self, request: BatchRequest) -> Flow[tuple[Match, list[FoundJob]]]:
        found = yield from find_copies(request)
        names: dict[str, str] = {}
        while True:
            match = match_jobs(request, found, self._options.default_of, names)
            if not match.differences:
                return match, found
            if not (yield from match_media(match.differences, names)):
                return match, found

    @property
    def _missing(self) -> list[int]:
        return [n for n in range(self._request.requested) if n not in self._placed]

    def _part_left(self, known: Iterable[int]) -> BatchRequest:
        """What has to be sent still, while the `known` jobs are there."""
        there = frozenset(job.item_id for job in self._placed.values()).union(known)
        if not self._placed:
            return replace(self._request, known=there)
        return self._request.rest(self._missing, there, self._copy)

    def _place(
        self,
        index: int,
        item_id: int,
        values: Any,
        batch_id: str,
        session_id: Optional[str] = None,
    ) -> None:
        self._placed[index] = SubmittedJob(
            item_id, index, values, batch_id=batch_id, session_id=session_id
        )

    def _learn_batches(self) -> Flow[None]:
        """Learn under which ids the server has jobs of the key."""
        if self._request.idempotency_key is not None:
            yield from self._learn_receipt()
            queue_id, batch_id = self._request.queue_id, self._request.batch_id
            parts = yield from self._or_unknown(find_parts(queue_id, batch_id))
            parts = tuple(dict.fromkeys([*self._request.parts, *parts]))
            self._request = replace(self._request, parts=parts)

    def _learn_receipt(self) -> Flow[Optional[queue_requests.Record]]:
        """The receipt of what is being sent, and the id of its batch."""
        key, queue_id = self._rest.idempotency_key, self._rest.queue_id
        if key is None:
            return None
        finding = queue_requests.find_receipt(queue_id, key)
        receipt = yield from self._or_unknown(finding)
        if receipt is not None:
            if self._sent:
                self._keys.add(key)
            self._learn(receipt["batch_id"])
        return receipt

    def _learn(self, accepted: str) -> None:
        """Note the id of a batch that has jobs of this one."""
        if accepted in self._request.batch_ids:
            return
        if self._placed:
            parts = (*self._request.parts, accepted)
            self._request = replace(self._request, parts=parts)
        else:
            self._request = replace(self._request, batch_id=accepted)
            self._rest = replace(self._rest, batch_id=accepted)

    # -- what the steps ask the server ---------------------------------------------

    def _post(self) -> Flow[queue_requests.Record]:
        rest = self._rest
        self._sent = True
        try:
            reply = yield from post_batch(rest, self._options.unacknowledged)
        except APIConnectionError as error:
            self._sent = error.sent or self._lost is not None
            raise
        if rest.idempotency_key is not None:
            self._keys.add(rest.idempotency_key)
        return reply

    def _wait_for_jobs(self, *, enough: int) -> Flow[bool]:
        """Look for `enough` new jobs; False when the last look found none.

        Raises:
            SubmissionUnknownError: The last look failed.
        """
        look = wait_for_jobs(self._rest, enough, self._options.settle_time)
        try:
            return (yield from look)
        except APIError as error:
            raise self._unknown(error) from (self._lost or error)

    def _drop_surplus(self, surplus: Sequence[FoundJob]) -> Flow[None]:
        """Remove what is in the queue twice.

        Removed jobs leave the queue's list too: a later lookup of the batch must not
        take the cancelled copy for jobs of the submission.
        """
        if not surplus:
            return
        ids = [item.job.item_id for item in surplus]
        yield from remove_jobs(self._request.queue_id, ids)
        logger.warning("removed %d jobs that were enqueued twice", len(ids))
        pending = (JobStatus.PENDING, JobStatus.CANCELED)
        ran = [i.job.item_id for i in surplus if i.job.status not in pending]
        if ran:
            text = "were enqueued twice and had started before being removed"
            self._warnings.append(f"jobs {ran} {text}")
        elif any(item.copy != self._request.graph.get("id") for item in surplus):
            self._warnings.append(f"jobs {ids} were in the queue twice and removed")

    # -- how it can fail -------------------------------------------------------------

    def _take_back(self, refusal: Optional[APIError] = None) -> Flow[QueueFullError]:
        """Cancel what the queue took of it, and make the error that says so."""
        request = self._request
        ids = {job.item_id for job in self._placed.values()} - self._before
        done = "they were taken back"
        try:
            if self._before:
                yield from remove_jobs(request.queue_id, sorted(ids))
            else:
                yield from queue_requests.cancel_batches(
                    request.queue_id, request.batch_ids
                )
        except APIError as error:
            done = f"they could not be taken back: {error.message}"
        why = "" if refusal is None else f" and refused the rest ({refusal.message})"
        asked = request.requested - len(self._before)
        return QueueFullError(
            f"the queue took {len(ids)} of {asked} jobs{why}; {done}",
            requested=asked,
            enqueued=len(ids),
            hint='submit fewer, wait until it is emptier, or pass on_full="wait"',
        )

    def _no_receipt(self, error: APIError) -> Flow[QueueFullError]:
        """The server keeps too many receipts; the error that says so."""
        if self._placed:
            return (yield from self._take_back(error))
        return QueueFullError(
            "the server takes no batch from this user: too many of those it took "
            f"before were not acknowledged ({error.message})",
            requested=self._request.requested,
            enqueued=0,
            hint="the programs that sent them acknowledge them when they run again; "
            "acknowledged ones are forgotten after some days",
        )

    def _or_unknown(self, flow: Flow[ResultT]) -> Flow[ResultT]:
        """Run a flow that asks about jobs; once the batch was sent, it has to succeed.

        Raises:
            SubmissionUnknownError: They are in the queue, but which ones are ours is
                not known.
        """
        try:
            return (yield from flow)
        except APIError as error:
            if not self._sent:
                raise
            raise self._unknown(error) from error

    def _unknown(self, why: APIError) -> SubmissionUnknownError:
        batch_id, settler = self._request.batch_id, self._options.settler
        placed = [self._placed[index] for index in sorted(self._placed)]
        return SubmissionUnknownError(
            f"the reply to batch {batch_id} was lost, and it is not known whether the "
            f"server has its jobs: {why.message}",
            batch_id=batch_id,
            settle=settler(placed) if settler else None,
        )
