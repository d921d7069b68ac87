"""What a server keeps by name: boards, style presets, system prompts, workflows.

A string shaped like an id is taken for one; any other is a name and looked up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from invokeai_py_client.exceptions import FieldProblem
from invokeai_py_client.exceptions.workflow import shown
from invokeai_py_client.ivk_fields.references import (
    BoardReference,
    Reference,
    StylePresetReference,
    SystemPromptReference,
    WorkflowReference,
)
from invokeai_py_client.ivk_fields.template_field import RefusedError, TemplateField
from invokeai_py_client.ivk_fields.value_rules import must_be, string_problems

# The server's ids are UUIDs; those of workflows that come with it have a prefix.
ID = re.compile(
    r"(default_)?[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Resource:
    """A kind of thing that a server keeps.

    Attributes:
        key: The one key of the object that goes on the wire.
        reference: Refers to one whose key is not known yet.
    """

    key: str
    reference: Callable[[Any], Reference]
    about: str
    allowed: str


class ResourceField(TemplateField[Any]):
    """``{key: name}``, or a reference to what is looked up or uploaded."""

    _RESOURCE: ClassVar[Resource]

    def _accept(self, value: Any) -> Any:
        if isinstance(value, Reference):
            return value
        text = _text_of(value, self._RESOURCE.key, self.allowed)
        if isinstance(value, str) and not ID.fullmatch(text):
            return self._RESOURCE.reference(text)
        return {self._RESOURCE.key: text}

    def _wire_problems(self, value: Any) -> Iterator[FieldProblem]:
        if isinstance(value, Reference):
            return
        key = self._RESOURCE.key
        name = value.get(key) if isinstance(value, Mapping) else None
        if not isinstance(name, str) or not name.strip():
            yield FieldProblem(f"must have {key}, got {shown(value)}", "type")

    def _item_schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "description": self._RESOURCE.about}

    def _plain(self, value: Any) -> Any:
        return value[self._RESOURCE.key] if isinstance(value, Mapping) else value

    @property
    def allowed(self) -> str:
        """What is taken."""
        return self._RESOURCE.allowed


def _text_of(value: Any, key: str, allowed: str) -> str:
    """The id or name in a string, a mapping or an object."""
    text = value
    if isinstance(value, Mapping):
        text = value.get(key, value.get("id"))
    elif not isinstance(value, str):
        text = getattr(value, key, None)
    if not isinstance(text, str) or not text.strip():
        raise RefusedError(must_be(allowed, value))
    return text.strip()


def board_from(value: Any) -> Any:
    """A board as the wire has it, or a reference; `auto` and `none` as they are.

    Raises:
        RefusedError: It is not a board.
    """
    if isinstance(value, BoardReference):
        return value
    if isinstance(value, Mapping):
        value = value.get("board_id")
        if isinstance(value, str) and value.strip():
            return {"board_id": value.strip()}
        raise RefusedError("must name a board_id")
    if isinstance(value, str):
        text = value.strip()
        return text if text in ("auto", "none") else BoardReference(text)
    board_id = getattr(value, "board_id", None)
    if isinstance(board_id, str) and board_id:
        if board_id == "none":
            return board_id
        # The name finds the board on another server; it is not sent.
        name = getattr(value, "board_name", None)
        return {"board_id": board_id, **({"board_name": name} if name else {})}
    raise RefusedError(must_be("a board", value))


class IvkBoardField(ResourceField):
    """A board by name, id or `Board`.

    ``"none"`` is uncategorized; ``"auto"`` is the board that new images go to, which
    the call decides. Any other string is looked up: an id goes before a name.
    """

    _RESOURCE: ClassVar[Resource] = Resource(
        "board_id",
        BoardReference,
        "The name or id of a board; none is uncategorized, auto the board that new "
        "images go to",
        "a board's name or id, a Board, 'none' or '' (uncategorized) or 'auto'",
    )

    def _accept(self, value: Any) -> Any:
        return board_from(value)

    def _wire_problems(self, value: Any) -> Iterator[FieldProblem]:
        if value not in ("auto", "none"):
            yield from super()._wire_problems(value)


class IvkStylePresetField(ResourceField):
    """A style preset by id, name or record."""

    _RESOURCE: ClassVar[Resource] = Resource(
        "style_preset_id",
        StylePresetReference,
        "The id or name of a style preset",
        "the id or name of a style preset",
    )


class IvkSystemPromptField(ResourceField):
    """A system prompt by id, name or record."""

    _RESOURCE: ClassVar[Resource] = Resource(
        "system_prompt_id",
        SystemPromptReference,
        "The id or name of a system prompt",
        "the id or name of a system prompt",
    )


class IvkSavedWorkflowField(TemplateField[Any]):
    """A workflow of the server's library by id, name or record.

    The wire has the id alone; ``""``, the value of a fresh node, names none.
    """

    ALLOWED: ClassVar[str] = "the id or name of a saved workflow"

    def _accept(self, value: Any) -> Any:
        if value == "" or isinstance(value, Reference):
            return value
        text = _text_of(value, "workflow_id", self.allowed)
        if isinstance(value, str) and not ID.fullmatch(text):
            return WorkflowReference(text)
        return text

    def _wire_problems(self, value: Any) -> Iterator[FieldProblem]:
        if not isinstance(value, Reference):
            yield from string_problems(value, self.limits)

    def _item_schema(self) -> dict[str, Any]:
        return {"type": "string", "description": "The id or name of a saved workflow"}
