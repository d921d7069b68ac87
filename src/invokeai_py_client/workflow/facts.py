"""What loading and compiling need to know of a server, as plain data.

A flow asks `questions.needed_facts` which questions a workflow raises, answers them
and hands the answers in as `Facts`. Without a server everything is taken to exist;
a missing answer of a generator or of a saved workflow becomes a problem of the
compiled workflow, never an exception.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, Optional, Union, get_args

from invokeai_py_client.exceptions import WorkflowFormatError
from invokeai_py_client.workflow.json_data import copy_json, expect_object

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
        existing: Ids that were asked for and exist, by kind; they only spare asking.
        dynamic_prompts: Prompt lists by query.
        board_images: Image names by query.
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
        """The answer to a prompt query.

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

    def answered(self, answers: Mapping[FactQuery, Any]) -> Facts:
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
        return Facts(
            missing={kind: frozenset(ids) for kind, ids in missing.items()},
            existing={kind: frozenset(ids) for kind, ids in existing.items()},
            dynamic_prompts=prompts,
            board_images=images,
            saved_workflows=saved,
        )

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Facts:
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
        or ``assets``) may stand in for ``categories``. A saved workflow may be null:
        the library has no such id.

        Raises:
            WorkflowFormatError: A part is not as above.
        """
        return read_facts(stored)

    def to_dict(self) -> dict[str, Any]:
        """The facts as JSON data for `from_dict`."""
        prompts = [
            {
                "prompt": query.prompt,
                "max_prompts": query.max_prompts,
                "combinatorial": query.combinatorial,
                **({} if query.seed is None else {"seed": query.seed}),
                "prompts": list(answer),
            }
            for query, answer in self.dynamic_prompts.items()
        ]
        images = [
            {
                "board_id": query.board_id,
                "categories": list(query.categories),
                "image_names": list(answer),
            }
            for query, answer in self.board_images.items()
        ]
        return {
            "missing": {kind: sorted(ids) for kind, ids in self.missing.items()},
            "existing": {kind: sorted(ids) for kind, ids in self.existing.items()},
            "dynamic_prompts": prompts,
            "board_images": images,
            "saved_workflows": copy_json(self.saved_workflows),
        }


IMAGE_CATEGORIES: Mapping[str, tuple[str, ...]] = {
    "images": ("general",),
    "assets": ("control", "mask", "user", "other"),
}
"""What the GUI's two gallery tabs show."""


def read_facts(stored: Any) -> Facts:
    """See `Facts.from_dict`."""
    data = copy_json(expect_object(stored, "facts"), "facts")
    _refuse_unknown_keys(data, [item.name for item in fields(Facts)], "facts")
    return Facts(
        missing=_id_sets(data, "missing"),
        existing=_id_sets(data, "existing"),
        dynamic_prompts=dict(_prompt_entries(data.get("dynamic_prompts", []))),
        board_images=dict(_image_entries(data.get("board_images", []))),
        saved_workflows=_saved_workflows(data.get("saved_workflows", {})),
    )


def _refuse_unknown_keys(
    stored: Mapping[str, Any], known: Sequence[str], where: str
) -> None:
    """Refuse keys that would be overlooked, such as misspelt ones."""
    unknown = [key for key in stored if key not in known]
    if unknown:
        raise WorkflowFormatError(
            f"unknown key {', '.join(map(repr, unknown))}; known: {', '.join(known)}",
            where=where,
        )


def _id_sets(data: Mapping[str, Any], key: str) -> dict[str, frozenset[str]]:
    where = f"facts.{key}"
    kinds = expect_object(data.get(key, {}), where)
    _refuse_unknown_keys(kinds, get_args(ThingKind), where)
    return {
        kind: frozenset(_texts(ids, f"{where}.{kind}")) for kind, ids in kinds.items()
    }


def _saved_workflows(stored: Any) -> dict[str, Optional[Mapping[str, Any]]]:
    where = "facts.saved_workflows"
    return {
        workflow_id: None
        if saved is None
        else expect_object(saved, f"{where}.{workflow_id}")
        for workflow_id, saved in expect_object(stored, where).items()
    }


def _prompt_entries(
    stored: Any,
) -> Iterator[tuple[DynamicPromptsQuery, Sequence[str]]]:
    for index, entry in enumerate(_list(stored, "facts.dynamic_prompts")):
        where = f"facts.dynamic_prompts[{index}]"
        item = expect_object(entry, where)
        known = ("prompt", "max_prompts", "combinatorial", "seed", "prompts")
        _refuse_unknown_keys(item, known, where)
        prompt, count = item.get("prompt"), item.get("max_prompts")
        combinatorial, seed = item.get("combinatorial"), item.get("seed")
        if (
            not isinstance(prompt, str)
            or not isinstance(count, int)
            or not isinstance(combinatorial, bool)
            or not isinstance(seed, (int, type(None)))
            # A bool is an int to Python, but not to whoever wrote the file.
            or isinstance(count, bool)
            or isinstance(seed, bool)
        ):
            raise WorkflowFormatError(
                "needs a text prompt, an integer max_prompts, true or false for "
                "combinatorial; seed is an integer or null",
                where=where,
            )
        query = DynamicPromptsQuery(prompt, count, combinatorial, seed)
        yield query, _texts(item.get("prompts"), f"{where}.prompts")


def _image_entries(stored: Any) -> Iterator[tuple[BoardImagesQuery, Sequence[str]]]:
    for index, entry in enumerate(_list(stored, "facts.board_images")):
        where = f"facts.board_images[{index}]"
        item = expect_object(entry, where)
        known = ("board_id", "category", "categories", "image_names")
        _refuse_unknown_keys(item, known, where)
        board_id = item.get("board_id")
        if not isinstance(board_id, str):
            raise WorkflowFormatError("needs a board_id", where=where)
        query = BoardImagesQuery(board_id, _categories(item, where))
        yield query, _texts(item.get("image_names"), f"{where}.image_names")


def _categories(item: Mapping[str, Any], where: str) -> tuple[str, ...]:
    if "categories" in item:
        return _texts(item["categories"], f"{where}.categories")
    category = item.get("category", "images")
    if category not in list(IMAGE_CATEGORIES):
        raise WorkflowFormatError(
            "expected images or assets", where=f"{where}.category"
        )
    return IMAGE_CATEGORIES[category]


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise WorkflowFormatError("expected a list", where=where)
    return value


def _texts(value: Any, where: str) -> tuple[str, ...]:
    items = _list(value, where)
    if not all(isinstance(item, str) for item in items):
        raise WorkflowFormatError("expected a list of texts", where=where)
    return tuple(items)
