"""The blocking driver: performs what flows ask for, in the caller's thread.

It decides nothing. Gathered flows run in threads of their own; a `RunningFlow` holds
what belongs to one flow and frees it however the flow ends.
"""

from __future__ import annotations

import inspect
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Generator, Iterator
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Optional, TypeVar, Union, cast

from invokeai_py_client._core import messages
from invokeai_py_client._core.events import ServerEvent
from invokeai_py_client._core.flow import Flow, run_blocking
from invokeai_py_client._core.login import log_in
from invokeai_py_client._core.messages import Reply
from invokeai_py_client._core.wait_loop import within
from invokeai_py_client._io.base_driver import (
    ACTIONS,
    CLEANUP_SECONDS,
    EMITTING_ACTIONS,
    INTERRUPTIONS,
    BaseDriver,
    hand_over,
    interrupt_cleanup,
    without_frames,
)
from invokeai_py_client._io.event_hub import EventHub
from invokeai_py_client._io.flow_threads import (
    CALLBACK,
    EMITTED,
    ENDED,
    GRACE,
    CancelledFlow,
    FlowThread,
    News,
    RunningFlow,
    Workers,
    error_of,
)
from invokeai_py_client._io.http import BlockingHttp
from invokeai_py_client._io.mailbox import LONGEST_BLOCK, BlockingMailbox
from invokeai_py_client._io.settings import Settings
from invokeai_py_client.exceptions import InvokeAIError

T = TypeVar("T")


