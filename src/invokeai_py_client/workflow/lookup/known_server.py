"""What a client has learnt about its server; shared by everything that runs there."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.workflow.lookup.catalog_cache import read_newest
from invokeai_py_client.workflow.lookup.submission_names import SubmissionNames


def default_cache_dir() -> Path:
    """Where catalogs are kept: below ``$XDG_CACHE_HOME``, else ``~/.cache``."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join("~", ".cache")
    return Path(base).expanduser() / "invokeai-py-client"


@dataclass
class KnownServer:
    """One server as its client knows it.

    What is filled in here is only ever replaced by newer knowledge, one attribute at
    a time, so that threads and tasks may share it.

    Attributes:
        address: The server's address, without credentials.
        cache_dir: Folder of the catalogs on disk; None to keep none.
        settle_time: Seconds to look for jobs whose reply was lost.
        catalog_is_fresh: The catalog came from the server itself, in this process.
        uploads: Names of uploaded images by the hash of their content.
        unacknowledged: Idempotency keys whose receipts could not be acknowledged yet.
        uploading: Uploads under way, by the same hash; the value is the uploader's.
        open_other: Makes a client of the same kind for another address.
        recipe: Makes what another process needs for a blocking client of this server.
        names: Gives submissions without a key one; None for those of no chain.
    """

    address: str
    cache_dir: Optional[Path] = field(default_factory=default_cache_dir)
    queue_id: str = "default"
    settle_time: float = 10.0
    version: Optional[str] = None
    catalog: Optional[NodeCatalog] = None
    catalog_is_fresh: bool = False
    unacknowledged: set[str] = field(default_factory=set, repr=False)
    uploads: dict[str, str] = field(default_factory=dict, repr=False)
    uploading: dict[str, object] = field(default_factory=dict, repr=False)
    open_other: Optional[Callable[[str], Any]] = field(default=None, repr=False)
    recipe: Optional[Callable[[], Any]] = field(default=None, repr=False)
    names: Optional[SubmissionNames] = field(default=None, repr=False)

    def catalog_file(self, version: str) -> Optional[Path]:
        """Where the catalog of this server in this version is kept."""
        folder = self.catalog_folder()
        return None if folder is None else folder / f"{_safe(version)}.json"

    def catalog_folder(self) -> Optional[Path]:
        """Where this server's catalogs are kept, one file per version."""
        if self.cache_dir is None:
            return None
        key = hashlib.sha256(self.address.encode()).hexdigest()[:16]
        return self.cache_dir / "catalogs" / key

    def stored_catalog(self) -> Optional[NodeCatalog]:
        """The best catalog at hand without a request; None when there is none."""
        if self.catalog is not None:
            return self.catalog
        folder = self.catalog_folder()
        return None if folder is None else read_newest(folder)


def _safe(version: str) -> str:
    return "".join(c if c.isalnum() or c in ".-_" else "_" for c in version)
