"""When a request may be repeated, and for how long a wait asks again: pure decisions.

A restart of the server takes 8 to 20 s on an idle machine and longer on a busy one. A
wait lives through it, and ends when the server stays away for good.
"""

from __future__ import annotations

from typing import Optional, Union

from invokeai_py_client._core.messages import Reply, RetryRule
from invokeai_py_client.exceptions import (
    APIConnectionError,
    APIError,
    APIResponseError,
    APIStatusError,
    APITimeoutError,
    InternalServerError,
)

Outcome = Union[Reply, APIConnectionError]

# A timeout has already cost the caller `request_timeout` seconds.
MAX_RETRIES_AFTER_TIMEOUT = 1
FIRST_DELAY = 0.2
LONGEST_DELAY = 5.0
# A server that asks for more than this is not worth blocking a call for.
LONGEST_RETRY_AFTER = 30.0

# 429 and 503 say "not now"; 502 and 504 come from a proxy whose server went away.
# A plain 500 is the server's own failure and would fail again.
_TRANSIENT_STATUSES = frozenset({429, 502, 503, 504})


def may_repeat(rule: RetryRule, outcome: Outcome) -> bool:
    """True when sending the request again is allowed and could help."""
    if rule is RetryRule.NEVER:
        return False
    return not isinstance(outcome, Reply) or outcome.status in _TRANSIENT_STATUSES


def retry_delay(retries: int, max_retries: int, outcome: Outcome) -> Optional[float]:
    """Seconds to wait before the next try; None when there is to be none."""
    if isinstance(outcome, APITimeoutError):
        max_retries = min(max_retries, MAX_RETRIES_AFTER_TIMEOUT)
    if retries >= max_retries:
        return None
    asked = _retry_after(outcome)
    if asked is not None:
        return asked if asked <= LONGEST_RETRY_AFTER else None
    # The exponent is bounded because a float is.
    return min(FIRST_DELAY * 2.0 ** min(retries, 10), LONGEST_DELAY)


def may_have_happened(outcome: Outcome) -> bool:
    """True when the server may have done what was asked although it did not say so."""
    if isinstance(outcome, Reply):
        return outcome.status in (502, 503, 504)
    return outcome.sent


def _retry_after(outcome: Outcome) -> Optional[float]:
    """The seconds of a `Retry-After` header; a date there is treated as absent."""
    if not isinstance(outcome, Reply):
        return None
    text = outcome.headers.get("retry-after", "").strip()
    return float(text) if text.isascii() and text.isdigit() else None


GIVE_UP_FAILURES = 5
GIVE_UP_SECONDS = 60.0

# What a proxy answers for a server that is down, slow or starting, and "not now".
_PASSING_STATUSES = frozenset({408, 429, 502, 503, 504})


def is_passing(error: APIError) -> bool:
    """True for what a restart of the server or of its proxy looks like."""
    if isinstance(error, APIStatusError):
        return error.status_code in _PASSING_STATUSES
    return isinstance(error, (APIConnectionError, APIResponseError))


def may_pass(error: APIError) -> bool:
    """True when asking again may help: also where the server failed for once."""
    return isinstance(error, InternalServerError) or is_passing(error)


class FailureBudget:
    """Failures in a row of one wait.

    Attributes:
        failures: How many there were since the server last answered.
    """

    def __init__(self) -> None:
        self.failures = 0
        self._since: Optional[float] = None

    def over(self) -> None:
        """The server answered."""
        self.failures = 0
        self._since = None

    def note(self, error: APIError, moment: float) -> None:
        """Count an error that `may_pass`; raise it after too many for too long."""
        self.failures += 1
        if self._since is None:
            self._since = moment
        lasted = moment - self._since
        if self.failures >= GIVE_UP_FAILURES and lasted >= GIVE_UP_SECONDS:
            raise error
