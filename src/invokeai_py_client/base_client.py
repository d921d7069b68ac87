"""What both clients share: their options, and what can be said without a request."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Optional, TypedDict, TypeVar

from invokeai_py_client._core.address import DEFAULT_URL, parse_address
from invokeai_py_client._io.credentials import Credentials
from invokeai_py_client._io.event_hub import EventHub
from invokeai_py_client._io.settings import (
    DEFAULT_MAX_DOWNLOAD_BYTES,
    DEFAULT_MAX_REPLY_BYTES,
    DEFAULT_REQUEST_TIMEOUT,
    Settings,
    Verify,
    check_headers,
    make_tls_context,
)
from invokeai_py_client.exceptions import APIError

if TYPE_CHECKING:
    # Installed with pydantic.
    from typing_extensions import Unpack

__all__ = ["BaseClient", "ClientOptions"]

Self = TypeVar("Self", bound="BaseClient")


class ClientOptions(TypedDict, total=False):
    """The options of a client by name; what they mean is told by the client."""

    token: Optional[str]
    email: Optional[str]
    password: Optional[str]
    request_timeout: float
    verify: Verify
    headers: Optional[Mapping[str, str]]
    settle_time: float
    max_reply_bytes: int
    max_download_bytes: int


class BaseClient:
    """The options of a client. Making one sends nothing.

    Whatever asks the server, here and in all that a client gives out, may raise an
    `APIError`; the sections "Raises" name what is particular to a method.
    """

    def __init__(
        self,
        url: Optional[str] = None,
        *,
        token: Optional[str] = None,
        email: Optional[str] = None,
        password: Optional[str] = None,
        request_timeout: float = DEFAULT_REQUEST_TIMEOUT,
        verify: Verify = True,
        headers: Optional[Mapping[str, str]] = None,
        settle_time: float = 10.0,
        max_reply_bytes: int = DEFAULT_MAX_REPLY_BYTES,
        max_download_bytes: int = DEFAULT_MAX_DOWNLOAD_BYTES,
    ) -> None:
        """Make a client; nothing is sent.

        Args:
            url: The server's address, with the path under which a reverse proxy has
                it, if any. None reads the environment's ``INVOKEAI_URL``, else takes
                ``http://localhost:9090``.
            token: A token of a multi-user server. Without any credentials and without
                `url`, the environment's ``INVOKEAI_TOKEN`` is used.
            email: A user's e-mail address; the client logs in when it has to.
            password: That user's password.
            request_timeout: Seconds one HTTP request may go without any progress; not
                a limit for waiting for a job.
            verify: How the server's certificate is checked: True against the system's
                authorities, a path against a PEM file or folder, a ready
                `ssl.SSLContext`, or False not at all.
            headers: More headers for every request and for the event socket.
            settle_time: Seconds to look for jobs whose submission's reply was lost,
                before they are submitted once more.
            max_reply_bytes: Longest answer that is read into memory, decompressed;
                512 MiB.
            max_download_bytes: Longest file that is saved; 64 GiB.

        Raises:
            APIError: An option cannot be used; nothing was sent.
        """
        if (email is None) != (password is None):
            raise APIError("email= and password= go together")
        if not 0 < request_timeout < math.inf:
            raise APIError(
                "request_timeout= must be positive and finite, in seconds; "
                f"got {request_timeout}"
            )
        if not 0 <= settle_time < math.inf:
            raise APIError(
                f"settle_time= must be a number of seconds, got {settle_time}"
            )
        if max_reply_bytes <= 0 or max_download_bytes <= 0:
            raise APIError("max_reply_bytes= and max_download_bytes= must be positive")
        if url is None:
            # A token of the environment is only for the server of the environment.
            url = os.environ.get("INVOKEAI_URL") or DEFAULT_URL
            if token is None and email is None:
                token = os.environ.get("INVOKEAI_TOKEN") or None
        check_headers(token, headers or {})
        address = parse_address(url)
        self._settings = Settings(
            address=address,
            credentials=Credentials(token, email, password),
            tls=make_tls_context(address, verify),
            headers=dict(headers or {}),
            request_timeout=request_timeout,
            max_reply_bytes=max_reply_bytes,
            max_download_bytes=max_download_bytes,
        )
        self._settle_time = settle_time
        self._hub = EventHub(self._settings)
        self._runner = self._open()

    def _open(self) -> Any:
        """Make the driver that runs this client's flows."""
        raise NotImplementedError

    @classmethod
    def from_url(cls: type[Self], url: str, **options: Unpack[ClientOptions]) -> Self:
        """Make a client for the server at `url`; `options` are those of the class.

        ``InvokeAIClient(url)`` is the same, and ``InvokeAIClient()`` reads the
        environment's ``INVOKEAI_URL`` and ``INVOKEAI_TOKEN``.

        Raises:
            APIError: The address or an option cannot be used; nothing was sent.
        """
        return cls(url, **options)

    @property
    def url(self) -> str:
        """The server's address, without a slash at its end."""
        return str(self._settings.address)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"
