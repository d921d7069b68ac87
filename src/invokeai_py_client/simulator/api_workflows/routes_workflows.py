"""The workflow library."""

from __future__ import annotations

import json
import math
import uuid
from collections import Counter
from typing import Any

from ..api_gallery.routes_upload import image_of
from ..base.api_enums import Direction, WorkflowCategory, WorkflowOrder
from ..base.database import Row
from ..base.errors import ApiError, CrashError, missing
from ..graphs.batch import Workflow
from ..http.wire import ApiRequest, Reply, UploadedFile, route
from ..library.workflows import (
    DefaultWorkflowError,
    WorkflowNotFoundError,
    call_compatibility,
    has_tag,
    tags_of,
)
from ..media.resizing import thumbnail_of

_W = "/api/v1/workflows"


class _Stored(Workflow):
    id: str


def _row(request: ApiRequest, workflow_id: str) -> Row:
    try:
        return request.simulation.workflows.row(workflow_id)
    except WorkflowNotFoundError:
        raise ApiError(404, "Workflow not found") from None


def _owned(request: ApiRequest, workflow_id: str, doing: str) -> Row:
    row = _row(request, workflow_id)
    if not request.owns(row):
        raise ApiError(403, f"Not authorized to {doing} this workflow")
    return row


def _shown(request: ApiRequest, item: dict[str, Any]) -> dict[str, Any]:
    row = _row(request, item["workflow_id"])
    # The address is new each time, against caches.
    url = f"api/v1/workflows/i/{row['workflow_id']}/thumbnail?{uuid.uuid4()}"
    compatibility = call_compatibility(json.loads(row["workflow"]))
    return {
        **item,
        "thumbnail_url": None if row["thumbnail"] is None else url,
        "call_saved_workflow_compatibility": compatibility,
    }


@route("GET", f"{_W}/i/{{workflow_id}}")
def _get(request: ApiRequest) -> Any:
    workflow_id = request.params["workflow_id"]
    row = _row(request, workflow_id)
    if row["category"] != "default" and not row["is_public"]:
        _owned(request, workflow_id, "access")
    return _shown(request, request.simulation.workflows.record(workflow_id))


@route("POST", f"{_W}/")
def _create(request: ApiRequest) -> Any:
    workflow = request.embedded(workflow=Workflow)["workflow"]
    public = not request.simulation.users.multiuser
    try:
        return request.simulation.workflows.create(
            workflow.model_dump(mode="json"), request.user.user_id, public=public
        )
    except DefaultWorkflowError:
        raise CrashError from None


@route("PATCH", f"{_W}/i/{{workflow_id}}")
def _update(request: ApiRequest) -> Any:
    # The id in the body decides, not the one in the path.
    workflow = request.embedded(workflow=_Stored)["workflow"]
    _owned(request, workflow.id, "update")
    return request.simulation.workflows.update(workflow.model_dump(mode="json"))


@route("PATCH", f"{_W}/i/{{workflow_id}}/is_public")
def _share(request: ApiRequest) -> Any:
    public = request.embedded(is_public=bool)["is_public"]
    workflow_id = request.params["workflow_id"]
    _owned(request, workflow_id, "update")
    return request.simulation.workflows.set_public(workflow_id, public)


@route("DELETE", f"{_W}/i/{{workflow_id}}")
def _delete(request: ApiRequest) -> Any:
    workflow_id = request.params["workflow_id"]
    _owned(request, workflow_id, "delete")
    try:
        request.simulation.workflows.delete(workflow_id)
    except DefaultWorkflowError:
        raise CrashError from None


@route("PUT", f"{_W}/i/{{workflow_id}}/opened_at")
def _opened(request: ApiRequest) -> Any:
    workflow_id = request.params["workflow_id"]
    _owned(request, workflow_id, "update")
    request.simulation.workflows.opened(workflow_id)


_FILTERS: dict[str, Any] = {
    "categories": (list[WorkflowCategory], None),
    "has_been_opened": (bool, None),
    "is_public": (bool, None),
}
_QUERY: dict[str, Any] = {
    "categories": _FILTERS["categories"],
    "tags": (list[str], None),
    "query": (str, None),
    **_FILTERS,
    "order_by": (WorkflowOrder, "name"),
    "direction": (Direction, "ASC"),
}


def _matching(request: ApiRequest, asked: dict[str, Any]) -> list[dict[str, Any]]:
    wanted = request.arguments(**asked)
    categories = wanted["categories"]
    shared_only = wanted["is_public"] or (categories and "user" not in categories)
    return request.simulation.workflows.matching(
        wanted, None if shared_only else request.scope_user
    )


@route("GET", f"{_W}/")
def _list(request: ApiRequest) -> Any:
    page = request.argument("page", int, 0)
    per_page = request.argument("per_page", int, None)
    items = [_shown(request, item) for item in _matching(request, _QUERY)]
    wanted = request.argument("callable", bool, None)
    if wanted is not None:
        items = [
            item
            for item in items
            if item["call_saved_workflow_compatibility"]["is_callable"] == wanted
        ]
    total = len(items)
    pages = 1
    if per_page:
        pages = math.ceil(total / per_page)
        items = items[page * per_page : (page + 1) * per_page]
    return {
        "page": page,
        "pages": pages,
        "per_page": per_page or total,
        "total": total,
        "items": items,
    }


@route("GET", f"{_W}/tags")
def _tags(request: ApiRequest) -> Any:
    items = _matching(request, _FILTERS)
    return sorted({tag for item in items for tag in tags_of(item)})


@route("GET", f"{_W}/counts_by_tag")
def _counts_by_tag(request: ApiRequest) -> Any:
    wanted, items = request.argument("tags", list[str]), _matching(request, _FILTERS)
    return {tag: sum(has_tag(item, tag) for item in items) for tag in wanted}


@route("GET", f"{_W}/counts_by_category")
def _counts_by_category(request: ApiRequest) -> Any:
    wanted = request.argument("categories", list[WorkflowCategory])
    counts = Counter(item["category"] for item in _matching(request, _FILTERS))
    return {category: counts[category] for category in wanted}


@route("PUT", f"{_W}/i/{{workflow_id}}/thumbnail")
def _set_thumbnail(request: ApiRequest) -> Any:
    workflow_id = request.params["workflow_id"]
    part = request.form.get("image")
    if not isinstance(part, UploadedFile):
        raise ApiError(422, [missing(("body", "image"))])
    _owned(request, workflow_id, "update")
    try:
        data = thumbnail_of(image_of(part))
    except (OSError, SyntaxError, ValueError) as error:
        raise ApiError(500, "Workflow thumbnail file cannot be saved") from error
    request.simulation.workflows.set_thumbnail(workflow_id, data)


@route("DELETE", f"{_W}/i/{{workflow_id}}/thumbnail")
def _delete_thumbnail(request: ApiRequest) -> Any:
    workflow_id = request.params["workflow_id"]
    row = _owned(request, workflow_id, "update")
    if row["thumbnail"] is None:
        raise CrashError
    request.simulation.workflows.set_thumbnail(workflow_id, None)


@route("GET", f"{_W}/i/{{workflow_id}}/thumbnail", "public")
def _thumbnail(request: ApiRequest) -> Any:
    try:
        row = request.simulation.workflows.row(request.params["workflow_id"])
    except WorkflowNotFoundError:
        raise CrashError from None
    if row["thumbnail"] is None:
        raise CrashError
    return Reply(bytes(row["thumbnail"]), media_type="image/png")
