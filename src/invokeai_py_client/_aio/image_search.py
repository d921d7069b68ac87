# Generated from recipe/image_search.py by scripts/generate_async.py; do not edit.
"""Images found by what made them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Optional

from invokeai_py_client._aio.image_handle import AsyncIvkImage
from invokeai_py_client._arguments import (
    Count,
    Whole,
    checks_arguments,
)
from invokeai_py_client._io.runner import AsyncRunner
from invokeai_py_client.image.models import BoardLike
from invokeai_py_client.image.query import image_query
from invokeai_py_client.recipe.image_search import (
    ModelText,
    Since,
    _model_text,
    _moment,
)


@checks_arguments
class AsyncSearchesImages:
    """What finds images of a server by what made them."""

    _runner: AsyncRunner
    _address: str
    _read: Callable[[Any], AsyncIvkImage]

    async def search_images(
        self,
        *,
        prompt: Optional[str] = None,
        model: Optional[ModelText] = None,
        seed: Optional[Whole] = None,
        board: Optional[BoardLike] = None,
        since: Optional[Since] = None,
        limit: Optional[Count] = None,
    ) -> list[AsyncIvkImage]:
        """Find images by what made them, newest first; all that is given must fit.

        An index on this machine knows what is stored with each image: its graph,
        workflow and metadata. A search first reads the images that are new, two
        requests for each, so the first search of a large gallery takes long; one that
        is interrupted goes on from there. Intermediate images are left out.

        Args:
            prompt: Part of the positive prompt, in any letter case.
            model: Part of the name of a model or LoRA, its key or hash, or its record.
            seed: The seed.
            board: Only this board's; ``"none"`` for the images on no board.
            since: Only images made then or later; in UTC when no zone is given.
            limit: At most this many; None for all.

        Raises:
            UnsupportedVersionError: The server is older than 6.0.
        """
        # Imported here: a script may never need it.
        from invokeai_py_client.recipe.image_index import Wanted
        from invokeai_py_client.recipe.search_flows import search

        moment = None if since is None else _moment(since)
        wanted = Wanted(
            prompt,
            None if model is None else _model_text(model),
            seed,
            None if moment is None else moment.timestamp(),
        )
        query = image_query(board)
        return await self._runner.run(
            search(self._read, self._address, query, wanted, limit)
        )
