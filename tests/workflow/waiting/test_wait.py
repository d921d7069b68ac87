"""Waiting: every wait ends, and what it says is what the server says."""

from __future__ import annotations

from collections import deque
from fractions import Fraction

import pytest
from queue_double import READ, Fault, MailboxDouble, QueueDouble, drive, reply

from invokeai_py_client.exceptions import (
    APIConnectionError,
    AuthenticationError,
    JobCanceledError,
    JobFailedError,
    JobTimeoutError,
)
from invokeai_py_client.models import JobStatus
from invokeai_py_client.workflow.jobs.batch_request import BatchRequest
from invokeai_py_client.workflow.jobs.result_names import NodeTitle, ResultNames
from invokeai_py_client.workflow.jobs.submission_record import (
    SubmissionRecord,
    SubmittedJob,
)
from invokeai_py_client.workflow.submitting.take_back_flows import take_back
from invokeai_py_client.workflow.waiting.wait_flows import (
    cancel,
    get_status,
    stream_events,
    wait,
)

LEGEND = ResultNames(nodes={"n": NodeTitle("blank", "Blank", "blank_image")})


def session(name):
    return {
        "id": "session-1",
        "graph": {"nodes": {"n": {"id": "n", "type": "blank_image"}}, "edges": []},
        "results": {"p": {"type": "image_output", "image": {"image_name": name}}},
        "prepared_source_mapping": {"p": "n"},
    }


class Bench:
    """A queue with some jobs of one batch, and an event socket."""

    def __init__(self, jobs=1, events=True):
        self.queue = QueueDouble()
        self.queue.extra_routes["/api/v1/images/images_by_names"] = lambda request: [
            {"image_name": name, "width": 8, "height": 8, "session_id": "session-1"}
            for name in request.json["image_names"]
        ]
        self.ids = [self.queue.add("batch-1") for _ in range(jobs)]
        self.mailbox = MailboxDouble() if events else None
        self.record = SubmissionRecord(
            "batch-1",
            "default",
            tuple(SubmittedJob(item, n) for n, item in enumerate(self.ids)),
            jobs,
            LEGEND,
        )

    def move(self, when, item_id, status, tell=True, **more):
        """Let a job change at a moment, and send the event of it."""

        def act():
            row = self.queue.move(item_id, status, **more)
            if tell and self.mailbox is not None:
                row.pop("session", None)
                name = "queue_item_status_changed"
                self.mailbox.post(self.queue.time, name, row)

        self.queue.at(when, act)

    def finish(self, when, item_id, **more):
        self.move(when, item_id, "completed", session=session(f"{item_id}.png"), **more)

    def wait(self, **options):
        return drive(wait(self.record, READ, **options), self.queue, self.mailbox)


def test_an_event_ends_the_wait_at_once():
    bench = Bench()
    bench.move(1.0, 1, "in_progress")
    bench.finish(3.0, 1)
    result = bench.wait()
    assert result.image.image_name == "1.png"
    assert bench.queue.time < 3.2


def test_without_a_socket_polling_finishes_the_job():
    bench = Bench(events=False)
    bench.finish(3.0, 1)
    assert bench.wait().image.image_name == "1.png"
    assert bench.queue.time < 5.5


def test_an_event_that_never_came_costs_one_pause():
    bench = Bench()
    bench.finish(30.0, 1, tell=False)
    bench.wait()
    assert bench.queue.time < 36


def test_a_job_that_finished_before_listening_is_seen_at_once():
    bench = Bench()
    bench.queue.move(1, "completed", session=session("1.png"))
    bench.wait()
    assert bench.queue.time < 0.2


def test_a_restart_that_cancels_silently_is_noticed():
    bench = Bench()
    bench.queue.faults = deque([None] + [Fault("refused")] * 8)
    bench.move(1.0, 1, "canceled", tell=False)
    with pytest.raises(JobCanceledError, match="restart of the server"):
        bench.wait()


