"""One piece of work before a server under random faults, and what came of it.

A `Trial` draws everything from its seed: which client, what it does, and what happens
to each of its requests. What it says is compared with what the server has.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

from faults.rig.proxy import KINDS, Fault, FaultProxy
from faults.rig.workflows import blank
from invokeai_py_client._aio.client import AsyncInvokeAIClient
from invokeai_py_client.client import InvokeAIClient
from invokeai_py_client.exceptions import (
    APIError,
    InvokeAIError,
    JobError,
    SubmissionUnknownError,
    WorkflowError,
)

SETTLE_TIME = 2.0
REQUEST_TIMEOUT = 4.0
# No submission without a timeout of its own takes longer.
LONGEST_SUBMIT = 120.0
# What a call may take longer than the timeout it was given.
GRACE = 2.0
# So much later a request can arrive whose connection broke.
LATE = 1.5

BAD = ("lost", "silently doubled", "refused but there", "hung", "spoilt image", "raw")

_STATUSES = (500, 502, 503, 504, 429)
_ODD_STATUSES = (401, 403, 404, 413, 418, 429, 451)


def draw_fault(rng: random.Random, path: str) -> Fault:
    """What happens to a request for `path`, one time in three something hard."""
    hard = ["drip_head", "drip", "interim", "late_page", "other_answer", "lost_then"]
    if "/images/" in path:
        hard += ["half_image", "page_as_image"] * 3
    if rng.random() < 0.6:
        return Fault(
            rng.choice(KINDS),
            seconds=rng.choice((0.0, 0.02, 0.1)),
            status=rng.choice(_STATUSES),
            retry_after=rng.choice((None, 0, 1)),
        )
    kind = rng.choice(hard)
    seconds = rng.choice((1.0, 5.0, 30.0))
    odd = rng.choice(_ODD_STATUSES)
    if kind == "lost_then":
        return Fault("reset_after", then=Fault("late_page", status=odd))
    return Fault(kind, seconds=seconds, status=odd)


@dataclass
class ChaosSchedule:
    """Faults at a rate, for a number of requests; then the network is well again."""

    rng: random.Random
    rate: float
    most: int

    def __call__(self, method: str, path: str) -> Optional[Fault]:
        if not self.most or self.rng.random() >= self.rate:
            return None
        self.most -= 1
        return draw_fault(self.rng, path)


@dataclass
class Trial:
    """Work of one seed.

    Attributes:
        outcome: What came of it, one of `BAD` or something that may be.
        note: The error or the figures behind a bad outcome.
        faults: How often each kind of fault was carried out.
    """

    seed: int
    url: str
    folder: Path
    outcome: str = ""
    note: str = ""
    faults: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)
        self._runs = self._rng.choice((1, 1, 2, 3))
        self._timeout = self._rng.choice((4.0, 8.0, 30.0))
        self._in_one_call = self._rng.random() < 0.5
        self._schedule = ChaosSchedule(
            random.Random(self.seed + 1),
            rate=self._rng.choice((0.2, 0.5, 0.8, 1.0)),
            most=self._rng.choice((1, 2, 4, 8)),
        )

    @property
    def is_asyncio(self) -> bool:
        """Every second seed is for the other client."""
        return self.seed % 2 == 1

    def run(self, honest: InvokeAIClient) -> None:
        """Do the work; `honest` asks the server without faults."""
        with FaultProxy(self.url) as proxy:
            if self.is_asyncio:
                loop = asyncio.new_event_loop()
                try:
                    loop.run_until_complete(self._work(proxy, honest))
                finally:
                    loop.run_until_complete(loop.shutdown_default_executor())
                    loop.close()
            else:
                finish(self._work(proxy, honest))
            self.faults = dict(proxy.done)

    async def _work(self, proxy: FaultProxy, honest: InvokeAIClient) -> None:
        make = AsyncInvokeAIClient if self.is_asyncio else InvokeAIClient
        client = make(
            proxy.url, settle_time=SETTLE_TIME, request_timeout=REQUEST_TIMEOUT
        )
        try:
            handle = await done(client.workflow_repo.create_workflow(blank()))
            await done(handle.preview())  # the catalog is got without faults
            proxy.schedule = self._schedule
            await self._judge(proxy, honest, handle)
        finally:
            await done(client.close())

    async def _judge(
        self, proxy: FaultProxy, honest: InvokeAIClient, handle: Any
    ) -> None:
        begun, result, error = time.monotonic(), None, None
        submission = None
        try:
            if self._in_one_call:
                call = handle.run(width=16, runs=self._runs, timeout=self._timeout)
                result = await done(call)
            else:
                submission = await done(handle.submit(width=16, runs=self._runs))
                begun = time.monotonic()
                result = await done(submission.wait(timeout=self._timeout))
        except InvokeAIError as caught:
            error = caught
        except Exception as caught:  # noqa: BLE001  it is what is judged
            self._end("raw", repr(caught))
            return
        took = time.monotonic() - begun
        is_timed = self._in_one_call or submission is not None
        limit = self._timeout if is_timed else LONGEST_SUBMIT
        if took > limit + GRACE:
            self._end("hung", f"{took:.1f} s of {limit} s: {error!r}")
            return
        if result is not None:
            await self._save(result, honest)
        proxy.heal()
        if isinstance(error, APIError) and submission is None:
            # Was it the wait that failed? Then the handle knows the submission.
            with contextlib.suppress(WorkflowError):
                result = await done(handle.wait_for_completion(timeout=60))
        await self._compare(proxy, honest, result, error, submission)

    async def _save(self, result: Any, honest: InvokeAIClient) -> None:
        """Save the images under faults; what is there has to be whole."""
        for image in result.images:
            path = self.folder / f"{self.seed}-{image.image_name}"
            begun = time.monotonic()
            try:
                await done(image.save(path))
            except InvokeAIError:
                if path.exists():
                    self._end("spoilt image", "a file in spite of an error")
            else:
                whole = honest.image_repo.get_image_bytes(image.image_name)
                if path.read_bytes() != whole:
                    self._end("spoilt image", f"{path.stat().st_size} of {len(whole)}")
            took = time.monotonic() - begun
            # Five times the limit for silence, for each of four tries.
            if took > 4 * 5 * REQUEST_TIMEOUT + GRACE:
                self._end("hung", f"a download of {took:.1f} s")

    async def _compare(
        self,
        proxy: FaultProxy,
        honest: InvokeAIClient,
        result: Any,
        error: Optional[InvokeAIError],
        submission: Any,
    ) -> None:
        words = "done" if error is None else "found again"
        # A busy machine answers late, and then it is unknown still.
        for _ in range(10):
            if not isinstance(error, SubmissionUnknownError):
                break
            words = "settled"
            try:
                submission, error = await done(error.settle()), None
            except InvokeAIError as settled:
                error = settled
        time.sleep(LATE)
        there = jobs_of(honest, proxy.batches)
        told = result if result is not None else submission
        if told is None:
            self._compare_error(error, there)
            return
        note = f"asked {self._runs}, told {len(told.jobs)}, there {there}: {error!r}"
        if len(told.jobs) < self._runs or there < len(told.jobs):
            self._end("lost", note)
        elif there > len(told.jobs) and not told.warnings:
            self._end("silently doubled", note)
        else:
            self._end(words, note)

    def _compare_error(self, error: Optional[InvokeAIError], there: int) -> None:
        note = f"{there} jobs: {type(error).__name__}: {error}"
        if isinstance(error, JobError):
            # The time of a run was over: all jobs are there or none, and not more.
            ended = "timed out" if there in (0, self._runs) else "lost"
            self._end("silently doubled" if there > self._runs else ended, note)
        else:
            self._end("refused but there" if there else "refused", note)

    def _end(self, outcome: str, note: str) -> None:
        if self.outcome not in BAD:
            self.outcome, self.note = outcome, note


def jobs_of(honest: InvokeAIClient, batches: set[str]) -> int:
    """How many jobs of the batches run, will run or have run."""
    rows = honest.request("get", "/api/v1/queue/default/list_all")
    return sum(
        row["batch_id"] in batches and row["status"] != "canceled" for row in rows
    )


async def done(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


def finish(work: Any) -> None:
    """Run a coroutine that awaits nothing which has to be waited for."""
    try:
        work.send(None)
    except StopIteration:
        return
    raise AssertionError("it waits")


def tally(trials: list[Trial]) -> str:
    """The figures of many trials, and what was wrong."""
    outcomes: dict[str, int] = {}
    faults: dict[str, int] = {}
    for trial in trials:
        outcomes[trial.outcome] = outcomes.get(trial.outcome, 0) + 1
        for kind, count in trial.faults.items():
            faults[kind] = faults.get(kind, 0) + count
    lines = [f"{len(trials)} schedules, {sum(faults.values())} faults"]
    lines += [f"  {name:20}{outcomes.get(name, 0):6}" for name in sorted(outcomes)]
    lines += [f"  {name:20}{0:6}" for name in BAD if name not in outcomes]
    lines += [
        f"seed {trial.seed} ({'asyncio' if trial.is_asyncio else 'blocking'}): "
        f"{trial.outcome}: {trial.note}"
        for trial in trials
        if trial.outcome in BAD
    ]
    return "\n".join(lines)


def run_all(
    make: Callable[[int], Trial], seeds: range, url: str, workers: int
) -> list[Trial]:
    """Run trials side by side."""
    from concurrent.futures import ThreadPoolExecutor

    def one(seed: int) -> Trial:
        trial = make(seed)
        with InvokeAIClient(url) as honest:
            trial.run(honest)
        return trial

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(one, seeds))
