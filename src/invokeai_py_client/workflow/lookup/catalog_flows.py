"""Learning which node types a server has.

The server describes its nodes in its OpenAPI document, 1.8 MB that take it 7 s to make
the first time. So it is read only when needed: the snapshot that comes with this
library serves a server of exactly that version as long as it knows every node type in
question (custom nodes are the ones it does not know); else the copy on disk, kept by
address and version; else the server is asked.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Optional

from invokeai_py_client._core.decode import parse
from invokeai_py_client._core.flow import Flow, run_blocking
from invokeai_py_client._core.send import (
    get,
    learn_version as ask_version,
    request_json,
)
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.workflow.lookup.catalog_cache import read_catalog, write_catalog
from invokeai_py_client.workflow.lookup.known_server import KnownServer

logger = logging.getLogger("invokeai_py_client")

# Two busy cores needed 7 s for the first answer.
OPENAPI_TIMEOUT = 120.0


def learn_version(server: KnownServer, *, again: bool = False) -> Flow[str]:
    """The server's version, asked once by all that a client does."""
    if server.version is None or again:
        server.version = yield from ask_version(again=again)
    return server.version


def learn_catalog(server: KnownServer, node_types: Iterable[str]) -> Flow[NodeCatalog]:
    """The server's node types, read anew if the known ones do not suffice."""
    version = yield from learn_version(server)
    wanted = set(node_types)
    for candidate in (server.catalog, _bundled_for(version)):
        if candidate is not None and wanted.issubset(candidate):
            server.catalog = candidate
            return candidate
    if server.catalog is not None and server.catalog_is_fresh:
        # The server itself does not know them either.
        return server.catalog
    path = server.catalog_file(version)
    stored = (yield from run_blocking(lambda: read_catalog(path))) if path else None
    if stored is not None and wanted.issubset(stored):
        server.catalog = stored
        return stored
    return (yield from fetch_catalog(server))


def fetch_catalog(server: KnownServer) -> Flow[NodeCatalog]:
    """Ask the server for its node types, also if some are known, and keep them."""
    version = yield from learn_version(server, again=True)
    request = get("/openapi.json", timeout=OPENAPI_TIMEOUT)
    document = parse(dict[str, object], (yield from request_json(request)))
    catalog = yield from run_blocking(
        lambda: NodeCatalog.from_openapi(document, version)
    )
    server.catalog, server.catalog_is_fresh = catalog, True
    logger.info("read %d node types of InvokeAI %s", len(catalog), version)
    path = server.catalog_file(version)
    if path is not None:
        yield from run_blocking(lambda: write_catalog(path, catalog))
    return catalog


def _bundled_for(version: str) -> Optional[NodeCatalog]:
    bundled = NodeCatalog.bundled()
    return bundled if bundled.version == version else None
