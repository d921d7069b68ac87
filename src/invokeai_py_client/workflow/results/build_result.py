"""From the records of jobs and the images they name to a `RunResult`. Pure."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Optional, TypeVar

from invokeai_py_client._core.tracker import JobState
from invokeai_py_client._file_names import job_fields
from invokeai_py_client._job import IvkJob, JobStatus
from invokeai_py_client.exceptions import (
    JobCanceledError,
    JobError,
    JobFailedError,
    JobLostError,
)
from invokeai_py_client.image.models import ImageBase, MediaBase, with_job_fields
from invokeai_py_client.workflow.jobs.batch_request import FieldValues
from invokeai_py_client.workflow.jobs.result_names import ResultNames
from invokeai_py_client.workflow.results.read_session import (
    IMAGE,
    VIDEO,
    JobRecord,
    NodeRun,
    media_names,
)
from invokeai_py_client.workflow.results.run_result import (
    ImageT,
    JobResult,
    NodeOutput,
    NodeOutputs,
    RunResult,
    VideoT,
)

T = TypeVar("T", bound=MediaBase)

# Nodes that hand an existing image on; the GUI does not put theirs in the gallery.
PASSES_ON = frozenset({"image", "load_image", "video"})


@dataclass(frozen=True)
class MediaFactory(Generic[ImageT, VideoT]):
    """Makes images and videos of the server's records of them."""

    image: Callable[[Any], ImageT]
    video: Callable[[Any], VideoT]


@dataclass(frozen=True)
class NamedMedia(Generic[ImageT, VideoT]):
    """Images and videos by name; of what was deleted since, only the name is left."""

    read: MediaFactory[ImageT, VideoT]
    images: Mapping[str, ImageT] = field(default_factory=dict)
    videos: Mapping[str, VideoT] = field(default_factory=dict)

    def image(self, name: str) -> ImageT:
        """The image of that name."""
        found = self.images.get(name)
        return self.read.image({"image_name": name}) if found is None else found

    def video(self, name: str) -> VideoT:
        """The video of that name."""
        found = self.videos.get(name)
        return self.read.video({"video_name": name}) if found is None else found


def named_media(records: Iterable[JobRecord], key: str) -> list[str]:
    """Every image or video that the records name by `key`, each once."""
    names = (
        name
        for record in records
        for run in record.runs
        for name in media_names(run.result, key)
    )
    return list(dict.fromkeys(names))


def build_result(
    batch_id: str,
    states: Sequence[JobState],
    records: Mapping[int, JobRecord],
    result_names: ResultNames,
    media: NamedMedia[ImageT, VideoT],
    *,
    field_values: Sequence[FieldValues] = (),
    warnings: Sequence[str] = (),
) -> RunResult[ImageT, VideoT]:
    """Put a result together; `states` are in expansion order.

    Jobs that are not over, or whose row is gone, have no record (by item id); their
    batch values come from `field_values`.
    """
    jobs = []
    for index, state in enumerate(states):
        record = records.get(state.item_id)
        error = _error(state, record, result_names, batch_id)
        if record is None:
            status = "canceled" if state.lost else state.status
            known = field_values[index] if index < len(field_values) else ()
            record = JobRecord(state.item_id, status, field_values=known)
        jobs.append(_job(index, record, error, result_names, media, batch_id))
    return RunResult(batch_id, tuple(jobs), result_names.outputs, tuple(warnings))


def _job(
    index: int,
    record: JobRecord,
    error: Optional[JobError],
    result_names: ResultNames,
    media: NamedMedia[ImageT, VideoT],
    batch_id: str,
) -> JobResult[ImageT, VideoT]:
    by_node: dict[str, list[NodeRun]] = {}
    for run in record.runs:
        by_node.setdefault(run.node_id, []).append(run)
    outputs = [_output(runs, record, result_names, media) for runs in by_node.values()]
    fields = job_fields(
        {**record.values, **record.seeds},
        index=index,
        job=record.item_id,
        batch=batch_id,
        seed=next(iter(record.seeds.values()), None),
    )
    outputs = _with_fields(record, outputs, fields)
    return JobResult(
        item_id=record.item_id,
        index=index,
        status=JobStatus(record.status),
        outputs=NodeOutputs(outputs),
        images=_made(record, outputs, "images"),
        videos=_made(record, outputs, "videos"),
        values=record.values,
        seeds=record.seeds,
        field_values=record.field_values,
        session_id=record.session_id,
        error=error,
        batch_id=batch_id,
    )


