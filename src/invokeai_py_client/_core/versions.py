"""Which operation which server version has, as data and pure decisions.

Operations are named as in the server's OpenAPI document: ``"GET /api/v1/boards/"``,
with ``{}`` around what a path takes. `since.json` was read from the routers of 5.0.0,
5.15.0, 6.0.2, 6.3.0, 6.7.0, 6.8.1, 6.9.0, 6.10.0, 6.11.1, 6.12.0, 6.13.0, 6.13.5 and
6.14.2: it gives the first of these that has the operation, from then on in
every one. What is not listed is older than all of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Optional

from invokeai_py_client.exceptions import (
    APIResponseError,
    APIStatusError,
    UnsupportedVersionError,
)

OLDEST = "5.0"
"""The oldest release that was looked at."""


@cache
def operations_by_version() -> Mapping[str, tuple[str, ...]]:
    """Operations by the version that brought them."""
    data = json.loads(Path(__file__).with_name("since.json").read_text("utf-8"))
    return {version: tuple(names) for version, names in data.items()}


def version_key(version: str) -> tuple[int, ...]:
    """The numbers of a version; a release candidate counts as its release.

    Empty when the text holds no version at all.
    """
    found = re.match(r"v?(\d+(?:\.\d+)*)", version.strip())
    return tuple(int(part) for part in found.group(1).split(".")) if found else ()


def is_at_least(version: str, wanted: str) -> bool:
    """True when `version` is `wanted` or newer; also when it cannot be read."""
    key = version_key(version)
    return not key or key >= version_key(wanted)


def since(method: str, path: str) -> Optional[str]:
    """The version that brought the operation behind a request's path.

    None for operations that every known version has, and for paths that none has.
    """
    pattern, versions = _patterns(method)
    found = pattern.fullmatch(path)
    return versions[found.lastindex - 1] if found and found.lastindex else None


@cache
def _patterns(method: str) -> tuple[re.Pattern[str], tuple[str, ...]]:
    """A group for each operation of a method, those without gaps in their paths first.

    Together with the version of each.
    """
    found = [
        (path, version)
        for version, operations in operations_by_version().items()
        for verb, _, path in (operation.partition(" ") for operation in operations)
        if verb == method
    ]
    found.sort(key=lambda item: item[0].count("{"))
    pattern = re.compile("|".join(f"({_pattern(path)})" for path, _ in found))
    return pattern, tuple(version for _, version in found)


def _pattern(path: str) -> str:
    # The one gap that holds slashes is a file's path.
    text = re.escape(path).replace(re.escape("{font_path}"), ".+")
    return re.sub(r"\\\{\w+\\\}", "[^/]+", text)


def looks_missing(status: int, media_type: str, detail: object) -> bool:
    """True when an answer looks as if the server did not have the route at all.

    Servers before 6.12 answer 404 ``"Not Found"``; later ones give a web page with
    status 200 to GET and HEAD. A path that has other methods gives 405, and what is
    only a plan (videos in 6.8) 501.
    """
    if status in (405, 501):
        return True
    if status == 404:
        return detail == "Not Found"
    return status == 200 and media_type == "text/html"


ROUTE_ERRORS = (APIStatusError, APIResponseError, UnsupportedVersionError)
"""What a request to a route that the server does not have may raise."""


def is_missing_route(error: Exception) -> bool:
    """True when an older route may have to do: the server seems to lack this one."""
    if isinstance(error, APIStatusError):
        return error.status_code in (404, 405)
    return isinstance(error, (APIResponseError, UnsupportedVersionError))
