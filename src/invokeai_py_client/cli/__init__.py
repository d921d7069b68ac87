"""The `ivk` command, also `python -m invokeai_py_client`; needs the extra `cli`.

`command_options.py` has what all commands share, `render.py` is the only module that
writes (tables through `terminal.py`), and `errors.py` has the exit and error codes.
`docs/cli.md` is the reference.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.util import find_spec
from io import TextIOWrapper
from typing import Optional

from invokeai_py_client._version import extra_hint

__all__ = ["main"]

MISSING_EXTRA = 7
INTERRUPTED = 130


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run what follows `ivk`, by default of this process, and return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A terminal or pipe that cannot show a character gets its escape: what
            # was done on the server must not end as an error of printing it.
            stream.reconfigure(errors="backslashreplace")
    if find_spec("typer") is None or find_spec("rich") is None:
        sys.stderr.write(f"ivk needs typer and rich: {extra_hint('cli')}\n")
        return MISSING_EXTRA
    try:
        from invokeai_py_client.cli.app import run
    except KeyboardInterrupt:
        # Nothing was done yet, and nothing is there to report it.
        return INTERRUPTED
    return run(list(sys.argv[1:] if arguments is None else arguments))
