"""A server's address: what the user typed, checked and taken apart once."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urlsplit

from invokeai_py_client.exceptions import APIConnectionError

__all__ = ["DEFAULT_URL", "Address", "parse_address"]

DEFAULT_URL = "http://localhost:9090"

# Where the server mounts its socket, below its root.
_SOCKET_PATH = "/ws/socket.io"


@dataclass(frozen=True)
class Address:
    """Where a server is.

    Attributes:
        origin: Scheme, host and port, such as ``"http://localhost:9090"``.
        prefix: The path a reverse proxy mounts the server under, such as
            ``"/invoke"``; empty when there is none.
    """

    origin: str
    prefix: str = ""

    def __str__(self) -> str:
        return self.origin + self.prefix

    @property
    def host(self) -> str:
        """The host's name or number, without brackets."""
        return urlsplit(self.origin).hostname or ""

    @property
    def socket_path(self) -> str:
        """Path of the event socket, prefix included."""
        return self.prefix + _SOCKET_PATH

    @property
    def is_secure(self) -> bool:
        """True when TLS is spoken."""
        return self.origin.startswith("https:")

    def url(self, path: str) -> str:
        """The full address of a path below the server's root."""
        return f"{self.origin}{self.prefix}{path}"


def parse_address(text: str) -> Address:
    """Read a server's address as people write it.

    The scheme may be missing (``localhost:9090`` means http), trailing slashes do not
    matter, and a path is kept as the server's prefix.

    Raises:
        APIConnectionError: It is no usable address; the message says why and never
            repeats a password.
    """
    given = text.strip()
    if "@" in given:
        # Before anything takes it apart: a password with a slash in it would come
        # back in pieces, in words about ports and paths.
        raise APIConnectionError(
            "a server address must not hold a user name or password",
            hint="use token=, or email= and password=; for a proxy's own log-in "
            "headers={'Authorization': 'Basic …'}; an @ in a path is %40",
        )
    if "://" not in given:
        given = "http://" + given
    try:
        parts = urlsplit(given)
        port = parts.port
    except ValueError as error:
        raise _refused(f"not a server address: {error}") from error
    _check(parts)
    host = parts.hostname or ""
    if ":" in host:
        host = f"[{host}]"
    origin = f"{parts.scheme.lower()}://{host}"
    if port is not None:
        origin += f":{port}"
    return Address(origin, quote(parts.path.rstrip("/"), safe="/%:!$&'()*+,;=~"))


def _check(parts: SplitResult) -> None:
    if parts.scheme.lower() not in ("http", "https"):
        raise _refused(f"a server address cannot start with {parts.scheme}://")
    if any(mark.isspace() or not mark.isprintable() for mark in parts.geturl()):
        raise _refused("a server address has no spaces or control characters")
    if not parts.hostname:
        raise _refused("a server address needs a host name")
    if parts.query or parts.fragment:
        raise _refused("a server address has no '?' or '#' part")


def _refused(problem: str) -> APIConnectionError:
    return APIConnectionError(problem, hint=f"it looks like {DEFAULT_URL}")
