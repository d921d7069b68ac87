"""A workflow's inputs: what is discovered, and that values reach them safely."""

from __future__ import annotations

import pytest
import workflow_builder as build

from invokeai_py_client.exceptions import (
    FieldValidationError,
    InputNotFoundError,
)
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.nodes.template import UNSET
from invokeai_py_client.workflow.document.definition import WorkflowDefinition
from invokeai_py_client.workflow.editor.server_facts import ServerFacts
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle
from invokeai_py_client.workflow.loading.load_workflow import load_workflow


def handle(definition: WorkflowDefinition | None = None) -> BaseWorkflowHandle:
    return BaseWorkflowHandle(
        definition or build.text_to_image(), NodeCatalog.bundled()
    )


class TestWorkflow:
    def test_discovery(self):
        """The form, top to bottom: index, name, place, type and value of each."""
        inputs = handle().list_inputs()
        assert [item.input_index for item in inputs] == list(range(8))
        assert [item.name for item in inputs] == [
            "model",
            "positive_prompt",
            "negative_prompt",
            "steps",
            "scheduler",
            "seed_",
            "width",
            "decode_board",
        ]
        steps = inputs[3]
        assert steps.target == ("denoise", "steps")
        assert steps.node_type == "denoise_latents"
        assert steps.type_name == "IntegerField"
        assert steps.field.value == steps.value == 2
        assert steps.limits.exclusive_minimum == 0
        assert not steps.required
        assert inputs[0].required
        assert inputs[1].label == "Positive Prompt"
        assert inputs[2].node_name == "Negative"

    def test_a_connected_input_says_what_feeds_it(self):
        seed = handle().get_input("seed_")
        assert seed.connected
        assert seed.connected_from == ("source", "value")

    def test_a_field_shown_twice_is_listed_twice_and_is_one_field(self):
        twice = build.definition(
            [build.node("a", "add")], form=[("a", "a"), ("a", "b"), ("a", "a")]
        )
        wf = handle(twice)
        assert [item.name for item in wf.list_inputs()] == ["a", "b", "a_2"]
        assert wf.get_input(0).field is wf.get_input(2).field
        wf["a_2"] = 9
        assert wf["a"] == 9

    def test_a_node_nobody_knows_is_listed_and_can_only_be_read(self):
        unknown = build.node("x", "my_gone_node", {"strength": 0.5})
        wf = handle(build.definition([unknown], form=[("x", "strength")]))
        item = wf.get_input("strength")
        assert item.value == 0.5
        with pytest.raises(FieldValidationError, match="my_gone_node"):
            wf["strength"] = 1
        assert item.value == 0.5

    def test_the_definition_never_changes(self):
        definition = build.text_to_image()
        before = definition.to_json()
        wf = handle(definition)
        wf["steps"] = 9
        wf.set_node_value("noise", "height", 128)
        wf.seeds.set(3)
        wf.compile()
        assert definition.to_json() == before

    def test_the_representation_lists_the_inputs(self):
        wf = handle()
        assert "3 steps: IntegerField = 2" in str(wf.inputs)
        assert "<td>positive_prompt</td>" in wf._repr_html_()
        assert "8 inputs" in repr(wf)


