"""What the server says about boards: frozen snapshots."""

from __future__ import annotations

from typing import Annotated, ClassVar, Optional, Union

from pydantic import Field

from invokeai_py_client._arguments import kind_of
from invokeai_py_client._exports import set_module
from invokeai_py_client._snapshot import OpenEnum, Snapshot, UtcDatetime
from invokeai_py_client.image.models import UNCATEGORIZED


@set_module("invokeai_py_client")
class BoardVisibility(OpenEnum):
    """Who sees a board on a server with several users."""

    PRIVATE = "private"
    SHARED = "shared"
    PUBLIC = "public"


Visibility = Annotated[Union[str, BoardVisibility], kind_of(BoardVisibility)]


@set_module("invokeai_py_client")
class Board(Snapshot):
    """A board at the moment it was read.

    Attributes:
        board_id: The server's id; ``"none"`` for the images on no board.
        board_name: Names need not be unique, and may be empty.
        image_count: Images of category `GENERAL`, what workflows make.
        asset_count: Images of the other categories, uploads among them.
        video_count: Videos.
        cover_image_name: The newest of the starred images, else the newest of all.
        archived: Hidden in the gallery unless asked for.
        owner_username: None on a server for a single user.
    """

    _SET: ClassVar[str] = "board_repo.update_board(board, …) changes it on the server"

    board_id: str = Field(min_length=1)
    board_name: str
    image_count: int = 0
    asset_count: int = 0
    video_count: int = 0
    cover_image_name: Optional[str] = None
    cover_video_name: Optional[str] = None
    archived: bool = False
    board_visibility: Optional[BoardVisibility] = None
    user_id: Optional[str] = None
    owner_username: Optional[str] = None
    created_at: Optional[UtcDatetime] = None
    updated_at: Optional[UtcDatetime] = None
    deleted_at: Optional[UtcDatetime] = None

    @property
    def total_count(self) -> int:
        """Images and assets together: what `BoardHandle.list_images` lists."""
        return self.image_count + self.asset_count

    @property
    def is_uncategorized(self) -> bool:
        """True for the place of the images on no board, which is not a real board."""
        return self.board_id == UNCATEGORIZED


@set_module("invokeai_py_client.board")
class DeletedBoard(Snapshot):
    """What became of a board's content.

    Attributes:
        deleted_board_images: Images that are on no board now.
        deleted_images: Images that were deleted with the board.
        deleted_board_videos: Videos that are on no board now.
        deleted_videos: Videos that were deleted with the board.
        failed_images: Images the server could not delete.
        failed_videos: Videos the server could not delete.
    """

    board_id: str
    deleted_board_images: list[str] = Field(default_factory=list)
    deleted_images: list[str] = Field(default_factory=list)
    deleted_board_videos: list[str] = Field(default_factory=list)
    deleted_videos: list[str] = Field(default_factory=list)
    failed_images: list[str] = Field(default_factory=list)
    failed_videos: list[str] = Field(default_factory=list)
