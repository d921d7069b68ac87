"""What both clients share: their options, and what can be said without a request."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn, Optional, TypedDict, TypeVar

from invokeai_py_client._arguments.kinds import (
    POSITIVE_SECONDS,
    SECONDS,
    whole_number,
)
from invokeai_py_client._core.address import DEFAULT_URL, parse_address
from invokeai_py_client._core.messages import DEFAULT_MAX_RETRIES
from invokeai_py_client._exports import html_table, set_module
from invokeai_py_client._io.event_hub import EventHub
from invokeai_py_client._io.settings import (
    DEFAULT_MAX_DOWNLOAD_BYTES,
    DEFAULT_MAX_REPLY_BYTES,
    DEFAULT_REQUEST_TIMEOUT,
    Settings,
    Verify,
    environment_proxy,
    make_tls_context,
    read_credentials,
    read_headers,
    read_http_options,
    read_proxy,
)
from invokeai_py_client._objects.handle import Handle
from invokeai_py_client._suggestions import did_you_mean, near_names
from invokeai_py_client.exceptions import ArgumentError, InvokeAIError

if TYPE_CHECKING:
    # Installed with pydantic.
    from typing_extensions import Unpack

Self = TypeVar("Self", bound="BaseClient")


@dataclass(frozen=True)
class ClientRecipe:
    """How another process makes a blocking client of the same server.

    It is pickled with the credentials, and does not show them.
    """

    url: str
    options: Mapping[str, Any] = field(repr=False)

    def open(self) -> Any:
        """Make an `InvokeAIClient`."""
        # By its name: its module imports this one.
        package = import_module("invokeai_py_client")
        return package.InvokeAIClient(self.url, **self.options)


@set_module("invokeai_py_client")
class ClientOptions(TypedDict, total=False):
    """The options of a client by name; the client describes them."""

    token: Optional[str]
    email: Optional[str]
    password: Optional[str]
    request_timeout: float
    max_retries: int
    proxy: Optional[str]
    verify: Verify
    headers: Optional[Mapping[str, str]]
    http_options: Optional[Mapping[str, Any]]
    settle_time: float
    max_reply_bytes: int
    max_download_bytes: int


class BaseClient(Handle):
    """The options of a client. Making one sends nothing.

    Every method that sends a request, also of the objects that a client returns, may
    raise an `APIError`; the sections "Raises" name what is particular to a method.
    """

    _KEEP = "its url and options"
    _SET = "it as an option when making the client: InvokeAIClient(url, {name}=…)"

    def __init__(
        self,
        url: Optional[str] = None,
        *,
        token: Optional[str] = None,
        email: Optional[str] = None,
        password: Optional[str] = None,
        request_timeout: float = DEFAULT_REQUEST_TIMEOUT,
        max_retries: int = DEFAULT_MAX_RETRIES,
        proxy: Optional[str] = None,
        verify: Verify = True,
        headers: Optional[Mapping[str, str]] = None,
        http_options: Optional[Mapping[str, Any]] = None,
        settle_time: float = 10.0,
        max_reply_bytes: int = DEFAULT_MAX_REPLY_BYTES,
        max_download_bytes: int = DEFAULT_MAX_DOWNLOAD_BYTES,
        **unknown: NoReturn,
    ) -> None:
        """Make a client; nothing is sent.

        Args:
            url: The server's address, with the path under which a reverse proxy has
                it, if any. None reads the environment's ``INVOKEAI_URL``, else takes
                ``http://localhost:9090``.
            token: A token of a multi-user server. Without any credentials and without
                `url`, the environment's ``INVOKEAI_TOKEN`` is used.
            email: A user's e-mail address; the client logs in when it has to.
            password: That user's password.
            request_timeout: Seconds one HTTP request may go without any progress; the
                whole of it may take five times as long, and a second more for each
                4 KiB that moved. Not a limit for waiting for a job.
            max_retries: How often a request is repeated when its answer was lost or
                the server was busy; 0 for never. Only what cannot happen twice is
                repeated; after a timeout, once at most.
            proxy: The URL of an HTTP proxy, such as ``"http://proxy:3128"``, for
                requests and for the event socket. None uses the proxies of the
                environment, except for a server on this machine.
            verify: How the server's certificate is checked: True against the system's
                authorities, a path against a PEM file or folder, a ready
                `ssl.SSLContext`, or False not at all.
            headers: More headers for every request and for the event socket.
            http_options: More options for the client of the HTTP library, httpx2
                (httpx on Python 3.9): `limits`, `http1`, `http2`, `trust_env`,
                `event_hooks`, `transport`. The event socket knows only `trust_env`.
                A transport stays yours to close, and is used from other threads.
            settle_time: Seconds to look for jobs whose submission's reply was lost,
                before they are submitted once more.
            max_reply_bytes: Longest answer that is read into memory, decompressed;
                512 MiB. JSON may be 64 MiB long and have two million values; a
                higher limit raises both in proportion.
            max_download_bytes: Longest file that is saved; 64 GiB.
            **unknown: There are no other options.

        Raises:
            ArgumentError: An option does not exist or cannot be used.
        """
        for name in unknown:
            known = list(ClientOptions.__annotations__)
            hint = did_you_mean(near_names(name, known)) or None
            # Its value may be a misspelt token.
            raise ArgumentError(name, "…", ", ".join(known), hint=hint)
        if url is None:
            # A token of the environment is only for the server of the environment.
            url = os.environ.get("INVOKEAI_URL") or DEFAULT_URL
            if token is None and email is None:
                token = os.environ.get("INVOKEAI_TOKEN") or None
        address = parse_address(url)
        options = read_http_options(http_options)
        self._settle_time = SECONDS.read("settle_time", settle_time)
        self._verify = verify
        positive = whole_number(1)
        self._settings = Settings(
            address=address,
            credentials=read_credentials(token, email, password),
            tls=make_tls_context(address, verify),
            headers=read_headers(headers),
            request_timeout=POSITIVE_SECONDS.read("request_timeout", request_timeout),
            max_retries=whole_number(0).read("max_retries", max_retries),
            proxy=read_proxy(proxy) or environment_proxy(address, options),
            has_own_proxy=proxy is not None,
            http_options=options,
            max_reply_bytes=positive.read("max_reply_bytes", max_reply_bytes),
            max_download_bytes=positive.read("max_download_bytes", max_download_bytes),
        )
        self._hub = EventHub(self._settings)
        self._runner = self._open()

    def _open(self) -> Any:
        """Make the driver that runs this client's flows."""
        raise NotImplementedError

    @classmethod
    def from_url(cls: type[Self], url: str, **options: Unpack[ClientOptions]) -> Self:
        """Make a client for the server at `url`; `options` are those of the class.

        ``InvokeAIClient(url)`` is the same, and ``InvokeAIClient()`` reads the
        environment's ``INVOKEAI_URL`` and ``INVOKEAI_TOKEN``.

        Raises:
            ArgumentError: The address or an option cannot be used.
        """
        return cls(url, **options)

    # The wrong kind of `with` for the client; each class has its own kind.

    def __enter__(self) -> Any:
        raise _wrong_with("with", "InvokeAIClient", "async with")

    def __exit__(self, *_: Any) -> None:
        """Nothing was entered."""

    async def __aenter__(self) -> Any:
        raise _wrong_with("async with", "AsyncInvokeAIClient", "with")

    async def __aexit__(self, *_: Any) -> None:
        """Nothing was entered."""

    def __copy__(self: Self) -> NoReturn:
        raise TypeError(
            f"a {type(self).__name__} cannot be copied: it owns connections and "
            "threads; with_options() makes another one"
        )

    def with_options(self: Self, **options: Unpack[ClientOptions]) -> Self:
        """Make a client for the same server that differs in `options`.

        ```python
        patient = client.with_options(request_timeout=600, max_retries=10)
        ```

        It has connections and an event socket of its own, so each of the two can be
        closed without the other, and both should be. A log-in or new token of one
        does not reach the other. Objects that the first client returned, such as
        handles, keep its options.

        Args:
            **options: Those of the class. A new `token`, or a new `email` and
                `password`, replaces all three.

        Raises:
            ArgumentError: An option does not exist or cannot be used.
        """
        same = _options(self._settings, self._verify, self._settle_time)
        if options.keys() & {"token", "email", "password"}:
            for name in ("token", "email", "password"):
                del same[name]
        # The context that is there; making one takes a while.
        tls = {"verify": self._settings.tls}
        other = type(self)(self.url, **{**same, **tls, **options})
        if "verify" not in options:
            other._verify = self._verify
        return other

    def _recipe_maker(self) -> Callable[[], ClientRecipe]:
        """Makes recipes with the token of the moment, without keeping the client."""
        settings, verify, settle_time = self._settings, self._verify, self._settle_time
        return lambda: ClientRecipe(
            str(settings.address), _options(settings, verify, settle_time)
        )

    @property
    def url(self) -> str:
        """The server's address, without a slash at its end."""
        return str(self._settings.address)

    def _repr_html_(self) -> str:
        return html_table(("client", "server"), [(type(self).__name__, self.url)])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"


def _options(settings: Settings, verify: Verify, settle_time: float) -> dict[str, Any]:
    """The options with which a client was made; its credentials as they are now."""
    now = settings.credentials
    return {
        "token": now.token,
        "email": now.email,
        "password": now.password,
        "request_timeout": settings.request_timeout,
        "max_retries": settings.max_retries,
        "proxy": settings.proxy if settings.has_own_proxy else None,
        "verify": verify,
        "headers": settings.headers,
        "http_options": settings.http_options,
        "settle_time": settle_time,
        "max_reply_bytes": settings.max_reply_bytes,
        "max_download_bytes": settings.max_download_bytes,
    }


def _wrong_with(used: str, fitting: str, other: str) -> InvokeAIError:
    return InvokeAIError(
        f"this client does not go into `{used}`",
        hint=f"write `{other}`, or take the {fitting}",
    )
