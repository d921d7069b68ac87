"""Boards: folders of images on the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invokeai_py_client._lazy import lazy_exports

if TYPE_CHECKING:
    from invokeai_py_client.board.async_board_handle import AsyncBoardHandle
    from invokeai_py_client.board.async_board_repo import AsyncBoardRepository
    from invokeai_py_client.board.board_handle import BoardHandle
    from invokeai_py_client.board.board_repo import BoardRepository
    from invokeai_py_client.board.models import Board, BoardVisibility, DeletedBoard
else:
    _HOMES = {
        "async_board_handle": ("AsyncBoardHandle",),
        "async_board_repo": ("AsyncBoardRepository",),
        "board_handle": ("BoardHandle",),
        "board_repo": ("BoardRepository",),
        "models": ("Board", "BoardVisibility", "DeletedBoard"),
    }
    __getattr__, __dir__ = lazy_exports(__name__, _HOMES)

__all__ = [
    "AsyncBoardHandle",
    "AsyncBoardRepository",
    "Board",
    "BoardHandle",
    "BoardRepository",
    "BoardVisibility",
    "DeletedBoard",
]
