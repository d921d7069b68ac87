# Generated from sweep/pool/server_pool.py by scripts/generate_async.py; do not edit.
"""`AsyncServerPool`: several servers that work as one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Optional

from invokeai_py_client._aio.client import AsyncInvokeAIClient
from invokeai_py_client._aio.image_handle import AsyncIvkImage
from invokeai_py_client._aio.submission import AsyncSubmission
from invokeai_py_client._aio.video_handle import AsyncIvkVideo
from invokeai_py_client._aio.workflow_handle import AsyncWorkflowHandle
from invokeai_py_client._arguments import (
    Name,
    PathLike,
    Seconds,
    Tag,
    checks_arguments,
)
from invokeai_py_client._core.address import parse_address
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._exports import one_line, set_module
from invokeai_py_client._objects.handle import Handle
from invokeai_py_client.exceptions import ArgumentError
from invokeai_py_client.sweep.pool.chain_flows import MapRequest, map_rows
from invokeai_py_client.sweep.pool.chain_values import RowResult, read_rows
from invokeai_py_client.sweep.pool.pool_flows import PoolServers, run_on_free
from invokeai_py_client.sweep.pool.pool_runner import PoolRunner, is_async_function
from invokeai_py_client.sweep.pool.server_pool import (
    _SERVERS,
    MaxFailures,
    _tokens_by_address,
)
from invokeai_py_client.sweep.running.run_flows import refuse_repeated
from invokeai_py_client.workflow.inputs.base_handle import Seed
from invokeai_py_client.workflow.results.run_result import RunResult
from invokeai_py_client.workflow.submitting.enqueue_options import OnFull
from invokeai_py_client.workflow.submitting.prepare_flows import (
    BoardOption,
    Runs,
    SubmitContext,
)
from invokeai_py_client.workflow.waiting.wait_flows import OnProgress


@checks_arguments
@set_module("invokeai_py_client.sweep")
class AsyncServerPool(Handle):
    """Several servers that work as one.

    It is iterable over its clients, and is given wherever servers are: as `servers=`
    of `AsyncSweepPlan.run`, too. Threads may share it.

    Example:
        ```python
        async with AsyncServerPool(["http://gpu1:9090", "http://gpu2:9090"]) as pool:
            result = await pool.run(workflow, positive_prompt="a lighthouse")
        ```

    Args:
        servers: Addresses, or clients where a server needs more than a token. The pool
            closes the clients that it makes, and no others.
        tokens: The tokens of servers that are given by their addresses.

    Raises:
        ArgumentError: A server is given twice, or there is none, or a token belongs to
            none of the addresses.
    """

    _KEEP = "the addresses of its servers"

    def __init__(
        self, servers: Iterable[Any], *, tokens: Optional[Mapping[str, str]] = None
    ) -> None:
        if isinstance(servers, (str, bytes)) or not isinstance(servers, Iterable):
            raise ArgumentError("servers", servers, f"a list of {_SERVERS}")
        given = list(servers)
        by_address = _tokens_by_address(given, tokens)
        made: list[AsyncInvokeAIClient] = []
        clients: list[AsyncInvokeAIClient] = []
        for item in given:
            client = item
            if isinstance(item, str):
                token = by_address.get(str(parse_address(item)))
                client = AsyncInvokeAIClient(item, token=token)
                made.append(client)
            elif not isinstance(item, AsyncInvokeAIClient):
                raise ArgumentError("servers", item, _SERVERS)
            clients.append(client)
        refuse_repeated([client.url for client in clients])
        self._clients = tuple(clients)
        self._runner = PoolRunner(clients, made)
        self._servers = PoolServers(
            [SubmitContext(it.workflow_repo._server, it._runner) for it in clients]
        )

    @property
    def clients(self) -> tuple[AsyncInvokeAIClient, ...]:
        """A client for each server."""
        return self._clients

    @property
    def servers(self) -> tuple[str, ...]:
        """The addresses."""
        return tuple(client.url for client in self._clients)

    def __iter__(self) -> Iterator[AsyncInvokeAIClient]:
        return iter(self._clients)

    def __len__(self) -> int:
        return len(self._clients)

    def __repr__(self) -> str:
        names = ", ".join(self.servers)
        return one_line(f"<{type(self).__name__} of {len(self)}: {names}>")

    async def __aenter__(self) -> AsyncServerPool:
        return self

    async def __aexit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the clients that the pool made; those that it was given stay open."""
        await self._runner.close()

    async def run(
        self,
        workflow: AsyncWorkflowHandle,
        inputs: Optional[Mapping[Any, Any]] = None,
        /,
        *,
        runs: Runs = 1,
        seed: Seed = "keep",
        board: BoardOption = None,
        create: bool = False,
        tag: Tag = "ivk",
        timeout: Optional[Seconds] = None,
        on_progress: Optional[OnProgress] = None,
        check: bool = True,
        **values: Any,
    ) -> RunResult[AsyncIvkImage, AsyncIvkVideo]:
        """Run a workflow on the server that is free first, as `AsyncWorkflowHandle.run`.

        Models and boards are looked up by name there, images are moved over. A server
        that cannot be reached is set aside for a while, and the next one gets the run,
        if it is certain that nothing of it was enqueued.

        Args:
            workflow: A workflow of any client of this kind, with its values.
            inputs: As for `AsyncWorkflowHandle.run`.
            runs: As for `AsyncWorkflowHandle.run`.
            seed: As for `AsyncWorkflowHandle.run`.
            board: As for `AsyncWorkflowHandle.run`.
            create: As for `AsyncWorkflowHandle.run`.
            tag: As for `AsyncWorkflowHandle.run`.
            timeout: Seconds for everything, all servers that are tried included.
            on_progress: As for `AsyncWorkflowHandle.run`.
            check: As for `AsyncWorkflowHandle.run`.
            **values: Values by name, for this call only.

        Raises:
            FieldValidationError: Values would be refused, with the server that would.
            SubmissionUnknownError: A reply was lost and could not be settled; no other
                server was tried.
            JobError: As `AsyncWorkflowHandle.run`.
            APIError: No server can be reached, or the one that has the jobs stays away.
        """

        def make(context: SubmitContext, left: Optional[float]) -> Flow[Any]:
            return workflow._at(context)._run_flow(
                inputs,
                values,
                runs=runs,
                seed=seed,
                board=board,
                create=create,
                tag=tag,
                timeout=left,
                on_progress=on_progress,
                check=check,
            )

        flow = self._free(make, runs, timeout=timeout)
        result: RunResult[AsyncIvkImage, AsyncIvkVideo] = await self._runner.run(flow)
        return result

    async def submit(
        self,
        workflow: AsyncWorkflowHandle,
        inputs: Optional[Mapping[Any, Any]] = None,
        /,
        *,
        runs: Runs = 1,
        seed: Seed = "keep",
        board: BoardOption = None,
        create: bool = False,
        tag: Tag = "ivk",
        key: Optional[Name] = None,
        prepend: bool = False,
        on_full: OnFull = "error",
        **values: Any,
    ) -> AsyncSubmission:
        """Put a workflow into the queue of the server that is free first.

        Args:
            workflow: A workflow of any client of this kind, with its values.
            inputs: As for `AsyncWorkflowHandle.submit`.
            runs: As for `AsyncWorkflowHandle.submit`.
            seed: As for `AsyncWorkflowHandle.submit`.
            board: As for `AsyncWorkflowHandle.submit`.
            create: As for `AsyncWorkflowHandle.submit`.
            tag: As for `AsyncWorkflowHandle.submit`.
            key: As for `AsyncWorkflowHandle.submit`, over all servers: every one is asked
                for jobs of the key first, and one that cannot be asked is an error.
            prepend: As for `AsyncWorkflowHandle.submit`.
            on_full: As for `AsyncWorkflowHandle.submit`.
            **values: Values by name, for this call only.

        Raises:
            FieldValidationError: Values would be refused, with the server that would.
            QueueError: As `AsyncWorkflowHandle.submit`.
            APIError: No server can be reached; with a key, one cannot.
        """

        def make(context: SubmitContext, _: Optional[float]) -> Flow[Any]:
            return workflow._at(context)._submit_flow(
                inputs,
                values,
                runs=runs,
                seed=seed,
                board=board,
                create=create,
                tag=tag,
                key=key,
                prepend=prepend,
                on_full=on_full,
            )

        submission: AsyncSubmission = await self._runner.run(
            self._free(make, runs, key=key)
        )
        return submission

    async def map(
        self,
        fn: Callable[[AsyncInvokeAIClient, Any], Any],
        rows: Any,
        folder: PathLike,
        *,
        max_failures: Optional[MaxFailures] = None,
        retry: bool = False,
        abandon: Sequence[str] = (),
    ) -> list[RowResult]:
        """Call a function for each row, with a client of the server that is free.

        The function may run any number of workflows one after the other, each with
        what came of those before. What it returned is recorded in the folder. The same
        call again goes on where it was, also after a crash: rows that are done are not
        called again; rows that were under way are, with the same server, and their
        submissions find the jobs that are there. For that the function has to submit
        the same in the same order; ``seed="random"`` draws the same seeds again.

        Interrupted, it cancels nothing: what is in a queue goes on.

        Args:
            fn: Called with a client and a row, from several threads; with an
                `AsyncServerPool` it may be ``async def``. It has to load its workflows
                with that client. It returns plain JSON data; numbers of NumPy are
                numbers, a path is its string, an image its name.
            rows: A list of rows of plain JSON data, or a table, as `rows` of a sweep.
                Those of an earlier call have to be the same, and more may come after
                them.
            folder: Where the record is; made if missing.
            max_failures: End with an error when more rows failed in this call.
            retry: Call rows again that failed, from their beginning.
            abandon: Addresses of servers that are gone for good: rows that were under
                way there are made elsewhere, from their beginning.

        Returns:
            What became of each row, in order. An error of the function is in the
            result of its row.

        Raises:
            SweepChangedError: The folder has other rows.
            SweepInUseError: Another process has the folder.
            KeyConflictError: A row that was under way is submitted with other values:
                the function has changed.
            SweepError: Too many rows failed, a value cannot be recorded, or rows are
                left on a server that stays away; all else is recorded.
        """
        if not self._runner.is_async and is_async_function(fn):
            raise ArgumentError("fn", fn, "a function, not an async def")
        request = MapRequest(
            fn,
            read_rows(rows),
            Path(folder).expanduser(),
            {client.url: client for client in self._clients},
            self._runner.is_async,
            max_failures,
            retry,
            abandon,
        )
        results: list[RowResult] = await self._runner.run(
            map_rows(self._servers, request)
        )
        return results

    def _free(self, make: Any, runs: int, **options: Any) -> Flow[Any]:
        # Wrong arguments are refused before any server is asked.
        make(next(iter(self._servers.contexts.values())), None).close()
        return run_on_free(self._servers, runs, make, **options)
