"""`readable`: what a terminal would act on becomes something to read."""

from __future__ import annotations

import re

# Control characters of both sets, what turns the direction of text around, line
# separators, what is invisible, and halves of characters, which cannot be encoded.
_ACTED_ON = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ud800-\udfff]"
)


def readable(text: str, *, keep_lines: bool = False) -> str:
    r"""Text that can be shown: ``\x1b`` instead of an escape, one line.

    A name or an error of a server can otherwise clear the screen, hide what follows, or
    forge a line of a log.

    Args:
        text: Any text.
        keep_lines: Leave line breaks as they are.
    """
    if text.isprintable():
        return text
    if keep_lines:
        return "\n".join(map(readable, text.splitlines()))
    return _ACTED_ON.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
