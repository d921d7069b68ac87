"""Boards: folders of images on the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invokeai_py_client._exports import lazy_exports

if TYPE_CHECKING:
    from invokeai_py_client._aio.board_handle import (
        AsyncBoardHandle as AsyncBoardHandle,
    )
    from invokeai_py_client._aio.board_repo import (
        AsyncBoardRepository as AsyncBoardRepository,
    )
    from invokeai_py_client.board.board_handle import BoardHandle as BoardHandle
    from invokeai_py_client.board.board_repo import (
        BoardRepo as BoardRepo,
        BoardRepository as BoardRepository,
    )
    from invokeai_py_client.board.models import (
        Board as Board,
        BoardVisibility as BoardVisibility,
        DeletedBoard as DeletedBoard,
    )
else:
    _HOMES = {
        "_aio.board_handle": "AsyncBoardHandle",
        "_aio.board_repo": "AsyncBoardRepository",
        "board.board_handle": "BoardHandle",
        "board.board_repo": "BoardRepo BoardRepository",
        "board.models": "Board BoardVisibility DeletedBoard",
    }
    __getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
