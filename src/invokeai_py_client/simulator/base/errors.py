"""Errors in the shapes of the server's API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Optional

from pydantic import ValidationError

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
    """The detail of a missing value."""
    return {
        "type": "missing",
        "loc": list(location),
        "msg": "Field required",
        "input": None,
    }
