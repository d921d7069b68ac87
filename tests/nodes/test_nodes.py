"""Node templates: the GUI's reading of a server's schema, and the limits behind it."""

from __future__ import annotations

import copy
import gzip
import json
from importlib import resources
from pathlib import Path
from time import thread_time

import pytest
from hypothesis import given, settings, strategies as st

from invokeai_py_client.exceptions import WorkflowFormatError
from invokeai_py_client.nodes import (
    UNSET,
    FieldType,
    NodeCatalog,
    parse_openapi,
    template_as_gui_dict,
)
from invokeai_py_client.nodes.titles import start_case


@pytest.fixture(scope="module")
def catalog() -> NodeCatalog:
    return NodeCatalog.bundled()


def contract(shared_dir: Path, name: str) -> dict:
    path = shared_dir / "contract" / name
    return json.loads(path.read_text(encoding="utf-8"))


def node_schema(**properties: dict) -> dict:
    """An OpenAPI document with one node type, `probe`, of these inputs."""
    inputs = {
        name: {"field_kind": "input", "input": "any", "orig_required": False, **schema}
        for name, schema in properties.items()
    }
    return {
        "components": {
            "schemas": {
                "ProbeInvocation": {
                    "class": "invocation",
                    "title": "Probe",
                    "version": "1.0.0",
                    "node_pack": "mine",
                    "classification": "stable",
                    "category": "test",
                    "tags": ["a"],
                    "properties": {
                        "id": {"type": "string", "field_kind": "node_attribute"},
                        "type": {"const": "probe", "default": "probe"},
                        "use_cache": {"type": "boolean", "default": True},
                        **inputs,
                    },
                    "output": {"$ref": "#/components/schemas/ProbeOutput"},
                },
                "ProbeOutput": {
                    "class": "output",
                    "properties": {
                        "type": {"const": "probe_output", "default": "probe_output"},
                        "value": {"type": "integer", "field_kind": "output"},
                    },
                },
                "Size": {"type": "string", "enum": ["small", "large"]},
                "ImageField": {"type": "object", "properties": {}},
            }
        }
    }


def probe(**properties: dict):
    return parse_openapi(node_schema(**properties))["probe"].inputs


def test_templates_equal_those_of_the_gui(shared_dir: Path) -> None:
    ours = parse_openapi(contract(shared_dir, "openapi-6.14.2.json"))
    theirs = contract(shared_dir, "node-templates-6.14.2.json")
    assert set(ours) == set(theirs)
    assert len(ours) == 309
    for node_type, expected in theirs.items():
        found = template_as_gui_dict(ours[node_type])
        assert found == expected, node_type
        for name, item in expected["inputs"].items():
            assert list(found["inputs"][name]) == list(item), (node_type, name)
        assert list(found["inputs"]) == list(expected["inputs"]), node_type


def test_bundled_snapshot_is_what_the_openapi_says(
    shared_dir: Path, catalog: NodeCatalog
) -> None:
    document = contract(shared_dir, "openapi-6.14.2.json")
    fresh = NodeCatalog.from_openapi(document, "6.14.2")
    assert dict(catalog) == dict(fresh)
    folder = resources.files("invokeai_py_client.nodes").joinpath("data")
    packed = folder.joinpath("nodes-6.14.2.json.gz").read_bytes()
    assert gzip.decompress(packed).decode() == fresh.to_json()


def test_bundled_snapshot_loads_at_once(catalog: NodeCatalog) -> None:
    # Of this thread alone: what the machine does besides does not count.
    start = thread_time()
    text = catalog.to_json()
    NodeCatalog.from_json(text)["denoise_latents"]
    # A tenth of this usually; the bound only catches a change of kind.
    assert thread_time() - start < 2
    assert NodeCatalog.bundled() is catalog
    assert catalog.version == "6.14.2"
    assert len(catalog) == 309


def test_stored_catalog_is_the_same_after_reading(catalog: NodeCatalog) -> None:
    again = NodeCatalog.from_json(catalog.to_json())
    assert dict(again) == dict(catalog)
    assert again.version == catalog.version
    assert list(again) == list(catalog)
    assert "denoise_latents" in again
    assert "no_such_node" not in again
    assert again.get("no_such_node") is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 99, "nodes": {}}'])
