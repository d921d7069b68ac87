"""Getting a token for an e-mail address and a password, on multi-user servers."""

from __future__ import annotations

from invokeai_py_client._core.decode import decode
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.messages import Request
from invokeai_py_client._core.send import send
from invokeai_py_client.exceptions import (
    APIResponseError,
    AuthenticationError,
    PermissionDeniedError,
)

__all__ = ["log_in"]

_PATH = "/api/v1/auth/login"
_NO_ACCOUNTS = "Multiuser mode is disabled"


def log_in(email: str, password: str) -> Flow[str]:
    """Return a new token.

    Raises:
        AuthenticationError: The server knows no such user or password.
        PermissionDeniedError: The server is single-user and needs no log-in, or the
            account is disabled.
        UnsupportedVersionError: The server is too old to have accounts.
        APIError: As every request.
    """
    body = {"email": email, "password": password, "remember_me": True}
    request = Request("POST", _PATH, json=body, anonymous=True)
    reply = yield from send(request)
    try:
        data = decode(reply)
    except AuthenticationError as error:
        raise AuthenticationError(
            "the server refused the e-mail address or the password",
            status_code=401,
            detail=error.detail,
            method=error.method,
            url=error.url,
        ) from error
    except PermissionDeniedError as error:
        if _NO_ACCOUNTS not in str(error.detail):
            # The account is disabled.
            raise
        raise PermissionDeniedError(
            "this server does not offer a log-in",
            status_code=403,
            detail=error.detail,
            method=error.method,
            url=error.url,
            hint="it runs in single-user mode: leave out email= and password=",
        ) from error
    token = data.get("token") if isinstance(data, dict) else None
    if not isinstance(token, str) or not token:
        raise APIResponseError(
            "the server's answer to the log-in holds no token",
            method=reply.method,
            url=reply.url,
        )
    return token
