"""A TCP proxy on the loopback that misbehaves on command, before any server.

It understands as much HTTP/1.1 as it takes to cut a connection at a chosen point of
one exchange. Event sockets pass through untouched until they are dropped.

```python
with FaultProxy(server.url) as proxy:
    proxy.next("reset_after", path="enqueue_batch")
    client = InvokeAIClient(proxy.url)
```
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import socket
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Optional
from urllib.parse import urlsplit

from faults.rig.wire import Message, connect, pump, read_message, reset

KINDS = (
    "delay",  # the request is handed on late
    "reset_before",  # cut before the request was handed on
    "reset_during",  # cut while the server works on it
    "reset_after",  # cut when the server has answered, before the answer
    "reset_body",  # cut in the middle of the answer's body
    "truncate",  # the body ends early, in an orderly way
    "status",  # an error status, without asking the server
    "late_status",  # an error status instead of the server's answer
    "html",  # a web page with status 200, without asking the server
    "late_html",  # a web page instead of the server's answer
    "drip",  # the body arrives in small pieces over `seconds`
)

# What `RandomSchedule` does not draw: each is drawn with what makes it hard.
HARD_KINDS = (
    "drip_head",  # the head arrives byte by byte over `seconds`
    "interim",  # informational answers over `seconds`, and then the answer
    "late_page",  # a web page with an error status instead of the server's answer
    "half_image",  # an image that ends in its middle, with the length of what comes
    "page_as_image",  # a web page that says it is an image
    "other_answer",  # JSON of another kind instead of the server's answer
)

_BATCH_ID = re.compile(r'"batch_id": ?"([^"]+)"')
_PAGE = b"<!DOCTYPE html><html><body>It works!</body></html>"


@dataclass
class Fault:
    """What happens to one exchange.

    Attributes:
        kind: One of `KINDS`.
        seconds: For ``delay`` and ``drip``.
        status: For the statuses.
        retry_after: Seconds in a ``Retry-After`` header.
        then: What happens to the request that follows, whichever it is.
    """

    kind: str
    seconds: float = 0.05
    status: int = 503
    retry_after: Optional[int] = None
    then: Optional[Fault] = None


@dataclass
class Rule:
    """A fault for the exchanges it matches.

    Attributes:
        times: How many exchanges it meets; None for all.
    """

    fault: Fault
    method: Optional[str] = None
    path: str = ""
    times: Optional[int] = 1

    def matches(self, method: str, path: str) -> bool:
        return self.method in (None, method) and bool(re.search(self.path, path))


@dataclass
class RandomSchedule:
    """Faults at random, the same for the same seed and order of requests.

    Attributes:
        rate: How many of the exchanges go wrong, from 0 to 1.
        most: After so many faults the network is well again.
    """

    seed: int
    rate: float = 0.5
    most: int = 6
    kinds: Sequence[str] = KINDS
    path: str = ""

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._left = self.most

    def __call__(self, method: str, path: str) -> Optional[Fault]:
        if not self._left or not re.search(self.path, path):
            return None
        if self._random.random() >= self.rate:
            return None
        self._left -= 1
        return Fault(
            self._random.choice(self.kinds),
            seconds=self._random.choice((0.0, 0.02, 0.1)),
            status=self._random.choice((500, 502, 503, 504, 429)),
            retry_after=self._random.choice((None, 0, 1)),
        )


@dataclass
class FaultProxy:
    """Runs while it is used in a `with` statement.

    Attributes:
        schedule: Asked for a fault when no rule matches; None for none.
        seen: (method, path) of every request, in order.
        done: How often each kind of fault was carried out.
        batches: Ids of the batches that requests to enqueue had.
    """

    target: str
    schedule: Optional[Callable[[str, str], Optional[Fault]]] = None
    seen: list[tuple[str, str]] = field(default_factory=list)
    done: Counter = field(default_factory=Counter)
    batches: set[str] = field(default_factory=set)
    port: int = 0

    def __post_init__(self) -> None:
        parts = urlsplit(self.target)
        self._upstream = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._rules: list[Rule] = []
        self._lock = threading.Lock()
        self._tunnels: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task] = set()
        self._server: Optional[asyncio.Server] = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def sockets(self) -> int:
        """How many event sockets pass through now."""
        return len(self._tunnels)

    def next(
        self,
        kind: str,
        *,
        method: Optional[str] = None,
        path: str = "",
        times: Optional[int] = 1,
        **options: object,
    ) -> None:
        """Let the next exchange that matches go wrong."""
        with self._lock:
            self._rules.append(Rule(Fault(kind, **options), method, path, times))

    def heal(self) -> None:
        """Let everything pass."""
        with self._lock:
            self._rules.clear()
            self.schedule = None

    def drop_sockets(self) -> None:
        """Cut every event socket."""
        self._call(self._drop())

    def refuse(self) -> None:
        """Refuse connections, and cut those there are, until `accept`."""
        self._call(self._stop_listening())

    def accept(self) -> None:
        """Listen again, on the same port."""
        self._call(self._listen())

    # -- running ----------------------------------------------------------------------

    def __enter__(self) -> FaultProxy:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._run, name="fault-proxy", daemon=True
        )
        self._thread.start()
        self._call(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        self._loop.close()

    def _run(self) -> None:
        self._loop.run_forever()
        # What connections still have to do when they close.
        self._loop.run_until_complete(_quiesce())

    def _call(self, work: object) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        if self._server is None:
            # Made by hand: an ephemeral port must stay ours between two listeners.
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", self.port))
            self.port = listener.getsockname()[1]
            self._server = await asyncio.start_server(
                self._accept, sock=listener, limit=2**26, backlog=256
            )

    async def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._end_tasks()

    async def _end_tasks(self) -> None:
        tasks = self._tasks - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _close(self) -> None:
        await self._stop_listening()
        # Connections close in the loop's next rounds.
        await asyncio.sleep(0.02)
        # Also those of connections that came in this moment.
        self._tasks |= asyncio.all_tasks()
        await self._end_tasks()

    async def _drop(self) -> None:
        for writer in list(self._tunnels):
            reset(writer)

    # -- one connection ---------------------------------------------------------------

    def _accept(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        # Not left to asyncio: a task that is cancelled before it begins has no
        # `finally` that would close its connection.
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        task.add_done_callback(lambda _: writer.transport.abort())

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while await self._exchange(reader, writer):
                pass

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Pass one request and its answer on; False when the connection is over."""
        request = await read_message(reader)
        if request is None:
            return False
        method, target, _ = request.line.split(" ", 2)
        path = target.split("?")[0]
        self.batches.update(_BATCH_ID.findall(request.body.decode("utf-8", "replace")))
        if request.is_upgrade:
            await self._tunnel(request, reader, writer)
            return False
        fault = self._take(method, path)
        if fault is None:
            return await self._pass(request, method, writer)
        self.done[fault.kind] += 1
        return await self._misbehave(fault, request, method, writer)

    def _take(self, method: str, path: str) -> Optional[Fault]:
        with self._lock:
            self.seen.append((method, path))
            for rule in self._rules:
                if rule.matches(method, path):
                    if rule.times is not None:
                        rule.times -= 1
                        if not rule.times:
                            self._rules.remove(rule)
                    return self._with_next(rule.fault)
            fault = self.schedule(method, path) if self.schedule else None
            return fault and self._with_next(fault)

    def _with_next(self, fault: Fault) -> Fault:
        if fault.then is not None:
            self._rules.insert(0, Rule(fault.then))
        return fault

    async def _pass(
        self, request: Message, method: str, writer: asyncio.StreamWriter
    ) -> bool:
        answer = await self._ask(request, method)
        writer.write(answer.head + answer.body)
        await writer.drain()
        return not answer.closes

    async def _misbehave(
        self, fault: Fault, request: Message, method: str, writer: asyncio.StreamWriter
    ) -> bool:
        kind = fault.kind
        if kind == "delay":
            await asyncio.sleep(fault.seconds)
            return await self._pass(request, method, writer)
        if kind == "reset_before":
            reset(writer)
            return False
        if kind == "reset_during":
            # The server gets the request whole, and goes on with it.
            asking = asyncio.ensure_future(self._ask(request, method))
            self._tasks.add(asking)
            asking.add_done_callback(self._forget)
            reset(writer)
            return False
        if kind in ("status", "html"):
            writer.write(_answer(fault))
            await writer.drain()
            return True
        answer = await self._ask(request, method)
        if kind == "reset_after":
            reset(writer)
            return False
        return await self._replace(fault, answer, writer)

    async def _replace(
        self, fault: Fault, answer: Message, writer: asyncio.StreamWriter
    ) -> bool:
        """Something else instead of the server's answer, or before it."""
        kind = fault.kind
        if kind in ("late_status", "late_html", "late_page", "page_as_image"):
            writer.write(_answer(fault))
            await writer.drain()
            return True
        if kind == "interim":
            for _ in range(round(fault.seconds / 0.2)):
                writer.write(b"HTTP/1.1 102 Processing\r\n\r\n")
                await writer.drain()
                await asyncio.sleep(0.2)
            writer.write(answer.head + answer.body)
            await writer.drain()
            return not answer.closes
        if kind in ("half_image", "other_answer"):
            body = answer.body[: len(answer.body) // 2]
            if kind == "other_answer":
                body = b'{"detail": [{"loc": 7}], "version": null}'
            writer.write(answer.with_body(body))
            await writer.drain()
            return not answer.closes
        return await self._spoil_body(fault, answer, writer)

    def _forget(self, task: asyncio.Task) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()

    async def _spoil_body(
        self, fault: Fault, answer: Message, writer: asyncio.StreamWriter
    ) -> bool:
        body = answer.body
        if fault.kind.startswith("drip"):
            now, slowly = answer.head, body
            if fault.kind == "drip_head":
                now, slowly = b"", answer.head + body
            writer.write(now)
            size = max(1, len(slowly) // 20)
            for start in range(0, len(slowly), size):
                writer.write(slowly[start : start + size])
                await writer.drain()
                await asyncio.sleep(fault.seconds / 20)
            return not answer.closes
        writer.write(answer.head)
        writer.write(body[: len(body) // 2])
        await writer.drain()
        if fault.kind == "reset_body":
            # A reset discards what the peer has not read yet: let the half arrive.
            await asyncio.sleep(0.01)
            reset(writer)
        else:
            writer.close()
        return False

    async def _ask(self, request: Message, method: str) -> Message:
        """The server's whole answer, over a connection of its own."""
        reader, writer = await connect(self._upstream)
        try:
            writer.write(request.head + request.body)
            await writer.drain()
            answer = await read_message(reader, has_body=method != "HEAD")
        finally:
            writer.transport.abort()
        if answer is None:
            raise ConnectionResetError
        return answer

    async def _tunnel(
        self,
        request: Message,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        up_reader, up_writer = await connect(self._upstream)
        up_writer.write(request.head)
        self._tunnels.add(writer)
        ways = [
            asyncio.ensure_future(pump(reader, up_writer)),
            asyncio.ensure_future(pump(up_reader, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._tunnels.discard(writer)
            # Before anything is awaited: that could be cancelled once more.
            up_writer.transport.abort()
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)


def _answer(fault: Fault) -> bytes:
    if fault.kind.endswith("html"):
        line, kind, body = "200 OK", "text/html", _PAGE
    elif fault.kind == "page_as_image":
        line, kind, body = "200 OK", "image/png", _PAGE
    elif fault.kind == "late_page":
        line, kind, body = f"{fault.status} Fault", "text/html", _PAGE
    else:
        line, kind = f"{fault.status} Fault", "application/json"
        body = b'{"detail": "a fault"}'
    head = f"HTTP/1.1 {line}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    if fault.retry_after is not None:
        head += f"Retry-After: {fault.retry_after}\r\n"
    return head.encode() + b"\r\n" + body


async def _quiesce() -> None:
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    await asyncio.sleep(0.01)
