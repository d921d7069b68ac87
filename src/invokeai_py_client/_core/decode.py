"""The one decoder: an HTTP answer becomes JSON, a validated object or a typed error.

The server's shapes of failure are listed in docs/dev/server.md. Three need care: an
unknown path is answered with a web page and status 200, an unhandled exception with
plain text, and a refused graph with a list of problems that echoes the whole graph.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Optional, TypeVar, Union, cast, get_args, get_origin

from pydantic import TypeAdapter, ValidationError

from invokeai_py_client._core.messages import Reply
from invokeai_py_client.exceptions import (
    APIResponseError,
    APIStatusError,
    InternalServerError,
)
from invokeai_py_client.exceptions.api import STATUS_ERRORS

T = TypeVar("T")

# What a proxy or the web interface answers with instead of a file.
_NO_FILES = frozenset(
    {"text/html", "text/plain", "application/xhtml+xml", "application/json"}
)
_SHOWN_PROBLEMS = 3
_KEPT_PROBLEMS = 50
_LONGEST_TEXT = 300

_WEB_PAGE_HINT = (
    "a web page came instead of data: check the address, and that a reverse proxy "
    "forwards /api; a route this server does not have looks the same"
)
# InvokeAI itself reports an unknown path in JSON.
NO_INVOKEAI_HINT = (
    "InvokeAI would have answered differently: check the address, and that a "
    "reverse proxy forwards /api"
)
PROXY_LOG_IN_HINT = (
    "a reverse proxy asks for a log-in: headers={'Authorization': 'Basic …'}"
)
_STATUS_HINTS: Mapping[int, str] = {
    401: "give token=, or email= and password=",
    407: "a proxy asks for a log-in: proxy='http://user:password@host:3128'",
    413: "a proxy or the server limits the size of a request",
    500: "the server's own log has the traceback",
    502: "a proxy answered; the server behind it is down or restarting",
    503: "the server is busy or starting; try again later",
    504: "a proxy gave up waiting for the server",
}


def decode(reply: Reply) -> Any:
    """Return the JSON of a successful answer; None when it has no content.

    Raises:
        APIStatusError: The status is an error; the subclass says which.
        APIResponseError: A redirect, a web page, or broken JSON.
    """
    raise_for_status(reply)
    if not reply.content:
        return None
    kind = media_type(reply)
    if kind != "application/json" and not kind.endswith("+json"):
        raise _unexpected(reply, f"expected JSON, got {kind or 'no content type'}")
    try:
        return json.loads(reply.content)
    except ValueError as error:
        raise _unexpected(reply, f"the answer is broken JSON: {error}") from None
    except RecursionError:
        # Without its cause, whose traceback would be as deep as the answer.
        raise _unexpected(reply, "the answer is nested too deeply") from None


def decode_download(reply: Reply) -> None:
    """Check that an answer whose body was streamed is a file."""
    raise_for_status(reply)
    if reply.status != 200:
        # 206 would be a part that nobody asked for, 204 nothing at all.
        raise _unexpected(reply, f"expected a file, got the status {reply.status}")
    kind = media_type(reply)
    if kind in _NO_FILES:
        raise _unexpected(reply, f"expected a file, got {kind}")


def raise_for_status(reply: Reply) -> None:
    """Raise the error that belongs to the answer's status, unless it is a success."""
    if 200 <= reply.status < 300:
        return
    if reply.status == 304 or reply.status < 300:
        raise _unexpected(reply, f"an answer of status {reply.status} has no data")
    if reply.status < 400:
        target = reply.headers.get("location", "nowhere").split("?")[0]
        raise APIResponseError(
            f"{_request_line(reply)} was redirected ({reply.status}) to {target}",
            method=reply.method,
            url=reply.url,
            hint="redirects are not followed; use the address it points to",
        )
    raise _status_error(reply)


def parse(
    model: type[T],
    data: Any,
    *,
    method: Optional[str] = None,
    url: Optional[str] = None,
) -> T:
    """Validate decoded JSON as `model`, such as ``Board`` or ``list[Board]``."""
    place: tuple[Union[str, int], ...] = ()
    try:
        if get_origin(model) is not list or not isinstance(data, list):
            return cast(T, _adapter(cast(Any, model)).validate_python(data))
        # One by one: of a whole list every error would be collected, a million of them.
        validate = _adapter(get_args(model)[0]).validate_python
        found = []
        for index, item in enumerate(data):
            place = (index,)
            found.append(validate(item))
        return cast(T, found)
    except ValidationError as error:
        name = getattr(model, "__name__", str(model))
        problems: list[Any] = [f"{error.error_count()} problems"]
        if error.error_count() <= _KEPT_PROBLEMS:
            problems = [
                {"loc": (*place, *problem["loc"]), "msg": problem["msg"]}
                for problem in error.errors(include_url=False, include_input=False)
            ]
        raise APIResponseError(
            f"the server's answer does not fit {name}: {_summary(problems)}",
            method=method,
            url=url,
            hint="this server may be newer or older than this library knows",
        ) from None


def read_embedded(text: str, what: str) -> Any:
    """The JSON that a string of the server holds.

    Raises:
        APIResponseError: It is broken, nested too deeply, or has too many values.
    """
    try:
        if has_more_values(text.encode("utf-8", "surrogatepass"), MOST_VALUES):
            raise APIResponseError(f"{what} has more than {MOST_VALUES} JSON values")
        return json.loads(text)
    except ValueError as error:
        raise APIResponseError(f"{what} is broken JSON: {error}") from None
    except RecursionError:
        raise APIResponseError(f"{what} is nested too deeply") from None


