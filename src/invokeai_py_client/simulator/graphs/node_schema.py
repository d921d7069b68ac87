"""The server's node types as pydantic classes, built from its OpenAPI schema.

The real server declares every node as a pydantic model, so its validation errors,
coercions and serialisation are pydantic's. Building the same models from the schema
returns the same answers and messages.
"""

from __future__ import annotations

import enum
import gzip
import json
import threading
import uuid
import warnings
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, Optional, Union

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    RootModel,
    TypeAdapter,
    ValidationError as PydanticValidationError,
    create_model,
)
from pydantic_core import PydanticUndefined

from .node_rules import validators_of

Schema = Mapping[str, Any]

_BOUNDS = {
    "minimum": "ge",
    "maximum": "le",
    "exclusiveMinimum": "gt",
    "exclusiveMaximum": "lt",
    "multipleOf": "multiple_of",
    "minLength": "min_length",
    "maxLength": "max_length",
    "minItems": "min_length",
    "maxItems": "max_length",
    "pattern": "pattern",
    # Bounds of a union keep pydantic's own names. It applies them to every member
    # and cannot compare a list: that TypeError is the real server's 500 as well.
    "ge": "ge",
    "le": "le",
}
_SCALARS = {"integer": int, "number": float, "string": str, "boolean": bool}


class UnknownNodeTypeError(KeyError):
    """The schema has no such node type."""


class Node(BaseModel):
    """One node of a graph: a value object whose fields the schema declares."""

    model_config = ConfigDict(
        validate_assignment=True, coerce_numbers_to_str=True, protected_namespaces=()
    )

    id: str = Field(default_factory=lambda: str(uuid.uuid4()))
    is_intermediate: bool = False
    use_cache: bool = True
    type: str = ""


class Output(BaseModel):
    """What a node returned."""

    model_config = ConfigDict(validate_assignment=True, protected_namespaces=())

    type: str = ""
    output_meta: Optional[dict[str, Any]] = None


class FieldValue(BaseModel):
    """A structured value such as an image or a colour."""

    model_config = ConfigDict(protected_namespaces=())


class ClosedValue(FieldValue):
    """A structured value that takes no other fields than its own."""

    model_config = ConfigDict(protected_namespaces=(), extra="forbid")


def bounds(schema: Schema) -> dict[str, Any]:
    """The limits of a schema as arguments of pydantic's `Field`."""
    return {ours: schema[key] for key, ours in _BOUNDS.items() if key in schema}


