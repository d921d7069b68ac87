"""The one place that writes for people: lines and tables, coloured by rich.

What a terminal would act on is written as an escape: names, prompts, paths and errors
come from a server, and a title could clear the screen. Nothing is wrapped or cut, so
that everything can be copied; a terminal wraps what is too long by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from invokeai_py_client._shown.readable import readable


class Terminal:
    """One of the two output streams."""

    def __init__(self, stream: Any) -> None:
        self.console = _Console(file=stream, highlight=False)

    def line(self, text: str, style: str = "") -> None:
        """Write one line."""
        self.console.print(Text(readable(text), style=style), soft_wrap=True)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Write a table; None is an empty cell, a list one of several lines."""
        cells = [[_lines(cell) for cell in row] for row in rows]
        widths = [
            max(cell_len(line) for lines in column for line in lines)
            for column in zip([[name] for name in columns], *cells)
        ]
        self._write_row(columns, widths, "bold")
        for row in cells:
            for number in range(max(map(len, row))):
                parts = [lines[number] if number < len(lines) else "" for lines in row]
                self._write_row(parts, widths)

    def _write_row(
        self, parts: Sequence[str], widths: Sequence[int], style: str = ""
    ) -> None:
        padded = (
            part + " " * (width - cell_len(part)) for part, width in zip(parts, widths)
        )
        self.line("  ".join(padded).rstrip(), style)


def _lines(cell: Any) -> list[str]:
    if isinstance(cell, list):
        return [readable(str(line)) for line in cell] or [""]
    return ["" if cell is None else readable(str(cell))]


class _Console(Console):
    """Lets `Renderer.result` handle a closed pipe."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError
