"""Answering what compiling needs to know of a server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Optional

from invokeai_py_client._connected import BoundSnapshot
from invokeai_py_client._core.decode import parse
from invokeai_py_client._core.flow import Flow, gather
from invokeai_py_client._core.messages import RetryRule
from invokeai_py_client._core.paging import chunks
from invokeai_py_client._core.send import get, post, request_json
from invokeai_py_client.board import flows as board_flows
from invokeai_py_client.exceptions import FieldProblem, NotFoundError
from invokeai_py_client.image import flows as image_flows
from invokeai_py_client.image.media import Media
from invokeai_py_client.image.query import ImageQuery
from invokeai_py_client.ivk_fields.references import ImageReference, find_references
from invokeai_py_client.video.files import VIDEO
from invokeai_py_client.workflow.editor.loaded_workflow import FieldKey, LoadedWorkflow
from invokeai_py_client.workflow.editor.server_facts import (
    BoardImagesQuery,
    DynamicPromptsQuery,
    ExistsQuery,
    FactQuery,
    SavedWorkflowQuery,
    ServerFacts,
)
from invokeai_py_client.workflow.library.library_flows import read_saved
from invokeai_py_client.workflow.loading.missing_values import THING_WORDS, named_things
from invokeai_py_client.workflow.lookup.list_cache import ListCache


def learn_facts(
    facts: ServerFacts, queries: Iterable[FactQuery], lists: Optional[ListCache] = None
) -> Flow[ServerFacts]:
    """The facts with the answers to these questions added."""
    lists = lists or ListCache()
    asked = list(dict.fromkeys(queries))
    exists = [query for query in asked if isinstance(query, ExistsQuery)]
    others = [query for query in asked if not isinstance(query, ExistsQuery)]
    answers: dict[FactQuery, Any] = {}
    for kind in dict.fromkeys(query.kind for query in exists):
        ids = [query.id for query in exists if query.kind == kind]
        found = yield from _existing(kind, ids, lists)
        answers.update((ExistsQuery(kind, key), key in found) for key in ids)
    given = yield from gather([_answer(query) for query in others])
    answers.update(zip(others, given))
    return facts.answered(answers)


def missing_things(
    loaded: LoadedWorkflow,
    values: Mapping[FieldKey, Any],
    lists: ListCache,
    runner: Any,
) -> Flow[list[FieldProblem]]:
    """Problems of values that name what the server does not have.

    What the file names is asked for with the other facts; this is for values that
    were set, which the GUI would have offered in a list, and for images and videos
    that hold `runner` or none, which may have been deleted meanwhile. Models, and
    boards with a name, are looked for by `link_models`.
    """
    named: dict[tuple[FieldKey, ExistsQuery], None] = {}
    objects: set[ExistsQuery] = set()
    for key, value in values.items():
        node = loaded.nodes.get(key[0])
        template = node.template_of(key[1]) if node else None
        held = list(_things_here(value, runner))
        objects.update(held)
        has_name = isinstance(value, Mapping) and "board_name" in value
        queries = [
            query
            for query in named_things(value, template)
            if query.kind != "models" and not has_name
        ]
        named.update(((key, query), None) for query in (*queries, *held))
    facts = yield from learn_facts(ServerFacts(), [query for _, query in named], lists)
    return [
        _missing(key, query, is_name=query not in objects)
        for key, query in named
        if not facts.exists(query.kind, query.id)
    ]


def _things_here(value: Any, runner: Any) -> Iterator[ExistsQuery]:
    """The image and video objects in a value that are on the server of `runner`."""
    for reference in find_references(value):
        source = getattr(reference, "source", None)
        if isinstance(source, BoundSnapshot) and is_here(source, runner):
            is_image = isinstance(reference, ImageReference)
            yield ExistsQuery("images" if is_image else "videos", str(source))


def is_here(file: BoundSnapshot, runner: Any) -> bool:
    """True for what is on the server of `runner`, as far as it is known."""
    return file._bound_runner is None or file._bound_runner is runner


def _missing(key: FieldKey, query: ExistsQuery, *, is_name: bool) -> FieldProblem:
    word = THING_WORDS[query.kind]
    what = f"the server has no {word} {query.id!r}"
    if not is_name:
        what += ": it was deleted"
    elif query.kind in ("images", "videos"):
        what += ", and there is no such file here"
    return FieldProblem(what, f"missing_{word}", *key, value=query.id)


def _answer(query: FactQuery) -> Flow[Any]:
    if isinstance(query, DynamicPromptsQuery):
        return (yield from _dynamic_prompts(query))
    if isinstance(query, BoardImagesQuery):
        return (yield from _board_images(query))
    assert isinstance(query, SavedWorkflowQuery)
    return (yield from _saved_workflow(query))


def _dynamic_prompts(query: DynamicPromptsQuery) -> Flow[list[str]]:
    body: dict[str, Any] = {
        "prompt": query.prompt,
        "max_prompts": query.max_prompts,
        "combinatorial": query.combinatorial,
    }
    if query.seed is not None:
        body["seed"] = query.seed
    path = "/api/v1/utilities/dynamicprompts"
    reply = yield from request_json(post(path, json=body, retry=RetryRule.SAFE))
    answer = parse(dict[str, Any], reply)
    # A prompt that cannot be expanded is answered with 200 and an error; the GUI
    # takes that as no prompts, which the checks then refuse as an empty batch.
    return [] if answer.get("error") else parse(list[str], answer.get("prompts"))


def _board_images(query: BoardImagesQuery) -> Flow[list[str]]:
    wanted = ImageQuery(board_id=query.board_id, categories=tuple(query.categories))
    try:
        return (yield from board_flows.list_image_names(wanted))
    except NotFoundError:
        return []


def _saved_workflow(query: SavedWorkflowQuery) -> Flow[Optional[Mapping[str, Any]]]:
    try:
        saved = yield from read_saved(query.workflow_id)
    except NotFoundError:
        return None
    return parse(dict[str, Any], saved.get("workflow"))


def _existing(kind: str, ids: list[str], lists: ListCache) -> Flow[set[str]]:
    if kind == "models":
        return {model.key for model in (yield from lists.models())}
    if kind == "boards":
        return {board.board_id for board in (yield from lists.boards())}
    if kind == "images":
        return (yield from _existing_images(ids))
    found = yield from gather([has_record(VIDEO, name) for name in ids])
    return {name for name, is_there in zip(ids, found) if is_there}


def _existing_images(names: list[str]) -> Flow[set[str]]:
    found: set[str] = set()
    for part in chunks(names):
        records = parse(
            list[dict[str, Any]], (yield from image_flows.read_records(part))
        )
        found.update(str(record.get("image_name")) for record in records)
    return found


def has_record(media: Media[Any], name: str) -> Flow[bool]:
    """True when the server has a record of that image or video."""
    try:
        yield from request_json(get(media.path(name)))
    except NotFoundError:
        return False
    return True
