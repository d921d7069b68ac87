"""Names that change places with their fields are said to."""

from __future__ import annotations

import pytest
import workflow_builder as build

from invokeai_py_client import InvokeAIClient, WorkflowDefinition
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.simulator import SimulatedServer
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle


@pytest.mark.parametrize("labels", [("Positive prompt",) * 2, ("", "")])
def test_names_that_only_the_order_tells_apart_are_warned_of_at_once(labels, caplog):
    nodes = [
        build.node(name, "string", {"value": name}, labels={"value": label})
        for name, label in zip("pq", labels)
    ]
    handles = []
    with SimulatedServer() as server, InvokeAIClient(server.url) as client:
        for form in (
            [("p", "value"), ("q", "value")],
            [("q", "value"), ("p", "value")],
        ):
            document = build.document(nodes, form=form)
            for load in (
                client.workflow_repo.load,
                client.workflow_repo.create_workflow,
            ):
                caplog.clear()
                handles.append(load(WorkflowDefinition.from_dict(document)))
                (warning,) = handles[-1].warnings
                assert warning.kind == "ambiguous_name"
                assert [r.message for r in caplog.records] == [warning.message]
                first, second = form
                base = "positive_prompt" if labels[0] else "value"
                assert f"{base!r} is String Primitive.value ({first[0]})" in (
                    warning.message
                )
                assert f"'{base}_2' is String Primitive.value ({second[0]})" in (
                    warning.message
                )


def test_a_field_that_the_form_shows_twice_is_not_ambiguous():
    node = build.node("p", "string", {"value": "x"})
    document = build.document([node], form=[("p", "value"), ("p", "value")])
    definition = WorkflowDefinition.from_dict(document)
    assert BaseWorkflowHandle(definition, NodeCatalog.bundled()).warnings == ()
