"""Which images to list: the filters of the gallery as one frozen value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

from invokeai_py_client._core.send import drop_none
from invokeai_py_client.image.models import (
    BoardLike,
    Categories,
    Origin,
    board_reference,
)


@dataclass(frozen=True)
class Order:
    """In which order to list."""

    starred_first: bool = False
    newest_first: bool = True


@dataclass(frozen=True)
class ImageQuery:
    """The filters of a listing; see `image_query`."""

    categories: Optional[tuple[str, ...]] = None
    origin: Optional[str] = None
    is_intermediate: Optional[bool] = False
    board_id: Optional[str] = None
    search: Optional[str] = None
    order: Order = Order()

    def params(self, origin_key: str = "image_origin") -> dict[str, Any]:
        """The query parameters of a listing; the origin has several names."""
        values: dict[str, Any] = {
            origin_key: self.origin,
            "categories": None if self.categories is None else list(self.categories),
            "is_intermediate": _flag(self.is_intermediate),
            "board_id": self.board_id,
            "search_term": self.search,
            # The server's own default is True, which hides what is newest.
            "starred_first": _flag(self.order.starred_first),
            "order_dir": "DESC" if self.order.newest_first else "ASC",
        }
        return drop_none(values)


def _flag(value: Optional[bool]) -> Optional[str]:
    return None if value is None else str(value).lower()


def image_query(
    board: Optional[BoardLike] = None,
    categories: Categories = None,
    origin: Optional[Origin] = None,
    is_intermediate: Optional[bool] = False,
    search: Optional[str] = None,
    order: Order = Order(),
) -> ImageQuery:
    """Read the arguments of `list_images` into an `ImageQuery`."""
    if isinstance(categories, str):
        categories = [categories]
    return ImageQuery(
        categories=None if categories is None else tuple(map(str, categories)),
        origin=None if origin is None else str(origin),
        is_intermediate=is_intermediate,
        board_id=None if board is None else board_reference(board),
        search=search or None,
        order=order,
    )