MOST_VALUES = 2_000_000
"""Values of one JSON document: an empty object is 3 bytes, and 100 in memory."""

_STRINGS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


def has_more_values(content: bytes, most: int) -> bool:
    """True when JSON has more values than `most`: told before it is parsed."""
    if _count_marks(content) <= most:
        return False
    # Strings may be full of commas.
    return _count_marks(_STRINGS.sub(b"", content)) > most


def _count_marks(content: bytes) -> int:
    return sum(map(content.count, (b",", b"[", b"{")))


@lru_cache(maxsize=256)
def _adapter(model: Any) -> TypeAdapter[Any]:
    return TypeAdapter(model)


def _status_error(reply: Reply) -> APIStatusError:
    detail = failure_detail(reply)
    kind = STATUS_ERRORS.get(reply.status)
    if kind is None:
        kind = InternalServerError if reply.status >= 500 else APIStatusError
    reason = _summary(detail) if isinstance(detail, list) else detail
    head = f"{_request_line(reply)}: {reply.status}"
    error = kind(
        f"{head}: {reason}" if reason else head,
        status_code=reply.status,
        detail=detail,
        method=reply.method,
        url=reply.url,
        hint=_status_hint(reply),
    )
    error.from_invokeai = _is_own(reply)
    return error


def _is_own(reply: Reply) -> bool:
    if media_type(reply) != "application/json":
        return False
    try:
        data = json.loads(reply.content)
    except (ValueError, RecursionError):
        return False
    return isinstance(data, dict) and "detail" in data


def restated(
    error: APIStatusError,
    kind: type[APIStatusError],
    message: str,
    *,
    status_code: Optional[int] = None,
    hint: Optional[str] = None,
) -> APIStatusError:
    """The same answer as an error of another class, in other words."""
    return kind(
        message,
        status_code=status_code or error.status_code,
        detail=error.detail,
        method=error.method,
        url=error.url,
        hint=hint,
    )


def _status_hint(reply: Reply) -> Optional[str]:
    if reply.status in (404, 405) and media_type(reply) != "application/json":
        return NO_INVOKEAI_HINT
    if reply.status == 401 and not _asks_for_token(reply):
        return PROXY_LOG_IN_HINT
    return _STATUS_HINTS.get(reply.status)


def _asks_for_token(reply: Reply) -> bool:
    """True for the server's own refusal; a reverse proxy wants something else."""
    challenge = reply.headers.get("www-authenticate", "bearer").strip().lower()
    return challenge.startswith("bearer") and media_type(reply) != "text/html"


def failure_detail(reply: Reply) -> Any:
    """The server's explanation: its text, or its list of problems without the echo."""
    kind = media_type(reply)
    text = reply.content.decode("utf-8", errors="replace").strip()
    if kind == "text/html":
        return "a web page"
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return _short(text)
    detail = data.get("detail", data) if isinstance(data, dict) else data
    if isinstance(detail, list):
        return [_problem(entry) for entry in detail[:_KEPT_PROBLEMS]]
    return _short(detail)


def _problem(entry: Any) -> Any:
    """One entry of a 422; `input` may hold the whole graph, `msg` every node type."""
    if not isinstance(entry, dict):
        return _short(entry)
    loc = entry.get("loc")
    problem = {
        "type": str(entry.get("type", "")),
        "loc": list(loc) if isinstance(loc, (list, tuple)) else [],
        "msg": _message(entry),
    }
    value = entry.get("input")
    if value is None or isinstance(value, (bool, int, float, str)):
        problem["input"] = _short(value)
    return problem


def _message(entry: Mapping[str, Any]) -> str:
    text = str(entry.get("msg", ""))
    context = entry.get("ctx")
    if entry.get("type") == "union_tag_invalid" and isinstance(context, dict):
        return f"unknown type {context.get('tag')!r}"
    return str(_short(text.removeprefix("Value error, ")))


def _summary(problems: Sequence[Any]) -> str:
    """The first few problems with their paths, and how many more there are."""
    lines = []
    for problem in problems[:_SHOWN_PROBLEMS]:
        if not isinstance(problem, dict):
            lines.append(str(problem))
            continue
        path = ".".join(str(part) for part in problem["loc"])
        lines.append(f"{path}: {problem['msg']}" if path else str(problem["msg"]))
    more = len(problems) - _SHOWN_PROBLEMS
    if more > 0:
        lines.append(f"and {more} more")
    return "; ".join(lines)


def _short(value: Any) -> Any:
    """`value` as it is, or its beginning when it is long."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    try:
        text = value if isinstance(value, str) else json.dumps(value, default=str)
    except RecursionError:
        return "something nested too deeply"
    if len(text) <= _LONGEST_TEXT:
        return value
    return f"{text[:_LONGEST_TEXT]}… ({len(text)} characters)"


def _unexpected(reply: Reply, problem: str) -> APIResponseError:
    web_page = media_type(reply) == "text/html"
    return APIResponseError(
        f"{_request_line(reply)}: {problem}",
        method=reply.method,
        url=reply.url,
        hint=_WEB_PAGE_HINT if web_page else None,
    )


def media_type(reply: Reply) -> str:
    """The answer's MIME type in lower case, without its parameters."""
    return reply.headers.get("content-type", "").split(";")[0].strip().lower()


def _request_line(reply: Reply) -> str:
    return f"{reply.method} {reply.url}"
