"""The server's events about jobs, typed; the others are in `server_events`.

An event is the name and payload that came over the socket plus typed values which
read the payload when asked. Reading is total: a missing or odd value is None (or
empty), never an error, because a newer server may send anything and no wait may break
over it.
"""

from __future__ import annotations

import binascii
import sys
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Optional, TypeVar, Union, overload

from invokeai_py_client._exports import one_line, set_module

T = TypeVar("T")


class PayloadValue(Generic[T]):
    """An attribute of an event that reads its payload.

    Args:
        read: Makes a typed value of anything at all.
        path: Keys that lead to the value; the attribute's own name if not given.
    """

    def __init__(self, read: Callable[[Any], T], *path: str) -> None:
        self._read = read
        self._path = path

    def __set_name__(self, owner: type, name: str) -> None:
        self._path = self._path or (name,)

    @overload
    def __get__(self, event: None, owner: type) -> PayloadValue[T]: ...

    @overload
    def __get__(self, event: ServerEvent, owner: type) -> T: ...

    def __get__(
        self, event: Optional[ServerEvent], owner: type
    ) -> Union[PayloadValue[T], T]:
        if event is None:
            return self
        value: Any = event.payload
        for key in self._path:
            value = value.get(key) if isinstance(value, Mapping) else None
        return self._read(value)


def exactly(kind: type[T]) -> Callable[[Any], Optional[T]]:
    """A reader of values of one type; it gives None for anything else."""
    return lambda value: value if type(value) is kind else None


text = exactly(str)
integer = exactly(int)
truth = exactly(bool)


def number(value: Any) -> Optional[float]:
    """A finite number; None for anything else."""
    if type(value) is not float and type(value) is not int:
        return None
    # An integer of that size is not a float any more.
    is_finite = abs(value) <= sys.float_info.max
    return float(value) if is_finite else None


