"""HTTP/1.1 as far as the proxy of faults has to understand it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass
from typing import Optional


@dataclass
class Message:
    """A request or an answer: its head as it came, and its body."""

    head: bytes
    body: bytes = b""
    is_upgrade: bool = False
    closes: bool = False

    @property
    def line(self) -> str:
        return self.head.split(b"\r\n", 1)[0].decode("latin-1")

    def with_body(self, body: bytes) -> bytes:
        """The message on the wire with another body, and its length."""
        named = (b"content-length", b"transfer-encoding", b"content-encoding")
        lines = [
            line
            for line in self.head.rstrip(b"\r\n").split(b"\r\n")
            if line.partition(b":")[0].strip().lower() not in named
        ]
        lines.append(b"Content-Length: %d" % len(body))
        return b"\r\n".join(lines) + b"\r\n\r\n" + body


def reset(writer: asyncio.StreamWriter) -> None:
    """Close so that the peer sees a reset, not an orderly end."""
    connection = writer.get_extra_info("socket")
    if connection is not None and not writer.transport.is_closing():
        connection.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
    writer.transport.abort()


async def connect(
    address: tuple[str, int],
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect; who is cancelled meanwhile leaves no open connection."""
    opening = asyncio.ensure_future(asyncio.open_connection(*address, limit=2**26))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        with contextlib.suppress(OSError, asyncio.CancelledError):
            (await opening)[1].transport.abort()
        raise


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        data = await reader.read(65536)
        if not data:
            return
        writer.write(data)
        await writer.drain()


async def read_message(
    reader: asyncio.StreamReader, *, has_body: bool = True
) -> Optional[Message]:
    """One HTTP message, its body as it is on the wire; None at the end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    headers = {
        name.strip().lower(): value.strip().lower()
        for name, _, value in (
            line.partition(b":") for line in head.split(b"\r\n")[1:] if line
        )
    }
    message = Message(
        head,
        is_upgrade=b"upgrade" in headers,
        closes=headers.get(b"connection") == b"close",
    )
    first = head.split(b"\r\n", 1)[0]
    is_answer = first.startswith(b"HTTP/")
    empty = is_answer and first.split(b" ")[1] in (b"204", b"304")
    if not has_body or empty:
        return message
    if headers.get(b"transfer-encoding") == b"chunked":
        message.body = await _read_chunks(reader)
    elif b"content-length" in headers:
        message.body = await reader.readexactly(int(headers[b"content-length"]))
    elif is_answer:
        message.body = await reader.read()
        message.closes = True
    return message


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    parts = []
    while True:
        line = await reader.readline()
        size = int(line.split(b";")[0], 16)
        parts += [line, await reader.readexactly(size + 2)]
        if not size:
            return b"".join(parts)
