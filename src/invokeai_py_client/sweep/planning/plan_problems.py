"""What is wrong with a plan, found before anything is sent."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Optional

from invokeai_py_client.exceptions import FieldProblem
from invokeai_py_client.sweep.planning.assemble import Assembler
from invokeai_py_client.sweep.planning.axes import Axis, repeats_of, row_problem
from invokeai_py_client.sweep.planning.columns import Column
from invokeai_py_client.sweep.planning.joint_checks import JointChecks
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle

MAX_PROBLEMS = 20

MakeItem = Callable[[], Assembler]
Keys = Callable[[], Iterator[str]]


def plan_problems(
    handle: BaseWorkflowHandle,
    axes: Sequence[Axis],
    columns: Mapping[str, Column],
    make: MakeItem,
    keys: Optional[Keys],
) -> Iterator[FieldProblem]:
    """The first problems, and how many there are when there are more.

    Args:
        handle: The workflow with its own values.
        axes: The axes of the plan.
        columns: Its columns by name.
        make: Makes what assembles items.
        keys: The keys of all items, where several could be the same.
    """
    listed = 0
    rest = 0
    for problem in _all_problems(handle, axes, columns, make, keys):
        listed += 1
        if listed <= MAX_PROBLEMS:
            yield problem
    for axis in axes:
        rest += axis.unlisted
    rest += max(listed - MAX_PROBLEMS, 0)
    if rest:
        yield FieldProblem(f"and {rest} more values are refused", "more", value=rest)


def _all_problems(
    handle: BaseWorkflowHandle,
    axes: Sequence[Axis],
    columns: Mapping[str, Column],
    make: MakeItem,
    keys: Optional[Keys],
) -> Iterator[FieldProblem]:
    is_fine = True
    for axis in axes:
        for problem in axis.problems():
            is_fine = False
            yield problem
    if not is_fine:
        # Items lack the values that are refused.
        return
    joint = JointChecks(handle, columns)
    if joint.has_work or any(axis.has_functions for axis in axes):
        for item in make().walk():
            for column, problem in item.refused:
                is_fine = False
                yield row_problem(problem, column, row_of(axes, item))
            if is_fine:
                yield from joint.add(item.texts, partial(row_of, axes, item))
        yield from joint.finish()
        if joint.is_over:
            what = "other rows were not looked at for what their values break together"
            yield FieldProblem(what, "more")
    if is_fine and keys is not None:
        yield from _shared_keys(axes, make, keys)


def row_of(axes: Sequence[Axis], item: Assembler) -> str:
    """What a person calls an item: its row or value on each axis that has several."""
    names = [axis.row(place) for axis, place in zip(axes, item.places) if len(axis) > 1]
    return ", ".join(names) or f"item {item.index}"


def _shared_keys(
    axes: Sequence[Axis], make: MakeItem, keys: Keys
) -> Iterator[FieldProblem]:
    identities = (
        int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big")
        for key in keys()
    )
    count = 1
    for axis in axes:
        count *= len(axis)
    again = repeats_of(identities, count)
    shared = list(islice(again, MAX_PROBLEMS))
    wanted = dict.fromkeys(key for n, key in enumerate(keys()) if n in set(shared))
    firsts: dict[str, int] = {}
    found = dict.fromkeys(shared, "")
    for index, key in enumerate(keys()):
        if key in wanted:
            firsts.setdefault(key, index)
        if index in found:
            found[index] = key
    for index, key in found.items():
        rows = " and ".join(_row(axes, make, n) for n in (firsts[key], index))
        what = f"have the same key {key!r}; add a field to key=, such as {{index}}"
        yield FieldProblem(what, "duplicate_key", value=key, where=rows)
    rest = len(again) - len(found)
    yield from (FieldProblem("", "duplicate_key") for _ in range(rest))


def _row(axes: Sequence[Axis], make: MakeItem, index: int) -> str:
    item = make()
    item.go_to(index)
    return row_of(axes, item)
