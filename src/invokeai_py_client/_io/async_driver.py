"""The asyncio driver: performs what flows ask for on the running event loop.

It decides nothing. Gathered flows run in tasks of their own; a `_Scope` holds what
belongs to one running flow and frees it however the flow ends.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
import weakref
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Optional, TypeVar, cast

from invokeai_py_client._core import messages
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.login import log_in
from invokeai_py_client._core.messages import RawEvent, Reply
from invokeai_py_client._io.event_hub import EventHub
from invokeai_py_client._io.forks import renew_after_fork
from invokeai_py_client._io.http import AsyncHttp
from invokeai_py_client._io.interrupt import (
    INTERRUPTIONS,
    LAST_WORDS_SECONDS,
    last_words,
)
from invokeai_py_client._io.mailbox import AsyncMailbox
from invokeai_py_client._io.settings import Settings

__all__ = ["AsyncDriver"]

logger = logging.getLogger("invokeai_py_client")

T = TypeVar("T")


@dataclass
class _Scope:
    """What belongs to one running flow.

    Attributes:
        result: What the flow returned, once it has.
        late_answer: What a local call gave although its flow was cancelled meanwhile.
        is_moot: A sibling failed, so that being cancelled is no interruption.
    """

    may_emit: bool = True
    is_moot: bool = False
    parent: Optional[_Scope] = None
    result: Any = None
    late_answer: Optional[tuple[Any]] = None
    on_interrupt: Optional[Callable[[], Flow[Any]]] = None
    mailboxes: list[AsyncMailbox] = field(default_factory=list)

    @property
    def is_interruption(self) -> bool:
        """True when being cancelled now comes from outside."""
        outside = self.parent is None or self.parent.is_interruption
        return outside and not self.is_moot

    def close(self) -> None:
        """Free what the flow held; it has ended."""
        for mailbox in self.mailboxes:
            mailbox.close()


class AsyncDriver:
    """Runs flows on whichever event loop is running."""

    def __init__(self, settings: Settings, hub: EventHub) -> None:
        self._credentials = settings.credentials
        self._http = AsyncHttp(settings)
        self._hub = hub
        self._knowledge = messages.Knowledge()
        self._login_locks: weakref.WeakKeyDictionary[
            asyncio.AbstractEventLoop, asyncio.Lock
        ] = weakref.WeakKeyDictionary()
        # The event socket of a dropped client ends by itself; connections cannot be
        # closed without their loop, and Python warns about them.
        self._finalizer = weakref.finalize(self, hub.close, wait=False)
        renew_after_fork(self)
        self._actions: dict[type, Callable[[Any, _Scope], Awaitable[Any]]] = {
            messages.Request: self._exchange,
            messages.Download: self._download,
            messages.Reauthenticate: self._reauthenticate,
            messages.Identify: self._identify,
            messages.Listen: self._listen,
            messages.NextEvent: self._next_event,
            messages.Pause: self._pause,
            messages.Now: self._now,
            messages.Recall: self._recall,
            messages.Gather: self._gather,
            messages.Local: self._local,
            messages.Notify: self._notify,
            messages.OnInterrupt: self._on_interrupt,
            messages.Emit: self._emit,
        }

    async def run(self, flow: Flow[T]) -> T:
        """Run `flow` to its end and return its result; what it emits is dropped."""
        return cast(T, await self._finish(flow, _Scope()))

    def stream(self, flow: Flow[Any]) -> AsyncGenerator[Any, None]:
        """Run `flow`, yielding what it emits; leaving the loop closes the flow."""
        return self._steps(flow, _Scope())

    async def close(self) -> None:
        """Close the connections and end the socket's threads."""
        self._finalizer.detach()
        await asyncio.to_thread(self._hub.close)
        await self._http.close()

    def renew(self) -> None:
        """Share nothing with the process that this one was forked from."""
        self._credentials.renew()
        self._http.renew()
        self._hub.renew()

    async def _finish(self, flow: Flow[Any], scope: _Scope) -> Any:
        async for _ in self._steps(flow, scope):
            pass
        return scope.result

    async def _steps(self, flow: Flow[Any], scope: _Scope) -> AsyncGenerator[Any, None]:
        answer: Any = None
        fault: Optional[Exception] = None
        try:
            while True:
                try:
                    message = flow.send(answer) if fault is None else flow.throw(fault)
                except StopIteration as stop:
                    scope.result = stop.value
                    return
                answer = fault = None
                try:
                    if isinstance(message, messages.Emit) and scope.may_emit:
                        yield message.value
                    else:
                        answer = await self._actions[type(message)](message, scope)
                except Exception as error:  # noqa: BLE001  the flow gets it
                    fault = error
        except (asyncio.CancelledError, *INTERRUPTIONS):
            _hand_over(flow, scope)
            flow.close()
            if scope.on_interrupt is not None and scope.is_interruption:
                await self._say_last_words(scope.on_interrupt)
            raise
        finally:
            flow.close()
            scope.close()

    async def _say_last_words(self, make: Callable[[], Flow[Any]]) -> None:
        words = asyncio.ensure_future(self.run(last_words([make])))
        _, late = await asyncio.wait({words}, timeout=LAST_WORDS_SECONDS)
        for task in late:
            task.cancel()

    async def _exchange(self, message: messages.Request, _: _Scope) -> Reply:
        await self._log_in_first(message)
        return await self._http.exchange(message)

    async def _download(self, message: messages.Download, _: _Scope) -> Reply:
        await self._log_in_first(message.request)
        return await self._http.download(
            message.request, message.sink, message.max_bytes
        )

    async def _log_in_first(self, request: messages.Request) -> None:
        if self._credentials.needs_log_in and not request.anonymous:
            await self._log_in(None)

    async def _reauthenticate(
        self, message: messages.Reauthenticate, _: _Scope
    ) -> bool:
        return await self._log_in(message.stale_token)

    async def _log_in(self, stale: Optional[str]) -> bool:
        loop = asyncio.get_running_loop()
        async with self._login_locks.setdefault(loop, asyncio.Lock()):
            if self._credentials.token != stale:
                return True
            if self._credentials.email is None or self._credentials.password is None:
                return False
            flow = log_in(self._credentials.email, self._credentials.password)
            self._credentials.replace_token(stale, await self.run(flow))
            return True

    async def _listen(
        self, message: messages.Listen, scope: _Scope
    ) -> Optional[AsyncMailbox]:
        if self._credentials.needs_log_in:
            await self._log_in(None)
        mailbox = AsyncMailbox(message, self._hub.forget)
        scope.mailboxes.append(mailbox)
        # Connecting blocks for a moment.
        there = await asyncio.to_thread(self._hub.deliver_to, mailbox)
        return mailbox if there else None

    async def _next_event(
        self, message: messages.NextEvent, _: _Scope
    ) -> Optional[RawEvent]:
        return await cast(AsyncMailbox, message.mailbox).take(message.timeout)

    async def _pause(self, message: messages.Pause, _: _Scope) -> None:
        await asyncio.sleep(message.seconds)

    async def _now(self, _: messages.Now, __: _Scope) -> float:
        return time.monotonic()

    async def _identify(self, message: messages.Identify, _: _Scope) -> None:
        self._credentials.change(message.token, message.email, message.password)

    async def _recall(self, _: messages.Recall, __: _Scope) -> messages.Knowledge:
        return self._knowledge

    async def _local(self, message: messages.Local, scope: _Scope) -> Any:
        call = asyncio.ensure_future(asyncio.to_thread(message.call))
        try:
            return await asyncio.shield(call)
        except asyncio.CancelledError:
            # A thread cannot be stopped, and it may be opening a file just now.
            await asyncio.wait({call})
            if _error(call) is None:
                scope.late_answer = (call.result(),)
            raise

    async def _notify(self, message: messages.Notify, _: _Scope) -> None:
        answer = message.callback(*message.args)
        if inspect.isawaitable(answer):
            await answer

    async def _on_interrupt(self, message: messages.OnInterrupt, scope: _Scope) -> None:
        scope.on_interrupt = message.make

    async def _emit(self, _: messages.Emit, __: _Scope) -> None:
        raise RuntimeError("a gathered flow may not emit")

    async def _gather(self, message: messages.Gather, scope: _Scope) -> list[Any]:
        results: list[Any] = [None] * len(message.flows)
        todo = deque(enumerate(message.flows))
        group = _Scope(parent=scope)

        async def work() -> None:
            while todo:
                index, flow = todo.popleft()
                own = _Scope(may_emit=False, parent=group)
                results[index] = await self._finish(flow, own)

        size = min(max(1, message.limit), len(message.flows))
        workers = [asyncio.ensure_future(work()) for _ in range(size)]
        if not workers:
            return results
        try:
            await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
            errors = [error for error in map(_error, workers) if error is not None]
            if errors:
                group.is_moot = True
                raise errors[0]
        finally:
            await _end(workers)
            while todo:
                todo.popleft()[1].close()
        return results


def _hand_over(flow: Flow[Any], scope: _Scope) -> None:
    """Give a cancelled flow what was made for it, so that closing it cleans up."""
    if scope.late_answer is None:
        return
    try:
        flow.send(scope.late_answer[0])
    except StopIteration:
        return
    except Exception:
        # The caller is told of the cancellation, not of what would have come next.
        logger.debug("a cancelled operation failed", exc_info=True)


def _error(worker: asyncio.Future[Any]) -> Optional[BaseException]:
    """What a worker failed with; looking at it keeps asyncio from complaining."""
    return worker.exception() if worker.done() and not worker.cancelled() else None


async def _end(workers: list[asyncio.Task[None]]) -> None:
    """Cancel the workers and let them close their flows."""
    for worker in workers:
        worker.cancel()
    await asyncio.wait(workers)
    for worker in workers:
        _error(worker)
