"""Ctrl-C at any line of a blocking call: it comes out, and nothing is left behind."""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from faults.rig.workflows import blank
from invokeai_py_client.client import InvokeAIClient
from invokeai_py_client.simulator import SimulatedServer

# Of the event socket, while the client is open.
HUB = ("ivk-events", "Thread")

pytestmark = [pytest.mark.filterwarnings("error"), pytest.mark.slow]

# Python itself drops what is raised where an object is collected.
IGNORED = ("_remove", "__del__", "__call__")


class Interruption:
    """Raises KeyboardInterrupt at the line number `count` that is run from now on."""

    def __init__(self, count):
        self.left = count
        self.where = None

    def __enter__(self):
        self._before = sys.gettrace()
        sys.settrace(self._trace)
        return self

    def __exit__(self, *_):
        sys.settrace(self._before)

    def _trace(self, frame, event, argument):
        if frame.f_code.co_name in IGNORED:
            return None
        if event == "line":
            self.left -= 1
            if self.left == 0:
                sys.settrace(None)
                code = frame.f_code
                self.where = f"{code.co_filename}:{frame.f_lineno} {code.co_name}"
                raise KeyboardInterrupt
        return self._trace


@pytest.fixture(scope="module")
def server():
    with SimulatedServer(job_delay=0.01) as running:
        yield running


def is_idle(client):
    """No job waits, and none runs."""
    counts = client.queue_repo.get_queue_status().queue
    return counts.pending + counts.in_progress == 0


def calls(server, folder):
    """Each call by its name, made anew for each try."""

    def upload(client):
        client.image_repo.upload_image(folder / "small.png")

    def download(client):
        name = client.image_repo.list_images(limit=1)[0]
        client.image_repo.download_image(name, folder / "saved.png")

    def listen(client):
        next(iter(client.events("queue_item_status_changed", "connect")), None)

    def submit(client):
        client.workflow_repo.create_workflow(blank()).submit(width=8)

    def run(client):
        client.workflow_repo.create_workflow(blank()).run(width=8, on_progress=print)

    return {
        "version": lambda client: client.server_version(),
        "check": lambda client: client.check(),
        "gathered": lambda client: client.image_repo.get_images([]),
        "upload": upload,
        "download": download,
        "submit": submit,
        "run": run,
        "close": lambda client: client.close(),
    }


NAMES = ["version", "check", "gathered", "upload", "download", "submit", "run", "close"]


@pytest.mark.parametrize("name", NAMES)
def test_ctrl_c_at_any_line_comes_out_and_leaves_nothing(
    server, tmp_path, monkeypatch, name, capsys
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    make_png(tmp_path / "small.png")
    call = calls(server, tmp_path)[name]
    client = InvokeAIClient(server.url)
    client.queue_repo.resume_processor()
    client.image_repo.upload_image(tmp_path / "small.png")
    call(client)
    if name == "submit":
        assert settled(partial(is_idle, client))
        client.queue_repo.pause_processor()
    count, step, interrupted = 0, 1, 0
    while True:
        count += step
        # Every line at first, then ever fewer of the many that only compile.
        step = 1 if count < 200 else step + 1
        if name == "close":
            client = InvokeAIClient(server.url)
            client.check()
        files = {*tmp_path.rglob("*"), tmp_path / "saved.png"}
        allowed = {*names_of_threads(), *HUB}
        interruption = Interruption(count)
        began = time.monotonic()
        try:
            with interruption:
                call(client)
        except KeyboardInterrupt:
            interrupted += 1
        else:
            assert interruption.left > 0, interruption.where
        where = interruption.where
        assert time.monotonic() - began < 5, where
        assert set(tmp_path.rglob("*")) <= files, where
        if name == "close":
            client.close()
        assert settled(partial(only_threads, allowed)), where
        if interruption.left > 0:
            break
        assert where is not None
        if name in ("submit", "run"):
            # The caller has no handle of them.
            assert settled(partial(is_idle, client)), where
        # The client is as good as before.
        assert name == "close" or client.server_version(), where
    client.close()
    assert settled(lambda: not {*names_of_threads()} & {*HUB, "ivk-call"})
    assert interrupted > 20


def settled(condition):
    deadline = time.monotonic() + 10
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def names_of_threads():
    alive = [thread.name for thread in threading.enumerate() if thread.is_alive()]
    return sorted(
        name.partition("-")[0] if "Thread" in name else name for name in alive
    )


def only_threads(allowed):
    return set(names_of_threads()) <= allowed


def make_png(path: Path):
    from PIL import Image

    Image.new("RGB", (8, 8)).save(path)
