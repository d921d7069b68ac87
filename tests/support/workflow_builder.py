"""Small workflow files in the GUI's format, for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Optional

from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.workflow.document.definition import WorkflowDefinition

MODEL = {"key": "k1", "hash": "h1", "name": "tiny", "base": "sd-1", "type": "main"}
UNSET = object()


def node(
    node_id: str,
    node_type: str,
    values: Optional[Mapping[str, Any]] = None,
    *,
    label: str = "",
    labels: Optional[Mapping[str, str]] = None,
    is_intermediate: bool = True,
    version: Optional[str] = None,
) -> dict[str, Any]:
    """An invocation node; inputs are those of its template, with given values."""
    template = NodeCatalog.bundled().get(node_type)
    names = list(template.inputs) if template else []
    given = dict(values or {})
    inputs = {}
    for name in dict.fromkeys([*names, *given]):
        entry: dict[str, Any] = {
            "name": name,
            "label": (labels or {}).get(name, ""),
            "description": "",
        }
        default = template.inputs[name].default if name in names else UNSET
        value = given.get(name, default)
        if value is not UNSET and value is not None and repr(value) != "UNSET":
            entry["value"] = value
        inputs[name] = entry
    return {
        "id": node_id,
        "type": "invocation",
        "position": {"x": 0, "y": 0},
        "data": {
            "id": node_id,
            "type": node_type,
            "version": version or (template.version if template else "1.0.0"),
            "label": label,
            "notes": "",
            "nodePack": "invokeai",
            "isOpen": True,
            "isIntermediate": is_intermediate,
            "useCache": True,
            "inputs": inputs,
        },
    }


def edge(text: str) -> dict[str, Any]:
    """An edge from ``"a.value -> b.seed"``."""
    (source, output), (target, field) = (
        end.strip().split(".", 1) for end in text.split("->")
    )
    return {
        "id": text,
        "type": "default",
        "source": source,
        "sourceHandle": output,
        "target": target,
        "targetHandle": field,
    }


def connector(node_id: str) -> dict[str, Any]:
    """A bend in an edge, with the handles ``in`` and ``out``."""
    return {
        "id": node_id,
        "type": "connector",
        "position": {"x": 0, "y": 0},
        "data": {"id": node_id, "type": "connector", "label": "", "isOpen": True},
    }


def document(
    nodes: Sequence[Mapping[str, Any]],
    edges: Sequence[str] = (),
    form: Sequence[tuple[str, str]] = (),
) -> dict[str, Any]:
    """A workflow file; `form` lists the (node, field) it shows, in order."""
    children = [f"element-{index}" for index in range(len(form))]
    elements: dict[str, Any] = {
        "root": {
            "id": "root",
            "type": "container",
            "data": {"layout": "column", "children": children},
        }
    }
    for element_id, (node_id, field_name) in zip(children, form):
        elements[element_id] = {
            "id": element_id,
            "type": "node-field",
            "parentId": "root",
            "data": {
                "fieldIdentifier": {"nodeId": node_id, "fieldName": field_name},
                "showDescription": False,
            },
        }
    return {
        "name": "Test",
        "author": "",
        "description": "",
        "version": "1.0.0",
        "contact": "",
        "tags": "",
        "notes": "",
        "exposedFields": [],
        "meta": {"version": "4.0.0", "category": "user"},
        "nodes": list(nodes),
        "edges": [edge(text) for text in edges],
        "form": {"rootElementId": "root", "elements": elements},
    }


def definition(
    nodes: Sequence[Mapping[str, Any]],
    edges: Sequence[str] = (),
    form: Sequence[tuple[str, str]] = (),
) -> WorkflowDefinition:
    """The definition of `document`."""
    return WorkflowDefinition.from_dict(document(nodes, edges, form))


def text_to_image(seed_from: str = "rand_int") -> WorkflowDefinition:
    """Text to image with SD-1: the shape of most workflows, model included.

    `seed_from` is ``rand_int``, ``literal``, ``integer`` or ``add``.
    """
    nodes = [
        node("loader", "main_model_loader", {"model": MODEL}),
        node(
            "positive",
            "compel",
            {"prompt": "a lighthouse"},
            labels={"prompt": "Positive Prompt"},
        ),
        node("negative", "compel", {"prompt": ""}, label="Negative"),
        node("noise", "noise", {"width": 64, "height": 64, "seed": 5}),
        node("denoise", "denoise_latents", {"steps": 2}),
        node("decode", "l2i", is_intermediate=False, label="Decode"),
    ]
    edges = [
        "loader.clip -> positive.clip",
        "loader.clip -> negative.clip",
        "loader.unet -> denoise.unet",
        "positive.conditioning -> denoise.positive_conditioning",
        "negative.conditioning -> denoise.negative_conditioning",
        "noise.noise -> denoise.noise",
        "denoise.latents -> decode.latents",
        "loader.vae -> decode.vae",
    ]
    if seed_from != "literal":
        nodes.append(node("source", seed_from))
        edges.append("source.value -> noise.seed")
    form = [
        ("loader", "model"),
        ("positive", "prompt"),
        ("negative", "prompt"),
        ("denoise", "steps"),
        ("denoise", "scheduler"),
        ("noise", "seed"),
        ("noise", "width"),
        ("decode", "board"),
    ]
    return definition(nodes, edges, form)


def graph(nodes: dict[str, dict[str, Any]], *edges: str) -> dict[str, Any]:
    """A graph as it is enqueued: nodes by id, edges such as ``"a.value -> b.seed"``."""
    ends = [[end.strip().split(".") for end in text.split("->")] for text in edges]
    return {
        "nodes": {key: {"id": key, **value} for key, value in nodes.items()},
        "edges": [
            {
                "source": {"node_id": source, "field": output},
                "destination": {"node_id": target, "field": field},
            }
            for (source, output), (target, field) in ends
        ],
    }


def random_seed_document(*, noted: bool) -> dict[str, Any]:
    """A workflow whose node draws the seed; the metadata has it if `noted`."""
    nodes = [
        node("r", "rand_int"),
        node("n", "noise", {"width": 64, "height": 64}),
        node("b", "blank_image", {"width": 64, "height": 64}, is_intermediate=False),
    ]
    edges = ["r.value -> n.seed"]
    if noted:
        nodes.append(node("m", "core_metadata"))
        edges += ["m.metadata -> b.metadata", "r.value -> m.seed"]
    for drawn in nodes:
        drawn["data"]["useCache"] = False
    return document(nodes, edges)
