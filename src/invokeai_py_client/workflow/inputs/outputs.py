"""Outputs: the nodes of a workflow that save something to the gallery."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Optional, Union

from invokeai_py_client._arguments import Name, checked
from invokeai_py_client._exports import set_module
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.nodes.template import NodeTemplate
from invokeai_py_client.workflow.editor.loaded_workflow import (
    LoadedNode,
    LoadedWorkflow,
)
from invokeai_py_client.workflow.inputs.workflow_input import Inputs

BOARD_FIELD = "board"

_registered: list[str] = []


@set_module("invokeai_py_client")
@dataclass(frozen=True)
class WorkflowOutput:
    """A node whose results go to the gallery.

    Attributes:
        node_id: The node.
        name: What the GUI calls it: its label, else its type's title.
        label: The label the user gave it; empty when there is none.
        node_type: Its invocation type, such as ``l2i``.
        input_index: Index of its board in the form; None when it is not there.
    """

    _SET: ClassVar[str] = (
        "what it says is the workflow's; handle.set_node_value sets inputs of its node"
    )

    node_id: str
    name: str
    label: str
    node_type: str
    input_index: Optional[int] = None

    @property
    def in_form(self) -> bool:
        """True when the form shows the node's board."""
        return self.input_index is not None


@checked
def register_output_type(node_type: Name) -> Callable[[], None]:
    """Count nodes of this type as outputs although they have no board.

    Args:
        node_type: The invocation type of a node, such as ``my_video_node``.

    Returns:
        The undo of this registration.

    Raises:
        ArgumentError: It is not the name of a type.
    """
    _registered.append(node_type)
    is_registered = True

    def undo() -> None:
        nonlocal is_registered
        if is_registered:
            _registered.remove(node_type)
            is_registered = False

    return undo


def is_output_capable(
    node: Union[LoadedNode, Mapping[str, Any]],
    catalog: Optional[Mapping[str, NodeTemplate]] = None,
) -> bool:
    """True for a node that can save to a board, or whose type was registered.

    Whether it does is another matter: an intermediate node keeps its result to
    itself (see `find_outputs`).

    Args:
        node: A loaded node, a node as a workflow file has it
            (``{"data": {"type": …}}``), or a node of a graph (``{"type": …}``).
        catalog: Node types to look in for nodes given as dicts; the types that come
            with this library when left out.
    """
    if isinstance(node, LoadedNode):
        node_type, template, own_inputs = node.type, node.template, node.inputs
    else:
        node_type, own_inputs = _read_node(node)
        known = NodeCatalog.bundled() if catalog is None else catalog
        template = known.get(node_type)
    if node_type in _registered:
        return True
    # An unknown type is judged by its own inputs.
    fields = own_inputs if template is None else template.inputs
    return BOARD_FIELD in fields


def _read_node(node: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    data = node.get("data")
    if isinstance(data, Mapping):
        inputs = data.get("inputs")
        return str(data.get("type", "")), inputs if isinstance(inputs, Mapping) else {}
    return str(node.get("type", "")), node


def find_outputs(loaded: LoadedWorkflow, inputs: Inputs) -> list[WorkflowOutput]:
    """The nodes whose results a run puts into the gallery, in the file's order."""
    # Where users replace it, as the guide to output types says.
    home = sys.modules.get("invokeai_py_client.workflow.workflow_handle")
    is_capable = getattr(home, "is_output_capable", is_output_capable)
    outputs = []
    for node in loaded.nodes.values():
        if node.is_intermediate or not is_capable(node):
            continue
        shown = inputs.at(node.id, BOARD_FIELD)
        outputs.append(
            WorkflowOutput(
                node_id=node.id,
                name=node.title,
                label=node.label,
                node_type=node.type,
                input_index=shown.input_index if shown else None,
            )
        )
    return outputs
