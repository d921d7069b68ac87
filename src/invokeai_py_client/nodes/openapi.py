"""A server's OpenAPI document as node templates, read as its GUI reads it.

Nothing in a document makes this fail: a custom node may have any schema, so an input
whose type has no name for the GUI is left out, and so is a node without a type or an
output, and logged at DEBUG.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Optional

from invokeai_py_client.nodes.field_types import (
    METADATA_TYPES,
    STATEFUL_TYPES,
    Schema,
    non_null_members,
    read_type,
    ref_name,
)
from invokeai_py_client.nodes.limits import NUMBER_KEYS, is_number, read_limits
from invokeai_py_client.nodes.template import (
    UNSET,
    FieldType,
    InputKind,
    InputTemplate,
    NodeTemplate,
    OutputTemplate,
)
from invokeai_py_client.nodes.titles import start_case

logger = logging.getLogger("invokeai_py_client")

HIDDEN_NODES = frozenset({"graph", "linear_ui_output"})
NODE_ATTRIBUTES = frozenset({"id", "type", "use_cache"})
BATCH_LISTS: Mapping[str, str] = {
    "float_batch": "floats",
    "integer_batch": "integers",
    "string_batch": "strings",
    "image_batch": "images",
}
"""The list input of each batch node, and the output of its generator node."""
GENERATOR_LISTS: Mapping[str, str] = {
    name.replace("batch", "generator"): items for name, items in BATCH_LISTS.items()
}
INPUT_HINTS = (
    "ui_hidden", "ui_component", "ui_type", "ui_order", "ui_choice_labels",
    "ui_model_base", "ui_model_type", "ui_model_variant", "ui_model_format",
    "ui_model_provider_id",
)  # fmt: skip
OUTPUT_HINTS = ("ui_hidden", "ui_type", "ui_order")
NUMBER_LIMITS = tuple(NUMBER_KEYS)
TEXT_LIMITS = ("minLength", "maxLength")
LIST_LIMITS = ("minItems", "maxItems")

# What a fresh node holds where the schema has no default, or null.
FALLBACKS: Mapping[str, Any] = {
    "BoardField": "auto",
    "BooleanField": False,
    "ColorField": {"r": 127, "g": 127, "b": 127, "a": 255},
    "FloatField": 0,
    "IntegerField": 0,
    "LoRAField": [],
    "SavedWorkflowField": "",
    "SchedulerField": "dpmpp_3m_k",
    "StringField": "",
}
# What a fresh node holds regardless of the schema.
FIXED_DEFAULTS: Mapping[str, Any] = {
    "FloatGeneratorField": {
        "type": "float_generator_arithmetic_sequence",
        "start": 0,
        "step": 0.1,
        "count": 10,
    },
    "IntegerGeneratorField": {
        "type": "integer_generator_arithmetic_sequence",
        "start": 0,
        "step": 1,
        "count": 10,
    },
    "StringGeneratorField": {
        "type": "string_generator_parse_string",
        "input": "foo,bar,baz,qux",
        "splitOn": ",",
    },
    "ImageGeneratorField": {
        "type": "image_generator_images_from_board",
        "category": "images",
    },
    **dict.fromkeys(METADATA_TYPES, UNSET),
}
# Lists of these have their own limits and default to [] only when required.
LISTED_TYPES = frozenset({"ImageField", "IntegerField", "FloatField", "StringField"})


def has_batch_keys(openapi: Mapping[str, Any]) -> bool:
    """Whether the batches that the server takes may have an idempotency key."""
    found: Any = openapi
    for name in ("components", "schemas", "Batch", "properties", "idempotency_key"):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found is not None


def parse_openapi(openapi: Mapping[str, Any]) -> dict[str, NodeTemplate]:
    """Every node type of a server, by its invocation type, in the document's order."""
    components = openapi.get("components")
    schemas = components.get("schemas") if isinstance(components, Mapping) else None
    if not isinstance(schemas, Mapping):
        return {}
    nodes: dict[str, NodeTemplate] = {}
    for name, schema in schemas.items():
        if isinstance(schema, Mapping) and schema.get("class") == "invocation":
            node = _node(name, schema, schemas)
            if node is not None:
                nodes[node.type] = node
    return nodes


def _node(name: str, schema: Schema, schemas: Schema) -> Optional[NodeTemplate]:
    properties = _mapping(schema.get("properties"))
    node_type = _default_of(properties, "type")
    output = _mapping(schemas.get(ref_name(schema.get("output")) or ""))
    if not isinstance(node_type, str) or node_type in HIDDEN_NODES:
        return None
    if output.get("class") != "output":
        logger.debug("node %s (%s) has no output schema, left out", node_type, name)
        return None
    output_properties = _mapping(output.get("properties"))
    tags = schema.get("tags")
    return NodeTemplate(
        type=node_type,
        title=_text(schema.get("title"), name).replace("Invocation", "", 1),
        version=_text(schema.get("version")),
        tags=tuple(tags) if isinstance(tags, list) else (),
        description=_text(schema.get("description")),
        output_type=_text(_default_of(output_properties, "type")),
        inputs=_inputs(node_type, properties, schemas),
        outputs=_outputs(node_type, output_properties),
        use_cache=_default_of(properties, "use_cache") is not False,
        node_pack=_text(schema.get("node_pack"), "invokeai"),
        classification=_text(schema.get("classification"), "stable"),
        category=_text(schema.get("category"), "other"),
    )