class BlockingDriver(BaseDriver[BlockingHttp]):
    """Runs flows and blocks until they are done; safe to use from several threads."""

    def __init__(self, settings: Settings, hub: EventHub) -> None:
        super().__init__(settings, hub, BlockingHttp(settings))
        self._login_lock = threading.Lock()
        self._workers = Workers()
        # A client that is dropped without closing leaves nothing behind. The
        # driver decides when: handles and images keep it, not the client.
        self._finalizer = weakref.finalize(self, _shut, self._http, hub, self._workers)

    def run(self, flow: Flow[T], running: Optional[RunningFlow] = None) -> T:
        """Run `flow` to its end and return its result; what it emits is dropped."""
        is_main = threading.current_thread() is threading.main_thread()
        if running is None and is_main:
            running = RunningFlow()
            steps = self._from_main_thread(flow, running, keeps_emitted=False)
        else:
            running = running or RunningFlow()
            steps = self._steps(flow, running)
        try:
            for _ in steps:
                pass
            return cast(T, running.result)
        except INTERRUPTIONS:
            # While the flow was closed: what it did is not known to the caller yet.
            if running.is_top and not running.cancelled.is_set():
                self._clean_up(running)
            raise

    def stream(self, flow: Flow[Any]) -> Generator[Any, None, None]:
        if threading.current_thread() is not threading.main_thread():
            return self._steps(flow, RunningFlow())
        return self._from_main_thread(flow, RunningFlow(), keeps_emitted=True)

    def close(self) -> None:
        self._finalizer.detach()
        try:
            self.run(run_blocking(self._close))
        finally:
            self._workers.stop(GRACE)

    def _close(self) -> None:
        self._hub.close()
        self._http.close()

    def renew(self) -> None:
        self._login_lock = threading.Lock()
        self._workers.forget()
        super().renew()

    def _from_main_thread(
        self, flow: Flow[Any], running: RunningFlow, *, keeps_emitted: bool
    ) -> Generator[Any, None, None]:
        steps = self._steps(flow, running)
        thread = running.flow_thread = FlowThread(
            self._workers, steps, keeps_emitted=keeps_emitted
        )
        try:
            yield from thread.follow(_perform_callback)
        except BaseException as error:
            if thread.is_over and isinstance(error, Exception):
                raise
            try:
                if running.ask_to_end and isinstance(error, INTERRUPTIONS):
                    running.ask_to_end()
                    thread.await_end(_perform_callback)
            finally:
                running.cancel(aborts=True)
                thread.end(GRACE)
                if not isinstance(error, GeneratorExit):
                    self._clean_up(running)
            raise

    def _steps(
        self, flow: Flow[Any], running: RunningFlow
    ) -> Generator[Any, None, None]:
        answer: Any = None
        fault: Optional[Exception] = None
        try:
            while True:
                if running.cancelled.is_set():
                    hand_over(flow, running.late_answer)
                    raise CancelledFlow
                try:
                    message = flow.send(answer) if fault is None else flow.throw(fault)
                except StopIteration as stop:
                    running.result = stop.value
                    return
                answer = fault = running.late_answer = None
                try:
                    emitting = EMITTING_ACTIONS.get(type(message))
                    if emitting is not None:
                        answer = yield from getattr(self, emitting)(message, running)
                    else:
                        answer = getattr(self, ACTIONS[type(message)])(message, running)
                except Exception as error:  # noqa: BLE001  the flow gets it
                    fault = error
        except INTERRUPTIONS:
            flow.close()
            running.cancel()
            if running.is_top:
                self._clean_up(running)
            raise
        except InvokeAIError as error:
            self._credentials.scrub_error(error)
            if not running.is_top:
                raise
            callback = _perform_callback.__code__
            raise without_frames(error, callback)  # noqa: B904  it is the same error
        finally:
            flow.close()
            running.close()

    def _clean_up(self, running: RunningFlow) -> None:
        makers = running.interrupt_cleanup()
        running.cancel()
        if makers:
            flow = interrupt_cleanup(makers)
            thread = threading.Thread(target=self.run, args=(flow,), daemon=True)
            thread.start()
            thread.join(CLEANUP_SECONDS)

    def _send(
        self,
        message: Union[messages.Request, messages.Download],
        running: RunningFlow,
    ) -> Reply:
        request = message if isinstance(message, messages.Request) else message.request
        if self._credentials.needs_log_in and not request.anonymous:
            self._log_in(None, request.deadline)
        return self._http.send(message, running.exchange)

    def _reauthenticate(self, message: messages.Reauthenticate, _: RunningFlow) -> bool:
        return self._log_in(message.stale_token, message.deadline)

    def _log_in(self, stale: Optional[str], deadline: Optional[float] = None) -> bool:
        with self._login_lock:
            if self._credentials.token != stale:
                return True
            if self._credentials.email is None or self._credentials.password is None:
                return False
            flow = log_in(self._credentials.email, self._credentials.password)
            flow = within(flow, deadline)
            self._credentials.replace_token(stale, self.run(flow))
            return True

    def _subscribe(
        self, message: messages.Subscribe, running: RunningFlow
    ) -> Optional[BlockingMailbox]:
        if self._credentials.needs_log_in:
            self._log_in(None)
        mailbox = running.keep(BlockingMailbox(message, self._hub.forget))
        return mailbox if self._hub.deliver_to(mailbox) else None

    def _next_event(
        self, message: messages.NextEvent, _: RunningFlow
    ) -> Optional[ServerEvent]:
        return cast(BlockingMailbox, message.mailbox).take(message.timeout)

    def _pause(self, message: messages.Pause, running: RunningFlow) -> None:
        end = time.monotonic() + message.seconds
        while not running.cancelled.is_set():
            left = end - time.monotonic()
            if left <= 0:
                return
            running.cancelled.wait(min(left, LONGEST_BLOCK))

    def _call_back(self, message: messages.CallBack, running: RunningFlow) -> None:
        if not running.call_back(message):
            _perform_callback(message)

    def _run_blocking(self, message: messages.RunBlocking, running: RunningFlow) -> Any:
        answer = message.call()
        # It cannot be stopped, and may have opened a file just now.
        running.late_answer = (answer,)
        return answer

    def _emit(
        self, message: messages.Emit, _: RunningFlow
    ) -> Generator[Any, None, None]:
        yield message.value

    def _elsewhere(
        self, message: messages.Elsewhere, running: RunningFlow
    ) -> Generator[Any, None, Any]:
        child = running.child(runner=message.runner, news=running.news)
        child.flow_thread = running.flow_thread
        driver = cast(BlockingDriver, message.runner)
        try:
            yield from driver._steps(message.flow, child)
        except (CancelledFlow, GeneratorExit, *INTERRUPTIONS):
            # What it registered for this is asked for yet.
            raise
        except BaseException:
            running.drop(child)
            raise
        running.drop(child)
        return child.result

    def _gather(
        self, message: messages.Gather, running: RunningFlow
    ) -> Generator[Any, None, list[Any]]:
        group = running.child()
        threads = _GatherThreads(message, group, self._steps)
        try:
            yield from threads.work(partial(self._call_back, running=running))
            if running.cancelled.is_set():
                raise CancelledFlow
        except (CancelledFlow, GeneratorExit, *INTERRUPTIONS):
            # What is on its way may still arrive; the clean-up comes after it. The
            # group stays with its running, which asks it for them.
            group.cancel()
            threads.let_go()
            raise
        except BaseException:
            running.drop(group)
            raise
        running.drop(group)
        return threads.results


