"""Moving the server's image files into other folders."""

from __future__ import annotations

from invokeai_py_client.image_move.async_image_move_repo import AsyncImageMoveRepository
from invokeai_py_client.image_move.image_move_repo import ImageMoveRepository
from invokeai_py_client.image_move.models import (
    ImageMoveJob,
    ImageMoveState,
    ImageMoveStatus,
)

__all__ = [
    "AsyncImageMoveRepository",
    "ImageMoveJob",
    "ImageMoveRepository",
    "ImageMoveState",
    "ImageMoveStatus",
]
