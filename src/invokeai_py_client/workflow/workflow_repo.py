"""`WorkflowRepository`: workflows from files, pictures and the server's library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Optional, Union

from invokeai_py_client._core.flow import Flow
from invokeai_py_client._io.runner import Runner
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.workflow import (
    catalog_flows,
    find_flows,
    load_flows,
    submit_flows,
)
from invokeai_py_client.workflow.calls import Call
from invokeai_py_client.workflow.definition import WorkflowDefinition
from invokeai_py_client.workflow.facts import Facts
from invokeai_py_client.workflow.known_server import KnownServer, default_cache_dir
from invokeai_py_client.workflow.library_repo import WorkflowLibrary
from invokeai_py_client.workflow.load_flows import WorkflowSource
from invokeai_py_client.workflow.submission import Submission
from invokeai_py_client.workflow.workflow_handle import WorkflowHandle

__all__ = ["WorkflowRepository"]


class WorkflowRepository(WorkflowLibrary):
    """Workflows: load one, set its inputs, run it; and the server's library of them.

    Args:
        runner: What runs the flows: the client's.
        address: The server's address, under which its node types are kept on disk.
        queue_id: The queue to submit to.
        settle_time: Seconds to look for jobs whose reply was lost, before they are
            submitted once more.
        cache_dir: Folder for node types; ``$XDG_CACHE_HOME/invokeai-py-client`` or
            ``~/.cache/invokeai-py-client`` by default.
    """

    def __init__(
        self,
        runner: Runner,
        address: str,
        *,
        queue_id: str = "default",
        settle_time: float = 10.0,
        cache_dir: Optional[Path] = None,
    ) -> None:
        self._runner = runner
        self._server = KnownServer(
            address=address,
            cache_dir=cache_dir or default_cache_dir(),
            queue_id=queue_id,
            settle_time=settle_time,
        )

    def load(self, source: WorkflowSource) -> WorkflowHandle:
        """Load a workflow from wherever it is.

        The server is only asked for workflows of its library (also those that this
        one calls), and for its node types when the workflow has a node that is not
        known.

        Args:
            source: A path of a workflow file or of a picture that carries one, the
                name or id of a workflow in the server's library, a definition, or a
                workflow as a dict. A string that names an existing file is a path.

        Raises:
            WorkflowFormatError: It is no workflow.
            WorkflowError: Neither a file nor a workflow of the library, or several
                of the library have that name.
        """
        loaded = self._runner.run(load_flows.load(source, self._server))
        return self._handle(loaded.definition, loaded.catalog, loaded.facts)

    def create_workflow(self, definition: WorkflowDefinition) -> WorkflowHandle:
        """Make a handle of a definition. Makes no request.

        Inputs are discovered with the node types that are at hand: those this client
        has read, those kept on disk for this server, or those of InvokeAI 6.14.2 that
        come with the library. Fields of nodes that are not among them can only be
        read; `load` asks the server in that case.

        Raises:
            WorkflowFormatError: The definition cannot be loaded.
        """
        catalog = self._server.stored_catalog() or NodeCatalog.bundled()
        return self._handle(definition, catalog)

    def refresh_catalog(self) -> NodeCatalog:
        """Read the server's node types again, as after installing custom nodes.

        It takes the server up to seven seconds. Handles keep the types they were
        made with; submissions use the new ones.
        """
        return self._runner.run(catalog_flows.fetch_catalog(self._server))

    def submit_many(
        self,
        workflows: Sequence[
            Union[WorkflowHandle, tuple[WorkflowHandle, Mapping[str, Any]]]
        ],
    ) -> list[Submission]:
        """Submit several workflows together, in order.

        All are checked before the first is enqueued, so a refused value anywhere
        means that nothing was sent.

        Args:
            workflows: Handles, or pairs of a handle and the options of its `submit`
                (values by name, `runs`, `seed`, …).

        Raises:
            FieldValidationError: Values of one would be refused; nothing was sent.
            QueueError: As `WorkflowHandle.submit`; those before it were taken back.
            APIError: The server cannot be reached, or refuses one; as above.
        """
        return self._runner.run(self.submit_many_flow(workflows))

    def submit_many_flow(
        self,
        workflows: Sequence[
            Union[WorkflowHandle, tuple[WorkflowHandle, Mapping[str, Any]]]
        ],
    ) -> Flow[list[Submission]]:
        """The flow of `submit_many`."""
        pairs = [item if isinstance(item, tuple) else (item, {}) for item in workflows]
        if not pairs:
            return []
        calls = [_call_of(handle, options) for handle, options in pairs]
        tickets = yield from submit_flows.submit_all(pairs[0][0]._desk(), calls)
        return [handle._remember(ticket) for (handle, _), ticket in zip(pairs, tickets)]

    def submission_flow(self, queue_id: str, submission_id: str) -> Flow[Submission]:
        """The flow of `queue_repo.get_submission`."""
        ticket = yield from find_flows.find_ticket(
            self._server, queue_id, submission_id
        )
        return Submission(self._runner, ticket)

    def _handle(
        self,
        definition: WorkflowDefinition,
        catalog: NodeCatalog,
        facts: Optional[Facts] = None,
    ) -> WorkflowHandle:
        return WorkflowHandle(
            definition,
            catalog,
            runner=self._runner,
            server=self._server,
            facts=facts,
        )


OPTIONS = ("runs", "seed", "board", "key", "prepend", "on_full")


def _call_of(handle: WorkflowHandle, options: Mapping[str, Any]) -> Call:
    chosen = {name: options[name] for name in OPTIONS if name in options}
    values = {name: value for name, value in options.items() if name not in OPTIONS}
    return handle._call(None, values, **chosen)
