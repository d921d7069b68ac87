"""What became of locked inputs in the workflow as it is now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from typing import Any, Literal, Optional, Union

from invokeai_py_client._exports import set_module
from invokeai_py_client.nodes.template import UNSET, InputTemplate
from invokeai_py_client.workflow.editor.loaded_workflow import FieldKey, LoadedWorkflow
from invokeai_py_client.workflow.loading.form_fields import FormField, form_fields
from invokeai_py_client.workflow.locking.wiring import (
    Replacements,
    find_recreated,
    wiring_of,
)
from invokeai_py_client.workflow.locking.workflow_lock import LockedInput, WorkflowLock

ChangeKind = Literal[
    "unchanged",
    "moved",
    "renamed",
    "limits",
    "recreated",
    "new",
    "retyped",
    "missing",
]
BREAKING: Collection[ChangeKind] = ("retyped", "missing")
_CARDINALITIES = {"SINGLE": "", "COLLECTION": "[]", "SINGLE_OR_COLLECTION": "[?]"}


@set_module("invokeai_py_client.workflow")
@dataclass(frozen=True)
class InputChange:
    """How an input differs from what its lock says.

    Attributes:
        name: The locked name; of a new input, the one it has beside the lock.
        kinds: All that changed, the gravest last; ``("unchanged",)`` for nothing.
            ``moved`` in the form, ``renamed`` (its label), ``limits`` (what the server
            allows, or its default), ``recreated`` (in a new node that is wired as the
            old one was) leave scripts as they are; ``retyped`` and ``missing`` are
            errors for a script that uses the name; ``new`` is not in the lock.
        message: One line for people.
        target: (node id, field name) that the name means now, of any type;
            None if nothing.
    """

    name: str
    kinds: Sequence[ChangeKind]
    message: str
    target: Optional[FieldKey]

    @property
    def kind(self) -> ChangeKind:
        """The gravest of `kinds`."""
        return self.kinds[-1]

    @property
    def is_breaking(self) -> bool:
        """True if a script that uses the name gets an error."""
        return self.kind in BREAKING


def lock_fields(
    names: Mapping[str, FieldKey], loaded: LoadedWorkflow, version: Optional[str]
) -> WorkflowLock:
    """The lock in which these names mean these fields of the form."""
    shown = {(item.node_id, item.field_name): item for item in form_fields(loaded)}
    return WorkflowLock(
        loaded.definition.name,
        version,
        {name: _locked(shown[target]) for name, target in names.items()},
        wiring_of(loaded),
    )


def match_inputs(lock: WorkflowLock, loaded: LoadedWorkflow) -> list[InputChange]:
    """What became of each locked input, in the lock's order. New ones are not listed.

    No field is ever given to a name that meant another one: a field whose node is gone
    is looked for in new nodes only, by their wiring.
    """
    form = form_fields(loaded)
    shown = {(item.node_id, item.field_name): item for item in reversed(form)}
    recreated = find_recreated(lock.wiring, wiring_of(loaded))
    found = {
        name: _now(item, loaded, shown, recreated) for name, item in lock.inputs.items()
    }
    targets = {name: now for name, now in found.items() if isinstance(now, tuple)}
    moved = _moved(targets, [(item.node_id, item.field_name) for item in form])
    changes = []
    for name, item in lock.inputs.items():
        now = found[name]
        if isinstance(now, str):
            changes.append(InputChange(name, ("missing",), now, None))
        else:
            changes.append(_compare(name, item, shown[now], now, name in moved))
    return changes


def _now(
    item: LockedInput,
    loaded: LoadedWorkflow,
    shown: Mapping[FieldKey, FormField],
    recreated: Mapping[str, Replacements],
) -> Union[FieldKey, str]:
    """The field that the input is now, or why there is none."""
    where = f"{item.node_id}.{item.field_name}"
    if item.target in shown and shown[item.target].node_type == item.node_type:
        return item.target
    node = loaded.nodes.get(item.node_id)
    if node is not None and node.type != item.node_type:
        return f"its node {item.node_id} was a {item.node_type}, and is a {node.type}"
    if node is not None:
        if item.field_name in node.inputs:
            return (
                f"the form does not show {where} any more; "
                f"set_node_value({item.node_id!r}, {item.field_name!r}, …) reaches it"
            )
        return f"its node {item.node_id} has no field {item.field_name} any more"
    gone = f"its node {item.node_id} ({item.node_type}) is gone"
    found = recreated.get(item.node_id)
    if found is None or not found.nodes:
        return f"{gone}, and no new node is connected as it was"
    if not found.is_certain:
        which = ", ".join(found.nodes)
        return f"{gone}, and which new node replaces it is not certain: {which}"
    target = (found.nodes[0], item.field_name)
    if target not in shown:
        return (
            f"{gone}, and the form does not show {target[0]}.{target[1]} of the new one"
        )
    return target


def _compare(
    name: str, item: LockedInput, now: FormField, target: FieldKey, is_moved: bool
) -> InputChange:
    kinds: list[ChangeKind] = []
    texts = []
    place = f"{target[0]}.{target[1]}"
    if is_moved:
        kinds.append("moved")
        texts.append("another place in the form")
    if now.label != item.label:
        kinds.append("renamed")
        texts.append(f"its label was {item.label!r}, and is {now.label!r}")
    type_now = type_text(now.template)
    if type_now and (limits_of(now.template), default_of(now.template)) != (
        dict(item.limits),
        item.default,
    ):
        kinds.append("limits")
        texts.append("the server allows other values, or has another default")
    if target != item.target:
        kinds.append("recreated")
        texts.append(f"its node was {item.node_id}, and is {target[0]}")
    if item.type and type_now and item.type != type_now:
        kinds.append("retyped")
        texts.append(f"{place} was of type {item.type}, and is of type {type_now}")
    message = "; ".join(texts) or place
    return InputChange(name, tuple(kinds) or ("unchanged",), message, target)


def _moved(targets: Mapping[str, FieldKey], form: Iterable[FieldKey]) -> set[str]:
    """Names whose order among the others has changed."""
    places = {target: place for place, target in reversed(list(enumerate(form)))}
    now = sorted(targets, key=lambda name: places[targets[name]])
    before = list(targets)
    blocks = SequenceMatcher(None, before, now, autojunk=False).get_matching_blocks()
    stayed = {before[at] for first, _, n in blocks for at in range(first, first + n)}
    return set(before) - stayed


def _locked(shown: FormField) -> LockedInput:
    return LockedInput(
        node_id=shown.node_id,
        field_name=shown.field_name,
        type=type_text(shown.template),
        label=shown.label,
        node_type=shown.node_type,
        limits=limits_of(shown.template),
        default=default_of(shown.template),
    )


def type_text(template: Optional[InputTemplate]) -> str:
    """The type's name, marked if it takes a list; empty when unknown."""
    if template is None:
        return ""
    return template.type.name + _CARDINALITIES[template.type.cardinality]


def limits_of(template: Optional[InputTemplate]) -> dict[str, Any]:
    """What the server says about values, without what it does not say."""
    if template is None:
        return {}
    return _said(asdict(template.limits))


def _said(limits: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for key, value in limits.items():
        if isinstance(value, Mapping):
            value = _said(value)
        if isinstance(value, (list, tuple)):
            value = list(value)
        if value is not None and value is not False:
            found[key] = value
    return found


def default_of(template: Optional[InputTemplate]) -> Any:
    """The default in wire form; None when there is none."""
    if template is None or template.default is UNSET:
        return None
    return template.default