def _default_of(properties: Schema, name: str) -> Any:
    schema = _mapping(properties.get(name))
    return schema.get("default", schema.get("const"))


def _mapping(value: Any) -> Schema:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any, otherwise: str = "") -> str:
    return value if isinstance(value, str) else otherwise


def _inputs(
    node_type: str, properties: Schema, schemas: Schema
) -> dict[str, InputTemplate]:
    inputs: dict[str, InputTemplate] = {}
    for name, schema in properties.items():
        if name in NODE_ATTRIBUTES or (node_type, name) == ("iterate", "index"):
            continue
        template = _input(node_type, name, _mapping(schema), schemas)
        if template is not None:
            inputs[name] = template
    return inputs


def _input(
    node_type: str, name: str, schema: Schema, schemas: Schema
) -> Optional[InputTemplate]:
    if "field_kind" not in schema:
        return None
    field_type, restrictions = read_type(schema)
    if field_type is None:
        logger.debug("input %s of node %s has no type, left out", name, node_type)
        return None
    if field_type.name == "IsIntermediate":
        return None
    if BATCH_LISTS.get(node_type) == name:
        field_type = replace(field_type, batch=True)
    stateful = field_type.name in STATEFUL_TYPES
    gui = {key: schema[key] for key in INPUT_HINTS if key in schema}
    if restrictions:
        del gui["ui_type"]
        gui.update(restrictions)
    default: Any = UNSET
    limits = read_limits(schema, schemas)
    if not stateful and schema.get("input") in ("any", "direct"):
        limits = replace(limits, takes_literal=True)
    if stateful:
        own, default = _stateful_part(schema, field_type)
        if field_type.name == "EnumField" and not own["options"]:
            logger.debug("enum %s of node %s has no options", name, node_type)
            return None
        gui.update(own)
    return InputTemplate(
        name=name,
        title=_text(schema.get("title"), start_case(name)),
        type=field_type,
        required=schema.get("orig_required") is True,
        input=_input_kind(schema.get("input")) if stateful else "connection",
        description=_text(schema.get("description")),
        default=default,
        limits=limits,
        gui=gui,
    )


def _input_kind(value: Any) -> InputKind:
    if value == "direct":
        return "direct"
    return "connection" if value == "connection" else "any"


def _stateful_part(schema: Schema, field_type: FieldType) -> tuple[dict[str, Any], Any]:
    """The GUI's limits of an input that holds a value, and its fresh value."""
    name = field_type.name
    own = schema.get("default")
    if field_type.cardinality == "COLLECTION" and name in LISTED_TYPES:
        fallback: Any = [] if schema.get("orig_required") is True else UNSET
        keys = (*LIST_LIMITS, *_scalar_limits(name))
        return _present(schema, keys), fallback if own is None else own
    if name == "EnumField":
        options = _options(schema)
        fallback = options[0] if options else UNSET
        return {"options": options}, fallback if own is None else own
    if name in FIXED_DEFAULTS:
        return {}, FIXED_DEFAULTS[name]
    fallback = FALLBACKS.get(name, UNSET)
    keys = LIST_LIMITS if name == "LoRAField" else _scalar_limits(name)
    return _present(schema, keys), fallback if own is None else own


def _scalar_limits(name: str) -> tuple[str, ...]:
    if name in ("IntegerField", "FloatField"):
        return NUMBER_LIMITS
    return TEXT_LIMITS if name in ("StringField", "SavedWorkflowField") else ()


def _present(schema: Schema, keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: schema[key] for key in keys if is_number(schema.get(key))}


def _options(schema: Schema) -> list[Any]:
    if "anyOf" in schema:
        members = non_null_members(schema)
        schema = members[0] if len(members) == 1 else {}
    schema = _mapping(schema)
    if schema.get("const"):
        return [schema["const"]]
    options = schema.get("enum")
    return list(options) if isinstance(options, list) else []


def _outputs(node_type: str, properties: Schema) -> dict[str, OutputTemplate]:
    outputs: dict[str, OutputTemplate] = {}
    for name, value in properties.items():
        schema = _mapping(value)
        if name == "type" or "field_kind" not in schema:
            continue
        field_type, _ = read_type(schema)
        if field_type is None:
            logger.debug("output %s of node %s has no type, left out", name, node_type)
            continue
        if GENERATOR_LISTS.get(node_type) == name:
            field_type = replace(field_type, batch=True)
        outputs[name] = OutputTemplate(
            name=name,
            title=_text(schema.get("title"), start_case(name)),
            type=field_type,
            description=_text(schema.get("description")),
            gui={key: schema[key] for key in OUTPUT_HINTS if key in schema},
        )
    return outputs
