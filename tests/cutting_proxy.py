"""A TCP proxy on the loopback that loses what a test tells it to lose."""

from __future__ import annotations

import contextlib
import socket
import threading
from urllib.parse import urlsplit


class CuttingProxy:
    """Hands bytes on to a server; cuts connections in the middle of some requests.

    `cut` maps a piece of a request to what is lost when it is seen: ``"reply"`` (the
    server gets the request, the client no answer) or ``"request"``. Each entry is
    used once.
    """

    def __init__(self, target: str, cut: dict[bytes, str]) -> None:
        address = urlsplit(target)
        self._target = (address.hostname, address.port)
        self._cut = dict(cut)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = [self._listener]
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.cuts: list[bytes] = []

    def __enter__(self) -> CuttingProxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        for one in self._sockets:
            self._close(one)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._target)
            self._sockets += [client, server]
            mute = threading.Event()
            for pump in (
                lambda c=client, s=server, m=mute: self._up(c, s, m),
                lambda c=client, s=server, m=mute: self._down(s, c, m),
            ):
                threading.Thread(target=pump, daemon=True).start()

    def _up(self, client, server, mute) -> None:
        while data := self._read(client):
            found = next((piece for piece in self._cut if piece in data), None)
            if found is not None:
                loses = self._cut.pop(found)
                self.cuts.append(found)
                if loses == "request":
                    break
                mute.set()
            self._send(server, data)
            if found is not None:
                # The rest of the body follows; the answer is never handed on.
                while b"}" not in data[-1:]:
                    data = self._read(client)
                    self._send(server, data)
                self._close(client)
                return
        self._close(client)
        self._close(server)

    def _down(self, server, client, mute) -> None:
        while data := self._read(server):
            if not mute.is_set():
                self._send(client, data)
        self._close(server)
        self._close(client)

    @staticmethod
    def _read(one) -> bytes:
        try:
            return one.recv(65536)
        except OSError:
            return b""

    @staticmethod
    def _send(one, data) -> None:
        try:
            one.sendall(data)
        except OSError:
            return

    @staticmethod
    def _close(one) -> None:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
