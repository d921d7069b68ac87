"""What a node sees while it runs, and how implementations are found."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from ..graphs.node_schema import Node, NodeSchemas
from .node_context import Context

logger = logging.getLogger("invokeai_py_client.simulator")

Fields = dict[str, Any]
Implementation = Callable[[Any, Context], Fields]


class RequiredConnectionException(Exception):  # noqa: N818 -- the server's name
    """An input that takes only an edge has none."""

    def __init__(self, node_type: str, field: str) -> None:
        super().__init__(f"Node {node_type} missing connections for field {field}")


class MissingInputException(Exception):  # noqa: N818 -- the server's name
    """A required input has neither a value nor an edge."""

    def __init__(self, node_type: str, field: str) -> None:
        super().__init__(
            f"Node {node_type} missing value or connection for field {field}"
        )


IMPLEMENTATIONS: dict[str, Implementation] = {}
"""What is computed, by node type."""


def implements(*node_types: str) -> Callable[[Implementation], Implementation]:
    """Register a function as what these node types do.

    It takes the node and its context and returns the fields of the output.
    """

    def register(function: Implementation) -> Implementation:
        for node_type in node_types:
            IMPLEMENTATIONS[node_type] = function
        return function

    return register


def check_required(node: Node, schemas: NodeSchemas) -> None:
    """Refuse a node whose required inputs are empty, as the server does at run time.

    Raises:
        RequiredConnectionException: An edge is missing.
        MissingInputException: A value or edge is missing.
    """
    for field, schema in schemas.node_schema(node.type)["properties"].items():
        if not schema.get("orig_required", True) or "orig_default" in schema:
            continue
        if getattr(node, field, None) is not None:
            continue
        if schema.get("input") == "connection":
            raise RequiredConnectionException(node.type, field)
        if schema.get("input") == "any":
            raise MissingInputException(node.type, field)
