"""Reading the server's workflow library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Optional

from invokeai_py_client._core.decode import parse
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.send import call, call_model, get, require_version, route
from invokeai_py_client._snapshot import Snapshot, UtcDatetime
from invokeai_py_client.exceptions import WorkflowNotFoundError
from invokeai_py_client.workflow.definition import WorkflowDefinition
from invokeai_py_client.workflow.naming import near_words, slug

__all__ = [
    "CallCompatibility",
    "WorkflowRecord",
    "count_by_category",
    "count_by_tag",
    "find_record",
    "find_saved",
    "list_filtered",
    "list_records",
    "list_tags",
    "load_saved",
    "not_in_library",
    "pick_record",
    "read_saved",
]

LIBRARY = "/api/v1/workflows/"
WORKFLOW = LIBRARY + "i/{}"


class CallCompatibility(Snapshot):
    """Whether a `call_saved_workflow` node can run a workflow.

    Attributes:
        reason: ``"ok"``, or the server's word for what is in the way.
        message: The same for people.
    """

    is_callable: bool
    reason: str = "unknown"
    message: Optional[str] = None


class WorkflowRecord(Snapshot):
    """A workflow of the server's library, without its content.

    Attributes:
        workflow_id: The library's id.
        name: Its name; several workflows may have the same.
        category: ``user`` for the users' own, ``default`` for those that come with
            the server and cannot be changed.
        tags: Comma-separated, as the server keeps them.
        is_public: Whether all users see it; None on servers before 6.13.
        thumbnail_url: Where its picture is, relative to the server's address; None
            without one.
    """

    workflow_id: str
    name: str = ""
    description: str = ""
    category: str = "user"
    tags: Optional[str] = None
    user_id: Optional[str] = None
    is_public: Optional[bool] = None
    thumbnail_url: Optional[str] = None
    call_saved_workflow_compatibility: Optional[CallCompatibility] = None
    created_at: Optional[UtcDatetime] = None
    updated_at: Optional[UtcDatetime] = None
    opened_at: Optional[UtcDatetime] = None


def list_records(
    *,
    categories: Sequence[str] = (),
    tags: Sequence[str] = (),
    query: Optional[str] = None,
    more: Optional[Mapping[str, Any]] = None,
) -> Flow[list[WorkflowRecord]]:
    """The library's entries; without `per_page` the server gives all of them."""
    params: dict[str, Any] = {
        "categories": list(categories),
        "tags": list(tags),
        "query": query,
        **(more or {}),
    }
    reply = yield from call(get(LIBRARY, params=params))
    items = parse(dict[str, Any], reply).get("items")
    return parse(list[WorkflowRecord], items)


def read_saved(workflow_id: str) -> Flow[Mapping[str, Any]]:
    """A library record with its workflow.

    Raises:
        NotFoundError: The library has no such id.
    """
    reply = yield from call(get(route(WORKFLOW, workflow_id)))
    return parse(dict[str, Any], reply)


def load_saved(workflow_id: str) -> Flow[WorkflowDefinition]:
    """The workflow of a library record."""
    record = yield from read_saved(workflow_id)
    return WorkflowDefinition.from_dict(parse(dict[str, Any], record.get("workflow")))


def find_record(text: str) -> Flow[Optional[WorkflowRecord]]:
    """The one entry of this id or name; None when there is none."""
    return pick_record((yield from list_records()), text)


def pick_record(
    records: Sequence[WorkflowRecord], text: str
) -> Optional[WorkflowRecord]:
    """The one entry of this id or name, exactly or else without regard to case.

    A user's own workflow is preferred to a default one of the same name.

    Raises:
        WorkflowNotFoundError: Several have that name.
    """
    folded = text.casefold()
    for found in (
        [record for record in records if record.workflow_id == text],
        [record for record in records if record.name == text],
        [record for record in records if record.name.casefold() == folded],
    ):
        own = [record for record in found if record.category != "default"]
        if len(own or found) > 1:
            ids = [record.workflow_id for record in own or found]
            raise WorkflowNotFoundError(
                f"{len(ids)} workflows of the library are called {text!r}",
                candidates=ids,
                hint=f"give an id: {', '.join(ids)}",
            )
        if found:
            return (own or found)[0]
    return None


