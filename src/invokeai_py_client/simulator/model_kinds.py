"""The kinds of model records: which fields each has, and what fits them.

The server keeps a class for every combination of type, format and base, and finds it
by a tag made of these. A record that names no such combination, or whose fields do not
fit its class, is refused in pydantic's own words.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from .node_schema import NodeSchemas, Schema

Record = dict[str, Any]

# What pydantic calls a class that checks itself as a whole.
_CHECKED = {
    "ExternalApiModelConfig": (
        "function-after[_populate_external_fields(), ExternalApiModelConfig]"
    )
}
_TAG_FIELDS = ("type", "format", "base")


class RecordError(ValueError):
    """No kind of model has these fields; the text is the server's."""

    kind = "ValidationError"


class ModelKinds:
    """The classes of model records of one server.

    Args:
        components: Their JSON schemas, with all they refer to.
        kinds: The names of the classes, in the order of the server's union.
        version: The server's version.
    """

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
        name = self._by_tag.get(tag_of(record))
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
        """Validate a record as its kind.

        Raises:
            RecordError: There is no such kind, or something does not fit it.
        """
        tag = tag_of(fields)
        if tag not in self._by_tag:
            known = ", ".join(f"'{known}'" for known in self._by_tag)
            raise RecordError(
                f"1 validation error for {self._union()}\n  Input tag '{tag}' found "
                "using get_model_discriminator_value() does not match any of the "
                f"expected tags: {known} [type=union_tag_invalid]"
            )
        try:
            return self._read_as(self._by_tag[tag], fields)
        except ValidationError as error:
            raise RecordError(self._told(error, tag)) from error

    def read_as_type(self, type_: str, fields: Mapping[str, Any]) -> Record:
        """Validate a record as the first kind of this type that takes it.

        Raises:
            RecordError: None does; the text is about the last.
        """
        problem = f"No model config class found for type={type_!r}"
        for name in dict.fromkeys(self._by_tag.values()):
            if self._components[name]["properties"]["type"].get("default") != type_:
                continue
            try:
                return self._read_as(name, fields)
            except ValidationError as error:
                problem = str(error)
        raise RecordError(problem)

    def fits(self, tag: str, field: str, value: Any) -> bool:
        """Whether a kind has a field that takes this value."""
        name = self._by_tag[tag]
        if field not in self._components[name]["properties"]:
            return False
        known: type[BaseModel] = self.named(name)
        try:
            known.__pydantic_validator__.validate_assignment(
                known.model_construct(), field, value
            )
        except ValidationError:
            return False
        return True

    def _read_as(self, name: str, fields: Mapping[str, Any]) -> Record:
        kind: type[BaseModel] = self.named(name)
        read = kind.model_validate(dict(fields))
        # Defaults are not validated, so enumerations among them are plain texts.
        return read.model_dump(mode="json", warnings=False)

    def _union(self) -> str:
        names = [_CHECKED.get(name, name) for name in self._by_tag.values()]
        return f"tagged-union[{','.join(names)}]"

    def _told(self, error: ValidationError, tag: str) -> str:
        lines = str(error).splitlines()
        lines[0] = re.sub(r" for \S+$", f" for {self._union()}", lines[0])
        # A line that is not indented says where: below the tag, in the union.
        return "\n".join(
            line if line.startswith(" ") or not number else f"{tag}.{line}"
            for number, line in enumerate(lines)
        )


def tag_of(record: Mapping[str, Any]) -> str:
    """What tells the kind of a record, such as `main.diffusers.sd-1`."""
    parts = [_text(record.get(field)) for field in _TAG_FIELDS]
    if parts == ["clip_embed", "diffusers", "any"]:
        parts.append(_text(record.get("variant")))
    return ".".join(part for part in parts if part)


def _text(value: Any) -> str:
    return str((value.value if isinstance(value, Enum) else value) or "")


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
    data = Path(__file__).with_name("data") / "model-schemas-6.14.2.json.gz"
    found = json.loads(gzip.decompress(data.read_bytes()))
    return ModelKinds(found["schemas"], found["kinds"], found["version"])
