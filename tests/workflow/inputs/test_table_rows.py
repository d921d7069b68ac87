"""A row of a table is given as it is: numbers of NumPy, and cells without a value."""

from __future__ import annotations

import math

import numpy as np
import pytest
import workflow_builder as build

from invokeai_py_client.exceptions import FieldValidationError
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle


class NAType:
    """What pandas calls the missing value of an integer column."""


def handle() -> BaseWorkflowHandle:
    nodes = [
        build.node("n", "noise", {"seed": 1, "width": 64}),
        build.node("d", "denoise_latents", {"steps": 10, "cfg_scale": 7.5}),
    ]
    form = [("n", "seed"), ("n", "width"), ("d", "steps"), ("d", "cfg_scale")]
    return BaseWorkflowHandle(build.definition(nodes, [], form), NodeCatalog.bundled())


def test_numbers_of_a_table_are_numbers() -> None:
    wf = handle()
    wf.set_inputs({"seed_": np.int64(3), "steps": 30.0, "width": np.float64(128)})
    assert [wf[name] for name in ("seed_", "steps", "width")] == [3, 30, 128]
    assert {type(value) for value in wf.edits().values()} == {int}


@pytest.mark.parametrize("empty", [math.nan, np.float32("nan"), NAType()])
def test_an_empty_cell_is_not_given(empty: object) -> None:
    wf = handle()
    wf.set_inputs({"steps": 20, "cfg_scale": empty, "width": empty})
    assert wf.edits() == {("d", "steps"): 20}
    assert wf.with_inputs({"steps": empty})["steps"] == 20


def test_nan_by_name_is_refused_and_so_is_a_number_with_a_rest() -> None:
    wf = handle()
    for values in ({"cfg_scale": math.nan}, {"steps": 2.5}, {"steps": np.float64(2.5)}):
        with pytest.raises(FieldValidationError):
            wf.set_inputs(**values)
    assert wf.edits() == {}
