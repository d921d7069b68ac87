"""The `ivk` command, also `python -m invokeai_py_client`; needs the extra `cli`.

`commands.py` has what all commands share, `render.py` is the only place that writes
(for people through `terminal.py`), `errors.py` has the exit codes and the error codes.
docs/cli.md is the reference.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Optional

__all__ = ["main"]

MISSING_EXTRA = 7
INTERRUPTED = 130


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run a command line.

    Args:
        arguments: The words after `ivk`; None takes those of the process.

    Returns:
        The exit code; `errors.EXIT_CODES` says what it means.
    """
    if find_spec("typer") is None or find_spec("rich") is None:
        sys.stderr.write(
            'ivk needs typer and rich: pip install "invokeai-py-client[cli]"\n'
        )
        return MISSING_EXTRA
    try:
        from invokeai_py_client.cli.app import run
    except KeyboardInterrupt:
        # Before there is anything that could report it: nothing was done yet.
        return INTERRUPTED
    return run(list(sys.argv[1:] if arguments is None else arguments))
