"""Names of inputs: how they are made, and how an input is found again by a key.

A name is the slug of the label the user gave the field; without a label, of the
node's label and the field's name; without either, of the field's name. It is ASCII,
lower case, a valid Python identifier that is neither a keyword nor an option of
`run` and `submit` (those get a trailing underscore), and it never depends on a value.
"""

from __future__ import annotations

import difflib
import keyword
import re
import unicodedata
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Optional, TypeVar

from invokeai_py_client.exceptions import InputNotFoundError

__all__ = [
    "RESERVED_NAMES",
    "Entry",
    "NameParts",
    "find_entry",
    "input_names",
    "near_words",
    "slug",
    "unique_names",
]

RESERVED_NAMES = frozenset(
    {
        "board",
        "check",
        "inputs",
        "key",
        "on_full",
        "on_progress",
        "prepend",
        "runs",
        "seed",
        "timeout",
    }
)
"""Options of `run` and `submit`; an input of that name gets a trailing underscore."""

# Letters that Unicode does not split into an ASCII letter and a mark.
_LETTERS = str.maketrans(
    {
        "ß": "ss",
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "ł": "l",
        "\u0131": "i",
    }
)


def slug(text: str) -> str:
    """Fold `text` to lower-case ASCII words joined by ``_``.

    Scripts that have no ASCII form (Cyrillic, Chinese) leave nothing behind.
    """
    folded = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    ascii_only = folded.encode("ascii", "ignore").decode("ascii").lower()
    return re.sub(r"[^a-z0-9]+", "_", ascii_only).strip("_")


@dataclass(frozen=True)
class NameParts:
    """What a name is made from.

    Attributes:
        label: The label the user gave the field; empty when there is none.
        node_label: The label the user gave the node; empty when there is none.
        field_name: The field's name in the node.
    """

    label: str
    node_label: str
    field_name: str


def _base_name(parts: NameParts) -> str:
    name = slug(parts.label)
    if not name and slug(parts.node_label):
        name = slug(f"{parts.node_label} {parts.field_name}")
    name = name or slug(parts.field_name) or "input"
    return f"_{name}" if name[0].isdigit() else name


def input_names(parts: Iterable[NameParts]) -> list[str]:
    """Name every input, in order; later duplicates get ``_2``, ``_3``."""
    return unique_names(map(_base_name, parts), _allowed)


def unique_names(
    bases: Iterable[str], allowed: Callable[[str], str] = str
) -> list[str]:
    """Number what repeats: ``a``, ``a_2``, ``a_3``.

    Args:
        bases: What each would be called if it were alone.
        allowed: Changes a name that cannot be; the others stay as they are.
    """
    taken: set[str] = set()
    # Where to go on counting, so that a thousand equal labels cost no million steps.
    counts: dict[str, int] = {}
    names = []
    for base in bases:
        count = counts.get(base, 1)
        name = allowed(base if count == 1 else f"{base}_{count}")
        while name in taken:
            count += 1
            name = allowed(f"{base}_{count}")
        counts[base] = count
        taken.add(name)
        names.append(name)
    return names


def _allowed(name: str) -> str:
    is_taken = name in RESERVED_NAMES or keyword.iskeyword(name)
    return f"{name}_" if is_taken else name


T = TypeVar("T")


@dataclass(frozen=True)
class Entry(Generic[T]):
    """One thing that can be looked up, with every word it goes by.

    Attributes:
        item: The thing itself.
        target: What it stands for; two entries with one target are no ambiguity.
        name: Its unique name.
        labels: Labels people see, best first.
        field_name: The field's name in its node.
        description: How error messages list it.
    """

    item: T
    target: Hashable
    name: str
    labels: Sequence[str]
    field_name: str
    description: str


