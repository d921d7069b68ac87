"""The result of a run: images, values and seeds, by job and by node; all frozen."""

from __future__ import annotations

import copy
import reprlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Optional

from typing_extensions import TypeVar

from invokeai_py_client._exports import html_table, one_line, set_module
from invokeai_py_client._job import JobStatus
from invokeai_py_client.exceptions import (
    JobError,
    JobFailedError,
    OutputNotFoundError,
    WorkflowError,
)
from invokeai_py_client.exceptions.workflow import shown
from invokeai_py_client.image.models import ImageBase
from invokeai_py_client.video.models import VideoBase
from invokeai_py_client.workflow.jobs.batch_request import FieldValues

ImageT = TypeVar("ImageT", bound=ImageBase)
# With a default, so that `RunResult[IvkImage]` says enough.
VideoT = TypeVar("VideoT", bound=VideoBase, default=Any)
OutputT = TypeVar("OutputT", bound="NodeOutput[Any, Any]")
T = TypeVar("T")


@set_module("invokeai_py_client")
@dataclass(frozen=True)
class NodeOutput(Generic[ImageT, VideoT]):
    """What one node produced, in one job or in all of them.

    A node inside a loop runs once per iteration, so everything here is a sequence, in
    iteration order; over several jobs, job by job.

    Attributes:
        node_id: The workflow's node.
        name: Unique in the workflow, a valid identifier.
        label: What the GUI shows.
        node_type: The invocation type, such as ``l2i``.
        results: The server's output objects, one per execution.
        images: Every image in the results, at any depth.
        videos: Every video likewise.
        cached: True when an image is the very one of an earlier job: the server's
            invocation cache reused it, and deleting it there deletes it here.
    """

    node_id: str
    name: str
    label: str
    node_type: str
    results: tuple[Mapping[str, Any], ...] = ()
    images: tuple[ImageT, ...] = ()
    videos: tuple[VideoT, ...] = ()
    cached: bool = False

    def __repr__(self) -> str:
        shown = reprlib.repr(self.values)
        if self.images:
            shown = _shown(self.images)
        elif self.videos:
            shown = _shown(self.videos, "video")
        return one_line(f"<NodeOutput {self.name} ({self.node_type}): {shown}>")

    @property
    def values(self) -> tuple[Any, ...]:
        """The plain value of each execution.

        The one field that the output has besides its type (``value``, ``image``,
        ``collection``, …), else the whole output object.
        """
        return tuple(_plain(result) for result in self.results)

    @property
    def value(self) -> Any:
        """The plain value of the only execution.

        Raises:
            WorkflowError: The node ran several times, or not at all.
        """
        if len(self.results) != 1:
            raise WorkflowError(
                f"node {self.label!r} ran {len(self.results)} times",
                hint="use .values",
            )
        return self.values[0]


@set_module("invokeai_py_client")
@dataclass(frozen=True)
class OutputMapping(Generic[ImageT]):
    """An output node of the workflow and the images it produced.

    Attributes:
        node_id: The workflow's node.
        name: Unique in the workflow, a valid identifier.
        label: What the GUI shows.
        images: Its images, job by job, iterations in order; empty when it did not
            run or its jobs failed.
    """

    node_id: str
    name: str
    label: str
    images: tuple[ImageT, ...] = ()

    def __repr__(self) -> str:
        return one_line(f"<OutputMapping {self.name}: {_shown(self.images)}>")


