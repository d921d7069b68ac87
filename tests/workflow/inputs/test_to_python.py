"""The script that a workflow writes of its values sets just these values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from goldens import default_workflows, own_goldens
from hypothesis import given, strategies as st
from media_files import png
from paths import PORTRAIT

import invokeai_py_client
from invokeai_py_client import (
    ArgumentError,
    InvokeAIClient,
    WorkflowDefinition,
    WorkflowError,
    WorkflowHandle,
)
from invokeai_py_client.workflow.inputs.node_fields import wire_value
from invokeai_py_client.workflow.inputs.python_script import _as_given, literal

URL = "http://localhost:9090"
# What these files have would be refused.
REFUSED = {
    "case--80-color-fields": {"color_2"},
    "case--81-enum-fields": {"operation_2"},
}


def documents() -> dict[str, Any]:
    own = {golden.name: golden.document for golden in own_goldens()}
    # One is a file that does not load.
    del own["case--98-input-without-name"]
    return {**own, **default_workflows()}


def handle_of(document: Any) -> WorkflowHandle:
    return InvokeAIClient(URL).workflow_repo.create_workflow(document)


class Recorder:
    """Stands for the class of clients; its one workflow notes what is run."""

    def __init__(self, workflow: WorkflowHandle) -> None:
        self.workflow, self.workflow_repo = workflow, self
        self.sources: list[str] = []
        self.images: list[Any] = []
        self.given: dict[str, Any] = {}
        self.ran: Any = None

    def from_url(self, url: str) -> Recorder:
        assert url == URL
        return self

    def load(self, source: str) -> Recorder:
        self.sources.append(source)
        return self

    def set_node_value(self, *given: Any) -> None:
        self.workflow.set_node_value(*given)

    def run(self, **values: Any) -> Recorder:
        self.given = values
        self.ran = self.workflow.with_inputs(**values)
        return self


def recorded(script: str, document: Any, patch: pytest.MonkeyPatch) -> Recorder:
    """What the script runs, and with what."""
    recorder = Recorder(handle_of(document))
    with patch.context() as patched:
        patched.setattr(invokeai_py_client, "InvokeAIClient", recorder)
        exec(compile(script, "script", "exec"), {})
    return recorder


def what_runs(script: str, document: Any, patch: pytest.MonkeyPatch) -> Any:
    """The handle with which the script runs."""
    return recorded(script, document, patch).ran


def given_values(handle: Any) -> dict[str, Any]:
    """What a user would give for each input, whatever form it has now."""
    return {
        item.name: _as_given(wire_value(item.field), item.name)
        for item in handle.list_inputs()
        if not item.field.is_locked
    }


@pytest.mark.parametrize("name", documents())
def test_the_script_of_every_workflow_sets_its_values(name, monkeypatch):
    document = documents()[name]
    handle = handle_of(document)
    found = recorded(handle.to_python(source="x.json"), document, monkeypatch)
    values = given_values(handle)
    assert given_values(found.ran) == values
    # It does not leave them to the file. One of several names of an input is enough.
    targets = {item.name: item.target for item in handle.list_inputs()}
    left = {
        targets[key]
        for key, value in values.items()
        if value not in (None, "auto") and key not in REFUSED.get(name, ())
    }
    assert left <= {targets[key] for key in found.given}


def test_a_script_is_what_the_quickstart_would_say():
    handle = handle_of(WorkflowDefinition.from_file(PORTRAIT))
    handle.set_inputs(model="Dreamshaper 8", positive_prompt="a fox", seed_=7)
    assert (
        handle.to_python()
        == f"""\
from invokeai_py_client import InvokeAIClient

client = InvokeAIClient.from_url("http://localhost:9090")
workflow = client.workflow_repo.load({literal(str(PORTRAIT))})
result = workflow.run(
    model="Dreamshaper 8",
    positive_prompt="a fox",
    negative_prompt="blurry, text",
    width=512,
    height=512,
    steps=20,
    cfg_scale=7,
    scheduler="euler",
    seed_=7,
)
for image in result.images:
    image.save("images/")
"""
    )


def test_what_the_form_does_not_show_is_set_too(monkeypatch):
    handle = handle_of(PORTRAIT)
    handle.set_node_value("denoise", "denoising_start", 0.25)
    handle["board"] = "Foxes"
    ran = what_runs(handle.to_python(), PORTRAIT, monkeypatch)
    assert ran.edits()["denoise", "denoising_start"] == 0.25
    assert given_values(ran)["board_"] == "Foxes"


def test_a_board_that_was_taken_off_is_none_of_the_file(monkeypatch):
    document = WorkflowDefinition.from_file(PORTRAIT).to_dict()
    for node in document["nodes"]:
        if "board" in node["data"].get("inputs", {}):
            node["data"]["inputs"]["board"]["value"] = {"board_id": "b1"}
    handle = handle_of(document)
    handle["board"] = "auto"
    ran = what_runs(handle.to_python(source="x"), document, monkeypatch)
    assert wire_value(ran.get_input_value("board")) == "auto"


def test_images_are_files_or_names(tmp_path, monkeypatch):
    upscale = PORTRAIT.with_name("upscale.json")
    handle = handle_of(upscale)
    path = tmp_path / "fox.png"
    path.write_bytes(png())
    for value in (path, "0d7b41a5-0000-4000-8000-000000000000.png"):
        handle["image"] = value
        assert f"image={literal(str(value))}" in handle.to_python()
        ran = what_runs(handle.to_python(), upscale, monkeypatch)
        assert given_values(ran) == given_values(handle)
    handle["image"] = png()
    with pytest.raises(WorkflowError, match="image is only in memory"):
        handle.to_python()


def test_a_workflow_from_memory_wants_to_know_what_to_load():
    handle = handle_of(WorkflowDefinition.from_file(PORTRAIT).to_dict())
    with pytest.raises(ArgumentError, match="source"):
        handle.to_python()
    assert 'load("Portrait")' in handle.to_python(source="Portrait")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(JSON.filter(lambda value: "inf" not in repr(value)))
def test_a_literal_is_the_value(value):
    assert eval(literal(value), {}) == value


def test_the_path_of_a_file_is_kept_as_it_was_given(monkeypatch):
    monkeypatch.chdir(PORTRAIT.parent)
    for path in ("portrait.json", Path("portrait.json")):
        assert 'load("portrait.json")' in handle_of(path).to_python()
