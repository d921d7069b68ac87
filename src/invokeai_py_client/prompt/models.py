"""What the server makes of prompts: frozen snapshots."""

from __future__ import annotations

from typing import Optional

from pydantic import Field

from invokeai_py_client._snapshot import Snapshot

__all__ = ["DynamicPrompts", "ExpandedPrompt"]


class DynamicPrompts(Snapshot):
    """The variants of a prompt.

    Attributes:
        error: Why the prompt could not be read; then `prompts` holds it as it is.
    """

    prompts: list[str] = Field(default_factory=list)
    error: Optional[str] = None


class ExpandedPrompt(Snapshot):
    """A longer prompt that a language model made of a short one.

    Attributes:
        seed: With which the same model makes the same text again.
    """

    expanded_prompt: str
    seed: Optional[int] = None
    error: Optional[str] = None
