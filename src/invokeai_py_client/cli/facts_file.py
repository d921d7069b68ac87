"""`--facts FILE`: what a server would answer, recorded for offline compiling.

```json
{
  "missing": {"images": [], "videos": [], "boards": [], "models": []},
  "dynamic_prompts": [
    {"prompt": "a {b|c}", "max_prompts": 1, "combinatorial": true, "seed": null,
     "answer": ["a b", "a c"]}
  ],
  "board_images": [
    {"board_id": "none", "categories": ["general"], "answer": ["x.png"]}
  ],
  "saved_workflows": {"library id": {"...": "the workflow, or null: no such id"}}
}
```

Every key may be left out. Among `missing`, `"*"` means that none of the kind exists.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invokeai_py_client.cli.errors import CliError

if TYPE_CHECKING:
    from invokeai_py_client.workflow.facts import Facts

__all__ = ["read_facts"]

_KINDS = ("images", "videos", "boards", "models")
_KEYS = ("missing", "dynamic_prompts", "board_images", "saved_workflows")


def read_facts(path: Path) -> Facts:
    """Read a facts file.

    Raises:
        CliError: It is not of the form above; the message names the place.
        FileNotFoundError: There is no such file.
    """
    from invokeai_py_client.workflow.facts import (
        BoardImagesQuery,
        DynamicPromptsQuery,
        Facts,
    )

    try:
        document = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise _refused(path, f"it is no JSON: {error}") from error
    place = _Place(path, "the document", document)
    place.known_keys(_KEYS)
    missing = place.child("missing", dict, {})
    missing.known_keys(_KINDS)
    prompts = place.child("dynamic_prompts", list, []).items()
    boards = place.child("board_images", list, []).items()
    saved = place.child("saved_workflows", dict, {})
    return Facts(
        missing={
            kind: frozenset(missing.child(kind, list, []).texts())
            for kind in missing.value
        },
        dynamic_prompts={
            DynamicPromptsQuery(
                prompt=item.child("prompt", str).value,
                max_prompts=item.child("max_prompts", int).value,
                combinatorial=item.child("combinatorial", bool).value,
                seed=item.value.get("seed"),
            ): item.child("answer", list).texts()
            for item in prompts
        },
        board_images={
            BoardImagesQuery(
                board_id=item.child("board_id", str).value,
                categories=tuple(item.child("categories", list).texts()),
            ): item.child("answer", list).texts()
            for item in boards
        },
        saved_workflows={
            key: None if value is None else saved.child(key, dict).value
            for key, value in saved.value.items()
        },
    )


class _Place:
    """A value inside the file, which knows where it is."""

    def __init__(self, path: Path, where: str, value: Any) -> None:
        self.path = path
        self.where = where
        self.value = value

    def known_keys(self, known: tuple[str, ...]) -> None:
        """Refuse keys that would be overlooked."""
        if not isinstance(self.value, Mapping):
            raise _refused(self.path, f"{self.where} is no object")
        for key in self.value:
            if key not in known:
                allowed = ", ".join(known)
                problem = f"{self.where} has the unknown key {key!r}"
                raise _refused(self.path, f"{problem}; known are {allowed}")

    def child(self, key: str, kind: type, default: Any = ...) -> _Place:
        """The value under a key, of that type."""
        if not isinstance(self.value, Mapping):
            raise _refused(self.path, f"{self.where} is no object")
        value = self.value.get(key, default)
        where = f"{self.where}.{key}"
        # A bool is an int to Python, but not to whoever writes the file.
        wrong_bool = isinstance(value, bool) and kind is not bool
        if value is ... or wrong_bool or not isinstance(value, kind):
            raise _refused(self.path, f"{where} is missing or no {kind.__name__}")
        return _Place(self.path, where, value)

    def items(self) -> list[_Place]:
        """The elements of a list."""
        return [
            _Place(self.path, f"{self.where}[{index}]", item)
            for index, item in enumerate(self.value)
        ]

    def texts(self) -> list[str]:
        """The elements of a list of texts."""
        for item in self.items():
            if not isinstance(item.value, str):
                raise _refused(self.path, f"{item.where} is no text")
        return list(self.value)


def _refused(path: Path, problem: str) -> CliError:
    return CliError("usage", f"--facts {path}: {problem}")
