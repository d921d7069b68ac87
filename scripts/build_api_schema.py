"""Write the reduced OpenAPI document that the contract tests check requests against.

    python scripts/build_api_schema.py openapi.json

`openapi.json` is what a server gives at `/openapi.json`. Kept is what describes its
operations; left out are the hundreds of node types (whose own schemas come from
another snapshot) and the records of the kinds of model: a reference to one of these
becomes a schema that allows anything. Texts are left out too.
"""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parent.parent / "tests" / "data"
TARGET = DATA / "api-schema.json.gz"

# Prose, and examples of it.
TEXTS = ("description", "summary", "title", "examples", "example")
METHODS = ("get", "put", "post", "delete", "patch", "head", "options")


def is_left_out(schema: dict[str, Any]) -> bool:
    """True for nodes, what they give, and the records of one kind of model."""
    if schema.get("class") in ("invocation", "output"):
        return True
    required = schema.get("required", [])
    return {"key", "hash", "path", "file_size", "base", "type"} <= set(required)


def reduced(document: dict[str, Any]) -> dict[str, Any]:
    """The operations of `document` with the schemas they need."""
    schemas = document["components"]["schemas"]
    left_out = {name for name, schema in schemas.items() if is_left_out(schema)}
    paths = shortened(document["paths"], left_out)
    kept: dict[str, Any] = {}
    wanted = references(paths)
    while wanted:
        name = wanted.pop()
        kept[name] = shortened(schemas[name], left_out)
        wanted |= references(kept[name]) - set(kept)
    return {
        "openapi": document["openapi"],
        "info": document["info"],
        "paths": paths,
        "components": {"schemas": dict(sorted(kept.items()))},
    }


def shortened(part: Any, left_out: set[str], *, in_names: bool = False) -> Any:
    """`part` without texts and without references to what is left out.

    Below ``properties`` the keys are names of fields, of which one may well be called
    ``description``.
    """
    if isinstance(part, list):
        items = [shortened(item, left_out) for item in part]
        return [] if items and all(item == {} for item in items) else items
    if not isinstance(part, dict):
        return part
    if reference_name(part) in left_out:
        return {}
    result = {
        key: shortened(value, left_out, in_names=key == "properties")
        for key, value in part.items()
        if in_names or not is_text(key, value)
    }
    for choice in ("oneOf", "anyOf"):
        if result.get(choice) == [] or {} in result.get(choice, []):
            return {}
    mapping = result.get("discriminator", {}).get("mapping", {})
    if any(target.rpartition("/")[2] in left_out for target in mapping.values()):
        return {}
    return result


def is_text(key: str, value: Any) -> bool:
    return key in TEXTS and (key.startswith("example") or isinstance(value, str))


def reference_name(part: dict[str, Any]) -> str:
    reference = part.get("$ref")
    return reference.rpartition("/")[2] if isinstance(reference, str) else ""


def references(part: Any) -> set[str]:
    """Names of all schemas that `part` refers to."""
    if isinstance(part, list):
        return set().union(*map(references, part)) if part else set()
    if not isinstance(part, dict):
        return set()
    own = {reference_name(part)} - {""}
    return own.union(*(references(value) for value in part.values()))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("document", type=Path, help="a server's /openapi.json")
    options = parser.parse_args()
    result = reduced(json.loads(options.document.read_text(encoding="utf-8")))
    text = json.dumps(result, separators=(",", ":"), sort_keys=True)
    # No time and no file name inside: the same document gives the same bytes.
    TARGET.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))
    print(f"{TARGET}: {len(result['paths'])} paths, {TARGET.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
