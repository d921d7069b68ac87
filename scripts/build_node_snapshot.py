"""Write the node snapshot of the package from a server's OpenAPI document.

The same document gives the same bytes.

Usage: python scripts/build_node_snapshot.py OPENAPI OUT [VERSION]
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

from invokeai_py_client.nodes import NodeCatalog


def main(openapi: str, out: str, version: str = "6.14.2") -> None:
    document = json.loads(Path(openapi).read_text(encoding="utf-8"))
    catalog = NodeCatalog.from_openapi(document, version)
    # mtime=0 keeps the time of writing out of the file.
    Path(out).write_bytes(gzip.compress(catalog.to_json().encode(), 9, mtime=0))
    print(f"{out}: {catalog!r}")


if __name__ == "__main__":
    main(*sys.argv[1:])
