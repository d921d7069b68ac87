"""A Socket.IO server on the loopback, as InvokeAI has one, that a test controls."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, Optional

import socketio
import uvicorn


class EventServer:
    """Runs while it is used in a `with` statement; can be stopped and started again.

    Attributes:
        subscriptions: Payloads of every subscription, in order.
        tokens: The token each connection came with.
        accepted: Tokens that are let in; None lets everybody in.
    """

    def __init__(self, path: str = "/ws/socket.io") -> None:
        self.subscriptions: list[Any] = []
        self.tokens: list[Optional[str]] = []
        self.accepted: Optional[set[str]] = None
        self.port = 0
        self._path = path
        self._server: Optional[uvicorn.Server] = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    def _serve(self) -> None:
        asyncio.run(self._main())

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._sio = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins="*")
        self._sio.on("connect", self._connect)
        self._sio.on("subscribe_queue", self._subscribe)
        self._sio.on("subscribe_bulk_download", self._subscribe)
        config = uvicorn.Config(
            socketio.ASGIApp(self._sio, socketio_path=self._path),
            port=self.port,
            ws="websockets-sansio",
            log_config=None,
            timeout_graceful_shutdown=1,
        )
        self._server = server = uvicorn.Server(config)
        serving = asyncio.ensure_future(server.serve())
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)
        if server.started:
            self.port = server.servers[0].sockets[0].getsockname()[1]
            self._ready.set()
        await serving

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(60)

    def send(self, name: str, payload: Any) -> None:
        """Send an event to everybody and wait until it is on its way."""
        sending = self._sio.emit(name, payload)
        asyncio.run_coroutine_threadsafe(sending, self._loop).result(5)

    async def _connect(self, sid: str, environ: Any, auth: Any) -> bool:
        token = (auth or {}).get("token")
        self.tokens.append(token)
        return self.accepted is None or token in self.accepted

    async def _subscribe(self, sid: str, data: Any) -> None:
        self.subscriptions.append(data)

    def __enter__(self) -> EventServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
