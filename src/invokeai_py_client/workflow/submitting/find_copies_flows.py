"""The jobs under a batch id with the graphs they were sent with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Optional

from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.versions import ROUTE_ERRORS, is_missing_route
from invokeai_py_client._job import IvkJob
from invokeai_py_client.exceptions import APIStatusError
from invokeai_py_client.image import media_flows
from invokeai_py_client.image.media import IMAGE, Media
from invokeai_py_client.queue import flows as queue_flows, requests as queue_requests
from invokeai_py_client.video.files import VIDEO
from invokeai_py_client.workflow.jobs.batch_request import BatchRequest
from invokeai_py_client.workflow.submitting.match_jobs import Difference, FoundJob

# A session takes 3 kB and more. Of more jobs than this only those are read that show
# where in the queue one copy ends and another begins.
MANY_JOBS = 100

_MEDIA: Mapping[str, Media[Any]] = {"image_name": IMAGE, "video_name": VIDEO}


def find_copies(request: BatchRequest) -> Flow[list[FoundJob]]:
    """The jobs under a batch id by their number, but for those the request knows.

    Without a key all of them are the request's own, and no graph is read.
    """
    queue_id = request.queue_id
    found = yield from queue_flows.find_batch(queue_id, *request.batch_ids)
    jobs = [job for job in found if job.item_id not in request.known]
    if not request.keyed:
        return [FoundJob(job) for job in jobs]
    if len(jobs) > MANY_JOBS:
        sampled: list[FoundJob] = []
        yield from _read_segment(queue_id, jobs, sampled)
        if len(sampled) == request.requested:
            return sampled
    return (yield from _read_all(queue_id, jobs))


def _read_all(queue_id: str, jobs: Sequence[IvkJob]) -> Flow[list[FoundJob]]:
    ids = [job.item_id for job in jobs]
    try:
        full = yield from queue_flows.full_jobs(queue_id, ids)
    except ROUTE_ERRORS as error:
        if not is_missing_route(error):
            raise
        # Before 6.7 there is no route for many.
        records = yield from queue_requests.list_records(queue_id, ids)
        full = [queue_flows.read_job(queue_id, record) for record in records]
    by_id = {job.item_id: job for job in full}
    # A job that the server cannot read is not among them.
    return [_found(job, by_id.get(job.item_id)) for job in jobs]


def _found(job: IvkJob, full: Optional[IvkJob]) -> FoundJob:
    if full is None:
        return FoundJob(job)
    kept = full.model_copy(update={"session": None})
    graph = (full.session or {}).get("graph")
    if not isinstance(graph, Mapping) or not graph.get("nodes"):
        graph = {}
    return FoundJob(kept, graph)


def _read_segment(
    queue_id: str, jobs: Sequence[IvkJob], found: list[FoundJob]
) -> Flow[None]:
    """Read the first and the last: the jobs of one copy are neighbours."""
    ends = yield from _read_all(queue_id, [jobs[0], *jobs[1:][-1:]])
    if len(jobs) <= 2:
        found.extend(ends)
    elif ends[0].copy == ends[-1].copy:
        between = [FoundJob(job, ends[0].graph) for job in jobs[1:-1]]
        found.extend([ends[0], *between, ends[-1]])
    else:
        middle = len(jobs) // 2
        yield from _read_segment(queue_id, jobs[:middle], found)
        yield from _read_segment(queue_id, jobs[middle:], found)


def match_media(differences: Sequence[Difference], names: dict[str, str]) -> Flow[bool]:
    """Note in `names` which images and videos only differ in their names.

    A local file is uploaded under a new name by each process.

    Returns:
        True when all that is different may have been names.
    """
    pairs: dict[str, tuple[Media[Any], str]] = {}
    for difference in differences:
        if not _note_pairs(difference.there, difference.here, pairs):
            return False
    new = {here: pair for here, pair in pairs.items() if here not in names}
    for here, (media, there) in new.items():
        try:
            ours = yield from media_flows.get_bytes(media, here)
            theirs = yield from media_flows.get_bytes(media, there)
        except (APIStatusError, media.error):
            # Deleted since.
            return False
        if ours != theirs:
            return False
        names[here] = there
    return bool(new)


def _note_pairs(
    there: Any, here: Any, pairs: dict[str, tuple[Media[Any], str]]
) -> bool:
    """Note the media that stand in the same place; False when more is different."""
    if isinstance(there, Mapping) and isinstance(here, Mapping):
        for key, value in here.items():
            other = there.get(key)
            if key in _MEDIA and isinstance(value, str) and isinstance(other, str):
                pairs[value] = (_MEDIA[key], other)
            elif not _note_pairs(other, value, pairs):
                return False
        return True
    if isinstance(there, list) and isinstance(here, (list, tuple)):
        return len(there) == len(here) and all(
            _note_pairs(*pair, pairs) for pair in zip(there, here)
        )
    return bool(there == here)
