"""Nodes of type `call_saved_workflow`: their inputs come from the library.

Such a node runs another workflow of the server's library. Its inputs are the fields
of that workflow's form, then the remaining ones of its `exposedFields`, each named
``saved_workflow_input::<node>::<field>``. They are read anew on every load.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Optional, Union

from invokeai_py_client.exceptions import WorkflowFormatError
from invokeai_py_client.nodes.field_types import STATEFUL_TYPES
from invokeai_py_client.nodes.gui_form import input_template_from_gui
from invokeai_py_client.nodes.template import UNSET, InputTemplate, NodeTemplate
from invokeai_py_client.workflow.document.js_semantics import as_doubles
from invokeai_py_client.workflow.document.json_data import copy_json, text_at
from invokeai_py_client.workflow.editor.form_schema import (
    is_empty,
    is_sound,
    plain_field_key,
    plain_form,
)
from invokeai_py_client.workflow.editor.loaded_workflow import (
    FieldKey,
    LoadedInput,
    LoadedNode,
)
from invokeai_py_client.workflow.editor.server_facts import ServerFacts
from invokeai_py_client.workflow.editor.workflow_draft import DraftNode, WorkflowDraft

CALL_NODE_TYPE = "call_saved_workflow"
CALLED_ID = "workflow_id"
"""The input that says which workflow is called."""
DYNAMIC_PREFIX = "saved_workflow_input::"


def read_dynamic_template(stored: Any, where: str) -> InputTemplate:
    """Read the template of a dynamic input; `WorkflowFormatError` when it is none."""
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
    draft: WorkflowDraft, catalog: Mapping[str, NodeTemplate], facts: ServerFacts
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
    offered = {
        item.name: (item, value) for item, value in _offered_inputs(saved, catalog)
    }
    for name in list(node.inputs):
        if name.startswith(DYNAMIC_PREFIX) and name not in offered:
            del node.inputs[name]
            node.dynamic_inputs.pop(name, None)
    for name, (template, value) in offered.items():
        before = node.dynamic_inputs.get(name)
        node.dynamic_inputs[name] = template
        present = node.inputs.get(name)
        if present is None or before is None or not _same_type(before, template):
            present = LoadedInput(name, name, value=value)
        node.inputs[name] = replace(
            present, label=template.title, description=template.description
        )


def _same_type(before: InputTemplate, now: InputTemplate) -> bool:
    return replace(before.type, original=None) == replace(now.type, original=None)


def _offered_inputs(
    saved: Mapping[str, Any], catalog: Mapping[str, NodeTemplate]
) -> Iterator[tuple[InputTemplate, Any]]:
    """The inputs that a saved workflow offers, with their values, in form order.

    They are the fields that exist, have a template and hold a value of their own.
    """
    workflow = saved if "nodes" in saved else saved.get("workflow", saved)
    if not isinstance(workflow, Mapping):
        return
    nodes = _nodes_by_data_id(workflow.get("nodes"))
    position = 0
    for node_id, field_name in _shown_fields(workflow):
        data = nodes.get(node_id, {})
        inputs, node_type = data.get("inputs"), data.get("type")
        stored = inputs.get(field_name) if isinstance(inputs, Mapping) else None
        node_template = catalog.get(node_type) if isinstance(node_type, str) else None
        template = node_template.inputs.get(field_name) if node_template else None
        if (
            not isinstance(stored, Mapping)
            or template is None
            or template.type.name not in STATEFUL_TYPES
        ):
            continue
        offered = replace(
            template,
            name=f"{DYNAMIC_PREFIX}{node_id}::{field_name}",
            title=text_at(stored, "label") or template.title or field_name,
            description=text_at(stored, "description") or template.description,
            input="any",
            gui={**template.gui, "ui_order": position, "ui_hidden": False},
        )
        value = as_doubles(copy_json(stored["value"])) if "value" in stored else UNSET
        yield offered, value
        position += 1


def _nodes_by_data_id(nodes: Any) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for node in nodes if isinstance(nodes, list) else ():
        data = node.get("data") if isinstance(node, Mapping) else None
        if isinstance(data, Mapping) and isinstance(data.get("id"), str):
            found.setdefault(data["id"], data)
    return found


def _shown_fields(workflow: Mapping[str, Any]) -> Iterator[FieldKey]:
    """The fields of the form, then the exposed fields that it does not show.

    Without a usable form they are the exposed fields, each as often as it is named
    (which only counts for the positions that the GUI notes in the templates).
    """
    form = plain_form(workflow.get("form"))
    usable = form is not None and is_sound(form) and not is_empty(form)
    shown = (
        [key for key, _ in form.field_elements()] if form is not None and usable else []
    )
    yield from shown
    exposed = workflow.get("exposedFields")
    for item in exposed if isinstance(exposed, list) else ():
        key = plain_field_key(item)
        if key is not None and not (usable and key in shown):
            shown.append(key)
            yield key
