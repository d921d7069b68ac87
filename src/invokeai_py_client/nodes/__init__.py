"""Node templates: what a server says about every node type it can run."""

from __future__ import annotations

from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.nodes.gui_form import template_as_gui_dict
from invokeai_py_client.nodes.openapi import parse_openapi
from invokeai_py_client.nodes.template import (
    UNSET,
    Cardinality,
    FieldType,
    InputKind,
    InputTemplate,
    Limits,
    NodeTemplate,
    OutputTemplate,
    Unset,
)

__all__ = [
    "UNSET",
    "Cardinality",
    "FieldType",
    "InputKind",
    "InputTemplate",
    "Limits",
    "NodeCatalog",
    "NodeTemplate",
    "OutputTemplate",
    "Unset",
    "parse_openapi",
    "template_as_gui_dict",
]
