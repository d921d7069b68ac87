"""Errors of sweeps: their folders, and what makes them impossible to resume."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from invokeai_py_client.exceptions.base import InvokeAIError


class SweepError(InvokeAIError):
    """A sweep cannot be planned, run or resumed as asked; nothing is lost."""


class SweepChangedError(SweepError):
    """The folder holds a sweep of other items, or of another workflow.

    A sweep may be extended by new items at its end. For anything else, use another
    folder.

    Attributes:
        differences: What is different, one line each, such as
            ``"item 7: steps is 20 in the folder and 30 here"``.
    """

    def __init__(
        self,
        message: str,
        *,
        differences: Sequence[str] = (),
        hint: Optional[str] = None,
    ) -> None:
        self.differences = tuple(differences)
        super().__init__(message, hint=hint)


class SweepInUseError(SweepError):
    """Another process runs this sweep now; wait for it, or stop it.

    Attributes:
        process: The other process, such as ``"process 4711 on gpu-box"``.
    """

    def __init__(
        self, message: str, *, process: str, hint: Optional[str] = None
    ) -> None:
        self.process = process
        super().__init__(message, hint=hint)
