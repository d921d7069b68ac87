"""A workflow while it is being loaded: the one mutable form it ever has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Optional, Union

from invokeai_py_client.nodes.template import InputTemplate, NodeTemplate
from invokeai_py_client.workflow.document.warnings import WorkflowWarning
from invokeai_py_client.workflow.editor.loaded_workflow import (
    Edge,
    FieldKey,
    Form,
    LoadedInput,
)


@dataclass
class DraftNode:
    """An invocation node; `data_id` is the id inside its `data`, which may differ."""

    id: str
    type: str
    version: str
    inputs: dict[str, LoadedInput]
    use_cache: bool
    is_intermediate: bool
    label: str = ""
    notes: str = ""
    node_pack: str = "invokeai"
    is_open: bool = True
    data_id: str = ""
    position: dict[str, Any] = field(default_factory=dict)
    dynamic_inputs: dict[str, InputTemplate] = field(default_factory=dict)
    template: Optional[NodeTemplate] = None

    def template_of(self, field_name: str) -> Optional[InputTemplate]:
        """The template of an input; dynamic ones come before the node's own."""
        if field_name in self.dynamic_inputs:
            return self.dynamic_inputs[field_name]
        return self.template.inputs.get(field_name) if self.template else None


@dataclass
class DraftOther:
    """A node that is not sent: `notes` or `connector`."""

    id: str
    type: str
    data: dict[str, Any]
    position: dict[str, Any] = field(default_factory=dict)


@dataclass
class WorkflowDraft:
    """The parts of a file, read and migrated, before any check against templates."""

    head: dict[str, Any]
    nodes: list[Union[DraftNode, DraftOther]]
    edges: list[Edge]
    exposed: list[FieldKey]
    form: Form
    warnings: list[WorkflowWarning]
    generation: int
    is_graph: bool = False

    def invocations(self) -> list[DraftNode]:
        """The nodes that could run, in the file's order."""
        return [node for node in self.nodes if isinstance(node, DraftNode)]

    def warn(
        self,
        message: str,
        kind: str,
        node_id: Optional[str] = None,
        field_name: Optional[str] = None,
    ) -> None:
        """Note that something was changed or dropped."""
        self.warnings.append(WorkflowWarning(message, kind, node_id, field_name))
