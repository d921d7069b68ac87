"""The server's lists that resolving and checking look things up in, asked for once."""

from __future__ import annotations

from typing import Optional

from invokeai_py_client._core.flow import Flow
from invokeai_py_client.board import flows as board_flows
from invokeai_py_client.board.models import Board
from invokeai_py_client.image.models import UNCATEGORIZED
from invokeai_py_client.model import flows as model_flows
from invokeai_py_client.model.models import ModelRecord

__all__ = ["ServerLists"]


class ServerLists:
    """Models and boards as they are while one call is prepared, or many together.

    A thousand workflows that are submitted together would ask for them a thousand
    times. Made anew for each call, so that nothing is remembered for long.
    """

    def __init__(self) -> None:
        self._models: Optional[list[ModelRecord]] = None
        self._boards: Optional[list[Board]] = None

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
        """The id that a board's id or name stands for; ``"none"`` stays what it is.

        Raises:
            BoardError: Neither an id nor a name, or a name that several boards have.
        """
        if reference == UNCATEGORIZED:
            return reference
        return board_flows.find_board_id((yield from self.boards()), reference)
