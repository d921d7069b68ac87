"""Sending a request the way every noun does: retried by its rule, logged in, decoded.

`send` gives the `Reply` of any status, `call` the decoded JSON of a successful one,
`call_model` a validated object, `download` streams a file. `get`, `post`, `put`,
`patch` and `delete` make the `Request` with the retry rule that its method implies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, BinaryIO, Optional, TypeVar, Union
from urllib.parse import quote

from invokeai_py_client._core.decode import (
    decode,
    decode_download,
    failure_detail,
    media_type,
    parse,
)
from invokeai_py_client._core.flow import (
    Flow,
    exchange,
    fetch,
    local,
    pause,
    reauthenticate,
    recall,
)
from invokeai_py_client._core.messages import Reply, Request, RetryRule
from invokeai_py_client._core.retry import may_have_happened, retry_delay
from invokeai_py_client._core.versions import is_at_least, looks_missing, since
from invokeai_py_client.exceptions import (
    APIConnectionError,
    APIError,
    APIResponseError,
    NotFoundError,
    UnsupportedVersionError,
)

__all__ = [
    "call",
    "call_bytes",
    "call_model",
    "changes_of",
    "delete",
    "download",
    "get",
    "given",
    "learn_version",
    "patch",
    "post",
    "put",
    "require_version",
    "route",
    "send",
]

T = TypeVar("T")


def send(request: Request) -> Flow[Reply]:
    """Send `request` and return the answer, whatever its status.

    Faults and "not now" answers are repeated as far as `request.retry` allows; a 401
    leads to one log-in and one more try under every rule, since the server did
    nothing yet.

    Raises:
        APIConnectionError: No answer came, and the request may not be repeated or
            was repeated often enough.
        UnsupportedVersionError: The server is too old to have this route.
    """
    yield from refuse_too_old(request)
    reply = yield from _persist(request, lambda: exchange(request))
    yield from refuse_missing_route(request, reply)
    return reply


def call(request: Request) -> Flow[Any]:
    """Send `request` and return its JSON; None for an answer without content.

    Raises:
        APIConnectionError: No answer came.
        APIStatusError: The server said no; the subclass says how.
        APIResponseError: The answer is not JSON.
    """
    return decode((yield from send(request)))


def call_model(model: type[T], request: Request) -> Flow[T]:
    """Send `request` and validate its JSON as `model`, such as ``list[Board]``.

    Raises:
        APIError: As `call`; an `APIResponseError` too when the JSON does not fit.
    """
    reply = yield from send(request)
    return parse(model, decode(reply), method=reply.method, url=reply.url)


def call_bytes(request: Request) -> Flow[bytes]:
    """Send `request` and return the file that it gives, in memory.

    Raises:
        APIError: As `call`; an `APIResponseError` too for a web page instead of a file.
    """
    reply = yield from send(request)
    decode_download(reply)
    return reply.content


def download(
    request: Request, sink: BinaryIO, max_bytes: Optional[int] = None
) -> Flow[Reply]:
    """Stream a file into `sink`, from the sink's current position on.

    Args:
        request: A GET.
        sink: An open binary file; it must be seekable when the request may be
            repeated, because what a broken try wrote is cut off first.
        max_bytes: Refuse longer answers.

    Raises:
        APIError: As `call`; an `APIResponseError` too when the answer is longer than
            `max_bytes` or is a web page instead of a file.
    """
    yield from refuse_too_old(request)
    repeatable = request.retry is not RetryRule.NEVER
    start = (yield from local(sink.tell)) if repeatable else 0
    tries = 0

    def attempt() -> Flow[Reply]:
        nonlocal tries
        tries += 1
        if tries > 1 and repeatable:
            yield from local(lambda: _cut(sink, start))
        return (yield from fetch(request, sink, max_bytes))

    reply = yield from _persist(request, attempt)
    yield from refuse_missing_route(request, reply)
    decode_download(reply)
    return reply


VERSION_PATH = "/api/v1/app/version"


def learn_version(*, again: bool = False, timeout: Optional[float] = None) -> Flow[str]:
    """The server's version, such as ``"6.14.2"``; asked once by all of a client.

    Args:
        again: Ask even if it is known, since a server may have been updated.
        timeout: Ask once, for so many seconds; None for the client's own limit, and
            again after faults.

    Raises:
        APIResponseError: Something else than an InvokeAI answers.
    """
    known = yield from recall()
    if known.version is None or again:
        rule = RetryRule.SAFE if timeout is None else RetryRule.NEVER
        request = get(VERSION_PATH, anonymous=True, timeout=timeout, retry=rule)
        reply = yield from _persist(request, lambda: exchange(request))
        data = _version_data(reply)
        version = data.get("version") if isinstance(data, dict) else None
        if not isinstance(version, str) or not version:
            raise APIResponseError(
                f"{reply.url} is not the version of an InvokeAI server",
                method=reply.method,
                url=reply.url,
                hint="another program answers at this address",
            )
        known.version = version
    return known.version


def _version_data(reply: Reply) -> Any:
    try:
        return decode(reply)
    except NotFoundError as error:
        # Every version of InvokeAI has this route.
        raise APIResponseError(
            f"no InvokeAI answers at this address: {error.message}",
            method=reply.method,
            url=reply.url,
            hint="check host and port, and the path of a reverse proxy, if any",
        ) from error


def require_version(feature: str, wanted: str) -> Flow[None]:
    """Raise unless the server is at least that new.

    Args:
        feature: What needs it, as the beginning of a sentence.
        wanted: The version, such as ``"6.13"``.

    Raises:
        UnsupportedVersionError: The server is older.
    """
    _check_version(feature, wanted, (yield from learn_version()))


def _check_version(feature: str, wanted: str, version: str) -> None:
    if not is_at_least(version, wanted):
        raise UnsupportedVersionError(feature, needed=f">= {wanted}", found=version)


def refuse_too_old(request: Request) -> Flow[None]:
    """Send nothing that the server cannot know, as far as its version is known."""
    wanted = since(request.method, request.path)
    if wanted is not None:
        known = yield from recall()
        if known.version is not None:
            _check_version(_operation(request), wanted, known.version)


def _operation(request: Request) -> str:
    return f"{request.method} {request.path}"


def refuse_missing_route(request: Request, reply: Reply) -> Flow[None]:
    """Say that the server is too old when that is why it does not know a route.

    Only an answer that looks like a missing route leads to the question for the
    version, so nothing is asked of a server that has everything.
    """
    wanted = since(request.method, request.path)
    if wanted is None:
        return
    kind = media_type(reply)
    detail = failure_detail(reply) if reply.status == 404 else None
    if not looks_missing(reply.status, kind, detail):
        return
    try:
        # Again, because the server may be another one than when it was asked.
        version = yield from learn_version(again=True, timeout=request.timeout)
    except APIError:
        # The version cannot be told; the answer itself is the better error.
        return
    _check_version(_operation(request), wanted, version)


def _cut(sink: BinaryIO, start: int) -> None:
    sink.seek(start)
    sink.truncate()


def _persist(request: Request, attempt: Callable[[], Flow[Reply]]) -> Flow[Reply]:
    """Run `attempt` as often as the rule allows, with one log-in on a 401."""
    tries = 0
    may_log_in = not request.anonymous
    unknown = False
    while True:
        outcome = yield from _outcome(attempt())
        if may_log_in and isinstance(outcome, Reply) and outcome.status == 401:
            may_log_in = False
            if (yield from reauthenticate(outcome.token)):
                continue
        tries += 1
        delay = retry_delay(request.retry, tries, outcome)
        if delay is None:
            return _settled(request, outcome, unknown)
        unknown = unknown or may_have_happened(outcome)
        yield from pause(delay)


def _outcome(attempt: Flow[Reply]) -> Flow[Union[Reply, APIConnectionError]]:
    try:
        return (yield from attempt)
    except APIConnectionError as error:
        return error


def _settled(
    request: Request, outcome: Union[Reply, APIConnectionError], unknown: bool
) -> Reply:
    if isinstance(outcome, APIConnectionError):
        raise outcome
    gone = request.retry is RetryRule.DELETE and outcome.status == 404
    if gone and unknown:
        # An earlier try did it, only its answer was lost.
        return replace(outcome, status=204, content=b"", headers={})
    return outcome


def route(template: str, *parts: object) -> str:
    """Fill the `{}` of a path with quoted parts: no part can add a segment."""
    return template.format(
        *(quote(str(part), safe="", errors="surrogatepass") for part in parts)
    )


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a caller gave: the values that are not None."""
    return {key: value for key, value in values.items() if value is not None}


