"""The one record that an id or a name means."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Optional, TypeVar

from invokeai_py_client._arguments.kinds import NAME, Kind
from invokeai_py_client._suggestions import did_you_mean, list_names, near_names
from invokeai_py_client.exceptions import InvokeAIError, UnknownNameError

T = TypeVar("T")

# What the server makes for ids; a name that looks like one is not looked up.
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class KnownId(str):
    """The id of a record, where a name might be: nothing has to be looked up.

    Attributes:
        name: What the record is called, by which it is found on another server.
    """

    __slots__ = ("name",)
    name: Optional[str]

    def __new__(cls, text: str, name: Optional[str] = None) -> KnownId:
        """Mark a string as an id."""
        known = super().__new__(cls, text)
        known.name = name
        return known


@dataclass(frozen=True)
class Naming:
    """How the records of one kind are identified.

    Attributes:
        noun: What messages call one.
        id_field: The attribute that holds the id.
        name_field: The attribute that holds the name.
        error: Raised for a name that no record has, or several.
    """

    noun: str
    id_field: str
    name_field: str = "name"
    error: type[InvokeAIError] = UnknownNameError

    def kind(self, cls: Any) -> Kind:
        """The kind of argument that is a `cls`, its name or its id.

        It converts a record, and what looks like an id made by the server, to a
        `KnownId`; any other string stays as it is.
        """

        def convert(value: Any) -> str:
            if isinstance(value, cls) and not isinstance(value, str):
                known_id = NAME.convert(getattr(value, self.id_field))
                return KnownId(known_id, getattr(value, self.name_field, None))
            text = NAME.convert(value)
            if isinstance(value, KnownId):
                return value
            return KnownId(text) if _UUID.fullmatch(text) else text

        return Kind(f"a {self.noun}, its name or its id", convert)

    def find(self, records: Sequence[T], text: str) -> Optional[T]:
        """The record of this id, else of this name, else in other letter case."""
        folded = text.casefold()
        for found in (
            [record for record in records if self._id(record) == text],
            [record for record in records if self._name(record) == text],
            [record for record in records if self._name(record).casefold() == folded],
        ):
            if len(found) > 1:
                ids = ", ".join(map(self._id, found))
                raise self.error(
                    f"{len(found)} {self.noun}s are called {text!r}",
                    hint=f"use one of their ids: {ids}",
                )
            if found:
                return found[0]
        return None

    def get(self, records: Sequence[T], text: str) -> T:
        """As `find`, but one has to exist."""
        found = self.find(records, text)
        # A record of another server has another id here.
        if found is None and isinstance(text, KnownId) and text.name:
            text = text.name
            found = self.find(records, text)
        if found is not None:
            return found
        names = sorted({self._name(record) for record in records})
        hint = did_you_mean(near_names(text, names))
        hint = hint or f"there are {list_names(names, 10)}"
        if not names:
            hint = f"the server has no {self.noun}s"
        raise self.error(f"there is no {self.noun} {text!r}", hint=hint)

    def get_id(
        self, text: str, list_records: Callable[[], Generator[Any, Any, Sequence[Any]]]
    ) -> Generator[Any, Any, str]:
        """The id that `text` means, as a flow; asks for the records if it has to."""
        if isinstance(text, KnownId):
            return text
        return self._id(self.get((yield from list_records()), text))

    def _id(self, record: Any) -> str:
        return str(getattr(record, self.id_field))

    def _name(self, record: Any) -> str:
        return str(getattr(record, self.name_field))
