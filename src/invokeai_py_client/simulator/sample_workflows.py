"""Workflows that a simulated server's library starts with; all run on it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Optional

from .models_inventory import default_models
from .node_schema import NodeSchemas

Workflow = dict[str, Any]
Exposed = tuple[str, str, str]


def samples(schemas: NodeSchemas) -> Iterator[Workflow]:
    """The samples, as files of the GUI, each with a fixed id."""
    yield _colour_tiles(schemas)
    yield _brightness_series(schemas)
    yield _text_to_image(schemas)
    yield _text_to_image_xl(schemas)


class _Builder:
    def __init__(self, schemas: NodeSchemas, name: str, description: str) -> None:
        self._schemas = schemas
        self._name = name
        self._description = description
        self._nodes: list[dict[str, Any]] = []
        self._edges: list[dict[str, Any]] = []

    def node(
        self, node_id: str, node_type: str, label: str = "", **values: Any
    ) -> None:
        """Add a node; values are those of its inputs."""
        schema = self._schemas.node_schema(node_type)
        inputs = {
            name: {
                "name": name,
                "label": "",
                "description": "",
                **_value(name, declared, values),
            }
            for name, declared in schema["properties"].items()
            if declared.get("field_kind") in ("input", "internal")
        }
        self._nodes.append(
            {
                "id": node_id,
                "type": "invocation",
                "data": {
                    "id": node_id,
                    "version": schema["version"],
                    "nodePack": "invokeai",
                    "label": label,
                    "notes": "",
                    "type": node_type,
                    "inputs": inputs,
                    "isOpen": True,
                    "isIntermediate": values.get("is_intermediate", True),
                    "useCache": values.get(
                        "use_cache", schema["properties"]["use_cache"]["default"]
                    ),
                    "dynamicInputTemplates": {},
                },
                "position": {"x": 400 * len(self._nodes), "y": 0},
            }
        )

    def edge(self, source: str, target: str) -> None:
        """Connect `node.field` to `node.field`."""
        (from_id, from_field), (to_id, to_field) = source.split("."), target.split(".")
        self._edges.append(
            {
                "id": f"{source}-{target}",
                "type": "default",
                "source": from_id,
                "target": to_id,
                "sourceHandle": from_field,
                "targetHandle": to_field,
            }
        )

    def build(self, exposed: Sequence[Exposed]) -> Workflow:
        """The workflow; exposed fields are (node, field, label), top to bottom."""
        by_id = {node["id"]: node for node in self._nodes}
        for node_id, field, label in exposed:
            by_id[node_id]["data"]["inputs"][field]["label"] = label
        return {
            "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"simulated/{self._name}")),
            "name": self._name,
            "author": "invokeai-py-client",
            "description": self._description,
            "version": "1.0.0",
            "contact": "",
            "tags": "simulated",
            "notes": "",
            "exposedFields": [],
            "meta": {"version": "3.0.0", "category": "default"},
            "nodes": self._nodes,
            "edges": self._edges,
            "form": _form(exposed),
        }


def _value(
    name: str, declared: Mapping[str, Any], values: Mapping[str, Any]
) -> dict[str, Any]:
    if declared.get("input") == "connection":
        return {}
    value = values.get(name, declared.get("default"))
    return {} if value is None else {"value": value}


def _form(exposed: Sequence[Exposed]) -> dict[str, Any]:
    root = "root"
    elements: dict[str, Any] = {}
    for number, (node_id, field, _) in enumerate(exposed):
        element_id = f"node-field-{number}"
        elements[element_id] = {
            "id": element_id,
            "parentId": root,
            "type": "node-field",
            "data": {
                "fieldIdentifier": {"nodeId": node_id, "fieldName": field},
                "showDescription": False,
            },
        }
    elements[root] = {
        "id": root,
        "type": "container",
        "data": {"layout": "column", "children": list(elements)},
    }
    return {"elements": elements, "rootElementId": root}


def _colour_tiles(schemas: NodeSchemas) -> Workflow:
    builder = _Builder(
        schemas, "Colour Tiles", "A coloured, noisy picture cut into tiles. No model."
    )
    builder.node("canvas", "blank_image", "Canvas", width=256, height=256)
    builder.node("noise", "img_noise", "Noise", amount=0.6)
    builder.node("tiles", "color_map", "Tiles", tile_size=32)
    builder.node("save", "save_image", "Result", is_intermediate=False)
    builder.edge("canvas.image", "noise.image")
    builder.edge("noise.image", "tiles.image")
    builder.edge("tiles.image", "save.image")
    return builder.build(
        [
            ("canvas", "color", "Colour"),
            ("canvas", "width", "Width"),
            ("canvas", "height", "Height"),
            ("noise", "seed", "Seed"),
            ("tiles", "tile_size", "Tile Size"),
            ("save", "board", "Board"),
        ]
    )


def _brightness_series(schemas: NodeSchemas) -> Workflow:
    builder = _Builder(
        schemas, "Brightness Series", "One picture in several brightnesses. No model."
    )
    builder.node("canvas", "blank_image", "Canvas", width=128, height=128)
    builder.node("steps", "range", "Steps", start=40, stop=240, step=50)
    builder.node("each", "iterate", "Each")
    builder.node("brighten", "img_lerp", "Brightness", min=0)
    builder.node("save", "save_image", "Result", is_intermediate=False)
    builder.edge("steps.collection", "each.collection")
    builder.edge("each.item", "brighten.max")
    builder.edge("canvas.image", "brighten.image")
    builder.edge("brighten.image", "save.image")
    return builder.build(
        [
            ("canvas", "color", "Colour"),
            ("steps", "start", "Darkest"),
            ("steps", "stop", "Brightest"),
            ("steps", "step", "Step"),
            ("save", "board", "Board"),
        ]
    )


def _model(name: str) -> Optional[dict[str, Any]]:
    for record in default_models():
        if record["name"] == name:
            return {key: record[key] for key in ("key", "hash", "name", "base", "type")}
    return None


def _text_to_image(schemas: NodeSchemas) -> Workflow:
    builder = _Builder(
        schemas, "Text to Image - SD1.5", "A text and a model give a picture."
    )
    builder.node("model", "main_model_loader", model=_model("Simulated SD 1.5"))
    builder.node("positive", "compel", prompt="a lighthouse at dawn")
    builder.node("negative", "compel", prompt="")
    _denoise(builder, 512)
    for part in ("positive", "negative"):
        builder.edge("model.clip", f"{part}.clip")
    builder.edge("model.vae", "decode.vae")
    return builder.build(
        [
            ("model", "model", "Model"),
            ("positive", "prompt", "Positive Prompt"),
            ("negative", "prompt", "Negative Prompt"),
            ("noise", "width", "Width"),
            ("noise", "height", "Height"),
            ("decode", "board", "Board"),
        ]
    )


def _text_to_image_xl(schemas: NodeSchemas) -> Workflow:
    builder = _Builder(
        schemas, "Text to Image - SDXL", "A text, a model and a VAE give a picture."
    )
    builder.node("model", "sdxl_model_loader", model=_model("Simulated SDXL"))
    builder.node("vae", "vae_loader", vae_model=_model("Simulated SDXL VAE"))
    builder.node("positive-text", "string", value="a lighthouse at dawn")
    builder.node("negative-text", "string", value="")
    builder.node("positive", "sdxl_compel_prompt")
    builder.node("negative", "sdxl_compel_prompt")
    _denoise(builder, 1024)
    for part in ("positive", "negative"):
        builder.edge(f"{part}-text.value", f"{part}.prompt")
        builder.edge(f"{part}-text.value", f"{part}.style")
        builder.edge("model.clip", f"{part}.clip")
        builder.edge("model.clip2", f"{part}.clip2")
    builder.edge("vae.vae", "decode.vae")
    return builder.build(
        [
            ("positive-text", "value", "Positive Prompt"),
            ("negative-text", "value", "Negative Prompt"),
            ("model", "model", "Model"),
            ("vae", "vae_model", "VAE"),
            ("decode", "board", "Board"),
        ]
    )


def _denoise(builder: _Builder, size: int) -> None:
    """From two conditionings to a picture; the seed is random."""
    builder.node("seed", "rand_int", use_cache=False)
    builder.node("noise", "noise", width=size, height=size)
    builder.node("denoise", "denoise_latents", steps=20, cfg_scale=7.5)
    builder.node("decode", "l2i", is_intermediate=False)
    for part in ("positive", "negative"):
        builder.edge(f"{part}.conditioning", f"denoise.{part}_conditioning")
    builder.edge("model.unet", "denoise.unet")
    builder.edge("seed.value", "noise.seed")
    builder.edge("noise.noise", "denoise.noise")
    builder.edge("denoise.latents", "decode.latents")
