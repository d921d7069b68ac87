"""The tracker: what a mixture of events and answers says about jobs."""

from __future__ import annotations

import pytest

from invokeai_py_client._core.tracker import JobLook, JobTracker, Signal, read_look


def status_event(item_id, status, sequence=None, **more):
    payload = {"item_id": item_id, "status": status, "status_sequence": sequence}
    return {**payload, **more}


def hear(tracker, *args, **more):
    return tracker.hear("queue_item_status_changed", status_event(*args, **more))


def test_jobs_keep_expansion_order_and_start_as_pending():
    tracker = JobTracker([3, 4, 5])
    assert tracker.item_ids == (3, 4, 5)
    assert tracker.unfinished == (3, 4, 5)
    assert tracker.counts == {"pending": 3}
    assert not tracker.is_done


def test_a_higher_sequence_may_go_back_to_pending():
    tracker = JobTracker([1])
    for sequence, status in [(1, "in_progress"), (2, "waiting"), (3, "pending")]:
        assert hear(tracker, 1, status, sequence) is Signal.MOVED
    assert tracker[1].status == "pending"


def test_an_older_sequence_changes_nothing():
    tracker = JobTracker([1])
    hear(tracker, 1, "waiting", 2)
    assert hear(tracker, 1, "in_progress", 1) is Signal.NOTHING
    assert tracker[1].status == "waiting"


def test_a_terminal_status_absorbs_whatever_comes_later():
    tracker = JobTracker([1])
    hear(tracker, 1, "completed", 2)
    hear(tracker, 1, "in_progress", 9)
    hear(tracker, 1, "canceled", None)
    assert tracker[1].status == "completed"
    assert tracker.is_done


def test_without_sequences_the_later_look_counts():
    tracker = JobTracker([1])
    tracker.see(JobLook(1, "in_progress"))
    tracker.see(JobLook(1, "pending"))
    assert tracker[1].status == "pending"


def test_a_look_without_sequence_keeps_the_known_sequence():
    tracker = JobTracker([1])
    hear(tracker, 1, "waiting", 2)
    tracker.see(JobLook(1, "waiting"))
    assert hear(tracker, 1, "in_progress", 1) is Signal.NOTHING


def test_children_of_a_workflow_call_are_ignored():
    tracker = JobTracker([1])
    assert hear(tracker, 2, "completed", 2) is Signal.NOTHING
    assert not tracker.is_done
    assert 2 not in tracker


def test_unknown_statuses_are_kept_and_are_not_the_end():
    tracker = JobTracker([1])
    hear(tracker, 1, "hibernating", 1)
    assert tracker[1].status == "hibernating"
    assert not tracker.is_done


def test_a_deleted_job_is_over_and_counted_as_lost():
    tracker = JobTracker([1, 2])
    assert tracker.lose([1])
    assert not tracker.lose([1])
    assert tracker.finished == (1,)
    assert tracker.counts == {"lost": 1, "pending": 1}


def test_a_late_word_of_the_end_beats_lost():
    tracker = JobTracker([1])
    tracker.lose([1])
    hear(tracker, 1, "completed", 2)
    assert not tracker[1].lost
    assert tracker[1].status == "completed"


def test_a_job_that_ended_is_never_lost():
    tracker = JobTracker([1])
    hear(tracker, 1, "failed", 2)
    assert not tracker.lose([1])
    assert tracker[1].status == "failed"


def test_a_failure_keeps_the_server_s_words_whichever_look_had_them():
    tracker = JobTracker([1])
    tracker.see(JobLook(1, "failed"))
    hear(tracker, 1, "failed", 2, error_type="ValueError", error_message="no")
    assert (tracker[1].error_type, tracker[1].error_message) == ("ValueError", "no")


@pytest.mark.parametrize(
    "name", ["connect", "disconnect", "queue_cleared", "queue_items_canceled"]
)
def test_events_that_may_hide_changes_ask_for_a_look(name):
    assert JobTracker([1]).hear(name, {}) is Signal.LOOK


@pytest.mark.parametrize(
    "payload",
    [{}, {"item_id": "1", "status": "failed"}, {"item_id": 1, "status": None}],
)
def test_a_payload_that_is_no_status_is_no_look(payload):
    assert read_look(payload) is None
    assert JobTracker([1]).hear("queue_item_status_changed", payload) is Signal.NOTHING
