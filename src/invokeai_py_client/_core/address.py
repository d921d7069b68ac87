"""A server's address: what the user typed, checked and taken apart once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Optional
from urllib.parse import SplitResult, quote, urlsplit

from invokeai_py_client.exceptions import ArgumentError

DEFAULT_URL = "http://localhost:9090"


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
    def is_loopback(self) -> bool:
        """True when the server is on this machine: no proxy applies then.

        So it is at 0.0.0.0, which servers print as their address.
        """
        host = self.host
        if host == "localhost" or host.endswith(".localhost"):
            return True
        try:
            number = ip_address(host)
        except ValueError:
            return False
        number = getattr(number, "ipv4_mapped", None) or number
        return number.is_loopback or number.is_unspecified

    def url(self, path: str) -> str:
        """The full address of a path below the server's root."""
        return f"{self.origin}{self.prefix}{path}"


def parse_address(text: str) -> Address:
    """Read a server's address as people write it.

    The scheme may be missing (``localhost:9090`` means http), trailing slashes do not
    matter, and a path is kept as the server's prefix.
    """
    if not isinstance(text, str):
        raise _not_text(text)
    given = text.strip()
    if "@" in given:
        # Before anything takes it apart: a password with a slash in it would come
        # back in pieces, in messages about ports and paths.
        raise ArgumentError(
            "url",
            "…@…",
            "an address without a user name and password",
            hint="use token=, or email= and password=; for a reverse proxy's own "
            "log-in headers={'Authorization': 'Basic …'}; an @ in a path is %40",
        )
    if "://" not in given:
        given = "http://" + given
    try:
        parts = urlsplit(given)
    except ValueError:
        raise _refused(text, "it cannot be taken apart") from None
    try:
        port = parts.port
    except ValueError:
        problem = "the port after the colon is not a number from 0 to 65535"
        raise _refused(text, problem) from None
    wrong = _problem(parts)
    if wrong is not None:
        raise _refused(text, wrong)
    host = parts.hostname or ""
    if ":" in host:
        host = f"[{host}]"
    origin = f"{parts.scheme.lower()}://{host}"
    if port is not None:
        origin += f":{port}"
    return Address(origin, quote(parts.path.rstrip("/"), safe="/%:!$&'()*+,;=~"))


def _problem(parts: SplitResult) -> Optional[str]:
    if parts.scheme.lower() not in ("http", "https"):
        return f"a server address cannot start with {parts.scheme}://"
    if any(mark.isspace() or not mark.isprintable() for mark in parts.geturl()):
        return "a server address has no spaces or control characters"
    if not parts.hostname:
        return "a server address needs a host name"
    if parts.query or parts.fragment:
        return "a server address has no '?' or '#' part"
    extra = _ROUTE.search(parts.path)
    if extra is not None:
        return f"leave out {extra.group()}: the client adds the paths of the API"
    return None


# What people copy along from a browser or from the server's own pages.
_ROUTE = re.compile(r"/(?:api/v\d+\b.*|docs|redoc|openapi\.json)/?$")

# What is in the place of a port, and what follows the path, may be secret.
_PORT = re.compile(
    r"^((?:[^/?#]*://)?(?:\[[^]/?#]*\])?[^/?#[]*?):(?!//|\d+(?:[/?#]|$))[^/?#]*"
)
_TAIL = re.compile(r"([?#]).*", re.DOTALL)


def _not_text(url: Any) -> ArgumentError:
    is_port = type(url) is int and 0 < url < 65536
    hint = f"for this port: 'http://localhost:{url}'" if is_port else None
    return ArgumentError("url", url, f"a string such as {DEFAULT_URL!r}", hint=hint)


def _refused(text: str, problem: str) -> ArgumentError:
    shown = _TAIL.sub(r"\1…", _PORT.sub(r"\1:…", text))
    return ArgumentError(
        "url", shown, f"an address such as {DEFAULT_URL!r}", hint=problem
    )
