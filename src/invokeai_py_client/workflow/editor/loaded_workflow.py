"""The workflow as the GUI holds it after loading a file: frozen data, no behaviour.

Everything here is the outcome of `load.load_workflow`; compiling reads it and never
changes it, so one loaded workflow serves any number of compilations.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Optional, Union

from invokeai_py_client.nodes.template import (
    UNSET,
    InputTemplate,
    NodeTemplate,
    Unset,
)
from invokeai_py_client.workflow.document.definition import WorkflowDefinition
from invokeai_py_client.workflow.document.warnings import WorkflowWarning
from invokeai_py_client.workflow.editor.edge_index import (
    Edge as Edge,
    EdgeIndex,
    FieldKey as FieldKey,
)
from invokeai_py_client.workflow.editor.server_facts import ServerFacts


@dataclass(frozen=True)
class LoadedInput:
    """One input of a node.

    Attributes:
        name: The field's name in the graph: the key in the node's `inputs`.
        declared_name: What the file calls the input inside, by which the GUI finds
            its template; the same as `name` in all but broken files.
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
        version: Three numbers; the template's after an update.
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
class FormElement:
    """One element of the form.

    Attributes:
        type: ``container``, ``node-field``, ``heading``, ``text`` or ``divider``.
        field_key: What a ``node-field`` shows; None for other types.
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

    def field_elements(self) -> Iterator[tuple[FieldKey, FormElement]]:
        """The fields that are shown, depth first, each with its element."""
        waiting = [self.root_id]
        while waiting:
            element = self.elements.get(waiting.pop())
            if element is not None:
                if element.field_key is not None:
                    yield element.field_key, element
                waiting.extend(reversed(element.children))

    def without(self, gone: Collection[str]) -> Form:
        """The form without some elements, which no container lists any more."""
        return Form(
            {
                key: replace(
                    element,
                    children=tuple(k for k in element.children if k not in gone),
                )
                for key, element in self.elements.items()
                if key not in gone
            },
            self.root_id,
        )


@dataclass(frozen=True)
class LoadedWorkflow:
    """A workflow file after migration, edge checks, node updates and access checks.

    Attributes:
        nodes: The invocation nodes by id, in the file's order; unknown types too.
        connectors: Ids of the connectors: bends in edges that only the GUI draws.
        document: The workflow as the GUI would save it (format 4.0.0) before edits;
            treat as read-only.
        shadowed: The first node of each id that occurs twice: the GUI's form shows
            that one and batches ask it for values, while the graph has the last.
    """

    nodes: Mapping[str, LoadedNode] = field(repr=False)
    connectors: Collection[str]
    edges: Sequence[Edge] = field(repr=False)
    form: Form = field(repr=False)
    warnings: Sequence[WorkflowWarning]
    document: Mapping[str, Any] = field(repr=False)
    shadowed: Mapping[str, LoadedNode] = field(repr=False)
    definition: WorkflowDefinition = field(repr=False)
    facts: ServerFacts = field(repr=False)

    @cached_property
    def _index(self) -> EdgeIndex:
        return EdgeIndex(self.edges)

    @property
    def edges_into(self) -> Mapping[FieldKey, Sequence[Edge]]:
        """Edges by the input they enter, those of type ``default`` only."""
        return self._index.by_input

    @cached_property
    def _kinds(self) -> Mapping[str, str]:
        return {
            **dict.fromkeys(self.connectors, "connector"),
            **dict.fromkeys(self.nodes, "invocation"),
        }

    def resolve(self, edge: Edge) -> Optional[FieldKey]:
        """The (node, output) behind an edge; None when a connector has no input."""
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
