"""Reading the server's workflow library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Optional

from invokeai_py_client._core.decode import parse
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.send import (
    call_model,
    drop_none,
    get,
    request_json,
    require_version,
    route,
)
from invokeai_py_client._exports import set_module
from invokeai_py_client._snapshot import Snapshot, UtcDatetime
from invokeai_py_client._suggestions import did_you_mean, near_names
from invokeai_py_client.exceptions import WorkflowNotFoundError
from invokeai_py_client.workflow.document.definition import WorkflowDefinition

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


@set_module("invokeai_py_client.workflow")
class WorkflowRecord(Snapshot):
    """A workflow of the server's library, without its content.

    Attributes:
        workflow_id: The library's id.
        name: Its name; several workflows may have the same.
        category: ``user`` for the users' own, ``default`` for those that come with
            the server and cannot be changed.
        tags: Comma-separated, as the server keeps them.
        is_public: Whether all users see it; None on servers before 6.13.
        thumbnail_url: Where its image is, relative to the server's address; None
            without one.
    """

    _SET: ClassVar[str] = (
        "workflow_repo.update_workflow(workflow, …) changes it on the server"
    )

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
    params: Optional[Mapping[str, Any]] = None,
) -> Flow[list[WorkflowRecord]]:
    """The library's entries; without `per_page` the server returns all of them."""
    reply = yield from request_json(get(LIBRARY, params=params or {}))
    items = parse(dict[str, Any], reply).get("items")
    return parse(list[WorkflowRecord], items)


def read_saved(workflow_id: str) -> Flow[Mapping[str, Any]]:
    """A library record with its workflow.

    Raises:
        NotFoundError: The library has no such id.
    """
    reply = yield from request_json(get(route(WORKFLOW, workflow_id)))
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
                hint=f"pass an id: {', '.join(ids)}",
            )
        if found:
            return (own or found)[0]
    return None


def get_record_by_name(text: str, problem: str) -> Flow[WorkflowRecord]:
    """The one entry of this id or name.

    Args:
        text: The id or the name.
        problem: How the error begins if there is none; the name follows.

    Raises:
        WorkflowNotFoundError: The library has none, or several.
    """
    records = yield from list_records()
    record = pick_record(records, text)
    if record is None:
        near = near_names(text, [item.name for item in records])
        question = f"; {did_you_mean(near)}" if near else ""
        raise WorkflowNotFoundError(
            f"{problem} {text!r}{question}",
            candidates=near,
            hint="list_workflows() lists the library",
        )
    return record


def list_filtered(
    *,
    tags: Sequence[str],
    query: Optional[str],
    order_by: str,
    descending: bool,
    **filters: Any,
) -> Flow[list[WorkflowRecord]]:
    """The library's entries that fit every filter, in order."""
    more = {
        "tags": list(tags),
        "query": query,
        "order_by": order_by,
        "direction": "DESC" if descending else "ASC",
    }
    params = yield from filter_params(**filters)
    return (yield from list_records({**params, **more}))


def list_tags(**filters: Any) -> Flow[list[str]]:
    """Every tag in the library."""
    params = yield from filter_params(**filters)
    return (yield from call_model(list[str], get(f"{LIBRARY}tags", params=params)))


def count_by(
    key: str, *, tags: Sequence[str] = (), **filters: Any
) -> Flow[dict[str, int]]:
    """The number of workflows for each ``"tag"`` or ``"category"``."""
    params = yield from filter_params(**filters)
    if tags:
        params["tags"] = list(tags)
    request = get(f"{LIBRARY}counts_by_{key}", params=params)
    return (yield from call_model(dict[str, int], request))


def filter_params(
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
    flags = {
        "has_been_opened": has_been_opened,
        "is_public": is_public,
        "callable": is_callable,
    }
    words = {key: str(value).lower() for key, value in drop_none(flags).items()}
    return {"categories": list(categories), **words}