class TestValues:
    def test_plain_values_are_read_and_set_by_any_key(self):
        wf = handle()
        wf["steps"] = 4
        wf["Positive Prompt"] = "dawn"
        wf["noise", "width"] = 128
        wf.get_input_value(4).value = "ddim"
        assert wf.edits() == {
            ("denoise", "steps"): 4,
            ("positive", "prompt"): "dawn",
            ("noise", "width"): 128,
            ("denoise", "scheduler"): "ddim",
        }

    def test_setting_the_value_of_the_file_is_not_an_edit(self):
        wf = handle()
        wf["steps"] = 2
        assert wf.edits() == {}

    def test_none_removes_a_value(self):
        wf = handle()
        wf["model"] = None
        assert wf.edits() == {("loader", "model"): UNSET}

    @pytest.mark.parametrize("value", [0, -1, "5", True, 2.5, None.__class__])
    def test_a_refused_value_leaves_the_old_one(self, value):
        wf = handle()
        with pytest.raises(FieldValidationError) as caught:
            wf["steps"] = value
        assert wf["steps"] == 2
        problem = caught.value.problems[0]
        assert problem.input_index == 3
        assert problem.node_id == "denoise"
        assert problem.field_name == "steps"
        assert "'steps'" in problem.message

    def test_several_values_are_set_all_or_none_with_every_problem(self):
        wf = handle()
        with pytest.raises(FieldValidationError) as caught:
            wf.set_inputs({"scheduler": "ddim"}, steps=0, width=63)
        assert [item.field_name for item in caught.value.problems] == [
            "steps",
            "width",
        ]
        assert wf.edits() == {}

    def test_several_unknown_names_are_named_together(self):
        with pytest.raises(InputNotFoundError) as caught:
            handle().set_inputs(stps=1, widht=64)
        assert set(caught.value.candidates) >= {"steps", "width"}

    def test_one_field_given_under_two_names_is_refused(self):
        wf = handle()
        with pytest.raises(FieldValidationError, match="twice"):
            wf.set_inputs({"Positive Prompt": "a"}, positive_prompt="b")
        assert wf["positive_prompt"] == "a lighthouse"

    def test_a_connected_input_cannot_be_set_in_any_way(self):
        wf = handle()
        with pytest.raises(FieldValidationError, match=r"Random Integer.*source"):
            wf["seed_"] = 7
        with pytest.raises(FieldValidationError, match="source"):
            wf.get_input_value("seed_").value = 7
        with pytest.raises(FieldValidationError, match="source"):
            wf.set_node_value("noise", "seed", 7)
        assert wf.edits() == {}

    def test_with_inputs_is_a_copy(self):
        wf = handle()
        wf["width"] = 128
        other = wf.with_inputs(steps=9)
        other["width"] = 256
        assert (wf["steps"], wf["width"]) == (2, 128)
        assert (other["steps"], other["width"]) == (9, 256)
        assert wf.edits() == {("noise", "width"): 128}

    def test_values_of_one_call_do_not_stay(self):
        wf = handle()
        call = wf._with_call_values({"width": 128}, {"steps": 7})
        assert call.edits == {("noise", "width"): 128, ("denoise", "steps"): 7}
        assert wf.edits() == {}

    def test_a_model_name_is_a_reference_and_no_payload(self):
        wf = handle()
        wf["model"] = "Juggernaut"
        problems = wf.compile().problems
        assert [item.kind for item in problems] == ["unresolved"]
        assert "model" not in wf.compile().graph["nodes"]["loader"]
        assert wf.check() == []

    def test_a_batch_of_local_images_is_not_an_empty_batch(self, tmp_path):
        picture = tmp_path / "a.png"
        picture.write_bytes(b"a picture, as far as anybody looks here")
        batch = build.node("b", "image_batch")
        nodes = [batch, build.node("r", "img_resize")]
        wf = handle(
            build.definition(nodes, ["b.image -> r.image"], form=[("b", "images")])
        )
        wf["images"] = [picture]
        assert wf.check() == []
        assert [item.kind for item in wf.compile().problems] == ["unresolved"]

    def test_a_model_of_invokeai_3_is_looked_up_when_it_runs(self):
        old = {"model_name": "sd", "base_model": "sd-1", "model_type": "main"}
        node = build.node("m", "main_model_loader", {"model": old})
        document = build.document([node])
        document["meta"]["version"] = "2.0.0"
        wf = handle(WorkflowDefinition.from_dict(document))
        assert wf.check() == []
        reference = wf._with_call_values(None, {}).edits["m", "model"]
        assert (reference.text, reference.base) == ("sd", ("sd-1",))
        wf.set_node_value("m", "model", build.MODEL)
        assert wf._with_call_values(None, {}).edits == {("m", "model"): build.MODEL}


class TestNodeValues:
    def test_any_literal_of_the_graph_can_be_set(self):
        wf = handle()
        wf.set_node_value("noise", "height", 128)
        assert wf.compile().graph["nodes"]["noise"]["height"] == 128

    def test_a_node_goes_by_its_only_label_or_type(self):
        wf = handle()
        wf.set_node_value("Negative", "prompt", "rain")
        wf.set_node_value("denoise_latents", "steps", 6)
        assert wf.edits() == {
            ("negative", "prompt"): "rain",
            ("denoise", "steps"): 6,
        }

    def test_an_ambiguous_node_lists_the_candidates(self):
        with pytest.raises(InputNotFoundError) as caught:
            handle().get_node_field("compel", "prompt")
        assert caught.value.candidates == ("positive", "negative")

    def test_a_missing_node_or_field_suggests_near_ones(self):
        with pytest.raises(InputNotFoundError, match="denoise"):
            handle().get_node_field("denois", "steps")
        with pytest.raises(InputNotFoundError, match="steps"):
            handle().get_node_field("denoise", "step")

    def test_a_field_the_file_lacks_is_set_by_its_template(self):
        node = build.node("a", "add", {"a": 1})
        del node["data"]["inputs"]["b"]
        wf = handle(build.definition([node]))
        wf.set_node_value("a", "b", 5)
        assert wf.compile().graph["nodes"]["a"]["b"] == 5

    def test_the_checks_of_the_form_hold_here_too(self):
        wf = handle()
        with pytest.raises(FieldValidationError, match="multiple of 8"):
            wf.set_node_value("noise", "height", 65)
        with pytest.raises(FieldValidationError, match="loader"):
            wf.set_node_value("decode", "vae", "x")

    def test_inputs_of_a_called_workflow_go_by_their_own_name(self):
        saved = build.document([build.node("in", "add", {"a": 11})], form=[("in", "a")])
        call = build.node("call", "call_saved_workflow", {"workflow_id": "w1"})
        catalog = NodeCatalog.bundled()
        facts = ServerFacts(saved_workflows={"w1": saved})
        loaded = load_workflow(build.definition([call]), catalog, facts)
        wf = BaseWorkflowHandle(loaded, catalog)
        assert wf.get_node_field("call", "a").value == 11
        wf.set_node_value("call", "a", 5)
        sent = wf.compile().graph["nodes"]["call"]["workflow_inputs"]
        assert sent == {"saved_workflow_input::in::a": 5}