@pytest.mark.parametrize("event", ["queue_cleared", "queue_items_canceled"])
def test_a_cleared_queue_ends_the_wait(event):
    bench = Bench()

    def clear():
        bench.queue.rows.clear()
        bench.mailbox.post(bench.queue.time, event, {"queue_id": "default"})

    bench.queue.at(2.0, clear)
    with pytest.raises(JobCanceledError, match="deleted from the queue"):
        bench.wait()
    assert bench.queue.time < 2.5


def test_a_deleted_job_ends_the_wait_without_any_event():
    bench = Bench(events=False)
    bench.queue.at(2.0, bench.queue.rows.clear)
    with pytest.raises(JobCanceledError, match="deleted"):
        bench.wait()
    assert bench.queue.time < 5


def test_a_failure_names_node_and_words_and_keeps_what_succeeded():
    bench = Bench(jobs=2)
    bench.finish(1.0, 1)
    failed = {
        **session("x.png"),
        "results": {},
        "errors": {"p": "ZeroDivisionError: division by zero"},
    }
    bench.move(
        2.0,
        2,
        "failed",
        session=failed,
        error_type="ZeroDivisionError",
        error_message="division by zero",
        error_traceback="Traceback…",
    )
    with pytest.raises(JobFailedError) as caught:
        bench.wait()
    error = caught.value
    assert (error.node_id, error.node_type) == ("n", "blank_image")
    assert "'Blank'" in str(error)
    assert "1 of 2 jobs completed" in str(error)
    assert error.traceback == "Traceback…"
    assert error.job.item_id == 2
    assert [image.image_name for image in error.result.images] == ["1.png"]


def test_check_false_returns_what_there_is():
    bench = Bench(jobs=2)
    bench.finish(1.0, 1)
    bench.move(2.0, 2, "canceled")
    result = bench.wait(check=False)
    assert [job.status for job in result.jobs] == ["completed", "canceled"]
    assert isinstance(result.jobs[1].error, JobCanceledError)
    assert result.jobs[0].error is None


def test_a_timeout_ends_the_wait_in_time_and_reports_what_is_done():
    bench = Bench(jobs=2)
    bench.finish(1.0, 1)
    with pytest.raises(JobTimeoutError, match="1 completed") as caught:
        bench.wait(timeout=10)
    assert 10 <= bench.queue.time < 11
    assert [image.image_name for image in caught.value.result.images] == ["1.png"]
    assert bench.queue.rows[2]["status"] == "pending"


def test_a_timeout_is_any_real_number():
    bench = Bench(jobs=1)
    with pytest.raises(JobTimeoutError, match=r"timed out after 2.5 s"):
        bench.wait(timeout=Fraction(5, 2))
    assert 2.5 <= bench.queue.time < 3.5


def test_a_timeout_says_why_nothing_moved():
    bench = Bench()
    bench.queue.started = False
    with pytest.raises(JobTimeoutError, match="the processor is paused"):
        bench.wait(timeout=20)


def test_what_ended_in_the_last_pause_before_the_timeout_counts():
    bench = Bench(events=False)
    bench.finish(9.99, 1)
    result = bench.wait(timeout=10)
    assert result.image.image_name == "1.png"
    assert 9.9 < bench.queue.time < 10.5


@pytest.mark.parametrize("was_new", [True, False])
def test_a_server_that_becomes_another_version_during_a_wait_is_asked_its_way(was_new):
    bench = Bench()
    bench.queue.has_summaries = was_new
    bench.queue.shared.version = "6.14.2" if was_new else "6.13.0"
    bench.queue.at(3.0, lambda: setattr(bench.queue, "has_summaries", not was_new))
    bench.move(4.0, 1, "in_progress", tell=False)
    bench.finish(9.0, 1)
    assert bench.wait(timeout=30).image.image_name == "1.png"


