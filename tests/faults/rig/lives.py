"""The whole life of one submission against a model of the server, in virtual time.

A `Life` draws everything from one seed: the batch, the room in the queue, how fast
jobs run, and what happens to each request. The server's model handles a request whose
connection broke up to `LATEST` seconds later, as the real one does.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Optional

from queue_double import (
    READ,
    Fault,
    MailboxDouble,
    QueueDouble,
    drive,
    json_reply,
    reply,
)

from invokeai_py_client._core.messages import Request
from invokeai_py_client.exceptions import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    JobError,
    QueueFullError,
    SubmissionUnknownError,
)
from invokeai_py_client.workflow.jobs.batch_request import BatchRequest
from invokeai_py_client.workflow.jobs.submission_record import (
    SubmissionRecord,
    SubmittedJob,
)
from invokeai_py_client.workflow.submitting.enqueue_flows import (
    enqueue,
    settle,
)
from invokeai_py_client.workflow.submitting.enqueue_options import (
    EnqueueOptions,
    EnqueueOutcome,
)
from invokeai_py_client.workflow.waiting.wait_flows import wait

SETTLE = 10.0
# Jobs have been seen to appear 0.6 s after the connection broke; the model goes far
# beyond that, up to just before the settle time is over.
LATEST = 9.5
LONGEST_POLL = 5.0
REQUEST_TIMEOUT = 60.0
BATCH = "batch-1"


@dataclass
class FaultyQueue(QueueDouble):
    """A queue whose jobs run by themselves, and whose answers can be spoilt."""

    pace: float = 0.6
    mailbox: Optional[MailboxDouble] = None
    random: random.Random = field(default_factory=random.Random)
    met: list[str] = field(default_factory=list)

    def perform(self, request: Request) -> Any:
        fault = self.faults[0] if self.faults else None
        if fault is not None:
            self.met.append(fault.kind)
            if fault.kind == "slow":
                self.faults.popleft()
                return self._slowly(request, fault.after)
            if fault.kind in ("429", "500", "502", "504"):
                self.faults.popleft()
                if fault.handled:
                    self.handle(request)
                self.advance(self.request_seconds)
                return reply(request, int(fault.kind), b"{}")
            if fault.kind == "cut json":
                self.faults.popleft()
                whole = self.handle(request)
                half = whole.content[: len(whole.content) // 2]
                return reply(request, whole.status, half)
        return super().perform(request)

    def _slowly(self, request: Request, seconds: float) -> Any:
        """The answer comes late, for the client perhaps too late."""
        limit = request.timeout or REQUEST_TIMEOUT
        if request.deadline is not None:
            limit = min(limit, max(request.deadline - self.time, 0.0))
        if seconds <= limit:
            self.advance(seconds)
            return self.handle(request)
        self.at(self.time + seconds, lambda: self.handle(request))
        self.advance(limit)
        raise APITimeoutError("too slow")

    def handle(self, request: Request) -> Any:
        if request.path.startswith("/api/v1/images/"):
            names = request.json["image_names"]
            return json_reply(request, [{"image_name": name} for name in names])
        return super().handle(request)

    def add(self, batch_id: str, values: Any = (), **more: Any) -> int:
        item_id = super().add(batch_id, values, **more)
        self._run_queue()
        return item_id

    def _run_queue(self) -> None:
        """Jobs run one after the other, `pace` seconds each."""
        if any(row["status"] == "in_progress" for row in self.rows.values()):
            return
        for item_id, row in self.rows.items():
            if row["status"] == "pending":
                self.at(self.time + self.pace / 2, lambda key=item_id: self._begin(key))
                return

    def _begin(self, item_id: int) -> None:
        if self.rows[item_id]["status"] != "pending":
            self._run_queue()
            return
        if any(row["status"] == "in_progress" for row in self.rows.values()):
            return
        self._tell(self.move(item_id, "in_progress"))
        self.at(self.time + self.pace, lambda key=item_id: self._finish(key))

    def _finish(self, item_id: int) -> None:
        self._tell(self.move(item_id, "completed"))
        self._run_queue()

    def _tell(self, row: dict[str, Any]) -> None:
        """Events come once, twice, late, out of order, or not at all."""
        if self.mailbox is None:
            return
        for _ in range(self.random.choice((0, 1, 1, 2))):
            late = self.random.choice((0.0, 0.0, 0.1, 3.0))
            self.mailbox.post(self.time + late, "queue_item_status_changed", row)


def draw_fault(rng: random.Random) -> Optional[Fault]:
    """What happens to one request."""
    kind = rng.choice(
        (
            *("ok", "ok", "ok", "slow", "refused", "lost", "lost", "500", "502"),
            *("503", "504", "429", "html", "cut json"),
        )
    )
    if kind == "ok":
        return None
    after = rng.choice((0.0, 0.01, 0.3, 0.6, 0.6, 2.0, rng.uniform(0, LATEST)))
    # Only a reset before the request means that nothing was done: a proxy can answer
    # 429 when the server has the request already.
    handled = kind != "refused" and rng.random() < 0.5
    return Fault(kind, handled=handled, after=after)


@dataclass
class Life:
    """One submission, from its first request to its result.

    Attributes:
        outcome: One of `Outcomes`.
        settled: It was unknown, and settling later told what had become of it.
        kinds: The faults it met.
    """

    seed: int
    outcome: str = ""
    settled: bool = False
    kinds: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        rng = self.random = random.Random(self.seed)
        items = [rng.randrange(3) for _ in range(rng.choice((1, 1, 2, 3, 5)))]
        data = [[{"node_path": "n", "field_name": "p", "items": items}]]
        self.batch = BatchRequest(
            BATCH,
            graph={},
            data=data if rng.random() < 0.8 else [],
            runs=rng.choice((1, 1, 2, 4)),
        )
        self.on_full = rng.choice(("error", "error", "partial", "wait"))
        self.queue = FaultyQueue(
            faults=deque(draw_fault(rng) for _ in range(rng.randrange(14))),
            max_queue_size=rng.choice((3, 10_000, 10_000, 10_000)),
            has_summaries=rng.random() < 0.8,
            pace=rng.choice((0.05, 0.6, 5.0)),
            mailbox=MailboxDouble() if rng.random() < 0.7 else None,
            random=random.Random(self.seed + 1),
        )

    def live(self) -> list[dict[str, Any]]:
        """The batch's jobs that run, will run or have run to their end."""
        rows = self.queue.of_batch(BATCH)
        return [row for row in rows if row["status"] != "canceled"]

    def submit(self) -> None:
        """Submit under faults; note the outcome, and check it against the queue."""
        options = EnqueueOptions(SETTLE, self.on_full)
        try:
            enqueued = drive(enqueue(self.batch, options), self.queue)
        except SubmissionUnknownError:
            self.outcome = "unknown, raised"
            enqueued = self._settle_later(options)
        except QueueFullError as error:
            self._after_a_full_queue(error)
            enqueued = None
        except APIError:
            self.outcome = "refused"
            self.queue.advance(60)
            if self.live():
                self.outcome = "silently doubled"
            enqueued = None
        self.kinds = tuple(self.queue.met)
        if enqueued is not None:
            self._wait(enqueued)

    def _after_a_full_queue(self, error: QueueFullError) -> None:
        self.outcome = "refused"
        self.queue.advance(60)
        begun = [row for row in self.live() if row["status"] == "completed"]
        told = "could not be taken back" in str(error)
        # A job can end before it is taken back; what waits must be gone.
        if len(self.live()) > len(begun) and not told:
            self.outcome = "silently doubled"

    def _settle_later(self, options: EnqueueOptions) -> Optional[EnqueueOutcome]:
        """The network is well again: settling has to tell what became of it."""
        self.queue.faults.clear()
        self.queue.advance(self.random.choice((0.0, 1.0, 30.0)))
        try:
            enqueued = drive(settle(self.batch, options), self.queue)
        except QueueFullError:
            self.settled = True
            return None
        self.settled = True
        return enqueued

    def _wait(self, enqueued: EnqueueOutcome) -> None:
        """Wait for the jobs, under what is left of the faults; check the result."""
        jobs = tuple(SubmittedJob(key, n) for n, key in enumerate(enqueued.item_ids))
        record = SubmissionRecord(BATCH, "default", jobs, enqueued.requested)
        timeout = self.random.choice((None, None, 1.0, 20.0))
        begun = self.queue.time
        flow = wait(record, READ, check=False, timeout=timeout)
        result = None
        try:
            result = drive(flow, self.queue, self.queue.mailbox)
        except (JobError, APIConnectionError) as error:
            if timeout is None:
                raise AssertionError(f"seed {self.seed}: {error!r}") from error
        if timeout is not None and self.queue.time - begun > timeout + LONGEST_POLL:
            self.outcome = "hung"
            return
        # What may still be on its way has arrived by now.
        self.queue.advance(LATEST + 200)
        self._compare(enqueued, result)

    def _compare(self, enqueued: EnqueueOutcome, result: Any) -> None:
        outcome = "enqueued once"
        live = self.live()
        ran_twice = any("enqueued twice" in words for words in enqueued.warnings)
        if {row["item_id"] for row in live} != set(enqueued.item_ids):
            more = len(live) > len(enqueued.item_ids)
            outcome = "silently doubled" if more else "lost"
        if outcome == "silently doubled" and ran_twice:
            # A copy that ended before it could be cancelled is told in a warning.
            outcome = "enqueued once"
        if not self._is_complete(enqueued):
            outcome = "lost"
        if result is not None and any(job.status != "completed" for job in result.jobs):
            outcome = "lost"
        if outcome != "enqueued once" or not self.outcome:
            self.outcome = outcome

    def _is_complete(self, enqueued: EnqueueOutcome) -> bool:
        """The jobs are those that were asked for, in their order."""
        wanted = [tuple(v["value"] for v in job) for job in self.batch.expansion()]
        rows = [self.queue.rows[key] for key in enqueued.item_ids]
        got = [tuple(v["value"] for v in row["field_values"]) for row in rows]
        if self.on_full == "partial":
            return got == wanted[: len(got)]
        return got == wanted
