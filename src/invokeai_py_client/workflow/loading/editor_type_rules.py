"""Which output may feed which input: the GUI's rules for the types of an edge."""

from __future__ import annotations

from dataclasses import replace
from typing import Optional

from invokeai_py_client.nodes.template import FieldType

_WIDENINGS = frozenset(
    {
        ("IntegerField", "FloatField"),
        ("IntegerField", "StringField"),
        ("FloatField", "StringField"),
    }
)


def same_type(one: FieldType, other: FieldType) -> bool:
    """Whether two types are equal, what the schema called them included."""
    ones, others = _identities(one), _identities(other)
    return not ones.isdisjoint(others)


def _identities(field_type: FieldType) -> set[tuple[str, str, bool]]:
    both = (field_type, field_type.original)
    return {(item.name, item.cardinality, item.batch) for item in both if item}


def can_feed(source: FieldType, target: FieldType) -> bool:
    """Whether an output of one type may go into an input of another."""
    if same_type(source, target):
        return True
    if source.batch != target.batch:
        return False
    if _is_collection_rule(source, target):
        return True
    fits = _cardinality_fits(source, target)
    widens = (source.name, target.name) in _WIDENINGS
    return target.name == "AnyField" or (fits and (widens or source.name == "AnyField"))


def _is_collection_rule(source: FieldType, target: FieldType) -> bool:
    """The rules of generic collections, their items, and one-or-many inputs."""
    return (
        (source.name == "CollectionItemField" and target.cardinality != "COLLECTION")
        or (source.cardinality == "SINGLE" and target.name == "CollectionItemField")
        or (target.cardinality == "SINGLE_OR_COLLECTION" and source.name == target.name)
        or (source.name == "CollectionField" and target.cardinality != "SINGLE")
        or (target.name == "CollectionField" and source.cardinality == "COLLECTION")
    )


def _cardinality_fits(source: FieldType, target: FieldType) -> bool:
    return (
        source.cardinality == target.cardinality
        or target.cardinality == "SINGLE_OR_COLLECTION"
    )


def can_share_an_input(one: FieldType, other: FieldType) -> bool:
    """Whether two types may both be a branch of an `if` node."""
    return can_feed(one, other) or can_feed(other, one) or can_swap(one, other)


def can_swap(one: FieldType, other: FieldType) -> bool:
    """Whether the two are one of a thing and a list of it."""
    return (
        one.batch == other.batch
        and one.name == other.name
        and {one.cardinality, other.cardinality} == {"SINGLE", "COLLECTION"}
    )


def item_type(field_type: FieldType) -> Optional[FieldType]:
    """The type of one item of a list; None when the list may hold anything."""
    if field_type.name == "CollectionField":
        return None
    return replace(field_type, cardinality="SINGLE")
