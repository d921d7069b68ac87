"""Every wait of the client survives the same things, and none goes on forever."""

from __future__ import annotations

import io
import zipfile

import pytest
from flow_play import Play
from media_files import PNG
from queue_double import READ

from invokeai_py_client._core.events import ConnectionEvent
from invokeai_py_client._core.messages import Subscribe
from invokeai_py_client._core.server_events import parse_event
from invokeai_py_client.admin import image_move
from invokeai_py_client.exceptions import APIConnectionError, JobTimeoutError
from invokeai_py_client.image import bulk_flows
from invokeai_py_client.model import install_flows
from invokeai_py_client.queue import wait_flows as queue_waits, watch_flows
from invokeai_py_client.queue.flows import JobRef
from invokeai_py_client.workflow.jobs.submission_record import (
    SubmissionRecord,
    SubmittedJob,
)
from invokeai_py_client.workflow.waiting import wait_flows

RECORD = SubmissionRecord("b", "default", (SubmittedJob(1, 0),), 1)
ENDS_AT = 40.0
NEVER = float("inf")
WEB_PAGE = (200, b"<!DOCTYPE html>")
FAULTS = {
    "connection cut": APIConnectionError("connection reset"),
    "503": (503, {"detail": "starting"}),
    "web page": WEB_PAGE,
    "500": (500, {"detail": "database is locked"}),
}


class Server(Play):
    """A server on which everything ends at one moment, behind a bad network.

    Attributes:
        ends_at: When the job, the installation, the move and the zip are done.
        fault: What answers requests between `fault_from` and `fault_until`.
        socket_from: When the event socket comes up.
        answer_seconds: How long an answer takes.
    """

    def __init__(self, *, socket_from=0.0, ends_at=ENDS_AT):
        super().__init__(self.reply)
        self.ends_at = ends_at
        self.socket_from = socket_from
        self.fault = None
        self.fault_from, self.fault_until = 0.0, 0.0
        self.answer_seconds = 0.01
        if ends_at != NEVER:
            self.events = [(ends_at, event) for event in ENDS]

    @property
    def is_over(self):
        return self.time >= self.ends_at

    @property
    def status(self):
        return "completed" if self.is_over else "in_progress"

    def cut(self, fault, start, end):
        self.fault, self.fault_from, self.fault_until = fault, start, end
        return self

    def _perform(self, message):
        if isinstance(message, Subscribe):
            if self.time < self.socket_from:
                return None
            self.events = [
                (moment, event)
                for moment, event in self.events
                if isinstance(event, ConnectionEvent) or message.accepts(event)
            ]
            return object()
        return super()._perform(message)

    def reply(self, request):
        limit = 60.0 if request.timeout is None else request.timeout
        if request.deadline is not None:
            limit = min(limit, request.deadline - self.time)
        self.time += min(self.answer_seconds, limit)
        if self.answer_seconds > limit:
            return APIConnectionError("no answer in time")
        if self.fault_from <= self.time < self.fault_until:
            return self.fault
        return 200, self.body(request)

    def body(self, request):
        *_, tail = request.path.split("/")
        if tail == "download" and self.is_over:
            self.events.append((self.time + 1, ENDS[-1]))
        row = {"item_id": 1, "batch_id": "b", "status": self.status}
        bodies = {
            "item_summaries_by_ids": [row],
            "items_by_ids": [row],
            "item_ids": {"item_ids": [1]},
            "next": None,
            "1": {**row, "session": {"id": "s", "results": {}}},
            "status": self.status_body(request.path),
            "3": self.installation(),
            "download": {"bulk_download_item_name": "1.zip"},
            "images_by_names": [{"image_name": "a.png", "image_category": "user"}],
            "full": PNG,
            "1.zip": zip_file(),
        }
        return bodies[tail]

    def status_body(self, path):
        if "image_moves" in path:
            return {"is_running": not self.is_over}
        return {
            "queue": {self.status: 1, "item_id": None if self.is_over else 1},
            "processor": {"is_started": True, "is_processing": not self.is_over},
        }

    def installation(self):
        status = self.status.replace("in_progress", "running")
        config = {"key": "k", "name": "m", "type": "main", "base": "sd-1"}
        return {"id": 3, "source": {}, "status": status, "config_out": config}


def zip_file():
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("user/a.png", PNG)
    return sink.getvalue()


ENDS = [
    parse_event(
        "queue_item_status_changed",
        {"item_id": 1, "batch_id": "b", "queue_id": "default", "status": "completed"},
    ),
    parse_event("model_install_complete", {"id": 3}),
    parse_event("bulk_download_complete", {"bulk_download_item_name": "1.zip"}),
]


