"""Boards: folders of images on the server."""

from __future__ import annotations

from invokeai_py_client.board.async_board_handle import AsyncBoardHandle
from invokeai_py_client.board.async_board_repo import AsyncBoardRepository
from invokeai_py_client.board.board_handle import BoardHandle
from invokeai_py_client.board.board_repo import BoardRepository
from invokeai_py_client.board.models import Board, BoardVisibility, DeletedBoard

__all__ = [
    "AsyncBoardHandle",
    "AsyncBoardRepository",
    "Board",
    "BoardHandle",
    "BoardRepository",
    "BoardVisibility",
    "DeletedBoard",
]
