"""System prompts: instructions for the models that expand prompts."""

from __future__ import annotations

from invokeai_py_client.system_prompt.async_system_prompt_repo import (
    AsyncSystemPromptRepository,
)
from invokeai_py_client.system_prompt.models import SystemPrompt
from invokeai_py_client.system_prompt.system_prompt_repo import SystemPromptRepository

__all__ = [
    "AsyncSystemPromptRepository",
    "SystemPrompt",
    "SystemPromptRepository",
]
