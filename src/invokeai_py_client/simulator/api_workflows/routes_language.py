"""Prompts by language models: the checks of the real server, placeholder texts."""

from __future__ import annotations

import random
from typing import Annotated, Any, Optional, Union

from pydantic import BaseModel, Field

from ..api_gallery.routes_media import IMAGES, read_access
from ..base.errors import ApiError
from ..http.wire import ApiRequest, route

_U = "/api/v1/utilities"
_SEED_MAX = 2**32 - 1


class _Expand(BaseModel):
    prompt: str
    model_key: str
    max_tokens: Annotated[int, Field(ge=1, le=2048)] = 300
    system_prompt: Optional[str] = None
    seed: Optional[Annotated[int, Field(ge=0, le=_SEED_MAX)]] = None
    task_id: Optional[str] = None


class _Describe(BaseModel):
    image_name: str
    model_key: str
    instruction: str = ""
    task_id: Optional[str] = None


_Task = Union[_Expand, _Describe]


def _tell(request: ApiRequest, task: _Task, what: str, **payload: Any) -> None:
    """Send an event about a request that was given an id."""
    if task.task_id is not None:
        about = {"task_id": task.task_id, "user_id": request.user.user_id}
        request.simulation.emit(f"llm_task_{what}", {**about, **payload})


def _load(request: ApiRequest, task: _Task, wanted: str) -> None:
    config = request.simulation.models.find(task.model_key)
    error = None
    if config is None:
        error = ApiError(404, f"Model '{task.model_key}' not found")
    elif config["type"] != wanted:
        error = ApiError(422, f"Model '{task.model_key}' is not a {wanted} model")
    if error is not None:
        _tell(request, task, "error", error=error.detail)
        raise error


@route("POST", f"{_U}/expand-prompt")
def _expand(request: ApiRequest) -> Any:
    given = request.read(_Expand)
    _load(request, given, "text_llm")
    _tell(request, given, "complete")
    seed = random.randint(0, _SEED_MAX) if given.seed is None else given.seed
    text = f"{given.prompt}, as a simulated model expands it ({seed})"
    return {"expanded_prompt": text, "seed": seed, "error": None}


@route("POST", f"{_U}/image-to-prompt")
def _describe(request: ApiRequest) -> Any:
    given = request.read(_Describe)
    if not request.user.is_admin:
        read_access(IMAGES, request, given.image_name)
    _load(request, given, "llava_onevision")
    row = read_access(IMAGES, request, given.image_name)
    _tell(request, given, "complete")
    size = f"{row['width']} by {row['height']}"
    return {"prompt": f"a simulated image of {size} pixels", "error": None}
