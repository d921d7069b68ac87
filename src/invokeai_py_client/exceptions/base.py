"""The root of the tree."""

from __future__ import annotations

from typing import Optional

__all__ = [
    "InvokeAIError",
]


class InvokeAIError(Exception):
    """Anything this library raises on purpose.

    Attributes:
        message: What happened, one line.
        hint: What the caller can do about it; None when nothing is known.
    """

    def __init__(self, message: str, *, hint: Optional[str] = None) -> None:
        self.message = message
        self.hint = hint
        super().__init__(message)

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message