def _output(
    runs: Sequence[NodeRun],
    record: JobRecord,
    result_names: ResultNames,
    media: NamedMedia[ImageT, VideoT],
) -> NodeOutput[ImageT, VideoT]:
    node_id, node_type = runs[0].node_id, runs[0].node_type
    title = result_names.title(node_id, node_type)
    results = tuple(run.result for run in runs)
    images = tuple(map(media.image, media_names(results, IMAGE)))
    return NodeOutput(
        node_id=node_id,
        name=title.name,
        label=title.label,
        node_type=node_type or title.type,
        results=results,
        images=images,
        videos=tuple(map(media.video, media_names(results, VIDEO))),
        cached=any(_is_cached(image, record) for image in images),
    )


def _is_cached(image: ImageBase, record: JobRecord) -> bool:
    """True for an image that an earlier session made and that was not put in."""
    if image.session_id is None or record.session_id is None:
        return False
    made_here = image.session_id == record.session_id
    return not made_here and image.image_name not in record.given


def _made(
    record: JobRecord, outputs: Sequence[NodeOutput[Any, Any]], kind: str
) -> tuple[Any, ...]:
    """The gallery's images or videos; without any, those a user would look at."""

    def each_once(chosen: Iterable[NodeOutput[Any, Any]]) -> tuple[Any, ...]:
        found = {str(item): item for output in chosen for item in getattr(output, kind)}
        return tuple(item for name, item in found.items() if name not in record.given)

    made = [output for output in outputs if output.node_type not in PASSES_ON]
    gallery = [item for item in each_once(made) if not item.is_intermediate]
    final = each_once(output for output in made if output.node_id in record.final_nodes)
    last = each_once([output for output in made if getattr(output, kind)][-1:])
    return tuple(gallery) or final or last


def _with_fields(
    record: JobRecord,
    outputs: Sequence[NodeOutput[ImageT, VideoT]],
    fields: Mapping[str, Any],
) -> list[NodeOutput[ImageT, VideoT]]:
    """The same outputs, whose files know for their names what the job was.

    ``ordinal`` counts the files of the job from 1: those of its result before others.
    """
    every = [file for output in outputs for file in (*output.images, *output.videos)]
    result = [*_made(record, outputs, "images"), *_made(record, outputs, "videos")]
    names = dict.fromkeys(map(str, [*result, *every]))
    ordinals = {name: number for number, name in enumerate(names, 1)}

    def known(output: NodeOutput[ImageT, VideoT], files: Sequence[T]) -> tuple[T, ...]:
        own = {**fields, "output": output.name}
        return tuple(
            with_job_fields(file, ChainMap({"ordinal": ordinals[str(file)]}, own))
            for file in files
        )

    return [
        replace(
            output,
            images=known(output, output.images),
            videos=known(output, output.videos),
        )
        for output in outputs
    ]


def _error(
    state: JobState,
    record: Optional[JobRecord],
    result_names: ResultNames,
    batch_id: str,
) -> Optional[JobError]:
    status = state.status if record is None else record.status
    if status == "failed" and not state.lost:
        return _failed(state, record, result_names, batch_id)
    job = _job_snapshot(state, batch_id, record)
    if state.replaced:
        return JobLostError(lost_text(state.item_id), job=job)
    if state.lost or (record is None and status == "completed"):
        was = "completed and" if status == "completed" else "was"
        message = f"job {state.item_id} {was} deleted from the queue"
        return JobLostError(message, job=job)
    if status != "canceled":
        return None
    hint = "by somebody, or by a restart of the server while it ran"
    return JobCanceledError(
        f"job {state.item_id} was cancelled",
        job=job,
        hint=None if record is None else hint,
    )


def lost_text(item_id: int) -> str:
    """What to say of a job whose number belongs to another one."""
    return (
        f"job {item_id} is lost: its number belongs to another job now, so the "
        "server has another database than when it was submitted"
    )


def _failed(
    state: JobState,
    record: Optional[JobRecord],
    result_names: ResultNames,
    batch_id: str,
) -> JobFailedError:
    node_id = record.failed_node if record else None
    node_type = record.failed_type if record else None
    job = _job_snapshot(state, batch_id, record)
    error_type, words = job.error_type, job.error_message
    where = f"job {state.item_id} failed"
    if node_id is not None:
        title = result_names.title(node_id, node_type or "")
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
    state: JobState, batch_id: str, record: Optional[JobRecord]
) -> IvkJob:
    job = IvkJob(
        item_id=state.item_id,
        status=JobStatus(state.status),
        batch_id=batch_id,
        status_sequence=state.sequence,
        error_type=state.error_type,
        error_message=state.error_message,
        error_traceback=state.error_traceback,
    )
    if record is None:
        return job
    return job.model_copy(
        update={
            "status": JobStatus(record.status),
            "session_id": record.session_id,
            "error_type": record.error_type or state.error_type,
            "error_message": record.error_message or state.error_message,
            "error_traceback": record.error_traceback or state.error_traceback,
            "field_values": [dict(value) for value in record.field_values],
        }
    )
