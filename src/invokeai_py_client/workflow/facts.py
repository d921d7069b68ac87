"""What loading and compiling need to know of a server, as plain data.

A flow asks `needed_facts` which questions a workflow raises, answers them over HTTP
and hands the answers in as `Facts`. Without a server everything is taken to exist;
a missing answer of a generator or of a saved workflow becomes a problem of the
compiled workflow, never an exception.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Optional, Union

__all__ = [
    "BoardImagesQuery",
    "DynamicPromptsQuery",
    "ExistsQuery",
    "FactQuery",
    "Facts",
    "SavedWorkflowQuery",
]

ThingKind = Literal["images", "videos", "boards", "models"]


@dataclass(frozen=True)
class ExistsQuery:
    """Does this image, video, board or model exist (by name, name, id, key)?"""

    kind: ThingKind
    id: str


@dataclass(frozen=True)
class DynamicPromptsQuery:
    """Expand a prompt: the answer is a list of strings.

    POST ``/api/v1/utilities/dynamicprompts`` with these as its body; `seed` is left
    out when None.
    """

    prompt: str
    max_prompts: int
    combinatorial: bool
    seed: Optional[int] = None


@dataclass(frozen=True)
class BoardImagesQuery:
    """Which images does a board hold: the answer is a list of image names.

    GET ``/api/v1/boards/{board_id}/image_names`` with `categories` repeated and
    ``is_intermediate=false``; board ``"none"`` is the uncategorized images.
    """

    board_id: str
    categories: tuple[str, ...]


@dataclass(frozen=True)
class SavedWorkflowQuery:
    """What does the library hold under this id: the answer is the workflow's JSON.

    GET ``/api/v1/workflows/i/{workflow_id}``, the answer's ``workflow``.
    """

    workflow_id: str


FactQuery = Union[
    ExistsQuery, DynamicPromptsQuery, BoardImagesQuery, SavedWorkflowQuery
]


@dataclass(frozen=True)
class Facts:
    """Answers of a server.

    Attributes:
        missing: Ids that do not exist, by kind (``images``, ``videos``, ``boards``,
            ``models``); ``"*"`` among them means that none of the kind exists.
        dynamic_prompts: Prompt lists by query.
        board_images: Image names by query.
        saved_workflows: Workflow JSON by library id; None when the id is unknown to
            the server.
    """

    missing: Mapping[str, frozenset[str]] = field(default_factory=dict)
    dynamic_prompts: Mapping[DynamicPromptsQuery, Sequence[str]] = field(
        default_factory=dict
    )
    board_images: Mapping[BoardImagesQuery, Sequence[str]] = field(default_factory=dict)
    saved_workflows: Mapping[str, Optional[Mapping[str, Any]]] = field(
        default_factory=dict
    )

    def exists(self, kind: ThingKind, thing_id: str) -> bool:
        """Whether the thing exists as far as is known."""
        gone = self.missing.get(kind, frozenset())
        return thing_id not in gone and "*" not in gone
