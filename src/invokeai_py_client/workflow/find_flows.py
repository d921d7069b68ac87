"""Finding a submission again, from any process, by its id."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from invokeai_py_client._core.flow import Flow, local
from invokeai_py_client.exceptions import QueueError, WorkflowFormatError
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.workflow import queue_calls
from invokeai_py_client.workflow.base_handle import BaseWorkflowHandle
from invokeai_py_client.workflow.definition import WorkflowDefinition
from invokeai_py_client.workflow.known_server import KnownServer
from invokeai_py_client.workflow.legend import Legend
from invokeai_py_client.workflow.legends import legend_of
from invokeai_py_client.workflow.ticket import Ticket, ticket_of_found

logger = logging.getLogger("invokeai_py_client")

__all__ = ["find_ticket"]


def find_ticket(server: KnownServer, queue_id: str, submission_id: str) -> Flow[Ticket]:
    """The submission of this id, with the names of the workflow its jobs carry.

    Raises:
        QueueError: The queue knows no jobs of it.
    """
    # No such path could be asked for: a web page would come back.
    exists = submission_id.strip("./") and "/" not in submission_id
    found = (
        (yield from queue_calls.find_jobs(queue_id, submission_id)) if exists else []
    )
    if not found:
        raise QueueError(
            f"the queue {queue_id!r} has no jobs of a submission {submission_id!r}",
            hint="jobs go away when the queue is cleared or pruned, and with some "
            "settings when the server starts",
        )
    item = yield from queue_calls.find_item(queue_id, found[0].item_id)
    catalog = yield from local(server.stored_catalog)
    legend = _legend(item or {}, catalog or NodeCatalog.bundled())
    return ticket_of_found(
        submission_id, queue_id, found, legend, _node_count(item or {})
    )


def _legend(item: Mapping[str, Any], catalog: NodeCatalog) -> Legend:
    """The names of the workflow that travels with a job; none when it has none."""
    workflow = item.get("workflow")
    if not isinstance(workflow, Mapping):
        return Legend()
    try:
        definition = WorkflowDefinition.from_dict(workflow)
        return legend_of(BaseWorkflowHandle(definition, catalog))
    except WorkflowFormatError as error:
        logger.info("the workflow of job %s is unreadable: %s", item["item_id"], error)
        return Legend()


def _node_count(item: Mapping[str, Any]) -> int:
    session = item.get("session")
    graph = session.get("graph") if isinstance(session, Mapping) else None
    nodes = graph.get("nodes") if isinstance(graph, Mapping) else None
    return len(nodes) if isinstance(nodes, Mapping) else 0