def find_entry(entries: Sequence[Entry[T]], key: Any) -> T:
    """Find the one entry that `key` means.

    `key` is an index, a ``(node_id, field)`` pair, a name, a label, a field name, or
    the tail of a name (``"prompt"`` for ``positive_prompt``) when only one ends so.
    The most literal reading that matches anything decides.

    Raises:
        InputNotFoundError: Nothing matches (`candidates` has near names), or several
            do (`candidates` has all of them).
    """
    if isinstance(key, int) and not isinstance(key, bool):
        return _by_index(entries, key)
    if isinstance(key, tuple) and len(key) == 2:
        return _by_pair(entries, key)
    if isinstance(key, str):
        for reading in _readings(key):
            matches = [entry for entry in entries if reading(entry)]
            if matches:
                return _only(matches, key)
    raise _not_found(entries, key)


def _readings(key: str) -> list[Callable[[Entry[Any]], bool]]:
    word = slug(key)
    return [
        lambda entry: entry.name == key,
        lambda entry: bool(entry.labels) and entry.labels[0] == key,
        lambda entry: key in entry.labels[1:],
        lambda entry: entry.field_name == key,
        lambda entry: bool(word) and entry.name == word,
        lambda entry: bool(word) and word in [slug(label) for label in entry.labels],
        lambda entry: bool(word) and entry.name.endswith(f"_{word}"),
        lambda entry: bool(word) and slug(entry.field_name).endswith(f"_{word}"),
    ]


def _by_index(entries: Sequence[Entry[T]], index: int) -> T:
    if 0 <= index < len(entries):
        return entries[index].item
    allowed = f"0 to {len(entries) - 1}" if entries else "none, there are no inputs"
    raise InputNotFoundError(
        f"no input has index {index}; allowed: {allowed}", key=index
    )


def _by_pair(entries: Sequence[Entry[T]], key: tuple[Any, ...]) -> T:
    for entry in entries:
        if entry.target == key:
            return entry.item
    raise _not_found(entries, key)


def _only(matches: Sequence[Entry[T]], key: str) -> T:
    if len({entry.target for entry in matches}) == 1:
        return matches[0].item
    listing = ", ".join(entry.description for entry in matches)
    raise InputNotFoundError(
        f"{key!r} could be any of {len(matches)} inputs: {listing}",
        key=key,
        candidates=[entry.name for entry in matches],
    )


def _not_found(entries: Sequence[Entry[Any]], key: Any) -> InputNotFoundError:
    near = near_words(str(key), _vocabulary(entries)) if isinstance(key, str) else []
    if near:
        tail = f"did you mean {', '.join(near)}?"
    elif entries:
        tail = "inputs: " + ", ".join(entry.description for entry in entries)
    else:
        tail = "the workflow has no inputs in its form"
    if isinstance(key, tuple):
        tail += "; the rest of the graph is set by set_node_value(node, field, value)"
    option = _near_option(key)
    if option is not None:
        tail = f"did you mean the option {option}=? {tail[0].upper()}{tail[1:]}"
    candidates = near or [entry.name for entry in entries]
    return InputNotFoundError(
        f"no input goes by {key!r}; {tail}", key=key, candidates=candidates
    )


def _near_option(key: Any) -> Optional[str]:
    """The option of `run` or `submit` that was meant; None when it looks like none."""
    if not isinstance(key, str):
        return None
    near = difflib.get_close_matches(slug(key), sorted(RESERVED_NAMES), 1, 0.75)
    return near[0] if near else None


def _vocabulary(entries: Iterable[Entry[Any]]) -> dict[str, str]:
    """Every word an entry goes by, folded, with the name to suggest for it."""
    words: dict[str, str] = {}
    for entry in entries:
        for word in (entry.name, *entry.labels, entry.field_name):
            words.setdefault(slug(word), entry.name)
    words.pop("", None)
    return words


def near_words(
    word: str, vocabulary: dict[str, str], limit: int = 5, cutoff: float = 0.6
) -> list[str]:
    """Suggest values of `vocabulary` whose folded key resembles `word`."""
    near = difflib.get_close_matches(slug(word), vocabulary, n=limit, cutoff=cutoff)
    return list(dict.fromkeys(vocabulary[item] for item in near))
