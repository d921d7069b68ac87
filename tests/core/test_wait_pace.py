"""How often a wait asks, for how long it goes on, and what it says in the end."""

from __future__ import annotations

import pytest
from flow_play import Play

from invokeai_py_client._core.flow import now, pause
from invokeai_py_client._core.messages import Subscribe
from invokeai_py_client._core.retry import FailureBudget, is_passing, may_pass
from invokeai_py_client._core.send import get, request_json
from invokeai_py_client._core.server_events import parse_event
from invokeai_py_client._core.wait_loop import Signal, WaitLoop, wait_for
from invokeai_py_client.exceptions import (
    APIConnectionError,
    APIResponseError,
    APIStatusError,
    InternalServerError,
    JobTimeoutError,
    NotFoundError,
)

SUBSCRIPTION = Subscribe(lambda event: True)
EVENT = parse_event("queue_item_status_changed", {"item_id": 1})


class Waiting(Play):
    """Polls a server whose answers take some time, and notes when.

    Attributes:
        answers: What the polls find, in turn; the last one again and again.
        seconds: How long an answer takes.
    """

    def __init__(self, *answers, seconds=0.0, socket=False, events=()):
        super().__init__(lambda request: (200, None))
        self.answers = list(answers)
        self.seconds = seconds
        self.mailbox = object() if socket else None
        self.events = list(events)
        self.polls = []
        self.failures = 0
        self.on_event = None

    def poll(self):
        self.polls.append(round((yield from now()), 3))
        yield from pause(0)
        self.time += self.seconds
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(found, Exception):
            raise found
        return found

    def wait(self, **options):
        def on_answer(answer):
            yield from pause(0)
            return answer

        def on_failure():
            yield from pause(0)
            self.failures += 1

        subscription = SUBSCRIPTION if self.mailbox else None
        self.loop = WaitLoop(
            "the thing",
            self.poll,
            on_answer,
            on_event=self.on_event,
            subscription=subscription,
            on_failure=on_failure,
            **options,
        )
        return self.run(self.loop.run())

    @property
    def rests(self):
        """Seconds between the end of a poll and the next one."""
        pairs = zip(self.polls, self.polls[1:])
        return [round(end - start - self.seconds, 3) for start, end in pairs]


NOTHING, MOVED, OVER = Signal.NOTHING, Signal.MOVED, Signal.OVER
FIRST_RESTS = [0.375, 0.562, 0.844, 1.266, 1.898]


def near(numbers):
    return pytest.approx(numbers, abs=0.002)


def test_polls_become_rarer_down_to_one_in_two_seconds():
    play = Waiting(*[NOTHING] * 8, OVER)
    assert play.wait() is True
    assert play.rests == near([*FIRST_RESTS, 2.0, 2.0, 2.0])


def test_with_a_socket_polls_become_rarer_still():
    play = Waiting(*[NOTHING] * 10, OVER, socket=True)
    play.wait()
    assert play.rests == near([*FIRST_RESTS, 2.848, 4.271, 5.0, 5.0, 5.0])


def test_after_a_change_polls_are_frequent_again():
    play = Waiting(NOTHING, NOTHING, NOTHING, MOVED, NOTHING, OVER)
    play.wait()
    assert play.rests == near([*FIRST_RESTS[:3], 0.25, 0.375])


def test_a_wait_without_haste_polls_less_often_from_the_beginning():
    play = Waiting(NOTHING, MOVED, NOTHING, OVER)
    play.wait(first_pause=2.0)
    assert play.rests == near([2.0, 2.0, 2.0])
    play = Waiting(NOTHING, MOVED, MOVED, NOTHING, OVER, socket=True)
    play.wait(first_pause=2.0)
    assert play.rests == near([3.0, 2.0, 2.0, 3.0])


def test_slow_answers_are_asked_for_a_quarter_of_the_time():
    play = Waiting(NOTHING, NOTHING, OVER, seconds=1.0)
    play.wait()
    assert play.rests == near([3.0, 3.0])
    play = Waiting(NOTHING, NOTHING, OVER, seconds=4.0)
    play.wait()
    assert play.rests == near([5.0, 5.0])


