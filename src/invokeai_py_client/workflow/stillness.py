"""Why the jobs of a submission do not move, in words a user can act on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Optional

from invokeai_py_client._core.decode import parse
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.tracker import JobTracker
from invokeai_py_client.queue.models import QueueStatus, StallKind
from invokeai_py_client.queue.wait_flows import find_stall
from invokeai_py_client.workflow import queue_calls

__all__ = ["Stillness", "who_is_ahead", "why_nothing_moves"]


@dataclass(frozen=True)
class Stillness:
    """Why nothing moves.

    Attributes:
        why: In words.
        is_stuck: True when nothing will ever move unless somebody does something.
    """

    why: str
    is_stuck: bool = False


def why_nothing_moves(
    queue_id: str, tracker: JobTracker, timeout: float
) -> Flow[Optional[Stillness]]:
    """Ask the queue why; None when a job of ours is at work or nothing is wrong."""
    if tracker.counts.get("in_progress"):
        return None
    reply = yield from queue_calls.queue_status(queue_id, timeout=timeout)
    status = parse(QueueStatus, reply)
    stall = yield from find_stall(queue_id, status)
    if stall is not None:
        stuck = stall.kind in (StallKind.PAUSED, StallKind.BLOCKED)
        return Stillness(stall.message, is_stuck=stuck)
    ahead = who_is_ahead(status, tracker.counts)
    return None if ahead is None else Stillness(ahead)


def who_is_ahead(status: QueueStatus, ours: Mapping[str, int]) -> Optional[str]:
    """What else the queue is busy with; None when there is nothing else.

    Args:
        status: The queue's counts.
        ours: Our own jobs by status; none of them is running.
    """
    others = status.queue.pending - ours.get("pending", 0)
    waiting = f", up to {others} more before ours" if others > 0 else ""
    if status.queue.in_progress:
        return f"another job is running{waiting}"
    return f"up to {others} other jobs are ahead" if others > 0 else None
