"""The server's events, typed.

An event is the name and payload that came over the socket plus typed properties which
read the payload when asked. Reading is total: a missing or odd value is None (or
empty), never an error, because a newer server may send anything and no wait may break
over it. `EVENT_TYPES` says which class an event name has; add to it to type more.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Optional

from invokeai_py_client._core.messages import RawEvent

__all__ = [
    "EVENT_TYPES",
    "BatchEnqueuedEvent",
    "ConnectionEvent",
    "InvocationCompleteEvent",
    "InvocationErrorEvent",
    "InvocationEvent",
    "InvocationProgressEvent",
    "InvocationStartedEvent",
    "JobEvent",
    "JobStatusChangedEvent",
    "JobsCanceledEvent",
    "JobsRetriedEvent",
    "PreviewImage",
    "QueueClearedEvent",
    "ServerEvent",
    "UnknownEvent",
    "parse_event",
]


@dataclass(frozen=True)
class ServerEvent:
    """Something the server told over its socket.

    Attributes:
        name: The server's name for it, such as ``"invocation_progress"``.
        payload: All that came with it, as it came.
    """

    shown: ClassVar[tuple[str, ...]] = ("item_id",)

    name: str
    payload: Mapping[str, Any] = field(repr=False, hash=False)

    def __repr__(self) -> str:
        values = ((name, getattr(self, name)) for name in self.shown)
        words = [f"{name}={value!r}" for name, value in values if value is not None]
        return f"{type(self).__name__}({', '.join([repr(self.name), *words])})"

    @property
    def queue_id(self) -> Optional[str]:
        """The queue it is about."""
        return self._text("queue_id")

    @property
    def item_id(self) -> Optional[int]:
        """The job it is about."""
        return self._integer("item_id")

    @property
    def batch_id(self) -> Optional[str]:
        """The batch it is about; ``"redacted"`` when it is another user's."""
        return self._text("batch_id")

    @property
    def user_id(self) -> Optional[str]:
        """Whose it is, on servers from 6.12 on."""
        return self._text("user_id")

    @property
    def timestamp(self) -> Optional[int]:
        """When it happened, in whole seconds since 1970."""
        return self._integer("timestamp")

    def _text(self, key: str) -> Optional[str]:
        value = self.payload.get(key)
        return value if isinstance(value, str) else None

    def _integer(self, key: str) -> Optional[int]:
        value = self.payload.get(key)
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        return value if is_whole else None

    def _number(self, key: str) -> Optional[float]:
        value = self.payload.get(key)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
        return None

    def _mapping(self, key: str) -> Mapping[str, Any]:
        value = self.payload.get(key)
        return value if isinstance(value, Mapping) else {}

    def _integers(self, key: str) -> tuple[int, ...]:
        value = self.payload.get(key)
        if not isinstance(value, (list, tuple)):
            return ()
        return tuple(item for item in value if type(item) is int)


class UnknownEvent(ServerEvent):
    """An event this library has no class for."""


class ConnectionEvent(ServerEvent):
    """The socket itself came (``"connect"``) or went (``"disconnect"``).

    Events of the time in between are lost.
    """


class QueueClearedEvent(ServerEvent):
    """A queue was emptied; its jobs are gone, the finished ones included."""

    shown: ClassVar[tuple[str, ...]] = ("queue_id",)


class BatchEnqueuedEvent(ServerEvent):
    """Jobs were put into a queue."""

    shown: ClassVar[tuple[str, ...]] = ("batch_id", "enqueued")

    @property
    def enqueued(self) -> Optional[int]:
        """How many jobs the queue took."""
        return self._integer("enqueued")

    @property
    def requested(self) -> Optional[int]:
        """How many jobs the batch has; more than `enqueued` when the queue is full."""
        return self._integer("requested")

    @property
    def priority(self) -> Optional[int]:
        """The jobs' priority."""
        return self._integer("priority")


class JobsCanceledEvent(ServerEvent):
    """Waiting jobs were cancelled or deleted together (servers from 6.14 on).

    Such jobs have no event of their own.
    """

    shown: ClassVar[tuple[str, ...]] = ("item_ids",)

    @property
    def item_ids(self) -> tuple[int, ...]:
        """The cancelled jobs."""
        return self._integers("canceled_item_ids")


class JobsRetriedEvent(ServerEvent):
    """Failed or cancelled jobs were put into the queue again."""

    shown: ClassVar[tuple[str, ...]] = ("item_ids",)

    @property
    def item_ids(self) -> tuple[int, ...]:
        """The jobs that were retried, not the new ones."""
        return self._integers("retried_item_ids")


