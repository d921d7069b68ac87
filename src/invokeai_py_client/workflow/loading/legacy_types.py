"""Values in files of formats 1 and 2, which say the type of each input themselves.

The GUI reads such a value by the type that the file declares and forgets it where the
two do not fit: every list, every type that was not known then. We keep what it forgets,
and say so. What fits is read like a value of a newer file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from invokeai_py_client.workflow.document.js_semantics import (
    is_finite,
    is_safe_integer,
)
from invokeai_py_client.workflow.loading.editor_only_parts import is_boolean, is_text
from invokeai_py_client.workflow.loading.literal_shapes import (
    NO_MATCH,
    Matcher,
    color,
    id_object,
)

_SCHEDULERS = frozenset(
    (
        "ddim", "ddpm", "deis", "dpmpp_2m", "dpmpp_2m_k", "dpmpp_2m_sde",
        "dpmpp_2m_sde_k", "dpmpp_2s", "dpmpp_2s_k", "dpmpp_sde", "dpmpp_sde_k",
        "euler", "euler_a", "euler_k", "heun", "heun_k", "kdpm_2", "kdpm_2_a", "lcm",
        "lms", "lms_k", "pndm", "unipc",
    )
)  # fmt: skip


def _is_scheduler(value: Any) -> bool:
    return isinstance(value, str) and value in _SCHEDULERS


def _has_shape(shape: Matcher) -> Callable[[Any], bool]:
    return lambda value: shape(value) is not NO_MATCH


_READ: Mapping[str, Callable[[Any], bool]] = {
    "BoardField": _has_shape(id_object("board_id")),
    "BooleanField": is_boolean,
    "ColorField": _has_shape(color),
    "EnumField": is_text,
    "FloatField": is_finite,
    "ImageField": _has_shape(id_object("image_name")),
    "IntegerField": is_safe_integer,
    "SchedulerField": _is_scheduler,
    "StringField": is_text,
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

    `declared` is a name in format 1, an object with a `name` in format 2.
    """
    name = declared.get("name") if isinstance(declared, Mapping) else declared
    if not isinstance(name, str):
        return False
    reads = _READ.get(_FORMAT_1_NAMES.get(name, name))
    return reads is not None and reads(value)
