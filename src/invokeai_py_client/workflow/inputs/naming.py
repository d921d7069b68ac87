"""Names of inputs: how they are made, and how an input is found again by a key.

A name is the slug of the label the user gave the field; without a label, of the
node's label and the field's name; without either, of the field's name. It is ASCII,
lower case, a valid Python identifier that is neither a keyword nor an option of
`run` and `submit` (those get a trailing underscore), and it never depends on a value.
"""

from __future__ import annotations

import keyword
import numbers
import re
import unicodedata
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from invokeai_py_client._suggestions import LIMIT, did_you_mean, near_names
from invokeai_py_client.exceptions import InputNotFoundError
from invokeai_py_client.exceptions.workflow import shown

OPTIONS = {
    **dict.fromkeys(("board", "create", "runs", "seed", "tag"), "run and submit"),
    **dict.fromkeys(("check", "on_progress", "timeout"), "run and of the waits"),
    **dict.fromkeys(("key", "on_full", "prepend"), "submit"),
}
RESERVED_NAMES = frozenset({*OPTIONS, "inputs"})
"""Options of `run` and `submit`; an input of that name gets a trailing underscore."""

# Letters that Unicode does not split into an ASCII letter and a mark.
_LETTERS = str.maketrans(
    dict(zip("ßæœøđðþł\u0131", ("ss", "ae", "oe", "o", "d", "d", "th", "l", "i")))
)


def slug(text: str) -> str:
    """Fold `text` to lower-case ASCII words joined by ``_``.

    Scripts that have no ASCII form (Cyrillic, Chinese) leave nothing behind.
    """
    folded = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    ascii_only = folded.encode("ascii", "ignore").decode("ascii").lower()
    return re.sub(r"[^a-z0-9]+", "_", ascii_only).strip("_")


def _base_name(label: str, node_label: str, field_name: str) -> str:
    name = slug(label)
    if not name and slug(node_label):
        name = slug(f"{node_label} {field_name}")
    name = name or slug(field_name) or "input"
    return f"_{name}" if name[0].isdigit() else name


def input_names(
    parts: Iterable[tuple[str, str, str]],
    is_free: Callable[[str], bool] = lambda _: True,
) -> list[str]:
    """Name every input, in order; later duplicates get ``_2``, ``_3``.

    Args:
        parts: For each input the label that the user gave the field, the label that
            the user gave the node, and the field's name; labels may be empty.
        is_free: False for names that mean something else already.
    """
    return unique_names((_base_name(*item) for item in parts), _allowed, is_free)


def shared_names(parts: Iterable[tuple[str, str, str]]) -> list[list[int]]:
    """Places that would have one name, and so are numbered in their order."""
    places: dict[str, list[int]] = {}
    for place, item in enumerate(parts):
        places.setdefault(_base_name(*item), []).append(place)
    return [same for same in places.values() if len(same) > 1]


def unique_names(
    bases: Iterable[str],
    allowed: Callable[[str], str] = str,
    is_free: Callable[[str], bool] = lambda _: True,
) -> list[str]:
    """Number what repeats: ``a``, ``a_2``; `allowed` changes names that cannot be."""
    taken: set[str] = set()
    # Counting starts here again: a thousand equal labels take a thousand steps.
    counts: dict[str, int] = {}
    names = []
    for base in bases:
        count = counts.get(base, 1)
        name = allowed(base if count == 1 else f"{base}_{count}")
        while name in taken or not is_free(name):
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
    """One thing that can be looked up, with every word that finds it.

    Attributes:
        target: What it sets; two entries with one target are not ambiguous.
        labels: Labels people see, best first.
    """

    item: T
    target: Hashable
    name: str
    labels: Sequence[str]
    field_name: str
    description: str


Elsewhere = Callable[[str], Sequence[str]]
"""How to set what has this name and is not an input."""


def find_entry(
    entries: Sequence[Entry[T]], key: Any, elsewhere: Elsewhere = lambda _: ()
) -> T:
    """Find the one entry that `key` means.

    `key` is an index, a ``(node_id, field)`` pair, a name, a label, a field name, or
    the tail of a name (``"prompt"`` for ``positive_prompt``) when only one ends so.
    The most literal reading that matches anything decides.

    Raises:
        InputNotFoundError: Nothing matches (`candidates` has near names), or several
            do (`candidates` has all of them).
    """
    is_integer = isinstance(key, numbers.Integral)
    if is_integer and not isinstance(key, bool):
        return _by_index(entries, int(key))
    if isinstance(key, tuple):
        for entry in entries:
            if entry.target == key:
                return entry.item
    if isinstance(key, str):
        for reading in _readings(key):
            matches = [entry for entry in entries if reading(entry)]
            if matches:
                return _only(matches, key)
    raise _not_found(entries, key, elsewhere)


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
        f"no input has index {shown(index)}; allowed: {allowed}", key=index
    )


def _only(matches: Sequence[Entry[T]], key: str) -> T:
    if len({entry.target for entry in matches}) == 1:
        return matches[0].item
    listing = ", ".join(entry.description for entry in matches)
    raise InputNotFoundError(
        f"{key!r} could be any of {len(matches)} inputs: {listing}",
        key=key,
        candidates=[entry.name for entry in matches],
    )


def _not_found(
    entries: Sequence[Entry[Any]], key: Any, elsewhere: Elsewhere
) -> InputNotFoundError:
    near = near_names(key, _vocabulary(entries)) if isinstance(key, str) else []
    tail = _advice(entries, key, near, elsewhere)
    if isinstance(key, tuple):
        tail += "; the rest of the graph is set by set_node_value(node, field, value)"
    return InputNotFoundError(
        f"there is no input {shown(key)}; {tail}",
        key=key,
        candidates=near or [entry.name for entry in entries],
    )


def _advice(
    entries: Sequence[Entry[Any]], key: Any, near: Sequence[str], elsewhere: Elsewhere
) -> str:
    if key == "inputs":
        return "values by name come first, without a name: run({...})"
    if isinstance(key, str) and key in OPTIONS:
        return f"{key}= is an option of {OPTIONS[key]}"
    hidden = elsewhere(key) if isinstance(key, str) else ()
    if hidden:
        return f"the form does not show it: {' or '.join(hidden[:LIMIT])}"
    if near:
        return did_you_mean(near)
    if isinstance(key, str):
        for option in near_names(key, sorted(OPTIONS), cutoff=0.75)[:1]:
            return f"did you mean the option {option}= of {OPTIONS[option]}?"
    if not entries:
        return "the workflow has no inputs in its form"
    if len(entries) <= LIMIT:
        return "inputs: " + ", ".join(entry.description for entry in entries)
    words = _vocabulary(entries)
    best = near_names(key, words, cutoff=0.0) if isinstance(key, str) else []
    known = {entry.name: entry.description for entry in entries}
    listing = ", ".join(known[name] for name in best or list(known)[:LIMIT])
    return f"the nearest of its {len(entries)} inputs: {listing}"


def _vocabulary(entries: Iterable[Entry[Any]]) -> dict[str, str]:
    """Every word that finds an entry, with the name to suggest for it."""
    words: dict[str, str] = {}
    for entry in entries:
        for word in (entry.name, *entry.labels, entry.field_name):
            words.setdefault(word, entry.name)
    return words