@set_module("invokeai_py_client.workflow")
class NodeOutputs(Mapping[str, OutputT]):
    """Outputs by node id, in the order in which the nodes first ran.

    Looking up also takes a node's name or its label, as long as one node has it.
    """

    def __init__(self, outputs: Sequence[OutputT]) -> None:
        self._by_id = {output.node_id: output for output in outputs}

    def __getitem__(self, key: str) -> OutputT:
        name: Any = key
        if isinstance(name, str) and name in self._by_id:
            return self._by_id[name]
        named = [
            output
            for output in self._by_id.values()
            if key in (output.name, output.label)
        ]
        if len(named) == 1:
            return named[0]
        known = [output.name for output in self._by_id.values()]
        problem = "several nodes are called" if named else "no output of a node called"
        raise OutputNotFoundError(
            f"{problem} {shown(key)}; outputs: {', '.join(known) or 'none'}",
            key=key,
            candidates=known,
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_id)

    def __len__(self) -> int:
        return len(self._by_id)

    def __repr__(self) -> str:
        names = ", ".join(output.name for output in self._by_id.values())
        return one_line(f"<{len(self)} node outputs: {names}>")


@set_module("invokeai_py_client")
@dataclass(frozen=True)
class JobResult(Generic[ImageT, VideoT]):
    """One job of a run.

    Attributes:
        item_id: The server's number for the job.
        index: Its place in the expansion, from 0.
        status: Its status; a job that was deleted while unfinished counts as
            cancelled.
        outputs: What every node produced, by node id, name or label.
        images: Its gallery images in order; its final images when the workflow saves
            none to the gallery.
        videos: Its videos likewise.
        values: What the inputs really were, by input name, also where an edge or
            batch data supplied them; a tuple where iterations differ.
        seeds: What the seeds really were, by seed name.
        field_values: The batch values of this job.
        session_id: The job's session; None when it is not known.
        error: Why it did not complete, ready to be raised; None when it did, or when
            it is still running.
        batch_id: The job's batch: the id of its submission.
    """

    _SET: ClassVar[str] = "it says what ran; dataclasses.replace makes a changed copy"

    item_id: int
    index: int
    status: JobStatus
    outputs: NodeOutputs[NodeOutput[ImageT, VideoT]] = field(
        default_factory=lambda: NodeOutputs(())
    )
    images: tuple[ImageT, ...] = ()
    videos: tuple[VideoT, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    seeds: Mapping[str, Any] = field(default_factory=dict)
    field_values: FieldValues = ()
    session_id: Optional[str] = None
    error: Optional[JobError] = None
    batch_id: str = ""

    def __repr__(self) -> str:
        return one_line(
            f"<JobResult {self.item_id} {self.status}: {_shown(self.images)}>"
        )

    @property
    def seed(self) -> Any:
        """The first of the job's seeds; None when the workflow has none."""
        return next(iter(self.seeds.values()), None)

    @property
    def image(self) -> ImageT:
        """The only image.

        Raises:
            WorkflowError: There is none, or there are several, which it lists.
        """
        return _only(self.images, "image")

    @property
    def video(self) -> VideoT:
        """The only video.

        Raises:
            WorkflowError: There is none, or there are several, which it lists.
        """
        return _only(self.videos, "video")


@set_module("invokeai_py_client")
@dataclass(frozen=True)
class RunResult(Generic[ImageT, VideoT]):
    """Everything a submission produced.

    Attributes:
        id: The submission's id: the batch id.
        jobs: Every job, in expansion order, however it ended.
        output_ids: Ids of the workflow's output nodes; None when not known.
        warnings: What the submission warned of, one line each.
    """

    _SET: ClassVar[str] = "it says what ran; dataclasses.replace makes a changed copy"

    id: str
    jobs: tuple[JobResult[ImageT, VideoT], ...]
    output_ids: Optional[tuple[str, ...]] = None
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        shown = f"{self._completed}, {_shown(self.images)}"
        return one_line(f"<RunResult {self.id}: {shown}>")

    def _repr_html_(self) -> str:
        rows = [
            (job.index, job.item_id, job.status, job.seed, _shown(job.images))
            for job in self.jobs[:100]
        ]
        return html_table(("#", "job", "status", "seed", "images"), rows)

    def __iter__(self) -> Iterator[JobResult[ImageT, VideoT]]:
        return iter(self.jobs)

    def __len__(self) -> int:
        return len(self.jobs)

    def __bool__(self) -> bool:
        return True

    @property
    def _completed(self) -> str:
        done = sum(job.status is JobStatus.COMPLETED for job in self.jobs)
        return f"{done} of {len(self.jobs)} jobs completed"

    @property
    def images(self) -> tuple[ImageT, ...]:
        """The images of all jobs, job by job."""
        return tuple(image for job in self.jobs for image in job.images)

    @property
    def image(self) -> ImageT:
        """The only image.

        Raises:
            JobError: There is none because a job did not complete.
            WorkflowError: There is none, or there are several, which it lists.
        """
        if not self.images:
            self.raise_for_status()
        return _only(self.images, "image")

    @property
    def videos(self) -> tuple[VideoT, ...]:
        """The videos of all jobs, job by job."""
        return tuple(video for job in self.jobs for video in job.videos)

    @property
    def video(self) -> VideoT:
        """The only video.

        Raises:
            JobError: There is none because a job did not complete.
            WorkflowError: There is none, or there are several, which it lists.
        """
        if not self.videos:
            self.raise_for_status()
        return _only(self.videos, "video")

    @property
    def seeds(self) -> tuple[Any, ...]:
        """The seed of each job, as used; see `JobResult.seeds` for several in one."""
        return tuple(job.seed for job in self.jobs)

    @property
    def outputs(self) -> NodeOutputs[NodeOutput[ImageT, VideoT]]:
        """What every node produced over all jobs, by node id, name or label."""
        by_node: dict[str, list[NodeOutput[ImageT, VideoT]]] = {}
        for job in self.jobs:
            for node_id, output in job.outputs.items():
                by_node.setdefault(node_id, []).append(output)
        return NodeOutputs([_joined(outputs) for outputs in by_node.values()])

    @property
    def is_complete(self) -> bool:
        """True when every job completed."""
        return all(job.status is JobStatus.COMPLETED for job in self.jobs)

    def raise_for_status(self) -> None:
        """Raise when a job failed, was cancelled or was lost.

        Raises:
            JobFailedError: A node failed; the first failed job is reported, and
                `.result` is this result.
            JobCanceledError: No job failed, but one was cancelled or deleted.
        """
        errors = [job.error for job in self.jobs if job.error is not None]
        if not errors:
            return
        failed = [error for error in errors if isinstance(error, JobFailedError)]
        # A copy: the result is frozen, and raising would add to a traceback.
        error = copy.copy((failed or errors)[0])
        if len(self.jobs) > 1:
            hint = f"{self._completed}; see .result"
            error.hint = f"{error.hint}; {hint}" if error.hint else hint
        error.result = self
        raise error


def _joined(
    outputs: Sequence[NodeOutput[ImageT, VideoT]],
) -> NodeOutput[ImageT, VideoT]:
    first = outputs[0]
    if len(outputs) == 1:
        return first
    return NodeOutput(
        node_id=first.node_id,
        name=first.name,
        label=first.label,
        node_type=first.node_type,
        results=tuple(result for output in outputs for result in output.results),
        images=tuple(image for output in outputs for image in output.images),
        videos=tuple(video for output in outputs for video in output.videos),
        cached=any(output.cached for output in outputs),
    )


def _only(found: Sequence[T], what: str) -> T:
    if len(found) == 1:
        return found[0]
    if not found:
        raise WorkflowError(
            f"the run gave no {what}", hint="look at .outputs for its other values"
        )
    names = ", ".join(str(item) for item in found[:10])
    more = ", …" if len(found) > 10 else ""
    raise WorkflowError(
        f"the run gave {len(found)} {what}s: {names}{more}", hint=f"use .{what}s"
    )


def _shown(media: Sequence[Any], what: str = "image") -> str:
    if len(media) > 3:
        return f"{len(media)} {what}s"
    return ", ".join(map(str, media)) or f"no {what}s"


def _plain(result: Mapping[str, Any]) -> Any:
    keys = [key for key in result if key not in ("type", "width", "height")]
    return result[keys[0]] if len(keys) == 1 else dict(result)
