"""Node catalogs on disk: one file per server and version, whole or absent."""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path
from typing import Optional

from invokeai_py_client.exceptions import WorkflowFormatError
from invokeai_py_client.nodes.catalog import NodeCatalog

logger = logging.getLogger("invokeai_py_client")


def read_catalog(path: Path) -> Optional[NodeCatalog]:
    """The catalog in a file; None when it is missing or unreadable."""
    try:
        return NodeCatalog.from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, WorkflowFormatError) as error:
        logger.info("the stored node catalog %s is of no use: %s", path, error)
        return None


def read_newest(folder: Path) -> Optional[NodeCatalog]:
    """The catalog that was written last; None when there is none."""
    try:
        files = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
    except OSError:
        return None
    return read_catalog(files[-1]) if files else None


def write_catalog(path: Path, catalog: NodeCatalog) -> None:
    """Keep a catalog; a disk that cannot be written to is only logged."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(catalog.to_json())
            os.replace(temporary, path)
        except OSError:
            os.unlink(temporary)
            raise
    except OSError as error:
        logger.warning("the node catalog could not be stored: %s", error)
