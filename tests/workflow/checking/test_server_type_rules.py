"""Which edges the server lets through, by the types at their ends."""

from __future__ import annotations

import pytest

from invokeai_py_client.nodes.template import FieldType
from invokeai_py_client.workflow.checking.server_type_rules import (
    ANY,
    NULL,
    ListOf,
    OneOf,
    collected_types,
    common_root,
    has_list,
    is_any,
    is_compatible,
    item_types,
    port_type,
)

INT, FLOAT, TEXT, BOOL = "IntegerField", "FloatField", "StringField", "BooleanField"
IMAGE = "ImageField"


def one_of(*members):
    return OneOf(frozenset(members))


@pytest.mark.parametrize(
    ("field_type", "nullable", "port"),
    [
        (FieldType(INT), False, INT),
        (FieldType(INT), True, one_of(INT, NULL)),
        (FieldType(INT, "COLLECTION"), False, ListOf(INT)),
        (FieldType(INT, "COLLECTION"), True, one_of(ListOf(INT), NULL)),
        (FieldType(INT, "SINGLE_OR_COLLECTION"), False, one_of(INT, ListOf(INT))),
        (FieldType("AnyField"), True, ANY),
        (FieldType("CollectionItemField"), False, ANY),
        (FieldType("CollectionField", "COLLECTION"), False, ListOf(ANY)),
        (FieldType("MainModelField", original=FieldType(IMAGE)), False, IMAGE),
        (
            FieldType("SchedulerField", original=FieldType("EnumField")),
            False,
            "SchedulerField",
        ),
    ],
)
def test_a_port_has_the_type_that_the_server_knows(field_type, nullable, port):
    assert port_type(field_type, nullable=nullable) == port


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (INT, INT),
        (ANY, IMAGE),
        (IMAGE, ANY),
        (IMAGE, ListOf(ANY)),
        (INT, FLOAT),
        (INT, TEXT),
        (FLOAT, TEXT),
        (BOOL, INT),
        (INT, ListOf(INT)),
        (ListOf(INT), INT),
        (INT, one_of(INT, NULL)),
        (one_of(INT, NULL), INT),
        (one_of(INT, FLOAT), one_of(INT, FLOAT, NULL)),
        (ListOf(INT), one_of(INT, NULL)),
    ],
)
def test_the_server_lets_these_through(source, target):
    assert is_compatible(source, target)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (FLOAT, INT),
        (TEXT, FLOAT),
        (INT, BOOL),
        (INT, IMAGE),
        (INT, one_of(FLOAT, NULL)),
        (ListOf(INT), ListOf(FLOAT)),
        (ListOf(INT), FLOAT),
        (one_of(INT, TEXT), one_of(INT, FLOAT)),
        (one_of(INT, FLOAT, NULL), one_of(INT, FLOAT)),
    ],
)
def test_the_server_refuses_these(source, target):
    assert not is_compatible(source, target)


def test_anything_is_anything_in_a_list_too():
    for port in (ANY, ListOf(ANY), one_of(TEXT, ANY)):
        assert is_any(port)
    for port in (INT, ListOf(INT), one_of(INT, NULL)):
        assert not is_any(port)


def test_lists_are_found_in_unions_and_give_their_items():
    both = one_of(INT, ListOf(FLOAT), NULL)
    assert has_list(both)
    assert has_list(ListOf(INT))
    assert not has_list(INT)
    assert not has_list(one_of(INT, NULL))
    assert item_types(both) == {FLOAT}
    assert item_types(ListOf(INT)) == {INT}
    assert item_types(INT) == set()
    assert item_types(ANY) == item_types(ListOf(ANY)) == {ANY}


def test_a_collector_gets_items_and_no_null():
    assert collected_types(INT) == {INT}
    assert collected_types(ListOf(INT)) == {INT}
    assert collected_types(one_of(INT, ListOf(TEXT), NULL)) == {INT, ListOf(TEXT)}


def test_what_is_collected_has_one_type_or_none():
    assert common_root([]) == (True, None)
    assert common_root([ANY, NULL]) == (True, None)
    assert common_root([INT, INT, ANY]) == (True, INT)
    # Python's bool is an int.
    assert common_root([BOOL, INT]) == (True, INT)
    assert common_root([BOOL, FLOAT]) == (False, None)
    assert common_root([INT, FLOAT]) == (False, None)
    assert common_root([BOOL, INT, TEXT]) == (False, None)


def test_types_are_shown_as_one_reads_them():
    assert str(ListOf(INT)) == "list of IntegerField"
    assert str(one_of(NULL, ListOf(INT), INT)) == (
        "IntegerField or list of IntegerField or null"
    )
