"""The options of a client, checked: address, credentials, limits, TLS."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Optional, Union
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from invokeai_py_client._core.address import Address
from invokeai_py_client._core.decode import MOST_VALUES
from invokeai_py_client._core.messages import DEFAULT_MAX_RETRIES
from invokeai_py_client._io.credentials import Credentials
from invokeai_py_client.exceptions import ArgumentError

Verify = Union[bool, str, os.PathLike[str], ssl.SSLContext]

# The slowest plain answer measured is the server's first /openapi.json: 7 s on two
# busy cores.
DEFAULT_REQUEST_TIMEOUT = 60.0

# What is not a download is held in memory: the largest answer measured is 4 MB
# (a thousand jobs with their sessions); more than this is an attack.
DEFAULT_MAX_REPLY_BYTES = 512 * 1024 * 1024
_MAX_JSON_BYTES = DEFAULT_MAX_REPLY_BYTES // 8
# Files: an image of the server's largest size has 0.7 GB at most, a zip of ten
# thousand images some 15 GB. An answer that never ends must not fill the disk.
DEFAULT_MAX_DOWNLOAD_BYTES = 64 * 1024**3


@dataclass(frozen=True)
class Settings:
    """Everything both transports and the event hub share, as `BaseClient` says.

    Attributes:
        tls: One context for HTTP and socket; unused when the address is plain http.
        proxy: The one that is used, by both; the environment's where none was given.
        has_own_proxy: True when it was given.
    """

    address: Address
    credentials: Credentials
    tls: ssl.SSLContext = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    request_timeout: float = DEFAULT_REQUEST_TIMEOUT
    max_retries: int = DEFAULT_MAX_RETRIES
    proxy: Optional[str] = field(default=None, repr=False)
    has_own_proxy: bool = False
    http_options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    max_reply_bytes: int = DEFAULT_MAX_REPLY_BYTES
    max_download_bytes: int = DEFAULT_MAX_DOWNLOAD_BYTES

    @property
    def max_json_bytes(self) -> int:
        """Longest JSON or text: what is made of it takes several times as much."""
        longest = max(_MAX_JSON_BYTES, self.max_reply_bytes // 8)
        return min(longest, self.max_reply_bytes)

    @property
    def max_json_values(self) -> int:
        """Most values of one JSON answer."""
        in_proportion = MOST_VALUES * self.max_reply_bytes // DEFAULT_MAX_REPLY_BYTES
        return max(MOST_VALUES, in_proportion)

    def __post_init__(self) -> None:
        self.credentials.hide_headers(self.headers)
        self.credentials.hide_proxy(self.proxy)


def make_tls_context(address: Address, verify: Verify) -> ssl.SSLContext:
    """Build the TLS context once per client: reading the CA store takes 30 ms.

    For plain http an empty one is enough.
    """
    if isinstance(verify, ssl.SSLContext):
        return verify
    if not isinstance(verify, (bool, str, os.PathLike)):
        raise ArgumentError("verify", verify, _ALLOWED_VERIFY)
    if not address.origin.startswith("https:") or verify is False:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if verify is False:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context
    if verify is True:
        return ssl.create_default_context()
    path = os.path.expanduser(os.fspath(verify))
    try:
        if os.path.isdir(path):
            return ssl.create_default_context(capath=path)
        return ssl.create_default_context(cafile=path)
    except OSError as error:
        hint = f"{path} holds no certificates: {error}"
        raise ArgumentError("verify", verify, _ALLOWED_VERIFY, hint=hint) from None


_ALLOWED_VERIFY = "True, False, a path of certificates, or an ssl.SSLContext"


def read_credentials(
    token: Optional[str], email: Optional[str], password: Optional[str]
) -> Credentials:
    """Check the credentials; the error messages do not repeat them."""
    given = {"token": token, "email": email, "password": password}
    for name, value in given.items():
        if value is not None and not isinstance(value, str):
            raise ArgumentError(name, type(value), "a string")
    if token is not None and not _is_sendable(token):
        raise ArgumentError("token", _SECRET, "printable ASCII characters")
    if (email is None) != (password is None):
        missing = "email" if email is None else "password"
        raise ArgumentError(missing, None, "both email= and password=, or neither")
    return Credentials(token, email, password)


def read_headers(headers: Optional[Mapping[str, str]]) -> dict[str, str]:
    """Check the headers to send; the error messages do not repeat their values."""
    if headers is None:
        return {}
    if not isinstance(headers, Mapping):
        raise ArgumentError("headers", type(headers), "a mapping of strings")
    for name, value in headers.items():
        if not (_is_sendable(name) and _is_sendable(value)):
            allowed = "strings of printable ASCII characters"
            raise ArgumentError("headers", {name: _SECRET}, allowed)
    return dict(headers)


_SECRET = "…"


def _is_sendable(text: object) -> bool:
    return (
        isinstance(text, str) and bool(text) and text.isascii() and text.isprintable()
    )


_ALLOWED_PROXY = "the URL of an HTTP proxy, such as 'http://proxy:3128'"


def read_proxy(proxy: Optional[str]) -> Optional[str]:
    """Check the URL of a proxy, which HTTP and the event socket both have to use."""
    if proxy is None:
        return None
    scheme = _proxy_scheme(proxy, None)
    if scheme != "http":
        hint = f"the event socket cannot use a proxy of {scheme}://"
        raise ArgumentError("proxy", _shown_proxy(proxy), _ALLOWED_PROXY, hint=hint)
    return proxy


def environment_proxy(address: Address, options: Mapping[str, Any]) -> Optional[str]:
    """The proxy that the environment, or the system, has for this server.

    There is none for a server on this machine unless `trust_env` says so.
    """
    if not options.get("trust_env", not address.is_loopback):
        return None
    parts, proxies = urlsplit(address.origin), getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(parts.netloc):
        return None
    if "://" not in proxy:
        proxy = f"http://{proxy}"
    hint = (
        f"{parts.scheme.upper()}_PROXY or ALL_PROXY of the environment says so; "
        "name the server in NO_PROXY, or give proxy= or "
        "http_options={'trust_env': False}"
    )
    scheme = _proxy_scheme(proxy, hint)
    if scheme.startswith("socks") and find_spec("socksio") is None:
        hint = f"SOCKS needs the package socksio; {hint}"
    elif scheme in ("http", "https", "socks5", "socks5h"):
        return proxy
    raise ArgumentError("proxy", _shown_proxy(proxy), _ALLOWED_PROXY, hint=hint)


def _proxy_scheme(proxy: str, hint: Optional[str]) -> str:
    if not isinstance(proxy, str):
        raise ArgumentError("proxy", proxy, _ALLOWED_PROXY)
    try:
        parts = urlsplit(proxy)
        is_whole = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_whole = False
    if not is_whole or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ArgumentError("proxy", _shown_proxy(proxy), _ALLOWED_PROXY, hint=hint)
    return parts.scheme


def _shown_proxy(proxy: str) -> str:
    return _SECRET if "@" in proxy else proxy


_HTTP_OPTIONS = ("limits", "http1", "http2", "trust_env", "event_hooks", "transport")
_OWN_OPTIONS = {
    "auth": "token=, or email= and password=, or headers=",
    "cert": "verify=, with an ssl.SSLContext that holds the certificate",
    "headers": "headers=",
    "proxy": "proxy=",
    "timeout": "request_timeout=",
    "verify": "verify=",
}


def read_http_options(options: Optional[Mapping[str, Any]]) -> dict[str, Any]:
    """Check the names of options for the HTTP library, which checks their values."""
    allowed = f"a mapping with {', '.join(_HTTP_OPTIONS)}"
    if options is None:
        return {}
    if not isinstance(options, Mapping):
        raise ArgumentError("http_options", options, allowed)
    for name in options:
        if name not in _HTTP_OPTIONS:
            own = _OWN_OPTIONS.get(name)
            hint = f"{name}: use {own}" if own else f"{name} cannot be set"
            raise ArgumentError("http_options", {name: _SECRET}, allowed, hint=hint)
    return dict(options)
