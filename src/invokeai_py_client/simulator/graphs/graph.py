"""Nodes and the edges between them, as the server's API accepts them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationInfo,
    create_model,
)
from pydantic_core import PydanticKnownError

from ..base.errors import CrashError
from ..base.topology import Topology
from .node_schema import Node, NodeSchemas


class EdgeEnd(BaseModel):
    """One end of an edge: a field of a node."""

    model_config = ConfigDict(frozen=True)

    node_id: str
    field: str


class Edge(BaseModel):
    """A connection between an output and an input."""

    model_config = ConfigDict(frozen=True)

    source: EdgeEnd
    destination: EdgeEnd

    def __str__(self) -> str:
        return (
            f"{self.source.node_id}.{self.source.field} -> "
            f"{self.destination.node_id}.{self.destination.field}"
        )


def topology(nodes: Iterable[str], edges: Iterable[Edge]) -> Topology:
    """The directed graph of some nodes and the edges between them."""
    return Topology(nodes, ((e.source.node_id, e.destination.node_id) for e in edges))


def schemas_of(info: ValidationInfo) -> NodeSchemas:
    """The node types against which a validation runs."""
    assert isinstance(info.context, NodeSchemas)
    return info.context


def _node(value: Any, info: ValidationInfo) -> Node:
    if isinstance(value, Node):
        return value
    schemas = schemas_of(info)
    if not isinstance(value, dict):
        raise PydanticKnownError("model_attributes_type")
    if "type" not in value:
        raise PydanticKnownError("union_tag_not_found", {"discriminator": "'type'"})
    tag = value["type"]
    if tag not in schemas.node_types:
        expected = ", ".join(f"'{name}'" for name in schemas.node_types)
        raise PydanticKnownError(
            "union_tag_invalid",
            {"discriminator": "'type'", "tag": str(tag), "expected_tags": expected},
        )
    schema = schemas.node_schema(tag)
    if schema.get("classification") == "special" and schema.get("category") == "batch":
        # The web interface resolves these; the server crashes when it gets one.
        raise CrashError(f"{tag} nodes cannot be run")
    # Reading {tag: node} puts the tag into the location of every error, where the
    # server's tagged union puts it.
    node: Node = schemas.tagged_reader(tag).validate_python({tag: value})[tag]
    return node


def read_node(value: Any, schemas: NodeSchemas) -> Node:
    """Make a node of its JSON."""
    return schemas.node_class(value["type"]).model_validate(value)


class Graph(BaseModel):
    """Nodes by id and the edges between them."""

    id: str = Field(default_factory=lambda: str(uuid.uuid4()))
    nodes: dict[str, Annotated[Any, PlainValidator(_node)]] = Field(
        default_factory=dict
    )
    edges: list[Edge] = Field(default_factory=list)


# Only its name matters: a session that cannot be read is reported under it.
_Stored: type[BaseModel] = create_model("GraphExecutionState", graph=(Graph, ...))


def stored_graph(session: Mapping[str, Any], schemas: NodeSchemas) -> Graph:
    """The graph of a session as it is stored."""
    stored = _Stored.model_validate({"graph": session["graph"]}, context=schemas)
    graph: Graph = stored.graph  # type: ignore[attr-defined]
    return graph
