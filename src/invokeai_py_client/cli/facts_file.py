"""`--facts FILE`: what a server would answer, recorded for offline compiling."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from invokeai_py_client.cli.errors import CliError
from invokeai_py_client.exceptions import WorkflowFormatError

if TYPE_CHECKING:
    from invokeai_py_client.workflow.facts import Facts

__all__ = ["read_facts"]


def read_facts(path: Path) -> Facts:
    """Read a facts file; `Facts.from_dict` says what stands in it.

    Raises:
        CliError: It holds no facts; the message names the place.
        FileNotFoundError: There is no such file.
    """
    from invokeai_py_client.workflow.facts import Facts

    try:
        return Facts.from_dict(json.loads(path.read_text("utf-8")))
    except (ValueError, RecursionError) as error:
        raise CliError("usage", f"--facts {path}: it is no JSON: {error}") from error
    except WorkflowFormatError as error:
        raise CliError("usage", f"--facts {path}: {error}") from error
