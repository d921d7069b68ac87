"""How long a wait puts up with a server that does not answer: a pure rule.

A restart takes 8 to 20 s on an idle machine and longer on a busy one. A wait lives
through it, and ends when the server stays away for good.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Optional

from invokeai_py_client.exceptions import (
    APIConnectionError,
    APIError,
    APIResponseError,
    APIStatusError,
    InternalServerError,
)

__all__ = ["GIVE_UP_SECONDS", "Outage", "is_passing", "may_pass"]

GIVE_UP_FAILURES = 5
GIVE_UP_SECONDS = 60.0

# A proxy's words for a server that is down, slow or starting, and for "not now".
_PASSING_STATUSES = frozenset({408, 429, 502, 503, 504})


def is_passing(error: APIError) -> bool:
    """True for what a restart of the server or of its proxy looks like."""
    if isinstance(error, APIStatusError):
        return error.status_code in _PASSING_STATUSES
    return isinstance(error, (APIConnectionError, APIResponseError))


def may_pass(error: APIError) -> bool:
    """True when looking again may help: also where the server failed for once."""
    return isinstance(error, InternalServerError) or is_passing(error)


class Outage:
    """Failures in a row of one wait.

    Args:
        passes: Tells the failures that a wait lives through.

    Attributes:
        failures: How many there were since the server last answered.
    """

    def __init__(self, passes: Callable[[APIError], bool] = is_passing) -> None:
        self._passes = passes
        self.failures = 0
        self._since: Optional[float] = None

    def over(self) -> None:
        """The server answered."""
        self.failures = 0
        self._since = None

    def note(self, error: APIError, moment: float) -> None:
        """Count a failure; raise it when it does not pass or has lasted too long.

        Args:
            error: What a look at the server gave.
            moment: The monotonic clock, in seconds.
        """
        if not self._passes(error):
            raise error
        self.failures += 1
        if self._since is None:
            self._since = moment
        lasted = moment - self._since
        if self.failures >= GIVE_UP_FAILURES and lasted >= GIVE_UP_SECONDS:
            raise error
