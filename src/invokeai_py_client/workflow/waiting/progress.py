"""How far a submission is: a snapshot for progress bars, made from events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Optional

from invokeai_py_client._core.events import (
    InvocationCompleteEvent,
    InvocationEvent,
    InvocationProgressEvent,
    InvocationStartedEvent,
    JobEvent,
    PreviewImage,
    ServerEvent,
)
from invokeai_py_client._core.tracker import JobTracker
from invokeai_py_client._exports import set_module
from invokeai_py_client.workflow.jobs.result_names import ResultNames


@set_module("invokeai_py_client")
@dataclass(frozen=True)
class RunProgress:
    """How far a submission is.

    Attributes:
        total: How many jobs it has.
        finished: How many are over, however they ended.
        counts: Jobs by status.
        fraction: 0 to 1 over all jobs; within a job by nodes, an estimate where
            nodes repeat in loops. It never goes back.
        item_id: The job the last event was about; None before the first event.
        node_id: The workflow's node that is running; None between nodes.
        node_name: What the GUI calls it.
        message: The server's message, such as "Denoising".
        step: 0 to 1 within the node; None when the node does not say.
        preview: The image as it emerges; None without one.
        why: Why no job makes progress; None while one does.
    """

    total: int
    finished: int
    counts: Mapping[str, int]
    fraction: float
    item_id: Optional[int] = None
    node_id: Optional[str] = None
    node_name: Optional[str] = None
    message: Optional[str] = None
    step: Optional[float] = None
    preview: Optional[PreviewImage] = field(default=None, repr=False)
    why: Optional[str] = None

    def __str__(self) -> str:
        parts = [f"{self.fraction:4.0%}", f"{self.finished}/{self.total} jobs"]
        if self.node_name:
            parts.append(self.node_name)
        if self.message:
            step = "" if self.step is None else f" {self.step:.0%}"
            parts.append(f"{self.message}{step}")
        if self.why:
            parts.append(self.why)
        return "  ".join(parts)


class ProgressMeter:
    """Folds events into `RunProgress`; knows nothing of time.

    Attributes:
        tracker: The jobs.
    """

    def __init__(
        self, tracker: JobTracker, result_names: ResultNames, nodes_per_job: int = 0
    ) -> None:
        self.tracker = tracker
        self._result_names = result_names
        self._nodes_per_job = nodes_per_job
        self._done_nodes: dict[int, set[str]] = {}
        self._fraction = 0.0
        self._current: dict[str, Any] = {}

    def apply_event(self, event: ServerEvent) -> bool:
        """Take an event in; True when it changes what is shown."""
        if event.item_id is None or not isinstance(event, JobEvent):
            return False
        self._current = {"item_id": event.item_id}
        if isinstance(event, InvocationEvent) and event.node_id is not None:
            self._note_done(
                event.item_id, self._result_names.sources.get(event.node_id, ())
            )
        if isinstance(event, (InvocationStartedEvent, InvocationProgressEvent)):
            self._current["node_id"] = event.node_id
            self._current["node_name"] = self._node_name(event)
        if isinstance(event, InvocationProgressEvent):
            self._current["message"] = event.message
            step = event.percentage
            self._current["step"] = None if step is None else min(max(step, 0.0), 1.0)
            self._current["preview"] = event.preview
        if isinstance(event, InvocationCompleteEvent) and event.node_id is not None:
            self._note_done(event.item_id, (event.node_id,))
        return True

    def snapshot(self, why: Optional[str] = None) -> RunProgress:
        """The snapshot of this moment."""
        tracker = self.tracker
        total = len(tracker.item_ids)
        finished = total - len(tracker.unfinished)
        now = (finished + self._begun()) / max(total, 1)
        self._fraction = max(self._fraction, min(now, 1.0))
        return RunProgress(
            total=total,
            finished=finished,
            counts=dict(tracker.counts),
            fraction=self._fraction,
            why=why,
            **self._current,
        )

    def _note_done(self, item_id: int, nodes: Iterable[str]) -> None:
        """Count nodes as done, and all that had to be done before them.

        So events that were missed, as at the very start of a job, cost nothing.
        """
        done = self._done_nodes.setdefault(item_id, set())
        waiting = list(nodes)
        while waiting:
            node_id = waiting.pop()
            if node_id not in done:
                done.add(node_id)
                waiting.extend(self._result_names.sources.get(node_id, ()))

    def _begun(self) -> float:
        """Jobs' worth of work done in jobs that are not over."""
        begun = set(self._done_nodes)
        if self._current:
            begun.add(self._current["item_id"])
        running = [
            key
            for key in begun
            if key in self.tracker and not self.tracker[key].is_over
        ]
        self._done_nodes = {
            key: nodes for key, nodes in self._done_nodes.items() if key in running
        }
        return sum((self._share(key) for key in running), 0.0)

    def _share(self, item_id: int) -> float:
        """How much of an unfinished job is done; never all of it."""
        done = float(len(self._done_nodes.get(item_id, ())))
        step = self._current.get("step")
        if self._current.get("item_id") == item_id and isinstance(step, (int, float)):
            done += min(max(float(step), 0.0), 1.0)
        return min(done / max(self._nodes_per_job, done + 1, 1), 0.99)

    def _node_name(self, event: InvocationEvent) -> Optional[str]:
        if event.node_id is None:
            return None
        return self._result_names.title(event.node_id, event.node_type or "").label
