"""A workflow while it is being loaded: the one mutable form it ever has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Optional, Union

from invokeai_py_client.nodes.template import (
    UNSET,
    InputTemplate,
    NodeTemplate,
    Unset,
)
from invokeai_py_client.workflow.loaded import (
    Edge,
    FieldKey,
    Form,
    LoadedInput,
    WorkflowWarning,
)

__all__ = ["Draft", "DraftInput", "DraftNode", "DraftOther", "thawed_input"]


@dataclass
class DraftInput:
    """One input of a node; `name` is what the file calls it inside, not its key."""

    name: str
    label: str = ""
    description: str = ""
    value: Union[Any, Unset] = UNSET


def thawed_input(item: LoadedInput) -> DraftInput:
    """A loaded input as a draft has it."""
    return DraftInput(item.declared_name, item.label, item.description, item.value)


@dataclass
class DraftNode:
    """An invocation node; `data_id` is the id inside its `data`, which may differ."""

    id: str
    type: str
    version: str
    inputs: dict[str, DraftInput]
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
class Draft:
    """The parts of a file, read and migrated, before any check against templates."""

    head: dict[str, Any]
    nodes: list[Union[DraftNode, DraftOther]]
    edges: list[Edge]
    exposed: list[FieldKey]
    form: Form
    warnings: list[WorkflowWarning]

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
