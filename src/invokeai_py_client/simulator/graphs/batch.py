"""Batches as the server's API accepts and checks them."""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Optional, Union

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from .graph import Graph, schemas_of
from .graph_validation import check_graph


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
    """A workflow file as the API requires it."""

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


Key = Annotated[str, Field(min_length=1, max_length=255)]


class Batch(BaseModel):
    """What to enqueue: a graph, values for its fields, and a number of runs."""

    batch_id: str = Field(default_factory=lambda: str(uuid.uuid4()))
    origin: Optional[str] = None
    destination: Optional[str] = None
    data: Optional[list[list[BatchDatum]]] = None
    graph: Graph
    workflow: Optional[Workflow] = None
    runs: int = Field(default=1, ge=1)

    @field_validator("data")
    @classmethod
    def _consistent(cls, data: Any) -> Any:
        groups = data or ()
        for group in groups:
            if len({len(datum.items) for datum in group}) > 1:
                raise ValueError("Zipped batch items must all have the same length")
        values = [datum for group in groups for datum in group]
        for datum in values:
            if all(isinstance(item, (int, float)) for item in datum.items):
                continue
            if len({type(item) for item in datum.items}) > 1:
                raise ValueError("All items in a batch must have the same type")
        if len({(datum.node_path, datum.field_name) for datum in values}) < len(values):
            raise ValueError("Each batch data must have unique node_id and field_name")
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


class KeyedBatch(Batch):
    """A batch by the rules of 7, which may have an idempotency key."""

    idempotency_key: Optional[Key] = None
