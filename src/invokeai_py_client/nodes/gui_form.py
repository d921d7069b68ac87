"""Templates in the GUI's own shape: to compare with it, and to keep on disk.

A template as the GUI holds it is a JSON object; `template_as_gui_dict` gives exactly
that. The stored form is the same with one more key per input, `limits`, where the
server allows something that the GUI does not know of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Optional, get_args

from invokeai_py_client.nodes.limits import LENGTH_KEYS, NO_LIMITS, NUMBER_KEYS
from invokeai_py_client.nodes.template import (
    UNSET,
    Cardinality,
    FieldType,
    InputTemplate,
    Limits,
    NodeTemplate,
    OutputTemplate,
)

# Keys of an input that are attributes of `InputTemplate`; the rest is its `gui`.
_OWN_KEYS = ("name", "title", "required", "description", "input", "type", "default")
INPUT_KEYS = frozenset({*_OWN_KEYS, "fieldKind", "limits"})
_NUMBER = (int, float)
# What the GUI knows of an input, and of which kinds it is where it is not null.
_KINDS: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(
        ("name", "title", "description", "fieldKind", "ui_component", "ui_type"), (str,)
    ),
    **dict.fromkeys(("required", "ui_hidden"), (bool,)),
    **dict.fromkeys(
        (f"ui_model_{part}" for part in ("base", "format", "provider_id", "type")),
        (list,),
    ),
    **dict.fromkeys(("ui_model_variant", "options"), (list,)),
    "ui_choice_labels": (dict,),
    **dict.fromkeys((*NUMBER_KEYS, "ui_order"), _NUMBER),
    **dict.fromkeys(LENGTH_KEYS, (int,)),
}
_NEEDED = ("name", "title", "required", "description", "input", "type")
OUTPUT_KEYS = frozenset({"name", "title", "description", "fieldKind", "type"})


def template_as_gui_dict(template: NodeTemplate) -> dict[str, Any]:
    """A template as the GUI holds it, keys in the GUI's order."""
    return {
        "title": template.title,
        "type": template.type,
        "version": template.version,
        "tags": list(template.tags),
        "description": template.description,
        "outputType": template.output_type,
        "inputs": {
            name: input_template_as_gui(item) for name, item in template.inputs.items()
        },
        "outputs": {
            name: _output_dict(item) for name, item in template.outputs.items()
        },
        "useCache": template.use_cache,
        "nodePack": template.node_pack,
        "classification": template.classification,
        "category": template.category,
    }


def input_template_as_gui(item: InputTemplate) -> dict[str, Any]:
    """One input's template as the GUI holds it."""
    hints = {key: value for key, value in item.gui.items() if key.startswith("ui_")}
    limits = {key: value for key, value in item.gui.items() if key not in hints}
    # The GUI puts an enumeration's options before the default, limits after it.
    options = {"options": limits.pop("options")} if "options" in limits else {}
    default = {} if item.default is UNSET else {"default": item.default}
    return {
        "name": item.name,
        "title": item.title,
        "required": item.required,
        "description": item.description,
        "fieldKind": "input",
        "input": item.input,
        **hints,
        "type": _type_dict(item.type),
        **options,
        **default,
        **limits,
    }


def _output_dict(item: OutputTemplate) -> dict[str, Any]:
    return {
        "fieldKind": "output",
        "name": item.name,
        "title": item.title,
        "description": item.description,
        "type": _type_dict(item.type),
        **item.gui,
    }


def _type_dict(item: FieldType) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": item.name,
        "cardinality": item.cardinality,
        "batch": item.batch,
    }
    if item.original is not None:
        found["originalType"] = _type_dict(item.original)
    return found


def template_as_stored(template: NodeTemplate) -> dict[str, Any]:
    """The GUI's form, with each input's `limits` where it has any."""
    stored = template_as_gui_dict(template)
    for name, item in template.inputs.items():
        if item.limits != NO_LIMITS:
            stored["inputs"][name]["limits"] = _limits_dict(item.limits)
    return stored


