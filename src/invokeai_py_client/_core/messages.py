"""What a flow may ask for: each message names one effect and what comes back.

A flow (see `flow.py`) yields one of these; a driver in `_io` performs it and sends
the answer into the flow, or throws the error that performing it gave. Messages are
plain data, so a test can drive a flow by hand.

| message | answer |
| --- | --- |
| `Request` | `Reply`, whatever its status |
| `Download` | `Reply` without content; a 200's body went into the sink |
| `Reauthenticate` | True when there is a new token to try |
| `Identify` | None; from now on requests go out with these credentials |
| `Listen` | a `Mailbox`, or None when there is no event socket |
| `NextEvent` | the next event, or None when the time was over |
| `Pause` | None, after that many seconds |
| `Now` | seconds of a monotonic clock |
| `Recall` | the client's `Knowledge`: what its flows have learnt |
| `Gather` | the list of results, in order |
| `Local` | the result of a blocking local call |
| `Notify` | None, after the user's callback returned (or was awaited) |
| `OnInterrupt` | None; the driver remembers what to do when interrupted |
| `Emit` | None; the value went to whoever iterates the stream |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, BinaryIO, Optional, Protocol, Union

if TYPE_CHECKING:
    from invokeai_py_client._core.flow import Flow


class RetryRule(Enum):
    """What may be done when the answer to a request was lost."""

    NEVER = "never"
    """Repeating could do the thing twice: most POST and PUT."""
    SAFE = "safe"
    """Repeating changes nothing: reads and idempotent writes."""
    DELETE = "delete"
    """Repeating is fine, and a 404 on the repetition means it was done."""


@dataclass(frozen=True)
class FilePart:
    """A file of a multipart upload, streamed by the driver.

    Attributes:
        name: The form field's name.
        filename: What the server is told the file is called.
        content: Bytes, or an open binary file read from its current position.
        content_type: The part's MIME type; the server decides by it.
    """

    name: str
    filename: str
    content: Union[bytes, BinaryIO] = field(repr=False)
    content_type: str


@dataclass(frozen=True)
class Request:
    """One HTTP request below the server's base address.

    Attributes:
        method: Upper-case HTTP method.
        path: Path from the server's root, such as ``/api/v1/boards/``.
        params: Query parameters; lists repeat the key, None values are left out.
        json: A JSON body; None for no body unless `has_json`.
        has_json: True when `json` is the body even if it is None.
        form: Fields of a multipart body.
        files: Files of a multipart body.
        identity: Ask for an uncompressed answer; replies without a content type
            fail on the server otherwise (docs/dev/server.md).
        timeout: Seconds for this request; None for the client's own limit.
        retry: What may be done when the answer was lost.
        anonymous: Send no credentials (log-in itself, the public version).
    """

    method: str
    path: str
    params: Mapping[str, Any] = field(default_factory=dict)
    json: Any = field(default=None, repr=False)
    has_json: bool = False
    form: Mapping[str, str] = field(default_factory=dict, repr=False)
    files: Sequence[FilePart] = ()
    identity: bool = False
    timeout: Optional[float] = None
    retry: RetryRule = RetryRule.NEVER
    anonymous: bool = False


@dataclass(frozen=True)
class Reply:
    """An HTTP answer as plain values.

    Attributes:
        status: HTTP status code.
        headers: Header names in lower case.
        content: The whole body, decompressed; empty for a `Download` that
            succeeded.
        url: The address asked, without query and credentials.
        method: The request's method.
        token: The token that was sent, so that a 401 names the stale one.
    """

    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)
    url: str
    method: str
    token: Optional[str] = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Download:
    """Stream a GET into `sink`, which is only written to on status 200.

    An answer of another status comes back whole in the `Reply`, so that it can be
    decoded into an error.

    The driver passes chunks to `sink.write`; opening, syncing and renaming files is
    the flow's business, by `Local`.
    """

    request: Request
    sink: BinaryIO
    max_bytes: Optional[int] = None


@dataclass(frozen=True)
class Reauthenticate:
    """Get a new token because the server refused `stale_token`.

    Several flows may ask at once; the driver logs in once.
    """

    stale_token: Optional[str] = field(repr=False)


@dataclass(frozen=True)
class Identify:
    """Be somebody else to the server from now on: after a log-in or a log-out.

    Attributes:
        token: What to send; None to send nothing.
        email: What to log in with when the token is refused; None not to.
        password: The password that goes with it.
    """

    token: Optional[str] = field(default=None, repr=False)
    email: Optional[str] = None
    password: Optional[str] = field(default=None, repr=False)


class Mailbox(Protocol):
    """Where the event hub puts events for one flow; only drivers look inside."""

    def close(self) -> None:
        """Stop the delivery of events; closing twice is fine."""


@dataclass(frozen=True)
class Listen:
    """Open a mailbox for the events of a queue (or of everything).

    Attributes:
        accepts: Called with (event name, payload) in the socket's thread; it must be
            quick, pure and total.
        queue_id: The queue to subscribe to.
        bulk_downloads: Subscribe to bulk-download events as well.
    """

    accepts: Callable[[str, Mapping[str, Any]], bool]
    queue_id: str = "default"
    bulk_downloads: bool = False


@dataclass(frozen=True)
class RawEvent:
    """An event as it came from the socket.

    `name` is the server's event name, or ``"connect"`` / ``"disconnect"`` when the
    socket's own state changed: a reason to look again, since events may be missing.
    """

    name: str
    payload: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class NextEvent:
    """Wait for the next event of `mailbox`, at most `timeout` seconds."""

    mailbox: Mailbox
    timeout: float


@dataclass(frozen=True)
class Pause:
    """Let `seconds` go by."""

    seconds: float


@dataclass(frozen=True)
class Now:
    """Read the monotonic clock, in seconds."""


@dataclass
class Knowledge:
    """What the flows of one client have learnt about its server; shared by all.

    Attributes are only ever replaced by newer knowledge, so threads may share them.

    Attributes:
        version: The server's version, once one of them had to ask.
    """

    version: Optional[str] = None


@dataclass(frozen=True)
class Recall:
    """Get the client's `Knowledge`, always the same object."""


@dataclass(frozen=True)
class Gather:
    """Run flows side by side, at most `limit` at a time; the first error cancels all.

    A gathered flow may not yield `Emit`.
    """

    flows: Sequence[Flow[Any]]
    limit: int = 8


@dataclass(frozen=True)
class Local:
    """Call something local that may block: a file, a ledger, an image codec."""

    call: Callable[[], Any]


@dataclass(frozen=True)
class Notify:
    """Call a user's callback in the waiting caller's context; may be ``async def``."""

    callback: Callable[..., Any]
    args: tuple[Any, ...] = ()


@dataclass(frozen=True)
class OnInterrupt:
    """What to run when the caller is interrupted: Ctrl-C, or a cancelled task.

    A flow cannot do anything any more while it is closed, so it says beforehand
    what should still happen. The driver closes the flow, runs the registered one for
    a few seconds at most, and lets the interruption go on. Errors, timeouts and
    leaving a stream are no interruption.

    Attributes:
        make: Makes the flow to run; None takes back what was registered.
    """

    make: Optional[Callable[[], Flow[Any]]]


@dataclass(frozen=True)
class Emit:
    """Hand a value to whoever iterates the stream."""

    value: Any


Message = Union[
    Request,
    Download,
    Reauthenticate,
    Identify,
    Listen,
    NextEvent,
    Pause,
    Now,
    Recall,
    Gather,
    Local,
    Notify,
    OnInterrupt,
    Emit,
]
