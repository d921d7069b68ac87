"""The job that made an image, as long as the queue has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Optional

from invokeai_py_client._core.decode import parse
from invokeai_py_client._core.events import mapping
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._job import IvkJob
from invokeai_py_client.exceptions import APIError
from invokeai_py_client.image.models import MediaBase
from invokeai_py_client.queue import requests as queue_requests
from invokeai_py_client.queue.requests import Record

# The times of an image and of its job are of one clock, but for rounding.
_TOLERANCE = timedelta(seconds=2)


def find_job_of_image(
    file: MediaBase,
    made_by: Optional[Mapping[str, Any]],
    queue_id: str = "default",
) -> Flow[Optional[Record]]:
    """The whole job that made an image, with its session; None when it is gone.

    No route finds a job by its session. What ran at the time when the image was made
    is asked for: of thousands of jobs one or two.

    Args:
        file: The image's record, as the server has it now.
        made_by: What the image knows of its job; None when it does not.
        queue_id: The queue to look in.
    """
    if file.session_id is None:
        return None
    number = (made_by or {}).get("job")
    if type(number) is int:
        found = yield from _with_session(queue_id, [{"item_id": number}], file)
        if found is not None:
            return found
    for page in (yield from queue_requests.pages(queue_id, readable_only=True)):
        records = _at_that_time((yield from page), file.created_at)
        found = yield from _with_session(queue_id, records, file)
        if found is not None:
            return found
    return None


def _at_that_time(records: Sequence[Record], made: Optional[datetime]) -> list[Record]:
    """The jobs that ran when the image was made, the likeliest first."""
    found = []
    for record in records:
        job = parse(IvkJob, {**record, "session": None})
        if job.started_at is None or made is None:
            continue
        ended = job.completed_at or made
        apart = max(job.started_at - made, made - ended)
        if apart <= _TOLERANCE:
            found.append((apart, record))
    return [record for _, record in sorted(found, key=lambda pair: pair[0])]


def _with_session(
    queue_id: str, records: Sequence[Record], file: MediaBase
) -> Flow[Optional[Record]]:
    for record in records:
        if not isinstance(record.get("session"), Mapping):
            try:
                whole = yield from queue_requests.find_record(
                    queue_id, record["item_id"]
                )
            except APIError:
                # A job that cannot be read is not worth the image's other sources.
                continue
            record = whole or {}
        session = mapping(record.get("session"))
        if file.session_id in (record.get("session_id"), session.get("id")):
            return record if session.get("results") else None
    return None