class NodeSchemas:
    """The node types of one server."""

    def __init__(self, components: Mapping[str, Schema], version: str) -> None:
        self.version = version
        self.components = components
        self._lock = threading.RLock()
        self._named: dict[str, Any] = {}
        self._building: set[str] = set()
        self._nodes: dict[str, type[Node]] = {}
        self._outputs: dict[str, type[Output]] = {}
        self._readers: dict[str, TypeAdapter[dict[str, Any]]] = {}
        self._class_names, self._output_names = (
            {
                schema["properties"]["type"]["const"]: name
                for name, schema in components.items()
                if schema.get("class") == kind
            }
            for kind in ("invocation", "output")
        )

    @property
    def node_types(self) -> Iterable[str]:
        """Every node type the server has."""
        return self._class_names.keys()

    def class_name(self, node_type: str) -> str:
        """The server's class of a node type, such as `AddInvocation`.

        The server runs ready nodes class by class in the order of these names.
        """
        return self._class_names[node_type]

    def node_schema(self, node_type: str) -> Schema:
        """The raw schema of a node type."""
        try:
            return self.components[self._class_names[node_type]]
        except KeyError:
            raise UnknownNodeTypeError(node_type) from None

    def output_schema(self, node_type: str) -> Schema:
        """The raw schema of what a node type returns."""
        reference = self.node_schema(node_type)["output"]["$ref"]
        return self.components[_ref_name(reference)]

    def node_class(self, node_type: str) -> type[Node]:
        """The class of a node type."""
        with self._lock:
            if node_type not in self._nodes:
                self._nodes[node_type] = self._build(
                    self._class_names.get(node_type, node_type),
                    self.node_schema(node_type),
                    Node,
                    validators_of(node_type),
                )
            return self._nodes[node_type]

    def tagged_reader(self, node_type: str) -> TypeAdapter[dict[str, Any]]:
        """Reads `{node_type: node}`."""
        with self._lock:
            if node_type not in self._readers:
                by_type: Any = dict[str, self.node_class(node_type)]  # type: ignore[misc]
                self._readers[node_type] = TypeAdapter(by_type)
            return self._readers[node_type]

    def output_class(self, output_type: str) -> type[Output]:
        """The class of an output type such as `image_output`."""
        with self._lock:
            if output_type not in self._outputs:
                name = self._output_names[output_type]
                self._outputs[output_type] = self._build(
                    name, self.components[name], Output
                )
            return self._outputs[output_type]

    def field_class(self, name: str) -> Any:
        """The class of a structured value such as `BoundingBoxField`."""
        with self._lock:
            return self._named_type(name)

    def output_class_of(self, node_type: str) -> type[Output]:
        """The class of what a node type returns."""
        return self.output_class(
            self.output_schema(node_type)["properties"]["type"]["const"]
        )

    def input_annotation(self, node_type: str, field: str) -> Any:
        """The declared Python type of an input, without its limits; None if absent."""
        return self._annotation_of(self.node_schema(node_type), field)

    def output_annotation(self, node_type: str, field: str) -> Any:
        """The declared Python type of an output; None if absent."""
        return self._annotation_of(self.output_schema(node_type), field)

    def has_input(self, node_type: str, field: str) -> bool:
        """Whether a node type has this field, node attributes such as `id` included."""
        return field in self.node_schema(node_type)["properties"]

    def has_output(self, node_type: str, field: str) -> bool:
        """Whether a node type returns this field."""
        fields = self.output_schema(node_type)["properties"]
        return field in fields or field == "output_meta"

    def _annotation_of(self, owner: Schema, field: str) -> Any:
        schema = owner["properties"].get(field)
        if schema is None:
            return None
        with self._lock:
            return self._annotation(schema, constrained=False)

    def _build(
        self, name: str, schema: Schema, base: Any, validators: Any = None
    ) -> Any:
        required = set(schema.get("required", ()))
        fields: dict[str, Any] = {}
        for field, declared in schema.get("properties", {}).items():
            if base is Node and field == "id":
                continue
            annotation = self._annotation(declared, constrained=False)
            value = self._field(declared, annotation, field in required)
            fields[field] = (annotation, value)
        with warnings.catch_warnings():
            # A custom node may name a field like a method of pydantic's base class.
            warnings.simplefilter("ignore", UserWarning)
            return create_model(
                name,
                __base__=base,
                __module__=__name__,
                __validators__=validators or {},
                **fields,
            )

    def _field(self, schema: Schema, annotation: Any, required: bool) -> Any:
        limits = bounds(schema)
        alternatives = [
            part for part in schema.get("anyOf", ()) if part.get("type") != "null"
        ]
        if len(alternatives) == 1:
            limits.update(bounds(alternatives[0]))
        elif alternatives:
            annotation = self._annotation(schema, constrained=True)
        default: Any = schema.get("default", PydanticUndefined)
        if default is PydanticUndefined and not required:
            # A default that is made anew each time: the schema cannot show it.
            default = [] if schema.get("type") == "array" else None
        validate = isinstance(default, (dict, list)) and _fits(annotation, default)
        return Field(default, validate_default=validate or None, **limits)

    def _annotation(self, schema: Schema, *, constrained: bool) -> Any:
        plain = self._unconstrained(schema, constrained)
        limits = bounds(schema) if constrained else {}
        return Annotated[plain, Field(**limits)] if limits else plain

    def _unconstrained(self, schema: Schema, constrained: bool) -> Any:
        if "$ref" in schema:
            return self._named_type(_ref_name(schema["$ref"]))
        if "const" in schema:
            return Literal[schema["const"]]
        if "enum" in schema:
            return Literal[tuple(schema["enum"])]
        for key in ("anyOf", "oneOf"):
            if key in schema:
                parts = [
                    self._annotation(p, constrained=constrained) for p in schema[key]
                ]
                return Union[tuple(parts)]
        if "allOf" in schema and len(schema["allOf"]) == 1:
            return self._annotation(schema["allOf"][0], constrained=constrained)
        kind = schema.get("type")
        if kind == "null":
            return None
        if kind == "array":
            items = schema.get("items", {})
            item: Any = self._annotation(items, constrained=constrained)
            return set[item] if schema.get("uniqueItems") else list[item]
        if kind == "object":
            extra = schema.get("additionalProperties")
            value: Any = (
                self._annotation(extra, constrained=constrained)
                if isinstance(extra, Mapping)
                else Any
            )
            return dict[str, value]
        return _SCALARS.get(kind or "", Any)

    def _named_type(self, name: str) -> Any:
        if name in self._named:
            return self._named[name]
        if name in self._building:
            return Any
        schema = self.components[name]
        self._building.add(name)
        try:
            self._named[name] = self._make_named(name, schema)
        finally:
            self._building.discard(name)
        return self._named[name]

    def _make_named(self, name: str, schema: Schema) -> Any:
        if "enum" in schema:
            members = {str(value) or "EMPTY": value for value in schema["enum"]}
            mixin = str if all(isinstance(v, str) for v in members.values()) else int
            return enum.Enum(name, members, type=mixin)
        if "properties" in schema:
            closed = schema.get("additionalProperties") is False
            base = ClosedValue if closed else FieldValue
            return self._build(name, schema, base, validators_of(name))
        if schema.get("type") == "object":
            root = RootModel[dict[str, Any]]
            return create_model(name, __base__=root, __module__=__name__)
        return self._annotation(schema, constrained=True)


def _ref_name(reference: str) -> str:
    return reference.rsplit("/", 1)[-1]


def _fits(annotation: Any, value: Any) -> bool:
    try:
        TypeAdapter(annotation).validate_python(value)
    except PydanticValidationError:
        return False
    return True


@lru_cache(maxsize=1)
def bundled_schemas() -> NodeSchemas:
    """The node types of InvokeAI 6.14.2."""
    data = Path(__file__).parents[1] / "data" / "node-schemas-6.14.2.json.gz"
    snapshot = json.loads(gzip.decompress(data.read_bytes()))
    return NodeSchemas(snapshot["schemas"], snapshot["version"])
