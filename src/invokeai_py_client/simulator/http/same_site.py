"""Which requests are refused for where they come from.

A page in a browser can send requests to this machine, and make a name of its own mean
this machine. The real server answers such requests; the simulator does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional
from urllib.parse import urlsplit

_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")


def foreign(scope: Mapping[str, Any]) -> Optional[str]:
    """Why a request is refused; None when it is not from another site."""
    headers = {key.lower(): value.decode("latin-1") for key, value in scope["headers"]}
    host, origin = headers.get(b"host", ""), headers.get(b"origin")
    if _parts(f"//{host}")[0] not in _THIS_MACHINE:
        return f"The simulator answers to names of this machine only, not to {host!r}"
    if origin is not None and _parts(origin) != _parts(f"//{host}"):
        return f"The simulator does not answer to pages of {origin!r}"
    return None


def _parts(url: str) -> tuple[Optional[str], Optional[int]]:
    try:
        parts = urlsplit(url)
        return parts.hostname, parts.port
    except ValueError:
        return None, None
