"""The workflow as the GUI holds it after loading a file: frozen data, no behaviour.

Everything here is the outcome of `load.load_workflow`; compiling reads it and never
changes it, so one loaded workflow serves any number of compilations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Optional, Union

from invokeai_py_client.nodes.template import (
    UNSET,
    InputTemplate,
    NodeTemplate,
    Unset,
)
from invokeai_py_client.workflow.connectors import Edge, EdgeIndex, FieldKey
from invokeai_py_client.workflow.facts import Facts

if TYPE_CHECKING:
    from invokeai_py_client.workflow.definition import WorkflowDefinition

__all__ = [
    "Edge",
    "FieldKey",
    "Form",
    "FormElement",
    "LoadedConnector",
    "LoadedInput",
    "LoadedNode",
    "LoadedWorkflow",
    "WorkflowWarning",
]


@dataclass(frozen=True)
class WorkflowWarning:
    """Something in the file that was changed, dropped or will not work as it stands.

    Attributes:
        message: One line for people.
        kind: Stable identifier such as ``"edge"`` or ``"unknown_node"``.
        node_id: The node concerned; None for the whole file.
        field_name: The field concerned; None for the whole node.
    """

    message: str
    kind: str
    node_id: Optional[str] = None
    field_name: Optional[str] = None


@dataclass(frozen=True)
class LoadedInput:
    """One input of a node.

    Attributes:
        name: The field's name in the graph: the key in the node's `inputs`.
        declared_name: What the file calls the input inside, by which the GUI finds
            its template; the same as `name` in all but broken files.
        label: The user's own label; ``""`` when there is none.
        description: The user's own description; ``""`` when there is none.
        value: The literal value in wire form; `UNSET` when the file has none. A
            connected input keeps its literal, which is not sent.
        template: The server's description; None when the node type or this field
            is unknown to the catalog.
    """

    name: str
    declared_name: str
    label: str = ""
    description: str = ""
    value: Union[Any, Unset] = UNSET
    template: Optional[InputTemplate] = None


@dataclass(frozen=True)
class LoadedNode:
    """A node that the server can run, or could if it knew the type.

    Attributes:
        id: The node's id in the graph.
        type: The invocation type, such as ``l2i``.
        version: Three numbers; the template's after an update.
        inputs: By field name, in the file's order.
        label: The user's own label; ``""`` when there is none.
        use_cache: Whether the server may reuse an earlier result.
        is_intermediate: False when results go to the gallery.
        template: The server's description; None when the type is unknown.
        dynamic_inputs: Templates of a `call_saved_workflow` node's inputs, which
            come from the saved workflow's form instead of the node's template.
    """

    id: str
    type: str
    version: str
    inputs: Mapping[str, LoadedInput]
    label: str = ""
    use_cache: bool = True
    is_intermediate: bool = False
    template: Optional[NodeTemplate] = None
    dynamic_inputs: Mapping[str, InputTemplate] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What the GUI shows: the user's label, else the template's title."""
        return self.label or (self.template.title if self.template else self.type)

    def template_of(self, field_name: str) -> Optional[InputTemplate]:
        """The template of an input, dynamic ones included; None when unknown."""
        if field_name in self.dynamic_inputs:
            return self.dynamic_inputs[field_name]
        return self.template.inputs.get(field_name) if self.template else None


@dataclass(frozen=True)
class LoadedConnector:
    """A bend in an edge that the GUI draws and the graph does not have."""

    id: str


@dataclass(frozen=True)
class FormElement:
    """One element of the form.

    Attributes:
        type: ``container``, ``node-field``, ``heading``, ``text`` or ``divider``.
        children: Ids of a container's elements, in order.
        field_key: What a ``node-field`` shows; None for other types.
        settings: A ``node-field``'s own widget settings; None when it has none.
        data: The element's `data` as the file has it.
        own_id: The id that the element says itself; another than `id`, by which the
            form lists it, in broken files only.
    """

    id: str
    type: str
    parent_id: Optional[str] = None
    children: Sequence[str] = ()
    field_key: Optional[FieldKey] = None
    settings: Optional[Mapping[str, Any]] = None
    show_description: bool = False
    data: Mapping[str, Any] = field(default_factory=dict)
    own_id: Optional[str] = None


@dataclass(frozen=True)
class Form:
    """The form: elements by id, read from the root down."""

    elements: Mapping[str, FormElement]
    root_id: str


@dataclass(frozen=True)
class LoadedWorkflow:
    """A workflow file after migration, edge checks, node updates and access checks.

    Attributes:
        nodes: The invocation nodes by id, in the file's order; unknown types too.
        connectors: The connectors by id.
        edges: Accepted edges in the file's order, those of connectors included.
        form: The form; its inputs are listed by `form.form_fields`.
        warnings: What loading changed or dropped.
        document: The workflow as the GUI would save it (format 4.0.0) before edits;
            treat as read-only.
        shadowed: The first node of each id that occurs twice: the GUI's form shows
            that one and batches ask it for values, while the graph has the last.
        definition: What it was loaded from.
        facts: The answers of the server that loading used.
    """

    nodes: Mapping[str, LoadedNode]
    connectors: Mapping[str, LoadedConnector]
    edges: Sequence[Edge]
    form: Form
    warnings: Sequence[WorkflowWarning]
    document: Mapping[str, Any] = field(repr=False)
    shadowed: Mapping[str, LoadedNode] = field(repr=False)
    definition: WorkflowDefinition = field(repr=False)
    facts: Facts = field(repr=False)

    @cached_property
    def edges_into(self) -> Mapping[FieldKey, Sequence[Edge]]:
        """Edges by the input they enter, those of type ``default`` only."""
        found: dict[FieldKey, list[Edge]] = {}
        for edge in self.edges:
            if edge.type == "default":
                key = (edge.target, edge.target_handle)
                found.setdefault(key, []).append(edge)
        return found

    @cached_property
    def _index(self) -> EdgeIndex:
        return EdgeIndex(self.edges)

    @cached_property
    def _kinds(self) -> Mapping[str, str]:
        return {
            **dict.fromkeys(self.connectors, "connector"),
            **dict.fromkeys(self.nodes, "invocation"),
        }

    def resolve(self, edge: Edge) -> Optional[FieldKey]:
        """The (node, output) that an edge stands for, through connectors.

        None when a connector on the way has no input.
        """
        return self._index.resolve(edge.source, edge.source_handle, self._kinds)

    def source_of(self, node_id: str, field_name: str) -> Optional[FieldKey]:
        """The (node, output) that feeds an input; None when nothing does."""
        for edge in self.edges_into.get((node_id, field_name), ()):
            found = self.resolve(edge)
            if found is not None:
                return found
        return None

    def input(self, node_id: str, field_name: str) -> Optional[LoadedInput]:
        """The input of a node; None when the file has no such input."""
        node = self.nodes.get(node_id)
        return node.inputs.get(field_name) if node else None
