"""What handles and repositories hold instead of the client: something to run flows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, Protocol, TypeVar

from invokeai_py_client._core.flow import Flow

T = TypeVar("T")


class Runner(Protocol):
    """Runs flows and blocks until they are done."""

    def run(self, flow: Flow[T]) -> T:
        """Run `flow` to its end and return its result."""
        ...

    def stream(self, flow: Flow[Any]) -> Iterator[Any]:
        """Run `flow`, yielding what it emits; leaving the loop closes the flow."""
        ...


class AsyncRunner(Protocol):
    """Runs flows on the running event loop."""

    async def run(self, flow: Flow[T]) -> T: ...

    def stream(self, flow: Flow[Any]) -> AsyncIterator[Any]: ...
