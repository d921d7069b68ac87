"""Identities: the key of an item, and the part of a plan that it belongs to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from invokeai_py_client._file_names import FileNameTemplate
from invokeai_py_client.sweep.planning.plain_values import (
    canonical_json,
    readable_value,
    without_paths,
)
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle

KEY_LENGTH = 20
PART_LENGTH = 16


def readable(text: str) -> Any:
    """The value that canonical JSON means, as people write it."""
    return readable_value(json.loads(text))


def default_key(values: str, repeats: Sequence[int]) -> str:
    """A digest of an item's values, which tells repeated ones apart.

    Args:
        values: Their canonical JSON; files count by their content.
        repeats: On each axis, how often the same came before.
    """
    if '"$file"' in values:
        values = canonical_json(without_paths(json.loads(values)))
    if any(repeats):
        last = max(place for place, count in enumerate(repeats) if count)
        again = ",".join(map(str, repeats[: last + 1]))
        values = f"{values}{again}"
    return hashlib.sha256(values.encode()).hexdigest()[:KEY_LENGTH]


@lru_cache(maxsize=4096)
def part_digest(fixed: Sequence[object]) -> str:
    """The digest of what no batch can vary: values, and columns without one."""
    return hashlib.sha256(repr(fixed).encode()).hexdigest()[:PART_LENGTH]


MakeKey = Callable[[int, Mapping[str, str]], str]
"""The key of an item by its index and its values, in canonical JSON by column."""


def template_key(
    template: str, handle: BaseWorkflowHandle, columns: Sequence[str]
) -> MakeKey:
    """Keys by a template.

    Its fields are the columns, the workflow's inputs and ``index``.

    Raises:
        ArgumentError: It is not a template, or has a field of another name.
    """
    parsed = FileNameTemplate.parse(template, argument="key")
    parsed.require(list(dict.fromkeys([*columns, *handle.inputs.names, "index"])))

    def make(index: int, texts: Mapping[str, str]) -> str:
        values: dict[str, Any] = {"index": index}
        for name in parsed.fields:
            if name in texts:
                values[name] = readable(texts[name])
            elif name != "index":
                values[name] = handle[name] if name in handle.inputs.names else None
        return parsed.format(values)

    return make
