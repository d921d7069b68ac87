"""The form, top to bottom: which inputs a user sees, in which order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Optional, Union

from invokeai_py_client.nodes.template import UNSET, InputTemplate, Unset
from invokeai_py_client.workflow.editor.form_schema import EMPTY_FORM, is_empty
from invokeai_py_client.workflow.editor.loaded_workflow import (
    FieldKey,
    Form,
    FormElement,
    LoadedNode,
    LoadedWorkflow,
)
from invokeai_py_client.workflow.editor.workflow_draft import DraftNode, WorkflowDraft
from invokeai_py_client.workflow.loading.update_nodes import renamed_field


@dataclass(frozen=True)
class FormField:
    """One input of the form.

    Attributes:
        element_id: The form element; made up for a field that only `exposedFields`
            names.
        label: What the GUI shows: the user's label, else the template's title, else
            the field's name.
        connected_from: (node, output) of that edge, connectors resolved; None when
            not connected or when its connector leads nowhere.
    """

    element_id: str
    node_id: str
    field_name: str
    label: str
    user_label: str = ""
    description: str = ""
    template: Optional[InputTemplate] = None
    connected: bool = False
    connected_from: Optional[FieldKey] = None
    settings: Optional[Mapping[str, Any]] = None
    value: Union[Any, Unset] = UNSET
    node_label: str = ""
    node_type: str = ""
    node_title: str = ""


_DEFAULT_SETTINGS: Mapping[str, Mapping[str, Any]] = {
    **{
        f"{kind.capitalize()}Field": {
            "type": f"{kind}-field-config",
            "showShuffle": False,
            "component": "number-input",
        }
        for kind in ("integer", "float")
    },
    "StringField": {"type": "string-field-config", "component": "input"},
}


def form_fields(loaded: LoadedWorkflow) -> list[FormField]:
    """The inputs of the form in the GUI's order: depth first, from the root down.

    A field that has two elements is listed twice; a connected field is listed too,
    though its value is not sent. An input that an edit took away, by calling another
    workflow, is not.
    """
    found = []
    # Settling the form left those only whose node exists.
    for (node_id, name), element in loaded.form.field_elements():
        node = loaded.shadowed.get(node_id) or loaded.nodes[node_id]
        if name in node.inputs:
            found.append(_form_field(loaded, element, node, name))
    return found


def _form_field(
    loaded: LoadedWorkflow, element: FormElement, node: LoadedNode, name: str
) -> FormField:
    item = node.inputs[name]
    template = item.template
    title = template.title if template else None
    connected = (node.id, name) in loaded.edges_into
    return FormField(
        element_id=element.id,
        node_id=node.id,
        field_name=name,
        label=item.label or title or name,
        user_label=item.label,
        description=item.description or (template.description if template else ""),
        template=template,
        connected=connected,
        connected_from=loaded.source_of(node.id, name) if connected else None,
        settings=element.settings,
        value=item.value,
        node_label=node.label,
        node_type=node.type,
        node_title=node.title,
    )


def settle_form(draft: WorkflowDraft) -> None:
    """Make the draft's form what the user sees once the nodes are updated.

    Fields that an update renamed are followed; `exposedFields` replace an empty
    form; elements whose node or input is gone are left out, also from their parent's
    list, which the GUI forgets (and then embeds no workflow in its images).
    """
    nodes: dict[str, DraftNode] = {}
    for node in draft.invocations():
        nodes.setdefault(node.id, node)
    draft.exposed = [renamed_field(nodes, key) for key in draft.exposed]
    elements = {
        key: replace(element, field_key=renamed_field(nodes, element.field_key))
        if element.field_key
        else element
        for key, element in draft.form.elements.items()
    }
    draft.form = Form(elements, draft.form.root_id)
    if draft.exposed and is_empty(draft.form):
        draft.form = _exposed_form(draft.exposed, nodes)
    draft.form = draft.form.without(_dead_elements(draft, nodes))


def _exposed_form(exposed: list[FieldKey], nodes: Mapping[str, DraftNode]) -> Form:
    """A form of the exposed fields that exist, in order."""
    root_id = EMPTY_FORM.root_id
    fields: dict[str, FormElement] = {}
    for number, (node_id, name) in enumerate(exposed):
        node = nodes.get(node_id)
        template = node.template_of(name) if node and node.template else None
        if template is None:
            continue
        element_id = f"node-field-{number}"
        single = template.type.cardinality == "SINGLE"
        fields[element_id] = FormElement(
            element_id,
            "node-field",
            root_id,
            field_key=(node_id, name),
            settings=_DEFAULT_SETTINGS.get(template.type.name) if single else None,
            show_description=False,
        )
    root = replace(EMPTY_FORM.elements[root_id], children=tuple(fields))
    return Form({root_id: root, **fields}, root_id)


def _dead_elements(draft: WorkflowDraft, nodes: Mapping[str, DraftNode]) -> set[str]:
    dead = set()
    for element_id, element in draft.form.elements.items():
        node_id, name = element.field_key or ("", "")
        node = nodes.get(node_id)
        if element.field_key and (node is None or name not in node.inputs):
            dead.add(element_id)
            draft.warn(
                f"the form shows {node_id}.{name}, which does not exist; left out",
                "dead_form_field",
                node_id,
                name,
            )
    return dead
