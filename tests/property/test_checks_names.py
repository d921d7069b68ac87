"""Names of inputs: unique, valid, independent of values, and always found again."""

from __future__ import annotations

import keyword

import workflow_builder as build
from hypothesis import given, settings, strategies as st

from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle
from invokeai_py_client.workflow.inputs.naming import (
    RESERVED_NAMES,
    input_names,
)

labels = st.text(max_size=12) | st.sampled_from(
    ["", "seed", "Seed", "a 2", "A", "class", "提示", "1", "board", "__", "é"]
)
parts = st.tuples(labels, labels, st.sampled_from(["a", "seed", "prompt", "値", "1x"]))


@given(st.lists(parts, max_size=30))
def test_names_are_unique_identifiers_that_run_does_not_take(items):
    names = input_names(items)
    assert len(names) == len(items) == len(set(names))
    for name in names:
        assert name.isascii()
        assert name.isidentifier()
        assert not keyword.iskeyword(name)
        assert name not in RESERVED_NAMES


@given(st.lists(parts, max_size=20), parts)
def test_an_input_added_at_the_end_renames_nothing(items, more):
    assert input_names([*items, more])[: len(items)] == input_names(items)


@st.composite
def workflows(draw: st.DrawFn) -> BaseWorkflowHandle:
    count = draw(st.integers(1, 4))
    nodes = [
        build.node(
            f"n{index}",
            "add",
            label=draw(labels),
            labels={"a": draw(labels), "b": draw(labels)},
        )
        for index in range(count)
    ]
    places = [(f"n{index}", field) for index in range(count) for field in "ab"]
    form = draw(st.lists(st.sampled_from(places), min_size=1, max_size=8))
    return BaseWorkflowHandle(build.definition(nodes, form=form), NodeCatalog.bundled())


@given(workflows())
@settings(max_examples=60, deadline=None)
def test_every_input_is_found_by_index_name_and_place(wf):
    for item in wf.list_inputs():
        assert wf.get_input(item.input_index) is item
        assert wf.get_input(item.name) is item
        assert wf.get_input(item.target).target == item.target


@given(workflows(), st.integers(), st.data())
@settings(max_examples=60, deadline=None)
def test_names_do_not_depend_on_values(wf, value, data):
    names = [item.name for item in wf.list_inputs()]
    chosen = data.draw(st.sampled_from(names))
    wf[chosen] = value
    assert [item.name for item in wf.list_inputs()] == names
    assert [item.name for item in wf.with_inputs().list_inputs()] == names
    assert wf[chosen] == value


@given(workflows(), st.integers(), st.data())
@settings(max_examples=60, deadline=None)
def test_a_copy_and_its_original_never_share_a_value(wf, value, data):
    chosen = data.draw(st.sampled_from([item.name for item in wf.list_inputs()]))
    before = wf.edits()
    copy = wf.with_inputs({chosen: value})
    assert wf.edits() == before
    assert copy[chosen] == value
    copy[chosen] = value + 1
    assert wf.edits() == before
