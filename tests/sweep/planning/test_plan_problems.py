"""A plan says what is wrong with it before anything is sent."""

from __future__ import annotations

import pytest
import workflow_builder as build

from invokeai_py_client.exceptions import ArgumentError, FieldValidationError
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.sweep.planning.base_plan import BaseSweepPlan
from invokeai_py_client.sweep.planning.plan_sweep import plan_sweep
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle

NODES = [
    build.node("n", "noise", {"width": 64}),
    build.node("d", "integer_math", {"operation": "DIV", "a": 8}),
    build.node("i", "integer", {"value": 3}),
    build.node("g", "range", {"start": 0, "stop": 10}),
    build.node("s", "string"),
]
EDGES = ["i.value -> g.start"]
FORM = [("n", "width"), ("d", "a"), ("d", "b"), ("i", "value"), ("s", "value")]


@pytest.fixture(scope="module")
def handle():
    definition = build.definition(NODES, EDGES, FORM)
    return BaseWorkflowHandle(definition, NodeCatalog.bundled())


def plan(handle, **arguments):
    return BaseSweepPlan(plan_sweep(handle, **arguments))


def messages(found):
    return [problem.message for problem in found.problems]


def test_values_that_only_together_end_the_worker_are_found_by_row_and_column(handle):
    rows = [{"a": n, "b": 1 + n % 7, "d.operation": "DIV"} for n in range(3000)]
    rows[2222] = {"a": 5, "b": 0, "d.operation": "DIV"}
    rows[11] = {"a": 5, "b": 0, "d.operation": "ADD"}
    (message,) = messages(plan(handle, rows=rows))
    assert message.startswith("row 2223 of rows, column 'b': ")


def test_many_rows_that_break_a_rule_are_found_in_short_time(handle):
    found = messages(plan(handle, rows=[{"a": n, "b": 0} for n in range(5000)]))
    assert len(found) == 21
    assert found[19].startswith("row 20 of rows, column 'b'")
    assert "were not looked at" in found[20] or "more values" in found[20]


def test_a_value_that_an_edge_carries_on_is_found(handle):
    found = messages(plan(handle, product={"value": [2, 11], "n.height": [64]}))
    assert [text.partition(":")[0] for text in found] == [
        "value 2 of product['value'], column 'value'"
    ]


def test_computed_values_are_checked_in_every_item(handle):
    found = plan(handle, product={"width": [64, 72, 80], "a": lambda v: v.width / 64})
    assert [text.partition(":")[0] for text in messages(found)] == [
        "value 2 of product['width'], column 'a'",
        "value 3 of product['width'], column 'a'",
    ]
    with pytest.raises(FieldValidationError):
        list(found._planned_items())


def test_poison_anywhere_in_ten_thousand_rows_is_refused(handle):
    for row, poison in ((0, "x"), (5000, 10**5000), (9999, float("inf"))):
        rows = [{"width": 64, "a": n} for n in range(10_000)]
        rows[row]["a"] = poison
        (message,) = messages(plan(handle, rows=rows))
        assert message.startswith(f"row {row + 1} of rows, column 'a': ")


def test_a_string_that_the_server_cannot_store_is_refused(handle):
    (message,) = messages(plan(handle, product={"value_2": ["a", "half \ud800"]}))
    assert message.startswith("value 2 of product['value_2'], column 'value_2': ")


def test_keys_are_made_by_a_template_and_have_to_differ(handle):
    key = "{value_2:slug}-{a}-{index}"
    found = plan(handle, product={"value_2": ["A cat!", "Dogs"]}, key=key)
    assert [item.key for item in found] == ["a-cat-8-0", "dogs-8-1"]
    assert not found.problems
    same = plan(handle, rows=[{"value_2": t} for t in "abca"], key="k-{value_2}")
    (message,) = messages(same)
    assert message.startswith(
        "row 1 of rows and row 4 of rows: have the same key 'k-a'"
    )
    with pytest.raises(ArgumentError, match="there is no field 'valeu_2'"):
        plan(handle, product={"value_2": ["a"]}, key="{valeu_2}")
