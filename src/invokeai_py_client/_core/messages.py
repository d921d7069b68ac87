"""What a flow may ask for: each message names one effect and what comes back.

A flow (see `flow.py`) yields one of these; a driver in `_io` performs it and sends
the answer into the flow, or throws the error that performing it raised. Messages are
plain data, so a test can drive a flow by hand. The functions of `flow.py` and `send.py`
give each answer its type.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, BinaryIO, Optional, Protocol, TypeVar, Union

from invokeai_py_client._core.events import ServerEvent

T = TypeVar("T")

DEFAULT_MAX_RETRIES = 3


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
        filename: The file name sent to the server.
        content: Bytes, or an open binary file read from its current position.
        content_type: The part's MIME type; the server decides by it.
    """

    name: str
    filename: str
    content: Union[bytes, BinaryIO] = field(repr=False)
    content_type: str


@dataclass(frozen=True)
class Request:
    """One HTTP request below the server's base address; the answer is a `Reply`.

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
        deadline: When it has to be over, by the clock of `now`; None without one.
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
    deadline: Optional[float] = None
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
    the flow's business, by `RunBlocking`.
    """

    request: Request
    sink: BinaryIO
    max_bytes: Optional[int] = None


@dataclass(frozen=True)
class Reauthenticate:
    """Get a new token because the server refused `stale_token`; True when there is one.

    Several flows may ask at once; the driver logs in once.
    """

    stale_token: Optional[str] = field(repr=False)
    deadline: Optional[float] = None


@dataclass(frozen=True)
class SetCredentials:
    """Send other credentials from now on: after a log-in or a log-out.

    Attributes:
        token: What to send; None to send nothing.
        email: What to log in with when the token is refused; None not to.
    """

    token: Optional[str] = field(default=None, repr=False)
    email: Optional[str] = None
    password: Optional[str] = field(default=None, repr=False)


class Mailbox(Protocol):
    """Where the event hub puts events for one flow; only drivers look inside."""

    def close(self) -> None:
        """Stop the delivery of events; closing twice is fine."""


@dataclass(frozen=True)
class Subscribe:
    """Open a mailbox for the events of a queue (or of everything).

    Attributes:
        accepts: Returns True for the events that are wanted. It is called in the
            socket's thread, so it must be quick, pure and total. Connection events
            reach every mailbox that accepts them.
        queue_id: The queue to subscribe to.
        bulk_downloads: Subscribe to bulk-download events as well.
        patience: Seconds that connecting may hold up the flow; it can poll meanwhile.
    """

    accepts: Callable[[ServerEvent], bool]
    queue_id: str = "default"
    bulk_downloads: bool = False
    patience: float = 2.5


@dataclass(frozen=True)
class NextEvent:
    """Wait for the next event of `mailbox`, at most `timeout` seconds."""

    mailbox: Mailbox
    timeout: float


@dataclass(frozen=True)
class Pause:
    """Wait `seconds`."""

    seconds: float


@dataclass(frozen=True)
class Now:
    """Read the monotonic clock, in seconds."""


@dataclass
class Shared:
    """What all flows of one client share; threads may read and replace it.

    Attributes:
        max_retries: How often a request that may be repeated is repeated.
        version: The server's version, once one of the flows had to ask.
        address: Where the server is, without credentials.
    """

    max_retries: int = DEFAULT_MAX_RETRIES
    version: Optional[str] = None
    address: str = ""


@dataclass(frozen=True)
class GetShared:
    """Get the client's `Shared`, always the same object."""


@dataclass(frozen=True)
class Gather:
    """Run flows side by side, at most `limit` at a time; the first error cancels all.

    What they emit is what the gathering flow emits, in the order in which it comes;
    a slow reader does not hold them up.
    """

    flows: Sequence[Flow[Any]]
    limit: int = 8


@dataclass(frozen=True)
class Elsewhere:
    """Run a flow for another server; what it emits and returns comes back.

    Attributes:
        runner: What runs the flows of that server's client, a driver of the same kind.
        flow: The flow.
    """

    runner: Any
    flow: Flow[Any]


@dataclass(frozen=True)
class RunBlocking:
    """Call something local that may block: a file, a ledger, an image codec."""

    call: Callable[[], Any]


@dataclass(frozen=True)
class CallBack:
    """Call a user's callback in the waiting caller's context; may be ``async def``."""

    callback: Callable[..., Any]
    args: tuple[Any, ...] = ()


@dataclass(frozen=True)
class OnInterrupt:
    """What to run when the caller is interrupted: Ctrl-C, or a cancelled task.

    A flow cannot do anything any more while it is closed, so it says beforehand
    what should still happen. The driver closes the flow, runs the registered one for
    a few seconds at most, and lets the interruption go on. Errors, timeouts and
    leaving a stream are not an interruption.

    Attributes:
        make: Makes the flow to run; None takes back what was registered.
        ask: Asks the flow to end by itself: called at the first interruption of a
            blocking caller, so that only the second one closes the flow.
    """

    make: Optional[Callable[[], Flow[Any]]]
    ask: Optional[Callable[[], None]] = None


@dataclass(frozen=True)
class Emit:
    """Hand a value to whoever iterates the stream."""

    value: Any


Message = Union[
    Request,
    Download,
    Reauthenticate,
    SetCredentials,
    Subscribe,
    NextEvent,
    Pause,
    Now,
    GetShared,
    Gather,
    Elsewhere,
    RunBlocking,
    CallBack,
    OnInterrupt,
    Emit,
]

Flow = Generator[Message, Any, T]
"""An operation: yields messages, gets their answers sent back, returns its result."""
