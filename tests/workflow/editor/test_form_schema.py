"""The form's schema: one part that does not fit makes the whole form void."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, strategies as st

from invokeai_py_client.workflow.editor.form_schema import (
    EMPTY_FORM,
    field_key,
    form_document,
    is_sound,
    plain_field_key,
    plain_form,
    read_form,
    repair,
)
from invokeai_py_client.workflow.editor.loaded_workflow import Form, FormElement


def field(**data: Any) -> dict[str, Any]:
    identifier = {"nodeId": "n", "fieldName": "a"}
    return {
        "id": "f",
        "type": "node-field",
        "parentId": "root",
        "data": {"fieldIdentifier": identifier, "showDescription": True, **data},
    }


def stored(element: Any = None, **root: Any) -> dict[str, Any]:
    """A form whose root has one element."""
    return {
        "rootElementId": "root",
        "elements": {
            "root": {
                "id": "root",
                "type": "container",
                "data": {"layout": "column", "children": ["f"], **root},
            },
            "f": field() if element is None else element,
        },
    }


def text(**data: Any) -> dict[str, Any]:
    return {"id": "f", "type": "text", "parentId": "root", "data": data}


@pytest.mark.parametrize(
    "element",
    [
        field(),
        field(showDescription=False),
        text(content="words"),
        {**text(content=""), "type": "heading"},
        {"id": "f", "type": "divider", "parentId": "root"},
        {"id": "f", "type": "divider"},
        {
            "id": "f",
            "type": "container",
            "parentId": "root",
            "data": {"layout": "row", "children": []},
        },
    ],
)
def test_a_form_that_fits_is_kept_as_it_is(element):
    form = read_form(stored(element))
    assert form is not None
    assert form_document(form) == stored(element)


@pytest.mark.parametrize(
    "element",
    [
        [],
        {**field(), "id": ""},
        {**field(), "id": "  "},
        {**field(), "id": 3},
        {**field(), "parentId": None},
        {**field(), "parentId": " "},
        {**field(), "type": "button"},
        {**field(), "data": None},
        field(fieldIdentifier=None),
        field(fieldIdentifier={"nodeId": "n"}),
        field(fieldIdentifier={"nodeId": "n", "fieldName": 3}),
        field(fieldIdentifier={"nodeId": "n", "fieldName": "  "}),
        field(fieldIdentifier={"nodeId": "", "fieldName": "a"}),
        field(showDescription="yes"),
        field(settings=None),
        text(),
        text(content=3),
        {**text(content="x"), "data": None},
        {"id": "f", "type": "divider", "data": {}},
        {"id": "f", "type": "container", "data": {"layout": "row"}},
        {"id": "f", "type": "container", "data": {"layout": "grid", "children": []}},
        {"id": "f", "type": "container", "data": {"layout": "row", "children": [3]}},
    ],
)
def test_an_element_that_does_not_fit_makes_the_form_void(element):
    assert read_form(stored(element)) is None


@pytest.mark.parametrize(
    "form",
    [
        None,
        [],
        {},
        {"elements": {}},
        {"elements": [], "rootElementId": "root"},
        {"elements": {}, "rootElementId": ""},
    ],
)
def test_what_has_no_elements_and_root_is_no_form(form):
    assert read_form(form) is None


def settings_of(settings: Any) -> Any:
    form = read_form(stored(field(settings=settings)))
    return None if form is None else form.elements["f"].settings


NUMBER = {"showShuffle": False, "component": "number-input"}


@pytest.mark.parametrize(
    ("settings", "read"),
    [
        ({}, {"type": "float-field-config", **NUMBER}),
        (
            {
                "type": "integer-field-config",
                "component": "slider",
                "showShuffle": True,
            },
            {
                "type": "integer-field-config",
                "component": "slider",
                "showShuffle": True,
            },
        ),
        (
            {"type": "float-field-config", "min": 0, "max": 1.5},
            {"type": "float-field-config", **NUMBER, "min": 0, "max": 1.5},
        ),
        (
            {"type": "string-field-config"},
            {"type": "string-field-config", "component": "input"},
        ),
        (
            {"component": "textarea"},
            {"type": "string-field-config", "component": "textarea"},
        ),
        (
            {
                "component": "dropdown",
                "options": [{"label": "A", "value": "a", "more": 1}],
            },
            {
                "type": "string-field-config",
                "component": "dropdown",
                "options": [{"label": "A", "value": "a"}],
            },
        ),
        ({"component": "dropdown", "options": []}, {
            "type": "string-field-config", "component": "dropdown", "options": [],
        }),
    ],
)  # fmt: skip
def test_settings_of_a_field_are_those_of_its_widget(settings, read):
    assert settings_of(settings) == read


@pytest.mark.parametrize(
    "settings",
    [
        [],
        {"type": "other"},
        {"type": "float-field-config", "component": "textarea"},
        {"type": "float-field-config", "showShuffle": "no"},
        {"type": "float-field-config", "min": "0"},
        {"type": "float-field-config", "max": None},
        # One good limit does not make up for a bad one.
        {"type": "integer-field-config", "min": "0", "max": 1},
        {"type": "integer-field-config", "min": 0, "max": True},
        {"type": "string-field-config", "component": "slider"},
        {"component": "dropdown"},
        {"component": "dropdown", "options": {}},
        {"component": "dropdown", "options": ["a"]},
        {"component": "dropdown", "options": [{"label": "A"}]},
        {"component": "dropdown", "options": [{"label": 1, "value": "a"}]},
        {"component": "dropdown", "options": [{"label": "A", "value": 1}]},
    ],
)
def test_settings_that_do_not_fit_make_the_form_void(settings):
    assert settings_of(settings) is None


def test_a_description_is_shown_unless_the_form_says_otherwise():
    element = field()
    del element["data"]["showDescription"]
    form = read_form(stored(element))
    assert form is not None
    assert form.elements["f"].show_description is True


def test_ids_are_trimmed():
    element = field(fieldIdentifier={"nodeId": " n ", "fieldName": " a "})
    form = read_form(
        {**stored({**element, "parentId": " root "}), "rootElementId": " root"}
    )
    assert form is not None
    assert form.root_id == "root"
    assert form.elements["f"].parent_id == "root"
    assert form.elements["f"].field_key == ("n", "a")


def test_an_id_of_an_elements_own_is_kept_where_it_differs():
    form = read_form(stored({**field(), "id": "other"}))
    assert form is not None
    assert form.elements["f"].own_id == "other"
    assert form.elements["root"].own_id is None
    assert form_document(form)["elements"]["f"]["id"] == "other"


@pytest.mark.parametrize(
    "identifier", [None, [], {"nodeId": "n"}, {"nodeId": 1, "fieldName": "a"}]
)
def test_a_field_needs_both_of_its_names(identifier):
    assert field_key(identifier) is None
    assert plain_field_key(identifier) is None


def test_a_plain_name_is_not_trimmed():
    assert plain_field_key({"nodeId": " n", "fieldName": ""}) == (" n", "")
    assert field_key({"nodeId": " n", "fieldName": ""}) is None


class TestPlainForm:
    """The form of a called workflow: only its structure is read."""

    def test_its_fields_are_those_of_the_form(self):
        odd = field(settings={"type": "new"}, showDescription="perhaps")
        form = plain_form(stored(odd))
        assert form is not None
        assert form.elements["f"].field_key == ("n", "a")
        assert form.elements["f"].parent_id == "root"
        assert form.elements["root"].children == ("f",)
        assert form.elements["root"].parent_id is None
        assert is_sound(form)

    @pytest.mark.parametrize(
        "form",
        [
            None,
            {"elements": {}},
            {"rootElementId": "root"},
            {"elements": [], "rootElementId": "root"},
            {"elements": {}, "rootElementId": 3},
        ],
    )
    def test_without_elements_and_root_it_is_none(self, form):
        assert plain_form(form) is None

    def test_what_is_odd_in_an_element_is_left_out(self):
        elements = {
            "root": {"type": "container", "data": {"children": ["f", 3, None]}},
            "f": {"type": "container", "data": {"children": "ab"}},
            "g": {"type": 3, "data": {"children": ["f"]}},
            "h": {"type": "text", "data": field()["data"]},
            "i": {"type": "container", "data": None},
            "j": {**field(), "data": {"fieldIdentifier": {"nodeId": 3}}},
        }
        form = plain_form({"elements": elements, "rootElementId": "root"})
        assert form is not None
        found = form.elements
        assert found["root"].children == ("f",)
        assert [found[key].children for key in "fghi"] == [()] * 4
        assert (found["g"].type, found["h"].field_key) == ("", None)
        assert found["j"].field_key is None


def container(key: str, *children: str, **options: Any) -> FormElement:
    return FormElement(key, "container", children=children, **options)


def form_of(*elements: FormElement, root_id: str = "root") -> Form:
    return Form({element.id: element for element in elements}, root_id)


class TestRepair:
    def test_a_form_without_a_root_gets_one_that_shows_everything(self):
        form = form_of(
            container("a", "b"), FormElement("b", "text"), FormElement("c", "text")
        )
        found = repair(form)
        assert found.root_id == "root"
        assert found.elements["root"].children == ("a", "c")
        assert found.elements["root"].data == {"layout": "column"}
        assert is_sound(found)

    def test_a_root_that_is_no_container_is_shown_below_a_new_one(self):
        form = form_of(FormElement("root", "text"), container("root-"))
        found = repair(form)
        assert found.root_id == "root--"
        assert found.elements["root--"].children == ("root", "root-")

    def test_what_cannot_be_reached_or_does_not_exist_is_left_out(self):
        form = form_of(
            container("root", "a", "gone", "a"), container("a"), container("b")
        )
        found = repair(form)
        assert list(found.elements) == ["root", "a"]
        assert found.elements["root"].children == ("a",)

    def test_an_element_is_shown_where_it_is_met_first(self):
        form = form_of(
            container("root", "a", "b"),
            container("a", "x"),
            container("b", "x", "root"),
            FormElement("x", "text", parent_id="b", own_id="y"),
        )
        found = repair(form)
        assert found.elements["x"].parent_id == "a"
        assert found.elements["x"].own_id is None
        assert found.elements["a"].children == ("x",)
        assert found.elements["b"].children == ()

    @given(
        st.dictionaries(
            st.sampled_from("abcde"),
            st.tuples(
                st.sampled_from(["container", "text"]),
                st.lists(st.sampled_from("abcdefg"), max_size=4),
            ),
        ),
        st.sampled_from("abz"),
    )
    def test_any_form_becomes_sound_and_loses_nothing_else(self, drawn, root_id):
        elements = {
            key: FormElement(
                key, kind, children=children if kind == "container" else ()
            )
            for key, (kind, children) in drawn.items()
        }
        form = Form(copy.copy(elements), root_id)
        found = repair(form)
        assert is_sound(found)
        assert repair(found) == found
        reached = {key for key in elements if key in found.elements}
        for key in reached:
            for child in elements[key].children:
                assert child in found.elements or child not in elements


def test_the_empty_form_is_sound():
    assert is_sound(EMPTY_FORM)
    assert form_document(EMPTY_FORM)["elements"]["root"]["data"] == {
        "layout": "column",
        "children": [],
    }