def test_an_error_of_the_callback_is_not_a_server_failure():
    bench = Bench()
    bench.queue.started = False

    def on_progress(step):
        if step.why is not None:
            raise APIConnectionError("the callback's own server is away")

    with pytest.raises(APIConnectionError, match="callback's own"):
        bench.wait(timeout=60, on_progress=on_progress)
    assert bench.queue.time < 20


def test_a_timeout_while_the_server_is_away_says_so():
    bench = Bench()
    bench.queue.faults = deque([None, *[Fault("refused")] * 50])
    seen = []
    with pytest.raises(JobTimeoutError, match="the server does not answer") as found:
        bench.wait(timeout=10, on_progress=seen.append)
    assert isinstance(found.value.__cause__, APIConnectionError)
    assert any(step.why and "does not answer" in step.why for step in seen)


def test_a_server_that_stays_away_ends_the_wait_after_a_minute():
    bench = Bench()
    bench.queue.faults = deque([Fault("refused")] * 500)
    with pytest.raises(APIConnectionError, match="gave up waiting for batch") as found:
        bench.wait()
    assert isinstance(found.value.__cause__, APIConnectionError)
    assert 60 <= bench.queue.time < 75


def test_a_server_that_comes_back_is_waited_for():
    bench = Bench()
    bench.finish(1.0, 1, tell=False)
    bench.queue.faults = deque([None, *[Fault("503"), Fault("html")] * 5])
    assert bench.wait().image.image_name == "1.png"


def test_a_refused_login_is_not_retried():
    bench = Bench()
    bench.queue.handle = lambda request: reply(request, 401, b'{"detail": "no"}')
    with pytest.raises(AuthenticationError):
        bench.wait()


def test_duplicated_and_late_events_change_nothing():
    bench = Bench()
    for moment in (1.0, 1.5, 2.0):
        old = {"item_id": 1, "status": "in_progress", "status_sequence": 1}
        bench.mailbox.post(moment, "queue_item_status_changed", old)
    bench.move(0.5, 1, "in_progress")
    bench.finish(2.5, 1)
    assert bench.wait().jobs[0].status is JobStatus.COMPLETED


def test_sessions_are_read_as_jobs_end_so_that_pruning_loses_nothing():
    bench = Bench(jobs=2)
    bench.finish(1.0, 1)
    bench.queue.at(2.0, lambda: bench.queue.rows.pop(1))
    bench.finish(3.0, 2)
    result = bench.wait()
    assert [image.image_name for image in result.images] == ["1.png", "2.png"]


def test_many_jobs_are_followed_by_their_counts():
    bench = Bench(jobs=300, events=False)
    for item_id in bench.ids:
        bench.finish(item_id * 0.5, item_id)
    result = bench.wait()
    assert len(result.images) == 300
    listings = sum("item_summaries" in path for _, path in bench.queue.requests)
    statuses = sum("/b/" in path for _, path in bench.queue.requests)
    assert listings <= statuses + 20


def test_jobs_that_events_tell_of_are_seldom_asked_for():
    bench = Bench(jobs=300)
    for item_id in bench.ids:
        bench.finish(item_id * 0.5, item_id)
    assert len(bench.wait().images) == 300
    listings = [path for _, path in bench.queue.requests if "item_summaries" in path]
    # 150 s with a poll every 5 s, of which each fifth asks for every job.
    assert len(listings) <= 12


def test_an_event_that_got_lost_among_others_costs_one_pause():
    bench = Bench(jobs=30)
    for item_id in bench.ids:
        bench.finish(item_id * 0.5, item_id, tell=item_id != 30)
    assert len(bench.wait().images) == 30
    assert bench.queue.time < 15 + 5.5


def test_polls_that_take_long_are_made_less_often():
    bench = Bench(jobs=300, events=False)
    for item_id in bench.ids:
        bench.finish(item_id * 0.5, item_id)
    bench.queue.request_seconds = 0.5
    assert len(bench.wait().images) == 300
    polls = sum("/b/" in path for _, path in bench.queue.requests)
    # At least 1 s each, and three times as long until the next.
    assert polls <= 150 / 4


