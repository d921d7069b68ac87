"""Boards: where the images of a node go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from invokeai_py_client.ivk_fields.faults import Fault, shown
from invokeai_py_client.ivk_fields.references import BoardReference
from invokeai_py_client.ivk_fields.template_field import RefusedError, TemplateField

ALLOWED = "a board's name or id, a Board, 'none' (uncategorized) or 'auto'"


def board_from(value: Any) -> Any:
    """A board as the wire has it, or a reference; `auto` and `none` as they are.

    Raises:
        RefusedError: It is no board.
    """
    if isinstance(value, BoardReference):
        return value
    if isinstance(value, Mapping):
        value = value.get("board_id")
        if isinstance(value, str) and value.strip():
            return {"board_id": value.strip()}
        raise RefusedError("type", "must name a board_id", ALLOWED)
    if isinstance(value, str):
        text = value.strip()
        if text in ("auto", "none"):
            return text
        if text:
            return BoardReference(text)
        raise RefusedError("type", "must name a board, got an empty text", ALLOWED)
    board_id = getattr(value, "board_id", None)
    if isinstance(board_id, str) and board_id:
        return "none" if board_id == "none" else {"board_id": board_id}
    raise RefusedError("type", f"must be a board, got {shown(value)}", ALLOWED)


class IvkBoardField(TemplateField[Any]):
    """A board by name, id or `Board`.

    ``"none"`` is uncategorized; ``"auto"`` is the board that new images go to, which
    the call decides. Any other text is looked up: an id goes before a name.
    """

    TYPE: ClassVar[str] = "BoardField"

    def _accept(self, value: Any) -> Any:
        return board_from(value)

    def _wire_faults(self, value: Any) -> Iterator[Fault]:
        if value in ("auto", "none") or isinstance(value, BoardReference):
            return
        name = value.get("board_id") if isinstance(value, Mapping) else None
        if not isinstance(name, str) or not name.strip():
            yield Fault("type", f"must be a board, got {shown(value)}", ALLOWED)

    @property
    def allowed(self) -> str:
        """What is taken."""
        return ALLOWED