class JobEvent(ServerEvent):
    """Something about one job."""

    @property
    def session_id(self) -> Optional[str]:
        """The execution of the job's graph."""
        return self._text("session_id")

    @property
    def origin(self) -> Optional[str]:
        """What the one who enqueued it said it comes from."""
        return self._text("origin")

    @property
    def destination(self) -> Optional[str]:
        """What the one who enqueued it said it is for."""
        return self._text("destination")

    @property
    def error_type(self) -> Optional[str]:
        """The server's exception class, when something failed."""
        return self._text("error_type")

    @property
    def error_message(self) -> Optional[str]:
        """The server's words, when something failed."""
        return self._text("error_message")

    @property
    def error_traceback(self) -> Optional[str]:
        """The server's traceback, when something failed."""
        return self._text("error_traceback")


class JobStatusChangedEvent(JobEvent):
    """A job's status changed."""

    shown: ClassVar[tuple[str, ...]] = ("item_id", "status", "status_sequence")

    @property
    def status(self) -> str:
        """The new status, comparable with `JobStatus`; empty when it did not come."""
        return self._text("status") or ""

    @property
    def status_sequence(self) -> Optional[int]:
        """Grows with each change; None on servers before 6.13."""
        return self._integer("status_sequence")

    @property
    def batch_status(self) -> Mapping[str, Any]:
        """Counts of the job's batch by status."""
        return self._mapping("batch_status")

    @property
    def queue_status(self) -> Mapping[str, Any]:
        """Counts of the queue by status."""
        return self._mapping("queue_status")


class InvocationEvent(JobEvent):
    """Something about one node of a running job."""

    shown: ClassVar[tuple[str, ...]] = ("item_id", "node_id", "node_type")

    @property
    def invocation(self) -> Mapping[str, Any]:
        """The node as it runs, with its values."""
        return self._mapping("invocation")

    @property
    def node_id(self) -> Optional[str]:
        """The node's id in the workflow; the same for each iteration."""
        return self._text("invocation_source_id")

    @property
    def prepared_id(self) -> Optional[str]:
        """The id of this one execution of the node."""
        value = self.invocation.get("id")
        return value if isinstance(value, str) else None

    @property
    def node_type(self) -> Optional[str]:
        """The node's type, such as ``"denoise_latents"``."""
        value = self.invocation.get("type")
        return value if isinstance(value, str) else None


class InvocationStartedEvent(InvocationEvent):
    """A node started."""


@dataclass(frozen=True)
class PreviewImage:
    """A small picture of the work in progress.

    Attributes:
        width: Pixels.
        height: Pixels.
        data_url: The picture as it came, ``data:image/jpeg;base64,…``.
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


class InvocationProgressEvent(InvocationEvent):
    """A node came forward."""

    shown: ClassVar[tuple[str, ...]] = (*InvocationEvent.shown, "message", "percentage")

    @property
    def message(self) -> Optional[str]:
        """What it is doing, such as ``"Denoising"``."""
        return self._text("message")

    @property
    def percentage(self) -> Optional[float]:
        """How far it is, from 0 to 1 whatever the name says; None when unknown."""
        return self._number("percentage")

    @property
    def device(self) -> Optional[str]:
        """Where it runs, such as ``"cuda:0"``; None before 6.14."""
        return self._text("device")

    @property
    def preview(self) -> Optional[PreviewImage]:
        """What the picture looks like so far; None when the server shows nothing."""
        image = self._mapping("image")
        url, width, height = (image.get(key) for key in ("dataURL", "width", "height"))
        if not isinstance(url, str):
            return None
        if not isinstance(width, int) or not isinstance(height, int):
            return None
        return PreviewImage(width, height, url)


class InvocationCompleteEvent(InvocationEvent):
    """A node is done."""

    @property
    def result(self) -> Mapping[str, Any]:
        """Its output; `type` says which fields it has."""
        return self._mapping("result")


class InvocationErrorEvent(InvocationEvent):
    """A node failed; the job's own change of status may have come before."""

    shown: ClassVar[tuple[str, ...]] = (
        *InvocationEvent.shown,
        "error_type",
        "error_message",
    )


EVENT_TYPES: dict[str, type[ServerEvent]] = {
    "connect": ConnectionEvent,
    "disconnect": ConnectionEvent,
    "batch_enqueued": BatchEnqueuedEvent,
    "queue_cleared": QueueClearedEvent,
    "queue_item_status_changed": JobStatusChangedEvent,
    "queue_items_canceled": JobsCanceledEvent,
    "queue_items_retried": JobsRetriedEvent,
    "invocation_started": InvocationStartedEvent,
    "invocation_progress": InvocationProgressEvent,
    "invocation_complete": InvocationCompleteEvent,
    "invocation_error": InvocationErrorEvent,
}


def parse_event(event: RawEvent) -> ServerEvent:
    """Give an event its class; one without a class is an `UnknownEvent`."""
    return EVENT_TYPES.get(event.name, UnknownEvent)(event.name, event.payload)
