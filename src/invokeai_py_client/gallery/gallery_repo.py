"""`GalleryRepository`: images and videos together, as the GUI shows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Optional, Union

from invokeai_py_client._io.runner import Runner
from invokeai_py_client.gallery import flows
from invokeai_py_client.gallery.flows import Day
from invokeai_py_client.gallery.models import GalleryDay, GalleryItem, GalleryItemRef
from invokeai_py_client.image.models import BoardLike, ImageOrigin
from invokeai_py_client.image.query import image_query

__all__ = ["GalleryRepository"]


class GalleryRepository:
    """Lists images and videos in one order; `image_repo` and `video_repo` change them.

    Days need InvokeAI 6.13, everything else 6.14; older servers give
    `UnsupportedVersionError`.

    Args:
        runner: What runs the flows: the client's.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def list_items(
        self,
        *,
        board: Optional[BoardLike] = None,
        categories: Union[str, Sequence[str], None] = None,
        origin: Union[str, ImageOrigin, None] = None,
        is_intermediate: Optional[bool] = False,
        search: Optional[str] = None,
        starred_first: bool = False,
        newest_first: bool = True,
        limit: Optional[int] = None,
        offset: int = 0,
    ) -> Iterator[GalleryItem]:
        """Iterate over images and videos, fetched as needed, a thousand at a time.

        Args:
            board: Only this board's; ``"none"`` for what is on no board.
            categories: Only these, such as ``"general"``; None for all.
            origin: ``"internal"`` for generated, ``"external"`` for uploaded.
            is_intermediate: False hides intermediate ones, True gives only those,
                None gives both.
            search: Text to find in the metadata or the creation time.
            starred_first: Put what is starred before everything else.
            newest_first: Order by time of creation, newest or oldest first.
            limit: At most this many; None for all.
            offset: Leave out this many at the beginning.

        Raises:
            NotFoundError: There is no such board.
            ValueError: `limit` or `offset` is negative.
        """
        return self._runner.stream(
            flows.list_items(
                image_query(
                    board=board,
                    categories=categories,
                    origin=origin,
                    is_intermediate=is_intermediate,
                    search=search,
                    starred_first=starred_first,
                    newest_first=newest_first,
                ),
                limit,
                offset,
            )
        )

    def list_item_names(
        self,
        *,
        day: Optional[Day] = None,
        board: Optional[BoardLike] = None,
        categories: Union[str, Sequence[str], None] = None,
        is_intermediate: Optional[bool] = False,
        search: Optional[str] = None,
        newest_first: bool = True,
    ) -> list[str]:
        """List all names in one request; names of videos end in ``.mp4``.

        Args:
            day: Only what was made on this day, such as ``"2026-03-18"``, in UTC.
            board: As the other filters, see `list_items`.
            categories: See `list_items`.
            is_intermediate: See `list_items`.
            search: See `list_items`.
            newest_first: See `list_items`.
        """
        return self._runner.run(
            flows.list_item_names(
                image_query(
                    board=board,
                    categories=categories,
                    is_intermediate=is_intermediate,
                    search=search,
                    newest_first=newest_first,
                ),
                day,
            )
        )

    def list_item_refs(
        self,
        *,
        board: Optional[BoardLike] = None,
        categories: Union[str, Sequence[str], None] = None,
        is_intermediate: Optional[bool] = False,
        search: Optional[str] = None,
        newest_first: bool = True,
    ) -> list[GalleryItemRef]:
        """List all names with their kinds in one request; slower than names alone."""
        return self._runner.run(
            flows.list_item_refs(
                image_query(
                    board=board,
                    categories=categories,
                    is_intermediate=is_intermediate,
                    search=search,
                    newest_first=newest_first,
                )
            )
        )

    def list_days(self) -> list[GalleryDay]:
        """List the days on which something was made, newest first, with counts.

        The GUI calls them virtual boards. Intermediate images are not counted.
        """
        return self._runner.run(flows.list_days())

    def list_day_items(
        self,
        day: Day,
        *,
        categories: Union[str, Sequence[str], None] = None,
        search: Optional[str] = None,
        newest_first: bool = True,
    ) -> list[GalleryItemRef]:
        """List the images and videos of one day; none for a day without any.

        Args:
            day: Such as ``"2026-03-18"``, a `date`, or a `GalleryDay`; in UTC.
            categories: Only these; None for all.
            search: Text to find in the metadata.
            newest_first: Order by time of creation, newest or oldest first.

        Raises:
            ValueError: The text is no day.
        """
        return self._runner.run(
            flows.list_day_refs(
                day,
                image_query(
                    categories=categories, search=search, newest_first=newest_first
                ),
            )
        )

    def list_day_images(
        self,
        day: Day,
        *,
        categories: Union[str, Sequence[str], None] = None,
        search: Optional[str] = None,
        newest_first: bool = True,
    ) -> list[str]:
        """List the names of one day's images, without its videos; as `list_day_items`.

        It works on 6.13 as well.

        Raises:
            ValueError: The text is no day.
        """
        return self._runner.run(
            flows.list_day_images(
                day,
                image_query(
                    categories=categories, search=search, newest_first=newest_first
                ),
            )
        )