class _GatherThreads:
    """Threads that run gathered flows, at most `limit` at a time.

    Args:
        message: What to run.
        group: What the flows belong to.
        take_steps: Runs a flow, yielding what it emits.
    """

    def __init__(
        self,
        message: messages.Gather,
        group: RunningFlow,
        take_steps: Callable[[Flow[Any], RunningFlow], Iterator[Any]],
    ) -> None:
        self.results: list[Any] = [None] * len(message.flows)
        self._todo = deque(enumerate(message.flows))
        self._threads = [
            threading.Thread(target=self._work, name="ivk-gather", daemon=True)
            for _ in range(min(max(1, message.limit), len(message.flows)))
        ]
        self._group = group
        self._take_steps = take_steps
        self._errors: list[BaseException] = []
        self._news: SimpleQueue[News] = SimpleQueue()

    def work(self, call_back: Callable[[messages.CallBack], None]) -> Iterator[Any]:
        """Run every flow, yielding what they emit; the first error cancels the others.

        Args:
            call_back: Calls a function of the user, which is done in this thread.
        """
        for thread in self._threads:
            thread.start()
        running = len(self._threads)
        try:
            while running and not self._group.cancelled.is_set():
                try:
                    kind, value = self._news.get(timeout=LONGEST_BLOCK)
                except Empty:
                    continue
                if kind == EMITTED:
                    yield value
                elif kind == CALLBACK:
                    message, answers = value
                    answers.put(error_of(call_back, message))
                else:
                    running -= 1
            if running:
                self.let_go()
            if self._errors:
                yield from self._still_emitted()
        finally:
            self._group.cancelled.set()
            while self._todo:
                self._todo.popleft()[1].close()
        if self._errors:
            raise self._errors[0]

    def _still_emitted(self) -> Iterator[Any]:
        """What came before the error, which was faster."""
        while not self._news.empty():
            kind, value = self._news.get()
            if kind == EMITTED:
                yield value

    def let_go(self) -> None:
        """Give cancelled flows a moment to end."""
        deadline = time.monotonic() + GRACE
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _work(self) -> None:
        while not self._group.cancelled.is_set():
            try:
                index, flow = self._todo.popleft()
            except IndexError:
                break
            child = self._group.child(news=self._news)
            try:
                for value in self._take_steps(flow, child):
                    self._news.put((EMITTED, value))
            except CancelledFlow:
                break
            except BaseException as error:  # noqa: BLE001  raised in the caller
                self._errors.append(error)
                self._group.cancel()
            else:
                self.results[index] = child.result
                self._group.drop(child)
        self._news.put((ENDED, None))


def _shut(http: BlockingHttp, hub: EventHub, workers: Workers) -> None:
    workers.stop(0)
    hub.close(wait=False)
    http.close()


def _perform_callback(message: messages.CallBack) -> None:
    _refuse_async(message.callback)
    message.callback(*message.args)


def _refuse_async(callback: Callable[..., Any]) -> None:
    call = getattr(callback, "__call__", None)  # noqa: B004  an object's own
    if inspect.iscoroutinefunction(callback) or inspect.iscoroutinefunction(call):
        raise TypeError(
            f"the callback {callback!r} is an async def: the blocking client cannot "
            "await it; give a plain function, or use AsyncInvokeAIClient"
        )
