"""What a client asks a server as a whole: who are you, what happens, and anything."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Optional, Union

# Gives the events that are not about jobs their types.
import invokeai_py_client._core.server_events  # noqa: F401
from invokeai_py_client._core.decode import decode, raise_for_status
from invokeai_py_client._core.events import EVENT_TYPES, ServerEvent, parse_event
from invokeai_py_client._core.flow import Flow, emit, listen, next_event
from invokeai_py_client._core.messages import FilePart, Listen, Request, RetryRule
from invokeai_py_client._core.send import call, get, learn_version, send
from invokeai_py_client.exceptions import (
    APIConnectionError,
    APIError,
    APIResponseError,
    AuthenticationError,
    NotFoundError,
    UnsupportedVersionError,
)

logger = logging.getLogger("invokeai_py_client")

__all__ = ["ServerCheck", "check_server", "read_version", "request_any", "watch_events"]

_AUTH_PATH = "/api/v1/auth/status"
_QUEUE_PATH = "/api/v1/queue/default/status"

# How long one look into the mailbox takes; only how often a stream that nobody
# fills goes round.
_LOOK_SECONDS = 30.0

_RULES: Mapping[str, RetryRule] = {
    "GET": RetryRule.SAFE,
    "HEAD": RetryRule.SAFE,
    "PATCH": RetryRule.SAFE,
    "DELETE": RetryRule.DELETE,
}


@dataclass(frozen=True)
class ServerCheck:
    """What a server said when it was asked about itself.

    Attributes:
        version: The server's version, such as ``"6.14.2"``.
        is_multiuser: True when users have to log in; None when the server does not
            say (before 6.12, where nobody has to).
        has_events: True when the event socket works; without it everything works
            too, by polling.
    """

    version: str
    is_multiuser: Optional[bool]
    has_events: bool


def read_version() -> Flow[str]:
    """Read the version, and make sure that it is an InvokeAI that answers.

    Raises:
        APIResponseError: Something else answers at this address.
    """
    return (yield from learn_version(again=True))


def check_server() -> Flow[ServerCheck]:
    """Ask the server for everything that later calls depend on.

    Raises:
        APIError: It is not reachable, no InvokeAI, or refuses the credentials.
    """
    version = yield from read_version()
    is_multiuser = yield from _is_multiuser()
    yield from call(get(_QUEUE_PATH))
    mailbox = yield from listen(Listen(lambda _, __: False))
    if mailbox is not None:
        mailbox.close()
    return ServerCheck(version, is_multiuser, has_events=mailbox is not None)


def _is_multiuser() -> Flow[Optional[bool]]:
    try:
        data = yield from call(get(_AUTH_PATH, anonymous=True))
    except (NotFoundError, APIResponseError, UnsupportedVersionError):
        return None
    answer = data.get("multiuser_enabled") if isinstance(data, dict) else None
    return answer if isinstance(answer, bool) else None


EventKind = Union[str, type[ServerEvent]]
"""The server's name of an event, or a class of events."""


def event_names(kinds: Collection[EventKind]) -> frozenset[str]:
    """The names of the events that `kinds` mean; none for all.

    Raises:
        ValueError: No event has this class.
    """
    names: set[str] = set()
    for kind in kinds:
        if isinstance(kind, str):
            names.add(kind)
            continue
        found = [name for name, own in EVENT_TYPES.items() if issubclass(own, kind)]
        if not found:
            raise ValueError(f"no event is a {kind.__name__}")
        names.update(found)
    return frozenset(names)


def watch_events(kinds: Collection[EventKind], queue_id: str) -> Flow[None]:
    """Emit every event that comes, typed, for ever.

    Args:
        kinds: The events that are wanted, by name or class; none for all.
        queue_id: The queue to subscribe to.

    Raises:
        APIConnectionError: The event socket cannot be reached. Once it was, it is
            connected again when it breaks, and a `ConnectionEvent` says so.
        AuthenticationError: The server refuses the credentials, also when that begins
            later: a new password ends every connection.
    """
    wanted = event_names(kinds) if ServerEvent not in kinds else frozenset()

    def accepts(name: str, _: Mapping[str, Any]) -> bool:
        return not wanted or name in wanted or name == "disconnect"

    mailbox = yield from listen(Listen(accepts, queue_id))
    if mailbox is None:
        # A token that the socket refuses looks like a socket that is not there. A
        # request tells them apart, and gets a new token where it can.
        yield from call(get(_QUEUE_PATH))
        mailbox = yield from listen(Listen(accepts, queue_id))
    if mailbox is None:
        raise APIConnectionError(
            "the server's event socket cannot be reached",
            hint="a reverse proxy has to forward websockets at /ws/socket.io",
        )
    while True:
        event = yield from next_event(mailbox, _LOOK_SECONDS)
        if event is None:
            continue
        if not wanted or event.name in wanted:
            yield from emit(parse_event(event))
        if event.name == "disconnect":
            yield from _check_credentials()


def _check_credentials() -> Flow[None]:
    """Log in again when that is why the socket was closed; raise when it is refused."""
    try:
        yield from call(get(_QUEUE_PATH))
    except AuthenticationError:
        raise
    except APIError as error:
        # The server may be restarting; the socket comes back with it.
        logger.debug("no answer after the event socket was closed: %s", error)


def request_any(
    method: str,
    path: str,
    *,
    params: Optional[Mapping[str, Any]] = None,
    json: Any = None,
    form: Optional[Mapping[str, str]] = None,
    files: Optional[Mapping[str, tuple[str, bytes, str]]] = None,
    repeatable: Optional[bool] = None,
    request_timeout: Optional[float] = None,
) -> Flow[Any]:
    """Send any request; see `InvokeAIClient.request`."""
    if not path.startswith("/"):
        raise APIError(
            f"a path starts with a slash, got {path!r}",
            hint="the server's address is added to it",
        )
    method = method.upper()
    rule = _RULES.get(method, RetryRule.NEVER)
    if repeatable is not None:
        rule = RetryRule.SAFE if repeatable else RetryRule.NEVER
    parts = [FilePart(name, *part) for name, part in (files or {}).items()]
    # An answer without content type would fail on the server if it were compressed.
    identity = method in ("DELETE", "HEAD")
    request = Request(
        method,
        path,
        params=params or {},
        json=json,
        form=form or {},
        files=parts,
        identity=identity,
        timeout=request_timeout,
        retry=rule,
    )
    reply = yield from send(request)
    raise_for_status(reply)
    kind = reply.headers.get("content-type", "").partition(";")[0]
    is_file = kind not in ("", "application/json", "text/html")
    return reply.content if is_file and reply.content else decode(reply)
