"""Errors of talking to the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from invokeai_py_client.exceptions.base import InvokeAIError


class APIError(InvokeAIError):
    """A request to the server did not give a usable answer.

    Attributes:
        method: HTTP method of the request; None when it has none (the socket).
        url: The request's address without credentials and query.
    """

    def __init__(
        self,
        message: str,
        *,
        method: Optional[str] = None,
        url: Optional[str] = None,
        hint: Optional[str] = None,
    ) -> None:
        self.method = method
        self.url = url
        super().__init__(message, hint=hint)


class APIConnectionError(APIError):
    """The server could not be reached, or the connection broke.

    Attributes:
        sent: False when the request surely never reached the server (the connection
            could not be made), so that nothing can have happened.
    """

    sent: bool = True


class APITimeoutError(APIConnectionError):
    """No answer came within `request_timeout` seconds."""


class APIStatusError(APIError):
    """The server answered with an error status.

    Attributes:
        status_code: The HTTP status.
        detail: The server's words, or its list of validation errors; shortened
            where the server echoes a whole graph.
        from_invokeai: The answer has the shape of InvokeAI's own errors; False for
            what a proxy says.
    """

    from_invokeai = False

    def __init__(
        self,
        message: str,
        *,
        status_code: int,
        detail: Any = None,
        method: Optional[str] = None,
        url: Optional[str] = None,
        hint: Optional[str] = None,
    ) -> None:
        self.status_code = status_code
        self.detail = detail
        super().__init__(message, method=method, url=url, hint=hint)


class AuthenticationError(APIStatusError):
    """401: the token is missing, expired or wrong; log in again."""


class PermissionDeniedError(APIStatusError):
    """403: the thing belongs to somebody else, or needs an administrator."""


class NotFoundError(APIStatusError):
    """404: the server does not know this name or id."""


class ConflictError(APIStatusError):
    """409: the thing exists already or is in use."""


class UnprocessableEntityError(APIStatusError):
    """422: the server refused the request's content; `detail` lists why."""


class InternalServerError(APIStatusError):
    """5xx: the server failed; its log has the traceback."""


class APIResponseError(APIError):
    """The answer is not what the route promises: HTML, broken JSON, odd shape.

    A web page with status 200 usually means a wrong address or a reverse proxy
    that does not forward `/api`.
    """


class UnsupportedVersionError(APIError):
    """This server's version does not offer what was asked for.

    Attributes:
        needed: The version the feature needs, such as ``">= 6.14"``.
        found: The server's version.
    """

    def __init__(self, feature: str, *, needed: str, found: str) -> None:
        self.needed = needed
        self.found = found
        super().__init__(f"{feature} needs InvokeAI {needed}, this is {found}")


STATUS_ERRORS: Mapping[int, type[APIStatusError]] = {
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableEntityError,
}
