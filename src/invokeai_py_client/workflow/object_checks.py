"""Objects as the server reads them: the keys that each kind needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Optional

from invokeai_py_client.ivk_fields.model import RECORD_KEYS
from invokeai_py_client.workflow.refusals import Refusal
from invokeai_py_client.workflow.scalar_checks import as_float, as_integer

__all__ = ["OBJECTS", "keys_refusal"]


def _named_object(key: str, noun: str) -> Callable[[Any], Optional[Refusal]]:
    def check(value: Any) -> Optional[Refusal]:
        if isinstance(value, Mapping) and isinstance(value.get(key), str):
            return None
        return Refusal("type", f'{noun}: {{"{key}": "…"}}')

    return check


def _color(value: Any) -> Optional[Refusal]:
    words = '{"r", "g", "b", "a"}: integers from 0 to 255'
    if not isinstance(value, Mapping):
        return Refusal("type", words)
    for key in "rgba":
        part = as_integer(value.get(key))
        if part is None or not 0 <= part <= 255:
            return Refusal("color", words)
    return None


def _model(value: Any) -> Optional[Refusal]:
    words = "a model with the texts key, hash, name, base and type"
    if not isinstance(value, Mapping):
        return Refusal("type", words)
    if not all(isinstance(value.get(key), str) for key in RECORD_KEYS):
        return Refusal("model", words)
    if not isinstance(value.get("submodel_type"), (str, type(None))):
        return Refusal("model", "a submodel_type that is text or null")
    return None


def _lora(value: Any) -> Optional[Refusal]:
    if not isinstance(value, Mapping):
        return Refusal("type", "a LoRA: an object with lora and weight")
    refused = _model(value.get("lora"))
    if refused:
        return Refusal(refused.kind, f"lora: {refused.allowed}")
    if as_float(value.get("weight")) is None:
        return Refusal("type", "weight: a number")
    return None


OBJECTS: Mapping[str, Callable[[Any], Optional[Refusal]]] = {
    "BoardField": _named_object("board_id", "a board"),
    "ColorField": _color,
    "ImageField": _named_object("image_name", "an image"),
    "LoRAField": _lora,
    "ModelIdentifierField": _model,
    "StylePresetField": _named_object("style_preset_id", "a style preset"),
    "SystemPromptField": _named_object("system_prompt_id", "a system prompt"),
    "VideoField": _named_object("video_name", "a video"),
}
"""What is wrong with a value, by the name of its type."""


def keys_refusal(value: Any, keys: Sequence[str], words: str) -> Optional[Refusal]:
    """What is wrong with an object of which only the needed keys are known."""
    if not isinstance(value, Mapping) or not all(key in value for key in keys):
        listing = f" with {', '.join(keys)}" if keys else ""
        return Refusal("type", f"{words}{listing}")
    for key in keys:
        check = PARTS.get(key)
        refused = check(value[key]) if check else None
        if refused is not None:
            return Refusal(refused.kind, f"{words}; {key}: {refused.allowed}")
    return None


def _text(value: Any) -> Optional[Refusal]:
    return None if isinstance(value, str) else Refusal("type", "text")


def _integer(value: Any) -> Optional[Refusal]:
    return Refusal("type", "an integer") if as_integer(value) is None else None


def _numbers(value: Any) -> Optional[Refusal]:
    """One number, or where the server takes them, a list."""
    items = value if isinstance(value, list) else [value]
    return Refusal("type", "a number") if None in map(as_float, items) else None


def _images(value: Any) -> Optional[Refusal]:
    """One image, or where the server takes them, a list."""
    items = value if isinstance(value, list) else [value]
    refusals = map(OBJECTS["ImageField"], items)
    return next((item for item in refusals if item is not None), None)


PARTS: Mapping[str, Callable[[Any], Optional[Refusal]]] = {
    **dict.fromkeys(
        (
            "control_model",
            "decoder",
            "image_encoder_model",
            "ip_adapter_model",
            "lora",
            "model",
            "scheduler",
            "t2i_adapter_model",
            "text_encoder",
            "tokenizer",
            "transformer",
            "unet",
            "vae",
        ),
        _model,
    ),
    **dict.fromkeys(
        (
            "condition_tensor_name",
            "conditioning_name",
            "image_name",
            "latents_name",
            "mask_name",
            "prompt",
            "reference_latents_name",
            "tensor_name",
        ),
        _text,
    ),
    **dict.fromkeys(
        ("height", "skipped_layers", "width", "x_max", "x_min", "y_max", "y_min"),
        _integer,
    ),
    "image": _images,
    "img": _images,
    "weight": _numbers,
}
"""What stands under a needed key; a key means the same in every type of 6.14.2."""
