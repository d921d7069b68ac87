"""The HTTP library: which one it is, and its clients as the settings say.

This module alone knows its name; the others take `httpx` from here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

from invokeai_py_client._io.network import SOCKET_OPTIONS, limit_network
from invokeai_py_client._io.settings import Settings
from invokeai_py_client._version import __version__
from invokeai_py_client.exceptions import ArgumentError

if sys.version_info >= (3, 10):
    import httpx2 as httpx
else:
    import httpx

__all__ = ["USER_AGENT", "connection_of", "httpx", "make_asyncio_client", "make_client"]

# More than 8 requests at a time buy nothing on the server; the rest is room for
# slow transfers. It closes idle connections after 5.0 s, so we do so before: a
# request sent into a closing connection could not be told from one that was done.
_LIMITS = httpx.Limits(
    max_connections=16, max_keepalive_connections=16, keepalive_expiry=4.0
)
USER_AGENT = f"invokeai-py-client/{__version__}"


def make_client(settings: Settings) -> httpx.Client:
    with _refusing_options(settings, httpx.BaseTransport):
        options = _client_options(settings, httpx.HTTPTransport)
        return httpx.Client(**options)


def make_asyncio_client(settings: Settings) -> httpx.AsyncClient:
    with _refusing_options(settings, httpx.AsyncBaseTransport):
        options = _client_options(settings, httpx.AsyncHTTPTransport)
        return httpx.AsyncClient(**options)


@contextmanager
def _refusing_options(settings: Settings, transport_type: type) -> Iterator[None]:
    """Turn what the HTTP library says of an option into an error of ours."""
    options = settings.http_options
    transport = options.get("transport")
    problem = None
    if "transport" in options and not isinstance(transport, transport_type):
        problem = f"transport has to be a {httpx.__name__}.{transport_type.__name__}"
    elif "transport" in options and settings.has_own_proxy:
        problem = "a transport takes the place of proxy="
    try:
        if problem is None:
            yield
            return
    except (ImportError, TypeError, ValueError, AttributeError, httpx.InvalidURL) as e:
        problem = str(e)
    allowed = f"options of {httpx.__name__}.Client"
    raise ArgumentError("http_options", dict(options), allowed, hint=problem)


class _QueryTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport of the user's, which gets addresses with their query."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response: httpx.Response = self._inner.handle_request(_with_query(request))
        return response

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response: httpx.Response = await self._inner.handle_async_request(
            _with_query(request)
        )
        return response


def _with_query(request: httpx.Request) -> httpx.Request:
    """The same request; its log line has been written without the query."""
    extensions = dict(request.extensions)
    url = request.url.copy_with(raw_path=extensions.pop("target"))
    return httpx.Request(
        request.method,
        url,
        headers=request.headers,
        stream=request.stream,
        extensions=extensions,
    )


def connection_of(response: httpx.Response) -> Any:
    """The connection; a transport of the user's may have none."""
    return response.extensions.get("network_stream", response)


def _client_options(settings: Settings, transport_type: Any) -> dict[str, Any]:
    options = {
        # The log-in sets a cookie for browsers; the token is all we send.
        "cookies": CookieJar(DefaultCookiePolicy(allowed_domains=())),
        "headers": {"User-Agent": USER_AGENT},
        "follow_redirects": False,
        **settings.http_options,
        # What the environment says has been read.
        "trust_env": False,
    }
    if "transport" in options:
        options["transport"] = _QueryTransport(options["transport"])
        return options
    names = ("limits", "http1", "http2")
    own = {name: options[name] for name in names if name in options}
    transport = transport_type(
        **{"limits": _LIMITS, **own},
        verify=settings.tls,
        trust_env=False,
        proxy=settings.proxy,
        socket_options=SOCKET_OPTIONS,
    )
    limit_network(transport._pool)
    return {**options, "transport": transport}
