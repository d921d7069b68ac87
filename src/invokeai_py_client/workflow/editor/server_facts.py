"""What loading and compiling need to know of a server, as plain data.

A flow asks `server_queries.needed_facts` which questions a workflow raises, answers
them and hands the answers in as `ServerFacts`. Without a server everything is taken to
exist; a missing answer of a generator or of a saved workflow becomes a problem of the
compiled workflow, never an exception.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Optional, Union

from pydantic import BaseModel, ConfigDict, ValidationError

from invokeai_py_client.exceptions import WorkflowFormatError
from invokeai_py_client.workflow.document.json_data import copy_json, expect_object

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
class ServerFacts:
    """Answers of a server.

    Attributes:
        missing: Ids that do not exist, by kind (``images``, ``videos``, ``boards``,
            ``models``); ``"*"`` among them means that none of the kind exists.
        existing: Ids known to exist, by kind, which are not asked for again.
        saved_workflows: Workflow JSON by library id; None when the id is unknown to
            the server.
    """

    missing: Mapping[str, frozenset[str]] = field(default_factory=dict)
    existing: Mapping[str, frozenset[str]] = field(default_factory=dict)
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

    def prompts(self, query: DynamicPromptsQuery) -> Optional[Sequence[str]]:
        """The answer to a prompt query; None when unknown.

        An answer without a seed serves any seed, and an answer for any seed serves a
        query without one: the GUI then draws a seed itself.
        """
        found = self.dynamic_prompts.get(query)
        if found is None:
            found = self.dynamic_prompts.get(replace(query, seed=None))
        if found is None and query.seed is None:
            found = next(
                (
                    answer
                    for other, answer in self.dynamic_prompts.items()
                    if replace(other, seed=None) == query
                ),
                None,
            )
        return found

    def knows(self, query: FactQuery) -> bool:
        """Whether the question needs no asking any more."""
        if isinstance(query, ExistsQuery):
            known = self.existing.get(query.kind, frozenset())
            return query.id in known or not self.exists(query.kind, query.id)
        if isinstance(query, DynamicPromptsQuery):
            return self.prompts(query) is not None
        if isinstance(query, BoardImagesQuery):
            return query in self.board_images
        return query.workflow_id in self.saved_workflows

    def answered(self, answers: Mapping[FactQuery, Any]) -> ServerFacts:
        """These facts and further answers: True or False, lists, workflow JSON."""
        missing = {kind: set(ids) for kind, ids in self.missing.items()}
        existing = {kind: set(ids) for kind, ids in self.existing.items()}
        prompts = dict(self.dynamic_prompts)
        images = dict(self.board_images)
        saved = dict(self.saved_workflows)
        for query, answer in answers.items():
            if isinstance(query, ExistsQuery):
                (existing if answer else missing).setdefault(query.kind, set()).add(
                    query.id
                )
            elif isinstance(query, DynamicPromptsQuery):
                prompts[query] = tuple(answer)
            elif isinstance(query, BoardImagesQuery):
                images[query] = tuple(answer)
            else:
                saved[query.workflow_id] = answer
        return ServerFacts(
            missing={kind: frozenset(ids) for kind, ids in missing.items()},
            existing={kind: frozenset(ids) for kind, ids in existing.items()},
            dynamic_prompts=prompts,
            board_images=images,
            saved_workflows=saved,
        )

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> ServerFacts:
        """Read facts from JSON data, as `ivk workflow compile --facts` takes them.

        ```json
        {
          "missing": {"images": ["gone.png"], "boards": [], "models": ["*"]},
          "dynamic_prompts": [
            {"prompt": "a {b|c}", "max_prompts": 2, "combinatorial": true,
             "prompts": ["a b", "a c"]}
          ],
          "board_images": [
            {"board_id": "…", "categories": ["general"], "image_names": ["1.png"]}
          ],
          "saved_workflows": {"<library id>": {"nodes": [], "edges": []}}
        }
        ```

        Every part may be left out. Among `missing`, ``"*"`` means that none of the
        kind exists. A prompt entry may have a ``seed``; without one it serves any
        seed, and with one also a generator that has none. ``category`` (``images``
        or ``assets``) may replace ``categories``. A saved workflow may be null:
        the library has no such id.

        Raises:
            WorkflowFormatError: A part is not as above.
        """
        try:
            found = _Facts.model_validate(
                copy_json(expect_object(stored, "facts"), "facts")
            )
        except ValidationError as error:
            raise _misplaced(error) from None
        return cls(
            missing={kind: frozenset(ids) for kind, ids in found.missing.items()},
            existing={kind: frozenset(ids) for kind, ids in found.existing.items()},
            dynamic_prompts={
                DynamicPromptsQuery(
                    item.prompt, item.max_prompts, item.combinatorial, item.seed
                ): tuple(item.prompts)
                for item in found.dynamic_prompts
            },
            board_images={
                BoardImagesQuery(
                    item.board_id,
                    IMAGE_CATEGORIES[item.category]
                    if item.categories is None
                    else tuple(item.categories),
                ): tuple(item.image_names)
                for item in found.board_images
            },
            saved_workflows=found.saved_workflows,
        )


IMAGE_CATEGORIES: Mapping[str, tuple[str, ...]] = {
    "images": ("general",),
    "assets": ("control", "mask", "user", "other"),
}
"""What the GUI's two gallery tabs show."""


class _Part(BaseModel):
    # Built when facts are first read: importing the library stays quick.
    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)


class _Prompts(_Part):
    prompt: str
    max_prompts: int
    combinatorial: bool
    prompts: list[str]
    seed: Optional[int] = None


class _BoardImages(_Part):
    board_id: str
    category: Literal["images", "assets"] = "images"
    categories: Optional[list[str]] = None
    image_names: list[str]


class _Facts(_Part):
    missing: dict[ThingKind, list[str]] = {}
    existing: dict[ThingKind, list[str]] = {}
    dynamic_prompts: list[_Prompts] = []
    board_images: list[_BoardImages] = []
    saved_workflows: dict[str, Optional[dict[str, Any]]] = {}


_EXPECTED = {
    "bool_type": "true or false",
    "dict_type": "an object",
    "int_type": "an integer",
    "list_type": "a list",
    "model_type": "an object",
    "string_type": "a string",
}


def _misplaced(error: ValidationError) -> WorkflowFormatError:
    """The first problem of facts, with its place."""
    problem = error.errors(include_url=False)[0]
    expected = _EXPECTED.get(problem["type"])
    message = f"expected {expected}" if expected else problem["msg"]
    place = [part for part in problem["loc"] if part != "[key]"]
    if len(place) < len(problem["loc"]) or problem["type"] == "extra_forbidden":
        # It would be overlooked, such as a misspelt one.
        message = f"unknown key {place.pop()!r}"
    steps = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return WorkflowFormatError(message, where="facts" + "".join(steps))
