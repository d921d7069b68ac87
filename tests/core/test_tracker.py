"""The tracker: what a mixture of events and answers says about jobs."""

from __future__ import annotations

import pytest

from invokeai_py_client._core.server_events import parse_event
from invokeai_py_client._core.tracker import JobState, JobTracker, read_state


def apply_status(tracker, item_id, status, sequence=None, **more):
    payload = {"item_id": item_id, "status": status, "status_sequence": sequence}
    event = parse_event("queue_item_status_changed", {**payload, **more})
    return tracker.apply_event(event)


def test_jobs_keep_expansion_order_and_start_as_pending():
    tracker = JobTracker([3, 4, 5])
    assert tracker.item_ids == (3, 4, 5)
    assert tracker.unfinished == (3, 4, 5)
    assert tracker.counts == {"pending": 3}
    assert not tracker.is_done


def test_a_higher_sequence_may_go_back_to_pending():
    tracker = JobTracker([1])
    for sequence, status in [(1, "in_progress"), (2, "waiting"), (3, "pending")]:
        assert apply_status(tracker, 1, status, sequence) is True
    assert tracker[1].status == "pending"


def test_an_older_sequence_changes_nothing():
    tracker = JobTracker([1])
    apply_status(tracker, 1, "waiting", 2)
    assert apply_status(tracker, 1, "in_progress", 1) is False
    assert tracker[1].status == "waiting"


def test_a_terminal_status_absorbs_later_events():
    tracker = JobTracker([1])
    apply_status(tracker, 1, "completed", 2)
    apply_status(tracker, 1, "in_progress", 9)
    apply_status(tracker, 1, "canceled", None)
    assert tracker[1].status == "completed"
    assert tracker.is_done


def test_without_sequences_the_later_state_counts():
    tracker = JobTracker([1])
    tracker.update(JobState(1, "in_progress"))
    tracker.update(JobState(1, "pending"))
    assert tracker[1].status == "pending"


def test_a_state_without_sequence_keeps_the_known_sequence():
    tracker = JobTracker([1])
    apply_status(tracker, 1, "waiting", 2)
    tracker.update(JobState(1, "waiting"))
    assert apply_status(tracker, 1, "in_progress", 1) is False


def test_children_of_a_workflow_call_are_ignored():
    tracker = JobTracker([1])
    assert apply_status(tracker, 2, "completed", 2) is False
    assert not tracker.is_done
    assert 2 not in tracker


def test_unknown_statuses_are_kept_and_are_not_the_end():
    tracker = JobTracker([1])
    apply_status(tracker, 1, "hibernating", 1)
    assert tracker[1].status == "hibernating"
    assert not tracker.is_done


def test_a_deleted_job_is_over_and_counted_as_lost():
    tracker = JobTracker([1, 2])
    assert tracker.mark_lost([1])
    assert not tracker.mark_lost([1])
    assert tracker.finished == (1,)
    assert tracker.counts == {"lost": 1, "pending": 1}


def test_a_late_word_of_the_end_beats_lost():
    tracker = JobTracker([1])
    tracker.mark_lost([1])
    apply_status(tracker, 1, "completed", 2)
    assert not tracker[1].lost
    assert tracker[1].status == "completed"


def test_a_job_that_ended_is_never_lost():
    tracker = JobTracker([1])
    apply_status(tracker, 1, "failed", 2)
    assert not tracker.mark_lost([1])
    assert tracker[1].status == "failed"


def test_a_failure_keeps_the_server_s_words_in_either_order():
    tracker = JobTracker([1])
    tracker.update(JobState(1, "failed"))
    apply_status(tracker, 1, "failed", 2, error_type="ValueError", error_message="no")
    assert (tracker[1].error_type, tracker[1].error_message) == ("ValueError", "no")


@pytest.mark.parametrize(
    "name", ["connect", "disconnect", "queue_cleared", "queue_items_canceled"]
)
def test_events_that_may_hide_changes_ask_for_a_poll(name):
    assert not JobTracker([1]).apply_event(parse_event(name, {}))


