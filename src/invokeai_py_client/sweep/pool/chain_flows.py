"""A function called for each row, with a client of the server that the row is on.

The server of a row is on the disk before the function is called, and the key of each
of its submissions follows from the row. So a row that was interrupted is called again
with the same server, and its submissions find their jobs.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any, Optional

from invokeai_py_client._core.flow import (
    Flow,
    call_back,
    gather,
    now,
    pause,
    run_blocking,
)
from invokeai_py_client._core.retry import FailureBudget, is_passing
from invokeai_py_client._core.send import learn_version
from invokeai_py_client.exceptions import (
    APIConnectionError,
    APIError,
    JobCanceledError,
    KeyConflictError,
    QueueFullError,
    SubmissionUnknownError,
    SweepError,
)
from invokeai_py_client.queue.wait_flows import read_status
from invokeai_py_client.sweep.batches.outcomes import MOST_ATTEMPTS
from invokeai_py_client.sweep.batches.placing_flows import Patience
from invokeai_py_client.sweep.ledger.ledger import Ledger
from invokeai_py_client.sweep.pool.chain_folder import ChainFolder
from invokeai_py_client.sweep.pool.chain_values import (
    NotPlainError,
    RowResult,
    plain_json,
    planned_rows,
)
from invokeai_py_client.sweep.pool.chain_work import BegunRow, ChainWork
from invokeai_py_client.sweep.pool.pool_flows import (
    STATUS_SECONDS,
    PoolServers,
    learn_devices,
)
from invokeai_py_client.sweep.pool.row_client import (
    RowGate,
    RowStopped,
    client_of_row,
    release,
)
from invokeai_py_client.sweep.running.engine_flows import (
    IDLE,
    PROBE,
    refuse_other_servers,
)
from invokeai_py_client.sweep.running.run_flows import abandon
from invokeai_py_client.workflow.lookup.catalog_flows import learn_catalog
from invokeai_py_client.workflow.lookup.submission_names import SubmissionNames
from invokeai_py_client.workflow.submitting.enqueue_flows import ROOM_PAUSE

logger = logging.getLogger("invokeai_py_client")


@dataclass(frozen=True)
class MapRequest:
    """What `ServerPool.map` was asked for.

    Attributes:
        clients: A client for each server, by its address.
        is_async: `fn` is called on the event loop, and may have to be awaited.
    """

    fn: Callable[..., Any]
    rows: Sequence[Any]
    folder: Path
    clients: Mapping[str, Any]
    is_async: bool
    max_failures: Optional[int] = None
    retry: bool = False
    abandon: Sequence[str] = ()


@dataclass
class _Map:
    """A map on its way."""

    request: MapRequest
    servers: PoolServers
    ledger: Ledger
    work: ChainWork
    stop: Event = field(default_factory=Event)
    failures: int = 0

    def check_failures(self) -> None:
        most = self.request.max_failures
        if most is not None and self.failures > most:
            raise SweepError(
                f"{self.failures} rows failed, more than max_failures={most} allows",
                hint="what is in the queue goes on; call map again to go on",
            )


@dataclass
class _Outcome:
    """What the function returned, or raised."""

    value: Any = None
    error: Optional[Exception] = None


def map_rows(servers: PoolServers, request: MapRequest) -> Flow[list[RowResult]]:
    """Call the function for each row that has no result yet; the results of all."""
    rows = list(planned_rows(request.rows))

    def prepare(ledger: Ledger) -> None:
        if request.retry:
            ledger.reopen()
        abandon(ledger, request.abandon)
        refuse_other_servers(ledger, servers.contexts)

    opening = partial(ChainFolder.open, request.folder, rows, prepare)
    opened = yield from run_blocking(opening)
    try:
        make = partial(ChainWork, opened.ledger, servers.contexts)
        work = yield from run_blocking(make)
        if work.left:
            yield from _run(_Map(request, servers, opened.ledger, work))
        return (yield from run_blocking(partial(_results, request, opened.ledger)))
    finally:
        # Closing a flow must not yield; this is quick.
        opened.close()


def _run(chain: _Map) -> Flow[None]:
    work, addresses = chain.work, list(chain.servers.contexts)
    for address in addresses:
        # Until the server has answered.
        work.pause(address)
    asking = [chain.servers.at(it, _devices(chain, it)) for it in addresses]
    yield from gather(asking, limit=len(asking))
    slots = [
        _slot(chain, address)
        for address in addresses
        for _ in range(chain.servers.load[address].devices + 1)
    ]
    yield from gather([_watch(chain), *slots], limit=len(slots) + 1)
    if work.left:
        address, error = next(iter(work.away.items()))
        raise SweepError(
            f"{work.left} rows are left, and {address} stays away: {error.message}",
            hint="call map again when it is back, or give it up: abandon=[its address] "
            "has its rows made elsewhere",
        ) from error


def _devices(chain: _Map, server: str) -> Flow[None]:
    end = (yield from now()) + STATUS_SECONDS
    try:
        yield from learn_devices(chain.servers.load[server], end)
    except APIError as error:
        # It is waited for by its slots.
        logger.info("%s: %s", server, error.message)


def _watch(chain: _Map) -> Flow[None]:
    """Tell the rows when the map ends, however it does."""
    try:
        while not chain.work.is_over:
            yield from pause(IDLE)
    finally:
        chain.stop.set()


def _slot(chain: _Map, server: str) -> Flow[None]:
    work = chain.work
    while not work.is_over:
        chain.check_failures()
        if work.is_paused(server):
            yield from _await_server(chain, server)
            continue
        row = yield from run_blocking(partial(work.next, server))
        if row is None:
            yield from pause(IDLE)
        else:
            yield from _make(chain, row)


def _await_server(chain: _Map, server: str) -> Flow[None]:
    """Ask a server until it answers, or nothing is left to do."""
    work, budget = chain.work, FailureBudget()
    context = chain.servers.contexts[server]
    while not work.is_over:
        try:
            yield from chain.servers.at(
                server, learn_version(again=True, timeout=PROBE)
            )
            # A server that refuses the token would fail row after row.
            queue = read_status(context.server.queue_id)
            yield from chain.servers.at(server, queue)
            # The clients of all rows know it then.
            yield from chain.servers.at(server, learn_catalog(context.server, ()))
        except APIError as error:  # noqa: PERF203  it is what the loop is for
            if not is_passing(error):
                raise
            logger.info("%s: %s", server, error.message)
            try:
                budget.note(error, (yield from now()))
            except APIError:
                work.give_up(server, error)
            yield from pause(PROBE)
        else:
            work.welcome(server)
            return


def _make(chain: _Map, row: BegunRow) -> Flow[None]:
    """Call the function for a row until there is an outcome, and record it."""
    patience, is_new = Patience(), row.is_new
    while True:
        gate = RowGate(chain.stop)
        outcome = yield from _call(chain, row, gate)
        if gate.was_stopped:
            return
        failure = _out_of_reach(outcome.error)
        if failure is None:
            yield from _record(chain, row, outcome)
            return
        logger.warning("row %d: %s", row.item.index, failure.message)
        is_new = is_new and not gate.may_have_sent
        if is_new:
            # Nothing of it is there: it may go to any server.
            why = failure.message
            yield from run_blocking(partial(chain.ledger.withdraw, row.chain, why))
            chain.work.pause(row.server)
            chain.work.again(row, row.attempt - 1)
            return
        try:
            yield from patience.wait(failure)
        except APIError as error:
            chain.work.keep(row)
            chain.work.give_up(row.server, error)
            return


def _call(chain: _Map, row: BegunRow, gate: RowGate) -> Flow[_Outcome]:
    request, outcome = chain.request, _Outcome()
    client = client_of_row(
        request.clients[row.server], gate, SubmissionNames(row.chain)
    )
    given = request.rows[row.item.index]

    def call() -> _Outcome:
        try:
            outcome.value = request.fn(client, given)
        except RowStopped:
            pass
        except Exception as error:  # noqa: BLE001  it is recorded
            outcome.error = error
        return outcome

    async def call_and_wait() -> None:
        if inspect.isawaitable(call().value):
            try:
                outcome.value = await outcome.value
            except Exception as error:  # noqa: BLE001  it is recorded
                outcome.error = error

    if request.is_async:
        yield from call_back(call_and_wait)
    else:
        yield from run_blocking(call)
    if not gate.was_stopped:
        release(client, gate)
    return outcome


def _out_of_reach(error: Optional[Exception]) -> Optional[APIError]:
    """Why the row has no outcome yet: its server cannot be reached."""
    if isinstance(error, SubmissionUnknownError):
        return APIConnectionError(error.message)
    return error if isinstance(error, APIError) and is_passing(error) else None


def _record(chain: _Map, row: BegunRow, outcome: _Outcome) -> Flow[None]:
    error, index = outcome.error, row.item.index
    if isinstance(error, KeyConflictError) and error.key.startswith(row.chain):
        raise _changed_function(row, error) from error
    if isinstance(error, (JobCanceledError, QueueFullError)) and (
        row.attempt < MOST_ATTEMPTS
    ):
        # A restart of the server cancels the job that runs: no fault of the row.
        why = f"{type(error).__name__}: {error}"
        logger.warning("row %d is made again: %s", index, why)
        yield from run_blocking(partial(chain.ledger.mark_lost, row.chain, why))
        if isinstance(error, QueueFullError):
            yield from pause(ROOM_PAUSE)
        chain.work.again(row, row.attempt)
        return
    if error is not None:
        logger.warning("row %d failed: %s: %s", index, type(error).__name__, error)
        logger.debug("row %d, in full", index, exc_info=error)
        chain.failures += 1
    yield from run_blocking(partial(_write, chain.ledger, row, outcome))
    chain.work.end()


def _write(ledger: Ledger, row: BegunRow, outcome: _Outcome) -> None:
    error = outcome.error
    if error is None:
        try:
            value = plain_json(outcome.value)
        except NotPlainError as problem:
            raise SweepError(
                f"row {row.item.index}: what the function returned is not plain JSON "
                f"data: {problem}",
                hint="return names, paths and numbers; the jobs of the row are found "
                "again by the next call",
            ) from None
        ledger.done(row.chain, 0, (), {"value": value})
    else:
        ledger.failed(row.chain, 0, type(error).__name__, str(error))
    ledger.mark_over(row.chain)


def _changed_function(row: BegunRow, error: KeyConflictError) -> KeyConflictError:
    number = error.key.rpartition("#")[2]
    found = KeyConflictError(
        f"row {row.item.index}: submission {number} of the function has other values "
        "than when the row was begun: " + "; ".join(error.differences[:5]),
        key=error.key,
        batch_id=error.batch_id,
        differences=error.differences,
    )
    found.hint = "let the function submit what it did before, or use another folder"
    return found


def _results(request: MapRequest, ledger: Ledger) -> list[RowResult]:
    servers = ledger.servers()
    return [
        RowResult(
            index=item.index,
            row=request.rows[item.index],
            value=item.executed.get("value"),
            error=f"{item.error_kind}: {item.error_text}" if item.error_kind else None,
            server=servers.get(item.index, ""),
            attempts=item.attempts,
        )
        for item in ledger.items()
    ]
