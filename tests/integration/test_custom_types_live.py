"""A field type of a node pack: registered here, taken and used by the server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import workflow_builder as build

from invokeai_py_client import FieldValidationError, InvokeAIClient, IvkField
from invokeai_py_client.ivk_fields import field_registry

pytestmark = [
    pytest.mark.live,
    pytest.mark.real_server("the simulator loads no node packs"),
]

PACK = '''
from pydantic import RootModel

from invokeai.invocation_api import (
    BaseInvocation, InputField, InvocationContext, StringOutput, invocation,
)


class CustomField(RootModel[str]):
    """A type of the pack's own."""


@invocation("tell_thing", title="Tell Thing", version="1.0.0", use_cache=False)
class TellThingInvocation(BaseInvocation):
    """Says what it was given."""

    thing: CustomField = InputField(default=CustomField("nothing"))

    def invoke(self, context: InvocationContext) -> StringOutput:
        return StringOutput(value=f"got {self.thing.root}")
'''


class IvkCustomField(IvkField[str]):
    """The field of the guide, as it is written there."""

    value: str

    def validate_field(self) -> None:
        if self.value == "forbidden":
            raise ValueError("anything but that")

    def to_api_format(self) -> dict[str, Any]:
        return {"type": "custom", "value": self.value}


@pytest.fixture
def registered():
    undo = field_registry.register(
        lambda info: info.get("type") == "CustomField",
        lambda info: IvkCustomField(value=info.get("value", "")),
    )
    yield
    undo()


def workflow() -> dict[str, Any]:
    tell = build.node("t", "tell_thing", {"thing": ""}, is_intermediate=False)
    del tell["data"]["inputs"]["thing"]["value"]
    return build.document([tell], [], [("t", "thing")])


async def test_a_registered_type_of_a_node_pack_is_settable(
    start_server, tmp_path: Path, registered: None
) -> None:
    pack = tmp_path / "root" / "nodes" / "telling"
    pack.mkdir(parents=True)
    (pack / "__init__.py").write_text(
        "from .tell import TellThingInvocation\n", encoding="utf-8"
    )
    (pack / "tell.py").write_text(PACK, encoding="utf-8")
    running = start_server(root=tmp_path / "root")
    with running as server, InvokeAIClient.from_url(server.url) as client:
        wf = client.workflow_repo.load(workflow())
        wf["thing"] = "x"
        assert isinstance(wf.get_input_value("thing"), IvkCustomField)
        with pytest.raises(FieldValidationError, match="anything but that"):
            wf["thing"] = "forbidden"
        assert wf["thing"] == "x"
        result = wf.run(timeout=120)
        assert result.outputs["t"].value == "got x"
        assert wf.run(thing="y", timeout=120).outputs["t"].value == "got y"
        # What the server itself refuses is told by the input.
        node = build.node("p", "prompt_from_file", {"file_path": "/nope.txt"})
        stored = build.document([node], [], [("p", "file_path")])
        prompts = client.workflow_repo.load(stored)
        with pytest.raises(FieldValidationError) as caught:
            prompts.submit()
        (problem,) = caught.value.problems
        assert (problem.input_name, problem.value) == ("file_path", "/nope.txt")
        assert problem.message.startswith("input 0 'file_path'")
