"""`FileNameTemplate`: a file name with fields, as format strings have them."""

from __future__ import annotations

import numbers
import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional, Union

from invokeai_py_client._file_names.format_value import (
    FormatError,
    check_spec,
    format_value,
)
from invokeai_py_client._file_names.safe_names import (
    MOST_BYTES,
    as_component,
    cut_bytes,
    odd_character,
    plain,
    tag,
)
from invokeai_py_client._suggestions import did_you_mean, list_names, near_names
from invokeai_py_client.exceptions import ArgumentError

_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,5}$")
_ALLOWED = "a file name with fields, such as {index:05d}-{prompt:slug:40}.png"
# What stays of a value at least, before others are shortened as well.
_LEAST_BYTES = 16


def is_template(text: str) -> bool:
    """True when `text` has braces, and so is a template."""
    return "{" in text or "}" in text


@dataclass(frozen=True)
class _Field:
    name: str
    spec: str


_Part = Union[str, _Field]


@dataclass(frozen=True)
class _Piece:
    """A part of a name; `can_shrink` says that it came from a string and may be cut."""

    text: str
    can_shrink: bool = False


@dataclass(frozen=True)
class FileNameTemplate:
    """A relative file name with fields, which always stays in its folder.

    A field is ``{name}`` or ``{name:format}``; the format is one of Python's for
    numbers and strings, one of `strftime` for dates, ``slug`` or ``slug:40``. ``{{``
    is a brace. Folders are written in the template: a separator in a value becomes
    ``_``.

    Attributes:
        text: The template as it was given.
        fields: The names of its fields, each once.
    """

    text: str
    fields: tuple[str, ...]
    _components: tuple[tuple[_Part, ...], ...]
    _argument: str

    @classmethod
    def parse(cls, text: str, *, argument: str = "name") -> FileNameTemplate:
        """Read a template.

        Args:
            text: The template.
            argument: What the parameter is called that it was given to.

        Raises:
            ArgumentError: A brace is not closed, a format is not one, or the name
                could leave its folder.
        """
        try:
            components = tuple(_components(text))
        except FormatError as error:
            problem = str(error)
        else:
            parts = (part for component in components for part in component)
            names = [part.name for part in parts if isinstance(part, _Field)]
            return cls(text, tuple(dict.fromkeys(names)), components, argument)
        raise ArgumentError(argument, text, _ALLOWED, hint=problem)

    @property
    def suffix(self) -> str:
        """The suffix that the template itself ends in; empty when it has none."""
        last = self._components[-1][-1]
        found = _SUFFIX.search(last) if isinstance(last, str) else None
        return found[0] if found else ""

    def require(self, names: Sequence[str]) -> None:
        """Raise for a field that is not one of these names.

        Raises:
            ArgumentError: It lists the names, and those like the one that is wrong.
        """
        for name in self.fields:
            if name not in names:
                raise self._unknown(name, names)

    def format(self, values: Mapping[str, Any], *, suffix: str = "") -> str:
        """Make the name for one file.

        Args:
            values: The value of each field.
            suffix: Appended unless the name ends in it, or the template itself ends
                in a suffix.

        Returns:
            A relative path with ``/`` of which every part fits any file system.

        Raises:
            ArgumentError: A field is unknown, or its format does not fit its value.
        """
        *folders, last = (
            [self._piece(part, values) for part in component]
            for component in self._components
        )
        names = [_joined(pieces, "") for pieces in folders]
        return "/".join([*names, _joined(last, "" if self.suffix else suffix)])

    def _piece(self, part: _Part, values: Mapping[str, Any]) -> _Piece:
        if isinstance(part, str):
            return _Piece(part)
        if part.name not in values:
            raise self._unknown(part.name, list(values))
        value = values[part.name]
        try:
            text = format_value(value, part.spec)
        except FormatError as error:
            problem = f"field {part.name!r}: {error}"
        else:
            is_number = isinstance(value, numbers.Real)
            return _Piece(plain(text), can_shrink=not is_number)
        raise ArgumentError(self._argument, self.text, _ALLOWED, hint=problem)

    def _unknown(self, name: str, known: Sequence[str]) -> ArgumentError:
        problem = f"there is no field {name!r}"
        question = did_you_mean(near_names(name[:100], known))
        fields = list_names(known, 40)
        return ArgumentError(
            self._argument,
            self.text,
            f"a file name with the fields {fields}",
            hint=f"{problem}; {question}" if question else problem,
        )


