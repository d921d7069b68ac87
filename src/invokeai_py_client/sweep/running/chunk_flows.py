"""One chunk: a batch from the ledger's intent until each of its items has a verdict.

The order of every step is what makes it exact. The intent is on the disk before the
request leaves; a file is on the disk under its name before its item is done; an item
is done before anything is deleted on the server.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Optional

from invokeai_py_client._core.flow import Flow, run_blocking
from invokeai_py_client._core.messages import Mailbox
from invokeai_py_client.sweep.batches.harvest_flows import EVENT_KINDS, BatchHarvest
from invokeai_py_client.sweep.batches.payloads import (
    batch_id_of,
    intent_of,
    request_of,
)
from invokeai_py_client.sweep.batches.placing_flows import persist, place
from invokeai_py_client.sweep.batches.save_flows import fetch
from invokeai_py_client.sweep.chunks.prepare_chunk import PreparedChunk, prepare_chunk
from invokeai_py_client.sweep.ledger.records import BatchRow, LedgerItem
from invokeai_py_client.sweep.running.executor_flows import have_done
from invokeai_py_client.sweep.running.record_flows import (
    BatchRecorder,
    Note,
    accept,
)
from invokeai_py_client.sweep.running.sweep_run import SweepRun, SweepServer
from invokeai_py_client.workflow.jobs.batch_request import BatchRequest
from invokeai_py_client.workflow.waiting.watch_flows import listen_early


def prepare_items(
    run: SweepRun, server: SweepServer, items: Sequence[LedgerItem], batch_id: str = ""
) -> Flow[PreparedChunk]:
    """Prepare items for a server, once it answers; nothing is enqueued.

    Raises:
        FieldValidationError: The server refuses values.
    """
    make = partial(
        prepare_chunk,
        server.context,
        server.handle,
        items,
        batch_id,
        run.tag,
        folder=run.folder,
        board=server.board,
    )
    return (yield from persist(make))


def send_chunk(
    run: SweepRun, server: SweepServer, items: Sequence[LedgerItem], note: Note
) -> Flow[None]:
    """Prepare items, enqueue them as one batch, and follow it to its end."""
    ledger = run.ledger
    batch_id = batch_id_of(ledger.sweep_id, items)
    try:
        prepared = yield from prepare_items(run, server, items, batch_id)
    except BaseException:
        ledger.release(items)
        raise
    request = prepared.batch
    intent = intent_of(request, items, server.url)
    yield from run_blocking(partial(ledger.intend, intent))
    if run.workers is not None:
        row = yield from run_blocking(partial(ledger.open_batch, batch_id))
        if row is not None:
            yield from resume_chunk(run, server, row, note, was_sent=False)
        return
    mailbox = yield from listen_early(request.queue_id, batch_id, EVENT_KINDS)
    yield from _place(run, server, request, len(items), was_sent=False)
    yield from _follow(run, server, batch_id, request.queue_id, note, mailbox)


def resume_chunk(
    run: SweepRun,
    server: SweepServer,
    row: BatchRow,
    note: Note,
    *,
    was_sent: bool = True,
) -> Flow[None]:
    """Take up a batch of the ledger, which may have got to any point.

    Args:
        run: The run.
        server: Where it is, or goes.
        row: The batch.
        note: Told what is over.
        was_sent: It may be on its way to the server already.
    """
    if run.workers is not None:
        found = yield from have_done(run, server, row, note, was_sent=was_sent)
        if found is None:
            return
        row = found
    queue_id = server.context.server.queue_id
    if row.state != "accepted":
        request = request_of(row)
        queue_id = request.queue_id
        yield from _place(run, server, request, len(row.items), was_sent=True)
    yield from _follow(run, server, row.id, queue_id, note)


def _place(
    run: SweepRun,
    server: SweepServer,
    request: BatchRequest,
    items: int,
    *,
    was_sent: bool,
) -> Flow[None]:
    """Put the batch into the queue, and note its jobs."""
    ledger, batch_id = run.ledger, request.batch_id

    def on_doubt(why: str) -> Flow[None]:
        yield from run_blocking(lambda: ledger.mark_unknown(batch_id, why))

    def on_refusal(why: str) -> Flow[None]:
        yield from run_blocking(lambda: ledger.withdraw(batch_id, why))

    settle_time = server.context.server.settle_time
    outcome = yield from place(
        request,
        settle_time,
        on_doubt,
        on_refusal,
        lambda: run_blocking(partial(ledger.is_batch_open, batch_id)),
        was_sent,
    )
    if outcome is not None:
        yield from accept(run, batch_id, items, outcome)


def _follow(
    run: SweepRun,
    server: SweepServer,
    batch_id: str,
    queue_id: str,
    note: Note,
    mailbox: Optional[Mailbox] = None,
) -> Flow[None]:
    """Record what becomes of the items of an accepted batch, until it is over."""
    row = yield from run_blocking(partial(run.ledger.open_batch, batch_id))
    if row is None:
        return
    deliver = partial(fetch, outputs=run.outputs, recent=run.recent, server=server.url)
    recorder = BatchRecorder(run, server, batch_id, note, deliver)
    harvest = BatchHarvest(row, queue_id, server.names, recorder.record, mailbox)
    yield from recorder.finish((yield from harvest.run()))
