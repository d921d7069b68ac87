"""Which questions a workflow raises that only a server can answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Optional

from invokeai_py_client.nodes.template import NodeTemplate
from invokeai_py_client.workflow.access import named_things
from invokeai_py_client.workflow.batch import generator_queries
from invokeai_py_client.workflow.connectors import FieldKey
from invokeai_py_client.workflow.edits import apply_edits
from invokeai_py_client.workflow.facts import FactQuery, Facts, SavedWorkflowQuery
from invokeai_py_client.workflow.loaded import LoadedWorkflow
from invokeai_py_client.workflow.saved_workflows import called_workflow_id

__all__ = ["called_workflows", "needed_facts"]


def needed_facts(
    loaded: LoadedWorkflow,
    edits: Optional[Mapping[FieldKey, Any]] = None,
    *,
    catalog: Optional[Mapping[str, NodeTemplate]] = None,
    facts: Optional[Facts] = None,
) -> list[FactQuery]:
    """The questions that are still open, each once.

    A saved workflow's answer can raise further questions (it brings inputs with
    values), so ask, load again with the answers, and repeat until nothing is open.

    Args:
        loaded: The workflow.
        edits: Values that will be laid over it.
        catalog: Node templates, for workflows that an edit newly calls.
        facts: What is known already; None for what `loaded` was loaded with.
    """
    facts = loaded.facts if facts is None else facts
    edited = apply_edits(loaded, edits or {}, catalog or {}, facts).loaded
    found = dict.fromkeys(_queries(loaded, edited))
    return [query for query in found if not facts.knows(query)]


def _queries(loaded: LoadedWorkflow, edited: LoadedWorkflow) -> Iterator[FactQuery]:
    yield from called_workflows(edited).values()
    # The GUI asks for what the file names; a value set later was chosen from a list.
    for node in loaded.nodes.values():
        for item in node.inputs.values():
            template = node.template_of(item.declared_name)
            yield from named_things(item.value, template)
    yield from generator_queries(edited)


def called_workflows(loaded: LoadedWorkflow) -> dict[str, SavedWorkflowQuery]:
    """The saved workflows that are called, by the id of the node that calls."""
    calls = {node.id: called_workflow_id(node) for node in loaded.nodes.values()}
    return {
        node_id: SavedWorkflowQuery(workflow_id)
        for node_id, workflow_id in calls.items()
        if workflow_id is not None
    }
