"""Names that a lock keeps: how inputs are named and found with one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, Optional

from invokeai_py_client.exceptions import InputNotFoundError, LockedInputError
from invokeai_py_client.workflow.document.warnings import WorkflowWarning
from invokeai_py_client.workflow.editor.loaded_workflow import FieldKey, LoadedWorkflow
from invokeai_py_client.workflow.inputs.naming import Entry, find_entry
from invokeai_py_client.workflow.inputs.workflow_input import WorkflowInput
from invokeai_py_client.workflow.locking.match_inputs import InputChange, match_inputs
from invokeai_py_client.workflow.locking.workflow_lock import WorkflowLock


class LockedNames:
    """A lock, and what its names mean in the workflow as it is now.

    Attributes:
        changes: What became of each locked input, in the lock's order.
    """

    def __init__(self, lock: WorkflowLock, loaded: LoadedWorkflow) -> None:
        self.lock = lock
        self.changes = match_inputs(lock, loaded)
        self._now = {change.name: change for change in self.changes}
        self._entries = tuple(
            Entry(
                item=name,
                target=item.target,
                name=name,
                labels=(item.label,) if item.label else (),
                field_name=item.field_name,
                description=f"{name} ({item.node_type}.{item.field_name})",
            )
            for name, item in lock.inputs.items()
        )

    @cached_property
    def targets(self) -> frozenset[FieldKey]:
        """The fields that have locked names."""
        return frozenset(c.target for c in self.changes if c.target is not None)

    def names_of(self, targets: Sequence[FieldKey]) -> list[Optional[str]]:
        """The locked name at each place of the form; None for what is new there.

        A field that is shown twice has two names.
        """
        names: dict[FieldKey, list[str]] = {}
        for change in self.changes:
            if change.target is not None:
                names.setdefault(change.target, []).append(change.name)
        return [
            names[target].pop(0) if names.get(target) else None for target in targets
        ]

    def means(self, key: str) -> bool:
        """True if a script may have used this key before the form was edited."""
        return self._name(key) is not None

    def find(self, key: Any) -> Optional[tuple[str, FieldKey]]:
        """The name and the field that `key` meant; None if it meant nothing.

        Raises:
            LockedInputError: What it meant is not there any more, or has another type.
        """
        name = self._name(key)
        if name is None:
            return None
        change = self._now[name]
        if change.is_breaking or change.target is None:
            raise LockedInputError(
                f"{name} is locked, but {change.message}",
                key=key,
                kind=change.kind,
                hint="mend the workflow, or accept the change with `ivk workflow check "
                "--fix`",
            )
        return name, change.target

    def _name(self, key: Any) -> Optional[str]:
        # An index is a place in the form as it is now.
        if not isinstance(key, (str, tuple)):
            return None
        try:
            return find_entry(self._entries, key)
        except InputNotFoundError:
            return None

    @property
    def warnings(self) -> list[WorkflowWarning]:
        """What scripts get an error for."""
        return [
            WorkflowWarning(
                f"the locked input {change.name} cannot be used: {change.message}",
                "lock",
                *self.lock.inputs[change.name].target,
            )
            for change in self.changes
            if change.is_breaking
        ]

    def all_names(self, items: Iterable[WorkflowInput]) -> dict[str, FieldKey]:
        """Every name that means a field now, in the form's order."""
        names = {c.name: c.target for c in self.changes if c.target is not None}
        places = {item.target: item.input_index for item in items}
        names.update((item.name, item.target) for item in items)
        return dict(sorted(names.items(), key=lambda pair: places[pair[1]]))

    def new_inputs(self, items: Iterable[WorkflowInput]) -> list[InputChange]:
        """The inputs that the lock does not know."""
        return [
            InputChange(
                item.name,
                ("new",),
                f"{item.node_name}.{item.field_name} is not in the lock",
                item.target,
            )
            for item in items
            if item.name not in self._now
        ]