def _components(text: str) -> list[tuple[_Part, ...]]:
    parts = _parts(text)
    if not parts:
        raise FormatError("it is empty")
    if isinstance(parts[0], str) and parts[0][0] in "/\\":
        raise FormatError("it is to be a relative name, within the folder")
    components: list[list[_Part]] = [[]]
    for part in parts:
        if isinstance(part, _Field):
            components[-1].append(part)
            continue
        first, *others = re.split(r"[/\\]+", part)
        for index, piece in enumerate([first, *others]):
            if index:
                components.append([])
            if piece:
                components[-1].append(piece)
    for component in components:
        _require_usable(component)
    return [tuple(component) for component in components]


def _require_usable(component: Sequence[_Part]) -> None:
    if not component:
        raise FormatError("it ends in a folder, without the name of a file")
    literals = [part for part in component if isinstance(part, str)]
    if len(literals) == len(component) and set("".join(literals)) <= set(". "):
        raise FormatError(f"{''.join(literals)!r} is not the name of a file or folder")
    for literal in literals:
        odd = odd_character(literal)
        if odd:
            raise FormatError(f"names of files cannot have {odd!r}")


def _parts(text: str) -> list[_Part]:
    parts: list[_Part] = []
    literal = ""
    try:
        for before, name, spec, conversion in string.Formatter().parse(text):
            literal += before
            if name is None:
                continue
            if literal:
                parts.append(literal)
                literal = ""
            parts.append(_field(name, spec or "", conversion))
    except ValueError as error:
        raise FormatError(f"{error}; a brace is written twice: {{{{ or }}}}") from None
    return [*parts, literal] if literal else parts


def _field(name: str, spec: str, conversion: Optional[str]) -> _Field:
    if not name:
        raise FormatError("a field needs a name, such as {index}")
    if conversion:
        raise FormatError(f"{{{name}!{conversion}}} is not a format; use {{{name}}}")
    check_spec(name, spec)
    return _Field(name, spec)


def _joined(pieces: Sequence[_Piece], suffix: str) -> str:
    """The name of a file or folder, of at most `MOST_BYTES`."""
    texts = _shortened(pieces, len(suffix))
    may_hide = not pieces[0].can_shrink and texts[0][:1] == "."
    name = as_component("".join(texts), may_hide=may_hide)
    if suffix and not name.lower().endswith(suffix):
        name += suffix
    if len(name.encode()) > MOST_BYTES:
        # Literals and numbers alone are too long.
        suffix_found = _SUFFIX.search(name)
        end = suffix_found[0] if suffix_found else ""
        stem = name[: len(name) - len(end)]
        most = MOST_BYTES - len(end.encode()) - len(tag(name)) - 1
        name = f"{cut_bytes(stem, most)}-{tag(name)}{end}"
    return name


def _shortened(pieces: Sequence[_Piece], reserved: int) -> list[str]:
    """Cut the longest texts; a tag of all of it distinguishes those cut alike."""
    texts = [piece.text for piece in pieces]
    sizes = [len(text.encode()) for text in texts]
    longest_first = sorted(range(len(texts)), key=sizes.__getitem__, reverse=True)
    for index in longest_first:
        excess = sum(sizes) + reserved - MOST_BYTES
        if excess <= 0:
            break
        if pieces[index].can_shrink and sizes[index] > _LEAST_BYTES:
            mark = f"-{tag(texts[index])}"
            most = max(sizes[index] - excess - len(mark), _LEAST_BYTES)
            texts[index] = cut_bytes(texts[index], most) + mark
            sizes[index] = len(texts[index].encode())
    return texts
