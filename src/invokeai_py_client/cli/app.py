"""The command tree, and the end of every command line."""

from __future__ import annotations

import sys
from typing import Any

import typer

import invokeai_py_client
from invokeai_py_client.cli import (
    board_commands,
    doctor,
    image_commands,
    model_commands,
    queue_commands,
    server_commands,
    simulate,
    workflow_commands,
    workflow_run,  # noqa: F401, adds `run` to the workflow commands
)
from invokeai_py_client.cli.commands import command
from invokeai_py_client.cli.errors import EXIT_CODES, Failure, explain
from invokeai_py_client.cli.render import Renderer

__all__ = ["app", "run"]

_COMMON_OPTIONS = ("--url", "--token", "--json", "--verbose", "-v")
_EXITS = "\n".join(f"  {code:3}  {meaning}" for code, meaning in EXIT_CODES.items())

app = typer.Typer(
    name="ivk",
    help="Run InvokeAI workflows and look after a server.",
    epilog=f"\b\nExit codes:\n{_EXITS}",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for _group in (
    workflow_commands.app,
    board_commands.app,
    image_commands.app,
    model_commands.app,
    queue_commands.app,
    server_commands.app,
):
    app.add_typer(_group)
command(server_commands.app, "snapshot")(simulate.snapshot)
command(app, "simulate")(simulate.simulate)
command(app, "doctor")(doctor.doctor)

# Typer brings its own copy of click, or uses click, depending on its version; both
# have these two classes above `BadParameter`.
_bases = {base.__name__: base for base in typer.BadParameter.__mro__}
_CLICK_ERROR: Any = _bases["ClickException"]


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"ivk {invokeai_py_client.__version__}\n")
        raise typer.Exit


@app.callback()
def _root(
    # Not Annotated: Typer for Python 3.9 would not find the option in the text that
    # postponed annotations are.
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version."
    ),
) -> None:
    del version


def run(arguments: list[str]) -> int:
    """Run a command line; the exit code."""
    try:
        code = app(arguments, prog_name="ivk", standalone_mode=False)
    except _CLICK_ERROR as error:
        return _usage(error, arguments)
    except (KeyboardInterrupt, typer.Abort):
        return _early_end(KeyboardInterrupt(), arguments)
    return code if isinstance(code, int) else 0


def _usage(error: Any, arguments: list[str]) -> int:
    """Report a command line that cannot be read, in the form it asks for."""
    ctx = getattr(error, "ctx", None)
    words = ctx.command_path.split()[1:] if ctx else []
    renderer = Renderer(as_json="--json" in arguments, verbose=False)
    message = error.format_message()
    if ctx and message.startswith("Missing command") and not renderer.as_json:
        # `ivk` or `ivk board` alone: what there is helps more than the message.
        sys.stderr.write(f"{ctx.get_help()}\n\n")
    failure = Failure("usage", message, _usage_hint(words, arguments))
    return renderer.failure(" ".join(words), failure)


def _usage_hint(words: list[str], arguments: list[str]) -> str:
    """What to do about it; the common options in front are the usual slip."""
    if not words and arguments and arguments[0].split("=")[0] in _COMMON_OPTIONS:
        option = arguments[0].split("=")[0]
        return f"{option} goes behind the command, as in `ivk board list {option}`"
    return f"see `{' '.join(['ivk', *words, '--help'])}`"


def _early_end(error: BaseException, arguments: list[str]) -> int:
    renderer = Renderer(as_json="--json" in arguments, verbose=False)
    return renderer.failure("", explain(error))
