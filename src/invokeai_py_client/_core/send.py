"""Sending a request the way every noun does: retried by its rule, logged in, decoded.

`send` gives the `Reply` of any status, `request_json` the decoded JSON of a successful
one, `call_model` a validated object, `download` streams a file. `get`, `post`, `put`,
`patch` and `delete` make the `Request` with the retry rule that its method implies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, BinaryIO, Optional, TypeVar, Union, cast
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
    file_errors,
    get_shared,
    pause,
    run_blocking,
)
from invokeai_py_client._core.messages import (
    Download,
    Reauthenticate,
    Reply,
    Request,
    RetryRule,
)
from invokeai_py_client._core.retry import (
    Outcome,
    may_have_happened,
    may_repeat,
    retry_delay,
)
from invokeai_py_client._core.versions import is_at_least, looks_missing, since
from invokeai_py_client.exceptions import (
    APIConnectionError,
    APIError,
    APIResponseError,
    ArgumentError,
    NotFoundError,
    UnsupportedVersionError,
)

T = TypeVar("T")


def send(request: Request) -> Flow[Reply]:
    """Send `request` and return the answer, of any status.

    Faults and "not now" answers are repeated as far as `request.retry` allows; a 401
    leads to one log-in and one more try under every rule, since the server did
    nothing yet. A server that is too old for the route is an
    `UnsupportedVersionError`.
    """
    return (yield from _send(request, request))


def request_json(request: Request) -> Flow[Any]:
    """Send `request` and return its JSON; None for an answer without content."""
    return decode((yield from send(request)))


def call_model(model: type[T], request: Request) -> Flow[T]:
    """Send `request` and validate its JSON as `model`, such as ``list[Board]``."""
    reply = yield from send(request)
    return parse(model, decode(reply), method=reply.method, url=reply.url)


def call_field(model: type[T], request: Request, key: str) -> Flow[T]:
    """As `call_model`, for what the answer, a JSON object, has under `key`."""
    data = yield from call_model(dict[str, Any], request)
    return parse(model, data.get(key))


def call_bytes(request: Request) -> Flow[bytes]:
    """Send `request` and return the file that it gives, in memory."""
    reply = yield from send(request)
    decode_download(reply)
    return reply.content


def download(
    request: Request, sink: BinaryIO, max_bytes: Optional[int] = None
) -> Flow[Reply]:
    """Stream a file into `sink`, from the sink's current position on.

    The sink must be seekable when the request may be repeated, because what a broken
    try wrote is cut off first. An answer that is longer than `max_bytes`, or a web
    page instead of a file, is an `APIResponseError`.
    """
    reply = yield from _send(request, Download(request, sink, max_bytes))
    decode_download(reply)
    return reply


VERSION_PATH = "/api/v1/app/version"


def learn_version(*, again: bool = False, timeout: Optional[float] = None) -> Flow[str]:
    """The server's version, such as ``"6.14.2"``; asked once by all of a client.

    Args:
        again: Ask even if it is known, since a server may have been updated.
        timeout: Ask once, for so many seconds; None for the client's own limit, and
            again after faults.
    """
    known = yield from get_shared()
    if known.version is None or again:
        rule = RetryRule.SAFE if timeout is None else RetryRule.NEVER
        request = get(VERSION_PATH, anonymous=True, timeout=timeout, retry=rule)
        reply = yield from _repeat(request, request)
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
        ) from None


def require_version(feature: str, wanted: str) -> Flow[None]:
    """Raise unless the server is at least that new.

    Args:
        feature: What needs it, as the beginning of a sentence.
        wanted: The version, such as ``"6.13"``.
    """
    _check_version(feature, wanted, (yield from learn_version()))


def _check_version(feature: str, wanted: str, version: str) -> None:
    if not is_at_least(version, wanted):
        raise UnsupportedVersionError(feature, needed=f">= {wanted}", found=version)


def _send(request: Request, message: Union[Request, Download]) -> Flow[Reply]:
    """Perform `message`, unless the server is too old for it."""
    wanted = since(request.method, request.path)
    if wanted is not None:
        known = yield from get_shared()
        if known.version is not None:
            _check_version(_operation(request), wanted, known.version)
    reply = yield from _repeat(request, message)
    if wanted is not None:
        yield from _refuse_missing_route(request, reply, wanted)
    return reply


def _operation(request: Request) -> str:
    return f"{request.method} {request.path}"


def _refuse_missing_route(request: Request, reply: Reply, wanted: str) -> Flow[None]:
    """Say that the server is too old when that is why it does not know a route.

    Only an answer that looks like a missing route leads to the question for the
    version, so nothing is asked of a server that has everything.
    """
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


def _repeat(request: Request, message: Union[Request, Download]) -> Flow[Reply]:
    """Perform `message` as often as its rule allows, with one log-in on a 401."""
    sink = None
    if isinstance(message, Download) and request.retry is not RetryRule.NEVER:
        sink = message.sink
        start = yield from run_blocking(sink.tell)
    retries = 0
    may_log_in = not request.anonymous
    may_be_done = False
    while True:
        outcome: Outcome
        try:
            # Errors of the file that is sent, or of the one that is written.
            with file_errors():
                outcome = cast(Reply, (yield message))
        except APIConnectionError as error:
            outcome = error
        if may_log_in and isinstance(outcome, Reply) and outcome.status == 401:
            may_log_in = False
            if (yield Reauthenticate(outcome.token)):
                continue
        delay = None
        if may_repeat(request.retry, outcome):
            shared = yield from get_shared()
            delay = retry_delay(retries, shared.max_retries, outcome)
        if delay is None:
            return _final_reply(request, outcome, may_be_done)
        may_be_done = may_be_done or may_have_happened(outcome)
        yield from pause(delay)
        retries += 1
        if sink is not None:
            yield from run_blocking(partial(_cut, sink, start))


def _cut(sink: BinaryIO, start: int) -> None:
    sink.seek(start)
    sink.truncate()


def _final_reply(request: Request, outcome: Outcome, may_be_done: bool) -> Reply:
    if isinstance(outcome, APIConnectionError):
        raise outcome
    gone = request.retry is RetryRule.DELETE and outcome.status == 404
    if gone and may_be_done:
        # An earlier try did it, only its answer was lost.
        return replace(outcome, status=204, content=b"", headers={})
    return outcome


def route(template: str, *parts: object) -> str:
    """Fill the `{}` of a path with quoted parts: no part can add a segment."""
    return template.format(
        *(quote(str(part), safe="", errors="surrogatepass") for part in parts)
    )


def drop_none(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a caller gave: the values that are not None."""
    return {key: value for key, value in values.items() if value is not None}


def changes_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """What is to be changed: the values that are not None."""
    changes = drop_none(values)
    if not changes:
        raise ArgumentError("changes", None, "something to change")
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
