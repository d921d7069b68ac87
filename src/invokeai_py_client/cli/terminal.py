"""Text for people, by rich: colours, tables and folding to the terminal's width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["Terminal"]

# Wide enough for a name or path of any size when the output is a file or a pipe.
_PIPE_WIDTH = 240


class Terminal:
    """One of the two output streams.

    Attributes:
        console: Rich's console on it, for what draws itself, such as a progress bar.
    """

    def __init__(self, stream: Any) -> None:
        width = None if stream.isatty() else _PIPE_WIDTH
        self.console = _Console(
            file=stream, width=width, highlight=False, soft_wrap=False
        )

    def line(self, text: str, style: str = "") -> None:
        """Write a text, never folded and never read as markup."""
        self.console.print(Text(text, style=style), soft_wrap=True)

    def wrapped(self, text: str, style: str = "") -> None:
        """Write a text, folded to the terminal's width."""
        self.console.print(Text(text, style=style))

    def table(
        self, columns: Sequence[str], rows: Sequence[Sequence[Any]], title: str
    ) -> None:
        """Write a table whose cells are never read as markup; None is empty."""
        made = Table(
            title=title or None, title_justify="left", box=None, pad_edge=False
        )
        for column in columns:
            made.add_column(column, overflow="fold", header_style="bold")
        for row in rows:
            made.add_row(*("" if cell is None else Text(str(cell)) for cell in row))
        self.console.print(made)

    def traceback(self) -> None:
        """Write the traceback of the exception that is being handled."""
        self.console.print_exception()


class _Console(Console):
    """Leaves it to `Renderer.result` what a closed pipe means."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError
