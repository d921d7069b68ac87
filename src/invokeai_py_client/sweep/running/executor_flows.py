"""Batches that processes elsewhere do: given out, waited for, and recorded here.

There is one ledger, and this process alone writes it. A worker that dies, or an
executor that breaks, leaves a batch that is still open; it is taken up again, by
another worker or by this process.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial
from typing import Optional, Union

from invokeai_py_client._core.flow import Flow, pause, run_blocking
from invokeai_py_client.queue import requests as queue_requests
from invokeai_py_client.sweep.batches.chunk_task import (
    ChunkFacts,
    ChunkTask,
    do_chunk,
)
from invokeai_py_client.sweep.batches.outcomes import MediaName, Outcome
from invokeai_py_client.sweep.batches.save_flows import fetch, take
from invokeai_py_client.sweep.folder.saved_file import SavedFile
from invokeai_py_client.sweep.ledger.records import BatchRow
from invokeai_py_client.sweep.running.record_flows import (
    BatchRecorder,
    Note,
    accept,
)
from invokeai_py_client.sweep.running.sweep_run import SweepRun, SweepServer, Workers

logger = logging.getLogger("invokeai_py_client")

LOOK = 0.05
"""Seconds between two looks whether a worker is done."""
MOST_TRIES = 3
"""Workers that may die at one batch, until this process does it itself."""


def have_done(
    run: SweepRun, server: SweepServer, row: BatchRow, note: Note, *, was_sent: bool
) -> Flow[Optional[BatchRow]]:
    """Have a worker do a batch, and record what it reports.

    Returns:
        The batch when no worker could do it; None when it is over.

    Raises:
        InvokeAIError: What the worker met; what it had done before is recorded.
    """
    ledger, workers = run.ledger, run.workers
    assert workers is not None
    for tries in range(MOST_TRIES):
        task = _task(server, workers, row, tries, was_sent=was_sent)
        future = yield from _submit(workers, task)
        if future is None:
            break
        found = yield from _await(future)
        if isinstance(found, ChunkFacts):
            yield from _record(run, server, row, note, found)
            return None
        logger.warning("batch %s: a worker was lost: %r", row.id, found)
        why = f"a worker was lost: {type(found).__name__}"
        yield from run_blocking(partial(ledger.mark_unknown, row.id, why))
        was_sent = True
    return (yield from run_blocking(partial(ledger.open_batch, row.id)))


def _task(
    server: SweepServer, workers: Workers, row: BatchRow, tries: int, *, was_sent: bool
) -> ChunkTask:
    known = server.context.server
    assert known.recipe is not None
    return ChunkTask(
        row=row,
        queue_id=known.queue_id,
        names=server.names,
        recipe=known.recipe(),
        settle_time=known.settle_time,
        incoming=workers.incoming,
        tries=tries,
        was_sent=was_sent,
    )


def _submit(workers: Workers, task: ChunkTask) -> Flow[Optional[Future[ChunkFacts]]]:
    """Give a task to the executor; None when it takes none any more."""
    executor = workers.executor
    if executor is None:
        return None
    try:
        return (yield from run_blocking(partial(executor.submit, do_chunk, task)))
    except RuntimeError as error:
        # It is broken, or was shut down.
        if workers.executor is not None:
            workers.executor = None
            logger.warning("no more workers (%s): going on without them", error)
        return None


def _await(future: Future[ChunkFacts]) -> Flow[Union[ChunkFacts, BaseException]]:
    """What a worker reports, or what happened to it."""
    try:
        while not future.done():
            yield from pause(LOOK)
    finally:
        # Does nothing to what is done. Interrupted, nobody wants it any more.
        future.cancel()
    if future.cancelled():
        return RuntimeError("the task was cancelled")
    failure = future.exception()
    return future.result() if failure is None else failure


def _record(
    run: SweepRun, server: SweepServer, row: BatchRow, note: Note, facts: ChunkFacts
) -> Flow[None]:
    """Write down what a worker found out, and raise what it met."""
    ledger = run.ledger
    run.requests.add(facts.requests)
    if facts.refusal is not None:
        yield from run_blocking(partial(ledger.withdraw, row.id, facts.refusal))
    elif (yield from run_blocking(partial(ledger.open_batch, row.id))) is None:
        # The server was given up meanwhile: others make these.
        if facts.placed is not None:
            ids = {job.batch_id for job in facts.placed.jobs}
            queue_id = server.context.server.queue_id
            yield from queue_requests.cancel_batches(queue_id, sorted(ids))
        return
    elif facts.placed is not None:
        yield from accept(run, row.id, len(row.items), facts.placed)
    deliver = partial(_deliver, run, server, facts)
    recorder = BatchRecorder(run, server, row.id, note, deliver)
    if facts.found:
        yield from recorder.record(facts.found)
    if facts.error is not None:
        raise facts.error
    yield from recorder.finish(facts.jobless)


def _deliver(
    run: SweepRun,
    server: SweepServer,
    facts: ChunkFacts,
    file: MediaName,
    names: Sequence[str],
) -> Flow[Union[SavedFile, Outcome]]:
    """Put a file that a worker downloaded under its names."""
    worked = facts.files[file]
    if isinstance(worked, Outcome):
        return worked
    assert run.workers is not None
    source = run.workers.incoming.path / worked.name
    if (yield from take(source, worked.content, worked.saved, names, run.outputs)):
        run.recent.note(server.url, file, names[0], worked.saved)
        return worked.saved
    # It did not get here: the server has it still.
    return (yield from fetch(file, names, run.outputs, run.recent, server.url))
