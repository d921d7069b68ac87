"""The engine: slots that take work until there is none, on every server.

A slot has one batch in a server's queue at a time. A server has one slot more than it
has devices, so that the next batch is in the queue before the last one is over. A
server that stays away while there are others loses what it has to them; when it is
back, it gets new work.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Optional, TypeVar

from invokeai_py_client._core.flow import (
    Flow,
    elsewhere,
    gather,
    now,
    pause,
    run_blocking,
)
from invokeai_py_client._core.retry import may_pass
from invokeai_py_client._core.send import learn_version
from invokeai_py_client.exceptions import APIError, FieldValidationError, SweepError
from invokeai_py_client.queue import requests as queue_requests
from invokeai_py_client.sweep.batches.run_watch import RunEndingError
from invokeai_py_client.sweep.ledger.ledger import Ledger
from invokeai_py_client.sweep.ledger.records import BatchRow, LedgerItem
from invokeai_py_client.sweep.planning.columns import ColumnFinder
from invokeai_py_client.sweep.planning.item_edits import part_names
from invokeai_py_client.sweep.running.chunk_flows import (
    prepare_items,
    resume_chunk,
    send_chunk,
)
from invokeai_py_client.sweep.running.clean_flows import delete_copies
from invokeai_py_client.sweep.running.sweep_run import SweepRun, SweepServer
from invokeai_py_client.sweep.running.sweep_work import LARGEST_TASK, Piece, SweepWork
from invokeai_py_client.sweep.running.traits_flows import learn_traits

logger = logging.getLogger("invokeai_py_client")

T = TypeVar("T")

IDLE = 0.25
"""Seconds until a slot without work asks again."""
PROBE = 5.0
"""Seconds between two looks at a server that is out of reach."""
CHECKED_PARTS = 20
"""Parts of which one item is prepared before anything is sent, in any case."""


def run_on(run: SweepRun, servers: Sequence[SweepServer], runner: Any) -> Flow[None]:
    """Do everything that is to do; emits each item that ended.

    Args:
        run: The run.
        servers: Where.
        runner: What runs this flow.
    """
    known = {server.url for server in servers}
    yield from run_blocking(partial(refuse_other_servers, run.ledger, known))
    samples = yield from run_blocking(partial(_samples, run, servers[0]))
    checks = []
    for server in servers:
        address = server.url if len(servers) > 1 else ""
        check = _failure(_get_ready(run, server, samples), address)
        checks.append(_at(server, runner, check))
    failures = yield from gather(checks, limit=len(checks))
    limits = () if run.workers is None else (LARGEST_TASK,)
    make_work = partial(SweepWork, run.ledger, servers, *limits)
    work = yield from run_blocking(make_work)
    run.in_flight_at = work.in_flight_at
    run.may_move = work.move
    serving = []
    for server, failure in zip(servers, failures):
        flow = _serve(run, server, work)
        if failure is not None:
            yield from _give_up(server, work, failure)
            flow = _serve_late(run, server, work, samples)
        serving.append(_at(server, runner, _until_ending(flow)))
    yield from gather(serving, limit=len(serving))
    if run.is_ending():
        return
    if run.server_copy == "delete":
        for server in servers:
            yield from _at(server, runner, delete_copies(run, server))


def _at(server: SweepServer, runner: Any, flow: Flow[T]) -> Flow[T]:
    """Run a flow by the client of a server."""
    if server.context.runner is runner:
        return flow
    return elsewhere(server.context.runner, flow)


def _failure(check: Flow[None], address: str) -> Flow[Optional[APIError]]:
    """Why a server cannot be asked, if it may be back later.

    Raises:
        FieldValidationError: It refuses values; they are told as those of `address`.
    """
    try:
        yield from check
    except FieldValidationError as error:
        if not address:
            raise
        raise with_server(error, address) from error
    except APIError as error:
        if not may_pass(error):
            raise
        return error
    return None


def _serve(run: SweepRun, server: SweepServer, work: SweepWork) -> Flow[None]:
    """Keep the devices of a server busy until nothing is left to do."""
    batches = range(server.traits.batches)
    slots = [_until_ending(_slot(run, server, work)) for _ in batches]
    yield from gather(slots, limit=len(slots))


def _serve_late(
    run: SweepRun, server: SweepServer, work: SweepWork, samples: Sequence[LedgerItem]
) -> Flow[None]:
    """The same of a server that was out of reach at the beginning."""
    try:
        get_ready = partial(_get_ready, run, server, samples)
        yield from _await_return(server, work, get_ready)
    except FieldValidationError as error:
        logger.warning("%s is back, but is left out: %s", server.url, error)
    else:
        yield from _serve(run, server, work)


def _until_ending(slot: Flow[None]) -> Flow[None]:
    """End one slot when the run is to end; the others record what they know, too."""
    try:
        yield from slot
    except RunEndingError:
        return


def _slot(run: SweepRun, server: SweepServer, work: SweepWork) -> Flow[None]:
    while not run.is_ending():
        run.check_failures()
        moment = yield from now()
        piece = yield from run_blocking(partial(work.next, server, moment))
        if piece is None:
            if work.is_over:
                return
            yield from pause(IDLE)
            continue
        try:
            # As a flow of its own, so that its mailbox is closed when it is over.
            piecework = _do(run, server, work, piece)
            yield from elsewhere(server.context.runner, piecework)
        except APIError as error:
            if not may_pass(error):
                raise
            if (yield from _give_up(server, work, error)):
                yield from run.report()
                yield from _await_return(server, work)
                yield from run.report()


def _give_up(server: SweepServer, work: SweepWork, error: APIError) -> Flow[bool]:
    """Give what a server has to the others; False when that was done already.

    Raises:
        APIError: There are no others.
    """
    if not work.has_others(server):
        raise error
    why = f"{server.url} is out of reach: {error.message}"
    is_first = yield from run_blocking(partial(work.lose, server, why))
    if is_first:
        logger.warning("%s; the other servers take over", why)
    return is_first


def _do(
    run: SweepRun, server: SweepServer, work: SweepWork, piece: Piece
) -> Flow[None]:
    def note(ended: int, back: int) -> Flow[None]:
        work.note(piece, ended, back, (yield from now()))

    if isinstance(piece.work, BatchRow):
        logger.info("taking up batch %s of an earlier run", piece.work.id)
        yield from resume_chunk(run, server, piece.work, note)
    else:
        yield from send_chunk(run, server, piece.work, note)
    work.withdraw(piece)


def _await_return(
    server: SweepServer,
    work: SweepWork,
    get_ready: Optional[Callable[[], Flow[None]]] = None,
) -> Flow[None]:
    """Look at a server until it answers, or nothing is left to do.

    Args:
        server: The server.
        work: What is to do.
        get_ready: Done before it gets work.
    """
    while not work.is_over:
        yield from pause(PROBE)
        try:
            yield from learn_version(again=True, timeout=PROBE)
            if get_ready is not None:
                yield from get_ready()
            stale = yield from run_blocking(partial(work.welcome, server))
            logger.warning("%s is back", server.url)
            if stale:
                # Other servers make these: here they would only be in the way.
                queue_id = server.context.server.queue_id
                yield from queue_requests.cancel_batches(queue_id, stale)
        except APIError as error:
            logger.info("%s: %s", server.url, error)
        else:
            return


def _samples(run: SweepRun, server: SweepServer) -> list[LedgerItem]:
    """Items to prepare before anything is sent, so that what is missing is told.

    The first ones, one of a part, and all parts that name what no other has named.
    """
    finder = ColumnFinder(server.handle)
    named: set[str] = set()
    found: list[LedgerItem] = []
    for item in run.ledger.samples():
        names = set(part_names(finder, item.values))
        if len(found) < CHECKED_PARTS or not names <= named:
            found.append(item)
            named |= names
    return found


def _get_ready(
    run: SweepRun, server: SweepServer, samples: Sequence[LedgerItem]
) -> Flow[None]:
    """Learn what a server is like, and see that it can make what is to do.

    Raises:
        FieldValidationError: The server refuses values; it was sent nothing.
    """
    if not samples:
        return
    server.traits = yield from learn_traits()
    for item in samples:
        prepared = yield from prepare_items(run, server, [item])
        server.jobs_per_item = prepared.jobs_per_item


def with_server(error: FieldValidationError, address: str) -> FieldValidationError:
    """The same problems, told as those of one server among several."""
    return FieldValidationError(
        [
            replace(problem, where=f"{address}: {problem.place}")
            for problem in error.problems
        ]
    )


def refuse_other_servers(ledger: Ledger, known: Collection[str]) -> None:
    """Raise for batches of an earlier run that are on another server."""
    left: dict[str, int] = {}
    for row in ledger.open_batches():
        if row.server not in known:
            left[row.server] = left.get(row.server, 0) + len(row.items)
    if left:
        where = ", ".join(f"{count} on {url}" for url, count in left.items())
        raise SweepError(
            f"items of an earlier run are under way on another server: {where}",
            hint="go on with that server, or give it up: abandon=[its address] has "
            "them made again",
        )
