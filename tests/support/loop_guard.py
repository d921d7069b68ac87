"""A pytest plugin: a test that leaves an event loop open fails, and no other does.

A loop that nobody closes is found by the garbage collector, whenever it runs: in some
later test, which then fails for it. So each test is asked for its own loops.
"""

from __future__ import annotations

import asyncio
import time
import weakref
from asyncio.base_events import BaseEventLoop

import pytest

# Threads of servers close their loops soon after they are told to end.
PATIENCE = 30.0


class LoopGuard:
    """Knows every event loop that was made while a test ran."""

    def __init__(self) -> None:
        self.is_active = False
        self._made: list[weakref.ref[BaseEventLoop]] = []
        original = BaseEventLoop.__init__

        def init(loop: BaseEventLoop, *args: object, **options: object) -> None:
            original(loop, *args, **options)
            if self.is_active:
                self._made.append(weakref.ref(loop))

        BaseEventLoop.__init__ = init  # type: ignore[method-assign]

    def take_open(self) -> list[BaseEventLoop]:
        """The loops made since the last call that nobody runs and nobody closed."""
        made, self._made = self._made, []
        deadline = time.monotonic() + PATIENCE
        while True:
            loops = [loop for loop in (ref() for ref in made) if loop is not None]
            left = [
                loop for loop in loops if not (loop.is_closed() or loop.is_running())
            ]
            if not left or time.monotonic() > deadline:
                return left
            del loops, left
            time.sleep(0.01)


guard = LoopGuard()


def pytest_configure() -> None:
    # pytest-asyncio saves "the current loop" around each test, for which asyncio
    # before Python 3.14 makes one that nobody closes. There is none from here on.
    asyncio.set_event_loop(None)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call():
    """Watch what the test itself does; fixtures may keep a loop for other tests."""
    guard.is_active = True
    try:
        return (yield)
    finally:
        guard.is_active = False


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item):
    result = yield
    left = guard.take_open()
    assert not left, f"{item.nodeid} left an event loop open: {left}"
    return result
