"""Values in files of formats 1 and 2, which say the type of each input themselves.

The GUI reads such a value by the type that the file declares and forgets it where the
two do not fit: every list, every type that was not known then. We keep what it forgets,
and say so. What fits is read like a value of a newer file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from invokeai_py_client.workflow.javascript import is_finite, is_safe_integer, trim

__all__ = ["gui_reads_old_value"]

_SCHEDULERS = frozenset(
    (
        "ddim",
        "ddpm",
        "deis",
        "dpmpp_2m",
        "dpmpp_2m_k",
        "dpmpp_2m_sde",
        "dpmpp_2m_sde_k",
        "dpmpp_2s",
        "dpmpp_2s_k",
        "dpmpp_sde",
        "dpmpp_sde_k",
        "euler",
        "euler_a",
        "euler_k",
        "heun",
        "heun_k",
        "kdpm_2",
        "kdpm_2_a",
        "lcm",
        "lms",
        "lms_k",
        "pndm",
        "unipc",
    )
)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_boolean(value: Any) -> bool:
    return isinstance(value, bool)


def _names(key: str) -> Callable[[Any], bool]:
    def check(value: Any) -> bool:
        name = value.get(key) if isinstance(value, Mapping) else None
        return isinstance(name, str) and bool(trim(name))

    return check


def _is_color(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        is_safe_integer(value.get(key)) and 0 <= value[key] <= 255 for key in "rgba"
    )


def _is_scheduler(value: Any) -> bool:
    return isinstance(value, str) and value in _SCHEDULERS


_READ: Mapping[str, Callable[[Any], bool]] = {
    "BoardField": _names("board_id"),
    "BooleanField": _is_boolean,
    "ColorField": _is_color,
    "EnumField": _is_text,
    "FloatField": is_finite,
    "ImageField": _names("image_name"),
    "IntegerField": is_safe_integer,
    "SchedulerField": _is_scheduler,
    "StringField": _is_text,
}
_FORMAT_1_NAMES: Mapping[str, str] = {
    "ColorPolymorphic": "ColorField",
    "ImagePolymorphic": "ImageField",
    "IntegerPolymorphic": "IntegerField",
    "FloatPolymorphic": "FloatField",
    "StringPolymorphic": "StringField",
    "BooleanPolymorphic": "BooleanField",
    "Scheduler": "SchedulerField",
    "boolean": "BooleanField",
    "enum": "EnumField",
    "float": "FloatField",
    "integer": "IntegerField",
    "string": "StringField",
}


def gui_reads_old_value(declared: Any, value: Any) -> bool:
    """Whether the GUI still has the value after reading such a file.

    Args:
        declared: The input's `type` in the file: a name in format 1, an object with
            a `name` in format 2.
        value: The stored value.
    """
    name = declared.get("name") if isinstance(declared, Mapping) else declared
    if not isinstance(name, str):
        return False
    reads = _READ.get(_FORMAT_1_NAMES.get(name, name))
    return reads is not None and reads(value)
