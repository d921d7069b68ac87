"""An accepted batch: its jobs watched, their sessions read and judged in groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Optional

from invokeai_py_client._core.events import (
    InvocationProgressEvent,
    JobStatusChangedEvent,
    ServerEvent,
)
from invokeai_py_client._core.flow import Flow, now
from invokeai_py_client._core.messages import Mailbox
from invokeai_py_client._core.tracker import JobState, read_state
from invokeai_py_client.queue import requests as queue_requests
from invokeai_py_client.sweep.batches.outcomes import (
    Outcome,
    item_outcome,
    job_outcome,
    with_limits,
)
from invokeai_py_client.sweep.batches.payloads import record_of
from invokeai_py_client.sweep.batches.placing_flows import persist
from invokeai_py_client.sweep.batches.run_watch import RunEndingError
from invokeai_py_client.sweep.ledger.records import BatchItem, BatchRow
from invokeai_py_client.workflow.jobs.result_names import ResultNames
from invokeai_py_client.workflow.waiting.watch_flows import JobWatch

GROUP = queue_requests.SESSION_CHUNK
"""Jobs whose sessions one request reads."""
LONGEST_WAIT = 10.0
"""Seconds after which a job that ended is harvested although the group is not full."""
EVENT_KINDS = (JobStatusChangedEvent, InvocationProgressEvent)
"""Events of interest: that a job ended, and that a long one goes on."""
PAUSE = 2.0
"""Seconds between polls at least: the next batch is in the queue meanwhile."""

Found = tuple[BatchItem, Outcome]
"""An item all of whose jobs are over, and what became of it."""
OnFound = Callable[[Sequence[Found]], Flow[None]]


class BatchHarvest:
    """Follows a batch to its end.

    Args:
        row: The batch, with its jobs.
        queue_id: Where they are.
        names: What the workflow's nodes are called.
        on_found: Called with items that are over, group by group.
        mailbox: Where the batch's events have come since before it was enqueued.
    """

    def __init__(
        self,
        row: BatchRow,
        queue_id: str,
        names: ResultNames,
        on_found: OnFound,
        mailbox: Optional[Mailbox] = None,
    ) -> None:
        self._queue_id = queue_id
        self._names = names
        self._on_found = on_found
        self._record = record_of(row, queue_id)
        # It hears nothing of a batch whose id was replaced.
        heard = mailbox if self._record.batch_ids == (row.id,) else None
        self._watch = JobWatch(
            self._record,
            self._on_news,
            mailbox=heard,
            kinds=EVENT_KINDS,
            first_pause=PAUSE,
        )
        self._tracker = self._watch.tracker
        self._items = {
            item.position: item for item in row.items if item.state == "sent"
        }
        self._position = {job.item_id: job.position for job in row.jobs}
        self._jobs_of: dict[int, list[int]] = {position: [] for position in self._items}
        for job in row.jobs:
            if job.position in self._items:
                self._jobs_of[job.position].append(job.item_id)
        self._ended: list[int] = []
        self._known_ended: set[int] = set()
        self._ended_since: Optional[float] = None
        self._outcomes: dict[int, Outcome] = {}

    def run(self) -> Flow[list[int]]:
        """Return when every job is over and read.

        Returns:
            The positions of the items that the server never made a job of.

        Raises:
            RunEndingError: Not every job is over, but the run ends; those that are
                were read.
        """
        ending: Optional[RunEndingError] = None
        if self._record.jobs:
            try:
                yield from self._watch.loop.run()
            except RunEndingError as error:
                ending = error
        self._note_ended()
        while self._ended:
            yield from self._harvest()
        if ending is not None:
            raise ending
        return [position for position, jobs in self._jobs_of.items() if not jobs]

    def _on_news(self, _: Optional[ServerEvent]) -> Flow[None]:
        self._note_ended()
        if not self._ended:
            return
        moment = yield from now()
        if self._ended_since is None:
            self._ended_since = moment
        if len(self._ended) >= GROUP or moment - self._ended_since >= LONGEST_WAIT:
            yield from self._harvest()

    def _note_ended(self) -> None:
        for item_id in self._tracker.take_finished():
            # A job that was lost may be reported late, when its item is to do again.
            if item_id not in self._known_ended:
                self._known_ended.add(item_id)
                self._ended.append(item_id)

    def _harvest(self) -> Flow[None]:
        """Read the sessions of jobs that ended, and record what they say."""
        self._ended_since = None
        group, self._ended = self._ended[:GROUP], self._ended[GROUP:]
        states = [self._tracker[item_id] for item_id in group]
        wanted = [state.item_id for state in states if not state.lost]
        records: dict[int, Mapping[str, Any]] = {}
        if wanted:
            read = partial(queue_requests.list_records, self._queue_id, wanted)
            for record in (yield from persist(read)):
                state = read_state(record)
                if state is not None and self._tracker.owns(state) and state.is_over:
                    self._tracker.update(state)
                    records[state.item_id] = record
        for state in states:
            self._judge(self._tracker[state.item_id], records.get(state.item_id))
        yield from self._on_found(self._complete_items(group))

    def _judge(self, state: JobState, record: Optional[Mapping[str, Any]]) -> None:
        batch_id, names = self._record.id, self._names
        self._outcomes[state.item_id] = job_outcome(batch_id, state, record, names)

    def _complete_items(self, group: Sequence[int]) -> list[Found]:
        """Items all of whose jobs have an outcome now."""
        found = []
        for position in dict.fromkeys(self._position[item_id] for item_id in group):
            jobs = self._jobs_of[position]
            if all(item_id in self._outcomes for item_id in jobs):
                outcomes = [self._outcomes.pop(item_id) for item_id in jobs]
                item = self._items[position]
                outcome = with_limits(item_outcome(outcomes), item.attempt)
                found.append((item, outcome))
        return found
