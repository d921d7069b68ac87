"""From the records of jobs and the images they name to a `RunResult`. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Optional

from invokeai_py_client._core.tracker import TERMINAL, JobLook
from invokeai_py_client.exceptions import JobCanceledError, JobError, JobFailedError
from invokeai_py_client.image.models import ImageBase
from invokeai_py_client.models import IvkJob, JobStatus
from invokeai_py_client.workflow.legend import Legend
from invokeai_py_client.workflow.media_reader import NamedMedia
from invokeai_py_client.workflow.orders import FieldValues
from invokeai_py_client.workflow.read_session import (
    JobRecord,
    NodeRun,
    image_names,
    video_names,
)
from invokeai_py_client.workflow.results import (
    ImageT,
    JobResult,
    NodeOutput,
    NodeOutputs,
    RunResult,
    VideoT,
)

# Nodes that hand an existing image on; the GUI does not put theirs in the gallery.
PASSES_ON = frozenset({"image", "load_image", "video"})


def named_images(records: Iterable[JobRecord]) -> list[str]:
    """Every image that the records name, each once."""
    return _named(records, image_names)


def named_videos(records: Iterable[JobRecord]) -> list[str]:
    """Every video that the records name, each once."""
    return _named(records, video_names)


def _named(
    records: Iterable[JobRecord], names_in: Callable[[Any], Iterator[str]]
) -> list[str]:
    names = (
        name
        for record in records
        for run in record.runs
        for name in names_in(run.result)
    )
    return list(dict.fromkeys(names))


def build_result(
    batch_id: str,
    looks: Sequence[JobLook],
    records: Mapping[int, JobRecord],
    legend: Legend,
    media: NamedMedia[ImageT, VideoT],
    *,
    field_values: Sequence[FieldValues] = (),
) -> RunResult[ImageT, VideoT]:
    """Put a result together.

    Args:
        batch_id: The submission's id.
        looks: How each job stands, in expansion order.
        records: What the sessions say, by item id; jobs that are not over, or whose
            row is gone, have none.
        legend: The workflow's names.
        media: The images and videos that the records name.
        field_values: The batch values of each job, for jobs without a record.
    """
    jobs = []
    for index, look in enumerate(looks):
        record = records.get(look.item_id)
        if record is None:
            known = field_values[index] if index < len(field_values) else ()
            jobs.append(_without_record(index, look, known, batch_id))
        else:
            jobs.append(_job(index, look, record, legend, media, batch_id))
    return RunResult(batch_id, tuple(jobs), legend.outputs)


def _job(
    index: int,
    look: JobLook,
    record: JobRecord,
    legend: Legend,
    media: NamedMedia[ImageT, VideoT],
    batch_id: str,
) -> JobResult[ImageT, VideoT]:
    outputs = _outputs(record, legend, media)
    return JobResult(
        item_id=record.item_id,
        index=index,
        status=JobStatus(record.status),
        outputs=NodeOutputs(outputs),
        images=_gallery(record, outputs),
        videos=_videos(record, outputs),
        values=record.values,
        seeds=record.seeds,
        field_values=record.field_values,
        session_id=record.session_id,
        error=_error(look, record, legend, batch_id),
    )


def _without_record(
    index: int, look: JobLook, field_values: FieldValues, batch_id: str
) -> JobResult[Any, Any]:
    gone = look.lost or look.status in TERMINAL
    error: Optional[JobError] = None
    status = JobStatus(look.status)
    if gone and look.status == "failed":
        error = _failed(look, None, Legend(), batch_id)
    elif gone:
        was = "completed and" if look.status == "completed" else "was"
        error = JobCanceledError(
            f"job {look.item_id} {was} deleted from the queue"
            if look.lost or look.status == "completed"
            else f"job {look.item_id} was cancelled",
            job=_job_snapshot(look, batch_id),
        )
        if look.lost:
            status = JobStatus.CANCELED
    return JobResult(
        item_id=look.item_id,
        index=index,
        status=status,
        field_values=field_values,
        error=error,
    )


def _outputs(
    record: JobRecord,
    legend: Legend,
    media: NamedMedia[ImageT, VideoT],
) -> list[NodeOutput[ImageT, VideoT]]:
    by_node: dict[str, list[NodeRun]] = {}
    for run in record.runs:
        by_node.setdefault(run.node_id, []).append(run)
    return [_output(runs, record, legend, media) for runs in by_node.values()]


def _output(
    runs: Sequence[NodeRun],
    record: JobRecord,
    legend: Legend,
    media: NamedMedia[ImageT, VideoT],
) -> NodeOutput[ImageT, VideoT]:
    node_id, node_type = runs[0].node_id, runs[0].node_type
    title = legend.title(node_id, node_type)
    names = [name for run in runs for name in image_names(run.result)]
    images = tuple(media.image(name) for name in names)
    films = [name for run in runs for name in video_names(run.result)]
    return NodeOutput(
        node_id=node_id,
        name=title.name,
        label=title.label,
        node_type=node_type or title.type,
        results=tuple(run.result for run in runs),
        images=images,
        videos=tuple(media.video(name) for name in films),
        cached=any(_is_cached(image, record) for image in images),
    )


def _is_cached(image: ImageBase, record: JobRecord) -> bool:
    """True for an image that an earlier session made and that was not put in."""
    if image.session_id is None or record.session_id is None:
        return False
    made_here = image.session_id == record.session_id
    return not made_here and image.image_name not in record.given_images


def _gallery(
    record: JobRecord, outputs: Sequence[NodeOutput[ImageT, Any]]
) -> tuple[ImageT, ...]:
    made = [output for output in outputs if output.node_type not in PASSES_ON]
    images = _each_once(made, record)
    gallery = tuple(image for image in images if not image.is_intermediate)
    if gallery:
        return gallery
    final = [output for output in made if output.node_id in record.final_nodes]
    # Without a final image, the last node that has images is what a user looks at.
    last = [output for output in made if output.images][-1:]
    return _each_once(final, record) or _each_once(last, record)


def _videos(
    record: JobRecord, outputs: Sequence[NodeOutput[Any, VideoT]]
) -> tuple[VideoT, ...]:
    """The gallery's videos, else those of the nodes at the end, as for images."""
    made = [output for output in outputs if output.node_type not in PASSES_ON]
    found = {
        video.video_name: (video, output.node_id in record.final_nodes)
        for output in made
        for video in output.videos
        if video.video_name not in record.given_videos
    }
    gallery = [video for video, _ in found.values() if not video.is_intermediate]
    return tuple(gallery or (video for video, is_final in found.values() if is_final))


