"""Bring a node of an older or newer version to the template's version.

A node is updated when its version is not the template's, and can be when both have
the same major number. Missing values come from a fresh node, objects are merged key
by key, and inputs that the template does not know are dropped.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Optional

from invokeai_py_client.nodes.template import UNSET, InputTemplate, NodeTemplate
from invokeai_py_client.workflow.document.json_data import copy_json
from invokeai_py_client.workflow.editor.loaded_workflow import FieldKey, LoadedInput
from invokeai_py_client.workflow.editor.workflow_draft import DraftNode

# What a fresh node holds where the template has no default of its own.
_FALLBACKS: Mapping[str, Any] = {
    "BooleanField": False,
    "ColorField": {"r": 0, "g": 0, "b": 0, "a": 1},
    "EnumField": "",
    "FloatField": 0,
    "IntegerField": 0,
    "LoRAField": [],
    "SavedWorkflowField": "",
    "SchedulerField": "dpmpp_3m_k",
    "StringField": "",
}
# Version texts as the GUI compares them: a prerelease or build part does not matter.
_VERSION = re.compile(
    r"[v^~<>=]*(\d+)(?:\.([x*]|\d+)(?:\.([x*]|\d+)(?:\.([x*]|\d+))?"
    r"(?:-[\da-z-]+(?:\.[\da-z-]+)*)?(?:\+[\da-z-]+(?:\.[\da-z-]+)*)?)?)?",
    re.IGNORECASE,
)
# Since this version, an image collection node has its literal list in `images`.
_IMAGES_INPUT_SINCE = (1, 0, 2)
_IMAGE_COLLECTION = "image_collection"


def fresh_value(template: InputTemplate) -> Any:
    """The value of a newly made node's input; `UNSET` when it has none."""
    if template.default is not UNSET and template.default is not None:
        return copy_json(template.default)
    fallback = _FALLBACKS.get(template.type.name, UNSET)
    return fallback if fallback is UNSET else copy_json(fallback)


def _version_numbers(version: str) -> Optional[tuple[int, ...]]:
    found = _VERSION.fullmatch(version)
    if found is None:
        return None
    return tuple(
        int(part) if part is not None and part.isdigit() else 0
        for part in found.groups()[:3]
    )


def is_updatable(version: str, template: NodeTemplate) -> bool:
    """Whether a node of that version can become one of the template's version."""
    have, want = _version_numbers(version), _version_numbers(template.version)
    return have is not None and want is not None and have[0] == want[0]


def update_node(
    node: DraftNode, template: NodeTemplate, connected: Collection[str]
) -> None:
    """Update a node in place, for which `is_updatable` holds.

    `connected` are the names of its inputs that an edge feeds.
    """
    before, node.version = node.version, template.version
    for name, field in template.inputs.items():
        _fill(node.inputs, name, field)
    _move_image_collection(node, before, connected)
    own = {name: node.inputs[name] for name in template.inputs}
    # Inputs of core_metadata may have any name.
    extras = node.inputs if node.type == "core_metadata" else {}
    node.inputs = {**own, **{k: v for k, v in extras.items() if k not in own}}


def _fill(inputs: dict[str, LoadedInput], name: str, template: InputTemplate) -> None:
    fresh = fresh_value(template)
    item = inputs.get(name)
    if item is None:
        inputs[name] = LoadedInput(name, template.name, value=fresh)
    elif item.value is UNSET:
        inputs[name] = replace(item, value=fresh)
    elif fresh is not UNSET:
        inputs[name] = replace(item, value=_with_defaults(item.value, fresh))


def _with_defaults(value: Any, fresh: Any) -> Any:
    """The value, with the missing keys and further items of a fresh one."""
    if isinstance(value, dict) and isinstance(fresh, dict):
        merged = dict(value)
        for key, item in fresh.items():
            merged[key] = _with_defaults(merged[key], item) if key in merged else item
        return merged
    if isinstance(value, list) and isinstance(fresh, list):
        both = min(len(value), len(fresh))
        head = [
            _with_defaults(have, want)
            if isinstance(have, dict) and isinstance(want, dict)
            else have
            for have, want in zip(value, fresh)
        ]
        return [*head, *value[both:], *fresh[both:]]
    return value


def _move_image_collection(
    node: DraftNode, version: str, connected: Collection[str]
) -> None:
    """Move an image collection's literal list to where newer versions read it."""
    numbers = _version_numbers(version)
    if node.type != _IMAGE_COLLECTION or not numbers or numbers >= _IMAGES_INPUT_SINCE:
        return
    collection, images = node.inputs.get("collection"), node.inputs.get("images")
    if collection is None or images is None or "collection" in connected:
        return
    if not isinstance(collection.value, list) or (
        isinstance(images.value, list) and images.value
    ):
        return
    node.inputs["images"] = replace(images, value=collection.value)
    node.inputs["collection"] = replace(collection, value=[])


def renamed_field(nodes: Mapping[str, DraftNode], key: FieldKey) -> FieldKey:
    """Where a form shows a field that an update renamed."""
    node_id, name = key
    node = nodes.get(node_id)
    if (
        node is not None
        and node.type == _IMAGE_COLLECTION
        and name == "collection"
        and "images" in node.inputs
    ):
        return node_id, "images"
    return key
