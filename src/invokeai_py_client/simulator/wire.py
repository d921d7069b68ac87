"""Requests, replies and errors in the shapes the server uses, and the route table."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, Optional

from pydantic import TypeAdapter, ValidationError

from .auth import User

if TYPE_CHECKING:
    from .simulation import Simulation

Access = Literal["public", "user", "account", "admin", "account_admin", "media"]
Location = Sequence[Any]


class ApiError(Exception):
    """An error the server answers with `{"detail": …}`."""

    def __init__(
        self, status: int, detail: Any, headers: Optional[Mapping[str, str]] = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})


class CrashError(Exception):
    """An error the server does not catch: plain text, status 500."""


@dataclass
class Reply:
    """What goes back to the client."""

    body: bytes = b""
    status: int = 200
    media_type: Optional[str] = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


def json_reply(
    value: Any, status: int = 200, headers: Optional[Mapping[str, str]] = None
) -> Reply:
    """A reply with a JSON body."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return Reply(text.encode("utf-8"), status, headers=dict(headers or {}))


def error_details(
    error: ValidationError, prefix: Location = ()
) -> list[dict[str, Any]]:
    """A validation error as FastAPI reports it: exceptions in `ctx` become `{}`."""
    details = []
    for item in error.errors(include_url=False):
        detail: dict[str, Any] = {
            "type": item["type"],
            "loc": [*prefix, *item["loc"]],
            "msg": item["msg"],
            "input": item["input"],
        }
        if "ctx" in item:
            detail["ctx"] = {
                key: {} if isinstance(value, BaseException) else value
                for key, value in item["ctx"].items()
            }
        details.append(detail)
    return details


def missing(location: Location) -> dict[str, Any]:
    """The detail of a value that is not there."""
    return {
        "type": "missing",
        "loc": list(location),
        "msg": "Field required",
        "input": None,
    }


@dataclass(frozen=True)
class UploadedFile:
    """A file part of a multipart body."""

    name: Optional[str]
    media_type: Optional[str]
    data: bytes


@dataclass
class Call:
    """One request, its body read.

    Attributes:
        simulation: The server.
        params: The values of the route's path.
        query: Every query parameter with all its values.
        user: Who asks.
        token: The token of the request, if it had one.
        base_url: How the client reached the server.
        form: The parts of a multipart body by name.
        reply_headers: Headers to add to the reply.
        checked: What the route's `before_body` gave back.
    """

    simulation: Simulation
    method: str
    path: str
    query: Mapping[str, Sequence[str]]
    headers: Mapping[str, str]
    body: bytes
    user: User
    params: Mapping[str, str] = field(default_factory=dict)
    token: Optional[str] = None
    base_url: str = ""
    form: Mapping[str, Any] = field(default_factory=dict)
    reply_headers: dict[str, str] = field(default_factory=dict)
    checked: Any = None

    @property
    def scope_user(self) -> Optional[str]:
        """Whose things the caller may touch; None for everyone's."""
        return None if self.user.is_admin else self.user.user_id

    def argument(self, name: str, annotation: Any, *default: Any) -> Any:
        """A query parameter, read as FastAPI reads it.

        Raises:
            ApiError: 422, when it is absent without a default or does not fit.
        """
        return self.arguments(**{name: (annotation, *default)})[name]

    def arguments(self, **wanted: tuple[Any, ...]) -> dict[str, Any]:
        """Query parameters by name.

        Args:
            **wanted: The type of each, with a default where it may be absent.

        Raises:
            ApiError: 422 with the problems of all of them.
        """
        found: dict[str, Any] = {}
        problems: list[dict[str, Any]] = []
        for name, (annotation, *default) in wanted.items():
            values = self.query.get(name)
            if values is None:
                if default:
                    found[name] = default[0]
                else:
                    problems.append(missing(("query", name)))
                continue
            many = getattr(annotation, "__origin__", None) is list
            value = list(values) if many else values[-1]
            try:
                found[name] = _validated(annotation, value, ("query", name))
            except ApiError as error:
                problems += error.detail
        if problems:
            raise ApiError(422, problems)
        return found

    def integer(self, name: str) -> int:
        """A whole number in the path."""
        return int(_validated(int, self.params[name], ("path", name)))

    def json(self) -> Any:
        """The JSON body.

        Raises:
            ApiError: 422, when there is none or it is broken.
        """
        if not self.body:
            raise ApiError(422, [missing(("body",))])
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise ApiError(
                422,
                [
                    {
                        "type": "json_invalid",
                        "loc": ["body", getattr(error, "pos", 0)],
                        "msg": "JSON decode error",
                        "input": {},
                        "ctx": {"error": getattr(error, "msg", str(error))},
                    }
                ],
            ) from error

    def read(self, annotation: Any) -> Any:
        """The whole body, validated."""
        return _validated(annotation, self.json(), ("body",), from_attributes=True)

    def embedded(self, **annotations: Any) -> dict[str, Any]:
        """Several values embedded in the body by name.

        Args:
            **annotations: The type of each; a tuple of type and default makes it
                optional.

        Raises:
            ApiError: 422 with the problems of all of them.
        """
        body = self.json() if self.body else None
        found = body if isinstance(body, dict) else {}
        values, problems = {}, []
        for name, wanted in annotations.items():
            annotation, *default = wanted if isinstance(wanted, tuple) else (wanted,)
            if name not in found:
                if default:
                    values[name] = default[0]
                else:
                    problems.append(missing(("body", name)))
                continue
            try:
                values[name] = TypeAdapter(annotation).validate_python(
                    found[name], context=self.simulation.schemas, from_attributes=True
                )
            except ValidationError as error:
                problems += error_details(error, ("body", name))
            except TypeError as error:
                raise CrashError(str(error)) from error
        if problems:
            raise ApiError(422, problems)
        return values


def _validated(
    annotation: Any, value: Any, location: Location, *, from_attributes: bool = False
) -> Any:
    adapter = TypeAdapter(annotation)
    try:
        return _plain(adapter.validate_python(value, from_attributes=from_attributes))
    except ValidationError as error:
        raise ApiError(422, error_details(error, location)) from error


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value.value if isinstance(value, Enum) else value


Handler = Callable[[Call], Any]


@dataclass(frozen=True)
class Route:
    """One operation of the API.

    Attributes:
        before_body: Checks a request before its body is read, for the handler to find
            in `Call.checked`; such a route takes the body as it is, without a form.
    """

    method: str
    pattern: re.Pattern[str]
    access: Access
    handler: Handler
    before_body: Optional[Handler] = None


_ROUTES: list[Route] = []


def route(
    method: str,
    path: str,
    access: Access = "user",
    before_body: Optional[Handler] = None,
) -> Callable[[Handler], Handler]:
    """Register a handler for a method and path.

    Args:
        method: Such as `GET`.
        path: Such as `/api/v1/boards/{board_id}`; `{name:path}` also takes slashes.
        access: Who may call: `user` is anyone in single-user mode; `account` always
            demands a token; `media` also takes the login cookie.
        before_body: See `Route`.
    """
    path = re.sub(r"{(\w+):path}", r"(?P<\1>.*)", path)
    pattern = re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path) + r"\Z")

    def register(handler: Handler) -> Handler:
        _ROUTES.append(Route(method, pattern, access, handler, before_body))
        return handler

    return register


def find_route(method: str, path: str) -> Optional[tuple[Route, dict[str, str]]]:
    """The route of a request with the values in its path."""
    for candidate in _ROUTES:
        if candidate.method == method:
            match = candidate.pattern.match(path)
            if match is not None:
                return candidate, match.groupdict()
    return None
