"""Objects as the server reads them: the keys that each kind needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Optional

from invokeai_py_client.workflow.refusals import Refusal
from invokeai_py_client.workflow.scalar_checks import as_float, as_integer

__all__ = ["OBJECTS", "keys_refusal"]


def keys_refusal(value: Any, keys: Sequence[str], words: str) -> Optional[Refusal]:
    """What is wrong with an object of which only the needed keys are known."""
    if isinstance(value, Mapping) and all(key in value for key in keys):
        return None
    listing = f" with {', '.join(keys)}" if keys else ""
    return Refusal("type", f"{words}{listing}")


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


MODEL_KEYS = ("key", "hash", "name", "base", "type")


def _model(value: Any) -> Optional[Refusal]:
    words = "a model with the texts key, hash, name, base and type"
    if not isinstance(value, Mapping):
        return Refusal("type", words)
    if not all(isinstance(value.get(key), str) for key in MODEL_KEYS):
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
