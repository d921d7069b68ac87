"""Moving the server's image files into other folders, as flows."""

from __future__ import annotations

from typing import Optional

from invokeai_py_client._core.flow import Flow, now, pause
from invokeai_py_client._core.send import call_model, get, post
from invokeai_py_client.exceptions import ImageError, JobTimeoutError
from invokeai_py_client.image_move.models import ImageMoveStatus

MOVES = "/api/v1/image_moves"
FIRST_POLL, LONGEST_POLL = 0.2, 5.0


def get_status() -> Flow[ImageMoveStatus]:
    """What is going on."""
    return (yield from call_model(ImageMoveStatus, get(f"{MOVES}/status")))


def start() -> Flow[ImageMoveStatus]:
    """Begin to move all files that are not where they should be."""
    return (yield from call_model(ImageMoveStatus, post(f"{MOVES}/start")))


def recover() -> Flow[ImageMoveStatus]:
    """Begin to finish or undo a move that was broken off."""
    return (yield from call_model(ImageMoveStatus, post(f"{MOVES}/recover")))


def wait(timeout: Optional[float]) -> Flow[ImageMoveStatus]:
    """Wait until nothing is being moved."""
    started = yield from now()
    interval = FIRST_POLL
    while True:
        status = yield from get_status()
        if not status.is_running:
            if status.last_error:
                raise ImageError(f"moving the image files failed: {status.last_error}")
            return status
        if timeout is not None and (yield from now()) - started >= timeout:
            raise JobTimeoutError(f"image files are still moved after {timeout:g} s")
        yield from pause(interval)
        interval = min(interval * 1.5, LONGEST_POLL)
