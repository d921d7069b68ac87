"""The command tree, and the report of command lines that cannot be parsed."""

from __future__ import annotations

import sys
from typing import Any

import typer

import invokeai_py_client
from invokeai_py_client.cli.command_options import command
from invokeai_py_client.cli.commands import (
    board_commands,
    doctor,
    image_commands,
    image_recipe,  # noqa: F401, adds what tells of an image to the image commands
    model_commands,
    queue_commands,
    server_commands,
    simulate,
    sweep_folder,  # noqa: F401, adds the commands for a folder
    sweep_run,
    workflow_commands,
    workflow_library,  # noqa: F401, adds the commands for the library
    workflow_lock,  # noqa: F401, adds the commands for lock files
    workflow_run,
)
from invokeai_py_client.cli.errors import EXIT_CODES, Failure, explain
from invokeai_py_client.cli.render import Renderer

_COMMON_OPTIONS = ("--url", "--token", "--json", "--verbose", "-v")
_EXITS = "\n".join(f"  {code:3}  {meaning}" for code, meaning in EXIT_CODES.items())

app = typer.Typer(
    name="ivk",
    help="Run InvokeAI workflows and manage a server. Start with `ivk doctor`.",
    epilog=f"\b\nExit codes:\n{_EXITS}",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    # Of the commands as well: each takes this from the one above it.
    context_settings={"help_option_names": ["-h", "--help"]},
)
command(app, "run")(workflow_run.run)
for _group in (
    workflow_commands.app,
    sweep_run.app,
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

# Depending on its version, Typer uses click or its own copy of click.
_bases = {base.__name__: base for base in typer.BadParameter.__mro__}
_CLICK_ERROR: Any = _bases["ClickException"]


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"ivk {invokeai_py_client.__version__}\n")
        raise typer.Exit


@app.callback()
def _root(
    # Not Annotated: Typer for Python 3.9 cannot read it from postponed annotations.
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version."
    ),
) -> None:
    del version


def run(arguments: list[str]) -> int:
    """Run a command line and return the exit code."""
    try:
        code = app(arguments, prog_name="ivk", standalone_mode=False)
    except _CLICK_ERROR as error:
        return _usage(error, arguments)
    except (KeyboardInterrupt, typer.Abort):
        renderer = Renderer(as_json="--json" in arguments, verbose=False)
        return renderer.failure("", explain(KeyboardInterrupt()))
    return code if isinstance(code, int) else 0


def _usage(error: Any, arguments: list[str]) -> int:
    ctx = getattr(error, "ctx", None)
    words = ctx.command_path.split()[1:] if ctx else []
    renderer = Renderer(as_json="--json" in arguments, verbose=False)
    message = error.format_message()
    if ctx and message.startswith("Missing command") and not renderer.as_json:
        # `ivk` or `ivk board` alone: the list of commands helps more than the message.
        sys.stderr.write(f"{ctx.get_help()}\n\n")
    hint = f"see `{' '.join(['ivk', *words, '--help'])}`"
    option = arguments[0].split("=")[0] if arguments else ""
    if not words and option in _COMMON_OPTIONS:
        # The usual mistake: the common options before the command.
        hint = f"{option} comes after the command, as in `ivk board list {option}`"
    return renderer.failure(" ".join(words), Failure("usage", message, hint))
