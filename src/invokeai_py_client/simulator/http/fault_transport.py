"""Applies request faults to requests and replies."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any, Optional

from ..base.faults import Faults, RequestFault
from .wire import Reply, json_reply

Send = Callable[[Any], Awaitable[None]]

_PAGE = b"<!DOCTYPE html><html><body><h1>It works!</h1></body></html>"
_DRIP_PARTS = 20


class ConnectionCut(Exception):  # noqa: N818 -- an instruction, not an error
    """The connection is to be closed without an answer."""


class FaultTransport:
    """Between the network and the application."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._late: set[asyncio.Task[Reply]] = set()

    async def around(
        self, fault: Optional[RequestFault], handle: Callable[[], Awaitable[Reply]]
    ) -> Reply:
        """Handle a request as its fault demands."""
        kind = None if fault is None else fault.kind
        if fault is None or kind in ("truncate", "drip"):
            return await handle()
        if kind in ("reset_before", "reset_during", "reset_after"):
            if kind == "reset_during":
                self._handle_later(fault.seconds, handle)
            elif kind == "reset_after":
                await handle()
            raise ConnectionCut
        if kind == "html":
            return Reply(_PAGE, media_type="text/html; charset=utf-8")
        if kind == "delay":
            await asyncio.sleep(fault.seconds)
            return await handle()
        if fault.handled:
            await handle()
        headers = {}
        if fault.retry_after is not None:
            headers["Retry-After"] = f"{fault.retry_after:g}"
        return json_reply({"detail": "simulated fault"}, fault.status, headers)

    def _handle_later(
        self, seconds: float, handle: Callable[[], Awaitable[Reply]]
    ) -> None:
        async def late() -> Reply:
            await asyncio.sleep(seconds)
            return await handle()

        task = asyncio.create_task(late())
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def send(
        self, fault: Optional[RequestFault], reply: Reply, send: Send, *, head: bool
    ) -> None:
        """Send a reply, whole, cut short, or slowly."""
        await _send_head(reply, send)
        body = b"" if head else reply.body
        if fault is not None and fault.kind == "truncate" and body:
            await send(_part(body[: len(body) // 2], more=True))
            return  # less than announced: the server drops the connection
        if fault is not None and fault.kind == "drip" and body:
            await self._drip(body, fault.seconds, send)
            return
        await send(_part(body, more=False))

    @staticmethod
    async def _drip(body: bytes, seconds: float, send: Send) -> None:
        size = max(len(body) // _DRIP_PARTS, 1)
        parts = [body[at : at + size] for at in range(0, len(body), size)]
        for part in parts:
            await send(_part(part, more=True))
            await asyncio.sleep(seconds / len(parts))
        await send(_part(b"", more=False))


async def send_reply(reply: Reply, send: Send) -> None:
    """Send a whole reply."""
    await _send_head(reply, send)
    await send(_part(reply.body, more=False))


async def _send_head(reply: Reply, send: Send) -> None:
    headers = dict(reply.headers)
    if reply.status != 204:
        headers["content-length"] = str(len(reply.body))
    if reply.media_type is not None:
        headers["content-type"] = reply.media_type
    await send(
        {
            "type": "http.response.start",
            "status": reply.status,
            "headers": [
                (key.lower().encode("latin-1"), value.encode("latin-1"))
                for key, value in headers.items()
            ],
        }
    )


async def cut(send: Send) -> None:
    """Reset the connection of a request.

    ASGI cannot do this: the connection is uvicorn's, found through `send`.
    """
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:
        # Linger for no time: the peer sees a reset, not an orderly end.
        no_linger = struct.pack("ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
    transport.abort()
    await asyncio.sleep(0)  # lets uvicorn notice before it would answer with a 500


def _part(body: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": more}
