"""One face for both drivers, so that one test runs on either."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Optional

from invokeai_py_client._core.address import parse_address
from invokeai_py_client._core.messages import Flow, Message
from invokeai_py_client._io.asyncio_driver import AsyncioDriver
from invokeai_py_client._io.blocking_driver import BlockingDriver
from invokeai_py_client._io.credentials import Credentials
from invokeai_py_client._io.event_hub import EventHub
from invokeai_py_client._io.settings import Settings, make_tls_context

DRIVERS = ("blocking", "asyncio")


def make_settings(
    url: str,
    *,
    token: Optional[str] = None,
    email: Optional[str] = None,
    password: Optional[str] = None,
    request_timeout: float = 10.0,
    headers: Optional[dict[str, str]] = None,
) -> Settings:
    address = parse_address(url)
    return Settings(
        address=address,
        credentials=Credentials(token, email, password),
        tls=make_tls_context(address, True),
        headers=headers or {},
        request_timeout=request_timeout,
    )


def once(message: Message) -> Flow[Any]:
    """Perform a message as it is: no retry, no log-in."""
    return (yield message)


def run_in_new_loop(work: Coroutine[Any, Any, Any]) -> Any:
    """As `asyncio.run`, without touching the loop that pytest-asyncio has set."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


class Driven:
    """A driver of either kind, used from a test that blocks."""

    def __init__(self, kind: str, settings: Settings) -> None:
        self.kind = kind
        self.settings = settings
        self.hub = EventHub(settings)
        self._loop = asyncio.new_event_loop() if kind == "asyncio" else None
        make: Callable[..., Any] = (
            BlockingDriver if self._loop is None else AsyncioDriver
        )
        self.driver = make(settings, self.hub)
        self._companions: list[Any] = []

    def companion(self, url: str) -> Any:
        """Another client's driver, of the same kind and on the same event loop."""
        settings = make_settings(url)
        self._companions.append(type(self.driver)(settings, EventHub(settings)))
        return self._companions[-1]

    def run(self, flow: Flow[Any]) -> Any:
        if self._loop is None:
            return self.driver.run(flow)
        return self._loop.run_until_complete(self.driver.run(flow))

    def stream(self, flow: Flow[Any], count: int) -> list[Any]:
        """The first `count` values, after which the stream is left."""
        if self._loop is None:
            values = []
            stream = self.driver.stream(flow)
            for value in stream:
                values.append(value)
                if len(values) == count:
                    break
            stream.close()
            return values
        return self._loop.run_until_complete(self._collect(flow, count))

    async def _collect(self, flow: Flow[Any], count: int) -> list[Any]:
        values = []
        stream = self.driver.stream(flow)
        async for value in stream:
            values.append(value)
            if len(values) == count:
                break
        await stream.aclose()
        return values

    def reopen_loop(self) -> None:
        """Go on after `close`, in another event loop."""
        if self._loop is not None:
            self._loop = asyncio.new_event_loop()

    def close(self) -> None:
        drivers = [self.driver, *self._companions]
        if self._loop is None:
            for driver in drivers:
                driver.close()
            return
        for driver in drivers:
            self._loop.run_until_complete(driver.close())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