def test_the_callback_sees_progress_that_never_goes_back():
    bench = Bench()
    progress = {
        "item_id": 1,
        "batch_id": "batch-1",
        "invocation_source_id": "n",
        "invocation": {"type": "blank_image"},
        "message": "Denoising",
        "percentage": 0.5,
        "image": {"width": 8, "height": 8, "dataURL": "data:image/png;base64,AAAA"},
    }
    bench.move(0.5, 1, "in_progress")
    bench.mailbox.post(1.0, "invocation_progress", progress)
    bench.mailbox.post(1.5, "invocation_complete", progress)
    bench.finish(2.0, 1)
    seen = []
    bench.wait(on_progress=seen.append)
    fractions = [step.fraction for step in seen]
    assert fractions == sorted(fractions)
    assert (seen[-1].fraction, seen[-1].finished, seen[-1].total) == (1.0, 1, 1)
    denoising = next(step for step in seen if step.step == 0.5)
    assert (denoising.node_name, denoising.message) == ("Blank", "Denoising")
    assert denoising.preview.content == b"\0\0\0"


def test_what_a_short_job_told_is_heard_although_a_poll_was_first():
    bench = Bench()
    told = {
        "item_id": 1,
        "batch_id": "batch-1",
        "invocation_source_id": "n",
        "invocation": {"type": "blank_image"},
        "percentage": 0.5,
        "image": {"width": 8, "height": 8, "dataURL": "data:image/png;base64,AAAA"},
    }
    bench.mailbox.post(0.0, "invocation_progress", told)
    bench.queue.move(1, "completed", session=session("1.png"))
    seen = []
    bench.wait(on_progress=seen.append)
    assert {step.preview.content for step in seen if step.preview} == {b"\0\0\0"}
    assert [step.fraction for step in seen] == sorted(step.fraction for step in seen)
    assert seen[-1].fraction == 1.0
    assert bench.queue.time < 0.2


def test_the_stream_gives_each_status_once_and_ends():
    bench = Bench(jobs=2)
    bench.move(1.0, 1, "in_progress")
    bench.finish(2.0, 1, tell=False)
    bench.move(3.0, 2, "failed", error_message="no")
    late = {"item_id": 2, "batch_id": "batch-1", "error_message": "no"}
    bench.mailbox.post(3.1, "invocation_error", late)
    events = []
    drive(stream_events(bench.record), bench.queue, bench.mailbox, events)
    statuses = [
        (event.item_id, event.status)
        for event in events
        if event.name == "queue_item_status_changed"
    ]
    assert statuses[0] == (1, "in_progress")
    assert sorted(statuses[1:]) == [(1, "completed"), (2, "failed")]
    assert events[-1].name == "invocation_error"


def test_the_status_counts_the_jobs_and_says_why():
    bench = Bench(jobs=3)
    bench.queue.move(1, "completed")
    bench.queue.rows.pop(2)
    bench.queue.started = False
    status = drive(get_status(bench.record), bench.queue)
    assert status.counts == {"completed": 1, "lost": 1, "pending": 1}
    assert list(status.jobs.values()) == ["completed", "canceled", "pending"]
    assert "paused" in status.why
    assert not status.is_done


def test_cancelling_leaves_finished_jobs_alone():
    bench = Bench(jobs=2)
    bench.queue.move(1, "completed")
    drive(cancel(bench.record), bench.queue)
    assert [row["status"] for row in bench.queue.rows.values()] == [
        "completed",
        "canceled",
    ]


def test_an_interrupted_run_cancels_jobs_that_appear_late():
    queue = QueueDouble()
    queue.at(0.6, lambda: queue.add("batch-1"))
    drive(take_back(BatchRequest("batch-1", graph={})), queue)
    assert [row["status"] for row in queue.rows.values()] == ["canceled"]
