"""An HTTP proxy on the loopback: forwards requests, and tunnels for CONNECT."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Optional
from urllib.parse import urlsplit

_OWN_HEADERS = {"connection", "proxy-authorization", "proxy-connection"}


class HttpProxy:
    """Runs while it is used in a `with` statement.

    Attributes:
        lines: The request lines that came, without the version.
        credentials: The `Proxy-Authorization` of each request.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.credentials: list[Optional[str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def note(self) -> None:
                outer.lines.append(f"{self.command} {self.path}")
                outer.credentials.append(self.headers.get("proxy-authorization"))

            def forward(self) -> None:
                self.note()
                address = urlsplit(self.path)
                length = int(self.headers.get("content-length", 0))
                headers = {
                    name: value
                    for name, value in self.headers.items()
                    if name.lower() not in _OWN_HEADERS
                }
                target = f"{address.path}?{address.query}".rstrip("?")
                upstream = http.client.HTTPConnection(address.hostname, address.port)
                with contextlib.closing(upstream):
                    body = self.rfile.read(length)
                    upstream.request(self.command, target, body, headers)
                    answer = upstream.getresponse()
                    content = answer.read()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("transfer-encoding", "content-length"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = forward  # noqa: N815

            def do_CONNECT(self) -> None:
                self.note()
                host, _, port = self.path.rpartition(":")
                with socket.create_connection((host.strip("[]"), int(port))) as there:
                    self.send_response(200)
                    self.end_headers()
                    back = threading.Thread(
                        target=_copy, args=(there, self.connection), daemon=True
                    )
                    back.start()
                    _copy(self.connection, there)
                    back.join(60)
                self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._http.handle_error = lambda *_: None
        self._thread = threading.Thread(
            target=self._http.serve_forever, args=(0.02,), daemon=True
        )

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> HttpProxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
