"""What the server says about system prompts."""

from __future__ import annotations

from typing import Optional, Union

from pydantic import Field

from invokeai_py_client._snapshot import Snapshot, UtcDatetime

__all__ = ["SystemPrompt", "SystemPromptLike", "system_prompt_id_of"]


class SystemPrompt(Snapshot):
    """Instructions for the language models that expand prompts.

    Attributes:
        id: The server's id.
        user_id: ``"system"`` for those that come with the server, and for all on a
            server for a single user.
        is_public: Whether all users see it.
    """

    id: str = Field(min_length=1)
    name: str
    content: str
    user_id: str = "system"
    is_public: bool = False
    created_at: Optional[UtcDatetime] = None
    updated_at: Optional[UtcDatetime] = None


SystemPromptLike = Union[str, SystemPrompt]
"""A system prompt, or its id."""


def system_prompt_id_of(prompt: SystemPromptLike) -> str:
    """The id of `prompt`.

    Raises:
        TypeError: It is neither an id nor a system prompt.
        ValueError: The id is empty.
    """
    value = prompt.id if isinstance(prompt, SystemPrompt) else prompt
    if not isinstance(value, str):
        raise TypeError(
            f"expected a system prompt or its id, not {type(prompt).__name__}"
        )
    if not value:
        raise ValueError("the id of a system prompt cannot be empty")
    return value