def find_saved(text: str) -> Flow[WorkflowDefinition]:
    """The library's workflow of this id or name.

    Raises:
        WorkflowNotFoundError: The library has none, or several.
    """
    records = yield from list_records()
    record = pick_record(records, text)
    if record is None:
        words = f"neither a file nor a workflow of the library: {text!r}"
        raise not_in_library(words, records, text)
    return (yield from load_saved(record.workflow_id))


def not_in_library(
    words: str, records: Sequence[WorkflowRecord], text: str
) -> WorkflowNotFoundError:
    """The error for a workflow that the library does not have, with near names."""
    names = near_words(text, {slug(item.name): item.name for item in records})
    near = f"; near: {', '.join(map(repr, names))}" if names else ""
    return WorkflowNotFoundError(
        f"{words}{near}",
        candidates=names,
        hint="list_workflows() lists the library",
    )


def list_filtered(
    *,
    categories: Sequence[str],
    tags: Sequence[str],
    query: Optional[str],
    has_been_opened: Optional[bool],
    is_public: Optional[bool],
    is_callable: Optional[bool],
    order_by: str,
    descending: bool,
) -> Flow[list[WorkflowRecord]]:
    """The library's entries that fit every filter, in order."""
    more = yield from filters(
        categories=categories,
        has_been_opened=has_been_opened,
        is_public=is_public,
        is_callable=is_callable,
    )
    more["order_by"] = order_by
    more["direction"] = "DESC" if descending else "ASC"
    return (
        yield from list_records(
            categories=categories, tags=tags, query=query, more=more
        )
    )


def list_tags(categories: Sequence[str], is_public: Optional[bool]) -> Flow[list[str]]:
    """Every tag in the library."""
    params = yield from filters(categories=categories, is_public=is_public)
    return (yield from call_model(list[str], get(f"{LIBRARY}tags", params=params)))


def count_by_tag(
    tags: Sequence[str],
    categories: Sequence[str],
    has_been_opened: Optional[bool],
    is_public: Optional[bool],
) -> Flow[dict[str, int]]:
    """How many workflows have each tag."""
    params = yield from filters(
        categories=categories, has_been_opened=has_been_opened, is_public=is_public
    )
    request = get(f"{LIBRARY}counts_by_tag", params={**params, "tags": list(tags)})
    return (yield from call_model(dict[str, int], request))


def count_by_category(
    categories: Sequence[str],
    has_been_opened: Optional[bool],
    is_public: Optional[bool],
) -> Flow[dict[str, int]]:
    """How many workflows are in each category."""
    params = yield from filters(
        categories=categories, has_been_opened=has_been_opened, is_public=is_public
    )
    request = get(f"{LIBRARY}counts_by_category", params=params)
    return (yield from call_model(dict[str, int], request))


def filters(
    *,
    categories: Sequence[str],
    has_been_opened: Optional[bool] = None,
    is_public: Optional[bool] = None,
    is_callable: Optional[bool] = None,
) -> Flow[dict[str, Any]]:
    """Query parameters; an older server would ignore those that it does not know."""
    if is_callable is not None:
        yield from require_version("the filter is_callable=", "6.14")
    if is_public is not None:
        yield from require_version("the filter is_public=", "6.13")
    values = {
        "has_been_opened": has_been_opened,
        "is_public": is_public,
        "callable": is_callable,
    }
    params: dict[str, Any] = {"categories": list(categories)}
    for key, value in values.items():
        if value is not None:
            params[key] = str(value).lower()
    return params
