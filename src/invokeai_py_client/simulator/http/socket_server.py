"""Socket.IO: rooms, and the delivery of events in order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Optional

import socketio

from ..base.events import Delivery, deliveries
from ..program.auth import SYSTEM_USER, User

if TYPE_CHECKING:
    from ..simulation import Simulation

logger = logging.getLogger("invokeai_py_client.simulator")

_PATH = "/ws/socket.io"


class SocketServer:
    """The event socket of one simulation."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        # `same_site.py` has refused other sites by now.
        self._server = socketio.AsyncServer(
            async_mode="asgi", cors_allowed_origins="*", logger=False
        )
        self._app = socketio.ASGIApp(self._server, socketio_path=_PATH)
        self._users: dict[str, User] = {}
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._waiting: asyncio.Queue[tuple[str, Mapping[str, Any]]]
        self._held: Optional[tuple[str, Mapping[str, Any]]] = None
        self._sender: Optional[asyncio.Task[None]] = None
        self._register()

    def _register(self) -> None:
        server = self._server
        server.on("connect", self._connect)
        server.on("disconnect", self._disconnect)
        for what, key in (("queue", "queue_id"), ("bulk_download", "bulk_download_id")):
            server.on(f"subscribe_{what}", self._mover(server.enter_room, key))
            server.on(f"unsubscribe_{what}", self._mover(server.leave_room, key))

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        """Serve one ASGI connection below `/ws/socket.io`."""
        await self._app(scope, receive, send)

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to deliver; called in the loop that serves the sockets."""
        self._loop = loop
        self._waiting = asyncio.Queue()
        self._sender = loop.create_task(self._deliver())
        self._simulation.listen(self._on_event)

    async def detach(self) -> None:
        """Stop delivering and close every socket."""
        if self._sender is not None:
            self._sender.cancel()
        await self.drop_all()

    def _on_event(self, event: str, payload: Mapping[str, Any]) -> None:
        loop = self._loop
        if loop is None or loop.is_closed():
            return
        try:
            loop.call_soon_threadsafe(self._waiting.put_nowait, (event, payload))
        except RuntimeError:
            logger.debug("event %s after the loop was closed", event)

    async def _deliver(self) -> None:
        while True:
            event, payload = await self._waiting.get()
            if event == "user_access_changed":
                await self._apply_access(payload)
                continue
            fault = self._simulation.faults.take_event(event)
            kind = None if fault is None else fault.kind
            if kind == "lose":
                continue
            if kind == "disconnect":
                await self.drop_all()
                continue
            if kind == "reorder" and self._held is None:
                self._held = (event, payload)
                continue
            await self._send(event, payload)
            if kind == "duplicate":
                await self._send(event, payload)
            if self._held is not None:
                held, self._held = self._held, None
                await self._send(*held)

    async def _send(self, event: str, payload: Mapping[str, Any]) -> None:
        for delivery in deliveries(event, payload):
            await self._server.emit(
                delivery.event,
                dict(delivery.payload),
                room=list(delivery.rooms),
                skip_sid=self._skipped(delivery),
            )

    def _skipped(self, delivery: Delivery) -> list[str]:
        return [
            sid
            for sid, user in self._users.items()
            if user.user_id in delivery.except_users
            or (delivery.except_admins and user.is_admin)
        ]

    async def drop_all(self) -> None:
        """Close every socket; clients see the server go away."""
        for sid in list(self._users):
            await self._server.disconnect(sid)

    async def _apply_access(self, access: Mapping[str, Any]) -> None:
        """Close the sockets that an account has lost; move others between rooms."""
        for sid, user in list(self._users.items()):
            if user.user_id != access["user_id"]:
                continue
            if not access["is_active"] or user.token_epoch != access["token_epoch"]:
                await self._server.disconnect(sid)
            elif user.is_admin != access["is_admin"]:
                self._users[sid] = replace(user, is_admin=access["is_admin"])
                if access["is_admin"]:
                    await self._server.enter_room(sid, "admin")
                else:
                    await self._server.leave_room(sid, "admin")

    async def _connect(
        self, sid: str, environ: Mapping[str, Any], auth: Any = None
    ) -> bool:
        user: Optional[User] = SYSTEM_USER
        users = self._simulation.users
        if users.multiuser:
            user = users.holder(_token(environ, auth))
        if user is None:
            return False
        self._users[sid] = user
        await self._server.enter_room(sid, f"user:{user.user_id}")
        await self._server.enter_room(sid, "workflows:shared")
        if user.is_admin:
            await self._server.enter_room(sid, "admin")
        return True

    async def _disconnect(self, sid: str, reason: Any = None) -> None:
        del reason
        self._users.pop(sid, None)

    @staticmethod
    def _mover(
        move: Callable[[str, str], Awaitable[None]], key: str
    ) -> Callable[[str, Any], Awaitable[None]]:
        # A coroutine function: Python 3.9 takes a partial method for none.
        async def change_room(sid: str, data: Any) -> None:
            await move(sid, _text(data, key))

        return change_room


def _token(environ: Mapping[str, Any], auth: Any) -> str:
    if isinstance(auth, dict) and isinstance(auth.get("token"), str):
        return str(auth["token"])
    header = str(environ.get("HTTP_AUTHORIZATION", ""))
    return header[7:] if header.startswith("Bearer ") else ""


def _text(data: Any, key: str) -> str:
    # Like the real server: a malformed payload is logged and never acknowledged.
    value = data[key]
    if not isinstance(value, str):
        raise TypeError(f"{key} must be a string")
    return value
