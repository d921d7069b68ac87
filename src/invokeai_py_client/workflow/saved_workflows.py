"""Nodes of type `call_saved_workflow`: their inputs come from the library.

Such a node runs another workflow of the server's library. Its inputs are the fields
of that workflow's form, then those of its `exposedFields` that the form lacks, each
named ``saved_workflow_input::<node>::<field>``. They are read anew on every load.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Optional, Union

from invokeai_py_client.exceptions import WorkflowFormatError
from invokeai_py_client.nodes.gui_form import input_template_from_gui
from invokeai_py_client.nodes.template import UNSET, InputTemplate, NodeTemplate
from invokeai_py_client.workflow.draft import Draft, DraftInput, DraftNode
from invokeai_py_client.workflow.facts import Facts
from invokeai_py_client.workflow.form_reading import (
    is_empty,
    is_sound,
    plain_field_key,
    plain_form,
)
from invokeai_py_client.workflow.javascript import as_doubles
from invokeai_py_client.workflow.json_data import copy_json, text_at
from invokeai_py_client.workflow.loaded import FieldKey, Form, LoadedNode

__all__ = [
    "CALLED_ID",
    "CALL_NODE_TYPE",
    "DYNAMIC_PREFIX",
    "called_workflow_id",
    "read_dynamic_template",
    "refresh_called_workflows",
    "refresh_dynamic_inputs",
]

CALL_NODE_TYPE = "call_saved_workflow"
CALLED_ID = "workflow_id"
"""The input that says which workflow is called."""
DYNAMIC_PREFIX = "saved_workflow_input::"
STATEFUL_TYPES = frozenset(
    f"{name}Field"
    for name in [
        "Board",
        "Boolean",
        "Color",
        "ControlNetMetadata",
        "Enum",
        "Float",
        "FloatGenerator",
        "IPAdapterMetadata",
        "Image",
        "ImageGenerator",
        "Integer",
        "IntegerGenerator",
        "LoRA",
        "LoRAMetadata",
        "MetadataExtra",
        "ModelIdentifier",
        "SavedWorkflow",
        "Scheduler",
        "String",
        "StringGenerator",
        "StylePreset",
        "SystemPrompt",
        "T2IAdapterMetadata",
        "Video",
    ]
)
"""Field types with a value of their own; the others are fed by edges only."""


@dataclass(frozen=True)
class DynamicInput:
    """An input that a saved workflow offers to its caller."""

    template: InputTemplate
    value: Any

    @property
    def name(self) -> str:
        """The input's full name at the calling node."""
        return self.template.name


def read_dynamic_template(stored: Any, where: str) -> InputTemplate:
    """Read the template of a dynamic input that a file holds.

    Raises:
        WorkflowFormatError: It is no input template.
    """
    if isinstance(stored, Mapping):
        try:
            return input_template_from_gui(stored)
        except (KeyError, TypeError) as error:
            raise WorkflowFormatError(
                f"no input template: {error}", where=where
            ) from error
    raise WorkflowFormatError("no input template", where=where)


def called_workflow_id(node: Union[DraftNode, LoadedNode]) -> Optional[str]:
    """The library id that a node calls; None when it calls none."""
    item = node.inputs.get(CALLED_ID)
    value = item.value if node.type == CALL_NODE_TYPE and item else None
    return value if isinstance(value, str) and value else None


def refresh_called_workflows(
    draft: Draft, catalog: Mapping[str, NodeTemplate], facts: Facts
) -> None:
    """Give each calling node the inputs of the workflow it calls."""
    for node in draft.invocations():
        workflow_id = called_workflow_id(node)
        if workflow_id is None:
            continue
        saved = facts.saved_workflows.get(workflow_id)
        if saved is None:
            draft.warn(
                f"the saved workflow {workflow_id} could not be read",
                "saved_workflow",
                node.id,
                CALLED_ID,
            )
        else:
            refresh_dynamic_inputs(node, saved, catalog)


