"""Compile a workflow into what the queue takes: the payload the GUI would send."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Optional, Union

from invokeai_py_client.exceptions import FieldProblem
from invokeai_py_client.nodes.template import NodeTemplate
from invokeai_py_client.workflow.compiling.apply_edits import apply_edits
from invokeai_py_client.workflow.compiling.batch_data import (
    BatchBuilder,
    batch_data,
    column_data,
)
from invokeai_py_client.workflow.compiling.compiled_workflow import (
    CompiledWorkflow,
    CompileOptions,
)
from invokeai_py_client.workflow.compiling.graph import build_graph
from invokeai_py_client.workflow.compiling.server_queries import called_workflows
from invokeai_py_client.workflow.document.definition import WorkflowDefinition
from invokeai_py_client.workflow.editor.edge_index import FieldKey
from invokeai_py_client.workflow.editor.embedded_workflow import with_nodes
from invokeai_py_client.workflow.editor.loaded_workflow import LoadedWorkflow
from invokeai_py_client.workflow.editor.server_facts import (
    SavedWorkflowQuery,
    ServerFacts,
)
from invokeai_py_client.workflow.loading.called_workflows import CALLED_ID
from invokeai_py_client.workflow.loading.load_workflow import (
    load_workflow,
    reload_workflow,
)


def compile_workflow(
    source: Union[WorkflowDefinition, LoadedWorkflow],
    catalog: Mapping[str, NodeTemplate],
    *,
    edits: Optional[Mapping[FieldKey, Any]] = None,
    facts: Optional[ServerFacts] = None,
    options: Optional[CompileOptions] = None,
) -> CompiledWorkflow:
    """Make the graph, the batch data and the workflow to embed.

    Pure: it asks no server, and the same arguments give the same payload but for the
    graph's random id and generators without a seed. `edits` are wire values by
    (node id, field name) in place of the file's; `UNSET` takes a value out. Without
    `facts`, those count that the workflow was loaded with.

    Raises:
        WorkflowFormatError: The file misses something that the payload needs.
    """
    options = options or CompileOptions()
    loaded = _loaded(source, catalog, facts)
    facts = loaded.facts
    edited = apply_edits(loaded, edits or {}, catalog, facts)
    batches = BatchBuilder(edited.loaded, facts, options.random)
    called = called_workflows(edited.loaded)
    return CompiledWorkflow(
        graph=build_graph(edited.loaded, options.auto_add_board),
        data=[*column_data(options.columns), *batch_data(batches.batches)],
        runs=options.runs,
        prepend=options.prepend,
        workflow=with_nodes(edited.loaded, edited.changed),
        loaded=edited.loaded,
        edits=dict(edits or {}),
        batches=tuple(batches.batches),
        problems=(
            *edited.problems,
            *batches.problems,
            *_call_problems(edited.loaded, called, facts),
        ),
        warnings=loaded.warnings,
    )


def _loaded(
    source: Union[WorkflowDefinition, LoadedWorkflow],
    catalog: Mapping[str, NodeTemplate],
    facts: Optional[ServerFacts],
) -> LoadedWorkflow:
    if isinstance(source, WorkflowDefinition):
        return load_workflow(source, catalog, facts)
    return source if facts is None else reload_workflow(source, catalog, facts)


def _call_problems(
    loaded: LoadedWorkflow, called: Mapping[str, SavedWorkflowQuery], facts: ServerFacts
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
            f"the saved workflow {query.workflow_id} {words}",
            kind,
            node_id,
            CALLED_ID,
            value=query.workflow_id,
            node_label=loaded.nodes[node_id].title,
        )
