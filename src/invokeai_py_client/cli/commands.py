"""What every command has: the common options, one client, one way to end."""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
import typing
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from invokeai_py_client.cli.errors import explain
from invokeai_py_client.cli.render import Outcome, Renderer

if TYPE_CHECKING:
    from invokeai_py_client.client import InvokeAIClient

__all__ = ["Session", "command", "group"]

JsonOption = Annotated[
    bool, typer.Option("--json", help="Write one JSON envelope to standard output.")
]
UrlOption = Annotated[
    Optional[str],
    typer.Option(
        "--url",
        metavar="URL",
        help="The server [INVOKEAI_URL, else http://localhost:9090].",
    ),
]
TokenOption = Annotated[
    Optional[str],
    typer.Option(
        "--token",
        metavar="TOKEN",
        help="A multi-user server's token [INVOKEAI_TOKEN, unless --url is given].",
    ),
]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Log to standard error.")
]

_COMMON = (
    ("url", UrlOption, None),
    ("token", TokenOption, None),
    ("as_json", JsonOption, False),
    ("verbose", VerboseOption, False),
)


class Session:
    """What a command works with: where to write, and the client when it needs one.

    Attributes:
        renderer: For notes and progress.
        url: The server's address from the command line; None for the default.
        token: The token from the command line; None for the default.
    """

    def __init__(
        self, renderer: Renderer, url: Optional[str], token: Optional[str]
    ) -> None:
        self.renderer = renderer
        self.url = url
        self.token = token
        self._client: Optional[InvokeAIClient] = None

    @property
    def client(self) -> InvokeAIClient:
        """The client, made on first use; it is closed when the command ends."""
        if self._client is None:
            # Importing the client takes longer than most commands' own work.
            from invokeai_py_client.client import InvokeAIClient

            # Without an address the environment decides on address and token, but a
            # token given here wins.
            options: dict[str, Any] = {"token": self.token} if self.token else {}
            self._client = InvokeAIClient(self.url, **options)
        return self._client

    def connect(self, url: str) -> None:
        """Use another server from now on, without the token of the command line."""
        self.close()
        self.url, self.token = url, None

    def close(self) -> None:
        """Close the client if one was made."""
        client, self._client = self._client, None
        if client is not None:
            client.close()


def group(name: str, help_text: str) -> typer.Typer:
    """A noun of the command line, such as `ivk board`."""
    return typer.Typer(name=name, help=help_text, rich_markup_mode=None)


def command(
    app: typer.Typer, name: str
) -> Callable[[Callable[..., Outcome]], Callable[..., Outcome]]:
    """Register a function `(session, ...) -> Outcome` as a command.

    Its other parameters become arguments and options as Typer reads them; the common
    options are added. Errors become a `Failure`, and the process ends with its code.
    """

    def register(function: Callable[..., Outcome]) -> Callable[..., Outcome]:
        app.command(name, help=inspect.getdoc(function))(_runnable(function))
        return function

    return register


def _runnable(function: Callable[..., Outcome]) -> Callable[..., None]:
    @functools.wraps(function)
    def run(ctx: typer.Context, **values: Any) -> None:
        common = {name: values.pop(name) for name, _, _ in _COMMON}
        renderer = Renderer(as_json=common["as_json"], verbose=common["verbose"])
        session = Session(renderer, common["url"], common["token"])
        raise typer.Exit(_perform(ctx, session, function, values))

    hints = _annotations(function)
    own = list(inspect.signature(function).parameters.values())[1:]
    parameters = [_parameter("ctx", typer.Context)]
    parameters += [_parameter(p.name, hints[p.name], p.default) for p in own]
    parameters += [_parameter(*common) for common in _COMMON]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    # Typer reads through `__wrapped__`, which has none of the added options.
    del run.__wrapped__
    return run


def _annotations(function: Callable[..., Outcome]) -> dict[str, Any]:
    """The evaluated annotations, options included.

    Read off a class, because Python 3.9 and 3.10 wrap those of a function's
    parameters whose default is None in another Optional, which hides the option.
    """
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


def _perform(
    ctx: typer.Context,
    session: Session,
    function: Callable[..., Outcome],
    values: dict[str, Any],
) -> int:
    """Run a command to its end and write how it ended; the exit code."""
    renderer = session.renderer
    words = ctx.command_path.split()[1:]
    renderer.start_logging()
    try:
        with _closing(session), _only_results_on_stdout(renderer):
            outcome = function(session, **values)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001, the one place that reports all
        return renderer.failure(" ".join(words), explain(error))
    finally:
        renderer.stop_logging()
    return renderer.result(" ".join(words), outcome)


@contextlib.contextmanager
def _closing(session: Session) -> typing.Iterator[None]:
    try:
        yield
    finally:
        session.close()


def _only_results_on_stdout(
    renderer: Renderer,
) -> contextlib.AbstractContextManager[Any]:
    """With `--json`, keep whatever a library prints away from the envelope."""
    if renderer.as_json:
        return contextlib.redirect_stdout(sys.stderr)
    return contextlib.nullcontext()
