"""The library's log: what it quotes cannot forge a line or reach a terminal raw."""

from __future__ import annotations

import logging
from typing import Any

from invokeai_py_client._shown.readable import readable


class ReadableFilter(logging.Filter):
    """Makes the arguments and the traceback of every record readable.

    The message itself, by which programs group records, stays as it is.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Change `record`, and let it pass."""
        if isinstance(record.args, dict):
            record.args = {key: _shown(value) for key, value in record.args.items()}
        elif record.args:
            record.args = tuple(map(_shown, record.args))
        if record.exc_info and record.exc_info[1] and not record.exc_text:
            text = logging.Formatter().formatException(record.exc_info)
            # Indented: the text of an error may have lines that look like records.
            lines = readable(text, keep_lines=True).splitlines()
            record.exc_text = "\n".join(f"  {line}" for line in lines)
        return True


class _Shown:
    """An object whose texts are readable."""

    def __init__(self, value: object) -> None:
        self._value = value

    def __str__(self) -> str:
        return readable(str(self._value))

    def __repr__(self) -> str:
        return readable(repr(self._value))


def _shown(value: Any) -> Any:
    return value if isinstance(value, (int, float)) else _Shown(value)


# Filters of a logger see only what is logged by that logger, not by those below it.
for _name in ("invokeai_py_client", "invokeai_py_client.simulator"):
    logging.getLogger(_name).addFilter(ReadableFilter())
