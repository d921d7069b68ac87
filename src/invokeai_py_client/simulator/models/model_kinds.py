"""The kinds of model records: which fields each has, and the values they accept.

The server keeps a class for every combination of type, format and base, and finds it
by a tag made of these. A record that names no such combination, or whose fields do not
fit its class, is refused.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from ..graphs.node_schema import NodeSchemas, Schema

Record = dict[str, Any]

_TAG_FIELDS = ("type", "format", "base")


class RecordError(ValueError):
    """No kind of model has these fields."""

    kind = "ValidationError"


class ModelKinds:
    """The classes of model records of one server."""

    def __init__(
        self, components: Mapping[str, Schema], kinds: Sequence[str], version: str
    ) -> None:
        self._schemas = NodeSchemas(components, version)
        self._components = components
        # Of several classes with one tag, pydantic takes the last.
        self._by_tag = {_tag_of_class(components[name]): name for name in kinds}

    def named(self, name: str) -> Any:
        """A class or enumeration by its name, such as `ModelRecordChanges`."""
        return self._schemas.field_class(name)

    def complete(self, record: Mapping[str, Any]) -> Record:
        """A record with the fields of its kind and no others.

        What is absent gets its default, or the first of its values. A record of an
        unknown kind stays as it is.
        """
        name = self._by_tag.get(_tag_of(record))
        if name is None:
            return dict(record)
        fields = self._components[name]["properties"]
        required = self._components[name]["required"]
        absent = {
            field: schema.get("default", self._first(schema))
            for field, schema in fields.items()
            if field not in required or "$ref" in schema
        }
        known = {**absent, **record}
        return {field: known[field] for field in fields if field in known}

    def _first(self, schema: Schema) -> Any:
        name = schema.get("$ref", "").rsplit("/", 1)[-1]
        return self._components.get(name, {}).get("enum", [None])[0]

    def read(self, fields: Mapping[str, Any]) -> Record:
        """Validate a record as its kind."""
        name = self._by_tag.get(_tag_of(fields))
        if name is None:
            raise RecordError(f"No kind of model is {_tag_of(fields)!r}")
        kind: type[BaseModel] = self.named(name)
        try:
            read = kind.model_validate(dict(fields))
        except ValidationError as error:
            raise RecordError(str(error)) from error
        # Defaults are not validated, so enumerations among them are plain strings.
        return read.model_dump(mode="json", warnings=False)


def _tag_of(record: Mapping[str, Any]) -> str:
    """What tells the kind of a record, such as `main.diffusers.sd-1`."""
    parts = [str(record.get(field) or "") for field in _TAG_FIELDS]
    if parts == ["clip_embed", "diffusers", "any"]:
        parts.append(str(record.get("variant") or ""))
    return ".".join(part for part in parts if part)


def _tag_of_class(schema: Schema) -> str:
    fields = schema["properties"]
    return ".".join(
        str(fields[field]["default"])
        for field in (*_TAG_FIELDS, "variant")
        if fields.get(field, {}).get("default") is not None
    )


@lru_cache(maxsize=1)
def bundled_kinds() -> ModelKinds:
    """The kinds of models of InvokeAI 6.14.2."""
    data = Path(__file__).parents[1] / "data" / "model-schemas-6.14.2.json.gz"
    found = json.loads(gzip.decompress(data.read_bytes()))
    return ModelKinds(found["schemas"], found["kinds"], found["version"])
