"""An order: one batch as it is sent, and what its jobs must look like in the queue.

The server expands a batch as run by run, then the product of the groups with the last
group varying fastest, and inside a group the lists side by side
(docs/dev/running.md). Knowing that order lets a job be told by its place, and lets
two copies of a batch be told apart when a lost reply made us send it twice.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Optional

__all__ = ["FieldValues", "Order", "QueuedJob"]

FieldValues = tuple[Mapping[str, Any], ...]
"""The batch values of one job: ``{node_path, field_name, value}`` each."""


@dataclass(frozen=True)
class QueuedJob:
    """A job of a batch as the queue lists it, without its session."""

    item_id: int
    status: str
    field_values: Optional[FieldValues] = None

    @property
    def has_started(self) -> bool:
        """True when the job is past waiting for its turn."""
        return self.status != "pending"


@dataclass(frozen=True)
class Order:
    """A batch with the id under which its jobs will be found again.

    Attributes:
        batch_id: Made by the client, so that it is known even if no reply comes.
        known: Jobs that had this batch id before; never taken for ours.
        keyed: Others may use this batch id at the same moment, with other values.
    """

    batch_id: str
    graph: Mapping[str, Any] = field(repr=False)
    data: Sequence[Sequence[Mapping[str, Any]]] = field(default=(), repr=False)
    runs: int = 1
    workflow: Optional[Mapping[str, Any]] = field(default=None, repr=False)
    prepend: bool = False
    queue_id: str = "default"
    known: frozenset[int] = frozenset()
    keyed: bool = False

    @property
    def requested(self) -> int:
        """How many jobs the server will make of it."""
        return self.runs * math.prod(_length(group) for group in self.data)

    def body(self) -> dict[str, Any]:
        """The body of ``enqueue_batch``, as the GUI sends it plus the batch id."""
        batch: dict[str, Any] = {
            "batch_id": self.batch_id,
            "graph": self.graph,
            "workflow": self.workflow,
            "runs": self.runs,
            "origin": "workflows",
            "destination": "gallery",
            "data": self.data,
        }
        return {"prepend": self.prepend, "batch": batch}

    def expansion(self) -> list[FieldValues]:
        """The batch values of every job, in the order of their item ids."""
        groups = [_rows(group) for group in self.data]
        once = [
            tuple(itertools.chain.from_iterable(rows))
            for rows in itertools.product(*groups)
        ]
        return once * self.runs

    def after(self, done: int, known: Iterable[int]) -> Order:
        """What is left of the order when its first `done` jobs are in the queue.

        The rest of a product is in general no product, so it is written as one
        zipped group; a batch without data is only a number of runs.
        """
        rest = self.expansion()[done:]
        known_ids = self.known | frozenset(known)
        if not any(rest):
            return replace(self, runs=len(rest), known=known_ids)
        columns = [
            {
                "node_path": value["node_path"],
                "field_name": value["field_name"],
                "items": [row[column]["value"] for row in rest],
            }
            for column, value in enumerate(rest[0])
        ]
        return replace(self, data=[columns], runs=1, known=known_ids)

    def pick_copy(self, jobs: Sequence[QueuedJob]) -> Optional[list[QueuedJob]]:
        """The jobs to keep where the batch is in the queue more than once.

        A copy is a run of `requested` neighbours whose batch values are the
        expansion; the one that has got furthest is kept, then the oldest. None when
        no copy is complete.
        """
        size = self.requested
        windows = (list(jobs[n : n + size]) for n in range(len(jobs) - size + 1))
        # max() keeps the first of equals: the oldest.
        return max(filter(self.is_ours, windows), key=_progress, default=None)

    def pick_first(self, jobs: Sequence[QueuedJob]) -> list[QueuedJob]:
        """The jobs to keep where several people used one key at the same moment.

        Each must come to the same choice, or they would remove each other's jobs. So
        that is the oldest copy, whatever its values (random seeds differ) and
        however far another one has got.
        """
        return list(jobs[: self.requested])

    def is_ours(self, jobs: Sequence[QueuedJob]) -> bool:
        """False when somebody else put these jobs under the same key."""
        return all(map(_same_values, jobs, self.expansion()))


def _length(group: Sequence[Mapping[str, Any]]) -> int:
    return min((len(datum["items"]) for datum in group), default=0)


def _rows(group: Sequence[Mapping[str, Any]]) -> list[FieldValues]:
    return [
        tuple(
            {
                "node_path": datum["node_path"],
                "field_name": datum["field_name"],
                "value": datum["items"][row],
            }
            for datum in group
        )
        for row in range(_length(group))
    ]


def _same_values(job: QueuedJob, expected: FieldValues) -> bool:
    if job.field_values is None:
        return not expected
    return _by_place(job.field_values) == _by_place(expected)


def _by_place(values: FieldValues) -> dict[tuple[str, str], Any]:
    return {(item["node_path"], item["field_name"]): item["value"] for item in values}


def _progress(jobs: Sequence[QueuedJob]) -> int:
    return sum(job.has_started for job in jobs)
