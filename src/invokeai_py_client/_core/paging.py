"""Long lists, in the parts that the server accepts and returns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, Optional, TypeVar

from invokeai_py_client._core.flow import Flow, emit

CHUNK = 1000
"""How many names, ids or records the server accepts or returns at once."""

CHANGES = 100
"""How many are changed by one request: the server takes up to 40 ms for each, more on
slow disks, and sends nothing meanwhile."""

T = TypeVar("T")


def chunks(items: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """Parts of `items` of at most `size`, in order."""
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part


def emit_pages(
    read: Callable[[Any], Any],
    fetch: Callable[[int, int], Flow[list[Any]]],
    limit: Optional[int],
    offset: int,
) -> Flow[None]:
    """Emit a listing page by page, until a page is not full.

    Args:
        read: Makes what is emitted of a record.
        fetch: Gets the records of one page by its limit and offset.
        limit: Emit at most this many; None for all.
        offset: Leave out this many at the beginning.
    """
    left = limit
    while left is None or left > 0:
        size = CHUNK if left is None else min(CHUNK, left)
        records = yield from fetch(size, offset)
        for record in records:
            yield from emit(read(record))
        if len(records) < size:
            return
        offset += size
        left = None if left is None else left - size
