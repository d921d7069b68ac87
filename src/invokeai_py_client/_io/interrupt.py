"""What both drivers still do for a caller who was interrupted."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from invokeai_py_client._core.flow import Flow
from invokeai_py_client.exceptions import InvokeAIError

__all__ = ["INTERRUPTIONS", "LAST_WORDS_SECONDS", "last_words"]

logger = logging.getLogger("invokeai_py_client")

# Ctrl-C, and what handlers of other signals raise to end the program.
INTERRUPTIONS = (KeyboardInterrupt, SystemExit)

# Ctrl-C has to end soon, also when the server is what hangs.
LAST_WORDS_SECONDS = 5.0


def last_words(makers: Sequence[Callable[[], Flow[Any]]]) -> Flow[None]:
    """Run what the interrupted flows registered, one after the other.

    A failure is only logged: the interruption is what the caller has to see.
    """
    for make in makers:
        yield from _attempt(make)


def _attempt(make: Callable[[], Flow[Any]]) -> Flow[None]:
    try:
        yield from make()
    except InvokeAIError as error:
        logger.warning("cleaning up after an interruption failed: %s", error)
