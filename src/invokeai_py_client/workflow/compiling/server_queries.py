"""Which questions a workflow raises that only a server can answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Optional

from invokeai_py_client.workflow.compiling.apply_edits import apply_edits
from invokeai_py_client.workflow.compiling.batch_data import generator_queries
from invokeai_py_client.workflow.editor.edge_index import FieldKey
from invokeai_py_client.workflow.editor.loaded_workflow import LoadedWorkflow
from invokeai_py_client.workflow.editor.server_facts import (
    FactQuery,
    SavedWorkflowQuery,
    ServerFacts,
)
from invokeai_py_client.workflow.loading.called_workflows import called_workflow_id
from invokeai_py_client.workflow.loading.missing_values import named_things


def needed_facts(
    loaded: LoadedWorkflow,
    edits: Optional[Mapping[FieldKey, Any]] = None,
    *,
    facts: Optional[ServerFacts] = None,
) -> list[FactQuery]:
    """The questions that are still open, each once.

    A saved workflow's answer can raise further questions (it brings inputs with
    values), so ask, load again with the answers, and repeat until nothing is open.
    """
    facts = loaded.facts if facts is None else facts
    # Without node types: what a called workflow has inside raises no question.
    edited = apply_edits(loaded, edits or {}, {}, facts).loaded
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
