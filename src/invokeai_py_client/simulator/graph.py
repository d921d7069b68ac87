"""Graphs and batches as the server's API takes them, checked as it checks them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Annotated, Any, Optional, Union

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    StrictStr,
    ValidationInfo,
    create_model,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticKnownError

from .graph_validation import check_graph
from .node_schema import Node, NodeSchemas
from .wire import CrashError


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
    if "batch_group_id" in schemas.node_schema(tag)["properties"]:
        # The GUI resolves batch nodes; their classes refuse to be made, which the
        # server does not catch.
        raise TypeError(f"{tag} nodes cannot be made of their fields")
    schema = schemas.node_schema(tag)
    if schema.get("classification") == "special" and schema.get("category") == "batch":
        # Only the web interface knows these; their classes refuse to be made, with an
        # error that the server does not expect.
        raise CrashError(f"{tag} nodes cannot be run")
    # Reading {tag: node} puts the tag into the location of every error, where the
    # server's tagged union puts it.
    node: Node = schemas.tagged_reader(tag).validate_python({tag: value})[tag]
    return node


def read_node(value: Any, schemas: NodeSchemas) -> Node:
    """Make a node of its JSON.

    Raises:
        pydantic.ValidationError: The server could not read it either.
    """
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
    """The graph of a session as it is stored.

    Raises:
        pydantic.ValidationError: It holds a value that its field cannot take.
    """
    stored = _Stored.model_validate({"graph": session["graph"]}, context=schemas)
    graph: Graph = stored.graph  # type: ignore[attr-defined]
    return graph


class ImageField(BaseModel):
    """An image as a batch value."""

    image_name: str


class VideoField(BaseModel):
    """A video as a batch value."""

    video_name: str


Scalar = Union[StrictStr, float, int, ImageField, VideoField]
BatchValue = Union[Scalar, list[Scalar]]


class BatchDatum(BaseModel):
    """The values that one field of one node takes in turn."""

    node_path: str
    field_name: str
    items: list[BatchValue] = Field(default_factory=list)


class WorkflowMeta(BaseModel):
    """Version and category of a workflow file."""

    version: str
    category: str = "user"


class Workflow(BaseModel):
    """A workflow file as the API demands it: every text present, the rest kept."""

    model_config = ConfigDict(extra="ignore")

    name: str
    author: str
    description: str
    version: str
    contact: str
    tags: str
    notes: str
    exposedFields: list[dict[str, Any]]  # noqa: N815 -- the wire's name
    meta: WorkflowMeta
    nodes: list[dict[str, Any]]
    edges: list[dict[str, Any]]
    form: Optional[dict[str, Any]] = None


class Batch(BaseModel):
    """What `enqueue_batch` takes: a graph, values for its fields, a number of runs."""

    batch_id: str = Field(default_factory=lambda: str(uuid.uuid4()))
    origin: Optional[str] = None
    destination: Optional[str] = None
    data: Optional[list[list[BatchDatum]]] = None
    graph: Graph
    workflow: Optional[Workflow] = None
    runs: int = Field(default=1, ge=1)

    @field_validator("data")
    @classmethod
    def _equal_lengths(cls, data: Any) -> Any:
        for group in data or ():
            length = len(group[0].items) if group else 0
            if any(len(datum.items) != length for datum in group):
                raise ValueError("Zipped batch items must all have the same length")
        return data

    @field_validator("data")
    @classmethod
    def _equal_types(cls, data: Any) -> Any:
        for datum in (datum for group in data or () for datum in group):
            if all(isinstance(item, (int, float)) for item in datum.items):
                continue
            if len({type(item) for item in datum.items}) > 1:
                raise ValueError("All items in a batch must have the same type")
        return data

    @field_validator("data")
    @classmethod
    def _unique_fields(cls, data: Any) -> Any:
        seen = set()
        for datum in (datum for group in data or () for datum in group):
            field = (datum.node_path, datum.field_name)
            if field in seen:
                raise ValueError(
                    "Each batch data must have unique node_id and field_name"
                )
            seen.add(field)
        return data

    @field_validator("graph")
    @classmethod
    def _valid_graph(cls, graph: Graph, info: ValidationInfo) -> Graph:
        check_graph(graph, schemas_of(info))
        return graph

    @model_validator(mode="after")
    def _known_fields(self) -> Batch:
        for datum in (datum for group in self.data or () for datum in group):
            node = self.graph.nodes.get(datum.node_path)
            if node is None:
                raise ValueError(f"Node {datum.node_path} not found in graph")
            if datum.field_name not in type(node).model_fields:
                raise ValueError(
                    f"Field {datum.field_name} not found in node {datum.node_path}"
                )
        return self