def test_failures_are_repeated_ever_more_slowly_and_reported_once():
    lost = APIConnectionError("lost")
    play = Waiting(*[lost] * 6, NOTHING, OVER, seconds=2.0)
    play.wait()
    # They have cost enough time: how long an answer takes does not matter here.
    assert play.rests[:6] == near([0.5, 1.0, 2.0, 4.0, 5.0, 5.0])
    assert play.failures == 1
    assert play.loop.failure is None


def test_a_single_failure_is_not_reported():
    play = Waiting(APIConnectionError("lost"), OVER)
    assert play.wait() is True
    assert play.failures == 0


def test_a_failure_that_does_not_pass_ends_the_wait_at_once():
    gone = NotFoundError("gone", status_code=404)
    with pytest.raises(NotFoundError):
        Waiting(gone, OVER).wait()


def test_a_wait_whose_time_is_over_says_so_and_polls_to_the_end():
    play = Waiting(NOTHING)
    assert play.wait(timeout=1.0) is False
    assert play.polls == near([0.0, 0.375, 0.938, 1.0])
    # Zero is one poll.
    play = Waiting(NOTHING)
    assert play.wait(timeout=0) is False
    assert play.polls == [0.0]


def test_a_given_deadline_counts_instead_of_the_timeout():
    play = Waiting(NOTHING)
    assert play.wait(timeout=9.0, deadline=0.5) is False
    assert play.time == 0.5


def test_an_event_leads_to_a_poll_and_those_that_follow_it_to_no_other():
    burst = [(0.1, EVENT), (0.11, EVENT), (0.12, EVENT)]
    play = Waiting(NOTHING, OVER, socket=True, events=burst)
    play.wait()
    assert play.polls == near([0.0, 0.15])
    assert play.events == []


@pytest.mark.parametrize("signal", list(Signal))
def test_what_an_event_means_decides_how_it_goes_on(signal):
    play = Waiting(NOTHING, OVER, socket=True, events=[(0.1, EVENT)])

    def on_event(event):
        yield from pause(0)
        return signal

    play.on_event = on_event
    assert play.wait() is True
    ends = {Signal.POLL: 0.15, Signal.OVER: 0.1}
    assert play.time == near(ends.get(signal, 0.375))
    assert len(play.polls) == (1 if signal is Signal.OVER else 2)


@pytest.mark.parametrize("name", ["connect", "disconnect"])
def test_a_socket_that_was_away_leads_to_a_poll_whatever_is_made_of_its_event(name):
    play = Waiting(NOTHING, OVER, socket=True, events=[(0.1, parse_event(name, {}))])

    def on_event(event):
        yield from pause(0)
        return Signal.MOVED

    play.on_event = on_event
    play.wait()
    assert play.polls == near([0.0, 0.15])


def test_changes_that_events_reported_do_not_make_polls_frequent():
    events = [(0.1, EVENT), (0.5, EVENT)]
    play = Waiting(NOTHING, *[MOVED] * 3, OVER, socket=True, events=events)

    def on_event(event):
        yield from pause(0)
        return Signal.MOVED

    play.on_event = on_event
    play.wait()
    # The fourth poll found what no event had said.
    assert play.rests == near([*FIRST_RESTS[:3], 0.25])


def test_an_event_that_means_nothing_takes_nothing_back():
    events = [(0.1, EVENT), (0.2, EVENT)]
    play = Waiting(*[MOVED] * 2, OVER, socket=True, events=events)
    signals = [Signal.MOVED, Signal.NOTHING]

    def on_event(event):
        yield from pause(0)
        return signals.pop(0)

    play.on_event = on_event
    play.wait()
    assert play.rests == near([0.25, 0.375])


