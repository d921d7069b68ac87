"""One value of a recipe: what it is, and where it is known from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Optional

from invokeai_py_client._exports import set_module

Source = Literal[
    "session",
    "graph",
    "workflow",
    "metadata",
    "a1111 text",
    "invokeai text",
    "sd-metadata text",
    "dream text",
    "unknown",
]
"""Where a value is known from, the most reliable first."""

MAIN_NAMES = (
    "prompt",
    "negative_prompt",
    "seed",
    "model",
    "steps",
    "cfg_scale",
    "scheduler",
    "width",
    "height",
)
"""What every recipe has a value of, known or not."""

# What the metadata of InvokeAI calls them.
_METADATA_NAMES = {"positive_prompt": "prompt", "negative_prompt": "negative_prompt"}


@set_module("invokeai_py_client")
@dataclass(frozen=True)
class RecipeValue:
    """A value that made an image.

    Attributes:
        name: What the recipe calls it.
        value: As the server has it: a model is a dict with its name, an image one with
            its ``image_name``. None when it is not known.
        source: ``"session"``, what the job really used; ``"graph"``, the graph stored
            with the image; ``"workflow"``, the workflow stored with it, whose values a
            batch may have replaced; ``"metadata"``; the text of another program or an
            older InvokeAI, such as ``"a1111 text"``; ``"unknown"``.
        node_id: The node that used it; None when the source does not say.
        field_name: Its input.
        note: Why it is not known; empty when it is.
        candidates: The values between which the source does not decide.
    """

    name: str
    value: Any
    source: Source
    node_id: Optional[str] = None
    field_name: Optional[str] = None
    note: str = ""
    candidates: Sequence[RecipeValue] = field(default=(), repr=False)

    @property
    def is_known(self) -> bool:
        """True when there is a value."""
        return self.source != "unknown"

    @property
    def shown(self) -> str:
        """The value as people read it: a model by its name; empty when unknown."""
        value = self.value
        if value is None or isinstance(value, str):
            return value or ""
        for key in ("name", "model_name", "image_name", "board_id"):
            if isinstance(value, Mapping) and isinstance(value.get(key), str):
                return str(value[key])
        return json.dumps(value, ensure_ascii=False, default=str)

    @property
    def place(self) -> str:
        """The node and its input; empty when the source does not say."""
        return f"{self.node_id}.{self.field_name}" if self.node_id else ""

    def __str__(self) -> str:
        where = f"{self.source}: {self.place}" if self.place else self.source
        said = self.shown if self.is_known else self.note
        return f"{self.name} = {said} ({where})" if said else f"{self.name} ({where})"


def unknown(
    name: str, note: str = "", candidates: Sequence[RecipeValue] = ()
) -> RecipeValue:
    """A value that nothing tells."""
    return RecipeValue(name, None, "unknown", note=note, candidates=tuple(candidates))


def agreed(name: str, found: Sequence[RecipeValue]) -> RecipeValue:
    """The value that all of `found` have; unknown when they differ, or are none."""
    if not found:
        return unknown(name)
    if any(not value.is_known for value in found):
        lost = next(value for value in found if not value.is_known)
        return unknown(name, lost.note, [value for value in found if value.is_known])
    if (
        len({json.dumps(value.value, sort_keys=True, default=str) for value in found})
        > 1
    ):
        shown = ", ".join(f"{value.place} = {value.value!r:.40}" for value in found[:4])
        return unknown(name, f"several nodes have one: {shown}", found)
    return found[0]


def named_values(values: Mapping[str, Any], source: Source) -> dict[str, RecipeValue]:
    """The entries of metadata or of another text, by the names of recipes."""
    found: dict[str, RecipeValue] = {}
    for key, value in values.items():
        if value is not None and value != []:
            name = _METADATA_NAMES.get(key, key)
            found[name] = RecipeValue(name, value, source)
    return found


def model_name(value: Any) -> Optional[str]:
    """The name of a model as any version writes it, else its hash or key."""
    if isinstance(value, Mapping):
        for key in ("name", "model_name", "hash", "key"):
            if isinstance(value.get(key), str) and value[key]:
                return str(value[key])
        return None
    return value if isinstance(value, str) else None
