"""Field types that users register, for types that the GUI has no widget for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import workflow_builder as build

from invokeai_py_client import FieldValidationError, IvkField
from invokeai_py_client.ivk_fields import field_registry
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle

INPUT = {
    "type": "string",
    "field_kind": "input",
    "input": "any",
    "ui_type": "CustomField",
    "default": "nothing",
    "orig_required": False,
}


def openapi(**thing: Any) -> dict[str, Any]:
    """A server with a pack whose node has an input of a type of its own."""
    output = {"class": "output", "properties": {"type": {"const": "o"}}}
    properties = {
        "id": {"type": "string"},
        "type": {"const": "tell", "default": "tell"},
        "thing": {**INPUT, **thing},
    }
    invocation = {
        "class": "invocation",
        "title": "Tell",
        "version": "1.0.0",
        "node_pack": "telling",
        "properties": properties,
        "output": {"$ref": "#/components/schemas/Out"},
    }
    return {"components": {"schemas": {"Tell": invocation, "Out": output}}}


class IvkCustomField(IvkField[str]):
    """The field of the guide, as it is written there."""

    value: str

    def to_api_format(self) -> Any:
        return {"type": "custom", "value": self.value}


class Plain(IvkCustomField):
    def to_api_format(self) -> Any:
        return self.value


class WithoutValue(IvkCustomField):
    def to_api_format(self) -> Any:
        return {"type": "custom", "text": self.value}


@pytest.fixture
def register() -> Iterator[Any]:
    undone = []

    def add(kind: type[IvkCustomField]) -> None:
        undone.append(
            field_registry.register(
                lambda info: info.get("type") == "CustomField",
                lambda info: kind(value=info.get("value", "")),
            )
        )

    yield add
    for undo in undone:
        undo()


def handle(**thing: Any) -> BaseWorkflowHandle:
    # From the cache on disk too: what is not in the GUI's form of a template is kept.
    catalog = NodeCatalog.from_json(
        NodeCatalog.from_openapi(openapi(**thing)).to_json()
    )
    tell = build.node("t", "tell", {"thing": "x"})
    tell["data"]["inputs"]["thing"].pop("value")
    return BaseWorkflowHandle(build.definition([tell], [], [("t", "thing")]), catalog)


def test_a_registered_type_is_settable_and_sent(register: Any) -> None:
    register(IvkCustomField)
    wf = handle()
    wf["thing"] = "x"
    compiled = wf.compile()
    assert compiled.problems == []
    assert compiled.graph["nodes"]["t"]["thing"] == "x"
    assert wf.with_inputs(thing="y").compile().graph["nodes"]["t"]["thing"] == "y"


def test_a_type_that_nobody_registered_only_takes_an_edge() -> None:
    with pytest.raises(FieldValidationError, match="only takes an edge"):
        handle()["thing"] = "x"


def test_an_input_that_only_takes_an_edge_is_not_made_settable(register: Any) -> None:
    register(IvkCustomField)
    with pytest.raises(FieldValidationError, match="only takes an edge"):
        handle(input="connection")["thing"] = "x"


@pytest.mark.parametrize("kind", [Plain, WithoutValue])
def test_a_wire_form_without_a_value_is_refused_by_name(
    register: Any, kind: type[IvkCustomField]
) -> None:
    register(kind)
    wf = handle()
    with pytest.raises(FieldValidationError) as caught:
        wf["thing"] = "x"
    (problem,) = caught.value.problems
    assert problem.kind == "to_api_format"
    assert f'{kind.__name__}.to_api_format() must return a dict with "value"' in str(
        caught.value
    )
    # Also where the field itself is set.
    wf.get_input_value("thing").value = "x"
    with pytest.raises(FieldValidationError, match="to_api_format"):
        wf.compile()


def test_values_of_a_type_of_its_own_are_sent_as_they_are(register: Any) -> None:
    class Wide(IvkField[str]):
        value: str

        def to_api_format(self) -> Any:
            return {"value": {"image_name": self.value, "more": [1]}}

    register(Wide)
    wf = handle()
    wf["thing"] = "x"
    sent = wf.compile().graph["nodes"]["t"]["thing"]
    assert sent == {"image_name": "x", "more": [1]}
