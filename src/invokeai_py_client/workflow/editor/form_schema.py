"""The form as a file stores it: its schema, and repairs of its structure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Optional

from invokeai_py_client.nodes.limits import is_number
from invokeai_py_client.workflow.document.js_semantics import trim
from invokeai_py_client.workflow.editor.loaded_workflow import (
    FieldKey,
    Form,
    FormElement,
)

ROOT_ID = "root"
EMPTY_FORM = Form(
    {ROOT_ID: FormElement(ROOT_ID, "container", data={"layout": "column"})}, ROOT_ID
)
_NUMBER_COMPONENTS = ("number-input", "slider", "number-input-and-slider")


class _SchemaMismatchError(Exception):
    """The form does not fit its schema, which makes the whole form void."""


def read_form(stored: Any) -> Optional[Form]:
    """The form, its structure unchecked; None when any part does not fit the schema."""
    try:
        elements = _mapping(_mapping(stored).get("elements"))
        root_id = _id(_mapping(stored).get("rootElementId"))
        return Form(
            {key: _named_element(key, item) for key, item in elements.items()},
            root_id,
        )
    except _SchemaMismatchError:
        return None


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _SchemaMismatchError
    return value


def _id(value: Any) -> str:
    if not isinstance(value, str) or not trim(value):
        raise _SchemaMismatchError
    return trim(value)


def _named_element(key: str, stored: Any) -> FormElement:
    own_id = _id(_mapping(stored).get("id"))
    element = _element(key, stored)
    return element if own_id == key else replace(element, own_id=own_id)


def _element(key: str, stored: Mapping[str, Any]) -> FormElement:
    parent_id = _id(stored["parentId"]) if "parentId" in stored else None
    kind = stored.get("type")
    if kind == "divider" and "data" not in stored:
        return FormElement(key, kind, parent_id)
    data = _mapping(stored.get("data"))
    if kind == "container":
        return _container(key, parent_id, data)
    if kind == "node-field":
        return _node_field(key, parent_id, data)
    if kind in ("heading", "text") and isinstance(data.get("content"), str):
        return FormElement(key, kind, parent_id, data={"content": data["content"]})
    raise _SchemaMismatchError


def _container(
    key: str, parent_id: Optional[str], data: Mapping[str, Any]
) -> FormElement:
    children = data.get("children")
    if data.get("layout") not in ("row", "column") or not isinstance(children, list):
        raise _SchemaMismatchError
    return FormElement(
        key,
        "container",
        parent_id,
        children=tuple(_id(child) for child in children),
        data={"layout": data["layout"]},
    )


def _node_field(
    key: str, parent_id: Optional[str], data: Mapping[str, Any]
) -> FormElement:
    target = field_key(data.get("fieldIdentifier"))
    shows = data.get("showDescription", True)
    if target is None or not isinstance(shows, bool):
        raise _SchemaMismatchError
    settings = _settings(data["settings"]) if "settings" in data else None
    return FormElement(
        key,
        "node-field",
        parent_id,
        field_key=target,
        settings=settings,
        show_description=shows,
    )


def field_key(stored: Any) -> Optional[FieldKey]:
    """The (node, field) that a stored field identifier names; None when it does not."""
    found = plain_field_key(stored)
    if found is None:
        return None
    key = (trim(found[0]), trim(found[1]))
    return key if all(key) else None


def _settings(stored: Any) -> Mapping[str, Any]:
    """Widget settings; those without a `type` are a float field's, as in the GUI."""
    settings = _mapping(stored)
    for kind in ("float-field-config", "integer-field-config"):
        found = _number_settings(kind, settings)
        if found is not None:
            return found
    return _text_settings(settings)


def _number_settings(
    kind: str, stored: Mapping[str, Any]
) -> Optional[Mapping[str, Any]]:
    found: dict[str, Any] = {
        "type": stored.get("type", kind),
        "showShuffle": stored.get("showShuffle", False),
        "component": stored.get("component", "number-input"),
    }
    fits = (
        found["type"] == kind
        and isinstance(found["showShuffle"], bool)
        and found["component"] in _NUMBER_COMPONENTS
    )
    for limit in ("min", "max"):
        if limit in stored:
            fits = fits and is_number(stored[limit])
            found[limit] = stored[limit]
    return found if fits else None


def _text_settings(stored: Mapping[str, Any]) -> Mapping[str, Any]:
    kind = stored.get("type", "string-field-config")
    component = stored.get("component", "input")
    if kind != "string-field-config" or component not in (
        "input",
        "textarea",
        "dropdown",
    ):
        raise _SchemaMismatchError
    found: dict[str, Any] = {"type": kind, "component": component}
    if component == "dropdown":
        options = stored.get("options")
        if not isinstance(options, list):
            raise _SchemaMismatchError
        found["options"] = [_option(_mapping(option)) for option in options]
    return found


def _option(stored: Mapping[str, Any]) -> Mapping[str, str]:
    label, value = stored.get("label"), stored.get("value")
    if not isinstance(label, str) or not isinstance(value, str):
        raise _SchemaMismatchError
    return {"label": label, "value": value}


