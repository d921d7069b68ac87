"""The server's lists that resolving and checking look things up in, asked for once."""

from __future__ import annotations

from typing import Optional

from invokeai_py_client._core.flow import Flow
from invokeai_py_client.board import flows as board_flows
from invokeai_py_client.board.models import Board
from invokeai_py_client.image.models import UNCATEGORIZED, board_id_of
from invokeai_py_client.model import flows as model_flows
from invokeai_py_client.model.models import ModelRecord

MOST_SEEN = 50_000


class ListCache:
    """Models and boards as they are while submissions are prepared together.

    Attributes:
        seen: Hashes of uploaded files that are known to be there: what is prepared
            together asks once. A job that misses its file is a reason to clear it.
    """

    def __init__(self) -> None:
        self._models: Optional[list[ModelRecord]] = None
        self._boards: Optional[list[Board]] = None
        self.seen: set[str] = set()

    def note_seen(self, digest: str) -> None:
        """The server has the file of this hash; not too many are remembered."""
        if len(self.seen) >= MOST_SEEN:
            self.seen.clear()
        self.seen.add(digest)

    def models(self) -> Flow[list[ModelRecord]]:
        """Every model that is installed."""
        if self._models is None:
            self._models = yield from model_flows.list_models()
        return self._models

    def boards(self) -> Flow[list[Board]]:
        """Every board that the user sees, archived ones included."""
        if self._boards is None:
            self._boards = yield from board_flows.list_boards(include_archived=True)
        return self._boards

    def board_id(self, reference: str) -> Flow[str]:
        """The id of the board with this id or name; ``"none"`` is returned unchanged.

        Raises:
            BoardError: Neither an id nor a name, or a name that several boards have.
        """
        if reference == UNCATEGORIZED:
            return reference
        return board_id_of((yield from self.boards()), reference)

    def create_board(self, name: str) -> Flow[str]:
        """Make a board that the list does not have; its id."""
        board = yield from board_flows.create_board(name)
        self._boards = [*(yield from self.boards()), board]
        return board.board_id