def test_foreign_text_is_not_a_catalog(text: str) -> None:
    with pytest.raises(WorkflowFormatError):
        NodeCatalog.from_json(text)


@pytest.mark.parametrize(
    ("node", "field", "expected"),
    [
        ("crop_latents", "width", {"minimum": 1, "multiple_of": 8, "nullable": True}),
        ("noise", "seed", {"minimum": 0, "maximum": 4294967295}),
        ("ideogram4_denoise", "steps", {"minimum": 2, "maximum": 100}),
        ("lscale", "scale_factor", {"exclusive_minimum": 0}),
        (
            "controlnet",
            "control_weight",
            {"minimum": -1, "maximum": 2, "list_refused": True},
        ),
        ("denoise_latents", "cfg_scale", {"list_refused": False}),
        ("video_concat", "videos", {"min_items": 2}),
        ("flux_kontext_image_prep", "images", {"min_items": 1, "max_items": 10}),
        ("llava_onevision_vllm", "images", {"max_items": 3}),
        ("flux_text_encoder", "t5_max_seq_len", {"choices": (256, 512)}),
        ("noise", "noise_type", {"nullable": False}),
    ],
)
def test_limits_are_found_inside_unions(
    catalog: NodeCatalog, node: str, field: str, expected: dict
) -> None:
    limits = catalog[node].inputs[field].limits
    assert {name: getattr(limits, name) for name in expected} == expected


def test_schedulers_are_choices_though_the_gui_has_no_options(
    catalog: NodeCatalog,
) -> None:
    scheduler = catalog["denoise_latents"].inputs["scheduler"]
    assert scheduler.type.name == "SchedulerField"
    assert scheduler.type.original == FieldType("EnumField")
    assert scheduler.limits.choices is not None
    assert len(scheduler.limits.choices) == 31


def test_limits_of_lists_and_references() -> None:
    inputs = probe(
        sizes={
            "type": "array",
            "items": {"type": "integer", "minimum": 4},
            "minItems": 2,
        },
        size={"$ref": "#/components/schemas/Size"},
        either={
            "anyOf": [
                {"type": "number", "minimum": 1},
                {"type": "array", "items": {"type": "number", "maximum": 9}},
                {"type": "null"},
            ]
        },
        old={"type": "integer", "minimum": 3, "exclusiveMinimum": True},
        code={"type": "string", "pattern": "^a+$", "maxLength": 5},
    )
    assert inputs["sizes"].limits.min_items == 2
    assert inputs["sizes"].limits.item is not None
    assert inputs["sizes"].limits.item.minimum == 4
    assert inputs["size"].limits.choices == ("small", "large")
    assert inputs["size"].type == FieldType("Size")
    assert inputs["size"].input == "connection"
    either = inputs["either"]
    assert either.type == FieldType("FloatField", "SINGLE_OR_COLLECTION")
    assert either.limits.minimum == 1
    assert either.limits.nullable
    assert either.limits.item is not None
    assert either.limits.item.maximum == 9
    assert inputs["old"].limits.exclusive_minimum == 3
    assert inputs["old"].limits.minimum is None
    assert inputs["code"].limits.pattern == "^a+$"


def test_a_schema_that_contains_itself_ends() -> None:
    document = node_schema(loop={"$ref": "#/components/schemas/Loop"})
    document["components"]["schemas"]["Loop"] = {
        "anyOf": [{"$ref": "#/components/schemas/Loop"}, {"type": "null"}]
    }
    assert parse_openapi(document)["probe"].inputs["loop"].limits.nullable


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"type": ["integer", "string"]},
        {"type": "array", "items": {}},
        {"type": "array"},
        {"anyOf": []},
        {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        {"anyOf": [{"type": "integer"}] * 3},
        {"anyOf": 7},
        {"allOf": [{"type": "integer"}]},
        {"$ref": 5},
        {"type": "string", "enum": []},
        {},
    ],
)
def test_an_input_without_a_type_is_left_out(schema: dict) -> None:
    assert list(probe(odd=schema, fine={"type": "integer"})) == ["fine"]


