"""What both drivers do alike: what a message leads to, where nothing has to wait."""

from __future__ import annotations

import logging
import os
import time
import weakref
from collections.abc import Callable, Sequence
from traceback import walk_tb
from types import CodeType
from typing import Any, Generic, Optional, Protocol, TypeVar

from invokeai_py_client._core import messages
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._io.event_hub import EventHub
from invokeai_py_client._io.settings import Settings
from invokeai_py_client.exceptions import InvokeAIError

logger = logging.getLogger("invokeai_py_client")

# The method of a driver for each message.
ACTIONS = {
    messages.Request: "_send",
    messages.Download: "_send",
    messages.Reauthenticate: "_reauthenticate",
    messages.SetCredentials: "_set_credentials",
    messages.Subscribe: "_subscribe",
    messages.NextEvent: "_next_event",
    messages.Pause: "_pause",
    messages.Now: "_now",
    messages.GetShared: "_get_shared",
    messages.RunBlocking: "_run_blocking",
    messages.CallBack: "_call_back",
    messages.OnInterrupt: "_on_interrupt",
}
# Likewise, where flows may emit meanwhile: these give an iterator of what they emit.
EMITTING_ACTIONS = {
    messages.Emit: "_emit",
    messages.Gather: "_gather",
    messages.Elsewhere: "_elsewhere",
}


class _Http(Protocol):
    def renew(self) -> None: ...


HttpT = TypeVar("HttpT", bound=_Http)


class _Running(Protocol):
    on_interrupt: Optional[Callable[[], Flow[Any]]]
    ask_to_end: Optional[Callable[[], None]]


class BaseDriver(Generic[HttpT]):
    """Holds what flows use; its methods take a message and the running flow."""

    def __init__(self, settings: Settings, hub: EventHub, http: HttpT) -> None:
        self.server = str(settings.address)
        self._credentials = settings.credentials
        self._http = http
        self._hub = hub
        self._shared = messages.Shared(
            max_retries=settings.max_retries, address=str(settings.address)
        )
        _alive.add(self)

    def renew(self) -> None:
        """Share nothing with the process that this one was forked from."""
        self._credentials.renew()
        self._http.renew()
        self._hub.renew()

    def _set_credentials(self, message: messages.SetCredentials, _: Any) -> None:
        self._credentials.change(message.token, message.email, message.password)

    def _now(self, _: messages.Now, __: Any) -> float:
        return time.monotonic()

    def _get_shared(self, _: messages.GetShared, __: Any) -> messages.Shared:
        return self._shared

    def _on_interrupt(self, message: messages.OnInterrupt, running: _Running) -> None:
        running.on_interrupt = message.make
        running.ask_to_end = message.ask


# A forked process gets connections, threads and locks of its own: two processes on one
# connection would read each other's answers, threads do not exist in the child, and a
# lock that another thread held stays locked there.
_alive: weakref.WeakSet[BaseDriver[Any]] = weakref.WeakSet()


def _renew_all() -> None:
    for driver in list(_alive):
        driver.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)


# -- a run that ends early -------------------------------------------------------------

# Ctrl-C, and what handlers of other signals raise to end the program.
INTERRUPTIONS = (KeyboardInterrupt, SystemExit)

# Ctrl-C has to end soon, also when the server is what hangs.
CLEANUP_SECONDS = 5.0


def interrupt_cleanup(makers: Sequence[Callable[[], Flow[Any]]]) -> Flow[None]:
    """Run what the interrupted flows registered, one after the other.

    A failure is only logged: the interruption is what the caller has to see.
    """
    for make in makers:
        try:
            yield from make()
        except InvokeAIError as error:  # noqa: PERF203  the rest is still to be done
            logger.warning("cleaning up after an interruption failed: %s", error)


def hand_over(flow: Flow[Any], late_answer: Optional[tuple[Any]]) -> None:
    """Give a cancelled flow what was made for it, so that closing it cleans up."""
    if late_answer is None:
        return
    try:
        flow.send(late_answer[0])
    except StopIteration:
        return
    except Exception:
        # The caller is told of the cancellation, not of what would have come next.
        logger.debug("a cancelled operation failed", exc_info=True)


def without_frames(error: InvokeAIError, callback: CodeType) -> InvokeAIError:
    """Take the frames of flows and drivers out of `error` and of its causes.

    They say nothing to a user and are many; at DEBUG the log has them all. An error
    that passed through `callback`, which calls the user's functions, keeps them.
    """
    logger.debug("%s, in full", type(error).__name__, exc_info=error)
    link: Optional[BaseException] = error
    seen: set[int] = set()
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        frames = walk_tb(link.__traceback__)
        if all(frame.f_code is not callback for frame, _ in frames):
            link.__traceback__ = None
        context = None if link.__suppress_context__ else link.__context__
        link = link.__cause__ or context
    return error
