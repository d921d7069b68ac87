"""The asyncio driver: performs what flows ask for on the running event loop.

It decides nothing. Gathered flows run in tasks of their own; a `_RunningFlow` holds
what belongs to one flow and frees it however the flow ends.
"""

from __future__ import annotations

import asyncio
import inspect
import weakref
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Optional, TypeVar, Union, cast

from invokeai_py_client._core import messages
from invokeai_py_client._core.events import ServerEvent
from invokeai_py_client._core.flow import Flow
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
from invokeai_py_client._io.http import AsyncioHttp
from invokeai_py_client._io.mailbox import AsyncioMailbox
from invokeai_py_client._io.settings import Settings
from invokeai_py_client.exceptions import InvokeAIError

T = TypeVar("T")


@dataclass
class _RunningFlow:
    """What belongs to one running flow.

    Attributes:
        is_top: Somebody outside waits for it; a gathered flow has a parent instead.
        answer: What came of a message that could emit meanwhile.
        late_answer: What a local call gave although its flow was cancelled meanwhile.
        is_moot: A sibling failed, so that being cancelled is not an interruption.
    """

    is_top: bool = True
    is_moot: bool = False
    parent: Optional[_RunningFlow] = None
    result: Any = None
    answer: Any = None
    late_answer: Optional[tuple[Any]] = None
    on_interrupt: Optional[Callable[[], Flow[Any]]] = None
    # Who cancels a task does not expect it to go on.
    ask_to_end: Optional[Callable[[], None]] = None
    mailboxes: list[AsyncioMailbox] = field(default_factory=list)

    @property
    def is_interruption(self) -> bool:
        """True when being cancelled now comes from outside."""
        outside = self.parent is None or self.parent.is_interruption
        return outside and not self.is_moot

    def close(self) -> None:
        for mailbox in self.mailboxes:
            mailbox.close()


