"""What a node sees while it runs, and how implementations are found."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Optional, Protocol

from .node_schema import Node, NodeSchemas

if TYPE_CHECKING:
    from PIL import Image

logger = logging.getLogger("invokeai_py_client.simulator")

Fields = dict[str, Any]
Implementation = Callable[[Any, "Context"], Fields]


class CanceledError(Exception):
    """The job was cancelled while a node ran; ends the session without an error."""


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


class Context(Protocol):
    """The services a node may use."""

    @property
    def schemas(self) -> NodeSchemas:
        """The server's node types."""
        ...

    def open_image(self, reference: Any, mode: Optional[str] = None) -> Image.Image:
        """A copy of a stored image, converted to a mode if one is given."""
        ...

    def save_image(self, image: Image.Image, category: str = "general") -> Fields:
        """Store an image as the node's output; returns the fields of `image_output`."""
        ...

    def image_fields(self, reference: Any) -> Fields:
        """The fields of `image_output` for an image that exists."""
        ...

    def open_video(self, reference: Any) -> bytes:
        """The file of a stored video."""
        ...

    def video_fields(self, reference: Any) -> Fields:
        """The fields of `video_output` for a video that exists."""
        ...

    def save_video(self, picture: Image.Image, frames: int, fps: float) -> Fields:
        """Store a video of one picture; returns the fields of `video_output`."""
        ...

    def model_config(self, reference: Any) -> Mapping[str, Any]:
        """The configuration of an installed model; tells clients that it is loaded."""
        ...

    def load_model(self, reference: Any) -> None:
        """Tell clients that a model is loaded, as happens before it is used."""
        ...

    def progress(
        self,
        message: str,
        percentage: Optional[float] = None,
        image: Optional[Image.Image] = None,
        size: Optional[tuple[int, int]] = None,
    ) -> None:
        """Send a progress event.

        Raises:
            CanceledError: The job was cancelled.
        """
        ...

    def pause_for_step(self) -> None:
        """Wait as long as one denoising step is configured to take."""
        ...

    def remember(self, name: str, value: Any) -> None:
        """Keep a stand-in for a tensor under its name."""
        ...

    def recall(self, name: str) -> Any:
        """The stand-in that was kept under a name; None if there is none."""
        ...


_IMPLEMENTATIONS: dict[str, Implementation] = {}


def implements(*node_types: str) -> Callable[[Implementation], Implementation]:
    """Register a function as what these node types do.

    It takes the node and its context and returns the fields of the output.
    """

    def register(function: Implementation) -> Implementation:
        for node_type in node_types:
            _IMPLEMENTATIONS[node_type] = function
        return function

    return register


def implementation_of(node_type: str) -> Optional[Implementation]:
    """The function behind a node type; None when there is none."""
    return _IMPLEMENTATIONS.get(node_type)


def implemented_types() -> list[str]:
    """The node types that are computed for real."""
    return sorted(_IMPLEMENTATIONS)


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
