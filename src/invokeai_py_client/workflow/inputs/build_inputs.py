"""From the fields that the form shows to inputs with names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Optional

from invokeai_py_client.workflow.document.warnings import WorkflowWarning
from invokeai_py_client.workflow.editor.loaded_workflow import LoadedWorkflow
from invokeai_py_client.workflow.inputs.input_problems import at_input
from invokeai_py_client.workflow.inputs.locked_names import LockedNames
from invokeai_py_client.workflow.inputs.naming import input_names, shared_names
from invokeai_py_client.workflow.inputs.node_fields import (
    NodeFields,
    hidden_fields,
    setting_problem,
)
from invokeai_py_client.workflow.inputs.workflow_input import (
    Inputs,
    WorkflowInput,
    find_nothing,
)
from invokeai_py_client.workflow.loading.form_fields import FormField, form_fields


def build_inputs(
    loaded: LoadedWorkflow, fields: NodeFields, locked: Optional[LockedNames] = None
) -> Inputs:
    """Name the form's fields, depth first, and pair them with their typed fields."""
    form = form_fields(loaded)
    items = [
        WorkflowInput(
            input_index=index,
            name=name,
            label=shown.label,
            description=shown.description,
            node_id=shown.node_id,
            node_name=shown.node_title or shown.node_type,
            node_type=shown.node_type,
            field_name=shown.field_name,
            field=fields.field((shown.node_id, shown.field_name)),
            required=shown.template.required if shown.template else False,
            connected=shown.connected,
            connected_from=shown.connected_from,
            template=shown.template,
            settings=shown.settings,
            user_label=shown.user_label,
            node_label=shown.node_label,
        )
        for index, (name, shown) in enumerate(zip(_names(form, locked), form))
    ]
    # Messages name the first input of a field that the form shows twice.
    for item in reversed(items):
        item.field.bind(input_index=item.input_index, input_name=item.name)
        problem = setting_problem(loaded, item.target)
        if problem is not None:
            item.field.lock(at_input(problem, item))
    find_locked = find_nothing if locked is None else locked.find
    return Inputs(items, partial(hidden_fields, loaded), find_locked)


def _names(form: Sequence[FormField], locked: Optional[LockedNames]) -> list[str]:
    """The names of the form's fields: locked ones, and for others what is free."""
    if locked is None:
        return input_names(_name_parts(form))
    known = locked.names_of([(item.node_id, item.field_name) for item in form])
    new = [item for item, name in zip(form, known) if name is None]
    others = iter(input_names(_name_parts(new), _is_free(locked)))
    return [next(others) if name is None else name for name in known]


def _is_free(locked: Optional[LockedNames]) -> Callable[[str], bool]:
    """Whether scripts cannot have meant another input by a name."""
    return lambda name: locked is None or not locked.means(name)


def _name_parts(form: Sequence[FormField]) -> list[tuple[str, str, str]]:
    return [(item.user_label, item.node_label, item.field_name) for item in form]


def name_warnings(
    loaded: LoadedWorkflow, locked: Optional[LockedNames] = None
) -> list[WorkflowWarning]:
    """Names of different fields that only their order in the form tells apart.

    When the form is rearranged, such a name means another field; not so a locked one.
    """
    form = form_fields(loaded)
    if locked is not None:
        form = [
            item
            for item in form
            if (item.node_id, item.field_name) not in locked.targets
        ]
    parts = _name_parts(form)
    names = input_names(parts, _is_free(locked))
    found = []
    for places in shared_names(parts):
        targets = {(form[at].node_id, form[at].field_name): at for at in places[::-1]}
        if len(targets) > 1:
            meant = ", ".join(
                f"{names[at]!r} is {form[at].node_title or form[at].node_type}."
                f"{key[1]} ({key[0]})"
                for key, at in sorted(targets.items(), key=lambda item: item[1])
            )
            text = (
                f"several inputs have the label {form[places[0]].label!r}, and only "
                f"their order in the form tells them apart: {meant}; a key (node id, "
                "field) always means the same one"
            )
            found.append(WorkflowWarning(text, "ambiguous_name"))
    return found
