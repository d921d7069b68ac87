"""The board on which something is to be put or listed, as flows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Optional

from invokeai_py_client._arguments import KnownId
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.send import call_model, get, post, request_json, route
from invokeai_py_client._snapshot import Snapshot
from invokeai_py_client.exceptions import ArgumentError
from invokeai_py_client.image.models import (
    BOARDS,
    UNCATEGORIZED,
    BoardLike,
    board_id_of,
    board_reference,
    is_no_board,
)
from invokeai_py_client.image.query import ImageQuery

ROUTE = "/api/v1/boards/"


class _Board(Snapshot):
    board_id: str
    board_name: str


def _list_boards() -> Flow[list[_Board]]:
    request = get(ROUTE, params={"all": "true", "include_archived": "true"})
    return (yield from call_model(list[_Board], request))


def find_board_id(board: str) -> Flow[str]:
    """The id of the board that an id or name means; ``"none"`` for no board."""
    if board == UNCATEGORIZED or isinstance(board, KnownId):
        return board
    return board_id_of((yield from _list_boards()), board)


def with_board_id(query: ImageQuery) -> Flow[ImageQuery]:
    """The same filters with the id of their board.

    Raises:
        BoardError: No board has this name, or several have.
        NotFoundError: There is no board of this id; its listing would be empty.
    """
    board = query.board_id
    if board is None or board == UNCATEGORIZED:
        return query
    if isinstance(board, KnownId):
        yield from request_json(get(route(ROUTE + "{}", board)))
        return query
    return replace(query, board_id=(yield from find_board_id(str(board))))


@dataclass(frozen=True)
class BoardTarget:
    """The board to put something on.

    Attributes:
        board: A `board_reference`; None for no board.
        create: Make a board of this name when there is none.
    """

    board: Optional[str] = None
    create: bool = False

    def find_id(self) -> Flow[Optional[str]]:
        """The id of the board, which is made if need be."""
        if self.board is None or isinstance(self.board, KnownId):
            return self.board
        boards = yield from _list_boards()
        if not self.create:
            return board_id_of(boards, self.board)
        found = BOARDS.find(boards, self.board)
        if found is None:
            request = post(ROUTE, params={"board_name": self.board})
            found = yield from call_model(_Board, request)
        return found.board_id


NO_BOARD = BoardTarget()


def board_target(board: Optional[BoardLike], create: bool) -> BoardTarget:
    """Read the arguments `board` and `create`."""
    name = None if board is None else board_reference(board)
    is_name = name is not None and not isinstance(name, KnownId) and name != "auto"
    if create and (not is_name or is_no_board(str(name))):
        raise ArgumentError("create", create, "True together with a board's name")
    return BoardTarget(name, create)
