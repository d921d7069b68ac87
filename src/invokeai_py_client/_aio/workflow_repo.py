# Generated from workflow/workflow_repo.py by scripts/generate_async.py; do not edit.
"""`AsyncWorkflowRepository`: workflows from files, images and the server's library."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Optional, Union

from invokeai_py_client._aio.library_repo import AsyncWorkflowLibrary
from invokeai_py_client._aio.submission import AsyncSubmission
from invokeai_py_client._aio.workflow_handle import AsyncWorkflowHandle
from invokeai_py_client._arguments import checked, checks_arguments
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._exports import set_module
from invokeai_py_client._io.runner import AsyncRunner
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.workflow.document.definition import (
    WorkflowContent,
    WorkflowDefinition,
    read_definition,
)
from invokeai_py_client.workflow.editor.loaded_workflow import LoadedWorkflow
from invokeai_py_client.workflow.inputs.given_values import given_cells
from invokeai_py_client.workflow.locking.find_lock import LockOption, find_lock
from invokeai_py_client.workflow.locking.workflow_lock import WorkflowLock
from invokeai_py_client.workflow.lookup import catalog_flows, load_flows
from invokeai_py_client.workflow.lookup.known_server import (
    KnownServer,
    default_cache_dir,
)
from invokeai_py_client.workflow.lookup.load_flows import WorkflowSource
from invokeai_py_client.workflow.submitting import find_submission_flows, submit_flows
from invokeai_py_client.workflow.submitting.prepare_flows import SubmitRequest
from invokeai_py_client.workflow.workflow_repo import OPTIONS, logger


@checks_arguments
@set_module("invokeai_py_client.workflow")
class AsyncWorkflowRepository(AsyncWorkflowLibrary):
    """Workflows: load one, set its inputs, run it; and the server's library of them.

    Args:
        runner: What runs the flows: the client's.
        address: The server's address, under which its node types are kept on disk.
        queue_id: The queue to submit to.
        settle_time: Seconds to look for jobs whose reply was lost, before they are
            submitted once more.
        cache_dir: Folder for node types; ``$XDG_CACHE_HOME/invokeai-py-client`` or
            ``~/.cache/invokeai-py-client`` by default.
        open_other: Makes a client for another address, for sweeps on several servers.
        recipe: Makes what another process needs for a client of this server.
    """

    def __init__(
        self,
        runner: AsyncRunner,
        address: str,
        *,
        queue_id: str = "default",
        settle_time: float = 10.0,
        cache_dir: Optional[Path] = None,
        open_other: Optional[Callable[[str], Any]] = None,
        recipe: Optional[Callable[[], Any]] = None,
    ) -> None:
        self._runner = runner
        self._server = KnownServer(
            address=address,
            cache_dir=cache_dir or default_cache_dir(),
            queue_id=queue_id,
            settle_time=settle_time,
            open_other=open_other,
            recipe=recipe,
        )

    async def load(
        self, source: WorkflowSource, *, lock: LockOption = None
    ) -> AsyncWorkflowHandle:
        """Load a workflow from a file, an image, a dict or the library.

        A workflow out of an image has the values that made it: those of the graph
        beside it, where they differ. What an edge supplied is known only from the
        image's metadata, and from the job as long as the queue has it; a warning says
        what is not. A graph without a workflow, as the
        Generate tab's images have, becomes a workflow without a form, whose inputs are
        those that the metadata names.

        The server is only asked for workflows of its library (also those that this
        one calls), and for its node types when the workflow has a node that is not
        known.

        Args:
            source: A path or the content of a workflow file or of an image that
                carries one, an image object, an image's name or address on the server,
                the name or id of a workflow in its library, a definition, or a
                workflow as a dict. A string that names an existing file is a path. A
                request to the queue, a job and a session do as well.
            lock: What the names of inputs mean: a `WorkflowLock` or the path of one;
                None takes the lock file beside a workflow's file if there is one, True
                requires it, and False takes none.

        Raises:
            ArgumentError: `lock` is True, and there is no lock file.
            WorkflowFormatError: It is not a workflow, or the lock is not one.
            WorkflowError: Neither a file nor a workflow of the library, or several
                of the library have that name.
        """
        return self._handle(
            *(
                await self._runner.run(
                    load_flows.load(source, self._server, self._runner, lock)
                )
            )
        )

    def create_workflow(
        self, definition: WorkflowContent, *, lock: LockOption = None
    ) -> AsyncWorkflowHandle:
        """Make a handle of a definition, a file or a dict. Makes no request.

        Inputs are discovered with the node types that are at hand: those this client
        has read, those kept on disk for this server, or those of InvokeAI 6.14.2 that
        come with the library. Fields of nodes that are not among them can only be
        read; `load` asks the server in that case.

        Args:
            definition: A definition, a path, the content of a file, or a dict.
            lock: What the names of inputs mean, as for `load`.

        Raises:
            ArgumentError: `lock` is True, and there is no lock file.
            WorkflowFormatError: The definition cannot be loaded, or the lock is not
                one.
        """
        catalog = self._server.stored_catalog() or NodeCatalog.bundled()
        read = read_definition(definition)
        return self._handle(read, catalog, find_lock(read, lock))

    async def refresh_catalog(self) -> NodeCatalog:
        """Read the server's node types again, as after installing custom nodes.

        It takes the server up to seven seconds. Handles keep the types they were
        made with; submissions use the new ones.
        """
        return await self._runner.run(catalog_flows.fetch_catalog(self._server))

    async def submit_many(
        self,
        workflows: Sequence[
            Union[AsyncWorkflowHandle, tuple[AsyncWorkflowHandle, Mapping[str, Any]]]
        ],
    ) -> list[AsyncSubmission]:
        """Submit several workflows together, in order.

        All are checked before the first is enqueued, so a refused value anywhere
        means that nothing was sent.

        Args:
            workflows: Handles, or pairs of a handle and the options of its `submit`
                (values by name, `runs`, `seed`, …), such as a row of a table: empty
                cells (NaN) are not given.

        Raises:
            FieldValidationError: Values of one would be refused; nothing was sent.
            QueueError: As `AsyncWorkflowHandle.submit`; those before it were taken back, and
                are in `submissions` of the error.
            SubmissionUnknownError: The reply to one was lost; those before it stay, are
                in `submissions`, and `settle()` returns all.
            APIError: The server cannot be reached, or refuses one; as a `QueueError`.
        """
        return await self._runner.run(self._submit_many_flow(workflows))

    @checked
    def _submit_many_flow(
        self,
        workflows: Sequence[
            Union[AsyncWorkflowHandle, tuple[AsyncWorkflowHandle, Mapping[str, Any]]]
        ],
    ) -> Flow[list[AsyncSubmission]]:
        """The flow of `submit_many`."""
        pairs = [item if isinstance(item, tuple) else (item, {}) for item in workflows]
        if not pairs:
            return []
        requests = [
            _request_of(handle, given_cells(options)) for handle, options in pairs
        ]
        return (yield from submit_flows.submit_all(pairs[0][0]._context(), requests))

    def _submission_flow(
        self, queue_id: str, submission_id: str
    ) -> Flow[AsyncSubmission]:
        """The flow of `queue_repo.get_submission`."""
        record = yield from find_submission_flows.find_record(
            self._server, queue_id, submission_id
        )
        return AsyncSubmission(self._runner, record)

    def _handle(
        self,
        source: Union[WorkflowDefinition, LoadedWorkflow],
        catalog: NodeCatalog,
        lock: Optional[WorkflowLock],
    ) -> AsyncWorkflowHandle:
        handle = AsyncWorkflowHandle(
            source, catalog, runner=self._runner, server=self._server, lock=lock
        )
        for warning in handle.warnings:
            # The others are about the file; these are about the caller's names.
            if warning.kind in ("ambiguous_name", "lock"):
                logger.warning("%s", warning.message)
        return handle


def _request_of(
    handle: AsyncWorkflowHandle, options: Mapping[str, Any]
) -> SubmitRequest[AsyncSubmission]:
    chosen = {name: options[name] for name in OPTIONS if name in options}
    values = {name: value for name, value in options.items() if name not in OPTIONS}
    return handle._request(None, values, **chosen)
