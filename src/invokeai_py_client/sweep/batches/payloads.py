"""Batches as the ledger keeps them: ids, the bytes that are sent, and back. Pure."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Sequence

from invokeai_py_client.sweep.ledger.records import (
    BatchIntent,
    BatchJob,
    BatchRow,
    LedgerItem,
)
from invokeai_py_client.workflow.jobs.batch_request import BatchRequest
from invokeai_py_client.workflow.jobs.submission_record import (
    SubmissionRecord,
    SubmittedJob,
)
from invokeai_py_client.workflow.submitting.enqueue_options import EnqueueOutcome

# A fixed namespace: the same attempts at the same items have the same batch id.
SWEEPS = uuid.UUID("0c6bd5ea-9a34-5a0b-8f0e-3b6a1f7d2c91")

TAG = "ivk-sweep:{}"
"""Origin and destination of a sweep's jobs."""


def batch_id_of(sweep_id: str, items: Iterable[LedgerItem]) -> str:
    """The id of the batch with the next attempt at these items.

    Even if the ledger lost the batch, the same items make the same id, under which the
    jobs are found.
    """
    attempts = (f"{item.key}#{item.attempts + 1}" for item in items)
    return str(uuid.uuid5(SWEEPS, "\n".join((sweep_id, *attempts))))


def intent_of(
    request: BatchRequest, items: Sequence[LedgerItem], server: str
) -> BatchIntent:
    """What the ledger keeps of a batch before it is sent."""
    payload = json.dumps(
        {"queue_id": request.queue_id, **request.body()},
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode("utf-8", "surrogatepass")
    return BatchIntent(
        id=request.batch_id,
        server=server,
        items=tuple((item.index, item.attempts + 1) for item in items),
        payload=payload,
        digest=hashlib.sha256(payload).hexdigest(),
    )


def request_of(row: BatchRow) -> BatchRequest:
    """The batch whose bytes the ledger kept, so that the same is sent again.

    It counts as one with a key: jobs may be there already.
    """
    stored = json.loads(row.payload.decode("utf-8", "surrogatepass"))
    batch = stored["batch"]
    return BatchRequest(
        batch_id=batch["batch_id"],
        graph=batch["graph"],
        data=batch["data"],
        runs=batch["runs"],
        workflow=batch["workflow"],
        prepend=stored["prepend"],
        queue_id=stored["queue_id"],
        keyed=True,
        tag=batch["destination"],
        idempotency_key=batch.get("idempotency_key"),
    )


def jobs_of(batch_id: str, placed: EnqueueOutcome, items: int) -> tuple[BatchJob, ...]:
    """The jobs of a batch as the ledger keeps them, each with its item's position.

    Args:
        batch_id: The id that was intended.
        placed: What the server took.
        items: How many items the batch has; the jobs of one are neighbours.
    """
    per_item = max(placed.requested // items, 1)
    return tuple(
        BatchJob(
            job.index // per_item,
            job.item_id,
            job.session_id,
            None if job.batch_id == batch_id else job.batch_id,
        )
        for job in placed.jobs
    )


def record_of(row: BatchRow, queue_id: str) -> SubmissionRecord:
    """The jobs of an accepted batch whose items are still open."""
    is_open = {item.position for item in row.items if item.state == "sent"}
    jobs = tuple(
        SubmittedJob(
            job.item_id,
            index,
            batch_id=job.accepted_id or row.id,
            session_id=job.session_id,
        )
        for index, job in enumerate(row.jobs)
        if job.position in is_open
    )
    batch_id = jobs[0].batch_id if jobs else row.id
    return SubmissionRecord(batch_id, queue_id, jobs, len(row.jobs))