def test_fresh_values_are_the_gui_s() -> None:
    inputs = probe(
        number={"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None},
        text={"type": "string"},
        switch={"type": "boolean"},
        pick={"type": "string", "enum": ["a", "b"]},
        images={
            "type": "array",
            "items": {"$ref": "#/components/schemas/ImageField"},
            "orig_required": True,
        },
        image={"$ref": "#/components/schemas/ImageField"},
    )
    defaults = {name: item.default for name, item in inputs.items()}
    assert defaults == {
        "number": 0,
        "text": "",
        "switch": False,
        "pick": "a",
        "images": [],
        "image": UNSET,
    }
    assert inputs["images"].title == "Images"


@pytest.mark.parametrize(
    ("hint", "base", "kind"),
    [
        ("SDXLMainModelField", ["sdxl"], ["main"]),
        ("VAEModelField", None, ["vae"]),
        ("SomeFutureModelField", None, None),
    ],
)
def test_model_types_of_older_servers_are_restrictions(
    hint: str, base: object, kind: object
) -> None:
    schema = {"$ref": "#/components/schemas/ModelIdentifierField", "ui_type": hint}
    model = probe(model=schema)["model"]
    assert model.type == FieldType("ModelIdentifierField")
    assert model.input == "any"
    assert model.gui.get("ui_model_base") == base
    assert model.gui.get("ui_model_type") == kind


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("cfg_scale", "Cfg Scale"),
        ("t5_max_seq_len", "T 5 Max Seq Len"),
        ("useHTTPServer2", "Use HTTP Server 2"),
        ("UPPER_CASE", "UPPER CASE"),
        ("naïve_straße", "Naive Strasse"),
        ("it's", "Its"),
        ("__", ""),
        ("日本_x", "日本 X"),
    ],
)
def test_a_missing_title_is_the_name_in_start_case(name: str, title: str) -> None:
    assert start_case(name) == title


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "anyOf",
                    "allOf",
                    "$ref",
                    "items",
                    "enum",
                    "const",
                    "default",
                    "ui_type",
                    "title",
                    "minimum",
                    "exclusiveMinimum",
                    "maxLength",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(schema=JSON, key=st.sampled_from(["odd", "type", "use_cache"]))
def test_no_schema_of_a_custom_node_makes_the_parse_fail(
    schema: object, key: str
) -> None:
    document = node_schema(fine={"type": "integer"})
    schemas = document["components"]["schemas"]
    broken = copy.deepcopy(schemas["ProbeInvocation"])
    broken["properties"][key] = schema
    if isinstance(schema, dict):
        broken["properties"][key] = {"field_kind": "input", **schema}
    schemas["BrokenInvocation"] = broken
    broken["output"] = schema if key == "type" else broken["output"]
    for name in ("title", "version", "tags", "category", "node_pack"):
        if key == "use_cache":
            broken[name] = schema
    parsed = parse_openapi(document)
    assert all(isinstance(name, str) for name in parsed)
    stored = NodeCatalog.from_openapi(document).to_json()
    assert set(NodeCatalog.from_json(stored)) == set(parsed)


@settings(deadline=None)
@given(document=JSON)
def test_a_document_that_is_not_openapi_has_no_nodes(document: object) -> None:
    assert parse_openapi({"components": document}) == {}
    assert parse_openapi({"components": {"schemas": document}}) == {}


def test_lists_of_batches_and_generators_are_marked(catalog: NodeCatalog) -> None:
    for kind in ("integer", "float", "string", "image"):
        batch, generator = catalog[f"{kind}_batch"], catalog[f"{kind}_generator"]
        (marked,) = [name for name, item in batch.inputs.items() if item.type.batch]
        made = [name for name, item in generator.outputs.items() if item.type.batch]
        assert made == [marked], kind
    assert not any(item.type.batch for item in catalog["add"].outputs.values())
