"""The workflow library."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any, Optional

from .choices import Direction, WorkflowCategory, WorkflowOrder
from .database import Row
from .graph import Workflow
from .resizing import small_picture
from .routes_upload import picture_of
from .wire import ApiError, Call, CrashError, Reply, UploadedFile, missing, route
from .workflows import DefaultWorkflowError, WorkflowNotFoundError, has_tag, tags_of

_W = "/api/v1/workflows"


class _Stored(Workflow):
    id: str


def _row(call: Call, workflow_id: str) -> Row:
    try:
        return call.simulation.workflows.row(workflow_id)
    except WorkflowNotFoundError:
        raise ApiError(404, "Workflow not found") from None


def _owned(call: Call, workflow_id: str, doing: str) -> Row:
    row = _row(call, workflow_id)
    if not call.user.is_admin and row["user_id"] != call.user.user_id:
        raise ApiError(403, f"Not authorized to {doing} this workflow")
    return row


def _with_thumbnail(
    call: Call, item: dict[str, Any], *, resolving: bool = False
) -> dict[str, Any]:
    has_thumbnail = item.pop("has_thumbnail", None)
    if has_thumbnail is None:
        row = _row(call, item["workflow_id"])
        has_thumbnail = row["thumbnail"] is not None
    url = f"api/v1/workflows/i/{item['workflow_id']}/thumbnail"
    return {
        **item,
        "thumbnail_url": url if has_thumbnail else None,
        "call_saved_workflow_compatibility": call.simulation.calls.compatibility(
            item["workflow_id"], call.user.user_id if resolving else None
        ),
    }


@route("GET", f"{_W}/i/{{workflow_id}}")
def _get(call: Call) -> Any:
    workflow_id = call.params["workflow_id"]
    row = _row(call, workflow_id)
    if row["category"] != "default" and not row["is_public"]:
        _owned(call, workflow_id, "access")
    record = call.simulation.workflows.record(workflow_id)
    return _with_thumbnail(call, record, resolving=True)


@route("POST", f"{_W}/")
def _create(call: Call) -> Any:
    workflow = call.embedded(workflow=Workflow)["workflow"]
    public = not call.simulation.users.multiuser
    try:
        return call.simulation.workflows.create(
            workflow.model_dump(mode="json"), call.user.user_id, public=public
        )
    except DefaultWorkflowError:
        raise CrashError from None


@route("PATCH", f"{_W}/i/{{workflow_id}}")
def _update(call: Call) -> Any:
    # The id in the body decides, not the one in the path.
    workflow = call.embedded(workflow=_Stored)["workflow"]
    _owned(call, workflow.id, "update")
    return call.simulation.workflows.update(workflow.model_dump(mode="json"))


@route("PATCH", f"{_W}/i/{{workflow_id}}/is_public")
def _share(call: Call) -> Any:
    public = call.embedded(is_public=bool)["is_public"]
    workflow_id = call.params["workflow_id"]
    _owned(call, workflow_id, "update")
    return call.simulation.workflows.set_public(workflow_id, public)


@route("DELETE", f"{_W}/i/{{workflow_id}}")
def _delete(call: Call) -> Any:
    workflow_id = call.params["workflow_id"]
    _owned(call, workflow_id, "delete")
    try:
        call.simulation.workflows.delete(workflow_id)
    except DefaultWorkflowError:
        raise CrashError from None
    return None


@route("PUT", f"{_W}/i/{{workflow_id}}/opened_at")
def _opened(call: Call) -> Any:
    workflow_id = call.params["workflow_id"]
    _owned(call, workflow_id, "update")
    call.simulation.workflows.opened(workflow_id)
    return None


def _scope(call: Call, categories: Any, is_public: Optional[bool]) -> Optional[str]:
    shared_only = is_public is True or (categories and "user" not in categories)
    return None if shared_only else call.scope_user


def _matching(call: Call) -> list[dict[str, Any]]:
    query = call.arguments(
        categories=(list[WorkflowCategory], None),
        tags=(list[str], None),
        query=(str, None),
        has_been_opened=(bool, None),
        is_public=(bool, None),
        order_by=(WorkflowOrder, "name"),
        direction=(Direction, "ASC"),
    )
    return call.simulation.workflows.matching(
        categories=query["categories"],
        tags=query["tags"],
        text=query["query"],
        has_been_opened=query["has_been_opened"],
        is_public=query["is_public"],
        user_id=_scope(call, query["categories"], query["is_public"]),
        order_by=query["order_by"],
        ascending=query["direction"] == "ASC",
    )


@route("GET", f"{_W}/")
def _list(call: Call) -> Any:
    page = call.argument("page", int, 0)
    per_page = call.argument("per_page", int, None)
    items = [_with_thumbnail(call, item) for item in _matching(call)]
    wanted = call.argument("callable", bool, None)
    if wanted is not None:
        items = [
            item
            for item in items
            if item["call_saved_workflow_compatibility"]["is_callable"] == wanted
        ]
    total = len(items)
    if per_page:
        pages = math.ceil(total / per_page)
        items = items[page * per_page : (page + 1) * per_page]
    else:
        pages = 1
    return {
        "page": page,
        "pages": pages,
        "per_page": per_page or total,
        "total": total,
        "items": items,
    }


@route("GET", f"{_W}/tags")
def _tags(call: Call) -> Any:
    return sorted({tag for item in _library(call) for tag in tags_of(item)})


def _library(call: Call) -> list[dict[str, Any]]:
    categories = call.argument("categories", list[WorkflowCategory], None)
    is_public = call.argument("is_public", bool, None)
    return call.simulation.workflows.matching(
        categories=categories,
        is_public=is_public,
        has_been_opened=call.argument("has_been_opened", bool, None),
        user_id=_scope(call, categories, is_public),
    )


@route("GET", f"{_W}/counts_by_tag")
def _counts_by_tag(call: Call) -> Any:
    wanted, items = call.argument("tags", list[str]), _library(call)
    return {tag: sum(has_tag(item, tag) for item in items) for tag in wanted}


@route("GET", f"{_W}/counts_by_category")
def _counts_by_category(call: Call) -> Any:
    wanted = call.argument("categories", list[WorkflowCategory])
    counts = Counter(item["category"] for item in _library(call))
    return {category: counts[category] for category in wanted}


@route("PUT", f"{_W}/i/{{workflow_id}}/thumbnail")
def _set_thumbnail(call: Call) -> Any:
    workflow_id = call.params["workflow_id"]
    part = call.form.get("image")
    if not isinstance(part, UploadedFile):
        raise ApiError(422, [missing(("body", "image"))])
    _owned(call, workflow_id, "update")
    try:
        data = small_picture(picture_of(part))
    except (OSError, SyntaxError, ValueError) as error:
        raise ApiError(500, "Workflow thumbnail file cannot be saved") from error
    call.simulation.workflows.set_thumbnail(workflow_id, data)
    return None


@route("DELETE", f"{_W}/i/{{workflow_id}}/thumbnail")
def _delete_thumbnail(call: Call) -> Any:
    workflow_id = call.params["workflow_id"]
    row = _owned(call, workflow_id, "update")
    if row["thumbnail"] is None:
        raise CrashError
    call.simulation.workflows.set_thumbnail(workflow_id, None)
    return None


@route("GET", f"{_W}/i/{{workflow_id}}/thumbnail", "public")
def _thumbnail(call: Call) -> Any:
    try:
        row = call.simulation.workflows.row(call.params["workflow_id"])
    except WorkflowNotFoundError:
        raise CrashError from None
    if row["thumbnail"] is None:
        raise CrashError
    return Reply(bytes(row["thumbnail"]), media_type="image/png")
