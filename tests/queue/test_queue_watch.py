"""Watching a queue: what a snapshot says, when one comes, and when it ends."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from flow_play import Play

from invokeai_py_client.exceptions import APIConnectionError, NotFoundError
from invokeai_py_client.models import IvkJob
from invokeai_py_client.queue.flows import JobRef
from invokeai_py_client.queue.watch_flows import seconds_per_job, watch

QUEUE = "/api/v1/queue/default/"
START = datetime(2026, 1, 2, tzinfo=timezone.utc)


class SteppingQueue(Play):
    """A queue that takes a step with each look at its status."""

    def __init__(self, *steps):
        super().__init__(self.reply)
        self.steps = list(steps)
        self.rows = {}
        self.started = True

    def reply(self, request):
        verb = request.path.removeprefix(QUEUE)
        if verb == "status":
            if self.steps:
                self.steps.pop(0)(self)
            return 200, self.status()
        if verb == "item_ids":
            return 200, {"item_ids": list(self.rows)}
        if verb.endswith("by_ids"):
            ids = request.json["item_ids"]
            return 200, [self.rows[item] for item in ids if item in self.rows]
        if verb == "next":
            return 200, None
        row = self.rows.get(int(verb.split("/")[1]))
        return (200, row) if row else (404, {"detail": "Queue item not found"})

    def status(self):
        counts = {}
        for row in self.rows.values():
            counts[row["status"]] = counts.get(row["status"], 0) + 1
        running = [
            row["item_id"]
            for row in self.rows.values()
            if row["status"] == "in_progress"
        ]
        return {
            "queue": {**counts, "item_id": running[0] if running else None},
            "processor": {"is_started": self.started, "is_processing": bool(running)},
        }

    def put(self, item_id, status="pending", seconds=None, priority=0):
        row = {
            "item_id": item_id,
            "status": status,
            "batch_id": f"b{priority}" if priority else "b",
            "priority": priority,
            "session": {"id": "s"},
        }
        if seconds is not None:
            row["started_at"] = START.isoformat()
            row["completed_at"] = (START + timedelta(seconds=seconds)).isoformat()
        self.rows[item_id] = row


def steps(*changes):
    """Steps that put jobs: each is a mapping of item id to status."""

    def step(change):
        def take(server):
            for item_id, status in change.items():
                seconds = 4.0 if status == "completed" else None
                server.put(item_id, status, seconds)

        return take

    return [step(change) for change in changes]


def test_a_snapshot_comes_when_something_changed_and_not_otherwise():
    server = SteppingQueue(
        *steps({1: "pending"}, {}, {}, {1: "in_progress"}, {}, {1: "completed"})
    )
    found = server.stream(watch("default", None, True))
    assert [(item.pending, item.in_progress) for item in found] == [
        (1, 0),
        (0, 1),
        (0, 0),
    ]
    assert found[1].current.item_id == 1
    assert found[-1].status.is_idle
    assert found[-1].message == "idle"


def test_the_estimate_is_the_pace_times_what_is_left():
    server = SteppingQueue(
        *steps({1: "completed", 2: "completed", 3: "in_progress", 4: "pending"}),
        *steps({3: "completed", 4: "completed"}),
    )
    first = server.stream(watch("default", None, True))[0]
    assert (first.seconds_per_job, first.estimate) == (4.0, 8.0)
    assert first.message == "1 running, 1 pending, about 8 s"


def test_without_a_completed_job_there_is_no_estimate():
    server = SteppingQueue(
        *steps({1: "in_progress", 2: "pending"}, {1: "failed", 2: "failed"})
    )
    found = server.stream(watch("default", None, True))
    assert {item.estimate for item in found} == {None}


def test_who_is_ahead_is_listed_in_order_of_running():
    server = SteppingQueue(lambda server: None, *steps({5: "completed"}))
    server.put(3, "in_progress")
    server.put(1)
    server.put(2, priority=7)
    server.put(4, priority=1)
    server.put(5, priority=1)
    server.put(6, priority=9, status="completed")
    found = server.stream(watch("default", JobRef(5), False))
    assert [job.item_id for job in found[0].ahead] == [3, 2, 4]
    assert all(job.session is None for job in found[0].ahead)
    assert found[0].job.session is None
    assert found[0].message.startswith("3 jobs ahead of job 5")
    # It ends with the job, whatever else is in the queue.
    assert found[-1].message == "job 5 is completed"


def test_a_blocked_queue_reports_the_reason_and_no_estimate():
    server = SteppingQueue(*steps({1: "completed", 2: "pending"}))
    server.started = False
    server.steps += [lambda server: None, lambda server: server.put(2, "canceled")]
    found = server.stream(watch("default", JobRef(2), False))[0]
    assert "paused" in found.blocked_by
    assert found.estimate is None


def test_a_job_that_is_not_there_is_an_error():
    with pytest.raises(NotFoundError):
        SteppingQueue().run(watch("default", JobRef(5), False))


def test_a_short_outage_is_lived_through():
    server = SteppingQueue(*steps({1: "pending"}, {1: "completed"}))
    reply, faults = server.answer, [0, 1, 1, 1, 1, 1, 1, 1, 1]

    def flaky(request):
        if faults and faults.pop(0):
            raise APIConnectionError("away")
        return reply(request)

    server.answer = flaky
    found = server.stream(watch("default", None, True))
    assert found[-1].status.is_idle


def test_an_outage_of_more_than_a_minute_ends_it():
    server = SteppingQueue()
    server.answer = lambda request: APIConnectionError("away")
    with pytest.raises(APIConnectionError):
        server.run(watch("default", None, False))
    assert server.time >= 60


def test_the_pace_is_that_of_the_latest_completed_jobs():
    def job(number, seconds, status="completed"):
        begin = START + timedelta(hours=number)
        return IvkJob(
            item_id=number,
            status=status,
            batch_id="b",
            started_at=begin,
            completed_at=begin + timedelta(seconds=seconds),
        )

    old = [job(number, 100) for number in range(10)]
    new = [job(number, 2) for number in range(10, 30)]
    assert seconds_per_job([*new, *old]) == 2
    assert seconds_per_job([job(1, 5, "failed")]) is None
    assert seconds_per_job([]) is None