def plain_form(stored: Any) -> Optional[Form]:
    """A form of which only the structure matters: no schema, nothing trimmed.

    So the GUI reads the form of a workflow that another one calls, with any
    settings of its elements. None when it has no elements or no root.
    """
    if not isinstance(stored, Mapping):
        return None
    elements, root_id = stored.get("elements"), stored.get("rootElementId")
    if not isinstance(elements, Mapping) or not isinstance(root_id, str):
        return None
    return Form(
        {
            key: _plain_element(key, item)
            for key, item in elements.items()
            if isinstance(item, Mapping)
        },
        root_id,
    )


def _plain_element(key: str, stored: Mapping[str, Any]) -> FormElement:
    kind, parent_id = stored.get("type"), stored.get("parentId", None)
    if "parentId" in stored and not isinstance(parent_id, str):
        parent_id = ""  # nothing's id
    data = stored.get("data")
    data = data if isinstance(data, Mapping) else {}
    children = data.get("children")
    return FormElement(
        key,
        kind if isinstance(kind, str) else "",
        parent_id,
        children=tuple(child for child in children if isinstance(child, str))
        if kind == "container" and isinstance(children, list)
        else (),
        field_key=plain_field_key(data.get("fieldIdentifier"))
        if kind == "node-field"
        else None,
    )


def plain_field_key(stored: Any) -> Optional[FieldKey]:
    """The (node, field), nothing trimmed; None when either is not a string."""
    if not isinstance(stored, Mapping):
        return None
    node_id, name = stored.get("nodeId"), stored.get("fieldName")
    if isinstance(node_id, str) and isinstance(name, str):
        return node_id, name
    return None


def is_sound(form: Form) -> bool:
    """Whether the elements are one tree below a container that is the root.

    The GUI refuses the whole workflow when they are not.
    """
    root = form.elements.get(form.root_id)
    if root is None or root.type != "container" or root.parent_id is not None:
        return False
    if root.own_id is not None:
        return False
    parents = {
        (key, child)
        for key, element in form.elements.items()
        for child in element.children
    }
    seen = {form.root_id}
    waiting = list(root.children)
    while waiting:
        key = waiting.pop()
        element = form.elements.get(key)
        if element is None or (element.parent_id, key) not in parents:
            return False
        if key in seen and element.type == "container":
            return False
        seen.add(key)
        waiting.extend(element.children)
    return len(seen) == len(form.elements)


def is_empty(form: Form) -> bool:
    """Whether the form is a root without children and nothing else."""
    root = form.elements.get(form.root_id)
    if root is None or root.type != "container":
        return True
    return len(form.elements) == 1 and not root.children


def repair(form: Form) -> Form:
    """A sound form that shows what can be reached from the root, in order.

    Children that do not exist and containers that contain themselves are left out.
    When the root is none, everything that nothing contains is put below a new one.
    """
    root = form.elements.get(form.root_id)
    if root is None or root.type != "container":
        form = _with_new_root(form)
    reached: dict[str, FormElement] = {}
    waiting: list[tuple[str, Optional[str]]] = [(form.root_id, None)]
    while waiting:
        key, parent_id = waiting.pop()
        if key in reached:
            continue
        element = form.elements[key]
        reached[key] = replace(element, parent_id=parent_id, own_id=None)
        children = [child for child in element.children if child in form.elements]
        waiting.extend((child, key) for child in reversed(children))
    return Form(_without_repeats(reached), form.root_id)


def _without_repeats(reached: Mapping[str, FormElement]) -> dict[str, FormElement]:
    """Keep each element only once, below the parent through which it was reached."""
    return {
        key: replace(
            element,
            children=tuple(
                child
                for child in dict.fromkeys(element.children)
                if child in reached and reached[child].parent_id == key
            ),
        )
        for key, element in reached.items()
    }


def _with_new_root(form: Form) -> Form:
    contained = {
        child for element in form.elements.values() for child in element.children
    }
    tops = [key for key in form.elements if key not in contained]
    root_id = ROOT_ID
    while root_id in form.elements:
        root_id += "-"
    root = FormElement(
        root_id, "container", children=tuple(tops), data={"layout": "column"}
    )
    return Form({root_id: root, **form.elements}, root_id)


def form_document(form: Form) -> dict[str, Any]:
    """The form as the GUI stores it."""
    return {
        "elements": {key: _document(item) for key, item in form.elements.items()},
        "rootElementId": form.root_id,
    }


def _document(element: FormElement) -> dict[str, Any]:
    found: dict[str, Any] = {"id": element.own_id or element.id, "type": element.type}
    if element.parent_id is not None:
        found["parentId"] = element.parent_id
    if element.type == "container":
        found["data"] = {**element.data, "children": list(element.children)}
    elif element.field_key is not None:
        node_id, name = element.field_key
        found["data"] = {
            "fieldIdentifier": {"nodeId": node_id, "fieldName": name},
            "showDescription": element.show_description,
        }
        if element.settings is not None:
            found["data"]["settings"] = dict(element.settings)
    elif element.data:
        found["data"] = dict(element.data)
    return found
