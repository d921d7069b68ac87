"""The common options, the client and the exit of every command."""

from __future__ import annotations

import base64
import functools
import inspect
import sys
import typing
from collections.abc import Callable, Sequence
from contextlib import closing, redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from invokeai_py_client.cli.errors import CliError, explain
from invokeai_py_client.cli.render import Outcome, Renderer
from invokeai_py_client.cli.values import read_text

if TYPE_CHECKING:
    from invokeai_py_client.client import InvokeAIClient

JsonOption = Annotated[
    bool, typer.Option("--json", help="Write one JSON envelope to standard output.")
]
UrlOption = Annotated[
    Optional[str],
    typer.Option(
        "--url",
        metavar="URL",
        help="The server [$INVOKEAI_URL or http://localhost:9090].",
    ),
]
TokenOption = Annotated[
    Optional[str],
    typer.Option(
        "--token",
        metavar="TOKEN",
        help="Token of a server with accounts [$INVOKEAI_TOKEN without --url].",
    ),
]
HeaderOption = Annotated[
    Optional[list[str]],
    typer.Option(
        "--header",
        metavar="NAME:VALUE",
        help="Send this header with every request; @FILE reads it from a file. May be "
        "repeated.",
    ),
]
BasicAuthOption = Annotated[
    Optional[str],
    typer.Option(
        "--basic-auth",
        metavar="USER:PASSWORD",
        help="Log in to a reverse proxy; @FILE reads it from a file.",
    ),
]
VerifyOption = Annotated[
    Optional[str],
    typer.Option(
        "--verify",
        metavar="PATH|no",
        help="Trust the certificates in this file or folder, or check none.",
    ),
]
ProxyOption = Annotated[
    Optional[str],
    typer.Option("--proxy", metavar="URL", help="Use this HTTP proxy."),
]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Log to standard error.")
]

_COMMON = (
    ("url", UrlOption, None),
    ("token", TokenOption, None),
    ("headers", HeaderOption, None),
    ("basic_auth", BasicAuthOption, None),
    ("verify", VerifyOption, None),
    ("proxy", ProxyOption, None),
    ("as_json", JsonOption, False),
    ("verbose", VerboseOption, False),
)


@dataclass
class Session:
    """The renderer of a command, its options, and its client if it uses one."""

    renderer: Renderer
    url: Optional[str]
    token: Optional[str]
    headers: Sequence[str] = ()
    basic_auth: Optional[str] = None
    verify: Optional[str] = None
    proxy: Optional[str] = None
    _client: Optional[InvokeAIClient] = None

    @property
    def client(self) -> InvokeAIClient:
        """The client, created on first use and closed when the command ends."""
        if self._client is None:
            # Importing the client takes longer than most commands.
            from invokeai_py_client.client import InvokeAIClient

            # Without --url, address and token come from the environment; --token
            # replaces that token.
            options: dict[str, Any] = {"token": self.token} if self.token else {}
            if self.verify is not None:
                options["verify"] = self.verify != "no" and self.verify
            self._client = InvokeAIClient(
                self.url, headers=self._headers(), proxy=self.proxy, **options
            )
        return self._client

    def forget_server(self, url: str) -> None:
        """Use the server at `url` from now on, without what was for another one."""
        self.close()
        self.url, self.token, self.proxy, self.verify = url, None, None, None
        self.headers, self.basic_auth = (), None

    def _headers(self) -> dict[str, str]:
        headers = {}
        for text in map(read_text, self.headers):
            name, colon, value = text.partition(":")
            if not colon:
                raise CliError("usage", "--header needs NAME:VALUE")
            headers[name.strip()] = value.strip()
        if self.basic_auth is not None:
            pair = read_text(self.basic_auth)
            if ":" not in pair:
                raise CliError("usage", "--basic-auth needs USER:PASSWORD")
            if self.token:
                raise CliError(
                    "usage",
                    "--basic-auth and --token use the same header",
                    hint="let the proxy take its log-in from another --header",
                )
            headers["Authorization"] = (
                f"Basic {base64.b64encode(pair.encode()).decode()}"
            )
        return headers

    def close(self) -> None:
        """Close the client if there is one."""
        client, self._client = self._client, None
        if client is not None:
            client.close()


def without_password(url: Optional[str]) -> Optional[str]:
    """An address to show: without what may be a user's name and password."""
    return url if url is None or "@" not in url else f"…@{url.rpartition('@')[2]}"


def group(name: str, help_text: str) -> typer.Typer:
    """A group of commands, such as `ivk board`."""
    return typer.Typer(name=name, help=help_text, rich_markup_mode=None)


def command(
    app: typer.Typer, name: str
) -> Callable[[Callable[..., Outcome]], Callable[..., Outcome]]:
    """Register a function `(session, ...) -> Outcome` as a command.

    Its other parameters become arguments and options of Typer; the common options are
    added. Errors become a `Failure`, whose exit code ends the process.
    """

    def register(function: Callable[..., Outcome]) -> Callable[..., Outcome]:
        app.command(name, help=inspect.getdoc(function))(_runnable(function))
        return function

    return register


def _runnable(function: Callable[..., Outcome]) -> Callable[..., None]:
    @functools.wraps(function)
    def run(ctx: typer.Context, **values: Any) -> None:
        session = Session(
            Renderer(as_json=values.pop("as_json"), verbose=values.pop("verbose")),
            values.pop("url"),
            values.pop("token"),
            values.pop("headers") or (),
            values.pop("basic_auth"),
            values.pop("verify"),
            values.pop("proxy"),
        )
        renderer = session.renderer
        name = " ".join(ctx.command_path.split()[1:])
        # What a library prints must not mix with the envelope.
        stdout = sys.stderr if renderer.as_json else sys.stdout
        try:
            with renderer.library_log(), closing(session), redirect_stdout(stdout):
                outcome = function(session, **values)
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001, the one place that reports all
            code = renderer.failure(name, explain(error))
        else:
            code = renderer.result(name, outcome)
        raise typer.Exit(code)

    hints = _annotations(function)
    own = list(inspect.signature(function).parameters.values())[1:]
    parameters = [_parameter("ctx", typer.Context)]
    parameters += [_parameter(p.name, hints[p.name], p.default) for p in own]
    parameters += [_parameter(*common) for common in _COMMON]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    # Typer follows `__wrapped__`, which does not have the added options.
    del run.__wrapped__
    return run


def _annotations(function: Callable[..., Outcome]) -> dict[str, Any]:
    # Read from a class: for a function, Python 3.9 and 3.10 wrap the annotations of
    # parameters whose default is None in another Optional, which hides the option.
    names = {
        "__annotations__": function.__annotations__,
        "__module__": function.__module__,
    }
    return typing.get_type_hints(type("Holder", (), names), include_extras=True)


def _parameter(
    name: str, annotation: Any, default: Any = inspect.Parameter.empty
) -> inspect.Parameter:
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, annotation=annotation, default=default)
