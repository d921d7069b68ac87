"""System prompts: instructions for the models that write prompts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Optional

from pydantic import BaseModel, ConfigDict, Field

from ..base.database import Row, timestamp
from ..base.errors import ApiError
from ..http.wire import ApiRequest, route
from ..library.owned_records import OwnedRecords

_P = "/api/v1/system_prompts"
_Text = Annotated[str, Field(min_length=1)]


class _Prompt(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: _Text
    content: _Text


class _Changes(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Optional[_Text] = None
    content: Optional[_Text] = None
    is_public: Optional[bool] = None


def _prompts(request: ApiRequest) -> OwnedRecords:
    return request.simulation.system_prompts


def _shown(row: Row) -> dict[str, Any]:
    times = ("created_at", "updated_at")
    return {
        **row,
        **{key: datetime.fromisoformat(row[key]).isoformat() for key in times},
        "is_public": bool(row["is_public"]),
    }


def _existing(request: ApiRequest, doing: str, *, shared: bool = False) -> Row:
    try:
        found = _prompts(request).row(request.params["prompt_id"])
    except LookupError:
        raise ApiError(404, "System prompt not found") from None
    if request.owns(found) or (shared and found["is_public"]):
        return found
    raise ApiError(403, f"Not authorized to {doing} this system prompt")


@route("GET", f"{_P}/")
def _list(request: ApiRequest) -> Any:
    return [_shown(row) for row in _prompts(request).visible(request.scope_user)]


@route("GET", f"{_P}/i/{{prompt_id}}")
def _get(request: ApiRequest) -> Any:
    return _shown(_existing(request, "access", shared=True))


@route("POST", f"{_P}/")
def _create(request: ApiRequest) -> Any:
    texts, now = request.read(_Prompt).model_dump(), timestamp()
    owner = {
        "user_id": request.user.user_id,
        "is_public": int(not request.simulation.users.multiuser),
    }
    times = {"created_at": now, "updated_at": now}
    return _shown(_prompts(request).create({**texts, **owner, **times}))


@route("PATCH", f"{_P}/i/{{prompt_id}}")
def _update(request: ApiRequest) -> Any:
    changes = request.read(_Changes).model_dump(exclude_none=True)
    found = _existing(request, "update")
    if changes:
        changes["updated_at"] = timestamp()
    return _shown(_prompts(request).update(found["id"], changes))


@route("DELETE", f"{_P}/i/{{prompt_id}}")
def _delete(request: ApiRequest) -> Any:
    _prompts(request).delete(_existing(request, "delete")["id"])
