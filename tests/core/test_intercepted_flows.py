"""Flows whose messages somebody else answers, and waits that may have to end early."""

from __future__ import annotations

import pytest
from flow_driver import run_flow

from invokeai_py_client._core.flow import (
    CHECK_EVERY,
    collect,
    emit,
    gather,
    intercept,
    now,
    pause,
    wait_alert,
    with_inner,
)
from invokeai_py_client._core.messages import Now, Pause


class Stop(BaseException):
    """Ends a flow from outside."""


def catching(closed):
    """A flow that survives a `ValueError` of its message."""
    try:
        yield from now()
    except ValueError as error:
        return f"caught {error}"
    finally:
        closed.append(True)


def refuse(error):
    def answer(message):
        yield from ()
        raise error

    return answer


def test_the_flow_gets_the_errors_of_whoever_answers_it():
    closed = []
    flow = intercept(catching(closed), refuse(ValueError("no")))
    assert run_flow(flow, pytest.fail) == "caught no"
    assert closed == [True]


def test_it_is_closed_by_what_is_not_an_error():
    closed = []
    with pytest.raises(Stop):
        run_flow(intercept(catching(closed), refuse(Stop())), pytest.fail)
    assert closed == [True]


def test_it_is_closed_with_what_runs_it():
    closed = []

    def answer(message):
        return (yield message)

    flow = intercept(catching(closed), answer)
    assert next(flow) == Now()
    flow.close()
    assert closed == [True]


def test_gathered_flows_are_intercepted_too():
    seen = []

    def watch(flow):
        return intercept(flow, answer)

    def answer(message):
        seen.append(type(message))
        return (yield with_inner(message, watch))

    flow = watch(gather([now(), pause(1.0)]))
    assert run_flow(flow, lambda message: 5.0) == [5.0, None]
    assert seen[1:] == [Now, Pause]


def test_what_a_flow_emits_is_collected_and_all_else_performed():
    performed = []

    def flow():
        yield from emit("a")
        yield from pause(1.0)
        yield from emit("b")

    assert run_flow(collect(flow()), performed.append) == ["a", "b"]
    assert performed == [Pause(1.0)]


def test_a_wait_is_as_long_as_asked_for_and_checked_on_the_way():
    pieces, checks = [], []

    def check():
        checks.append(True)
        if len(checks) == 6:
            raise Stop

    def perform(message):
        pieces.append(message.seconds)

    seconds = 2.5 * CHECK_EVERY
    run_flow(wait_alert(Pause(seconds), check), perform)
    assert (sum(pieces), len(pieces), len(checks)) == (seconds, 3, 3)
    with pytest.raises(Stop):
        run_flow(wait_alert(Pause(60.0), check), perform)
    assert len(pieces) == 5