def mapping(value: Any) -> Mapping[str, Any]:
    """An object; an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def integers(value: Any) -> tuple[int, ...]:
    """The whole numbers of a list."""
    items = value if isinstance(value, (list, tuple)) else ()
    return tuple(item for item in items if type(item) is int)


@set_module("invokeai_py_client")
@dataclass(frozen=True)
class ServerEvent:
    """Something the server reported over its socket.

    Attributes:
        name: The server's name for it, such as ``"invocation_progress"``.
        payload: All that came with it, as it came.
        queue_id: The queue it is about.
        item_id: The job it is about.
        batch_id: The batch it is about; ``"redacted"`` when it is another user's.
        user_id: The user it belongs to, on servers from 6.12 on.
        timestamp: When it happened, in whole seconds since 1970.
    """

    shown: ClassVar[tuple[str, ...]] = ("item_id",)

    name: str
    payload: Mapping[str, Any] = field(repr=False, hash=False)

    queue_id = PayloadValue(text)
    item_id = PayloadValue(integer)
    batch_id = PayloadValue(text)
    user_id = PayloadValue(text)
    timestamp = PayloadValue(integer)

    def __init_subclass__(cls) -> None:
        set_module("invokeai_py_client.events")(cls)

    def __repr__(self) -> str:
        values = ((name, getattr(self, name)) for name in self.shown)
        words = [f"{name}={value!r}" for name, value in values if value is not None]
        return one_line(
            f"{type(self).__name__}({', '.join([repr(self.name), *words])})"
        )


class UnknownEvent(ServerEvent):
    """An event this library has no class for."""


class ConnectionEvent(ServerEvent):
    """The socket connected (``"connect"``) or was lost (``"disconnect"``).

    Events of the time in between are lost.
    """


class QueueClearedEvent(ServerEvent):
    """A queue was emptied; its jobs are gone, the finished ones included."""

    shown = ("queue_id",)


class BatchEnqueuedEvent(ServerEvent):
    """Jobs were put into a queue.

    Attributes:
        enqueued: How many jobs the queue took.
        requested: How many jobs the batch has; more than `enqueued` when the queue is
            full.
        priority: The jobs' priority.
    """

    shown = ("batch_id", "enqueued")

    enqueued = PayloadValue(integer)
    requested = PayloadValue(integer)
    priority = PayloadValue(integer)


class JobsCanceledEvent(ServerEvent):
    """Waiting jobs were cancelled or deleted together (servers from 6.14 on).

    Such jobs have no event of their own.

    Attributes:
        item_ids: The cancelled jobs.
    """

    shown = ("item_ids",)

    item_ids = PayloadValue(integers, "canceled_item_ids")


class JobsRetriedEvent(ServerEvent):
    """Failed or cancelled jobs were put into the queue again.

    Attributes:
        item_ids: The jobs that were retried, not the new ones.
    """

    shown = ("item_ids",)

    item_ids = PayloadValue(integers, "retried_item_ids")


class JobEvent(ServerEvent):
    """Something about one job.

    Attributes:
        session_id: The execution of the job's graph.
        origin: Where the job comes from, as set when it was enqueued.
        destination: What the job is for, as set when it was enqueued.
        error_type: The server's exception class, when something failed.
        error_message: The server's error message, when something failed.
        error_traceback: The server's traceback, when something failed.
    """

    session_id = PayloadValue(text)
    origin = PayloadValue(text)
    destination = PayloadValue(text)
    error_type = PayloadValue(text)
    error_message = PayloadValue(text)
    error_traceback = PayloadValue(text)


class JobStatusChangedEvent(JobEvent):
    """A job's status changed.

    Attributes:
        status: The new status, comparable with `JobStatus`; empty when it did not
            come.
        status_sequence: Grows with each change; None on servers before 6.13.
        batch_status: Counts of the job's batch by status.
        queue_status: Counts of the queue by status.
    """

    shown = ("item_id", "status", "status_sequence")

    status = PayloadValue(lambda value: text(value) or "")
    status_sequence = PayloadValue(integer)
    batch_status = PayloadValue(mapping)
    queue_status = PayloadValue(mapping)


class InvocationEvent(JobEvent):
    """Something about one node of a running job.

    Attributes:
        invocation: The node as it runs, with its values.
        node_id: The node's id in the workflow; the same for each iteration.
        prepared_id: The id of this one execution of the node.
        node_type: The node's type, such as ``"denoise_latents"``.
    """

    shown: ClassVar[tuple[str, ...]] = ("item_id", "node_id", "node_type")

    invocation = PayloadValue(mapping)
    node_id = PayloadValue(text, "invocation_source_id")
    prepared_id = PayloadValue(text, "invocation", "id")
    node_type = PayloadValue(text, "invocation", "type")


class InvocationStartedEvent(InvocationEvent):
    """A node started."""


@set_module("invokeai_py_client.events")
@dataclass(frozen=True)
class PreviewImage:
    """A small image of the work in progress.

    Attributes:
        width: Pixels.
        height: Pixels.
        data_url: The image as it came, ``data:image/jpeg;base64,…``.
    """

    width: int
    height: int
    data_url: str = field(repr=False)

    @property
    def media_type(self) -> str:
        """Its MIME type, such as ``"image/jpeg"``; empty when it is not said."""
        head = self.data_url.partition(",")[0]
        return head.partition(":")[2].partition(";")[0]

    @property
    def content(self) -> bytes:
        """The file's bytes; empty when they cannot be decoded."""
        try:
            return b64decode(self.data_url.partition(",")[2])
        except (binascii.Error, ValueError):
            return b""


def _preview(value: Any) -> Optional[PreviewImage]:
    image = mapping(value)
    url, width, height = (image.get(key) for key in ("dataURL", "width", "height"))
    if not isinstance(url, str):
        return None
    if not isinstance(width, int) or not isinstance(height, int):
        return None
    return PreviewImage(width, height, url)


class InvocationProgressEvent(InvocationEvent):
    """A node reports its progress.

    Attributes:
        message: What it is doing, such as ``"Denoising"``.
        percentage: How far it is, from 0 to 1 despite the name; None when unknown.
        device: Where it runs, such as ``"cuda:0"``; None before 6.14.
        preview: What the image looks like so far; None when the server shows nothing.
    """

    shown = (*InvocationEvent.shown, "message", "percentage")

    message = PayloadValue(text)
    percentage = PayloadValue(number)
    device = PayloadValue(text)
    preview = PayloadValue(_preview, "image")


class InvocationCompleteEvent(InvocationEvent):
    """A node is done.

    Attributes:
        result: Its output; `type` says which fields it has.
    """

    result = PayloadValue(mapping)


class InvocationErrorEvent(InvocationEvent):
    """A node failed; the job's own change of status may have come before."""

    shown = (*InvocationEvent.shown, "error_type", "error_message")
