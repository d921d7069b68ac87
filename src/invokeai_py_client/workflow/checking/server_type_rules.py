"""Which outputs the server lets an edge connect to which inputs.

The server compares the Python types of its nodes, not the GUI's type names. So it
lets a list of integers into an integer (its rule looks for one type among the
arguments of the other), and is stricter than the GUI where an input may be null: an
integer goes into a number, but not into a number-or-null. Here the types are built
again from the templates, and the server's rule is applied to them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Optional, Union

from invokeai_py_client.nodes.template import FieldType

ANY = "Any"
NULL = "null"


@dataclass(frozen=True)
class ListOf:
    """A list."""

    item: str

    def __str__(self) -> str:
        return f"list of {self.item}"


@dataclass(frozen=True)
class OneOf:
    """A union, null among its members where the server allows it."""

    members: frozenset[Union[str, ListOf]]

    def __str__(self) -> str:
        return " or ".join(sorted(map(str, self.members)))


PortType = Union[str, ListOf, OneOf]
"""The type of one end of an edge; text is the name of a class."""


def port_type(field_type: FieldType, *, nullable: bool = False) -> PortType:
    """The type of an output or input; that of an output may be null, but rarely is."""
    name = field_type.name
    if name in ("AnyField", "CollectionItemField"):
        return ANY
    if name == "CollectionField":
        return ListOf(ANY)
    if field_type.original is not None and name != "SchedulerField":
        return port_type(field_type.original, nullable=nullable)
    members: set[Union[str, ListOf]] = set()
    if field_type.cardinality != "COLLECTION":
        members.add(name)
    if field_type.cardinality != "SINGLE":
        members.add(ListOf(name))
    if nullable:
        members.add(NULL)
    return next(iter(members)) if len(members) == 1 else OneOf(frozenset(members))


def _arguments(port: PortType) -> frozenset[Union[str, ListOf]]:
    """What Python's `get_args` gives: the item of a list, the members of a union."""
    if isinstance(port, ListOf):
        return frozenset({port.item})
    return port.members if isinstance(port, OneOf) else frozenset()


def is_any(port: PortType) -> bool:
    """True when everything connects here: anything, or a list of anything."""
    return port == ANY or ANY in _arguments(port)


CONVERSIONS = frozenset(
    {
        ("IntegerField", "FloatField"),
        ("IntegerField", "StringField"),
        ("FloatField", "StringField"),
        # Python's bool is an int.
        ("BooleanField", "IntegerField"),
    }
)


def is_compatible(source: PortType, target: PortType) -> bool:
    """True when the server accepts an edge from `source` to `target`."""
    if source == target or is_any(source) or is_any(target):
        return True
    if source in _arguments(target) or target in _arguments(source):
        return True
    if (source, target) in CONVERSIONS:
        return True
    own = _arguments(source)
    return bool(own) and own <= _arguments(target)


def has_list(port: PortType) -> bool:
    """True for a list, and a union with one."""
    if isinstance(port, OneOf):
        return any(isinstance(member, ListOf) for member in port.members)
    return isinstance(port, ListOf)


def item_types(port: PortType) -> set[str]:
    """What the lists of this type hold; nothing for what has no list."""
    members = port.members if isinstance(port, OneOf) else frozenset({port})
    if is_any(port):
        return {ANY}
    return {member.item for member in members if isinstance(member, ListOf)}


def collected_types(port: PortType) -> set[Union[str, ListOf]]:
    """What a collector gets from an edge into its ``item``."""
    if isinstance(port, OneOf):
        return set(port.members) - {NULL}
    return {port.item if isinstance(port, ListOf) else port}


def common_root(
    types: Iterable[Union[str, ListOf]],
) -> tuple[bool, Optional[Union[str, ListOf]]]:
    """Whether collected items share one type, and which; None when it is not known."""
    names = set(types) - {ANY, NULL}
    if names == {"BooleanField", "IntegerField"}:
        return True, "IntegerField"
    if len(names) > 1:
        return False, None
    return True, next(iter(names), None)
