"""Typed stand-ins for the outputs of nodes that need a model.

Loaders, encoders, denoisers and everything else that no implementation computes
return an output of the declared type. Facts (prompt, seed, steps, size, model) travel
with the stand-ins from node to node, and a decoder draws them as an image.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Optional

from pydantic import BaseModel

from ..media.placeholder import placeholder, preview

if TYPE_CHECKING:
    from ..graphs.node_schema import Node
    from .node_context import Context

logger = logging.getLogger("invokeai_py_client.simulator")

_TENSOR_KEYS = (
    "latents_name", "conditioning_name", "mask_name", "tensor_name",
    "masked_latents_name", "reference_latents_name", "condition_tensor_name",
)  # fmt: skip
_OWN_FACTS = (
    "seed", "steps", "width", "height", "cfg_scale", "scheduler", "strength",
    "num_frames",
)  # fmt: skip
_warned: set[str] = set()


def stand_in_output(node: Node, context: Context) -> dict[str, Any]:
    """The output fields of a node that is not computed."""
    facts = gather_facts(node, context)
    load_models(node, context)
    steps = getattr(node, "steps", None) or getattr(node, "num_steps", None)
    properties = _output_properties(node, context)
    if isinstance(steps, int) and "latents" in properties:
        _denoise(context, facts, steps)
    elif not _is_expected(properties, facts) and node.type not in _warned:
        _warned.add(node.type)
        logger.warning(
            "the simulator does not compute %s nodes; it returns a stand-in", node.type
        )
    if {"latents", "width"} <= properties.keys():
        _take_size(node, context, facts)
    maker = _Maker(node, context, facts)
    return {name: maker.field(name, schema) for name, schema in properties.items()}


def _output_properties(node: Node, context: Context) -> dict[str, Any]:
    schema = context.schemas.output_schema(node.type)
    return {
        name: declared
        for name, declared in schema["properties"].items()
        if name not in ("type", "output_meta")
    }


def _is_expected(properties: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    """Whether the node is of the pipeline that users know to be simulated."""
    known = {
        "unet", "clip", "vae", "transformer", "t5_encoder", "conditioning", "latents",
        "noise", "lora", "qwen3_encoder",
    }  # fmt: skip
    return bool(known & properties.keys()) or "steps" in facts


def gather_facts(node: Node, context: Context) -> dict[str, Any]:
    """What is known of a generation at this node."""
    facts: dict[str, Any] = {}
    for name in type(node).model_fields:
        value = getattr(node, name)
        for key, tensor in _tensors(value):
            known = dict(context.recall(tensor) or {})
            if "negative" in name and key == "conditioning_name":
                known = {"negative": known.get("prompt")}
            facts.update({k: v for k, v in known.items() if v is not None})
        model = _model_name(value)
        if model is not None:
            facts.setdefault("model", model)
    for key in _OWN_FACTS:
        value = getattr(node, key, None)
        if value is not None:
            facts[key] = value
    steps = getattr(node, "num_steps", None)
    if steps is not None:
        facts["steps"] = steps
    prompt = getattr(node, "prompt", None)
    if isinstance(prompt, str):
        facts["prompt"] = prompt
    return facts


def _tensors(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, BaseModel):
        for key in type(value).model_fields:
            inner = getattr(value, key)
            if key in _TENSOR_KEYS and isinstance(inner, str):
                yield key, inner
            else:
                yield from _tensors(inner)
    elif isinstance(value, list):
        for item in value:
            yield from _tensors(item)


def _models(value: Any) -> Iterator[Any]:
    if isinstance(value, BaseModel):
        if type(value).__name__ == "ModelIdentifierField":
            yield value
        for key in type(value).model_fields:
            yield from _models(getattr(value, key))
    elif isinstance(value, list):
        for item in value:
            yield from _models(item)


def _model_name(value: Any) -> Optional[str]:
    model = next(_models(value), None)
    return None if model is None else str(model.name)


def load_models(node: Node, context: Context) -> None:
    """Ask for every model the node names, so that an unknown one fails the job."""
    loader = "loader" in node.type or "selector" in node.type
    seen = set()
    for name in type(node).model_fields:
        for model in _models(getattr(node, name)):
            identity = (model.key, str(model.submodel_type))
            if identity in seen:
                continue
            seen.add(identity)
            if loader:
                context.model_config(model)
            else:
                context.load_model(model)


def _take_size(node: Node, context: Context, facts: dict[str, Any]) -> None:
    """Use the size of the encoded image, in whole latent pixels."""
    image = getattr(node, "image", None)
    if image is not None and hasattr(image, "image_name"):
        width, height = context.open_image(image).size
        facts.update(width=width // 8 * 8, height=height // 8 * 8)


def _denoise(context: Context, facts: Mapping[str, Any], steps: int) -> None:
    size = (int(facts.get("width") or 512), int(facts.get("height") or 512))
    for step in range(steps + 1):
        done = step / steps
        context.progress("Denoising", done, preview(facts, size, done), size)
        if step < steps:
            context.pause_for_step()


class _Maker:
    """Makes values of declared types."""

    def __init__(self, node: Node, context: Context, facts: Mapping[str, Any]) -> None:
        self._node = node
        self._context = context
        self._facts = facts
        self._image: Optional[dict[str, Any]] = None

    def field(self, name: str, schema: Mapping[str, Any]) -> Any:
        """A value for an output: an input of the same name, or something made up."""
        given = getattr(self._node, name, None)
        if given is not None and name != "image":
            return given
        if name in ("width", "height"):
            if self._image is not None:
                return self._image[name]
            return int(self._facts.get(name) or 512)
        if name == "value" and schema.get("type") == "string":
            return str(self._facts.get("prompt") or "")
        return self.value(schema)

    def value(self, schema: Mapping[str, Any]) -> Any:
        """Something that fits a schema."""
        if "default" in schema:
            return schema["default"]
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][0]
        if "$ref" in schema:
            return self._named(schema["$ref"].rsplit("/", 1)[-1])
        alternatives = schema.get("anyOf") or schema.get("oneOf")
        if alternatives:
            if any(part.get("type") == "null" for part in alternatives):
                return None
            return self.value(alternatives[0])
        kind = schema.get("type")
        if kind in ("integer", "number"):
            return schema.get("minimum", 0)
        simple = {"string": "", "boolean": False, "array": [], "object": {}}
        return simple.get(str(kind))

    def _named(self, name: str) -> Any:
        if name == "ImageField":
            return self._output_image()["image"]
        if name == "ModelIdentifierField":
            return self._model()
        schema = self._context.schemas.components[name]
        if "enum" in schema:
            return schema["enum"][0]
        made: dict[str, Any] = {}
        for key, declared in schema.get("properties", {}).items():
            if key in _TENSOR_KEYS:
                if key in schema.get("required", ()):
                    made[key] = self._tensor()
            elif key == "seed":
                made[key] = self._facts.get("seed")
            elif key in schema.get("required", ()):
                made[key] = self.value(declared)
        return made

    def _tensor(self) -> str:
        name = f"{uuid.uuid4()}"
        self._context.remember(name, dict(self._facts))
        return name

    def _model(self) -> Any:
        for name in type(self._node).model_fields:
            model = next(_models(getattr(self._node, name)), None)
            if model is not None:
                return model.model_dump()
        return {"key": "", "hash": "", "name": "", "base": "any", "type": "main"}

    def _output_image(self) -> dict[str, Any]:
        if self._image is None:
            self._image = self._context.save_image(self._drawn())
        return self._image

    def _drawn(self) -> Any:
        for name in type(self._node).model_fields:
            given = getattr(self._node, name)
            if hasattr(given, "image_name"):
                return self._context.open_image(given)
        width = int(self._facts.get("width") or 512)
        height = int(self._facts.get("height") or 512)
        return placeholder(self._facts, width, height)
