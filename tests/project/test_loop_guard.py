"""Tests of `tests/support/loop_guard.py`: event loops are closed by who made them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from paths import REPOSITORY

COMMAND = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
COMMAND += ["-p", "loop_guard", "-o", "asyncio_mode=auto", "-W", "error"]


def outcome(folder: Path, source: str) -> tuple[int, str]:
    """How pytest ends for a file of tests, and what it prints."""
    (folder / "test_loops.py").write_text(source)
    (folder / "pytest.ini").write_text(
        "[pytest]\nasyncio_default_fixture_loop_scope = function\n"
        f"pythonpath = {REPOSITORY / 'tests' / 'support'}\n"
    )
    ended = subprocess.run(
        COMMAND, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    return ended.returncode, ended.stdout + ended.stderr


def test_a_loop_for_the_tests_on_asyncio_is_not_lost_by_asyncio_run(tmp_path):
    code, printed = outcome(
        tmp_path,
        """
import asyncio
import gc

async def nothing():
    pass

async def test_on_asyncio():
    pass

def test_that_ends_with_no_current_loop():
    asyncio.run(nothing())

def test_that_collects_garbage():
    gc.collect()
""",
    )
    assert code == 0, printed


def test_the_test_that_leaves_a_loop_open_is_the_one_that_fails(tmp_path):
    code, printed = outcome(
        tmp_path,
        """
import asyncio
import loop_guard

loop_guard.PATIENCE = 0.1
kept = []

def test_tidy():
    asyncio.new_event_loop().close()

def test_untidy():
    kept.append(asyncio.new_event_loop())

def test_after_it():
    kept.pop().close()
""",
    )
    assert code == 1
    assert "test_untidy left an event loop open" in printed
    assert "3 passed, 1 error" in printed
