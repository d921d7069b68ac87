"""Names that resemble one that does not exist, and the hint that offers them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Union

LIMIT = 5
# The share of letters that two names must have in common, as difflib counts it.
CUTOFF = 0.6


def near_names(
    text: str,
    names: Union[Iterable[str], Mapping[str, str]],
    *,
    cutoff: float = CUTOFF,
) -> list[str]:
    """Suggest names for `text`, the best first, five at most.

    Those that contain `text` come first, then those spelled alike. Case and
    punctuation do not count.

    Args:
        text: What was asked for.
        names: What there is; or a mapping from what people may have meant (a label)
            to the name to suggest for it.
        cutoff: The least likeness, from 0 to 1.
    """
    offers = names if isinstance(names, Mapping) else {name: name for name in names}
    folded: dict[str, str] = {}
    for word, name in offers.items():
        folded.setdefault(_fold(word), name)
    folded.pop("", None)
    wanted = _fold(text)
    near = [word for word in folded if wanted and wanted in word]
    near += difflib.get_close_matches(wanted, folded, n=LIMIT, cutoff=cutoff)
    return list(dict.fromkeys(folded[word] for word in near))[:LIMIT]


def _fold(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", text.casefold()))


def did_you_mean(near: Sequence[str]) -> str:
    """The question that offers `near`; empty when there is nothing to offer."""
    names = " or ".join(map(repr, near))
    return f"did you mean {names}?" if near else ""


def list_names(names: Iterable[str], limit: int = LIMIT) -> str:
    """Names in a message: ``'a', 'b' and 3 more``; ``none`` when there are none."""
    found = list(names)
    rest = len(found) - limit
    listing = ", ".join(map(repr, found[:limit])) or "none"
    return f"{listing} and {rest} more" if rest > 0 else listing
