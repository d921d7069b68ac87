"""The blocking driver: performs what flows ask for, in the caller's thread.

It decides nothing. Gathered flows run in threads of their own; a `_Scope` holds what
belongs to one running flow and frees it however the flow ends.
"""

from __future__ import annotations

import inspect
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Generator
from typing import Any, Optional, TypeVar, cast

from invokeai_py_client._core import messages
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.login import log_in
from invokeai_py_client._core.messages import RawEvent, Reply
from invokeai_py_client._io.event_hub import EventHub
from invokeai_py_client._io.forks import renew_after_fork
from invokeai_py_client._io.http import SyncHttp
from invokeai_py_client._io.interrupt import (
    INTERRUPTIONS,
    LAST_WORDS_SECONDS,
    last_words,
)
from invokeai_py_client._io.mailbox import LONGEST_BLOCK, SyncMailbox
from invokeai_py_client._io.settings import Settings

__all__ = ["SyncDriver"]

T = TypeVar("T")

# What a cancelled flow may still take to end: a request in flight cannot be stopped
# from another thread, but its answer is thrown away.
_GRACE = 2.0


class _Cancelled(BaseException):
    """A gathered flow's sibling failed; ends the thread that runs this flow."""


class _Scope:
    """What belongs to one running flow: its mailboxes, and flows it gathers."""

    def __init__(self, *, may_emit: bool = True) -> None:
        self.may_emit = may_emit
        self.cancelled = threading.Event()
        self.result: Any = None
        self.on_interrupt: Optional[Callable[[], Flow[Any]]] = None
        self._lock = threading.Lock()
        self._mailboxes: list[SyncMailbox] = []
        self._children: list[_Scope] = []

    def child(self) -> _Scope:
        """A scope that is cancelled with this one."""
        child = _Scope(may_emit=False)
        with self._lock:
            self._children.append(child)
        if self.cancelled.is_set():
            child.cancel()
        return child

    def keep(self, mailbox: SyncMailbox) -> SyncMailbox:
        """Close `mailbox` when the flow ends."""
        with self._lock:
            self._mailboxes.append(mailbox)
        if self.cancelled.is_set():
            mailbox.close()
        return mailbox

    def cancel(self) -> None:
        """End the flow and its sub-flows at their next message; wake who waits."""
        self.cancelled.set()
        with self._lock:
            mailboxes, children = list(self._mailboxes), list(self._children)
        for mailbox in mailboxes:
            mailbox.close()
        for child in children:
            child.cancel()

    def close(self) -> None:
        """Free what the flow held; it has ended."""
        with self._lock:
            mailboxes, self._mailboxes = self._mailboxes, []
        for mailbox in mailboxes:
            mailbox.close()
        if not self.cancelled.is_set():
            self.on_interrupt = None

    def drop(self, child: _Scope) -> None:
        """Forget a scope whose flow has ended."""
        with self._lock:
            self._children.remove(child)

    def last_words(self) -> list[Callable[[], Flow[Any]]]:
        """What this flow and its sub-flows want to be run when interrupted."""
        with self._lock:
            children = list(self._children)
        own = [self.on_interrupt] if self.on_interrupt is not None else []
        return own + [make for child in children for make in child.last_words()]


