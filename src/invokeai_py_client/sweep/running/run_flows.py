"""Running a sweep from its beginning, or from wherever it was interrupted."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Optional

from invokeai_py_client._arguments import PathLike
from invokeai_py_client._core.address import parse_address
from invokeai_py_client._core.flow import (
    Flow,
    call_back,
    elsewhere,
    ends_itself,
    now,
    run_blocking,
)
from invokeai_py_client._file_names import FileNameTemplate
from invokeai_py_client.exceptions import ArgumentError
from invokeai_py_client.image.board_flows import BoardTarget
from invokeai_py_client.sweep.batches.payloads import TAG
from invokeai_py_client.sweep.batches.run_watch import RunEndingError, RunWatch
from invokeai_py_client.sweep.chunks.plan_request import PlanRequest
from invokeai_py_client.sweep.folder.incoming import Incoming
from invokeai_py_client.sweep.folder.remote_target import target_url
from invokeai_py_client.sweep.ledger.ledger import Ledger
from invokeai_py_client.sweep.running.engine_flows import run_on
from invokeai_py_client.sweep.running.opened_sweep import OpenedSweep, begin, reopen
from invokeai_py_client.sweep.running.output_names import OutputNames
from invokeai_py_client.sweep.running.progress import (
    ProgressMeter,
    SweepResult,
    progress_of,
)
from invokeai_py_client.sweep.running.stored_handle import apply_edits
from invokeai_py_client.sweep.running.sweep_run import (
    ServerCopy,
    SweepRun,
    SweepServer,
    Workers,
)
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle
from invokeai_py_client.workflow.lookup import load_flows
from invokeai_py_client.workflow.lookup.known_server import KnownServer
from invokeai_py_client.workflow.submitting.find_submission_flows import (
    result_names_of,
)
from invokeai_py_client.workflow.submitting.prepare_flows import SubmitContext

logger = logging.getLogger("invokeai_py_client")

LOG_EVERY = 60.0
"""Seconds between lines in the log."""
DEFAULT_NAME = "{index:05d}.png"
STATUS_EVERY = 10.0
"""Seconds between two versions of `status.json`."""


@dataclass(frozen=True)
class RunOptions:
    """How a sweep is to be run; see `SweepPlan.run`."""

    folder: Path
    template: Optional[FileNameTemplate]
    on_progress: Optional[Callable[..., Any]] = None
    max_failures: Optional[int] = None
    server_copy: ServerCopy = "keep"
    abandon: Sequence[str] = ()
    servers: Optional[Iterable[Any]] = None
    outputs: str = ""
    storage_options: Optional[Mapping[str, Any]] = field(default=None, repr=False)
    executor: Optional[Executor] = None

    @classmethod
    def read(
        cls,
        folder: PathLike,
        name: Optional[str],
        outputs: Optional[str] = None,
        **options: Any,
    ) -> RunOptions:
        """Read the options as a caller gives them; without a name that of before.

        Raises:
            ArgumentError: The template of the file names is wrong, or `outputs` is no
                URL, or one with credentials.
        """
        template = None if name is None else FileNameTemplate.parse(name)
        url = "" if outputs is None else target_url(outputs)
        return cls(Path(folder).expanduser(), template, outputs=url, **options)


def run_plan(
    request: PlanRequest, options: RunOptions, server: KnownServer, runner: Any
) -> Flow[SweepResult]:
    """Run a plan in its folder; emits each item that ends."""
    template = options.template or FileNameTemplate.parse(DEFAULT_NAME)
    opening = partial(
        begin,
        request,
        options.folder,
        template,
        options.outputs,
        options.storage_options,
    )
    return (yield from _run(opening, options, server, runner))


def resume(options: RunOptions, server: KnownServer, runner: Any) -> Flow[SweepResult]:
    """Go on with the sweep of a folder; emits each item that ends."""

    def opening() -> OpenedSweep:
        opened = reopen(options.folder, options.storage_options)
        try:
            opened.outputs.claim(opened.ledger.sweep_id, has_items=True)
        except BaseException:
            opened.close()
            raise
        return opened

    return (yield from _run(opening, options, server, runner))


def _run(
    opening: Callable[[], OpenedSweep],
    options: RunOptions,
    server: KnownServer,
    runner: Any,
) -> Flow[SweepResult]:
    started = yield from now()
    watch = RunWatch()
    workers = None
    contexts, own = server_contexts(options.servers, server, runner)
    opened = yield from run_blocking(opening)
    try:
        try:
            if options.executor is not None:
                make = partial(_make_workers, options.executor, opened, contexts)
                workers = yield from run_blocking(make)
            work = _work(opened, options, contexts, started, runner, watch, workers)
            yield from ends_itself(watch.ask_to_end)
            yield from watch.count(work)
        except RunEndingError:
            logger.debug("ended before anything was sent")
        except Exception:
            yield from _close(own)
            raise
        yield from _close(own)
        counts = yield from run_blocking(opened.finish)
        seconds = (yield from now()) - started
        return SweepResult(options.folder, progress_of(counts), watch.total, seconds)
    finally:
        # Closing a flow must not yield; this is quick.
        if workers is not None:
            workers.incoming.remove()
        opened.close()


def server_contexts(
    servers: Optional[Iterable[Any]], server: KnownServer, runner: Any
) -> tuple[list[SubmitContext], list[Any]]:
    """Where to run, and the clients that were made for it.

    Raises:
        ArgumentError: A server is given twice, or is neither a client nor an address.
    """
    if servers is None:
        return [SubmitContext(server, runner)], []
    contexts: list[SubmitContext] = []
    made: list[Any] = []
    for given in servers:
        client = given
        if isinstance(given, str):
            if str(parse_address(given)) == server.address:
                contexts.append(SubmitContext(server, runner))
                continue
            if server.open_other is None:
                raise ArgumentError("servers", given, "a client")
            client = server.open_other(given)
            made.append(client)
        if not hasattr(client, "workflow_repo"):
            raise ArgumentError("servers", given, "addresses or clients")
        contexts.append(SubmitContext(client.workflow_repo._server, client._runner))
    refuse_repeated([context.server.address for context in contexts])
    return contexts, made


def refuse_repeated(addresses: Sequence[str]) -> None:
    """Raise for a server that is given twice, or none at all.

    Raises:
        ArgumentError: That is so.
    """
    if not addresses:
        raise ArgumentError("servers", [], "at least one address or client")
    if len(set(addresses)) < len(addresses):
        raise ArgumentError("servers", list(addresses), "each server once")


def _make_workers(
    executor: Executor, opened: OpenedSweep, contexts: Sequence[SubmitContext]
) -> Workers:
    """Have an executor do the batches.

    Raises:
        ArgumentError: Other processes cannot make clients like these.
    """
    for context in contexts:
        make = context.server.recipe
        try:
            pickle.dumps(make and make())
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            hint = (
                "give verify= as a path, and http_options= without a transport and "
                f"without local functions: {error}"
            )
            url, allowed = context.server.address, "clients that workers can make"
            raise ArgumentError("servers", url, allowed, hint=hint) from None
    incoming = Incoming.make(opened.folder.path, opened.ledger.path)
    return Workers(executor, incoming)


def _close(clients: Sequence[Any]) -> Flow[None]:
    for client in clients:
        yield from call_back(client.close)


def _work(
    opened: OpenedSweep,
    options: RunOptions,
    contexts: Sequence[SubmitContext],
    started: float,
    runner: Any,
    watch: RunWatch,
    workers: Optional[Workers],
) -> Flow[None]:
    ledger = opened.ledger
    targets = []
    for context in contexts:
        connecting = _connect(opened, context)
        if context.runner is not runner:
            connecting = elsewhere(context.runner, connecting)
        targets.append((yield from connecting))
    meter = ProgressMeter(started, (yield from run_blocking(ledger.counts)))

    written = logged = started

    def report() -> Flow[None]:
        nonlocal written, logged
        moment = yield from now()
        is_due = moment - written >= STATUS_EVERY
        if options.on_progress is None and not is_due:
            return
        counts = yield from run_blocking(ledger.counts)
        progress = meter.progress(counts, moment, run.server_progress())
        if is_due:
            written = moment
            yield from run_blocking(partial(opened.folder.write_status, asdict(counts)))
            if moment - logged >= LOG_EVERY:
                logged = moment
                logger.info("%s: %s", options.folder, progress)
        if options.on_progress is not None:
            yield from call_back(options.on_progress, progress)

    def name_files() -> OutputNames:
        taken = (output.output.path for output in ledger.outputs())
        own = {item.name: item.field.value for item in targets[0].handle.list_inputs()}
        template = options.template or FileNameTemplate.parse(ledger.meta["name"])
        return OutputNames(template, own, taken)

    run = SweepRun(
        ledger=ledger,
        folder=opened.folder.path,
        outputs=opened.outputs,
        name_files=(yield from run_blocking(name_files)),
        tag=TAG.format(ledger.sweep_id),
        urls=[target.url for target in targets],
        server_copy=options.server_copy,
        max_failures=options.max_failures,
        report=report,
        requests=watch,
        workers=workers,
        is_ending=lambda: watch.is_ending,
    )
    yield from run_blocking(lambda: abandon(ledger, options.abandon))
    yield from run_on(run, targets, runner)


def abandon(ledger: Ledger, addresses: Sequence[str]) -> None:
    """Have made again what servers were given that are gone for good."""
    for url in [str(parse_address(address)) for address in addresses]:
        for row in ledger.open_batches(url):
            ledger.mark_lost(row.id, f"{row.server} is gone for good")


def _connect(opened: OpenedSweep, context: SubmitContext) -> Flow[SweepServer]:
    """The sweep's workflow as the folder keeps it, for one server."""
    definition = yield from run_blocking(opened.definition)
    loaded, catalog, _ = yield from load_flows.load(
        definition, context.server, context.runner
    )
    handle = BaseWorkflowHandle(loaded, catalog)
    edits = opened.ledger.meta["edits"]
    yield from run_blocking(lambda: apply_edits(handle, edits, opened.folder.path))
    return SweepServer(
        url=context.server.address,
        context=context,
        handle=handle,
        names=result_names_of(handle),
        board=BoardTarget(opened.ledger.meta.get("board") or None),
    )
