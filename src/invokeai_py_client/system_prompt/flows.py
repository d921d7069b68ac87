"""What can be done with system prompts, as flows. Servers from 6.14 on have them."""

from __future__ import annotations

from typing import Any, Optional

from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.send import (
    call,
    call_model,
    changes_of,
    delete,
    get,
    patch,
    post,
    route,
)
from invokeai_py_client.system_prompt.models import SystemPrompt

PROMPTS = "/api/v1/system_prompts/"
PROMPT = "/api/v1/system_prompts/i/{}"


def list_prompts() -> Flow[list[SystemPrompt]]:
    """All that the user may see."""
    return (yield from call_model(list[SystemPrompt], get(PROMPTS)))


def get_prompt(prompt_id: str) -> Flow[SystemPrompt]:
    """One by its id."""
    return (yield from call_model(SystemPrompt, get(route(PROMPT, prompt_id))))


def create_prompt(name: str, content: str) -> Flow[SystemPrompt]:
    """Make one."""
    request = post(PROMPTS, json={"name": name, "content": content})
    return (yield from call_model(SystemPrompt, request))


def update_prompt(
    prompt_id: str,
    *,
    name: Optional[str] = None,
    content: Optional[str] = None,
    is_public: Optional[bool] = None,
) -> Flow[SystemPrompt]:
    """Change one; what is None stays."""
    values: dict[str, Any] = {"name": name, "content": content, "is_public": is_public}
    changes = changes_of("update_prompt", values)
    request = patch(route(PROMPT, prompt_id), json=changes)
    return (yield from call_model(SystemPrompt, request))


def delete_prompt(prompt_id: str) -> Flow[None]:
    """Delete one for good."""
    yield from call(delete(route(PROMPT, prompt_id)))
