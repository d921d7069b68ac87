"""Cut what is about models out of a real server for the simulator.

    python scripts/build_simulator_models.py openapi.json 6.14.2

takes the server's OpenAPI document and writes `model-schemas-6.14.2.json.gz` into
`src/invokeai_py_client/simulator/data`: the class of every kind of model record, in the
order of the server's union, and what may be changed of one.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from build_simulator_schemas import referred, write

CHANGES = "ModelRecordChanges"
ASKED = ("BaseModelType", "ModelType", "ModelFormat")


def bare(schema: Any) -> Any:
    """A schema without texts for people."""
    if isinstance(schema, list):
        return [bare(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {
        key: bare(value)
        for key, value in schema.items()
        # A property may be called like that as well: its schema is an object.
        if key not in ("title", "description", "examples") or isinstance(value, dict)
    }
    return kept


def readable(schema: dict[str, Any]) -> dict[str, Any]:
    """The class of a record as the server reads one back from its database.

    The document describes what it sends, where nothing is left out.
    """
    fields = schema["properties"]
    required = [
        name
        for name in schema["required"]
        if "default" not in fields[name]
        and {"type": "null"} not in fields[name].get("anyOf", ())
    ]
    return {**schema, "required": required}


def model_schemas(document: dict[str, Any]) -> dict[str, Any]:
    """The classes of model records."""
    schemas = document["components"]["schemas"]
    union = schemas["ModelsList"]["properties"]["models"]["items"]["oneOf"]
    kinds = [part["$ref"].rsplit("/", 1)[-1] for part in union]
    # These are asked for by the routes, but are in no record.
    wanted = bare(referred(schemas, [*kinds, CHANGES, *ASKED]))
    wanted.update({name: readable(wanted[name]) for name in kinds})
    return {"kinds": kinds, "schemas": wanted}


def main(document: str, version: str) -> None:
    schemas = model_schemas(json.loads(Path(document).read_text("utf-8")))
    write(f"model-schemas-{version}.json.gz", {"version": version, **schemas})


if __name__ == "__main__":
    main(*sys.argv[1:3])
