"""When a request may be repeated, and after how many seconds: a pure decision."""

from __future__ import annotations

from typing import Optional, Union

from invokeai_py_client._core.messages import Reply, RetryRule
from invokeai_py_client.exceptions import APIConnectionError, APITimeoutError

__all__ = ["MAX_TRIES", "Outcome", "may_have_happened", "retry_delay"]

Outcome = Union[Reply, APIConnectionError]

MAX_TRIES = 4
# A timeout has already cost the caller `request_timeout` seconds.
MAX_TRIES_AFTER_TIMEOUT = 2
FIRST_DELAY = 0.2
LONGEST_DELAY = 5.0
# A server that asks for more than this is not worth blocking a call for.
LONGEST_RETRY_AFTER = 30.0

# 429 and 503 say "not now"; 502 and 504 come from a proxy whose server went away.
# A plain 500 is the server's own failure and would fail again.
_TRANSIENT_STATUSES = frozenset({429, 502, 503, 504})


def retry_delay(rule: RetryRule, tries: int, outcome: Outcome) -> Optional[float]:
    """Seconds to wait before the next try; None when there is to be none.

    Args:
        rule: What the request allows.
        tries: How often it has been sent, at least 1.
        outcome: The last answer, or the fault that came instead.
    """
    if rule is RetryRule.NEVER:
        return None
    if isinstance(outcome, Reply) and outcome.status not in _TRANSIENT_STATUSES:
        return None
    if tries >= _tries_for(outcome):
        return None
    asked = _retry_after(outcome)
    if asked is not None:
        return asked if asked <= LONGEST_RETRY_AFTER else None
    return min(FIRST_DELAY * 2.0 ** (tries - 1), LONGEST_DELAY)


def may_have_happened(outcome: Outcome) -> bool:
    """True when the server may have done what was asked although it did not say so."""
    if isinstance(outcome, Reply):
        return outcome.status in (502, 503, 504)
    return outcome.sent


def _tries_for(outcome: Outcome) -> int:
    timed_out = isinstance(outcome, APITimeoutError)
    return MAX_TRIES_AFTER_TIMEOUT if timed_out else MAX_TRIES


def _retry_after(outcome: Outcome) -> Optional[float]:
    """The seconds of a `Retry-After` header; a date there is treated as absent."""
    if not isinstance(outcome, Reply):
        return None
    text = outcome.headers.get("retry-after", "").strip()
    return float(text) if text.isascii() and text.isdigit() else None
