"""What a submission is, as frozen data: its jobs, and the names in their results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from invokeai_py_client._core.tracker import JobTracker
from invokeai_py_client.workflow.legend import Legend
from invokeai_py_client.workflow.orders import FieldValues, QueuedJob

__all__ = ["SubmittedJob", "Ticket", "ticket_of_found"]


@dataclass(frozen=True)
class SubmittedJob:
    """One job as it was put into the queue.

    Attributes:
        item_id: The server's number for it.
        index: Its place in the expansion, from 0.
        field_values: Its batch values: ``{node_path, field_name, value}`` each.
    """

    item_id: int
    index: int
    field_values: FieldValues = ()

    @property
    def values(self) -> dict[str, Any]:
        """The batch values by ``node.field``."""
        return {
            f"{item['node_path']}.{item['field_name']}": item["value"]
            for item in self.field_values
        }


@dataclass(frozen=True)
class Ticket:
    """A submission without the means to reach it.

    Attributes:
        id: The batch id.
        queue_id: The queue it is in.
        jobs: In expansion order.
        requested: How many jobs were asked for; more than `jobs` when only a part
            fitted into the queue and the caller wanted it so.
        legend: The workflow's names at the time of submission.
        node_count: Nodes of the graph, to estimate progress; 0 when not known.
        adopted: The jobs were in the queue before, under the same key.
        warnings: What the caller should know, one line each.
    """

    id: str
    queue_id: str
    jobs: tuple[SubmittedJob, ...]
    requested: int
    legend: Legend = field(default_factory=Legend, repr=False)
    node_count: int = 0
    adopted: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def item_ids(self) -> tuple[int, ...]:
        """The jobs' numbers, in expansion order."""
        return tuple(job.item_id for job in self.jobs)

    def tracker(self) -> JobTracker:
        """A fresh tracker of the jobs."""
        return JobTracker(self.item_ids)


def ticket_of_found(
    batch_id: str,
    queue_id: str,
    found: Sequence[QueuedJob],
    legend: Legend,
    node_count: int = 0,
) -> Ticket:
    """The ticket of a batch whose jobs were found in the queue."""
    jobs = tuple(
        SubmittedJob(job.item_id, index, job.field_values or ())
        for index, job in enumerate(found)
    )
    return Ticket(
        id=batch_id,
        queue_id=queue_id,
        jobs=jobs,
        requested=len(jobs),
        legend=legend,
        node_count=node_count,
        adopted=True,
    )
