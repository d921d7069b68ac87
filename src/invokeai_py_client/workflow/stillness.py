"""Why the jobs of a submission do not move, in words a user can act on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.send import call, get
from invokeai_py_client._core.tracker import JobTracker
from invokeai_py_client.exceptions import InternalServerError
from invokeai_py_client.workflow import queue_calls

__all__ = ["explain", "why_nothing_moves"]


def why_nothing_moves(
    queue_id: str, tracker: JobTracker, timeout: float
) -> Flow[Optional[str]]:
    """Ask the queue why; None when a job of ours is at work."""
    if tracker.counts.get("in_progress"):
        return None
    status = yield from queue_calls.queue_status(queue_id, timeout=timeout)
    unreadable = False
    if _is_idle_with_work(status):
        unreadable = yield from _next_is_unreadable(queue_id)
    return explain(status, tracker.counts, unreadable=unreadable)


def explain(
    status: Mapping[str, Any], ours: Mapping[str, int], *, unreadable: bool
) -> Optional[str]:
    """The reason that the queue's state gives; None when it gives none.

    Args:
        status: The answer of the queue's ``status`` route.
        ours: Our own jobs by status.
        unreadable: The server cannot read the job whose turn it is.
    """
    queue, processor = _part(status, "queue"), _part(status, "processor")
    if unreadable:
        return (
            "the queue is blocked by a job that the server cannot read; cancel its "
            "batch or clear the queue"
        )
    if processor.get("is_started") is False:
        return "the queue is paused; resume it"
    pending = queue.get("pending")
    others = pending - ours.get("pending", 0) if isinstance(pending, int) else 0
    busy = queue.get("in_progress")
    if busy:
        ahead = f", up to {others} more waiting" if others > 0 else ""
        return f"another job is running{ahead}"
    if others > 0:
        return f"up to {others} other jobs are ahead"
    return None


def _is_idle_with_work(status: Mapping[str, Any]) -> bool:
    queue, processor = _part(status, "queue"), _part(status, "processor")
    return bool(
        queue.get("pending")
        and not queue.get("in_progress")
        and processor.get("is_started")
        and not processor.get("is_processing")
    )


def _next_is_unreadable(queue_id: str) -> Flow[bool]:
    # A job with a batch value that its field refuses cannot be read back: the
    # server fails on it every second and takes no other (docs/dev/running.md).
    try:
        yield from call(get(queue_calls.queue_path(queue_id, "next")))
    except InternalServerError:
        return True
    return False


def _part(status: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    part = status.get(key)
    return part if isinstance(part, Mapping) else {}
