"""A submission found again, from any process, and the names in its results."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Optional

from invokeai_py_client._core.flow import Flow, run_blocking
from invokeai_py_client._core.versions import version_key
from invokeai_py_client.exceptions import (
    InternalServerError,
    QueueError,
    WorkflowFormatError,
)
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.queue import flows as queue_flows, requests as queue_requests
from invokeai_py_client.workflow.compiling.compiled_workflow import CompiledWorkflow
from invokeai_py_client.workflow.compiling.seeds import is_seed
from invokeai_py_client.workflow.document.definition import WorkflowDefinition
from invokeai_py_client.workflow.editor.loaded_workflow import FieldKey
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle
from invokeai_py_client.workflow.inputs.naming import slug, unique_names
from invokeai_py_client.workflow.jobs.batch_request import known_values
from invokeai_py_client.workflow.jobs.result_names import (
    NamedPlace,
    NodeTitle,
    ResultNames,
)
from invokeai_py_client.workflow.jobs.submission_record import (
    SubmissionRecord,
    SubmittedJob,
)
from invokeai_py_client.workflow.lookup.catalog_flows import learn_version
from invokeai_py_client.workflow.lookup.known_server import KnownServer
from invokeai_py_client.workflow.submitting.receipt_flows import find_parts

logger = logging.getLogger("invokeai_py_client")

_OF_EVERY_NODE = ("id", "type", "is_intermediate", "use_cache")


def find_record(
    server: KnownServer, queue_id: str, submission_id: str
) -> Flow[SubmissionRecord]:
    """The submission of this id, with the names of the workflow its jobs carry.

    Raises:
        QueueError: The queue knows no jobs of it.
    """
    # No such path could be asked for: a web page would come back.
    exists = submission_id.strip("./") and "/" not in submission_id
    found = (
        (yield from queue_flows.find_batch(queue_id, submission_id)) if exists else []
    )
    if not found:
        raise QueueError(
            f"the queue {queue_id!r} has no jobs of a submission {submission_id!r}",
            hint="jobs go away when the queue is cleared or pruned, and with some "
            "settings when the server starts",
        )
    if version_key((yield from learn_version(server))) >= (7,):
        parts = yield from find_parts(queue_id, submission_id)
        if parts:
            found = yield from queue_flows.find_batch(queue_id, submission_id, *parts)
    item: Optional[Mapping[str, Any]] = None
    try:
        item = yield from queue_requests.find_record(queue_id, found[0].item_id)
    except InternalServerError as error:
        # A job that blocks the queue can be waited for and cancelled all the same.
        if queue_requests.UNREADABLE not in str(error.detail):
            raise
    catalog = yield from run_blocking(server.stored_catalog)
    result_names = _result_names(item or {}, catalog or NodeCatalog.bundled())
    jobs = tuple(
        SubmittedJob(
            job.item_id,
            index,
            known_values(job.field_values) or (),
            batch_id=job.batch_id,
            session_id=job.session_id,
        )
        for index, job in enumerate(found)
    )
    return SubmissionRecord(
        id=submission_id,
        queue_id=queue_id,
        jobs=jobs,
        requested=len(jobs),
        result_names=result_names,
        node_count=len(_graph_nodes(item or {})),
        adopted=True,
    )


def _result_names(item: Mapping[str, Any], catalog: NodeCatalog) -> ResultNames:
    """The names of the workflow that travels with a job, else those of its graph."""
    workflow = item.get("workflow")
    if isinstance(workflow, Mapping):
        try:
            definition = WorkflowDefinition.from_dict(workflow)
            return result_names_of(BaseWorkflowHandle(definition, catalog))
        except WorkflowFormatError as error:
            text = "the workflow of job %s is unreadable: %s"
            logger.info(text, item["item_id"], error)
    places = [
        NamedPlace(f"{node_id}.{name}", node_id, name)
        for node_id, node in _graph_nodes(item).items()
        if isinstance(node, Mapping)
        for name, value in node.items()
        if name not in _OF_EVERY_NODE and value is not None
    ]
    seeds = tuple(place for place in places if is_seed(place.field_name))
    return ResultNames(inputs=tuple(places), seeds=seeds)


def _graph_nodes(item: Mapping[str, Any]) -> Mapping[str, Any]:
    session = item.get("session")
    graph = session.get("graph") if isinstance(session, Mapping) else None
    nodes = graph.get("nodes") if isinstance(graph, Mapping) else None
    return nodes if isinstance(nodes, Mapping) else {}


def result_names_of(
    handle: BaseWorkflowHandle, compiled: Optional[CompiledWorkflow] = None
) -> ResultNames:
    """The names of the handle's workflow, as they are now.

    Args:
        handle: The workflow.
        compiled: Its payload, which knows what batch nodes feed, and the graph.
    """
    arrives: dict[FieldKey, FieldKey] = {}
    for batch in compiled.batches if compiled is not None else ():
        if batch.targets:
            arrives[batch.node_id, batch.field_name] = batch.targets[0]
    inputs = []
    for item in handle.list_inputs():
        key = (item.node_id, item.field_name)
        inputs.append(NamedPlace(item.name, *arrives.get(key, key)))
    seeds = tuple(
        NamedPlace(f"{seed.node_id}.{seed.field_name}", seed.node_id, seed.field_name)
        for seed in handle.seeds
    )
    return ResultNames(
        inputs=tuple(inputs),
        seeds=seeds,
        nodes=_titles(handle),
        outputs=tuple(output.node_id for output in handle.list_outputs()),
        sources=_sources(compiled),
    )


def _sources(compiled: Optional[CompiledWorkflow]) -> dict[str, frozenset[str]]:
    """What feeds each node of the graph."""
    sources: dict[str, set[str]] = {}
    for edge in compiled.graph["edges"] if compiled is not None else ():
        ends = sources.setdefault(edge["destination"]["node_id"], set())
        ends.add(edge["source"]["node_id"])
    return {node_id: frozenset(found) for node_id, found in sources.items()}


def _titles(handle: BaseWorkflowHandle) -> dict[str, NodeTitle]:
    """How every node is called; names get ``_2``, ``_3`` where they repeat."""
    nodes = list(handle._loaded.nodes.values())
    names = unique_names(
        slug(node.title) or slug(node.type) or "node" for node in nodes
    )
    return {
        node.id: NodeTitle(name, node.title, node.type)
        for node, name in zip(nodes, names)
    }
