"""Retries under any schedule of faults."""

from __future__ import annotations

from dataclasses import dataclass

from flow_driver import run_flow
from hypothesis import given, strategies as st

from invokeai_py_client._core.messages import (
    GetShared,
    Pause,
    Reauthenticate,
    Reply,
    Request,
    RetryRule,
    Shared,
)
from invokeai_py_client._core.retry import LONGEST_RETRY_AFTER
from invokeai_py_client._core.send import send
from invokeai_py_client.exceptions import APIConnectionError, APITimeoutError


@dataclass(frozen=True)
class Fault:
    kind: type[APIConnectionError]
    sent: bool


statuses = st.sampled_from([200, 204, 401, 404, 422, 429, 500, 502, 503, 504])
faults = st.builds(
    Fault, st.sampled_from([APIConnectionError, APITimeoutError]), st.booleans()
)
retry_after = st.sampled_from([None, "0", "3", "31", "soon", "-1", "9" * 400])
schedules = st.lists(
    st.one_of(st.tuples(statuses, retry_after), faults), min_size=1, max_size=12
)


def play(rule, schedule, logs_in, max_retries=3):
    """Drive `send`; the last entry of the schedule repeats."""
    answers, pauses, logins = [], [], []

    def perform(message):
        if isinstance(message, Pause):
            pauses.append(message.seconds)
            return None
        if isinstance(message, GetShared):
            return Shared(max_retries=max_retries)
        if isinstance(message, Reauthenticate):
            logins.append(message)
            return logs_in
        entry = schedule[min(len(answers), len(schedule) - 1)]
        answers.append(entry)
        if isinstance(entry, Fault):
            fault = entry.kind("lost")
            fault.sent = entry.sent
            raise fault
        status, after = entry
        headers = {} if after is None else {"retry-after": after}
        return Reply(status, headers, b"", "http://x/x", "X")

    try:
        result = run_flow(send(Request("X", "/x", retry=rule)), perform)
    except APIConnectionError as error:
        result = error
    return result, answers, pauses, len(logins)


@given(schedules, st.booleans())
def test_what_must_not_be_repeated_is_sent_once(schedule, logs_in):
    _, answers, pauses, logins = play(RetryRule.NEVER, schedule, logs_in)
    assert pauses == []
    # Only a 401, which the server gives before it does anything, leads to another.
    refused = isinstance(answers[0], tuple) and answers[0][0] == 401
    assert len(answers) == (2 if refused and logs_in else 1)
    assert logins == (1 if refused else 0)


@given(st.sampled_from(list(RetryRule)), schedules, st.booleans(), st.integers(0, 2000))
def test_tries_log_ins_and_pauses_are_bounded(rule, schedule, logs_in, max_retries):
    _, answers, pauses, logins = play(rule, schedule, logs_in, max_retries)
    assert len(answers) <= max_retries + 2
    assert logins <= 1
    assert all(0 <= seconds <= LONGEST_RETRY_AFTER for seconds in pauses)


@given(st.sampled_from([RetryRule.SAFE, RetryRule.DELETE]), schedules, st.booleans())
def test_the_result_is_that_of_the_last_try(rule, schedule, logs_in):
    result, answers, _, _ = play(rule, schedule, logs_in)
    last = answers[-1]
    if isinstance(last, Fault):
        assert isinstance(result, last.kind)
    elif rule is RetryRule.DELETE and last[0] == 404 and maybe_done(answers[:-1]):
        assert result.status == 204
    else:
        assert result.status == last[0]


def maybe_done(answers):
    return any(
        answer.sent if isinstance(answer, Fault) else answer[0] in (502, 503, 504)
        for answer in answers
    )