def changes_of(method: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """What is to be changed: the values that are not None.

    Raises:
        ValueError: Nothing is; it says that `method` needs something.
    """
    changes = given(values)
    if not changes:
        raise ValueError(f"{method} needs something to change")
    return changes


def get(path: str, **options: Any) -> Request:
    """Make a GET; repeated on faults. `options` are those of `Request`."""
    return _request("GET", path, RetryRule.SAFE, options)


def post(path: str, **options: Any) -> Request:
    """Make a POST; never repeated unless `retry=` says that it is safe."""
    return _request("POST", path, RetryRule.NEVER, options)


def put(path: str, **options: Any) -> Request:
    """Make a PUT; never repeated unless `retry=` says that it is safe."""
    return _request("PUT", path, RetryRule.NEVER, options)


def patch(path: str, **options: Any) -> Request:
    """Make a PATCH; repeated on faults, since the server only sets values."""
    return _request("PATCH", path, RetryRule.SAFE, options)


def delete(path: str, **options: Any) -> Request:
    """Make a DELETE; a 404 on a repetition means that it was done."""
    return _request("DELETE", path, RetryRule.DELETE, options)


def _request(
    method: str, path: str, rule: RetryRule, options: dict[str, Any]
) -> Request:
    options.setdefault("retry", rule)
    if "json" in options:
        options.setdefault("has_json", True)
    return Request(method, path, **options)
