"""From everything that is known of an image to its values. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from invokeai_py_client.exceptions import WorkflowFormatError
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.recipe.graph_view import (
    GraphView,
    view_of_graph,
    view_of_session,
    view_of_workflow,
)
from invokeai_py_client.recipe.other_texts import (
    read_a1111,
    read_beta_text,
    read_dream,
    read_sd_metadata,
)
from invokeai_py_client.recipe.values import (
    MAIN_NAMES,
    RecipeValue,
    Source,
    agreed,
    named_values,
    unknown,
)
from invokeai_py_client.workflow.document.definition import WorkflowDefinition
from invokeai_py_client.workflow.document.json_data import parse_json
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle
from invokeai_py_client.workflow.inputs.workflow_input import WorkflowInput

Documents = tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]

OTHER_TEXTS = ("parameters", "invokeai", "sd-metadata", "Dream")
"""Keywords of the texts that other programs and older versions wrote."""


@dataclass(frozen=True)
class Known:
    """What is known of an image, as it was found; each may be text or data.

    Attributes:
        workflow: The workflow stored with it.
        graph: The graph stored with it.
        metadata: Its metadata.
        job: The job that made it, with its session.
        node_id: The prepared node of the session that made it.
        texts: Other texts of the file, by keyword.
    """

    workflow: Any = None
    graph: Any = None
    metadata: Any = None
    job: Optional[Mapping[str, Any]] = None
    node_id: Optional[str] = None
    texts: Mapping[str, str] = field(default_factory=dict)

    @property
    def session(self) -> Mapping[str, Any]:
        """The session of the job; empty when there is none."""
        session = (self.job or {}).get("session")
        return session if isinstance(session, Mapping) else {}


@dataclass(frozen=True)
class Read:
    """The values of an image, and what is to be said of them."""

    values: dict[str, RecipeValue]
    inputs: dict[str, RecipeValue]
    notes: tuple[str, ...]


def read_recipe(known: Known) -> Read:
    """What made an image, each value from the most reliable source that has it."""
    notes: list[str] = []
    documents = _documents(known, notes)
    views, values = _read_values(known, documents, notes)
    inputs = _inputs(documents, views, notes)
    return Read(values, inputs, tuple(dict.fromkeys(notes)))


def read_values(known: Known) -> dict[str, RecipeValue]:
    """The values of an image without the inputs of its form, which take longer."""
    notes: list[str] = []
    return _read_values(known, _documents(known, notes), notes)[1]


def _read_values(
    known: Known, documents: Documents, notes: list[str]
) -> tuple[Sequence[GraphView], dict[str, RecipeValue]]:
    workflow, graph, metadata = documents
    views = []
    if known.session:
        views.append(view_of_session(known.session, known.node_id))
    if graph:
        views.append(view_of_graph(graph, metadata))
    elif workflow:
        views.append(view_of_workflow(workflow, metadata))
    found = [view.main_values() for view in views]
    found.append(named_values(metadata, "metadata"))
    found += _texts(known.texts, notes)
    return views, _first_known(found)


def _documents(known: Known, notes: list[str]) -> Documents:
    """The workflow, the graph and the metadata, of the job where none is stored."""
    workflow = _parsed(known.workflow, "workflow", notes)
    graph = _parsed(known.graph, "graph", notes)
    metadata = _parsed(known.metadata, "metadata", notes)
    job_workflow = (known.job or {}).get("workflow")
    if not workflow and isinstance(job_workflow, Mapping):
        workflow = job_workflow
    return workflow, graph or known.session.get("graph") or {}, metadata


def _parsed(value: Any, what: str, notes: list[str]) -> Mapping[str, Any]:
    if isinstance(value, str):
        try:
            value = parse_json(value, f"the {what}")
        except WorkflowFormatError as error:
            notes.append(str(error))
            return {}
    return value if isinstance(value, Mapping) else {}


def _first_known(
    found: Sequence[Mapping[str, RecipeValue]],
) -> dict[str, RecipeValue]:
    """Of each name the first that is known; what is said of it where none is."""
    names = dict.fromkeys([*MAIN_NAMES, *(name for values in found for name in values)])
    chosen: dict[str, RecipeValue] = {}
    for name in names:
        there = [values[name] for values in found if name in values]
        known = [value for value in there if value.is_known]
        said = [value for value in there if value.note]
        value = (known or said or [unknown(name)])[0]
        if value.is_known or name in MAIN_NAMES:
            chosen[name] = value
    return chosen


def _texts(texts: Mapping[str, str], notes: list[str]) -> list[dict[str, RecipeValue]]:
    found = []
    if "parameters" in texts:
        found.append(named_values(read_a1111(texts["parameters"]), "a1111 text"))
    sources: Sequence[tuple[str, Source, Any]] = (
        ("invokeai", "invokeai text", read_beta_text),
        ("sd-metadata", "sd-metadata text", read_sd_metadata),
    )
    for keyword, source, read in sources:
        data = _parsed(texts.get(keyword), f"text {keyword!r}", notes)
        found.append(named_values(read(data), source))
    if "Dream" in texts:
        found.append(named_values(read_dream(texts["Dream"]), "dream text"))
    return found


# -- the inputs of the form ------------------------------------------------------------


def _inputs(
    documents: Documents, views: Sequence[GraphView], notes: list[str]
) -> dict[str, RecipeValue]:
    workflow, graph, metadata = documents
    if not workflow and not graph:
        return {}
    document = {
        "invokeai_workflow": workflow or None,
        "invokeai_graph": graph or None,
        "invokeai_metadata": metadata,
    }
    try:
        definition = WorkflowDefinition.from_dict(document)
        handle = BaseWorkflowHandle(definition, NodeCatalog.bundled())
    except WorkflowFormatError as error:
        notes.append(str(error))
        return {}
    batches = _batch_targets(workflow)
    return {
        item.name: _input_value(item, views, batches) for item in handle.list_inputs()
    }


def _batch_targets(workflow: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """The input that each batch node feeds, which has one of its values."""
    plain = view_of_workflow(workflow, {})
    found: dict[str, tuple[str, str]] = {}
    for (source, _), target in plain.edges:
        if str(plain.nodes.get(source, {}).get("type")).endswith("_batch"):
            found[source] = target
    return found


def _input_value(
    item: WorkflowInput,
    views: Sequence[GraphView],
    batches: Mapping[str, tuple[str, str]],
) -> RecipeValue:
    node_id, field_name = item.target
    node_id, field_name = batches.get(node_id, (node_id, field_name))
    said: Optional[RecipeValue] = None
    for view in views:
        runs = [key for key in view.nodes if view.own_ids.get(key, key) == node_id]
        # Of what ran several times, what this image was made of.
        runs = [key for key in runs if key in view.involved] or runs
        values = [view.value(item.name, key, field_name) for key in runs]
        value = agreed(item.name, values)
        if value.is_known:
            return value
        said = said or (value if value.note else None)
    return said or unknown(item.name, "the graph does not have the node")
