"""What the server says about images: frozen snapshots, without any way to ask."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import (
    Annotated,
    Any,
    ClassVar,
    Optional,
    Protocol,
    TypeVar,
    Union,
    runtime_checkable,
)

from pydantic import Field, PrivateAttr

from invokeai_py_client._arguments import (
    STRING,
    Kind,
    KnownId,
    Naming,
    NotAllowedError,
    kind_of,
)
from invokeai_py_client._connected import BoundSnapshot
from invokeai_py_client._exports import one_line, set_module
from invokeai_py_client._snapshot import OpenEnum, Snapshot, UtcDatetime
from invokeai_py_client.exceptions import BoardError


@set_module("invokeai_py_client")
class ImageCategory(OpenEnum):
    """What an image is to the gallery.

    The gallery shows `GENERAL` under "Images" and all others under "Assets".
    """

    GENERAL = "general"
    MASK = "mask"
    CONTROL = "control"
    USER = "user"
    OTHER = "other"


Category = Annotated[Union[str, ImageCategory], kind_of(ImageCategory)]
Categories = Union[Category, Iterable[Category], None]


@set_module("invokeai_py_client")
class ImageOrigin(OpenEnum):
    """Who made an image: a workflow on the server, or an upload."""

    INTERNAL = "internal"
    EXTERNAL = "external"


Origin = Annotated[Union[str, ImageOrigin], kind_of(ImageOrigin)]


class MediaBase(BoundSnapshot):
    """What images and videos have in common."""

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
    board_id: Optional[str] = None
    thumbnail_url: Optional[str] = None

    # What made it, for templates of file names; no part of its data.
    _job_fields: Optional[Mapping[str, Any]] = PrivateAttr(default=None)

    @property
    def is_asset(self) -> bool:
        """True when the gallery shows it under "Assets", as it does uploads."""
        category = getattr(self, f"{self.KIND}_category")
        return category is not ImageCategory.GENERAL


MediaT = TypeVar("MediaT", bound=MediaBase)


def with_job_fields(file: MediaT, fields: Mapping[str, Any]) -> MediaT:
    """The same file, which knows these fields of the job that made it."""
    made = file.model_copy()
    made._job_fields = fields
    return made


def own_fields(file: MediaBase) -> tuple[dict[str, Any], bool]:
    """What file names can say of it, and whether the job that made it is known."""
    own = {
        f"{file.KIND}_name": os.path.splitext(str(file))[0],
        "width": file.width,
        "height": file.height,
        "date": file.created_at,
    }
    return {**(file._job_fields or {}), **own}, file._job_fields is not None


@set_module("invokeai_py_client.image")
class ImageBase(MediaBase):
    """The data of an image; equal to any other snapshot with the same data.

    Attributes:
        image_name: The server's name for the image, unique on that server.
        image_category: `GENERAL` for images, else an asset.
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
    image_subfolder: Optional[str] = None
    image_url: Optional[str] = None

    # A list of images is looked at more often than all the fields of one.
    def __repr__(self) -> str:
        size = f" {self.width}x{self.height}" if self.width and self.height else ""
        return one_line(f"<{type(self).__name__} {self.image_name}{size}>")


def media_name_kind(base: type[BoundSnapshot], upload: str) -> Kind:
    """The kind of argument that is a `base` or its name on the server."""

    def convert(value: Any) -> Union[str, BoundSnapshot]:
        if isinstance(value, base):
            return value
        name = STRING.convert(value)
        if not name or "/" in name or "\\" in name:
            raise NotAllowedError(f"local files are uploaded first: {upload}(path)")
        return str(name)

    noun = base.KIND
    return Kind(f"an Ivk{noun.capitalize()} or the name of one on the server", convert)


_IMAGE = media_name_kind(ImageBase, "image_repo.upload_image")
ImageLike = Annotated[Union[str, ImageBase], _IMAGE]
"""An image, or its name on the server."""


ImagesLike = Union[ImageLike, Iterable[ImageLike]]
"""One image or several."""


def is_no_board(board: str) -> bool:
    """True for the words that mean no board, unless a board is called so."""
    return board.strip().casefold() in _NO_BOARD_WORDS


def board_id_of(boards: Sequence[Any], board: str) -> str:
    """The id of the one of `boards` that is meant; ``"none"`` for no board."""
    if board == UNCATEGORIZED:
        return board
    if is_no_board(board) and BOARDS.find(boards, board) is None:
        return UNCATEGORIZED
    return BOARDS.get(boards, board).board_id  # type: ignore[no-any-return]


def files_of(files: ImagesLike) -> list[Union[str, ImageBase]]:
    """One file or several as a list."""
    return [files] if isinstance(files, (str, ImageBase)) else list(files)


def names_of(files: Union[str, BoundSnapshot, Iterable[object]]) -> list[str]:
    """The server's names of one file or several."""
    if isinstance(files, (str, BoundSnapshot)):
        return [str(files)]
    return list(map(str, files))


UNCATEGORIZED = "none"
"""How the server names the images on no board, where it accepts a name for them."""


@runtime_checkable
class _HasBoardId(Protocol):
    @property
    def board_id(self) -> str: ...


# In any letter case; a board that is called so goes before.
_NO_BOARD_WORDS = frozenset({"", UNCATEGORIZED, "uncategorized"})
BOARDS = Naming("board", "board_id", "board_name", BoardError)
_ANY_BOARD = BOARDS.kind(_HasBoardId)


def _board_reference(value: Any) -> str:
    if isinstance(value, BoundSnapshot):
        # An image has the id of its board but is not a board.
        raise NotAllowedError
    if isinstance(value, str) and not value.strip():
        return ""
    return KnownId(value) if value == UNCATEGORIZED else _ANY_BOARD.convert(value)


_BOARD = Kind(_ANY_BOARD.allowed, _board_reference)
BoardLike = Annotated[Union[str, _HasBoardId], _BOARD]
"""A board's name in any letter case, its id, a `Board` or a `BoardHandle`; ``"none"``,
``"Uncategorized"`` or ``""`` for no board."""


def board_reference(board: Optional[BoardLike]) -> str:
    """The name of `board`, or its id as a `KnownId`; ``"none"`` for no board."""
    name: str = _BOARD.read("board", UNCATEGORIZED if board is None else board)
    return name


@set_module("invokeai_py_client.image")
class ImageUrls(Snapshot):
    """Where an image is, relative to the server's address, without a leading slash.

    Attributes:
        image_url: The image, a PNG.
        thumbnail_url: A small preview, a WebP file.
    """

    image_name: str
    image_url: str
    thumbnail_url: str


@set_module("invokeai_py_client.image")
class ImageChanges(Snapshot):
    """What an operation on many images did; the server skips names silently.

    Attributes:
        changed: Names the server reports as done.
        failed: Names the server tried and could not do.
        skipped: Names asked for that the server did not mention: it does not know
            them, or they belong to somebody else.
        affected_boards: Ids of boards whose content changed; ``"none"`` means
            the images on no board.
    """

    changed: list[str] = Field(default_factory=list)
    failed: list[str] = Field(default_factory=list)
    skipped: list[str] = Field(default_factory=list)
    affected_boards: list[str] = Field(default_factory=list)
