# Generated from gallery/gallery_repo.py by scripts/generate_async.py; do not edit.
"""`AsyncGalleryRepository`: images and videos together, as the GUI shows them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Optional

from invokeai_py_client._arguments import Count, checks_arguments
from invokeai_py_client._core.flow import collect
from invokeai_py_client._core.send import call_model, get
from invokeai_py_client._exports import set_module
from invokeai_py_client._io.runner import AsyncRunner
from invokeai_py_client._objects.handle import Repository
from invokeai_py_client.gallery import flows
from invokeai_py_client.gallery.flows import DAYS, Day
from invokeai_py_client.gallery.models import GalleryDay, GalleryItem, GalleryItemRef
from invokeai_py_client.image.models import BoardLike, Categories, Origin
from invokeai_py_client.image.query import Order, image_query


@set_module("invokeai_py_client.gallery")
@checks_arguments
class AsyncGalleryRepository(Repository[AsyncRunner]):
    """Lists images and videos in one order; `image_repo` and `video_repo` change them.

    Days need InvokeAI 6.13, everything else 6.14; older servers raise
    `UnsupportedVersionError`. A method that takes a board raises `BoardError` when no
    board, or more than one, has the name, and `NotFoundError` when no board has the
    id.
    """

    async def list_items(
        self,
        *,
        board: Optional[BoardLike] = None,
        categories: Categories = None,
        origin: Optional[Origin] = None,
        is_intermediate: Optional[bool] = False,
        search: Optional[str] = None,
        starred_first: bool = False,
        newest_first: bool = True,
        limit: Optional[Count] = None,
        offset: Count = 0,
    ) -> list[GalleryItem]:
        """List items; see `iter_items` for the arguments."""
        order = Order(starred_first, newest_first)
        query = image_query(board, categories, origin, is_intermediate, search, order)
        items = flows.list_items(query, limit, offset)
        return await self._runner.run(collect(items))

    def iter_items(
        self,
        *,
        board: Optional[BoardLike] = None,
        categories: Categories = None,
        origin: Optional[Origin] = None,
        is_intermediate: Optional[bool] = False,
        search: Optional[str] = None,
        starred_first: bool = False,
        newest_first: bool = True,
        limit: Optional[Count] = None,
        offset: Count = 0,
    ) -> AsyncIterator[GalleryItem]:
        """Iterate over images and videos, fetched as needed, a thousand at a time.

        The arguments are those of `AsyncImageRepository.iter_images`.
        """
        order = Order(starred_first, newest_first)
        query = image_query(board, categories, origin, is_intermediate, search, order)
        return self._runner.stream(flows.list_items(query, limit, offset))

    async def list_item_names(
        self,
        *,
        day: Optional[Day] = None,
        board: Optional[BoardLike] = None,
        categories: Categories = None,
        is_intermediate: Optional[bool] = False,
        search: Optional[str] = None,
        newest_first: bool = True,
    ) -> list[str]:
        """List all names in one request; names of videos end in ``.mp4``.

        With `day` only what was made on it, such as ``"2026-03-18"``, in UTC. The other
        filters are those of `list_items`.
        """
        query = image_query(
            board,
            categories,
            None,
            is_intermediate,
            search,
            order=Order(newest_first=newest_first),
        )
        return await self._runner.run(flows.list_item_names(query, day))

    async def list_item_refs(
        self,
        *,
        board: Optional[BoardLike] = None,
        categories: Categories = None,
        is_intermediate: Optional[bool] = False,
        search: Optional[str] = None,
        newest_first: bool = True,
    ) -> list[GalleryItemRef]:
        """List all names with their kinds in one request; slower than names alone."""
        query = image_query(
            board,
            categories,
            None,
            is_intermediate,
            search,
            order=Order(newest_first=newest_first),
        )
        return await self._runner.run(flows.list_item_refs(query))

    async def list_days(self) -> list[GalleryDay]:
        """List the days on which something was made, newest first, with counts.

        The GUI calls them virtual boards. Intermediate images are not counted.
        """
        return await self._runner.run(call_model(list[GalleryDay], get(DAYS)))

    async def list_day_items(
        self,
        day: Day,
        *,
        categories: Categories = None,
        search: Optional[str] = None,
        newest_first: bool = True,
    ) -> list[GalleryItemRef]:
        """List the images and videos of one day; none for a day without any.

        Args:
            day: Such as ``"2026-03-18"``, a `date`, or a `GalleryDay`; in UTC.
            categories: Only these; None for all.
            search: Text to find in the metadata.
            newest_first: Order by time of creation, newest or oldest first.
        """
        query = image_query(
            categories=categories, search=search, order=Order(newest_first=newest_first)
        )
        return await self._runner.run(flows.list_day_refs(day, query))

    async def list_day_image_names(
        self,
        day: Day,
        *,
        categories: Categories = None,
        search: Optional[str] = None,
        newest_first: bool = True,
    ) -> list[str]:
        """List the names of one day's images, without its videos; as `list_day_items`.

        It works on 6.13 as well.
        """
        query = image_query(
            categories=categories, search=search, order=Order(newest_first=newest_first)
        )
        return await self._runner.run(flows.list_day_images(day, query))
