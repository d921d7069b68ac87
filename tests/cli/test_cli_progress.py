"""The progress of a sweep: a bar with lines below it, or a line a minute."""

from __future__ import annotations

import io
import re
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest

from invokeai_py_client.cli import progress as progress_module
from invokeai_py_client.cli.progress import SweepDisplay
from invokeai_py_client.cli.render import Renderer
from invokeai_py_client.sweep import ServerProgress, SweepProgress

FARM = tuple(ServerProgress(f"http://gpu{n}:9090", 100 * n, 51) for n in range(20))
HALF = SweepProgress(
    *(10_000, 5644, 153, 4200, 3, 0, 2, 0),
    rate=0.82,
    eta=46_743.0,
    servers=(ServerProgress("http://gpu0:9090", 12, 0, is_reachable=False), *FARM[1:]),
)


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self):
        return True


@pytest.fixture
def renderer(monkeypatch):
    """Makes a renderer that writes what is not the result to a stream."""

    def make(stream):
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "80")
        monkeypatch.delenv("NO_COLOR", raising=False)
        monkeypatch.setattr(sys, "stderr", stream)
        return Renderer(as_json=False, verbose=False)

    return make


def test_a_terminal_shows_a_bar_the_counts_and_each_server(renderer):
    screen = Screen()
    with SweepDisplay(renderer(screen), "a very long name of a folder") as display:
        display.update(HALF)
        display._bar.refresh()
    frames = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen.getvalue()).split("\r")
    shown = max(frames, key=len).splitlines()
    lines = [line.rstrip() for line in shown if line.strip()]
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("a very long name of… ━")
    assert lines[0].endswith("12 h 59 min left")
    assert " 42% " in lines[0]
    assert lines[1:4] == [
        "  4200 of 10000 done, 3 failed, 153 sent, 5644 todo, 2 reruns · 49 per minute",
        "  http://gpu0:9090: 12 done, out of reach",
        "  http://gpu1:9090: 100 done, 51 in flight",
    ]
    assert lines[-1] == "  and 9 more servers"


@pytest.mark.parametrize(
    ("servers", "last"),
    [
        (12, "http://gpu11:9090: 1100 done, 51 in flight"),
        (13, "and 2 more servers"),
    ],
)
def test_a_line_counts_servers_that_would_take_several(renderer, servers, last):
    with SweepDisplay(renderer(Screen()), "s") as display:
        display.update(replace(HALF, servers=FARM[:servers]))
        assert display._bar.lines[-1].plain == f"  {last}"
        assert len(display._bar.lines) == 13


def test_one_server_has_no_line_of_its_own(renderer):
    screen = Screen()
    with SweepDisplay(renderer(screen), "s") as display:
        display.update(SweepProgress(2, 0, 1, 1, 0, 0, 0, 0, servers=FARM[:1]))
        display._bar.refresh()
    assert "1 of 2 done" in screen.getvalue()
    assert "gpu0" not in screen.getvalue()


def test_a_log_gets_a_line_a_minute(renderer, monkeypatch):
    clock = SimpleNamespace(moment=1000.0)
    clock.monotonic = lambda: clock.moment
    monkeypatch.setattr(progress_module, "time", clock)
    log = io.StringIO()
    with SweepDisplay(renderer(log), "s") as display:
        for seconds in (0.0, 59.0, 2.0, 30.0, 31.0):
            clock.moment += seconds
            display.update(HALF)
    lines = log.getvalue().splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("s: 4200 of 10000 done, 3 failed")
    assert lines[0].endswith("12 h 59 min left")


@pytest.mark.parametrize(
    ("rate", "words"),
    [(153.2, "153 per second"), (4.26, "4.3 per second"), (0.05, "3 per minute")],
)
def test_a_pace_is_told_in_numbers_people_read(rate, words):
    assert progress_module._pace(rate) == words
