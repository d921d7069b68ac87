"""Threads that flows run in, and what belongs to a flow while it runs.

Ctrl-C may strike the main thread anywhere: Python raises `KeyboardInterrupt` there
between any two instructions, while a lock is half released, while a file is open that
nobody knows of yet, while a connection is neither in use nor free. No code can be
written around that. So there a flow runs in a thread of its own, and the main thread
only waits for it; what an interruption finds is then put in order from outside.
"""

from __future__ import annotations

import _thread
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from typing import Any, Optional

from invokeai_py_client._core.flow import Flow, elsewhere
from invokeai_py_client._core.messages import CallBack
from invokeai_py_client._io.mailbox import LONGEST_BLOCK, BlockingMailbox
from invokeai_py_client._io.network import ExchangeClock

# What a cancelled flow may still take to end.
GRACE = 2.0

News = tuple[str, Any]
"""What a thread tells the one that waits: that it ended, or what its flow asks."""


class CancelledFlow(BaseException):
    """Ends the thread that runs a flow nobody waits for any more."""


ENDED, EMITTED, CALLBACK = "ended", "emitted", "callback"


class Workers:
    """Threads that flows run in, kept for the next flow until they are stopped."""

    def __init__(self) -> None:
        self._all: dict[SimpleQueue[Optional[Callable[[], None]]], Thread] = {}
        self._idle: list[SimpleQueue[Optional[Callable[[], None]]]] = []
        self._is_stopped = False

    def start(self, work: Callable[[Callable[[], None]], None]) -> None:
        """Let a thread do `work`, which calls its argument before it tells its end.

        The start of a thread by `_thread` and putting into a queue are single steps in
        C: neither can be interrupted halfway, as what `threading` offers can.
        """
        idle = [] if self._is_stopped else self._idle
        try:
            inbox = idle.pop()
        except IndexError:
            inbox = SimpleQueue()
            inbox.put(partial(work, partial(idle.append, inbox)))
            _thread.start_new_thread(self._begin, (inbox,))
        else:
            inbox.put(partial(work, partial(idle.append, inbox)))

    def stop(self, seconds: float) -> None:
        """End every thread, those that are busy as soon as they are not.

        What is started from now on has a thread that ends with it.
        """
        self._is_stopped = True
        deadline = time.monotonic() + seconds
        threads = list(self._all.items())
        for inbox, _ in threads:
            inbox.put(None)
        for _, thread in threads:
            left = deadline - time.monotonic()
            if left > 0 and thread.is_alive():
                thread.join(left)

    def forget(self) -> None:
        """In a forked process there are none."""
        self._all.clear()
        self._idle.clear()

    def _begin(self, inbox: SimpleQueue[Optional[Callable[[], None]]]) -> None:
        thread = Thread(target=_do_all, args=(inbox,), name="ivk-call", daemon=True)
        self._all[inbox] = thread
        if self._is_stopped:
            # `stop` may have been here before this thread was among all.
            inbox.put(None)
        try:
            thread.start()
        except RuntimeError:
            # There can be no more threads; this is one.
            _do_all(inbox)


def _do_all(inbox: SimpleQueue[Optional[Callable[[], None]]]) -> None:
    while True:
        work = inbox.get()
        if work is None:
            return
        work()
        # While it waits it must not keep alive what it worked for.
        del work


class FlowThread:
    """One flow in a thread of its own, and what its caller hears of it.

    Args:
        workers: Where the thread comes from.
        steps: Runs the flow, yielding what it emits.
        keeps_emitted: False when nobody wants what it emits.

    Attributes:
        is_over: True when the flow has ended and the caller knows.
    """

    def __init__(
        self,
        workers: Workers,
        steps: Generator[Any, None, None],
        *,
        keeps_emitted: bool,
    ) -> None:
        self.is_over = False
        self._has_ended = False
        self._workers = workers
        self._steps = steps
        self._keeps_emitted = keeps_emitted
        self._news: SimpleQueue[tuple[str, Any]] = SimpleQueue()
        self._answers: SimpleQueue[Optional[BaseException]] = SimpleQueue()

    def follow(
        self, call_back: Callable[[CallBack], None]
    ) -> Generator[Any, None, None]:
        """Wait for the flow, yielding what it emits; its error is raised.

        Args:
            call_back: Calls a function of the user, which is done in this thread.
        """
        context = copy_context()
        self._workers.start(lambda free: context.run(self._work, free))
        while True:
            kind, value = self._wait()
            if kind == ENDED:
                self.is_over = True
                if value is not None:
                    raise value
                return
            if kind == CALLBACK:
                self._answers.put(error_of(call_back, value))
            else:
                yield value
                self._answers.put(None)

    def end(self, seconds: float) -> None:
        """Wait until the flow, which has been cancelled, has ended: not for long."""
        deadline = time.monotonic() + seconds
        # An answer to what the flow asks for now, or has asked for.
        self._answers.put(CancelledFlow())
        while not self.is_over:
            try:
                kind, _ = self._news.get(timeout=max(0.0, deadline - time.monotonic()))
            except Empty:
                return
            self._answers.put(CancelledFlow())
            self.is_over = kind == ENDED

    def await_end(self, call_back: Callable[[CallBack], None]) -> None:
        """Wait until the flow ends by itself; nobody wants what it emits."""
        # An answer to what the flow has asked for when its caller was interrupted.
        self._answers.put(None)
        while not self._has_ended:
            try:
                kind, value = self._news.get(timeout=LONGEST_BLOCK)
            except Empty:
                continue
            is_call = kind == CALLBACK
            self._answers.put(error_of(call_back, value) if is_call else None)
        self.is_over = True

    def call_back(self, message: CallBack) -> None:
        """Let the waiting caller call a function of the user's."""
        self._ask(CALLBACK, message)

    def _wait(self) -> tuple[str, Any]:
        while True:
            try:
                return self._news.get(timeout=LONGEST_BLOCK)
            except Empty:  # noqa: PERF203  it is the loop's purpose
                continue

    def _work(self, free: Callable[[], None]) -> None:
        error: Optional[BaseException] = None
        try:
            for value in self._steps:
                if self._keeps_emitted:
                    self._ask(EMITTED, value)
        except BaseException as failure:  # noqa: BLE001  raised in the caller
            error = failure
        finally:
            # Left at an emitted value, it does not know yet that nobody wants more.
            self._steps.close()
        free()
        self._has_ended = True
        self._news.put((ENDED, error))

    def _ask(self, kind: str, value: Any) -> None:
        self._news.put((kind, value))
        error = self._answers.get()
        if error is not None:
            raise error


