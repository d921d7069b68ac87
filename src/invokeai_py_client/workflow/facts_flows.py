"""Answering what compiling needs to know of a server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Optional

from invokeai_py_client._core.decode import parse
from invokeai_py_client._core.flow import Flow, gather
from invokeai_py_client._core.messages import RetryRule
from invokeai_py_client._core.paging import chunks
from invokeai_py_client._core.send import call, get, post
from invokeai_py_client.board import flows as board_flows
from invokeai_py_client.exceptions import FieldProblem, NotFoundError
from invokeai_py_client.image import flows as image_flows
from invokeai_py_client.image.media import Media
from invokeai_py_client.video.files import VIDEO
from invokeai_py_client.workflow.access import THING_WORDS, named_things
from invokeai_py_client.workflow.facts import (
    BoardImagesQuery,
    DynamicPromptsQuery,
    ExistsQuery,
    FactQuery,
    Facts,
    SavedWorkflowQuery,
)
from invokeai_py_client.workflow.library_flows import read_saved
from invokeai_py_client.workflow.loaded import FieldKey, LoadedWorkflow
from invokeai_py_client.workflow.server_lists import ServerLists

__all__ = ["has_record", "learn_facts", "missing_things"]


def learn_facts(
    facts: Facts, queries: Iterable[FactQuery], lists: Optional[ServerLists] = None
) -> Flow[Facts]:
    """The facts with the answers to these questions added.

    Args:
        facts: What is known.
        queries: What is asked.
        lists: The server's lists, where the same call asks for more.
    """
    lists = lists or ServerLists()
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
    loaded: LoadedWorkflow, values: Mapping[FieldKey, Any], lists: ServerLists
) -> Flow[list[FieldProblem]]:
    """Problems of values that name what the server does not have.

    What the file names is asked for with the other facts; this is for values that
    were set, which the GUI would have offered in a list.

    Args:
        loaded: The workflow.
        values: Values in wire form by (node, field).
        lists: The server's lists.
    """
    named: dict[tuple[FieldKey, ExistsQuery], None] = {}
    for key, value in values.items():
        node = loaded.nodes.get(key[0])
        template = node.template_of(key[1]) if node else None
        named.update(((key, query), None) for query in named_things(value, template))
    facts = yield from learn_facts(Facts(), [query for _, query in named], lists)
    return [
        _missing(key, query)
        for key, query in named
        if not facts.exists(query.kind, query.id)
    ]


def _missing(key: FieldKey, query: ExistsQuery) -> FieldProblem:
    word = THING_WORDS[query.kind]
    message = f"{key[0]}.{key[1]}: the server has no {word} {query.id!r}"
    if query.kind in ("images", "videos"):
        message += ", and there is no such file here"
    return FieldProblem(message, f"missing_{word}", *key, value=query.id)


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
    reply = yield from call(post(path, json=body, retry=RetryRule.SAFE))
    answer = parse(dict[str, Any], reply)
    # A prompt that cannot be expanded is answered with 200 and an error; the GUI
    # takes that as no prompts, which the checks then refuse as an empty batch.
    return [] if answer.get("error") else parse(list[str], answer.get("prompts"))


def _board_images(query: BoardImagesQuery) -> Flow[list[str]]:
    listing = board_flows.list_image_names(
        query.board_id, query.categories, is_intermediate=False
    )
    try:
        return (yield from listing)
    except NotFoundError:
        return []


def _saved_workflow(query: SavedWorkflowQuery) -> Flow[Optional[Mapping[str, Any]]]:
    try:
        saved = yield from read_saved(query.workflow_id)
    except NotFoundError:
        return None
    return parse(dict[str, Any], saved.get("workflow"))


def _existing(kind: str, ids: list[str], lists: ServerLists) -> Flow[set[str]]:
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


def has_record(media: Media, name: str) -> Flow[bool]:
    """True when the server has a record of that image or video."""
    try:
        yield from call(get(media.path(name)))
    except NotFoundError:
        return False
    return True