class AsyncioDriver(BaseDriver[AsyncioHttp]):
    """Runs flows on whichever event loop is running."""

    def __init__(self, settings: Settings, hub: EventHub) -> None:
        super().__init__(settings, hub, AsyncioHttp(settings))
        self._login_locks: weakref.WeakKeyDictionary[
            asyncio.AbstractEventLoop, asyncio.Lock
        ] = weakref.WeakKeyDictionary()
        # The event socket of a dropped client ends by itself; connections cannot be
        # closed without their loop, and Python warns about them.
        self._finalizer = weakref.finalize(self, hub.close, wait=False)

    async def run(self, flow: Flow[T], running: Optional[_RunningFlow] = None) -> T:
        """Run `flow` to its end and return its result; what it emits is dropped."""
        running = running or _RunningFlow()
        async for _ in self._steps(flow, running):
            pass
        return cast(T, running.result)

    def stream(self, flow: Flow[Any]) -> AsyncGenerator[Any, None]:
        return self._steps(flow, _RunningFlow())

    async def close(self) -> None:
        self._finalizer.detach()
        await asyncio.to_thread(self._hub.close)
        await self._http.close()

    async def _steps(
        self, flow: Flow[Any], running: _RunningFlow
    ) -> AsyncGenerator[Any, None]:
        answer: Any = None
        fault: Optional[Exception] = None
        try:
            while True:
                try:
                    message = flow.send(answer) if fault is None else flow.throw(fault)
                except StopIteration as stop:
                    running.result = stop.value
                    return
                answer = fault = None
                try:
                    emitting = EMITTING_ACTIONS.get(type(message))
                    if emitting is not None:
                        action = getattr(self, emitting)(message, running)
                        async with _closing(action):
                            async for value in action:
                                yield value
                        answer, running.answer = running.answer, None
                    else:
                        answer = await self._perform(message, running)
                except Exception as error:  # noqa: BLE001  the flow gets it
                    fault = error
        except (asyncio.CancelledError, *INTERRUPTIONS):
            hand_over(flow, running.late_answer)
            flow.close()
            if running.on_interrupt is not None and running.is_interruption:
                await self._clean_up(running.on_interrupt)
            raise
        except InvokeAIError as error:
            self._credentials.scrub_error(error)
            if not running.is_top:
                raise
            callback = type(self)._call_back.__code__
            raise without_frames(error, callback)  # noqa: B904  it is the same error
        finally:
            flow.close()
            running.close()

    async def _perform(self, message: messages.Message, running: _RunningFlow) -> Any:
        answer = getattr(self, ACTIONS[type(message)])(message, running)
        return await answer if inspect.iscoroutine(answer) else answer

    async def _clean_up(self, make: Callable[[], Flow[Any]]) -> None:
        cleanup = asyncio.ensure_future(self.run(interrupt_cleanup([make])))
        _, late = await asyncio.wait({cleanup}, timeout=CLEANUP_SECONDS)
        for task in late:
            task.cancel()

    async def _send(
        self, message: Union[messages.Request, messages.Download], _: _RunningFlow
    ) -> Reply:
        request = message if isinstance(message, messages.Request) else message.request
        if self._credentials.needs_log_in and not request.anonymous:
            await self._log_in(None, request.deadline)
        return await self._http.send(message)

    async def _reauthenticate(
        self, message: messages.Reauthenticate, _: _RunningFlow
    ) -> bool:
        return await self._log_in(message.stale_token, message.deadline)

    async def _log_in(
        self, stale: Optional[str], deadline: Optional[float] = None
    ) -> bool:
        loop = asyncio.get_running_loop()
        async with self._login_locks.setdefault(loop, asyncio.Lock()):
            if self._credentials.token != stale:
                return True
            if self._credentials.email is None or self._credentials.password is None:
                return False
            flow = log_in(self._credentials.email, self._credentials.password)
            flow = within(flow, deadline)
            self._credentials.replace_token(stale, await self.run(flow))
            return True

    async def _subscribe(
        self, message: messages.Subscribe, running: _RunningFlow
    ) -> Optional[AsyncioMailbox]:
        if self._credentials.needs_log_in:
            await self._log_in(None)
        mailbox = AsyncioMailbox(message, self._hub.forget)
        # A wait without a socket asks for one again and again.
        running.mailboxes = [item for item in running.mailboxes if not item.is_closed]
        running.mailboxes.append(mailbox)
        # Connecting blocks for a moment.
        there = await asyncio.to_thread(self._hub.deliver_to, mailbox)
        return mailbox if there else None

    async def _next_event(
        self, message: messages.NextEvent, _: _RunningFlow
    ) -> Optional[ServerEvent]:
        return await cast(AsyncioMailbox, message.mailbox).take(message.timeout)

    async def _pause(self, message: messages.Pause, _: _RunningFlow) -> None:
        await asyncio.sleep(message.seconds)

    async def _run_blocking(
        self, message: messages.RunBlocking, running: _RunningFlow
    ) -> Any:
        call = asyncio.ensure_future(asyncio.to_thread(message.call))
        try:
            return await asyncio.shield(call)
        except asyncio.CancelledError:
            # A thread cannot be stopped, and it may be opening a file just now.
            await asyncio.wait({call})
            if _error(call) is None:
                running.late_answer = (call.result(),)
            raise

    async def _call_back(self, message: messages.CallBack, _: _RunningFlow) -> None:
        answer = message.callback(*message.args)
        if inspect.isawaitable(answer):
            await answer

    async def _emit(
        self, message: messages.Emit, _: _RunningFlow
    ) -> AsyncGenerator[Any, None]:
        yield message.value

    async def _elsewhere(
        self, message: messages.Elsewhere, running: _RunningFlow
    ) -> AsyncGenerator[Any, None]:
        own = _RunningFlow(is_top=False, parent=running)
        driver = cast(AsyncioDriver, message.runner)
        steps = driver._steps(message.flow, own)
        async with _closing(steps):
            async for value in steps:
                yield value
        running.answer = own.result

    async def _gather(
        self, message: messages.Gather, running: _RunningFlow
    ) -> AsyncGenerator[Any, None]:
        results: list[Any] = [None] * len(message.flows)
        todo = deque(enumerate(message.flows))
        group = _RunningFlow(is_top=False, parent=running)
        emitted: deque[Any] = deque()
        has_news = asyncio.Event()

        async def work() -> None:
            while todo:
                index, flow = todo.popleft()
                own = _RunningFlow(is_top=False, parent=group)
                async for value in self._steps(flow, own):
                    emitted.append(value)
                    has_news.set()
                results[index] = own.result

        size = min(max(1, message.limit), len(message.flows))
        workers = [asyncio.ensure_future(work()) for _ in range(size)]
        for worker in workers:
            worker.add_done_callback(lambda _: has_news.set())
        try:
            while not (_is_over(workers) and not emitted):
                await has_news.wait()
                has_news.clear()
                while emitted:
                    yield emitted.popleft()
            errors = [error for error in map(_error, workers) if error is not None]
            if errors:
                group.is_moot = True
                raise errors[0]
        except GeneratorExit:
            # Leaving a stream is not an interruption.
            group.is_moot = True
            raise
        finally:
            await _end(workers)
            while todo:
                todo.popleft()[1].close()
        running.answer = results


@asynccontextmanager
async def _closing(steps: AsyncGenerator[Any, None]) -> AsyncGenerator[None, None]:
    """Close the iterator at the end; `contextlib.aclosing` came with Python 3.10."""
    try:
        yield
    finally:
        await steps.aclose()


def _error(worker: asyncio.Future[Any]) -> Optional[BaseException]:
    """What a worker failed with; looking at it keeps asyncio from complaining."""
    return worker.exception() if worker.done() and not worker.cancelled() else None


def _is_over(workers: list[asyncio.Task[None]]) -> bool:
    """True when every worker is done, or one has failed."""
    states = [worker.done() for worker in workers]
    return all(states) or any(
        worker.cancelled() or worker.exception() is not None
        for worker, is_done in zip(workers, states)
        if is_done
    )


async def _end(workers: list[asyncio.Task[None]]) -> None:
    """Cancel the workers and let them close their flows."""
    for worker in workers:
        worker.cancel()
    if workers:
        await asyncio.wait(workers)
    for worker in workers:
        _error(worker)
