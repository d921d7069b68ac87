"""Requests about a server as a whole: its version, its events, any request."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Optional, Union

from invokeai_py_client._core.decode import decode, raise_for_status
from invokeai_py_client._core.events import ServerEvent
from invokeai_py_client._core.flow import Flow, emit, next_event, subscribe
from invokeai_py_client._core.messages import FilePart, Request, RetryRule, Subscribe
from invokeai_py_client._core.send import get, learn_version, request_json, send
from invokeai_py_client._core.server_events import EVENT_TYPES
from invokeai_py_client._exports import set_module
from invokeai_py_client.exceptions import (
    APIConnectionError,
    APIError,
    APIResponseError,
    ArgumentError,
    AuthenticationError,
    NotFoundError,
    UnsupportedVersionError,
)

logger = logging.getLogger("invokeai_py_client")

_AUTH_PATH = "/api/v1/auth/status"
_QUEUE_PATH = "/api/v1/queue/default/status"

# Only how often a stream that gets no events goes round.
_LISTEN_SECONDS = 30.0

_RULES: Mapping[str, RetryRule] = {
    "GET": RetryRule.SAFE,
    "HEAD": RetryRule.SAFE,
    "PATCH": RetryRule.SAFE,
    "DELETE": RetryRule.DELETE,
}


@set_module("invokeai_py_client")
@dataclass(frozen=True)
class ServerCheck:
    """What a server said about itself.

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


def check_server() -> Flow[ServerCheck]:
    """Ask the server for everything that later calls depend on."""
    version = yield from learn_version(again=True)
    is_multiuser = yield from _is_multiuser()
    yield from request_json(get(_QUEUE_PATH))
    mailbox = yield from subscribe(Subscribe(lambda _: False))
    if mailbox is not None:
        mailbox.close()
    return ServerCheck(version, is_multiuser, has_events=mailbox is not None)


def _is_multiuser() -> Flow[Optional[bool]]:
    try:
        data = yield from request_json(get(_AUTH_PATH, anonymous=True))
    except (NotFoundError, APIResponseError, UnsupportedVersionError):
        return None
    answer = data.get("multiuser_enabled") if isinstance(data, dict) else None
    return answer if isinstance(answer, bool) else None


EventKind = Union[str, type[ServerEvent]]
"""The server's name of an event, or a class of events."""


def event_names(kinds: Collection[EventKind]) -> frozenset[str]:
    """The names of the events that `kinds` mean; none for all."""
    names: set[str] = set()
    if ServerEvent in kinds:
        return frozenset()
    for kind in kinds:
        if isinstance(kind, str):
            names.add(kind)
            continue
        is_class = isinstance(kind, type)
        types = EVENT_TYPES.items() if is_class else ()
        found = [name for name, own in types if issubclass(own, kind)]
        if not found:
            allowed = "names of events, or classes of invokeai_py_client.events"
            raise ArgumentError("kinds", kind, allowed)
        names.update(found)
    return frozenset(names)


def watch_events(kinds: Collection[EventKind], queue_id: str) -> Flow[None]:
    """Emit every event of these kinds (none for all), without end.

    The credentials may be refused later too: a new password ends every connection.
    """
    return _watch(event_names(kinds), queue_id)


def _watch(wanted: frozenset[str], queue_id: str) -> Flow[None]:
    subscription = Subscribe(lambda event: not wanted or event.name in wanted, queue_id)
    mailbox = yield from subscribe(subscription)
    if mailbox is None:
        # A token that the socket refuses looks like a socket that is not there. A
        # request tells them apart, and gets a new token where it can.
        yield from request_json(get(_QUEUE_PATH))
        mailbox = yield from subscribe(subscription)
    if mailbox is None:
        raise APIConnectionError(
            "the server's event socket cannot be reached",
            hint="a reverse proxy has to forward websockets at /ws/socket.io",
        )
    while True:
        event = yield from next_event(mailbox, _LISTEN_SECONDS)
        if event is None:
            continue
        if not wanted or event.name in wanted:
            yield from emit(event)
        if event.name == "disconnect":
            yield from _check_credentials()


def _check_credentials() -> Flow[None]:
    """Log in again when that is why the socket was closed; raise when it is refused."""
    try:
        yield from request_json(get(_QUEUE_PATH))
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
        raise ArgumentError(
            "path", path, "a path from the server's root, such as '/api/v1/boards/'"
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
