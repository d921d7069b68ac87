"""System prompts."""

from __future__ import annotations

from typing import Annotated, Any, Optional

from pydantic import BaseModel, ConfigDict, Field

from .system_prompts import SystemPromptNotFoundError, SystemPrompts
from .wire import ApiError, Call, route

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


def _prompts(call: Call) -> SystemPrompts:
    return call.simulation.system_prompts


def _existing(call: Call, doing: str, *, shared: bool = False) -> dict[str, Any]:
    try:
        found = _prompts(call).record(call.params["prompt_id"])
    except SystemPromptNotFoundError:
        raise ApiError(404, "System prompt not found") from None
    own = call.user.is_admin or found["user_id"] == call.user.user_id
    if own or (shared and found["is_public"]):
        return found
    raise ApiError(403, f"Not authorized to {doing} this system prompt")


@route("GET", f"{_P}/")
def _list(call: Call) -> Any:
    return _prompts(call).visible(call.scope_user)


@route("GET", f"{_P}/i/{{prompt_id}}")
def _get(call: Call) -> Any:
    return _existing(call, "access", shared=True)


@route("POST", f"{_P}/")
def _create(call: Call) -> Any:
    prompt = call.read(_Prompt)
    return _prompts(call).create(
        prompt.name,
        prompt.content,
        call.user.user_id,
        public=not call.simulation.users.multiuser,
    )


@route("PATCH", f"{_P}/i/{{prompt_id}}")
def _update(call: Call) -> Any:
    changes = call.read(_Changes)
    found = _existing(call, "update")
    return _prompts(call).update(found["id"], changes.model_dump())


@route("DELETE", f"{_P}/i/{{prompt_id}}")
def _delete(call: Call) -> Any:
    _prompts(call).delete(_existing(call, "delete")["id"])
    return None
