"""Columns of a plan: which input a name means, and what values it takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Optional

from invokeai_py_client._arguments import Kind, NotAllowedError, whole_number
from invokeai_py_client.exceptions import (
    FieldProblem,
    FieldValidationError,
    InputNotFoundError,
)
from invokeai_py_client.ivk_fields.base import IvkField
from invokeai_py_client.ivk_fields.enum import IvkEnumField
from invokeai_py_client.ivk_fields.media import IvkImageField
from invokeai_py_client.ivk_fields.scalar import (
    IvkBooleanField,
    IvkFloatField,
    IvkIntegerField,
    IvkStringField,
    Scalar,
    as_integer,
)
from invokeai_py_client.ivk_fields.value_rules import is_unicode
from invokeai_py_client.nodes.openapi import BATCH_LISTS, GENERATOR_LISTS
from invokeai_py_client.sweep.planning.plain_values import (
    SCALARS,
    Keep,
    canonical_json,
    from_plain,
    refuse_content,
    to_plain,
)
from invokeai_py_client.workflow.checking.node_rules import UNBATCHABLE_FIELDS
from invokeai_py_client.workflow.checking.value_checks import (
    NOT_JSON,
    batch_value_problem,
    literal_problem,
)
from invokeai_py_client.workflow.compiling.seeds import (
    MAX_SEED,
    can_set_seed,
    find_seeds,
)
from invokeai_py_client.workflow.editor.loaded_workflow import FieldKey
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle
from invokeai_py_client.workflow.inputs.input_problems import at_input, none_problem
from invokeai_py_client.workflow.inputs.node_fields import (
    find_node_field,
    setting_problem,
    wire_value,
)
from invokeai_py_client.workflow.inputs.workflow_input import WorkflowInput
from invokeai_py_client.workflow.loading.called_workflows import DYNAMIC_PREFIX

SEED = "seed"
"""The column of a seed that every node gets, as ``seed=`` of `run`; no input has this
name."""

# What the server takes as one value of a batch; lists, models and boards it does not.
_BATCHABLE = (
    IvkIntegerField,
    IvkFloatField,
    IvkStringField,
    IvkBooleanField,
    IvkImageField,
)
# What is checked without the field itself, which takes ten times as long.
_SCALAR_FIELDS = (IvkIntegerField, IvkFloatField, IvkStringField, IvkBooleanField)
_SCALAR_VALUES = frozenset({int, float, str, bool})
_LARGE = 1 << 63
# Values that come again and again are checked once.
_REMEMBERED = 10_000
_SEED_NUMBER: Kind = whole_number(0, MAX_SEED)


class Column:
    """One input that a plan sets.

    Attributes:
        name: What items call it.
        writes: The fields of the graph that get the value, each with a number to add:
            a node that draws seeds is pinned by its two limits.
        is_batchable: Whether single values can be batch data.
        is_general: Another column of the same seed goes before it.
    """

    is_general = False

    def __init__(
        self,
        name: str,
        field: IvkField[Any],
        writes: Mapping[FieldKey, int],
        *,
        item: Optional[WorkflowInput] = None,
        is_batchable: bool = False,
    ) -> None:
        self.name = name
        self.field = field.clone()
        self.writes = dict(writes)
        self.is_batchable = is_batchable
        self.json_name = canonical_json(name)
        self._item = item
        self._scalar: Optional[Scalar] = None
        # Not a class of the user's own, which has checks of its own.
        is_simple = type(field) in _SCALAR_FIELDS and not field.is_locked
        if is_simple and isinstance(field, _SCALAR_FIELDS):
            self._scalar, self._limits = field.SCALAR, field.limits
        self._known: dict[tuple[type, Any], str] = {}

    def text(self, value: Any, keep: Keep = refuse_content) -> str:
        """The canonical JSON of the plain form of a value, which is checked.

        Raises:
            FieldValidationError: The input does not take the value.
        """
        kind = type(value)
        known = self._known.get((kind, value)) if kind in SCALARS else None
        if known is not None:
            return known
        accepted = self.accepted(value)
        try:
            plain = self._plain(accepted, keep)
            text = canonical_json(plain)
        except (TypeError, ValueError, OSError) as error:
            problem = FieldProblem(f"cannot be recorded: {error}", "plain", value=value)
            raise FieldValidationError([self.placed(problem)]) from error
        # A file may change while its name stays.
        is_simple = kind in SCALARS and isinstance(plain, SCALARS)
        if is_simple and len(self._known) < _REMEMBERED:
            self._known[kind, value] = text
        return text

    def checked(
        self, value: Any, keep: Keep = refuse_content
    ) -> tuple[Optional[str], Sequence[FieldProblem]]:
        """As `text`, or else None and why the value is refused."""
        try:
            return self.text(value, keep), ()
        except FieldValidationError as error:
            return None, error.problems

    def _plain(self, accepted: Any, keep: Keep) -> Any:
        if isinstance(accepted, SCALARS):
            return accepted
        short = to_plain(accepted, keep, short=True)
        return short if self._reads(short, accepted) else to_plain(accepted, keep)

    def _reads(self, plain: Any, accepted: Any) -> bool:
        """Whether the field makes the same of a plain form as of the value itself."""
        if isinstance(plain, Mapping) and "$file" in plain:
            return True
        try:
            return bool(self.accepted(from_plain(plain)) == accepted)
        except FieldValidationError:
            return False

    def accepted(self, value: Any) -> Any:
        """What the field makes of a value.

        Raises:
            FieldValidationError: It does not take the value.
        """
        if self._is_fine_scalar(value):
            return value
        problem = none_problem(self._item, value) if self._item else None
        if problem is not None:
            raise FieldValidationError([self.placed(replace(problem, value=value))])
        try:
            self.field.value = value
            wire_value(self.field)
        except FieldValidationError as error:
            raise FieldValidationError(
                [self.placed(problem) for problem in error.problems]
            ) from error
        accepted = self.field.value
        refused = self._poison(accepted)
        if refused is not None:
            raise FieldValidationError([self.placed(replace(refused, value=value))])
        return accepted

    def _poison(self, accepted: Any) -> Optional[FieldProblem]:
        """What would end the server's worker: a class of one's own may take it."""
        template = self.field.template
        if isinstance(accepted, (int, float)) and template is not None:
            return literal_problem(template, accepted)
        is_json_text = not isinstance(accepted, str) or is_unicode(accepted)
        return None if is_json_text else NOT_JSON

    def _is_fine_scalar(self, value: Any) -> bool:
        """Whether a simple field takes the value, and as it is."""
        if self._scalar is None or type(value) not in _SCALAR_VALUES:
            return False
        if type(value) is int and not -_LARGE < value < _LARGE:
            return False
        made = self._scalar.convert(value)
        is_same = type(made) is type(value)
        return is_same and not any(self._scalar.problems(value, self._limits))

    def placed(self, problem: FieldProblem) -> FieldProblem:
        """The problem with the input's name and place."""
        if self._item is not None:
            return at_input(problem, self._item)
        return replace(problem, input_name=self.name)

    def edits(self, plain: Any, folder: Optional[Path] = None) -> dict[FieldKey, Any]:
        """What the value writes into the graph; may hold references.

        Raises:
            FieldValidationError: The input does not take the value.
        """
        if self._is_fine_scalar(plain):
            return dict.fromkeys(self.writes, plain)
        self.accepted(from_plain(plain, folder))
        wire = wire_value(self.field)
        return dict.fromkeys(self.writes, wire)

    def is_batch_text(self, text: str) -> bool:
        """Whether the value, in canonical JSON, can be batch data."""
        if not self.is_batchable or text == "null" or text[0] == "[":
            return False
        return text[0] != "{" or isinstance(self.field, IvkImageField)


