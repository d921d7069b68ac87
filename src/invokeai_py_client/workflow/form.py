"""The form, top to bottom: which inputs a user sees, in which order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Optional, Union

from invokeai_py_client.nodes.template import UNSET, InputTemplate, Unset
from invokeai_py_client.workflow.draft import Draft, DraftNode
from invokeai_py_client.workflow.form_reading import EMPTY_FORM, is_empty
from invokeai_py_client.workflow.loaded import (
    FieldKey,
    Form,
    FormElement,
    LoadedNode,
    LoadedWorkflow,
)
from invokeai_py_client.workflow.update import renamed_field

__all__ = ["FormField", "form_fields", "form_keys", "settle_form"]


@dataclass(frozen=True)
class FormField:
    """One input of the form.

    Attributes:
        element_id: The form element; made up for a field that only `exposedFields`
            names.
        node_id: The node it belongs to.
        field_name: The field's name in the graph.
        label: What the GUI shows: the user's label, else the template's title, else
            the field's name.
        user_label: The user's own label; ``""`` when there is none.
        description: The user's own description, else the template's.
        template: The field's template; None when node type or field are unknown,
            and the field can then only be read.
        connected: True when an edge feeds the field, so that its value is not sent.
        connected_from: (node, output) of that edge, connectors resolved; None when
            not connected or when its connector leads nowhere.
        settings: The element's own widget settings (``min``, ``max``, ``options``).
        value: The value in wire form; `UNSET` when there is none.
        node_label: The node's own label; ``""`` when there is none.
        node_type: The invocation type.
        node_title: The node's label, else its template's title.
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
    "IntegerField": {
        "type": "integer-field-config",
        "showShuffle": False,
        "component": "number-input",
    },
    "FloatField": {
        "type": "float-field-config",
        "showShuffle": False,
        "component": "number-input",
    },
    "StringField": {"type": "string-field-config", "component": "input"},
}


def form_fields(loaded: LoadedWorkflow) -> list[FormField]:
    """The inputs of the form in the GUI's order: depth first, from the root down.

    A field that has two elements is listed twice; a connected field is listed too,
    though its value is not sent. An input that an edit took away, by calling another
    workflow, is not.
    """
    return [
        _form_field(loaded, element, node)
        for element, node in _shown(loaded)
        if node is not None
    ]


def form_keys(loaded: LoadedWorkflow) -> list[FieldKey]:
    """The (node, field) of every input of the form, those included that are gone.

    An input's place in this list is its index, whatever the edits are.
    """
    return [element.field_key or ("", "") for element, _ in _shown(loaded)]


def _shown(
    loaded: LoadedWorkflow,
) -> Iterator[tuple[FormElement, Optional[LoadedNode]]]:
    """The elements that are inputs, each with its node while that has the input."""
    for element in _field_elements(loaded.form):
        node_id, name = element.field_key or ("", "")
        node = loaded.shadowed.get(node_id) or loaded.nodes[node_id]
        yield element, node if name in node.inputs else None


def _field_elements(form: Form) -> Iterator[FormElement]:
    # Settling the form left those only whose node exists.
    waiting = [form.root_id]
    while waiting:
        element = form.elements.get(waiting.pop())
        if element is None:
            continue
        if element.field_key is not None:
            yield element
        waiting.extend(reversed(element.children))


def _form_field(
    loaded: LoadedWorkflow, element: FormElement, node: LoadedNode
) -> FormField:
    node_id, name = element.field_key or ("", "")
    item = node.inputs[name]
    template = item.template
    title = template.title if template else None
    connected = (node_id, name) in loaded.edges_into
    return FormField(
        element_id=element.id,
        node_id=node_id,
        field_name=name,
        label=item.label or title or name,
        user_label=item.label,
        description=item.description or (template.description if template else ""),
        template=template,
        connected=connected,
        connected_from=loaded.source_of(node_id, name) if connected else None,
        settings=element.settings,
        value=item.value,
        node_label=node.label,
        node_type=node.type,
        node_title=node.title,
    )


def settle_form(draft: Draft) -> None:
    """Make the draft's form what the user sees once the nodes are updated.

    Fields that an update renamed are followed; `exposedFields` stand in for an empty
    form; elements whose node or input is gone are left out, also from their parent's
    list, which the GUI forgets (and then embeds no workflow in its pictures).
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
    draft.form = _without_dead_elements(draft, nodes)


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


def _without_dead_elements(draft: Draft, nodes: Mapping[str, DraftNode]) -> Form:
    living: dict[str, FormElement] = {}
    for key, element in draft.form.elements.items():
        if element.field_key is not None:
            node_id, name = element.field_key
            node = nodes.get(node_id)
            if node is None or name not in node.inputs:
                draft.warn(
                    f"the form shows {node_id}.{name}, which does not exist; left out",
                    "dead_form_field",
                    node_id,
                    name,
                )
                continue
        living[key] = element
    return Form(
        {
            key: replace(
                element,
                children=tuple(child for child in element.children if child in living),
            )
            for key, element in living.items()
        },
        draft.form.root_id,
    )
