"""Values as people say them, where a sweep differs from what the folder has. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from invokeai_py_client.exceptions.base import short_repr

AS_IN_FILE = object()
"""Where a sweep does not set a value that is in the workflow's file."""

_NAMES = ("name", "board_name", "text", "board_id")


def difference(name: str, there: Any, here: Any) -> str:
    """How a plain value in the folder differs from that of the plan."""
    said_there, said_here = _said(there), _said(here)
    if said_there == said_here:
        return f"{name} is {said_here}, but not the one of that name in the folder"
    return f"{name} is {said_there} in the folder and {said_here} here"


def _said(plain: Any) -> str:
    """A model by its name, a file by its own, anything else as it is."""
    if plain is AS_IN_FILE:
        return "the workflow's own"
    if isinstance(plain, list) and any(isinstance(item, Mapping) for item in plain):
        return short_repr([_name(item) for item in plain])
    return short_repr(_name(plain))


def _name(plain: Any) -> Any:
    if not isinstance(plain, Mapping):
        return plain
    if isinstance(plain.get("$file"), str):
        return re.split(r"[/\\]", plain["$file"])[-1]
    tag = next((key for key in plain if key.startswith("$")), None)
    inner = plain if tag is None else plain[tag]
    if not isinstance(inner, Mapping):
        return inner
    # Items of a list of LoRAs have a model each.
    inner = next((inner[key] for key in ("lora", "model") if key in inner), inner)
    if not isinstance(inner, Mapping) or "$model" in inner:
        return _name(inner)
    return next((inner[key] for key in _NAMES if inner.get(key)), dict(inner))
