# Generated from sweep/sweep_plan.py by scripts/generate_async.py; do not edit.
"""`AsyncSweepPlan`: what a workflow is to be run with, and running it."""

from __future__ import annotations

from collections.abc import (
    AsyncIterator,
    Iterable,
    Mapping,
    Sequence,
)
from concurrent.futures import Executor
from typing import Any, Optional

from invokeai_py_client._arguments import (
    Name,
    PathLike,
    checks_arguments,
)
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._exports import set_module
from invokeai_py_client._io.runner import AsyncRunner
from invokeai_py_client.sweep.chunks.plan_request import PlanRequest
from invokeai_py_client.sweep.display.folder_page import with_page
from invokeai_py_client.sweep.planning.base_plan import BaseSweepPlan
from invokeai_py_client.sweep.running.progress import SweepResult
from invokeai_py_client.sweep.running.run_flows import (
    DEFAULT_NAME,
    RunOptions,
    run_plan,
)
from invokeai_py_client.sweep.running.sweep_run import FinishedItem, ServerCopy
from invokeai_py_client.sweep.sweep_plan import MaxFailures, OnSweepProgress
from invokeai_py_client.workflow.lookup.known_server import KnownServer


@checks_arguments
@set_module("invokeai_py_client.sweep")
class AsyncSweepPlan(BaseSweepPlan):
    """The items of a sweep, and running them: nothing is sent before `run`.

    A plan is a sequence: ``len(plan)``, ``plan[7].values``, `preview`. Running it
    records everything in a folder, from which it goes on wherever it was interrupted.
    """

    def __init__(
        self, request: PlanRequest, *, runner: AsyncRunner, server: KnownServer
    ) -> None:
        """Made by `AsyncWorkflowHandle.sweep`."""
        super().__init__(request.parts())
        self._request = request
        self._runner = runner
        self._server = server

    async def run(
        self,
        folder: PathLike,
        *,
        name: Name = DEFAULT_NAME,
        on_progress: Optional[OnSweepProgress] = None,
        max_failures: Optional[MaxFailures] = None,
        server_copy: ServerCopy = "keep",
        abandon: Sequence[str] = (),
        servers: Optional[Iterable[Any]] = None,
        outputs: Optional[Name] = None,
        storage_options: Optional[Mapping[str, Any]] = None,
        executor: Optional[Executor] = None,
    ) -> SweepResult:
        """Make every item that is not there yet, and return how it went.

        The same call again goes on where it was: whether it ended, was interrupted, or
        the client, the server or the machine died. No item is made twice that a
        server still knows, and none is lost.

        An interruption (Ctrl-C, a cancelled task) cancels nothing: what is in the queue
        goes on, and the next run fetches it.

        Args:
            folder: Where the files, the ledger and the manifest go; made if missing.
            name: Template of the file names, below `images/`. Fields are the names of
                the inputs, ``index``, ``key``, ``seed`` (as executed) and ``ordinal``
                (the place among the files of an item, from 1).
            on_progress: Called with a `SweepProgress` whenever items end.
            max_failures: End with an error when more items than this have failed in
                this run; what is in the queue goes on, and the next run fetches it.
            server_copy: ``"delete"`` deletes the sweep's own images on the server when
                their files are here, and its jobs when all items are over.
            abandon: Addresses of servers that are gone for good: what they were given
                in an earlier run is made again.
            servers: Addresses, or clients of the same kind, of the servers that share
                the work, or a `AsyncServerPool`; by default that of this plan's client. A
                client brings its own token and options. A server that stays away loses
                what it has to the others, and gets new work when it is back.
            outputs: A URL such as ``"s3://bucket/folder"``: the images go there, by
                fsspec (the extra `remote`), and everything else into `folder`.
            storage_options: What fsspec's file system takes besides, such as
                credentials; they are not recorded.
            executor: Has workers elsewhere follow the jobs and download the files:
                processes, threads or a cluster; see docs/clusters.md. Items end
                batch by batch then. It stays open.

        Raises:
            ArgumentError: An argument is wrong, such as a field of `name`.
            BoardError: There is no such board.
            FieldValidationError: Values would be refused, with their rows and columns;
                nothing was sent.
            SweepChangedError: The folder has a sweep of other items or another
                workflow.
            SweepInUseError: Another process runs the sweep of this folder.
            SweepError: Too many items failed, or the folder or the target of
                `outputs` cannot be used.
            LocalFileError: The disk is full or cannot be written; what is recorded is
                kept.
            APIError: The server stays away or refuses; run again to go on.
        """
        return await self._runner.run(
            self._run_flow(
                folder,
                name,
                on_progress=on_progress,
                max_failures=max_failures,
                server_copy=server_copy,
                abandon=abandon,
                servers=servers,
                outputs=outputs,
                storage_options=storage_options,
                executor=executor,
            )
        )

    def stream(
        self,
        folder: PathLike,
        *,
        name: Name = DEFAULT_NAME,
        on_progress: Optional[OnSweepProgress] = None,
        max_failures: Optional[MaxFailures] = None,
        server_copy: ServerCopy = "keep",
        abandon: Sequence[str] = (),
        servers: Optional[Iterable[Any]] = None,
        outputs: Optional[Name] = None,
        storage_options: Optional[Mapping[str, Any]] = None,
        executor: Optional[Executor] = None,
    ) -> AsyncIterator[FinishedItem]:
        """As `run`, but iterate over the items as they end in this run.

        Items that were done before are not among them; leaving the loop is an
        interruption.

        Args:
            folder: As for `run`.
            name: As for `run`.
            on_progress: As for `run`.
            max_failures: As for `run`.
            server_copy: As for `run`.
            abandon: As for `run`.
            servers: As for `run`.
            outputs: As for `run`.
            storage_options: As for `run`.
            executor: As for `run`.
        """
        return self._runner.stream(
            self._run_flow(
                folder,
                name,
                on_progress=on_progress,
                max_failures=max_failures,
                server_copy=server_copy,
                abandon=abandon,
                servers=servers,
                outputs=outputs,
                storage_options=storage_options,
                executor=executor,
            )
        )

    def _run_flow(
        self, folder: PathLike, name: str, **options: Any
    ) -> Flow[SweepResult]:
        read = RunOptions.read(folder, name, **options)
        return with_page(run_plan(self._request, read, self._server, self._runner))
