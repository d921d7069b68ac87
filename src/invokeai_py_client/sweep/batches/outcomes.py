"""What became of an item: from the sessions of its jobs to one verdict. Pure.

Identity is the batch and the session: a record that names others is somebody else's
job, which has the number of ours because the server has another database now. A retry
that somebody pressed on the server is a job of its own; only the jobs that the sweep
enqueued count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, Optional

from invokeai_py_client._core.tracker import JobState
from invokeai_py_client.exceptions import JobFailedError
from invokeai_py_client.image.models import ImageBase
from invokeai_py_client.video.models import VideoBase
from invokeai_py_client.workflow.jobs.result_names import ResultNames
from invokeai_py_client.workflow.results.build_result import (
    MediaFactory,
    NamedMedia,
    build_result,
)
from invokeai_py_client.workflow.results.read_session import (
    IMAGE,
    VIDEO,
    JobRecord,
    media_names,
    read_job,
)

Verdict = Literal["done", "failed", "again"]

OUT_OF_MEMORY = "out_of_memory"
NODE_ERROR = "node_error"
INPUT_GONE = "input_gone"
NO_OUTPUT = "no_output"
DOWNLOAD = "download"
CANCELED = "canceled"
LOST = "lost"
KINDS = (OUT_OF_MEMORY, NODE_ERROR, NO_OUTPUT, INPUT_GONE, DOWNLOAD, CANCELED, LOST)
"""Why items fail: what `Sweep.failures` names, and `Sweep.retry` takes."""

# What the server says of an image or a video that was deleted.
_GONE = frozenset(
    f"{noun}{what}NotFoundException"
    for noun in ("Image", "Video")
    for what in ("Record", "File")
)

MOST_ATTEMPTS = 10
"""Times that an item is sent: somebody who cancels it each time means it."""

_READ: MediaFactory[ImageBase, VideoBase] = MediaFactory(
    ImageBase.bound_to(None), VideoBase.bound_to(None)
)


@dataclass(frozen=True)
class MediaName:
    """A file that a job made: its kind, and the server's name for it."""

    kind: Literal["image", "video"]
    name: str


@dataclass(frozen=True)
class Outcome:
    """What became of a job, or of all jobs of an item.

    Attributes:
        verdict: ``"again"`` when the server lost or cancelled it: no fault of the
            item.
        kind: Why it is not done, such as ``"out_of_memory"``.
        text: The same, for people.
        made: The files that it made, in order.
        seeds: The seeds as executed, by name.
        session_id: The session of the (first) job.
        seconds: How long it ran, by the server's clock.
    """

    verdict: Verdict
    kind: str = ""
    text: str = ""
    made: tuple[MediaName, ...] = ()
    seeds: Mapping[str, Any] = field(default_factory=dict)
    session_id: Optional[str] = None
    seconds: Optional[float] = None


def job_outcome(
    batch_id: str,
    state: JobState,
    record: Optional[Mapping[str, Any]],
    names: ResultNames,
) -> Outcome:
    """What became of one job that is over.

    Args:
        batch_id: Its batch.
        state: Its state, as events and polls say.
        record: The whole job with its session; None when the queue does not have it.
        names: What the workflow's nodes are called.
    """
    if record is None or state.lost:
        return Outcome("again", LOST, f"job {state.item_id} is not in the queue")
    job = read_job(record, names)
    media = _media(record, job)
    states = [state]
    result = build_result(batch_id, states, {job.item_id: job}, names, media).jobs[0]
    session_id = result.session_id
    if isinstance(result.error, JobFailedError):
        kind = OUT_OF_MEMORY if result.error.out_of_memory else NODE_ERROR
        if result.error.error_type in _GONE:
            kind = INPUT_GONE
        text = result.error.message
        return Outcome("failed", kind, text, session_id=session_id)
    if result.error is not None:
        text = result.error.message
        return Outcome("again", CANCELED, text, session_id=session_id)
    made = [MediaName("image", image.image_name) for image in result.images]
    made += [MediaName("video", video.video_name) for video in result.videos]
    if not made:
        text = f"job {job.item_id} completed without an image"
        return Outcome("failed", NO_OUTPUT, text, session_id=session_id)
    return Outcome(
        "done",
        made=tuple(made),
        seeds=result.seeds,
        session_id=session_id,
        seconds=_seconds(record),
    )


def item_outcome(jobs: Sequence[Outcome]) -> Outcome:
    """What became of an item, whose workflow may make several jobs of it."""
    for verdict in ("failed", "again"):
        for job in jobs:
            if job.verdict == verdict:
                return job
    made = tuple(dict.fromkeys(file for job in jobs for file in job.made))
    times = [job.seconds for job in jobs if job.seconds is not None]
    return replace(jobs[0], made=made, seconds=sum(times) if times else None)


def with_limits(outcome: Outcome, attempts: int) -> Outcome:
    """The same, but for an item that was sent too often, or may be sent once more.

    Args:
        outcome: What became of it.
        attempts: How often it was sent, this time included.
    """
    if outcome.verdict == "again" and attempts >= MOST_ATTEMPTS:
        text = f"{outcome.text}; it was sent {attempts} times"
        return Outcome("failed", outcome.kind, text, session_id=outcome.session_id)
    return outcome


def _seconds(record: Mapping[str, Any]) -> Optional[float]:
    try:
        start, end = (
            datetime.fromisoformat(str(record.get(key)))
            for key in ("started_at", "completed_at")
        )
    except ValueError:
        return None
    return round((end - start).total_seconds(), 3)


def _media(
    record: Mapping[str, Any], job: JobRecord
) -> NamedMedia[ImageBase, VideoBase]:
    """The files a job names, as the server will have recorded them.

    Their records could be asked for, but all that they would say here is whether the
    gallery shows them, and that is what their node says.
    """
    session = record.get("session")
    graph = session.get("graph") if isinstance(session, Mapping) else None
    nodes = graph.get("nodes") if isinstance(graph, Mapping) else None
    images: dict[str, ImageBase] = {}
    videos: dict[str, VideoBase] = {}
    for run in job.runs:
        node = nodes.get(run.node_id) if isinstance(nodes, Mapping) else None
        hidden = isinstance(node, Mapping) and bool(node.get("is_intermediate"))
        for name in media_names(run.result, IMAGE):
            images[name] = _READ.image({IMAGE: name, "is_intermediate": hidden})
        for name in media_names(run.result, VIDEO):
            videos[name] = _READ.video({VIDEO: name, "is_intermediate": hidden})
    return NamedMedia(_READ, images, videos)
