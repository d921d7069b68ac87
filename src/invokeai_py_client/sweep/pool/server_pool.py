"""`ServerPool`: several servers that work as one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Optional

from invokeai_py_client._arguments import (
    Name,
    PathLike,
    Seconds,
    Tag,
    checks_arguments,
    whole_number,
)
from invokeai_py_client._core.address import parse_address
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._exports import one_line, set_module
from invokeai_py_client._objects.handle import Handle
from invokeai_py_client.client import InvokeAIClient
from invokeai_py_client.exceptions import ArgumentError
from invokeai_py_client.image.image_handle import IvkImage
from invokeai_py_client.sweep.pool.chain_flows import MapRequest, map_rows
from invokeai_py_client.sweep.pool.chain_values import RowResult, read_rows
from invokeai_py_client.sweep.pool.pool_flows import PoolServers, run_on_free
from invokeai_py_client.sweep.pool.pool_runner import PoolRunner, is_async_function
from invokeai_py_client.sweep.running.run_flows import refuse_repeated
from invokeai_py_client.video.video_handle import IvkVideo
from invokeai_py_client.workflow.inputs.base_handle import Seed
from invokeai_py_client.workflow.results.run_result import RunResult
from invokeai_py_client.workflow.submission import Submission
from invokeai_py_client.workflow.submitting.enqueue_options import OnFull
from invokeai_py_client.workflow.submitting.prepare_flows import (
    BoardOption,
    Runs,
    SubmitContext,
)
from invokeai_py_client.workflow.waiting.wait_flows import OnProgress
from invokeai_py_client.workflow.workflow_handle import WorkflowHandle

MaxFailures = Annotated[int, whole_number(0)]
_SERVERS = "addresses or clients of the kind InvokeAIClient"


@checks_arguments
@set_module("invokeai_py_client.sweep")
class ServerPool(Handle):
    """Several servers that work as one.

    It is iterable over its clients, and is given wherever servers are: as `servers=`
    of `SweepPlan.run`, too. Threads may share it.

    Example:
        ```python
        with ServerPool(["http://gpu1:9090", "http://gpu2:9090"]) as pool:
            result = pool.run(workflow, positive_prompt="a lighthouse")
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
        made: list[InvokeAIClient] = []
        clients: list[InvokeAIClient] = []
        for item in given:
            client = item
            if isinstance(item, str):
                token = by_address.get(str(parse_address(item)))
                client = InvokeAIClient(item, token=token)
                made.append(client)
            elif not isinstance(item, InvokeAIClient):
                raise ArgumentError("servers", item, _SERVERS)
            clients.append(client)
        refuse_repeated([client.url for client in clients])
        self._clients = tuple(clients)
        self._runner = PoolRunner(clients, made)
        self._servers = PoolServers(
            [SubmitContext(it.workflow_repo._server, it._runner) for it in clients]
        )

    @property
    def clients(self) -> tuple[InvokeAIClient, ...]:
        """A client for each server."""
        return self._clients

    @property
    def servers(self) -> tuple[str, ...]:
        """The addresses."""
        return tuple(client.url for client in self._clients)

    def __iter__(self) -> Iterator[InvokeAIClient]:
        return iter(self._clients)

    def __len__(self) -> int:
        return len(self._clients)

    def __repr__(self) -> str:
        names = ", ".join(self.servers)
        return one_line(f"<{type(self).__name__} of {len(self)}: {names}>")

    def __enter__(self) -> ServerPool:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the clients that the pool made; those that it was given stay open."""
        self._runner.close()

    def run(
        self,
        workflow: WorkflowHandle,
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
    ) -> RunResult[IvkImage, IvkVideo]:
        """Run a workflow on the server that is free first, as `WorkflowHandle.run`.

        Models and boards are looked up by name there, images are moved over. A server
        that cannot be reached is set aside for a while, and the next one gets the run,
        if it is certain that nothing of it was enqueued.

        Args:
            workflow: A workflow of any client of this kind, with its values.
            inputs: As for `WorkflowHandle.run`.
            runs: As for `WorkflowHandle.run`.
            seed: As for `WorkflowHandle.run`.
            board: As for `WorkflowHandle.run`.
            create: As for `WorkflowHandle.run`.
            tag: As for `WorkflowHandle.run`.
            timeout: Seconds for everything, all servers that are tried included.
            on_progress: As for `WorkflowHandle.run`.
            check: As for `WorkflowHandle.run`.
            **values: Values by name, for this call only.

        Raises:
            FieldValidationError: Values would be refused, with the server that would.
            SubmissionUnknownError: A reply was lost and could not be settled; no other
                server was tried.
            JobError: As `WorkflowHandle.run`.
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
        result: RunResult[IvkImage, IvkVideo] = self._runner.run(flow)
        return result

    def submit(
        self,
        workflow: WorkflowHandle,
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
    ) -> Submission:
        """Put a workflow into the queue of the server that is free first.

        Args:
            workflow: A workflow of any client of this kind, with its values.
            inputs: As for `WorkflowHandle.submit`.
            runs: As for `WorkflowHandle.submit`.
            seed: As for `WorkflowHandle.submit`.
            board: As for `WorkflowHandle.submit`.
            create: As for `WorkflowHandle.submit`.
            tag: As for `WorkflowHandle.submit`.
            key: As for `WorkflowHandle.submit`, over all servers: every one is asked
                for jobs of the key first, and one that cannot be asked is an error.
            prepend: As for `WorkflowHandle.submit`.
            on_full: As for `WorkflowHandle.submit`.
            **values: Values by name, for this call only.

        Raises:
            FieldValidationError: Values would be refused, with the server that would.
            QueueError: As `WorkflowHandle.submit`.
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

        submission: Submission = self._runner.run(self._free(make, runs, key=key))
        return submission

    def map(
        self,
        fn: Callable[[InvokeAIClient, Any], Any],
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
        results: list[RowResult] = self._runner.run(map_rows(self._servers, request))
        return results

    def _free(self, make: Any, runs: int, **options: Any) -> Flow[Any]:
        # Wrong arguments are refused before any server is asked.
        make(next(iter(self._servers.contexts.values())), None).close()
        return run_on_free(self._servers, runs, make, **options)


def _tokens_by_address(
    servers: Iterable[Any], tokens: Optional[Mapping[str, str]]
) -> dict[str, str]:
    """The tokens; errors do not repeat them."""
    if tokens is None:
        return {}
    if not isinstance(tokens, Mapping):
        raise ArgumentError("tokens", type(tokens), "a mapping of tokens by address")
    found = {str(parse_address(address)): token for address, token in tokens.items()}
    known = {str(parse_address(item)) for item in servers if isinstance(item, str)}
    for address in found:
        if address not in known:
            allowed = "tokens of servers that are given by their addresses"
            raise ArgumentError("tokens", address, allowed)
    return found
