"""File formats 1.0.0 to 4.0.0: what an older file does not have.

Formats 1 and 2 know neither form nor connectors, name a field's type in the file, and
format 1 may leave out texts and node versions. Their values are read like those of new
files; the type names in them are not needed, since the server's templates name them.
Formats 3 and 4 are read alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from invokeai_py_client.workflow.document.warnings import WorkflowWarning

NEWEST_FORMAT = "4.0.0"
FIRST_NODE_VERSION = "1.0.0"
"""What a node without a version is taken for, as the server does."""

_KNOWN = {"1.0.0": 1, "2.0.0": 2, "3.0.0": 3, "4.0.0": 4}


def file_format(
    document: Mapping[str, Any],
) -> tuple[int, Optional[WorkflowWarning]]:
    """The format's generation (1 to 4), and a warning where the GUI would refuse it.

    A file without a version, or with an unknown one, is read as the nearest
    format: everything that is needed has its own checks.
    """
    meta = document.get("meta")
    version = meta.get("version") if isinstance(meta, Mapping) else None
    if isinstance(version, str) and version in _KNOWN:
        return _KNOWN[version], None
    if version is None:
        message = "the file does not say its format; read as the newest"
        return 4, WorkflowWarning(message, "format")
    major = version.strip().partition(".")[0] if isinstance(version, str) else ""
    generation = {"1": 1, "2": 2}.get(major, 4)
    message = f"unknown file format {version!r:.40}; read as format {generation}"
    return generation, WorkflowWarning(message, "format")