class SeedColumn(Column):
    """A seed: literals are written, and a node that draws one is pinned."""

    def accepted(self, value: Any) -> Any:
        """The seed as an int.

        Raises:
            FieldValidationError: It is not an integer from 0 to 4294967295.
        """
        number = as_integer(value)
        try:
            return _SEED_NUMBER.convert(number)
        except NotAllowedError:
            allowed = f"an integer from 0 to {MAX_SEED}"
            problem = FieldProblem("", "seed", value=value, allowed=allowed)
            raise FieldValidationError([self.placed(problem)]) from None

    def edits(self, plain: Any, _folder: Optional[Path] = None) -> dict[FieldKey, Any]:
        """What the seed writes into the graph."""
        number = self.accepted(plain)
        return {key: number + more for key, more in self.writes.items()}


class ColumnFinder:
    """Finds the columns of a workflow by the keys that people give."""

    def __init__(self, handle: BaseWorkflowHandle) -> None:
        self._handle = handle
        self._loaded = handle._loaded
        self._columns: dict[str, Column] = {}

    def find(self, key: Any) -> Column:
        """The column that a key means; the same object for the same input.

        Args:
            key: Anything that `get_input` takes, ``"node.field"`` or (node, field)
                beyond the form; ``"seed"`` is every seed that can be set.

        Raises:
            InputNotFoundError: The key means no input, or several.
            FieldValidationError: The input cannot be set: an edge feeds it.
        """
        column = self._make(key)
        return self._columns.setdefault(column.name, column)

    def find_all(self, keys: Iterable[Any], where: str = "") -> list[Column]:
        """The columns of several keys.

        Raises:
            InputNotFoundError: Keys mean no input, or several; lists all of them.
            FieldValidationError: Inputs cannot be set, or are given twice.
        """
        found: dict[str, Column] = {}
        errors: list[InputNotFoundError] = []
        for key in keys:
            try:
                column = self.find(key)
            except InputNotFoundError as error:
                errors.append(error)
                continue
            if column.name in found:
                problem = FieldProblem("is given twice", "duplicate", where=where)
                raise FieldValidationError([column.placed(problem)])
            found[column.name] = column
        if errors:
            place = f"{where}: " if where else ""
            raise InputNotFoundError(
                place + "; ".join(error.message for error in errors),
                key=[error.key for error in errors],
                candidates=[name for error in errors for name in error.candidates],
            )
        return list(found.values())

    def _make(self, key: Any) -> Column:
        if key == SEED:
            return self._every_seed()
        item, target, name = self._target(key)
        known = self._columns.get(name)
        if known is not None:
            return known
        problem = setting_problem(self._loaded, target)
        if problem is not None and not can_set_seed(self._loaded, target):
            if item is not None:
                problem = at_input(problem, item)
            raise FieldValidationError([problem])
        field = item.field if item else self._handle._fields.field(target)
        if problem is not None:
            writes = self._seed_writes({target})
            batchable = all(map(self._can_batch, writes))
            return SeedColumn(name, field, writes, item=item, is_batchable=batchable)
        can_batch = _is_batchable(field) and self._can_batch(target)
        return Column(name, field, {target: 0}, item=item, is_batchable=can_batch)

    def _target(self, key: Any) -> tuple[Optional[WorkflowInput], FieldKey, str]:
        inputs = self._handle.inputs
        try:
            item = inputs.find(key)
        except InputNotFoundError as error:
            target = self._beyond_form(key)
            if target is None:
                raise error from None
            shown = inputs.at(*target)
            return shown, target, shown.name if shown else ".".join(target)
        # An input that the form shows twice has one name here.
        first = inputs.at(*item.target) or item
        return first, first.target, first.name

    def _beyond_form(self, key: Any) -> Optional[FieldKey]:
        """(node id, field) of ``"node.field"`` or a pair; None when it is neither."""
        if isinstance(key, (tuple, list)) and len(key) == 2:
            return find_node_field(self._loaded, str(key[0]), str(key[1]))
        if not isinstance(key, str) or "." not in key:
            return None
        for node_id in self._loaded.nodes:
            if key.startswith(f"{node_id}."):
                name = key[len(node_id) + 1 :]
                return find_node_field(self._loaded, node_id, name)
        node, _, name = key.partition(".")
        return find_node_field(self._loaded, node, name)

    def _every_seed(self) -> Column:
        known = self._columns.get(SEED)
        if known is not None:
            return known
        writes = self._seed_writes(None)
        if not writes:
            what = "no node of this workflow has a seed that can be set; give no seed"
            raise FieldValidationError([FieldProblem(what, "no_seed", input_name=SEED)])
        batchable = all(map(self._can_batch, writes))
        column = SeedColumn(SEED, IvkIntegerField(), writes, is_batchable=batchable)
        column.is_general = True
        return column

    def _seed_writes(self, targets: Optional[set[FieldKey]]) -> dict[FieldKey, int]:
        """What sets these seeds, or all of them, as `plan_seed` writes it."""
        writes: dict[FieldKey, int] = {}
        for source in find_seeds(self._loaded, {}):
            key = source.node_id, source.field_name
            if targets is not None and key not in targets:
                continue
            if source.kind == "literal":
                writes[source.origin] = 0
            elif source.kind == "random":
                writes[source.origin[0], "low"] = 0
                writes[source.origin[0], "high"] = 1
        return writes

    def _can_batch(self, key: FieldKey) -> bool:
        node = self._loaded.nodes.get(key[0])
        if node is None or node.template is None or key[1].startswith(DYNAMIC_PREFIX):
            return False
        if node.type in BATCH_LISTS or node.type in GENERATOR_LISTS:
            return False
        template = node.template.inputs.get(key[1])
        if template is None or (node.type, key[1]) in UNBATCHABLE_FIELDS:
            return False
        refused = batch_value_problem(template, 0)
        return refused is None or refused.kind != "batch_target"


def _is_batchable(field: IvkField[Any]) -> bool:
    if isinstance(field, IvkEnumField):
        # The values of one batch have to be of one type.
        return len({type(choice) for choice in field.choices or ()}) < 2
    return isinstance(field, _BATCHABLE)
