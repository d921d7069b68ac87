"""What a wrong name is answered with: the place, the cause, and what to write."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import workflow_builder as build

from invokeai_py_client.exceptions import ArgumentError, InputNotFoundError
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle

NAMES = ("prompt", "style", "width", "height", "seed", "strength", "colour")


def handle() -> BaseWorkflowHandle:
    nodes = [
        build.node("d", "denoise_latents", label="Denoise"),
        *(build.node(f"n{i}", "string", label=name) for i, name in enumerate(NAMES)),
    ]
    form = [(f"n{i}", "value") for i in range(len(NAMES))]
    return BaseWorkflowHandle(build.definition(nodes, [], form), NodeCatalog.bundled())


def message(key: Any) -> str:
    with pytest.raises(InputNotFoundError) as caught:
        handle().set_inputs({key: 1})
    return str(caught.value)


@pytest.mark.parametrize("name", ["steps", "Steps", "denoising_start"])
def test_a_field_that_the_form_does_not_show_says_how_to_set_it(name: str) -> None:
    field = name.lower()
    assert f'set_node_value("denoise_latents", "{field}", …)' in message(name)


def test_an_option_says_whose_it_is() -> None:
    assert "an option of run and of the waits" in message("timeout")
    assert "an option of submit" in message("on_full")
    assert "run and submit" in message("runs")
    assert "did you mean the option prepend= of submit" in message("prepends")


def test_a_name_like_nothing_gets_the_five_most_alike() -> None:
    told = message("zqwidzh")
    assert "5" not in told
    assert "the nearest of its 7 inputs: width_value" in told
    assert told.count("_value (") == 5


def test_nodes_and_fields_are_told_by_likeness_too() -> None:
    wf = handle()
    with pytest.raises(InputNotFoundError, match="the nearest of its 8 nodes"):
        wf.get_node_field("xyz", "steps")
    with pytest.raises(InputNotFoundError, match=r"did you mean d \(Denoise"):
        wf.get_node_field("denoize", "x")
    with pytest.raises(InputNotFoundError, match=r"the nearest it has: .*steps"):
        wf.get_node_field("d", "stps!!!!!!!!")


@pytest.mark.parametrize(
    ("method", "args"),
    [
        ("set_inputs", (9,)),
        ("with_inputs", ([("steps", 3)],)),
        ("get_node_field", (1, "steps")),
        ("set_node_value", ("d", 2, 3)),
    ],
)
def test_a_wrong_argument_is_named_at_the_call(
    method: str, args: tuple[Any, ...]
) -> None:
    with pytest.raises(ArgumentError, match="is not allowed"):
        getattr(handle(), method)(*args)


def test_compile_reads_its_options() -> None:
    with pytest.raises(ArgumentError, match="runs='x'"):
        handle().compile(runs="x")  # type: ignore[arg-type]


def test_a_mapping_given_by_the_name_of_the_parameter_is_told_where_it_goes() -> None:
    assert "run({...})" in message("inputs")


def test_an_index_may_be_a_number_of_a_table() -> None:
    wf = handle()
    assert wf.get_input(np.int64(2)) is wf.get_input(2)
    with pytest.raises(InputNotFoundError):
        wf.get_input(True)


def test_what_compiling_returns_shows_itself_in_a_line_or_three() -> None:
    compiled = handle().compile()
    assert len(repr(compiled)) < 300
    assert len(repr(compiled.loaded)) < 300
