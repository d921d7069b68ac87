"""A submission as frozen data: its jobs, and the names in their results."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Optional

from invokeai_py_client._core.tracker import JobTracker
from invokeai_py_client._exports import set_module
from invokeai_py_client.workflow.jobs.batch_request import FieldValues
from invokeai_py_client.workflow.jobs.result_names import ResultNames


@set_module("invokeai_py_client.workflow")
@dataclass(frozen=True)
class SubmittedJob:
    """One job as it was put into the queue.

    Attributes:
        item_id: The server's number for it.
        index: Its place in the expansion, from 0.
        field_values: Its batch values: ``{node_path, field_name, value}`` each.
        batch_id: Its batch, by which the server's number is checked: another database
            gives the same number to another job.
        session_id: The job's session likewise; None when it is not known yet.
    """

    item_id: int
    index: int
    field_values: FieldValues = ()
    batch_id: str = ""
    session_id: Optional[str] = None

    @property
    def values(self) -> dict[str, Any]:
        """The batch values by ``node.field``."""
        return {
            f"{item['node_path']}.{item['field_name']}": item["value"]
            for item in self.field_values
        }


@dataclass(frozen=True)
class SubmissionRecord:
    """A submission without the means to reach it.

    Attributes:
        id: The batch id that the server accepted.
        queue_id: The queue it is in.
        jobs: In expansion order.
        requested: How many jobs were asked for; more than `jobs` when only a part
            fitted into the queue and the caller wanted it so.
        result_names: The workflow's names at the time of submission.
        node_count: Nodes of the graph, to estimate progress; 0 when not known.
        adopted: Jobs were in the queue before, under the same key.
        warnings: What the caller should know, one line each.
    """

    id: str
    queue_id: str
    jobs: tuple[SubmittedJob, ...]
    requested: int
    result_names: ResultNames = field(default_factory=ResultNames, repr=False)
    node_count: int = 0
    adopted: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def item_ids(self) -> tuple[int, ...]:
        """The jobs' numbers, in expansion order."""
        return tuple(job.item_id for job in self.jobs)

    @property
    def batch_ids(self) -> tuple[str, ...]:
        """Its batches: more than one where the server lets no two share an id."""
        ids = (job.batch_id or self.id for job in self.jobs)
        return tuple(dict.fromkeys([self.id, *ids]))

    def tracker(self) -> JobTracker:
        """A fresh tracker of the jobs."""
        sessions = {job.item_id: job.session_id for job in self.jobs if job.session_id}
        batches = {job.item_id: job.batch_id or self.id for job in self.jobs}
        return JobTracker(self.item_ids, batches, sessions)
