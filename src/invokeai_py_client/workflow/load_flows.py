"""Loading a workflow from wherever it is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union

from invokeai_py_client._core.flow import Flow, local
from invokeai_py_client.exceptions import WorkflowFormatError
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.workflow.catalog_flows import learn_catalog
from invokeai_py_client.workflow.definition import WorkflowDefinition
from invokeai_py_client.workflow.facts import Facts, SavedWorkflowQuery
from invokeai_py_client.workflow.facts_flows import learn_facts
from invokeai_py_client.workflow.known_server import KnownServer
from invokeai_py_client.workflow.library_flows import find_saved
from invokeai_py_client.workflow.load import load_workflow
from invokeai_py_client.workflow.questions import needed_facts

__all__ = ["Loaded", "WorkflowSource", "load"]

# The server lets workflows call each other no deeper.
MAX_CALL_DEPTH = 4

WorkflowSource = Union[str, "os.PathLike[str]", WorkflowDefinition, Mapping[str, Any]]
"""A file, a picture, the name or id of a library workflow, a definition or a dict."""


@dataclass(frozen=True)
class Loaded:
    """A definition with what is needed to discover its inputs.

    Attributes:
        catalog: Node types that know all of its nodes, if any do.
        facts: The saved workflows it calls, which bring inputs of their own.
    """

    definition: WorkflowDefinition
    catalog: NodeCatalog
    facts: Facts


def load(source: WorkflowSource, server: KnownServer) -> Flow[Loaded]:
    """Read a workflow; the server is asked only for what is not at hand."""
    definition = yield from _definition(source)
    catalog = yield from _catalog(definition, server)
    facts = Facts()
    for _ in range(MAX_CALL_DEPTH):
        workflow = load_workflow(definition, catalog, facts)
        called = [
            query
            for query in needed_facts(workflow, catalog=catalog)
            if isinstance(query, SavedWorkflowQuery)
        ]
        if not called:
            break
        facts = yield from learn_facts(facts, called)
    return Loaded(definition, catalog, facts)


def _catalog(definition: WorkflowDefinition, server: KnownServer) -> Flow[NodeCatalog]:
    wanted = set(_node_types(definition.to_dict()))
    at_hand = yield from local(server.stored_catalog)
    for catalog in (at_hand, NodeCatalog.bundled()):
        if catalog is not None and wanted.issubset(catalog):
            return catalog
    return (yield from learn_catalog(server, wanted))


def _definition(source: WorkflowSource) -> Flow[WorkflowDefinition]:
    if isinstance(source, WorkflowDefinition):
        return source
    if isinstance(source, Mapping):
        return WorkflowDefinition.from_dict(source)
    try:
        path = Path(os.fspath(source))
    except TypeError:
        raise WorkflowFormatError(
            f"cannot load a workflow from a {type(source).__name__}",
            hint="give the path of a file or a picture, a name or an id of the "
            "library, a definition or a dict",
        ) from None
    is_path = not isinstance(source, str) or _looks_like_a_file(source)
    if is_path or (yield from local(lambda: _is_file(path))):
        return (yield from local(lambda: WorkflowDefinition.from_file(path)))
    return (yield from find_saved(os.fspath(source)))


def _looks_like_a_file(text: str) -> bool:
    """True for what cannot be meant as a name, so that a typo is a missing file."""
    return text.lower().endswith((".json", ".png", ".webp"))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _node_types(document: Mapping[str, Any]) -> list[str]:
    """Invocation types in a workflow of any version."""
    nodes = document.get("nodes")
    types = []
    for node in nodes if isinstance(nodes, list) else []:
        data = node.get("data") if isinstance(node, Mapping) else None
        node_type = data.get("type") if isinstance(data, Mapping) else None
        if isinstance(node_type, str) and node_type not in ("notes", "connector"):
            types.append(node_type)
    return types
