"""The Python script that runs a workflow with its current values."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from invokeai_py_client._connected import BoundSnapshot
from invokeai_py_client.exceptions import FieldValidationError, WorkflowError
from invokeai_py_client.ivk_fields.references import ImageReference, VideoReference
from invokeai_py_client.nodes.template import UNSET
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle
from invokeai_py_client.workflow.inputs.node_fields import wire_value

_HEAD = """\
from invokeai_py_client import InvokeAIClient

client = InvokeAIClient.from_url({address})
workflow = client.workflow_repo.load({source})
"""
_TAIL = """\
for image in result.images:
    image.save("images/")
"""
# Dicts of the wire that a name or an id alone means.
_NAMED = ("image_name", "video_name", "board_id", "style_preset_id", "system_prompt_id")
_MODEL = (("name", "base", "type"), ("model_name", "base_model", "model_type"))
_WIDTH = 88


def python_script(handle: BaseWorkflowHandle, source: str, address: str) -> str:
    """The script that loads `source` and runs it with the values of the handle.

    Raises:
        WorkflowError: A value cannot be written down: an image that is only in memory.
    """
    head = _HEAD.format(address=literal(address), source=literal(source))
    nodes = [
        f"workflow.set_node_value({literal(node_id)}, {literal(name)}, {text})"
        for node_id, name, text in _hidden(handle)
    ]
    values = [f"{name}={text}" for name, text in _values(handle)]
    call = f"result = workflow.run({', '.join(values)})"
    if len(call) > _WIDTH:
        lines = "".join(f"    {value},\n" for value in values)
        call = f"result = workflow.run(\n{lines})"
    return head + "".join(f"{line}\n" for line in [*nodes, call]) + _TAIL


def _values(handle: BaseWorkflowHandle) -> Iterator[tuple[str, str]]:
    """What the form shows and can be set; removed values are None."""
    edits = handle.edits()
    done = set()
    for item in handle.list_inputs():
        if item.field.is_locked or item.target in done:
            continue
        done.add(item.target)
        value = wire_value(item.field)
        # An unchanged "auto" leaves the board to the call, as nearly always.
        if item.target not in edits and (value is UNSET or value == "auto"):
            continue
        given = _as_given(value, item.name)
        # What the file has and the server refuses is said when it is submitted.
        if item.target in edits or _is_taken(handle, item.name, given):
            yield item.name, literal(given)


def _is_taken(handle: BaseWorkflowHandle, name: str, value: Any) -> bool:
    try:
        handle.with_inputs({name: value})
    except FieldValidationError:
        return False
    return True


def _hidden(handle: BaseWorkflowHandle) -> Iterator[tuple[str, str, str]]:
    """What was set beyond the form."""
    for (node_id, field_name), value in handle.edits().items():
        if handle.inputs.at(node_id, field_name) is None:
            text = literal(_as_given(value, f"{node_id}.{field_name}"))
            yield node_id, field_name, text


def _as_given(value: Any, name: str) -> Any:
    """A value as a user would give it: a model by its name, an image by its file."""
    if value is UNSET:
        return None
    if isinstance(value, Mapping):
        for keys in _MODEL:
            if all(isinstance(value.get(key), str) for key in keys):
                return value[keys[0]]
        for key in _NAMED:
            if set(value) == {key}:
                return value[key]
    if isinstance(value, (list, tuple)):
        return [_as_given(item, name) for item in value]
    return _plain(value, name)


def _plain(value: Any, name: str) -> Any:
    """References as what they were made of, at any depth."""
    if isinstance(value, (ImageReference, VideoReference)):
        source = value.source
        if isinstance(source, (PurePath, str)):
            return os.fspath(source)
        if isinstance(source, BoundSnapshot):
            return str(source)
        raise WorkflowError(
            f"the value of {name} is only in memory: a script cannot name it",
            hint=f"save it to a file, and set {name} to the path",
        )
    text = getattr(value, "text", None)
    if isinstance(text, str):
        return text
    if isinstance(value, Mapping):
        return {key: _plain(item, name) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, name) for item in value]
    return value


def literal(value: Any) -> str:
    """A value as Python writes it, with double quotation marks where it can."""
    if isinstance(value, Mapping):
        pairs = (f"{literal(key)}: {literal(item)}" for key, item in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(literal, value))}]"
    text = repr(value)
    if isinstance(value, str) and text[0] == "'" and '"' not in text:
        # With both kinds of mark in it, Python would escape the single ones.
        return f'"{text[1:-1]}"'
    return text
