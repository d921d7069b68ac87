"""Requests and replies in the shapes the server uses, and the route table."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, Optional

from pydantic import TypeAdapter, ValidationError

from ..base.errors import ApiError, CrashError, Location, error_details, missing
from ..base.settings import Rules
from ..program.auth import User

if TYPE_CHECKING:
    from ..simulation import Simulation

_IS_JSON = re.compile(r"application/([^;\s]+\+)?json\s*(;|$)", re.IGNORECASE)

Access = Literal["public", "user", "account", "admin", "account_admin", "media"]


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


@dataclass(frozen=True)
class UploadedFile:
    """A file part of a multipart body."""

    name: Optional[str]
    media_type: Optional[str]
    data: bytes


@dataclass
class ApiRequest:
    """One request, its body read.

    Attributes:
        params: The values of the route's path.
        user: The caller.
        base_url: How the client reached the server.
        form: The parts of a multipart body by name.
        reply_headers: Headers to add to the reply.
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

    @property
    def scope_user(self) -> Optional[str]:
        """The user whose records the caller may change; None for everyone's."""
        return None if self.user.is_admin else self.user.user_id

    def owns(self, row: Mapping[str, Any]) -> bool:
        """Whether a row is the caller's, as every row is for administrators."""
        return bool(self.user.is_admin or row["user_id"] == self.user.user_id)

    def argument(self, name: str, annotation: Any, *default: Any) -> Any:
        """A query parameter, read as FastAPI reads it."""
        return self.arguments(**{name: (annotation, *default)})[name]

    def arguments(self, **wanted: tuple[Any, ...]) -> dict[str, Any]:
        """Query parameters by name."""
        given = {
            name: list(self.query[name]) if _is_list(kind) else self.query[name][-1]
            for name, (kind, *_) in wanted.items()
            if name in self.query
        }
        return _read_all(wanted, given, "query")

    def integer(self, name: str) -> int:
        """A whole number in the path."""
        return int(_validated(int, self.params[name], ("path", name)))

    def json(self) -> Any:
        """The JSON body; plain text where the content type does not say JSON."""
        if not self.body:
            raise ApiError(422, [missing(("body",))])
        if not _IS_JSON.match(self.headers.get("content-type", "")):
            return self.body.decode("utf-8", "replace")
        try:
            return json.loads(self.body)
        except ValueError as error:
            problem = {
                "type": "json_invalid",
                "loc": ["body", getattr(error, "pos", 0)],
                "msg": "JSON decode error",
                "input": {},
                "ctx": {"error": getattr(error, "msg", str(error))},
            }
            raise ApiError(422, [problem]) from error

    def read(self, annotation: Any) -> Any:
        """The whole body, validated."""
        return _validated(annotation, self.json(), ("body",), from_attributes=True)

    def embedded(self, **annotations: Any) -> dict[str, Any]:
        """Several values embedded in the body by name."""
        body = self.json() if self.body else None
        wanted = {
            name: kind if isinstance(kind, tuple) else (kind,)
            for name, kind in annotations.items()
        }
        given = body if isinstance(body, dict) else {}
        options = {"context": self.simulation.schemas, "from_attributes": True}
        try:
            return _read_all(wanted, given, "body", **options)
        except TypeError as error:
            raise CrashError(str(error)) from error


def _is_list(annotation: Any) -> bool:
    return getattr(annotation, "__origin__", None) is list


def _read_all(
    wanted: Mapping[str, tuple[Any, ...]],
    given: Mapping[str, Any],
    location: str,
    **options: Any,
) -> dict[str, Any]:
    """The wanted values, each read or its default."""
    values: dict[str, Any] = {}
    problems: list[dict[str, Any]] = []
    for name, (annotation, *default) in wanted.items():
        if name in given:
            try:
                values[name] = _validated(
                    annotation, given[name], (location, name), **options
                )
            except ApiError as error:
                problems += error.detail
        elif default:
            values[name] = default[0]
        else:
            problems.append(missing((location, name)))
    if problems:
        raise ApiError(422, problems)
    return values


def _validated(annotation: Any, value: Any, location: Location, **options: Any) -> Any:
    try:
        return _plain(TypeAdapter(annotation).validate_python(value, **options))
    except ValidationError as error:
        raise ApiError(422, error_details(error, location)) from error


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value.value if isinstance(value, Enum) else value


Handler = Callable[[ApiRequest], Any]


@dataclass(frozen=True)
class Route:
    """One operation of the API."""

    method: str
    pattern: re.Pattern[str]
    access: Access
    handler: Handler
    rules: Optional[Rules] = None


_ROUTES: list[Route] = []


def route(
    method: str, path: str, access: Access = "user", *, rules: Optional[Rules] = None
) -> Callable[[Handler], Handler]:
    """Register a handler for a method and path.

    Args:
        method: Such as `GET`.
        path: Such as `/api/v1/boards/{board_id}`; `{name:path}` also takes slashes.
        access: Who may call: `user` is anyone in single-user mode; `account` always
            demands a token; `media` also takes the login cookie.
        rules: Only servers with these rules have it; None for all.
    """
    path = re.sub(r"{(\w+):path}", r"(?P<\1>.*)", path)
    pattern = re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path) + r"\Z")

    def register(handler: Handler) -> Handler:
        _ROUTES.append(Route(method, pattern, access, handler, rules))
        return handler

    return register


def find_route(
    method: str, path: str, rules: Rules
) -> Optional[tuple[Route, dict[str, str]]]:
    """The route of a request with the values in its path."""
    for candidate in _ROUTES:
        if candidate.method == method and candidate.rules in (None, rules):
            match = candidate.pattern.match(path)
            if match is not None:
                return candidate, match.groupdict()
    return None
