"""The values of generator nodes in called workflows, as the server resolves them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from typing import Any, Optional

from .dynamic_prompts import combinations, random_prompts
from .saved_graph import UnsupportedWorkflowNodeError

BoardImages = Callable[[str, str], list[str]]
"""The names of the images on a board: by its id, and `images` or `assets`."""

TOO_MANY = (
    "call_saved_workflow exceeds remaining queue capacity for child workflow executions"
)
_COUNT = 10
_PLACEHOLDERS: dict[str, Any] = {
    "integer_generator": 0,
    "float_generator": 0.0,
    "string_generator": "",
    "image_generator": {"image_name": "compatibility-placeholder"},
}


class TooManySessionsError(ValueError):
    """A call asks for more children than the queue has room for."""


def placeholder_items(data: Mapping[str, Any]) -> list[Any]:
    """One value of the right type, to see whether a workflow can be called."""
    node_type = str(data.get("type"))
    if node_type not in _PLACEHOLDERS:
        raise _unsupported("generator node", node_type)
    return [_PLACEHOLDERS[node_type]]


def generated_items(
    data: Mapping[str, Any], maximum: int, board_images: BoardImages
) -> list[Any]:
    """The values that a generator node makes.

    Args:
        data: The node, as the workflow stores it.
        maximum: How many there may be.
        board_images: What is on a board, or a refusal.

    Raises:
        TooManySessionsError: It announces more than that.
        UnsupportedWorkflowNodeError: The server cannot resolve it.
        ValueError: A text that should be a number is none.
    """
    value = _settings(data)
    announced = _announced(value)
    if announced is not None and announced > maximum:
        raise TooManySessionsError(TOO_MANY)
    node_type = str(data.get("type"))
    if node_type == "integer_generator":
        return _integers(value)
    if node_type == "float_generator":
        return _floats(value)
    if node_type == "string_generator":
        return _strings(value)
    if node_type == "image_generator":
        return _images(value, board_images)
    raise _unsupported("generator node", node_type)


def _unsupported(what: str, name: Any) -> UnsupportedWorkflowNodeError:
    return UnsupportedWorkflowNodeError(f"Unsupported {what} type '{name}'")


def _settings(data: Mapping[str, Any]) -> Mapping[str, Any]:
    inputs = data.get("inputs")
    if not isinstance(inputs, Mapping):
        raise UnsupportedWorkflowNodeError(
            "call_saved_workflow generator node is malformed"
        )
    says = f"call_saved_workflow generator node '{data.get('id')}'"
    if not isinstance(inputs.get("generator"), Mapping):
        raise UnsupportedWorkflowNodeError(f"{says} is missing generator input")
    value = inputs["generator"].get("value")
    if not isinstance(value, Mapping):
        raise UnsupportedWorkflowNodeError(f"{says} has invalid generator value")
    return value


def _announced(value: Mapping[str, Any]) -> Optional[int]:
    if isinstance(value.get("values"), list):
        return len(value["values"])
    kind = str(value.get("type"))
    if kind == "string_generator_dynamic_prompts_combinatorial":
        return int(value.get("maxPrompts", _COUNT))
    if kind == "string_generator_dynamic_prompts_random" or kind.endswith(
        ("_arithmetic_sequence", "_linear_distribution", "_distribution_uniform")
    ):
        return int(value.get("count", _COUNT))
    return None


def _kind(value: Mapping[str, Any], prefix: str) -> str:
    return str(value.get("type")).removeprefix(f"{prefix}_generator_")


def _split(value: Mapping[str, Any]) -> list[str]:
    text, separator = str(value.get("input", "")), str(value.get("splitOn", ","))
    if separator == "":
        return [text]
    try:
        # Written as in JSON, such as \n.
        separator = json.loads(f'"{separator}"')
    except ValueError:
        return text.split(separator)
    return text.split(separator)


def _integers(value: Mapping[str, Any]) -> list[Any]:
    kind, count = _kind(value, "integer"), int(value.get("count", _COUNT))
    if kind == "arithmetic_sequence":
        start, step = int(value.get("start", 0)), int(value.get("step", 1))
        return [start + n * step for n in range(count)] if step else [start]
    if kind == "linear_distribution":
        start, end = int(value.get("start", 0)), int(value.get("end", 10))
        if count == 1:
            return [start]
        return [start + round((end - start) * (n / (count - 1))) for n in range(count)]
    if kind == "random_distribution_uniform":
        low, high = int(value.get("min", 0)), int(value.get("max", 10))
        draw = random.Random(value.get("seed")).random
        return [int(draw() * (high - low + 1)) + low for _ in range(count)]
    if kind == "parse_string":
        return [int(part.strip()) for part in _split(value) if part.strip()]
    raise _unsupported("integer generator", value.get("type"))


def _floats(value: Mapping[str, Any]) -> list[Any]:
    kind, count = _kind(value, "float"), int(value.get("count", _COUNT))
    if kind == "arithmetic_sequence":
        start, step = float(value.get("start", 0)), float(value.get("step", 1))
        return [start + n * step for n in range(count)] if step else [start]
    if kind == "linear_distribution":
        start, end = float(value.get("start", 0)), float(value.get("end", 1))
        if count == 1:
            return [start]
        return [start + (end - start) * (n / (count - 1)) for n in range(count)]
    if kind in ("random_distribution_uniform", "parse_string"):
        if isinstance(value.get("values"), list):
            return [float(part) for part in value["values"]]
        if kind == "parse_string":
            return [float(part.strip()) for part in _split(value) if part.strip()]
        low, high = float(value.get("min", 0)), float(value.get("max", 1))
        draw = random.Random(value.get("seed")).random
        return [draw() * (high - low) + low for _ in range(count)]
    raise _unsupported("float generator", value.get("type"))


def _strings(value: Mapping[str, Any]) -> list[Any]:
    kind = _kind(value, "string")
    if kind == "parse_string":
        return [part for part in _split(value) if part]
    template = str(value.get("input", ""))
    if kind == "dynamic_prompts_combinatorial":
        return combinations(template, int(value.get("maxPrompts", _COUNT)))
    if kind == "dynamic_prompts_random":
        seed = value.get("seed")
        count = int(value.get("count", _COUNT))
        return random_prompts(template, count, None if seed is None else int(seed))
    raise _unsupported("string generator", value.get("type"))


def _images(value: Mapping[str, Any], board_images: BoardImages) -> list[Any]:
    if value.get("type") != "image_generator_images_from_board":
        raise _unsupported("image generator", value.get("type"))
    board_id = value.get("board_id")
    if not isinstance(board_id, str) or not board_id:
        return []
    kind = "images" if value.get("category", "images") == "images" else "assets"
    return [{"image_name": name} for name in board_images(board_id, kind)]
