"""Images found by what made them: the index is brought up to date, then asked."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Optional, TypeVar

from invokeai_py_client._core.decode import parse
from invokeai_py_client._core.flow import Flow, gather, run_blocking
from invokeai_py_client._core.paging import chunks
from invokeai_py_client.exceptions import NotFoundError
from invokeai_py_client.image import flows, media_flows
from invokeai_py_client.image.board_flows import with_board_id
from invokeai_py_client.image.media import IMAGE
from invokeai_py_client.image.models import ImageBase
from invokeai_py_client.image.query import ImageQuery
from invokeai_py_client.recipe.image_index import (
    ImageIndex,
    IndexedImage,
    Wanted,
    facts_of,
    index_file,
    path_after,
)
from invokeai_py_client.recipe.read_recipe import read_values
from invokeai_py_client.recipe.recipe_flows import stored_with
from invokeai_py_client.workflow.lookup.known_server import default_cache_dir

logger = logging.getLogger("invokeai_py_client")

INDEX_CHUNK = 200
"""Images that are read before they are kept: what a search that is stopped keeps."""

ImageT = TypeVar("ImageT", bound=ImageBase)


def search(
    read: Callable[[Any], ImageT],
    address: str,
    query: ImageQuery,
    wanted: Wanted,
    limit: Optional[int],
) -> Flow[list[ImageT]]:
    """The images of a server that fit, newest first."""
    query = yield from with_board_id(query)
    names = yield from media_flows.read_names(IMAGE, query)
    path = index_file(default_cache_dir(), address)
    is_whole = query.board_id is None
    try:
        found = yield from _find(path, names, is_whole, wanted)
    except sqlite3.Error as error:
        other = yield from run_blocking(partial(path_after, error, path))
        found = yield from _find(other, names, is_whole, wanted)
    there = set(names)
    fitting = [name for name in found if name in there][:limit]
    return (yield from flows.read_images(read, fitting))


def _find(
    path: Optional[Path], names: list[str], is_whole: bool, wanted: Wanted
) -> Flow[list[str]]:
    """The names that fit, from an index that knows all of `names` afterwards.

    With `is_whole` they are all that the server has, and others are forgotten.
    """
    index = yield from run_blocking(lambda: ImageIndex(path))
    try:
        known = yield from run_blocking(index.names)
        yield from _add(index, [name for name in names if name not in known])
        if is_whole:
            gone = known.difference(names)
            yield from run_blocking(lambda: index.remove(gone))
        return (yield from run_blocking(lambda: index.find(wanted)))
    finally:
        index.close()


def _add(index: ImageIndex, names: list[str]) -> Flow[None]:
    """Read what made images, and keep it, part by part."""
    done = 0
    for part in chunks(names, INDEX_CHUNK):
        records = yield from flows.read_records(part)
        rows = yield from gather([_row(parse(ImageBase, record)) for record in records])
        yield from run_blocking(partial(index.add, [row for row in rows if row]))
        done += len(part)
        logger.info("%d of %d new images were read for the index", done, len(names))


def _row(image: ImageBase) -> Flow[Optional[IndexedImage]]:
    try:
        known = yield from stored_with(image.image_name, image.has_workflow)
    except NotFoundError:
        # Deleted in the meantime.
        return None
    made = 0.0 if image.created_at is None else image.created_at.timestamp()
    return IndexedImage(image.image_name, made, facts_of(read_values(known)))