def _limits_dict(limits: Limits) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in fields(Limits):
        value = getattr(limits, item.name)
        if isinstance(value, Limits):
            value = _limits_dict(value)
        elif isinstance(value, tuple):
            value = list(value)
        if value != item.default:
            found[item.name] = value
    return found


def template_from_stored(stored: Mapping[str, Any]) -> NodeTemplate:
    """The template that `template_as_stored` was given."""
    return NodeTemplate(
        type=stored["type"],
        title=stored["title"],
        version=stored["version"],
        tags=tuple(stored["tags"]),
        description=stored["description"],
        output_type=stored["outputType"],
        inputs={name: _input(item) for name, item in stored["inputs"].items()},
        outputs={name: _output(item) for name, item in stored["outputs"].items()},
        use_cache=stored["useCache"],
        node_pack=stored["nodePack"],
        classification=stored["classification"],
        category=stored["category"],
    )


def _input(stored: Mapping[str, Any]) -> InputTemplate:
    return InputTemplate(
        name=stored["name"],
        title=stored["title"],
        type=_type(stored["type"]),
        required=stored["required"],
        input=stored["input"],
        description=stored["description"],
        default=stored.get("default", UNSET),
        limits=_limits(stored.get("limits")),
        gui={key: value for key, value in stored.items() if key not in INPUT_KEYS},
    )


def _output(stored: Mapping[str, Any]) -> OutputTemplate:
    return OutputTemplate(
        name=stored["name"],
        title=stored["title"],
        type=_type(stored["type"]),
        description=stored["description"],
        gui={key: value for key, value in stored.items() if key not in OUTPUT_KEYS},
    )


def _type(stored: Mapping[str, Any]) -> FieldType:
    original = stored.get("originalType")
    return FieldType(
        stored["name"],
        stored["cardinality"],
        stored["batch"],
        None if original is None else _type(original),
    )


def _limits(stored: Optional[Mapping[str, Any]]) -> Limits:
    if not stored:
        return NO_LIMITS
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in stored.items()
    }
    if "item" in values:
        values["item"] = _limits(stored["item"])
    return Limits(**values)


def input_template_from_gui(stored: Mapping[str, Any]) -> InputTemplate:
    """One input's template from the GUI's form, as workflow files hold some.

    Keys that the GUI does not know are left out.
    """
    known = {
        key: value
        for key, value in stored.items()
        if key in _KINDS or key in INPUT_KEYS - {"limits"}
    }
    for key, kinds in _KINDS.items():
        value = known.get(key)
        if value is not None and not _is_one_of(value, kinds):
            raise TypeError(f"{key} is {value!r:.40}")
        items = value if isinstance(value, list) else ()
        if not all(isinstance(item, (str, int, float)) for item in items):
            raise TypeError(f"{key} holds more than names and numbers")
    missing = [key for key in _NEEDED if known.get(key) is None]
    if missing:
        raise KeyError(missing[0])
    if known["input"] not in ("any", "connection", "direct"):
        raise TypeError(f"input is {known['input']!r:.40}")
    _refuse_odd_type(known["type"])
    return _input(known)


def _is_one_of(value: Any, kinds: tuple[type, ...]) -> bool:
    """Like `isinstance`, but True and False are not numbers."""
    return isinstance(value, kinds) and (not isinstance(value, bool) or bool in kinds)


def _refuse_odd_type(stored: Any) -> None:
    while stored is not None:
        if not isinstance(stored, Mapping) or not isinstance(stored["name"], str):
            raise TypeError(f"type is {stored!r:.40}")
        if stored["cardinality"] not in get_args(Cardinality):
            raise TypeError(f"cardinality is {stored['cardinality']!r:.40}")
        if not isinstance(stored["batch"], bool):
            raise TypeError(f"batch is {stored['batch']!r:.40}")
        stored = stored.get("originalType")
