"""Typed fields of the server's own nodes, for tests."""

from __future__ import annotations

from typing import Any

import pytest

from invokeai_py_client.exceptions import FieldProblem, FieldValidationError
from invokeai_py_client.ivk_fields import (
    IvkField,
    field_registry,
)
from invokeai_py_client.nodes import (
    FieldType,
    InputTemplate,
    Limits,
    NodeCatalog,
)

SDXL = {
    "key": "6b1c",
    "hash": "blake3:00",
    "name": "Juggernaut XL",
    "base": "sdxl",
    "type": "main",
}
LORA = {**SDXL, "key": "77aa", "name": "ink", "type": "lora"}
UUID = "0c8a3bd6-5d64-4f4c-a6c6-2f3a3f1f8f7e"


def info_of(catalog: NodeCatalog, node: str, name: str, **more: Any) -> dict[str, Any]:
    template = catalog[node].inputs[name]
    return {
        "type": template.type.name,
        "name": name,
        "label": "",
        "node_type": node,
        "cardinality": template.type.cardinality,
        "required": template.required,
        "template": template,
        **more,
    }


def build(catalog: NodeCatalog, node: str, name: str, **more: Any) -> IvkField[Any]:
    return field_registry.build(info_of(catalog, node, name, **more))


def refused(field: IvkField[Any], value: Any) -> FieldProblem:
    """Set a value that must be refused; the old one must stay."""
    before = field.to_api_format()
    with pytest.raises(FieldValidationError) as caught:
        field.value = value
    assert field.to_api_format() == before
    return caught.value.problems[0]


def limited(
    type_name: str, cardinality: str = "SINGLE", **limits: Any
) -> InputTemplate:
    kind = FieldType(type_name, cardinality)  # type: ignore[arg-type]
    return InputTemplate("x", "X", kind, limits=Limits(**limits))