def _each_once(
    outputs: Sequence[NodeOutput[ImageT, Any]], record: JobRecord
) -> tuple[ImageT, ...]:
    found = {
        image.image_name: image
        for output in outputs
        for image in output.images
        if image.image_name not in record.given_images
    }
    return tuple(found.values())


def _error(
    look: JobLook, record: JobRecord, legend: Legend, batch_id: str
) -> Optional[JobError]:
    if record.status == "failed":
        return _failed(look, record, legend, batch_id)
    if record.status == "canceled":
        return JobCanceledError(
            f"job {record.item_id} was cancelled",
            job=_job_snapshot(look, batch_id, record),
            hint="by somebody, or by a restart of the server while it ran",
        )
    return None


def _failed(
    look: JobLook, record: Optional[JobRecord], legend: Legend, batch_id: str
) -> JobFailedError:
    node_id = record.failed_node if record else None
    node_type = record.failed_type if record else None
    job = _job_snapshot(look, batch_id, record)
    error_type, words = job.error_type, job.error_message
    where = f"job {look.item_id} failed"
    if node_id is not None:
        title = legend.title(node_id, node_type or "")
        where += f" in node {title.label!r} ({node_type or '?'}, {node_id})"
    what = ": ".join(part for part in (error_type, words) if part)
    if error_type and words and words.startswith(error_type):
        what = words
    return JobFailedError(
        f"{where}: {what or 'the server gave no reason'}",
        job=job,
        error_type=error_type,
        error_message=words,
        node_id=node_id,
        node_type=node_type,
        traceback=job.error_traceback,
    )


def _job_snapshot(
    look: JobLook, batch_id: str, record: Optional[JobRecord] = None
) -> IvkJob:
    return IvkJob(
        item_id=look.item_id,
        status=JobStatus(record.status if record else look.status),
        batch_id=batch_id,
        status_sequence=look.sequence,
        session_id=record.session_id if record else None,
        error_type=(record.error_type if record else None) or look.error_type,
        error_message=(record.error_message if record else None) or look.error_message,
        error_traceback=(record.error_traceback if record else None)
        or look.error_traceback,
        field_values=[dict(value) for value in record.field_values] if record else None,
    )
