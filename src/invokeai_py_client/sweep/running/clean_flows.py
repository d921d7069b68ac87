"""Deleting on the server what is here: only what is ours, only when asked."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Optional

from invokeai_py_client._core.flow import Flow, run_blocking
from invokeai_py_client._core.paging import CHUNK
from invokeai_py_client.exceptions import APIError
from invokeai_py_client.image import change_flows, flows as image_flows
from invokeai_py_client.image.media import IMAGE
from invokeai_py_client.queue.change_flows import delete_destination
from invokeai_py_client.sweep.running.sweep_run import SweepRun, SweepServer

logger = logging.getLogger("invokeai_py_client")

Names = dict[str, Optional[str]]


def delete_copies(run: SweepRun, server: SweepServer) -> Flow[None]:
    """Delete the images that are saved, and the jobs once all items are over.

    An image that another session made came out of the server's cache, and belongs to
    somebody else. What cannot be deleted now is deleted by the next run.
    """
    # The ledger holds the only proof that they are here.
    yield from run_blocking(run.ledger.flush)
    pages = _pages(run, server)
    try:
        while names := (yield from run_blocking(partial(next, pages, None))):
            ours = yield from _ours(names)
            if ours:
                yield from change_flows.delete_many(IMAGE, ours)
        counts = yield from run_blocking(run.ledger.counts)
        if not counts.todo and not counts.sent:
            queue_id = server.context.server.queue_id
            yield from delete_destination(queue_id, run.tag)
    except APIError as error:
        logger.warning("not everything could be deleted on %s: %s", server.url, error)


def _pages(run: SweepRun, server: SweepServer) -> Iterator[Names]:
    """The saved images of this server by name, with the sessions that made them."""
    found = (
        (row.output.image_name, row.item.executed.get("session_id"))
        for row in run.ledger.outputs()
        if row.server == server.url
    )
    while page := dict(islice(found, CHUNK)):
        yield page


def _ours(names: Names) -> Flow[list[str]]:
    records = yield from image_flows.read_records(list(names))
    sessions = set(names.values())
    return [
        record["image_name"]
        for record in records
        if isinstance(record, Mapping)
        and record.get("image_name") in names
        and record.get("session_id") in sessions
    ]
