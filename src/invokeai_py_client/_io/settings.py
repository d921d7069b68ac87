"""What a client was told about its server: address, credentials, limits, TLS."""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Optional, Union

from invokeai_py_client._core.address import Address
from invokeai_py_client._io.credentials import Credentials
from invokeai_py_client.exceptions import APIError

__all__ = [
    "DEFAULT_MAX_DOWNLOAD_BYTES",
    "DEFAULT_MAX_REPLY_BYTES",
    "DEFAULT_REQUEST_TIMEOUT",
    "Settings",
    "Verify",
    "check_headers",
]

Verify = Union[bool, str, "os.PathLike[str]", ssl.SSLContext]

# The slowest plain answer measured is the server's first /openapi.json: 7 s on two
# busy cores.
DEFAULT_REQUEST_TIMEOUT = 60.0

# What is not a download is held in memory: the largest answer measured is 4 MB
# (a thousand jobs with their sessions); more than this is no answer, but an attack.
DEFAULT_MAX_REPLY_BYTES = 512 * 1024 * 1024
# Files: a picture of the server's largest size has 0.7 GB at most, a zip of ten
# thousand pictures some 15 GB. An answer that never ends must not fill the disk.
DEFAULT_MAX_DOWNLOAD_BYTES = 64 * 1024**3


@dataclass(frozen=True)
class Settings:
    """Everything both transports and the event hub share.

    Attributes:
        address: Where the server is.
        credentials: Who the client is.
        tls: One context for HTTP and socket; unused when the address is plain http.
        headers: Sent with every request, for reverse proxies that want them.
        request_timeout: Seconds without any progress before a request is given up.
        max_reply_bytes: Longest answer that is read into memory.
        max_download_bytes: Longest file that is written to disk.
    """

    address: Address
    credentials: Credentials
    tls: ssl.SSLContext = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    request_timeout: float = DEFAULT_REQUEST_TIMEOUT
    max_reply_bytes: int = DEFAULT_MAX_REPLY_BYTES
    max_download_bytes: int = DEFAULT_MAX_DOWNLOAD_BYTES

    @property
    def is_loopback(self) -> bool:
        """True when the server is on this machine: no proxy applies then.

        So it is at 0.0.0.0, which servers print as their address.
        """
        host = self.address.host
        if host == "localhost" or host.endswith(".localhost"):
            return True
        try:
            number = ipaddress.ip_address(host)
        except ValueError:
            return False
        number = getattr(number, "ipv4_mapped", None) or number
        return number.is_loopback or number.is_unspecified


def make_tls_context(address: Address, verify: Verify) -> ssl.SSLContext:
    """Build the TLS context once per client: reading the CA store takes 30 ms.

    Args:
        address: The server; for plain http an empty context is enough.
        verify: True for the system's certificates, False for none at all, a path of
            a PEM file or a folder of certificates, or a ready context.

    Raises:
        APIError: The path holds no certificates.
    """
    if isinstance(verify, ssl.SSLContext):
        return verify
    if not address.is_secure or verify is False:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if verify is False:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context
    if verify is True:
        return ssl.create_default_context()
    path = os.fspath(verify)
    try:
        if os.path.isdir(path):
            return ssl.create_default_context(capath=path)
        return ssl.create_default_context(cafile=path)
    except OSError as error:
        raise APIError(f"verify={path!r} holds no certificates: {error}") from error


def check_headers(token: Optional[str], headers: Mapping[str, str]) -> None:
    """Refuse what cannot be sent in a header, without repeating any value.

    Raises:
        APIError: The token or a header holds a line break or a non-ASCII character.
    """
    if token is not None and not _is_clean(token):
        raise APIError("the token holds characters that a token cannot have")
    for name, value in headers.items():
        if not (_is_clean(name) and _is_clean(value)):
            raise APIError(f"the header {name!r} cannot be sent as it is")


def _is_clean(text: str) -> bool:
    return bool(text) and text.isascii() and text.isprintable()
