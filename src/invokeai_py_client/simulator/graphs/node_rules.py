"""What some classes of the server check beyond their schema.

These are the pydantic validators of the node and field classes of 6.14.2, which a JSON
schema cannot express. A batch value that breaks one is poison like any other.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any, Callable

from pydantic import ValidationInfo, field_validator, model_validator

_SEEDS = 2**32
_CUSTOM_LABEL = "* CUSTOM LABEL *"
_FACE_IDS = re.compile(r"^\d*(,\d+)*$")


def _range_stop(value: int, info: ValidationInfo) -> int:
    if "start" in info.data and value <= info.data["start"]:
        raise ValueError("stop must be greater than start")
    return value


def _integer_math_b(value: int, info: ValidationInfo) -> int:
    operation = info.data["operation"]
    if operation in ("DIV", "MOD") and value == 0:
        raise ValueError("Cannot divide by zero")
    if operation == "EXP" and value < 0:
        raise ValueError("Result of exponentiation is not an integer")
    return value


def _float_math_b(value: float, info: ValidationInfo) -> float:
    operation, a = info.data["operation"], info.data["a"]
    if operation == "DIV" and value == 0:
        raise ValueError("Cannot divide by zero")
    if operation == "EXP" and a == 0 and value < 0:
        raise ValueError("Cannot raise zero to a negative power")
    if operation == "EXP" and isinstance(_power(a, value), complex):
        raise ValueError("Root operation resulted in a complex number")
    return value


def _power(base: float, exponent: float) -> Any:
    try:
        return base**exponent
    except OverflowError as error:  # ends the server's worker like a refused value
        raise ValueError(str(error)) from error


def _existing_file(path: str) -> str:
    if not Path(path).exists():
        raise ValueError(FileNotFoundError)
    return path


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _at_least_one(value: Any) -> Any:
    if any(number < 1 for number in _each(value)):
        raise ValueError("cfg_scale must be greater than 1")
    return value


def _finite_cfg(value: Any) -> Any:
    if not all(math.isfinite(number) for number in _each(value)):
        raise ValueError("cfg_scale values must be finite.")
    return value


def _finite_shift(value: Any) -> Any:
    if value is not None and not math.isfinite(value):
        raise ValueError("shift must be finite.")
    return value


def _weights(value: Any) -> Any:
    if value is not None and any(number < -1 or number > 2 for number in _each(value)):
        raise ValueError("Control weights must be within -1 to 2 range")
    return value


def _wrapped_seed(value: Any) -> Any:
    # Not a check: a seed beyond the largest starts again at 0.
    return value % _SEEDS if isinstance(value, (int, float)) else value


def _face_ids(value: str) -> str:
    if _FACE_IDS.match(value) is None:
        raise ValueError(
            'Face IDs must be a comma-separated list of integers (e.g. "1,2,3")'
        )
    return value


def _panel(field: str, count: str) -> Callable[..., Any]:
    def check(value: int, info: ValidationInfo) -> int:
        last = info.data[count] - 1
        if value < 0 or value > last:
            raise ValueError(f"{field} must be between 0 and {last}")
        return value

    return check


def _begin_before_end(model: Any) -> Any:
    if model.begin_step_percent > model.end_step_percent:
        raise ValueError(
            "Begin step percent must be less than or equal to end step percent"
        )
    return model


def _box(model: Any) -> Any:
    for axis in ("x", "y"):
        low, high = getattr(model, f"{axis}_min"), getattr(model, f"{axis}_max")
        if low > high:
            raise ValueError(f"{axis}_min ({low}) is greater than {axis}_max ({high}).")
    return model


def _as_many_points_as_boxes(model: Any) -> Any:
    points, boxes = model.point_lists, model.bounding_boxes
    if points is not None and boxes is not None and len(points) != len(boxes):
        raise ValueError(
            "If both point_lists and bounding_boxes are provided, they must have the "
            "same length."
        )
    return model


def _labelled(model: Any) -> Any:
    if model.label == _CUSTOM_LABEL and not (model.custom_label or "").strip():
        raise ValueError("You must enter a Custom Label")
    return model


# Its name is part of where the error is said to be.
def _validate_weight_bounds(model: Any) -> Any:
    low = -1.0 if model.weight_min is None else model.weight_min
    high = 2.0 if model.weight_max is None else model.weight_max
    if low >= high:
        raise ValueError(
            f"effective weight range is invalid: min ({low}) must be less than max "
            f"({high})"
        )
    if model.weight is not None and not low <= model.weight <= high:
        raise ValueError(
            f"weight ({model.weight}) must be within the effective range "
            f"[{low}, {high}]"
        )
    return model


def _web_address(value: Any) -> Any:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ValueError("source_url must be a string")
    if not value.startswith(("https://", "http://")):
        raise ValueError("source_url must be an http or https URL")
    return value


def _on(field: str, check: Callable[..., Any], mode: Any = "after") -> dict[str, Any]:
    decorate: Any = field_validator(field, mode=mode)
    return {f"{field}_rule": decorate(check)}


def _whole(check: Callable[..., Any]) -> dict[str, Any]:
    decorate: Any = model_validator(mode="after")
    return {"whole_rule": decorate(check)}


def _adapter(weight: str) -> dict[str, Any]:
    return {**_on(weight, _weights), **_whole(_begin_before_end)}


_LABELLED = (
    "metadata_item_linked", "metadata_to_string", "metadata_to_string_collection",
    "metadata_to_integer", "metadata_to_integer_collection", "metadata_to_float",
    "metadata_to_float_collection", "metadata_to_bool", "metadata_to_bool_collection",
    "metadata_to_scheduler", "metadata_to_model", "metadata_to_sdxl_model",
    "metadata_to_vae",
)  # fmt: skip
# By node type, or by the name of a field's class.
_RULES: dict[str, Callable[[], dict[str, Any]]] = {
    "range": lambda: _on("stop", _range_stop),
    "integer_math": lambda: _on("b", _integer_math_b),
    "float_math": lambda: _on("b", _float_math_b),
    "prompt_from_file": lambda: _on("file_path", _existing_file),
    "noise": lambda: _on("seed", _wrapped_seed, "before"),
    "denoise_latents": lambda: _on("cfg_scale", _at_least_one),
    "denoise_latents_meta": lambda: _on("cfg_scale", _at_least_one),
    "tiled_multi_diffusion_denoise_latents": lambda: _on("cfg_scale", _at_least_one),
    "krea2_denoise": lambda: {
        **_on("cfg_scale", _finite_cfg),
        **_on("shift", _finite_shift),
    },
    "image_panel_layout": lambda: {
        **_on("panel_col_idx", _panel("panel_col_idx", "num_cols")),
        **_on("panel_row_idx", _panel("panel_row_idx", "num_rows")),
    },
    "controlnet": lambda: _adapter("control_weight"),
    "flux_controlnet": lambda: _adapter("control_weight"),
    "ip_adapter": lambda: _adapter("weight"),
    "flux_ip_adapter": lambda: _adapter("weight"),
    "t2i_adapter": lambda: _adapter("weight"),
    "face_mask_detection": lambda: _on("face_ids", _face_ids),
    "segment_anything": lambda: _whole(_as_many_points_as_boxes),
    "ControlField": lambda: _adapter("control_weight"),
    "FluxControlNetField": lambda: _adapter("control_weight"),
    "IPAdapterField": lambda: _adapter("weight"),
    "T2IAdapterField": lambda: _adapter("weight"),
    "BoundingBoxField": lambda: _whole(_box),
    "LoraModelDefaultSettings": lambda: _whole(_validate_weight_bounds),
    "ModelRecordChanges": lambda: _on("source_url", _web_address, "before"),
    **dict.fromkeys(_LABELLED, lambda: _whole(_labelled)),
}


def has_rules(node_type: str) -> bool:
    """Whether the class of a node type checks more than its schema says."""
    return node_type in _RULES


def validators_of(name: str) -> dict[str, Any]:
    """The validators of a node type or field class, for `pydantic.create_model`."""
    return _RULES[name]() if name in _RULES else {}
