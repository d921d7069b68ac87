"""Output nodes: which ones can save to the gallery, and which ones do."""

from __future__ import annotations

import workflow_builder as build

from invokeai_py_client import board, workflow
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.workflow import workflow_handle
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle
from invokeai_py_client.workflow.inputs.outputs import (
    is_output_capable,
    register_output_type,
)


def handle(*args, **options) -> BaseWorkflowHandle:
    return BaseWorkflowHandle(build.definition(*args, **options), NodeCatalog.bundled())


def test_a_node_with_a_board_is_output_capable_in_every_form():
    wf = handle([build.node("d", "l2i")])
    assert is_output_capable(wf._loaded.nodes["d"])
    assert is_output_capable(build.node("d", "l2i"))
    assert is_output_capable({"type": "l2i", "id": "d"})


def test_other_nodes_are_not():
    assert not is_output_capable(build.node("a", "add"))
    assert not is_output_capable({"type": "add"})
    assert not is_output_capable({})
    assert not is_output_capable({"data": {"type": "no_such_node"}})


def test_an_unknown_node_shows_by_its_own_board():
    assert is_output_capable(build.node("x", "custom_saver", {"board": "auto"}))


def test_a_type_can_be_registered_and_taken_back():
    undo = register_output_type("add")
    again = register_output_type("add")
    assert is_output_capable({"type": "add"})
    undo()
    undo()
    assert is_output_capable({"type": "add"})
    again()
    assert not is_output_capable({"type": "add"})


def test_outputs_are_the_nodes_that_save_in_the_files_order():
    wf = handle(
        [
            build.node("b", "l2i", is_intermediate=False, label="Preview"),
            build.node("hidden", "l2i", is_intermediate=True),
            build.node("a", "save_image", is_intermediate=False),
        ],
        form=[("a", "board")],
    )
    outputs = wf.list_outputs()
    assert [(item.node_id, item.label) for item in outputs] == [
        ("b", "Preview"),
        ("a", ""),
    ]
    assert [(item.in_form, item.input_index) for item in outputs] == [
        (False, None),
        (True, 0),
    ]
    assert outputs[1].name == "Save Image"


def test_the_predicate_of_the_handles_module_can_be_replaced(monkeypatch):
    wf = handle([build.node("a", "add", is_intermediate=False)])
    assert wf.list_outputs() == []
    monkeypatch.setattr(workflow_handle, "is_output_capable", lambda node: True)
    assert [output.node_id for output in wf.list_outputs()] == ["a"]


def test_the_short_names_of_the_repositories_are_theirs():
    assert workflow.WorkflowRepo is workflow.WorkflowRepository
    assert board.BoardRepo is board.BoardRepository
