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
from starlette.requests import ClientDisconnect, Request

from . import routes  # noqa: F401 -- registers the routes
from .auth import MEDIA_COOKIE, SYSTEM_USER, User
from .fault_transport import ConnectionCut, FaultTransport, cut
from .faults import RequestFault
from .simulation import Simulation
from .socket_server import SocketServer
from .video_ingress import UPLOAD_PATH, VideoIngress
from .wire import (
    Access,
    ApiError,
    Call,
    CrashError,
    Reply,
    UploadedFile,
    find_route,
    json_reply,
)

logger = logging.getLogger("invokeai_py_client.simulator")

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

_PAGE = b"""<!DOCTYPE html>
<html lang="en"><head><meta charset="UTF-8"><title>Invoke - Community Edition</title>
</head><body><div id="root"></div></body></html>
"""
_PART_LIMIT = 1024 * 1024
_NOT_RENEWING = ("/api/v1/auth/logout", "/api/v1/auth/media-cookie")


@dataclass
class SimulatorApp:
    """The application of one simulation, Socket.IO included."""

    simulation: Simulation
    sockets: SocketServer = field(init=False)
    faults: FaultTransport = field(init=False)
    ingress: VideoIngress = field(init=False)

    def __post_init__(self) -> None:
        self.sockets = SocketServer(self.simulation)
        self.faults = FaultTransport(self.simulation.faults)
        self.ingress = VideoIngress(self.simulation.users)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
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
            if request.method == "POST" and path == UPLOAD_PATH:
                reply = await self._video_upload(fault, request)
            else:
                await request.body()
                reply = await self.faults.around(fault, lambda: self._reply(request))
        except ConnectionCut:
            await cut(send)
            return
        _compress(reply, request)
        await self.faults.send(fault, reply, send, head=request.method == "HEAD")

    async def _video_upload(
        self, fault: Optional[RequestFault], request: Request
    ) -> Reply:
        """The answer to an upload, which may be given before its body was read."""
        try:
            with self.ingress.admitted(request.headers, _bearer(request)):
                reply = await self.faults.around(fault, lambda: self._reply(request))
        except ApiError as error:
            reply = json_reply({"detail": error.detail}, error.status, error.headers)
        if not getattr(request.state, "was_heard", False):
            # Who goes on sending is not listened to.
            reply.headers["connection"] = "close"
        return reply

    async def _reply(self, request: Request) -> Reply:
        # Not of `request.url`: what is escaped in it depends on Starlette's version.
        path, query = request.scope["path"], request.scope["query_string"]
        found = find_route(request.method, path)
        if found is None:
            return _unrouted(request.method)
        matched, params = found
        try:
            user, token = self._user(matched.access, request)
            call = Call(
                simulation=self.simulation,
                method=request.method,
                path=path,
                query=parse_qs(query.decode("latin-1"), keep_blank_values=True),
                headers=dict(request.headers),
                body=b"",
                user=user,
                params=params,
                token=token,
                base_url=str(request.base_url),
            )
            if matched.before_body is not None:
                call.checked = await run_in_threadpool(matched.before_body, call)
            call.body = await request.body()
            request.state.was_heard = True
            if matched.before_body is None:
                call.form = await _form(request)
            result = await run_in_threadpool(matched.handler, call)
            reply = result if isinstance(result, Reply) else json_reply(result)
            reply.headers.update(call.reply_headers)
            self._slide(call, reply)
        except ApiError as error:
            return json_reply(
                _sane({"detail": error.detail}), error.status, error.headers
            )
        except ClientDisconnect:
            return json_reply(
                {"detail": "Upload ended before the body was complete"}, 400
            )
        except CrashError:
            return _crash()
        except Exception:
            logger.exception("%s %r failed", request.method, path)
            return _crash()
        return reply

    def _slide(self, call: Call, reply: Reply) -> None:
        """A successful change renews the token of who made it."""
        if (
            call.token is None
            or not self.simulation.users.multiuser
            or call.method not in ("POST", "PUT", "PATCH", "DELETE")
            or reply.status >= 400
            or call.path in _NOT_RENEWING
            or "X-Refreshed-Token" in reply.headers
        ):
            return
        fresh = self.simulation.users.refresh(call.token)
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
            missing = "Missing authentication credentials"
            raise _unauthorized(
                missing if strict else "Authentication required", strict
            )
        claims = users.read_token(token)
        if claims is None:
            invalid = "Invalid or expired authentication token"
            raise _unauthorized(
                invalid if strict else "Invalid or expired token", strict
            )
        user = users.user_of(claims)
        if user is None:
            gone = "User account is inactive or does not exist"
            raise _unauthorized(
                gone if strict else "User not found or inactive", strict
            )
        if access in ("admin", "account_admin") and not user.is_admin:
            raise ApiError(403, "Admin privileges required")
        return user, token


def _bearer(request: Request) -> Optional[str]:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" and token else None


def _unauthorized(detail: str, strict: bool) -> ApiError:
    return ApiError(401, detail, {"WWW-Authenticate": "Bearer"} if strict else None)


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
    # The web interface answers whatever no route does, unknown API paths included.
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
    elif reply.media_type.startswith("application/json") and reply.body:
        reply.body = gzip.compress(reply.body, 1)
        reply.headers["content-encoding"] = "gzip"
        reply.headers["vary"] = "Accept-Encoding"