class SyncDriver:
    """Runs flows and blocks until they are done; safe to use from several threads."""

    def __init__(self, settings: Settings, hub: EventHub) -> None:
        self._credentials = settings.credentials
        self._http = SyncHttp(settings)
        self._hub = hub
        self._knowledge = messages.Knowledge()
        self._login_lock = threading.Lock()
        # A client that is dropped without closing leaves nothing behind. The
        # driver decides when: handles and images keep it, not the client.
        self._finalizer = weakref.finalize(self, _shut, self._http, hub)
        renew_after_fork(self)
        self._actions: dict[type, Callable[[Any, _Scope], Any]] = {
            messages.Request: self._exchange,
            messages.Download: self._download,
            messages.Reauthenticate: self._reauthenticate,
            messages.Identify: self._identify,
            messages.Listen: self._listen,
            messages.NextEvent: self._next_event,
            messages.Pause: self._pause,
            messages.Now: lambda _, __: time.monotonic(),
            messages.Recall: lambda _, __: self._knowledge,
            messages.Gather: self._gather,
            messages.Local: lambda message, _: message.call(),
            messages.Notify: self._notify,
            messages.OnInterrupt: self._on_interrupt,
            messages.Emit: self._emit,
        }

    def run(self, flow: Flow[T]) -> T:
        """Run `flow` to its end and return its result; what it emits is dropped."""
        return cast(T, self._finish(flow, _Scope()))

    def stream(self, flow: Flow[Any]) -> Generator[Any, None, None]:
        """Run `flow`, yielding what it emits; leaving the loop closes the flow."""
        return self._steps(flow, _Scope())

    def close(self) -> None:
        """Close the connections and end the socket's threads."""
        self._finalizer.detach()
        self._hub.close()
        self._http.close()

    def renew(self) -> None:
        """Share nothing with the process that this one was forked from."""
        self._login_lock = threading.Lock()
        self._credentials.renew()
        self._http.renew()
        self._hub.renew()

    def _finish(self, flow: Flow[Any], scope: _Scope) -> Any:
        for _ in self._steps(flow, scope):
            pass
        return scope.result

    def _steps(self, flow: Flow[Any], scope: _Scope) -> Generator[Any, None, None]:
        answer: Any = None
        fault: Optional[Exception] = None
        try:
            while True:
                if scope.cancelled.is_set():
                    raise _Cancelled
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
                        answer = self._actions[type(message)](message, scope)
                except Exception as error:  # noqa: BLE001  the flow gets it
                    fault = error
        except INTERRUPTIONS:
            flow.close()
            self._say_last_words(scope)
            raise
        finally:
            flow.close()
            scope.close()

    def _say_last_words(self, scope: _Scope) -> None:
        makers = scope.last_words()
        scope.cancel()
        if makers:
            flow = last_words(makers)
            speaker = threading.Thread(target=self.run, args=(flow,), daemon=True)
            speaker.start()
            speaker.join(LAST_WORDS_SECONDS)

    def _exchange(self, message: messages.Request, _: _Scope) -> Reply:
        self._log_in_first(message)
        return self._http.exchange(message)

    def _download(self, message: messages.Download, _: _Scope) -> Reply:
        self._log_in_first(message.request)
        return self._http.download(message.request, message.sink, message.max_bytes)

    def _log_in_first(self, request: messages.Request) -> None:
        if self._credentials.needs_log_in and not request.anonymous:
            self._log_in(None)

    def _reauthenticate(self, message: messages.Reauthenticate, _: _Scope) -> bool:
        return self._log_in(message.stale_token)

    def _log_in(self, stale: Optional[str]) -> bool:
        with self._login_lock:
            if self._credentials.token != stale:
                return True
            if self._credentials.email is None or self._credentials.password is None:
                return False
            flow = log_in(self._credentials.email, self._credentials.password)
            self._credentials.replace_token(stale, self.run(flow))
            return True

    def _listen(self, message: messages.Listen, scope: _Scope) -> Optional[SyncMailbox]:
        if self._credentials.needs_log_in:
            self._log_in(None)
        mailbox = scope.keep(SyncMailbox(message, self._hub.forget))
        return mailbox if self._hub.deliver_to(mailbox) else None

    def _next_event(self, message: messages.NextEvent, _: _Scope) -> Optional[RawEvent]:
        return cast(SyncMailbox, message.mailbox).take(message.timeout)

    def _pause(self, message: messages.Pause, scope: _Scope) -> None:
        end = time.monotonic() + message.seconds
        while not scope.cancelled.is_set():
            left = end - time.monotonic()
            if left <= 0:
                return
            scope.cancelled.wait(min(left, LONGEST_BLOCK))

    def _notify(self, message: messages.Notify, _: _Scope) -> None:
        _refuse_async(message.callback)
        message.callback(*message.args)

    def _identify(self, message: messages.Identify, _: _Scope) -> None:
        self._credentials.change(message.token, message.email, message.password)

    def _on_interrupt(self, message: messages.OnInterrupt, scope: _Scope) -> None:
        scope.on_interrupt = message.make

    def _emit(self, _: messages.Emit, __: _Scope) -> None:
        raise RuntimeError("a gathered flow may not emit")

    def _gather(self, message: messages.Gather, scope: _Scope) -> list[Any]:
        group = scope.child()
        crew = _Crew(message, group, self._finish)
        try:
            crew.work()
        except INTERRUPTIONS:
            # What is on its way may still arrive; last words come after it. The
            # group stays with its scope, which asks it for them.
            group.cancel()
            crew.let_go()
            raise
        except BaseException:
            scope.drop(group)
            raise
        scope.drop(group)
        return crew.results


class _Crew:
    """Threads that run gathered flows, at most `limit` at a time."""

    def __init__(
        self,
        message: messages.Gather,
        group: _Scope,
        finish: Callable[[Flow[Any], _Scope], Any],
    ) -> None:
        self.results: list[Any] = [None] * len(message.flows)
        self._todo = deque(enumerate(message.flows))
        self._threads = [
            threading.Thread(target=self._run, name="ivk-gather", daemon=True)
            for _ in range(min(max(1, message.limit), len(message.flows)))
        ]
        self._group = group
        self._finish = finish
        self._errors: list[BaseException] = []

    def work(self) -> None:
        """Run every flow; raise the first error after cancelling the others."""
        for thread in self._threads:
            thread.start()
        try:
            while any(thread.is_alive() for thread in self._threads):
                if self._group.cancelled.is_set():
                    self.let_go()
                    break
                for thread in self._threads:
                    thread.join(LONGEST_BLOCK)
        finally:
            self._group.cancelled.set()
            while self._todo:
                self._todo.popleft()[1].close()
        if self._errors:
            raise self._errors[0]

    def let_go(self) -> None:
        """Give cancelled flows a moment to end."""
        deadline = time.monotonic() + _GRACE
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self) -> None:
        while not self._group.cancelled.is_set():
            try:
                index, flow = self._todo.popleft()
            except IndexError:
                return
            child = self._group.child()
            try:
                self.results[index] = self._finish(flow, child)
            except _Cancelled:
                return
            except BaseException as error:  # noqa: BLE001  raised in the caller
                self._errors.append(error)
                self._group.cancel()
            else:
                self._group.drop(child)


def _shut(http: SyncHttp, hub: EventHub) -> None:
    hub.close(wait=False)
    http.close()


def _refuse_async(callback: Callable[..., Any]) -> None:
    call = getattr(callback, "__call__", None)  # noqa: B004  an object's own
    if inspect.iscoroutinefunction(callback) or inspect.iscoroutinefunction(call):
        raise TypeError(
            f"the callback {callback!r} is an async def: the blocking client cannot "
            "await it; give a plain function, or use AsyncInvokeAIClient"
        )
