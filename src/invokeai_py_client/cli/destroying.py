"""What every command asks before it destroys something."""

from __future__ import annotations

from typing import Annotated

import typer

from invokeai_py_client.cli.command_options import Session
from invokeai_py_client.cli.errors import CliError

YesOption = Annotated[
    bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Only say what would be done.")
]


def is_agreed(session: Session, what: str, *, yes: bool, dry_run: bool) -> bool:
    """Whether to go on; False for a dry run.

    Args:
        session: The command's session.
        what: What would happen, such as ``"delete 3 images permanently"``.
        yes: The user agreed on the command line.
        dry_run: The user only wants to know.

    Raises:
        CliError: The user said no, or cannot be asked.
    """
    if dry_run:
        session.renderer.note(f"would {what}")
        return False
    if yes:
        return True
    if not session.renderer.can_ask:
        raise CliError(
            "not_confirmed",
            f"this would {what}; nothing was done",
            hint="say --yes to do it, or --dry-run to see what it would do",
        )
    if not session.renderer.ask(f"{what[:1].upper()}{what[1:]}?"):
        raise CliError("not_confirmed", "nothing was done")
    return True
