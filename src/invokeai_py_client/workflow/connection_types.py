"""Which outputs the server lets an edge connect to which inputs.

The server compares the Python types of its nodes, not the GUI's type names, and is
the stricter of the two where an input may be null: an integer goes into a number, but
not into a number-or-null. Templates tell enough to follow it: a type's name, whether
it is one, many or either, whether null is allowed, and the choices of an enumeration.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

from invokeai_py_client.nodes.template import (
    Cardinality,
    FieldType,
    InputTemplate,
    OutputTemplate,
)

__all__ = ["Port", "input_port", "is_compatible", "output_port"]

# Python's `Any`, and lists of it, which the server treats alike.
ANY_TYPES = frozenset({"AnyField", "CollectionItemField", "CollectionField"})

Alternative = tuple[str, bool]
"""One member of a union: (type name, whether it is a list of it)."""


@dataclass(frozen=True)
class Port:
    """The type of one end of an edge, as the server sees it.

    Attributes:
        name: The type's name.
        cardinality: One, many, or either.
        nullable: Whether null is a member of the type.
        choices: The values of an enumeration; None when it is none, or not known.
    """

    name: str
    cardinality: Cardinality
    nullable: bool = False
    choices: Optional[Sequence[object]] = None

    @property
    def is_any(self) -> bool:
        """True when everything connects here."""
        return self.name in ANY_TYPES

    @property
    def is_list(self) -> bool:
        """True when the type is a list and nothing else, as iterators need it."""
        return self.cardinality == "COLLECTION" and not self.nullable

    @property
    def has_list(self) -> bool:
        """True when a list is among its members."""
        return self.cardinality != "SINGLE"

    @property
    def alternatives(self) -> frozenset[Alternative]:
        """The members of the type, null aside."""
        members = {"SINGLE": (False,), "COLLECTION": (True,)}
        many = members.get(self.cardinality, (False, True))
        return frozenset((self.name, is_list) for is_list in many)

    @property
    def item(self) -> Port:
        """What a list of this type holds."""
        return Port(self.name, "SINGLE", choices=self.choices)


def output_port(template: OutputTemplate) -> Port:
    """The port of an output; the server's outputs are never null."""
    wire_type = _wire_type(template.type)
    return Port(wire_type.name, wire_type.cardinality)


def input_port(template: InputTemplate) -> Port:
    """The port of an input."""
    wire_type = _wire_type(template.type)
    choices = template.limits.choices if wire_type.name == "EnumField" else None
    return Port(
        wire_type.name, wire_type.cardinality, template.limits.nullable, choices
    )


def _wire_type(field_type: FieldType) -> FieldType:
    if field_type.name in ANY_TYPES or field_type.original is None:
        return field_type
    return field_type.original


def is_compatible(source: Port, target: Port) -> bool:
    """True when the server accepts an edge from `source` to `target`."""
    if source.is_any or target.is_any:
        return True
    if source.name == target.name == "EnumField" and source.choices is None:
        # An output's template does not say which words it gives.
        return True
    if source.alternatives <= target.alternatives:
        return not source.nullable or target.nullable
    if not target.nullable and len(target.alternatives) == 1:
        # One type among those an output may have is enough for the server.
        return target.alternatives <= source.alternatives or _converts(source, target)
    return False


CONVERSIONS = frozenset(
    {
        ("IntegerField", "FloatField"),
        ("IntegerField", "StringField"),
        ("FloatField", "StringField"),
        # Python's bool is an int.
        ("BooleanField", "IntegerField"),
    }
)


def _converts(source: Port, target: Port) -> bool:
    is_single = source.cardinality == target.cardinality == "SINGLE"
    return is_single and (source.name, target.name) in CONVERSIONS


def common_root(ports: Sequence[Port]) -> tuple[bool, Optional[Port]]:
    """The one type that collected items share.

    Returns:
        False when they share none, and the type; None when nothing is known of them.
    """
    names = {port.name: port for port in ports if not port.is_any}
    if set(names) == {"BooleanField", "IntegerField"}:
        return True, names["IntegerField"]
    if len(names) > 1:
        return False, None
    return True, next(iter(names.values()), None)
