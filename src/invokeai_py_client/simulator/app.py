"""The ASGI application: authenticates, dispatches, and shapes replies."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Optional
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.formparsers import MultiPartException
from starlette.requests import Request

from . import routes  # noqa: F401 -- registers the routes
from .base.errors import ApiError, CrashError
from .http.fault_transport import ConnectionCut, FaultTransport, cut, send_reply
from .http.same_site import foreign
from .http.socket_server import SocketServer
from .http.wire import (
    Access,
    ApiRequest,
    Reply,
    Route,
    UploadedFile,
    find_route,
    json_reply,
)
from .program.auth import MEDIA_COOKIE, SYSTEM_USER, User
from .simulation import Simulation

logger = logging.getLogger("invokeai_py_client.simulator")

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

_PAGE = b"""<!DOCTYPE html>
<html lang="en"><head><meta charset="UTF-8"><title>Invoke - Community Edition</title>
</head><body><div id="root"></div></body></html>
"""
_PART_LIMIT = 1024 * 1024
_COMPRESSED = ("application/json", "text/html")
_NOT_RENEWING = ("/api/v1/auth/logout", "/api/v1/auth/media-cookie")


@dataclass
class SimulatorApp:
    """The application of one simulation, Socket.IO included."""

    simulation: Simulation
    sockets: SocketServer = field(init=False)
    faults: FaultTransport = field(init=False)

    def __post_init__(self) -> None:
        self.sockets = SocketServer(self.simulation)
        self.faults = FaultTransport(self.simulation.faults)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif (reason := foreign(scope)) is not None:
            await _refuse(scope, reason, send)
        elif scope["path"].startswith("/ws/socket.io"):
            await self.sockets(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self.sockets.attach(asyncio.get_running_loop())
                await send({"type": "lifespan.startup.complete"})
            else:
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        path = scope["path"]
        if path.startswith("/__simulator__/"):
            fault = None  # the remote control always works
        else:
            fault = self.simulation.faults.take_request(request.method, path)
        try:
            await request.body()
            reply = await self.faults.around(fault, lambda: self._reply(request))
        except ConnectionCut:
            await cut(send)
            return
        _compress(reply, request)
        await self.faults.send(fault, reply, send, head=request.method == "HEAD")

    async def _reply(self, request: Request) -> Reply:
        # Not of `request.url`: what is escaped in it depends on Starlette's version.
        path, query = request.scope["path"], request.scope["query_string"]
        found = find_route(request.method, path, self.simulation.settings.rules)
        if found is None:
            return _unrouted(request.method)
        matched, params = found
        try:
            user, token = self._user(matched.access, request)
            api_request = ApiRequest(
                simulation=self.simulation,
                method=request.method,
                path=path,
                query=parse_qs(query.decode("latin-1"), keep_blank_values=True),
                headers=dict(request.headers),
                body=await request.body(),
                user=user,
                params=params,
                token=token,
                base_url=str(request.base_url),
                form=await _form(request),
            )
            result = await run_in_threadpool(self._handle, matched, api_request)
            reply = result if isinstance(result, Reply) else json_reply(result)
            reply.headers.update(api_request.reply_headers)
            self._slide(api_request, reply)
        except ApiError as error:
            return json_reply(
                _sane({"detail": error.detail}), error.status, error.headers
            )
        except CrashError:
            return _crash()
        except Exception:
            logger.exception("%s %r failed", request.method, path)
            return _crash()
        return reply

    def _handle(self, matched: Route, request: ApiRequest) -> Any:
        if request.method in ("GET", "HEAD"):
            return matched.handler(request)
        # Of several requests that change one thing, each finds what the last one left.
        with self.simulation.database.lock:
            return matched.handler(request)

    def _slide(self, request: ApiRequest, reply: Reply) -> None:
        """A successful change renews the token of who made it."""
        if (
            request.token is None
            or not self.simulation.users.multiuser
            or request.method not in ("POST", "PUT", "PATCH", "DELETE")
            or reply.status >= 400
            or request.path in _NOT_RENEWING
            or "X-Refreshed-Token" in reply.headers
        ):
            return
        fresh = self.simulation.users.refresh(request.token)
        if fresh is not None:
            reply.headers["X-Refreshed-Token"] = fresh

    def _user(self, access: Access, request: Request) -> tuple[User, Optional[str]]:
        users = self.simulation.users
        token = _bearer(request)
        strict = access in ("account", "account_admin")
        if access == "public" or (not users.multiuser and not strict):
            return SYSTEM_USER, None
        if token is None and access == "media":
            token = request.cookies.get(MEDIA_COOKIE)
        if token is None:
            raise _unauthorized(
                strict, "Missing authentication credentials", "Authentication required"
            )
        claims = users.read_token(token)
        if claims is None:
            invalid = "Invalid or expired authentication token"
            raise _unauthorized(strict, invalid, "Invalid or expired token")
        user = users.user_of(claims)
        if user is None:
            gone = "User account is inactive or does not exist"
            raise _unauthorized(strict, gone, "User not found or inactive")
        if access in ("admin", "account_admin") and not user.is_admin:
            raise ApiError(403, "Admin privileges required")
        return user, token


def _bearer(request: Request) -> Optional[str]:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" and token else None


def _unauthorized(strict: bool, strict_detail: str, detail: str) -> ApiError:
    if strict:
        return ApiError(401, strict_detail, {"WWW-Authenticate": "Bearer"})
    return ApiError(401, detail)


async def _refuse(scope: Scope, reason: str, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
    else:
        await send_reply(json_reply({"detail": reason}, 403), send)


async def _form(request: Request) -> Mapping[str, Any]:
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        return {}
    values: dict[str, Any] = {}
    try:
        async with request.form(max_part_size=_PART_LIMIT) as form:
            for key, value in form.multi_items():
                if isinstance(value, str):
                    values[key] = value
                else:
                    data = await value.read()
                    values[key] = UploadedFile(value.filename, value.content_type, data)
    except MultiPartException as error:
        raise ApiError(400, error.message) from error
    return values


def _unrouted(method: str) -> Reply:
    # The web interface answers where no route matches, unknown API paths included.
    if method in ("GET", "HEAD"):
        return Reply(_PAGE, media_type="text/html; charset=utf-8")
    return json_reply({"detail": "Method Not Allowed"}, 405)


def _crash() -> Reply:
    return Reply(
        b"Internal Server Error",
        500,
        "text/plain; charset=utf-8",
        # The real server drops the connection after an error it did not catch.
        {"connection": "close"},
    )


def _sane(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))


def _compress(reply: Reply, request: Request) -> None:
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return
    if reply.media_type is None:
        # The operation was carried out, but with gzip the server cannot say so.
        reply.body, reply.status = b"Internal Server Error", 500
        reply.media_type = "text/plain; charset=utf-8"
    elif reply.media_type.startswith(_COMPRESSED) and reply.body:
        reply.body = gzip.compress(reply.body, 1)
        reply.headers["content-encoding"] = "gzip"
        reply.headers["vary"] = "Accept-Encoding"
