"""What the nodes of one job get and return, as far as literals decide it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional, Union

from invokeai_py_client.exceptions import FieldProblem
from invokeai_py_client.exceptions.workflow import shown
from invokeai_py_client.ivk_fields.server_rules import (
    TOO_LARGE,
    read_boolean,
    read_float,
    read_integer,
)
from invokeai_py_client.nodes.template import InputTemplate, NodeTemplate
from invokeai_py_client.workflow.checking.batch_checks import filled_values
from invokeai_py_client.workflow.checking.graph_checks import (
    COLLECT,
    COLLECTION,
    ITEM,
    ITERATE,
    GraphEdge,
    GraphView,
)
from invokeai_py_client.workflow.checking.if_nodes import (
    BRANCHES,
    CONDITION,
    ENDS_WORKER,
    IF,
)
from invokeai_py_client.workflow.checking.node_results import MAX_ITEMS, RESULTS
from invokeai_py_client.workflow.checking.node_rules import (
    LOOSE_FIELDS,
    NodeRule,
    rules_of,
)
from invokeai_py_client.workflow.checking.value_checks import (
    literal_problem,
    stored_batch_item,
)
from invokeai_py_client.workflow.editor.loaded_workflow import FieldKey


class _Unknown:
    """What only the run will tell."""


UNKNOWN = _Unknown()


@dataclass(frozen=True)
class Spread:
    """One value for each item that an iterator hands on."""

    iterator: str
    values: Sequence[Any]


Finding = Union[FieldProblem, tuple[str, str, str]]


class JobValues:
    """The results of one job, node by node.

    Attributes:
        budget: How many further results are calculated.
    """

    def __init__(
        self, view: GraphView, given: Mapping[FieldKey, Any], budget: int
    ) -> None:
        self._view = view
        self._given = given
        self._results: dict[FieldKey, Any] = {}
        self.budget = budget

    def condition_of(self, if_id: str) -> Optional[bool]:
        """What an `if` is told; None when only the run says so, or it differs."""
        key = if_id, CONDITION
        edges = self._view.edges_into.get(key)
        if edges:
            return read_boolean(self._results.get(edges[-1].source, UNKNOWN))
        literal = self._view.nodes[if_id].get(CONDITION, False)
        return read_boolean(stored_batch_item(self._given.get(key, literal)))

    def brought_values(self, edge: GraphEdge) -> Optional[Sequence[Any]]:
        """What an edge brings, one value for each item; None when it is not known."""
        values = _each(self._results.get(edge.source, UNKNOWN))
        return None if any(value is UNKNOWN for value in values) else values

    def judge(self, node_id: str, titles: Mapping[str, str]) -> Iterator[Finding]:
        """Calculate a node, and say what is wrong with what it gets and returns."""
        view, node = self._view, self._view.nodes[node_id]
        template = view.template(node_id)
        if template is None:
            return
        values = self._values(node_id, node, template)
        fed = {
            edge.target[1]: edge
            for edge in view.edges_to.get(node_id, ())
            if edge.target[1] in template.inputs
        }
        label = titles.get(node_id, template.title)
        broken = False
        for problem in self._value_problems(node_id, template, values, fed, titles):
            broken = True
            yield problem
        for rule in rules_of(template.type):
            if not broken and not fed.keys().isdisjoint(rule.fields):
                yield from _rule_findings(rule, node_id, label, values, fed)
        is_told = any(map(_fault, values.values()))
        for name, result in self._outputs(node_id, template.type, values).items():
            self._results[node_id, name] = result
            fault = _fault(result)
            if template.type == ITERATE and any(item is None for item in _each(result)):
                fault = "nothing (null) as an item"
            if fault is not None and not is_told:
                yield FieldProblem(
                    f"the result is {fault}: {ENDS_WORKER}",
                    "result",
                    node_id,
                    node_label=label,
                    where=f"{label} ({node_id})",
                )

    def _values(
        self, node_id: str, node: Mapping[str, Any], template: NodeTemplate
    ) -> dict[str, Any]:
        values = filled_values(node, template)
        for (other, name), item in self._given.items():
            if other == node_id:
                values[name] = stored_batch_item(item)
        for name, found in template.inputs.items():
            edges = self._view.edges_into.get((node_id, name))
            if edges:
                values[name] = self._results.get(edges[-1].source, UNKNOWN)
            elif name in values:
                values[name] = _as_read(values[name], found)
        return values

    def _value_problems(
        self,
        node_id: str,
        template: NodeTemplate,
        values: Mapping[str, Any],
        fed: Mapping[str, GraphEdge],
        titles: Mapping[str, str],
    ) -> Iterator[FieldProblem]:
        """Values that their field refuses: the node would fail."""
        for name, edge in fed.items():
            if template.type in RESULTS and _fault(values[name]):
                continue  # told where it was made
            if (template.type, name) in LOOSE_FIELDS or template.type == COLLECT:
                continue
            if (template.type, name) == (IF, CONDITION):
                continue  # also where the node does not run: `condition_faults`
            for value in _each(values[name]):
                if value is UNKNOWN:
                    continue
                refused = literal_problem(template.inputs[name], value)
                if refused is not None:
                    source = titles.get(edge.source[0], edge.source[0])
                    yield FieldProblem(
                        f"would get {shown(value)} from {source}.{edge.source[1]} "
                        f"({edge.source[0]}); allowed: {refused.allowed}",
                        "edge_value",
                        node_id,
                        name,
                        value=value,
                        allowed=refused.allowed,
                        node_label=titles.get(node_id, template.title),
                    )
                    break

    def _outputs(
        self, node_id: str, node_type: str, values: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        if node_type == ITERATE:
            items = values.get(COLLECTION, UNKNOWN)
            is_known = isinstance(items, list) and len(items) <= MAX_ITEMS
            return {ITEM: Spread(node_id, items)} if is_known else {}
        if node_type == COLLECT:
            return self._collected(node_id)
        calculate = RESULTS.get(node_type)
        if calculate is None:
            return {}
        used = self._view.edges_to.get(node_id, ())
        spreads = [v for v in values.values() if isinstance(v, Spread)]
        names = {edge.target[1] for edge in used} - self._untaken(node_id, node_type)
        if any(values.get(name) is UNKNOWN for name in names):
            return {}
        if not spreads:
            return self._calculated(calculate, values) or {}
        if len({spread.iterator for spread in spreads}) > 1:
            return {}
        rows = [self._calculated(calculate, row) for row in _rows(values, spreads[0])]
        if not rows or None in rows:
            return {}
        return {
            name: Spread(spreads[0].iterator, [row[name] for row in rows])
            for name in rows[0]
        }

    def _untaken(self, node_id: str, node_type: str) -> set[str]:
        """The input of an `if` that it does not look at."""
        condition = self.condition_of(node_id) if node_type == IF else None
        return set() if condition is None else {BRANCHES[condition]}

    def _calculated(self, calculate: Any, values: Mapping[str, Any]) -> Any:
        self.budget -= 1
        if self.budget < 0:
            return None
        try:
            return calculate(values)
        except (ArithmeticError, ValueError, TypeError, KeyError):
            return None  # the server will say so, of this node

    def _collected(self, node_id: str) -> Mapping[str, Any]:
        found: list[Any] = []
        for edge in self._view.edges_to.get(node_id, ()):
            value = self._results.get(edge.source, UNKNOWN)
            if value is UNKNOWN or len(found) > min(MAX_ITEMS, self.budget):
                return {}
            if edge.target[1] == COLLECTION and isinstance(value, list):
                found += value
            else:
                found += _each(value)
        self.budget -= len(found)
        return {COLLECTION: found}


def _rule_findings(
    rule: NodeRule,
    node_id: str,
    label: str,
    values: Mapping[str, Any],
    fed: Mapping[str, GraphEdge],
) -> Iterator[Finding]:
    concerned = [values.get(name) for name in rule.fields]
    spreads = [value for value in concerned if isinstance(value, Spread)]
    is_open = any(value is UNKNOWN for value in concerned)
    if is_open or len({spread.iterator for spread in spreads}) > 1:
        for name in rule.unguarded:
            if name in fed and values[name] is UNKNOWN:
                source = ".".join(fed[name].source)
                others = ", ".join(other for other in rule.fields if other != name)
                yield (
                    f"{label}.{name} ({node_id}) gets its value from {source} in the "
                    f"run; if it does not go with {others}, {ENDS_WORKER}",
                    node_id,
                    name,
                )
        return
    for row in _rows(values, spreads[0]) if spreads else [values]:
        refused = rule.check(row)
        if refused is not None:
            name = rule.fields[0]
            given = ", ".join(f"{key}={shown(row.get(key))}" for key in rule.fields)
            yield FieldProblem(
                f"would get {given} by its edges; allowed: {refused.allowed}",
                "edge_value",
                node_id,
                name,
                value=row.get(name),
                allowed=refused.allowed,
                node_label=label,
            )
            return


def _rows(values: Mapping[str, Any], spread: Spread) -> Iterator[dict[str, Any]]:
    """The values for each item of an iterator."""
    for index in range(len(spread.values)):
        yield {
            name: value.values[index] if isinstance(value, Spread) else value
            for name, value in values.items()
        }


def _each(value: Any) -> Sequence[Any]:
    return value.values if isinstance(value, Spread) else [value]


def _as_read(value: Any, template: InputTemplate) -> Any:
    """A literal as the server reads it."""
    read = {"IntegerField": read_integer, "FloatField": read_float}.get(
        template.type.name
    )
    if read is None:
        return value
    if isinstance(value, list):
        items = [read(item) for item in value]
        return UNKNOWN if None in items else items
    found = read(value)
    return UNKNOWN if found is None else found


def _fault(value: Any) -> Optional[str]:
    """Why the server could not read a result again; None when it can."""
    if isinstance(value, (list, Spread)):
        items = value.values if isinstance(value, Spread) else value
        return next(filter(None, map(_fault, items)), None)
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value}, which is not a finite number"
    if isinstance(value, int) and abs(value) >= TOO_LARGE:
        return "an integer of more than 4300 digits"
    return None
