"""Which images to list: the filters of the gallery as one frozen value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Optional, Union

from invokeai_py_client._core.send import given
from invokeai_py_client.image.models import (
    BoardLike,
    ImageCategory,
    ImageOrigin,
    board_id_of,
)

__all__ = ["ImageQuery", "image_query"]


@dataclass(frozen=True)
class ImageQuery:
    """The filters of a listing; see `image_query`."""

    categories: Optional[tuple[str, ...]] = None
    origin: Optional[str] = None
    is_intermediate: Optional[bool] = False
    board_id: Optional[str] = None
    search: Optional[str] = None
    starred_first: bool = False
    newest_first: bool = True

    def params(self, origin_key: str = "image_origin") -> dict[str, Any]:
        """The query parameters of a listing; the origin goes by several names."""
        values: dict[str, Any] = {
            origin_key: self.origin,
            "categories": None if self.categories is None else list(self.categories),
            "is_intermediate": _flag(self.is_intermediate),
            "board_id": self.board_id,
            "search_term": self.search,
            # The server's own default is True, which hides what is newest.
            "starred_first": _flag(self.starred_first),
            "order_dir": "DESC" if self.newest_first else "ASC",
        }
        return given(values)


def _flag(value: Optional[bool]) -> Optional[str]:
    return None if value is None else str(value).lower()


def image_query(
    *,
    categories: Union[str, Sequence[str], None] = None,
    origin: Union[str, ImageOrigin, None] = None,
    is_intermediate: Optional[bool] = False,
    board: Optional[BoardLike] = None,
    search: Optional[str] = None,
    starred_first: bool = False,
    newest_first: bool = True,
) -> ImageQuery:
    """Read the arguments of `list_images` into an `ImageQuery`."""
    if isinstance(categories, str):
        categories = [categories]
    return ImageQuery(
        categories=None
        if categories is None
        else tuple(str(ImageCategory(category)) for category in categories),
        origin=None if origin is None else str(ImageOrigin(origin)),
        is_intermediate=is_intermediate,
        board_id=None if board is None else board_id_of(board),
        search=search or None,
        starred_first=starred_first,
        newest_first=newest_first,
    )
