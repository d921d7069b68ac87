"""Snapshots of real servers: their node types and models, to simulate exactly those."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .graphs.node_schema import NodeSchemas

FORMAT = "invokeai-snapshot/1"


def make_snapshot(
    openapi: Mapping[str, Any], version: str, models: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The content of a snapshot file.

    Args:
        openapi: The server's `/openapi.json`.
        version: The version it reports in `/api/v1/app/version`.
        models: The records of `/api/v2/models/`.
    """
    return {
        "format": FORMAT,
        "version": version,
        "schemas": dict(openapi["components"]["schemas"]),
        "models": [dict(model) for model in models],
    }


def load_snapshot(path: Path) -> tuple[NodeSchemas, Sequence[Mapping[str, Any]]]:
    """The node types and model records of a snapshot file, plain or gzipped.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not a snapshot; the message says what is wrong.
    """
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    try:
        content = json.loads(data)
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(f"{path} is not a snapshot (format {FORMAT!r})")
    schemas = NodeSchemas(content["schemas"], str(content["version"]))
    return schemas, content["models"]