@pytest.mark.parametrize(
    ("timeout", "patience"), [(None, 2.5), (9.0, 2.5), (1.0, 1.0), (0.0, 0.0)]
)
def test_connecting_takes_no_longer_than_the_wait(timeout, patience):
    seen = []

    class Late(Waiting):
        def _perform(self, message):
            if isinstance(message, Subscribe):
                seen.append(message.patience)
            return super()._perform(message)

    play = Late(OVER, socket=True)
    play.time = 1000.0
    play.wait(timeout=timeout)
    assert seen == [patience]


def test_the_error_of_a_timeout_says_what_was_waited_for_and_why_nothing_is_known():
    play = Waiting(APIConnectionError("lost"))
    play.wait(timeout=2.5)
    with pytest.raises(JobTimeoutError) as caught:
        play.loop.raise_timeout("1 of 2 done", hint="look", result=7)
    assert caught.value.message == (
        "timed out after 2.5 s waiting for the thing: 1 of 2 done; "
        "the server does not answer: lost"
    )
    assert (caught.value.hint, caught.value.result) == ("look", 7)
    play = Waiting(NOTHING)
    play.wait(timeout=1)
    with pytest.raises(JobTimeoutError) as caught:
        play.loop.raise_timeout("")
    assert caught.value.message == "timed out after 1 s waiting for the thing"


def read(*values):
    rest = list(values)

    def flow():
        yield from pause(0)
        return rest.pop(0) if len(rest) > 1 else rest[0]

    return flow


def test_each_change_of_what_is_read_is_told_once():
    told = []

    def on_change(value):
        yield from pause(0)
        told.append(value)

    flow = wait_for(
        "the thing", read(1, 1, 2, 2, 3), lambda value: value == 3, on_change=on_change
    )
    assert Play(None).run(flow) == 3
    assert told == [1, 2, 3]


def test_the_time_of_reading_is_over_with_the_last_that_was_read():
    flow = wait_for(
        "the thing", read(0), bool, describe=lambda value: f"at {value}", timeout=1.0
    )
    with pytest.raises(JobTimeoutError, match="for the thing: at 0"):
        Play(None).run(flow)


def failing():
    return (yield from request_json(get("/x")))


def test_without_any_answer_the_error_says_only_that():
    play = Play(lambda request: APIConnectionError("lost"))
    with pytest.raises(JobTimeoutError) as caught:
        play.run(wait_for("the thing", failing, bool, timeout=1.0))
    assert "the thing: the server does not answer: lost" in caught.value.message


PASSING = [408, 429, 502, 503, 504]


def test_what_a_restart_looks_like_passes():
    for status in (400, 401, 404, 500, *PASSING):
        error = APIStatusError("no", status_code=status)
        assert is_passing(error) is (status in PASSING), status
    assert is_passing(APIConnectionError("lost"))
    assert is_passing(APIResponseError("a web page"))
    # A server may fail for once.
    once = InternalServerError("locked", status_code=500)
    assert may_pass(once)
    assert not is_passing(once)
    assert not may_pass(NotFoundError("no", status_code=404))


@pytest.mark.parametrize(
    ("moments", "ends"),
    [
        ([0, 20, 40, 60], False),
        ([0, 15, 30, 45, 59.9], False),
        ([0, 15, 30, 45, 60], True),
        ([100, 110, 120, 130, 140, 160], True),
    ],
)
def test_five_failures_in_a_row_over_a_minute_end_a_wait(moments, ends):
    budget = FailureBudget()
    lost = APIConnectionError("lost")
    for moment in moments[:-1]:
        budget.note(lost, moment)
    if ends:
        with pytest.raises(APIConnectionError):
            budget.note(lost, moments[-1])
    else:
        budget.note(lost, moments[-1])
    assert budget.failures == len(moments)


def test_an_answer_makes_up_for_all_failures_before_it():
    budget = FailureBudget()
    lost = APIConnectionError("lost")
    for moment in (0, 10, 20, 30):
        budget.note(lost, moment)
    budget.over()
    assert budget.failures == 0
    for moment in (100, 101, 102, 103, 159):
        budget.note(lost, moment)