def refresh_dynamic_inputs(
    node: DraftNode, saved: Mapping[str, Any], catalog: Mapping[str, NodeTemplate]
) -> None:
    """Replace a node's dynamic inputs by those of a saved workflow.

    Values stay unless the input's type changed; new inputs take the saved workflow's
    value, and those it does not have any more go.
    """
    offered = {item.name: item for item in offered_inputs(saved, catalog)}
    for name in list(node.inputs):
        if name.startswith(DYNAMIC_PREFIX) and name not in offered:
            del node.inputs[name]
            node.dynamic_inputs.pop(name, None)
    for name, item in offered.items():
        before = node.dynamic_inputs.get(name)
        node.dynamic_inputs[name] = item.template
        present = node.inputs.get(name)
        if present is None or before is None or not _same_type(before, item.template):
            present = DraftInput(name, value=item.value)
            node.inputs[name] = present
        present.label = item.template.title
        present.description = item.template.description


def _same_type(before: InputTemplate, now: InputTemplate) -> bool:
    return replace(before.type, original=None) == replace(now.type, original=None)


def offered_inputs(
    saved: Mapping[str, Any], catalog: Mapping[str, NodeTemplate]
) -> Iterator[DynamicInput]:
    """The inputs that a saved workflow offers, in the order of its form."""
    workflow = saved.get("workflow", saved) if "nodes" not in saved else saved
    if not isinstance(workflow, Mapping):
        return
    nodes = _nodes_by_data_id(workflow.get("nodes"))
    for position, key in enumerate(_usable(_shown_fields(workflow), nodes, catalog)):
        node_id, field_name = key
        data = nodes[node_id]
        template = catalog[data["type"]].inputs[field_name]
        stored = data["inputs"][field_name]
        title = text_at(stored, "label") or template.title or field_name
        yield DynamicInput(
            replace(
                template,
                name=f"{DYNAMIC_PREFIX}{node_id}::{field_name}",
                title=title,
                description=text_at(stored, "description") or template.description,
                input="any",
                gui={**template.gui, "ui_order": position, "ui_hidden": False},
            ),
            as_doubles(copy_json(stored["value"])) if "value" in stored else UNSET,
        )


def _nodes_by_data_id(nodes: Any) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for node in nodes if isinstance(nodes, list) else ():
        data = node.get("data") if isinstance(node, Mapping) else None
        if isinstance(data, Mapping) and isinstance(data.get("id"), str):
            found.setdefault(data["id"], data)
    return found


def _usable(
    keys: Iterator[FieldKey],
    nodes: Mapping[str, Mapping[str, Any]],
    catalog: Mapping[str, NodeTemplate],
) -> Iterator[FieldKey]:
    """The fields that exist, have a template and hold a value of their own."""
    for node_id, field_name in keys:
        data = nodes.get(node_id, {})
        inputs = data.get("inputs")
        stored = inputs.get(field_name) if isinstance(inputs, Mapping) else None
        node_type = data.get("type")
        node_template = catalog.get(node_type) if isinstance(node_type, str) else None
        template = node_template.inputs.get(field_name) if node_template else None
        if (
            isinstance(stored, Mapping)
            and template is not None
            and template.type.name in STATEFUL_TYPES
        ):
            yield node_id, field_name


def _shown_fields(workflow: Mapping[str, Any]) -> Iterator[FieldKey]:
    """The fields of the form, then the exposed fields that it lacks.

    Without a usable form they are the exposed fields, each as often as it is named
    (which only counts for the positions that the GUI notes in the templates).
    """
    form = plain_form(workflow.get("form"))
    usable = form is not None and is_sound(form) and not is_empty(form)
    shown = list(_form_keys(form)) if form is not None and usable else []
    yield from shown
    exposed = workflow.get("exposedFields")
    for item in exposed if isinstance(exposed, list) else ():
        key = plain_field_key(item)
        if key is not None and not (usable and key in shown):
            shown.append(key)
            yield key


def _form_keys(form: Form) -> Iterator[FieldKey]:
    waiting = [form.root_id]
    while waiting:
        element = form.elements[waiting.pop()]
        if element.field_key is not None:
            yield element.field_key
        waiting.extend(reversed(element.children))