@pytest.mark.parametrize(
    "payload",
    [{}, {"item_id": "1", "status": "failed"}, {"item_id": 1, "status": None}],
)
def test_a_payload_without_a_status_changes_nothing(payload):
    assert read_state(payload) is None
    event = parse_event("queue_item_status_changed", payload)
    assert JobTracker([1]).apply_event(event) is False


STRANGERS = [
    {"batch_id": "other"},
    {"batch_id": "ours", "session_id": "other"},
    {"session_id": "other"},
]


@pytest.mark.parametrize("owner", STRANGERS)
def test_a_number_that_belongs_to_another_job_makes_ours_lost(owner):
    tracker = JobTracker([1, 2], {1: "ours", 2: "ours"}, {1: "s1"})
    payload = {"item_id": 1, "status": "completed", "status_sequence": 9, **owner}
    event = parse_event("queue_item_status_changed", payload)
    assert not tracker.apply_event(event)
    assert tracker[1].status == "pending"
    ours = {"item_id": 2, "status": "in_progress", "batch_id": "ours"}
    assert tracker.apply_records([1, 2], [payload, ours])
    assert (tracker[1].lost, tracker[1].replaced) == (True, True)
    assert (tracker[2].word, tracker[2].replaced) == ("in_progress", False)
    # What is said of it later is about the other job, too.
    assert not tracker.update(read_state(payload))


def test_a_session_is_remembered_when_it_is_first_seen():
    tracker = JobTracker([1], {1: "ours"})
    seen = {"item_id": 1, "batch_id": "ours", "status": "pending", "session_id": "s"}
    tracker.update(read_state(seen))
    assert not tracker.owns(read_state({**seen, "session_id": "other"}))
    # Summaries have no session, and others' jobs are redacted.
    for hidden in ({"session_id": None}, {"session_id": "redacted"}):
        assert tracker.owns(read_state({**seen, **hidden}))
    assert tracker.owns(read_state({**seen, "batch_id": "redacted"}))


def test_of_one_sequence_the_first_status_counts():
    tracker = JobTracker([1])
    apply_status(tracker, 1, "in_progress", 2)
    assert apply_status(tracker, 1, "waiting", 2) is False
    assert tracker[1].status == "in_progress"


def test_the_words_of_a_failure_are_not_replaced_by_none_or_by_others():
    tracker = JobTracker([1])
    words = {"error_type": "A", "error_message": "a", "error_traceback": "t"}
    apply_status(tracker, 1, "failed", 2, **words)
    for later in ({}, {"error_type": "B", "error_message": "b"}):
        apply_status(tracker, 1, "failed", 2, **later)
        state = tracker[1]
        assert (state.error_type, state.error_message) == ("A", "a")
        assert state.error_traceback == "t"


def test_jobs_that_ended_are_told_once_in_the_order_they_ended():
    tracker = JobTracker([1, 2, 3])
    apply_status(tracker, 3, "completed", 2)
    apply_status(tracker, 2, "in_progress", 1)
    tracker.mark_lost([1])
    assert tracker.take_finished() == [3, 1]
    assert tracker.take_finished() == []
    assert tracker.finished == (1, 3)
    assert tracker.unfinished == (2,)
    assert tracker.counts == {"completed": 1, "in_progress": 1, "lost": 1}


def test_what_moved_nothing_says_so():
    tracker = JobTracker([1])
    assert tracker.mark_lost([]) is False
    assert tracker.mark_lost([9]) is False
    assert tracker.apply_records([1], [{"item_id": 1, "status": "pending"}]) is False
    assert tracker.apply_records([], [{"no": "state"}]) is False


def test_either_a_move_or_a_loss_is_a_move():
    moved = [{"item_id": 1, "status": "in_progress"}]
    assert JobTracker([1]).apply_records([1], moved) is True
    assert JobTracker([1]).apply_records([1], []) is True
