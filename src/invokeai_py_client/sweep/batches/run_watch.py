"""A run of a sweep that is asked to end: no wait goes on, what is known is recorded."""

from __future__ import annotations

import logging
from typing import Any

from invokeai_py_client._core.flow import Flow, wait_alert
from invokeai_py_client._core.messages import Message, NextEvent, Pause
from invokeai_py_client.sweep.batches.request_counter import RequestCounter

logger = logging.getLogger("invokeai_py_client")


class RunEndingError(Exception):
    """The run is to end: whoever waits for a server records what is known, and ends."""


class RunWatch(RequestCounter):
    """Counts the requests of a run, and ends its waits.

    Attributes:
        is_ending: True once the run was asked to end.
    """

    def __init__(self) -> None:
        super().__init__()
        self.is_ending = False

    def ask_to_end(self) -> None:
        """Let no wait go on; what is under way is still finished.

        From now on what waits gets a `RunEndingError`.
        """
        self.is_ending = True
        logger.warning(
            "interrupted: recording what is known; Ctrl-C again ends at once",
            extra={"at_once": True},
        )

    def _answer(self, message: Message) -> Flow[Any]:
        if isinstance(message, (Pause, NextEvent)):
            return (yield from wait_alert(message, self._check))
        return (yield from super()._answer(message))

    def _check(self) -> None:
        if self.is_ending:
            raise RunEndingError
