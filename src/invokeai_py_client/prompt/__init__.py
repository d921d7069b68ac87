"""Prompts: their variants, and texts that language models write."""

from __future__ import annotations

from invokeai_py_client.prompt.async_prompt_repo import AsyncPromptRepository
from invokeai_py_client.prompt.models import DynamicPrompts, ExpandedPrompt
from invokeai_py_client.prompt.prompt_repo import PromptRepository

__all__ = [
    "AsyncPromptRepository",
    "DynamicPrompts",
    "ExpandedPrompt",
    "PromptRepository",
]