WAITS = {
    "submission": lambda timeout, _: wait_flows.wait(RECORD, READ, timeout=timeout),
    "queue idle": lambda timeout, _: queue_waits.wait_until_idle("default", timeout),
    "installation": lambda timeout, _: install_flows.wait_install(3, timeout, None),
    "installation's states": lambda timeout, _: install_flows.watch_install(3, timeout),
    "image move": lambda timeout, _: image_move.wait_flow(timeout),
    "zip": lambda timeout, folder: bulk_flows.download_zip(
        folder / "x.zip", names=["a.png"], timeout=timeout
    ),
}
STREAMS = {
    "submission's events": lambda *_: wait_flows.stream_events(RECORD),
    "queue watch": lambda *_: watch_flows.watch("default", None, True),
    "job watch": lambda *_: watch_flows.watch("default", JobRef(1), False),
}
LONGEST_POLL = 5.5


@pytest.fixture(params=[*WAITS, *STREAMS])
def start(request, tmp_path):
    """Make the flow of each wait, without a timeout."""
    return lambda: {**WAITS, **STREAMS}[request.param](None, tmp_path)


@pytest.fixture(params=WAITS)
def start_timed(request, tmp_path):
    """Make the flow of each wait that has a timeout."""
    return lambda timeout: WAITS[request.param](timeout, tmp_path)


@pytest.mark.parametrize("socket_from", [0.0, 7.0, NEVER])
def test_a_socket_that_is_there_late_or_missing_decides_only_how_fast(
    start, socket_from
):
    server = Server(socket_from=socket_from)
    server.run(start())
    assert server.time < ENDS_AT + LONGEST_POLL


@pytest.mark.parametrize("socket_from", [0.0, NEVER])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("begin", "end"), [(0.0, 30.0), (10.0, 50.0)])
def test_a_server_that_is_away_for_some_time_is_waited_for(
    request, start, fault, begin, end, socket_from
):
    if socket_from and "[zip" in request.node.name:
        pytest.skip("without an event socket a zip is put together here, at once")
    server = Server(socket_from=socket_from).cut(FAULTS[fault], begin, end)
    server.run(start())
    assert server.time < max(end, ENDS_AT) + LONGEST_POLL


@pytest.mark.parametrize("fault", FAULTS)
def test_a_server_that_stays_away_ends_every_wait_after_a_minute(start, fault):
    server = Server(ends_at=NEVER).cut(FAULTS[fault], 0.0, NEVER)
    with pytest.raises(APIConnectionError, match="gave up waiting for"):
        server.run(start())
    assert 60 <= server.time < 75


@pytest.mark.parametrize("timeout", [0.0, 0.3, 12.0])
def test_a_wait_ends_when_its_time_is_over(start_timed, timeout):
    server = Server(ends_at=NEVER)
    with pytest.raises(JobTimeoutError, match=f"timed out after {timeout:g} s"):
        server.run(start_timed(timeout))
    assert timeout <= server.time < timeout + 0.2


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wait_ends_in_time_although_the_server_is_away(start_timed, fault):
    server = Server(ends_at=NEVER).cut(FAULTS[fault], 0.0, NEVER)
    with pytest.raises(JobTimeoutError, match="the server does not answer"):
        server.run(start_timed(12))
    assert 12 <= server.time < 12 + LONGEST_POLL


def test_a_wait_ends_in_time_although_requests_hang(start_timed):
    server = Server(ends_at=NEVER)
    server.answer_seconds = 100.0
    with pytest.raises(JobTimeoutError):
        server.run(start_timed(12))
    assert 12 <= server.time < 12 + LONGEST_POLL


def test_what_ends_in_the_last_pause_before_the_timeout_counts(start_timed):
    server = Server(ends_at=12.0, socket_from=0.0)
    server.run(start_timed(12.0))
    assert server.time < 13


def test_a_server_that_asks_for_patience_does_not_hold_up_a_wait(start_timed):
    """`Retry-After: 30` is for those who have no timeout."""
    server = Server(ends_at=NEVER).cut((503, {"detail": "later"}), 0.0, NEVER)
    reply = server._reply

    def with_header(request):
        answer = reply(request)
        answer.headers["retry-after"] = "30"
        return answer

    server._reply = with_header
    with pytest.raises(JobTimeoutError):
        server.run(start_timed(3))
    assert server.time < 3 + LONGEST_POLL


def test_a_socket_that_comes_back_makes_every_wait_ask_at_once(start):
    server = Server(ends_at=36.0)
    server.events = [
        (30.0, parse_event("disconnect", {})),
        (36.1, parse_event("connect", {})),
    ]
    server.run(start())
    assert server.time < 36.1 + 2