class RunningFlow:
    """What belongs to one running flow: its mailboxes, and flows it gathers.

    Args:
        runner: What runs the flow, when another client's driver does.
        news: Where a gathered flow reports to the one that gathers it.

    Attributes:
        is_top: Somebody outside waits for it; a gathered flow has a parent instead.
        late_answer: What a local call gave, until the flow has it.
    """

    def __init__(
        self,
        *,
        is_top: bool = True,
        runner: Any = None,
        news: Optional[SimpleQueue[News]] = None,
    ) -> None:
        self.is_top = is_top
        self.cancelled = Event()
        self.result: Any = None
        self.late_answer: Optional[tuple[Any]] = None
        self.news = news
        self.flow_thread: Optional[FlowThread] = None
        self.on_interrupt: Optional[Callable[[], Flow[Any]]] = None
        self.ask_to_end: Optional[Callable[[], None]] = None
        self._runner = runner
        self._lock = Lock()
        self._mailboxes: list[BlockingMailbox] = []
        self._children: list[RunningFlow] = []
        self._exchanges: set[ExchangeClock] = set()

    def child(
        self, *, runner: Any = None, news: Optional[SimpleQueue[News]] = None
    ) -> RunningFlow:
        """A running that is cancelled with this one."""
        child = RunningFlow(is_top=False, runner=runner, news=news)
        with self._lock:
            self._children.append(child)
        if self.cancelled.is_set():
            child.cancel()
        return child

    def keep(self, mailbox: BlockingMailbox) -> BlockingMailbox:
        """Close `mailbox` when the flow ends."""
        with self._lock:
            # A wait without a socket asks for one again and again.
            self._mailboxes = [item for item in self._mailboxes if not item.is_closed]
            self._mailboxes.append(mailbox)
        if self.cancelled.is_set():
            mailbox.close()
        return mailbox

    @contextmanager
    def exchange(self, clock: ExchangeClock) -> Iterator[None]:
        """Abort the exchange of this clock when the flow is interrupted meanwhile."""
        with self._lock:
            self._exchanges.add(clock)
        try:
            yield
        finally:
            with self._lock:
                self._exchanges.discard(clock)

    def cancel(self, *, aborts: bool = False) -> None:
        """End the flow and its sub-flows at their next message; wake who waits.

        Args:
            aborts: End requests that are under way, too.
        """
        self.cancelled.set()
        with self._lock:
            mailboxes, children = list(self._mailboxes), list(self._children)
            # Held meanwhile: a connection must not be another request's by then.
            for clock in self._exchanges if aborts else ():
                clock.abort()
        for mailbox in mailboxes:
            mailbox.close()
        for child in children:
            child.cancel(aborts=aborts)

    def close(self) -> None:
        """Free what the flow held; it has ended."""
        with self._lock:
            mailboxes, self._mailboxes = self._mailboxes, []
        for mailbox in mailboxes:
            mailbox.close()
        if not self.is_top and not self.cancelled.is_set():
            self.on_interrupt = None

    def drop(self, child: RunningFlow) -> None:
        """Forget a running whose flow has ended."""
        with self._lock:
            self._children.remove(child)

    def interrupt_cleanup(self) -> list[Callable[[], Flow[Any]]]:
        """What this flow and its sub-flows want to be run when interrupted; once."""
        with self._lock:
            children = list(self._children)
        own = [self.on_interrupt] if self.on_interrupt is not None else []
        self.on_interrupt = None
        makers = own + [make for item in children for make in item.interrupt_cleanup()]
        if self._runner is None:
            return makers
        return [partial(_make_elsewhere, self._runner, make) for make in makers]

    def call_back(self, message: CallBack) -> bool:
        """Let the waiting caller call a function of the user's; False without one."""
        if self.news is None:
            if self.flow_thread is not None:
                self.flow_thread.call_back(message)
            return self.flow_thread is not None
        answers: SimpleQueue[Optional[Exception]] = SimpleQueue()
        self.news.put((CALLBACK, (message, answers)))
        while not self.cancelled.is_set():
            try:
                error = answers.get(timeout=LONGEST_BLOCK)
            except Empty:
                continue
            if error is not None:
                raise error
            return True
        raise CancelledFlow


def _make_elsewhere(runner: Any, make: Callable[[], Flow[Any]]) -> Flow[Any]:
    return (yield from elsewhere(runner, make()))


def error_of(
    call_back: Callable[[CallBack], None], message: CallBack
) -> Optional[Exception]:
    try:
        call_back(message)
    except Exception as error:  # noqa: BLE001  the flow gets it
        return error
    return None
