"""Cut the node classes out of a server's OpenAPI document for the simulator.

    python scripts/build_simulator_schemas.py openapi.json 6.14.2

writes `src/invokeai_py_client/simulator/data/node-schemas-6.14.2.json.gz`: every node
and output class with all they refer to, unchanged.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "src/invokeai_py_client/simulator/data"


def referred(schemas: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Some classes and, transitively, what they refer to."""
    wanted: dict[str, Any] = {}
    pending: list[Any] = [{"$ref": name} for name in names]
    while pending:
        part = pending.pop()
        if isinstance(part, list):
            pending += part
        elif isinstance(part, dict):
            reference = part.get("$ref")
            if isinstance(reference, str):
                name = reference.rsplit("/", 1)[-1]
                if name not in wanted:
                    wanted[name] = schemas[name]
                    pending.append(schemas[name])
            pending += part.values()
    return {name: wanted[name] for name in schemas if name in wanted}


def write(name: str, value: dict[str, Any]) -> None:
    """Pack a value into the simulator's data."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    target = DATA / name
    # mtime=0: the same document gives the same file.
    target.write_bytes(gzip.compress(text.encode("utf-8"), 9, mtime=0))
    print(f"{target}: {target.stat().st_size} bytes")


def main(source: str, version: str) -> None:
    document = json.loads(Path(source).read_text("utf-8"))
    schemas = document["components"]["schemas"]
    nodes = [
        name
        for name, schema in schemas.items()
        if schema.get("class") in ("invocation", "output")
    ]
    snapshot = {
        "openapi": document["openapi"],
        "version": version,
        "schemas": referred(schemas, nodes),
    }
    write(f"node-schemas-{version}.json.gz", snapshot)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
