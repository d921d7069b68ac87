"""What the server says about images: frozen snapshots, without any way to ask."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Optional, Protocol, Union, runtime_checkable

from pydantic import Field

from invokeai_py_client._bound import BoundSnapshot
from invokeai_py_client._snapshot import OpenEnum, Snapshot, UtcDatetime
from invokeai_py_client.exceptions import ImageError

__all__ = [
    "UNCATEGORIZED",
    "BoardLike",
    "ImageBase",
    "ImageCategory",
    "ImageChanges",
    "ImageLike",
    "ImageOrigin",
    "ImageUrls",
    "board_id_of",
    "image_name_of",
    "image_names_of",
]


class ImageCategory(OpenEnum):
    """What an image is to the gallery.

    The gallery shows `GENERAL` under "Images" and all others under "Assets".
    """

    GENERAL = "general"
    MASK = "mask"
    CONTROL = "control"
    USER = "user"
    OTHER = "other"


class ImageOrigin(OpenEnum):
    """Who made an image: a workflow on the server, or an upload."""

    INTERNAL = "internal"
    EXTERNAL = "external"


class ImageBase(BoundSnapshot):
    """The data of an image; equal to any other snapshot with the same data.

    Attributes:
        image_name: The server's name for the image, unique on that server.
        image_category: `GENERAL` for pictures, else an asset.
        image_origin: `EXTERNAL` for uploads; None when unknown.
        width: Pixels; None when only the name is known.
        height: Pixels; None when only the name is known.
        is_intermediate: True for a step on the way, hidden in the gallery.
        session_id: The job's session that made it; with a cached result that is
            the first run's session.
        node_id: The *prepared* node that made it, not the workflow's node.
        has_workflow: True also when only the graph is embedded.
        board_id: None when the image is on no board.
    """

    KIND: ClassVar[str] = "image"

    image_name: str = Field(min_length=1)
    image_category: ImageCategory = ImageCategory.GENERAL
    image_origin: Optional[ImageOrigin] = None
    width: Optional[int] = None
    height: Optional[int] = None
    created_at: Optional[UtcDatetime] = None
    updated_at: Optional[UtcDatetime] = None
    deleted_at: Optional[UtcDatetime] = None
    is_intermediate: bool = False
    session_id: Optional[str] = None
    node_id: Optional[str] = None
    starred: bool = False
    has_workflow: bool = False
    image_subfolder: Optional[str] = None
    board_id: Optional[str] = None
    image_url: Optional[str] = None
    thumbnail_url: Optional[str] = None

    @property
    def is_asset(self) -> bool:
        """True when the gallery shows it under "Assets", as it does uploads."""
        return self.image_category is not ImageCategory.GENERAL

    # A list of images is looked at more often than all the fields of one.
    def __repr__(self) -> str:
        size = f" {self.width}x{self.height}" if self.width and self.height else ""
        return f"<{type(self).__name__} {self.image_name}{size}>"


ImageLike = Union[str, ImageBase]
"""An image, or its name on the server."""


def image_name_of(image: ImageLike) -> str:
    """The server's name of `image`.

    Raises:
        ImageError: The name is empty or a path.
        TypeError: `image` is neither a name nor an image.
    """
    if isinstance(image, ImageBase):
        return image.image_name
    if not isinstance(image, str):
        raise TypeError(
            f"expected an image name or an IvkImage, not {type(image).__name__}"
        )
    if not image or "/" in image or "\\" in image:
        raise ImageError(
            f"{image!r} is no image name",
            hint="local files are uploaded first: image_repo.upload(path)",
        )
    return image


UNCATEGORIZED = "none"
"""How the server names the images on no board, where it accepts a name for them."""


@runtime_checkable
class _HasBoardId(Protocol):
    @property
    def board_id(self) -> str: ...


BoardLike = Union[str, _HasBoardId]
"""A board's id, or anything that has a `board_id`: a `Board` or a `BoardHandle`."""


def board_id_of(board: BoardLike) -> str:
    """The id of `board`; ``"none"`` for the images on no board.

    Raises:
        ValueError: The id is empty.
        TypeError: `board` has no id.
    """
    value: Any = board
    board_id = value if isinstance(value, str) else getattr(value, "board_id", None)
    if not isinstance(board_id, str) or isinstance(value, ImageBase):
        raise TypeError(f"expected a board or its id, not {type(board).__name__}")
    if not board_id:
        raise ValueError("a board id cannot be empty")
    return board_id


def image_names_of(images: Union[ImageLike, Iterable[ImageLike]]) -> list[str]:
    """The server's names of one image or several."""
    if isinstance(images, (str, ImageBase)):
        return [image_name_of(images)]
    return [image_name_of(image) for image in images]


class ImageUrls(Snapshot):
    """Where an image is, relative to the server's address, without a leading slash.

    Attributes:
        image_url: The picture, a PNG.
        thumbnail_url: A small preview, a WebP file.
    """

    image_name: str
    image_url: str
    thumbnail_url: str


class ImageChanges(Snapshot):
    """What an operation on many images did; the server skips names silently.

    Attributes:
        changed: Names the server reports as done.
        failed: Names the server tried and could not do.
        skipped: Names asked for that the server did not mention: it does not know
            them, or they belong to somebody else.
        affected_boards: Ids of boards whose content changed; ``"none"`` stands for
            the images on no board.
    """

    changed: list[str] = Field(default_factory=list)
    failed: list[str] = Field(default_factory=list)
    skipped: list[str] = Field(default_factory=list)
    affected_boards: list[str] = Field(default_factory=list)
