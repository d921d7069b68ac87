"""Getting a token for an e-mail address and a password, on multi-user servers."""

from __future__ import annotations

from invokeai_py_client._core.decode import decode, restated
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.messages import Request
from invokeai_py_client._core.send import send
from invokeai_py_client.exceptions import (
    APIResponseError,
    AuthenticationError,
    PermissionDeniedError,
)

_PATH = "/api/v1/auth/login"
_NO_ACCOUNTS = "Multiuser mode is disabled"


def log_in(email: str, password: str) -> Flow[str]:
    """Return a new token."""
    body = {"email": email, "password": password, "remember_me": True}
    request = Request("POST", _PATH, json=body, anonymous=True)
    reply = yield from send(request)
    try:
        data = decode(reply)
    except AuthenticationError as error:
        message = "the server refused the e-mail address or the password"
        raise restated(error, AuthenticationError, message) from None
    except PermissionDeniedError as error:
        if _NO_ACCOUNTS not in str(error.detail):
            # The account is disabled.
            raise
        raise restated(
            error,
            PermissionDeniedError,
            "this server does not offer a log-in",
            hint="it runs in single-user mode: leave out email= and password=",
        ) from None
    token = data.get("token") if isinstance(data, dict) else None
    if not isinstance(token, str) or not token:
        raise APIResponseError(
            "the server's answer to the log-in holds no token",
            method=reply.method,
            url=reply.url,
        )
    return token
