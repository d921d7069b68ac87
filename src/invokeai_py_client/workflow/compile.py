"""Compile a workflow into what the queue takes: the payload the GUI would send."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from typing import Any, Optional, Union

from invokeai_py_client.exceptions import FieldProblem
from invokeai_py_client.nodes.template import NodeTemplate
from invokeai_py_client.workflow.batch import BatchBuilder, batch_data
from invokeai_py_client.workflow.compiled import (
    BatchNode,
    CompiledWorkflow,
    CompileOptions,
)
from invokeai_py_client.workflow.connectors import FieldKey
from invokeai_py_client.workflow.definition import WorkflowDefinition
from invokeai_py_client.workflow.edits import apply_edits
from invokeai_py_client.workflow.embedded import with_nodes
from invokeai_py_client.workflow.facts import Facts, SavedWorkflowQuery
from invokeai_py_client.workflow.graph import build_graph
from invokeai_py_client.workflow.load import load_workflow
from invokeai_py_client.workflow.loaded import LoadedWorkflow
from invokeai_py_client.workflow.questions import called_workflows
from invokeai_py_client.workflow.saved_workflows import CALLED_ID

__all__ = ["BatchNode", "CompileOptions", "CompiledWorkflow", "compile_workflow"]


def compile_workflow(
    source: Union[WorkflowDefinition, LoadedWorkflow],
    catalog: Mapping[str, NodeTemplate],
    *,
    edits: Optional[Mapping[FieldKey, Any]] = None,
    facts: Optional[Facts] = None,
    options: Optional[CompileOptions] = None,
) -> CompiledWorkflow:
    """Make the graph, the batch data and the workflow to embed.

    Pure: it asks no server, and the same arguments give the same payload but for the
    graph's random id and generators without a seed.

    Args:
        source: The file, or what `load_workflow` made of it.
        catalog: Node templates by type, of the server that will run it.
        edits: Wire values by (node id, field name) in place of the file's; `UNSET`
            takes a value out.
        facts: What is known of that server; None for those it was loaded with.
        options: Choices of this submission.

    Raises:
        WorkflowFormatError: The file lacks something that the payload needs.
    """
    options = options or CompileOptions()
    loaded = _loaded(source, catalog, facts)
    facts = loaded.facts
    edited = apply_edits(loaded, edits or {}, catalog, facts)
    batches = BatchBuilder(edited.loaded, facts, options.random)
    called = called_workflows(edited.loaded)
    unread = [query for query in called.values() if not facts.knows(query)]
    return CompiledWorkflow(
        graph=build_graph(
            edited.loaded,
            options.graph_id or str(uuid.uuid4()),
            options.auto_add_board,
        ),
        data=batch_data(batches.batches),
        runs=options.runs,
        prepend=options.prepend,
        workflow=with_nodes(loaded.document, edited.changed, edited.loaded.edges),
        loaded=edited.loaded,
        edits=dict(edits or {}),
        batches=tuple(batches.batches),
        problems=(
            *edited.problems,
            *batches.problems,
            *_call_problems(edited.loaded, called, facts),
        ),
        warnings=loaded.warnings,
        facts=facts,
        missing_facts=tuple(dict.fromkeys([*batches.missing, *unread])),
    )


def _loaded(
    source: Union[WorkflowDefinition, LoadedWorkflow],
    catalog: Mapping[str, NodeTemplate],
    facts: Optional[Facts],
) -> LoadedWorkflow:
    """The loaded workflow, loaded again when other facts are known by now."""
    if isinstance(source, WorkflowDefinition):
        return load_workflow(source, catalog, facts)
    if facts is None or facts == source.facts:
        return source
    return load_workflow(source.definition, catalog, facts)


def _call_problems(
    loaded: LoadedWorkflow, called: Mapping[str, SavedWorkflowQuery], facts: Facts
) -> Iterator[FieldProblem]:
    """Saved workflows that were not read, or that the server does not have."""
    for node_id, query in called.items():
        if facts.saved_workflows.get(query.workflow_id) is not None:
            continue
        if facts.knows(query):
            words, kind = "does not exist", "missing_saved_workflow"
        else:
            words, kind = "was not read from the server", "missing_answer"
        yield FieldProblem(
            f"{loaded.nodes[node_id].title} ({node_id}).{CALLED_ID}: "
            f"the saved workflow {query.workflow_id} {words}",
            kind,
            node_id,
            CALLED_ID,
            value=query.workflow_id,
        )
