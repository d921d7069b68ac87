"""Values typed on the command line: `NAME=VALUE` to what a field takes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invokeai_py_client.cli.errors import CliError
from invokeai_py_client.exceptions import FieldValidationError

if TYPE_CHECKING:
    from invokeai_py_client.ivk_fields.base import IvkField
    from invokeai_py_client.workflow.base_handle import BaseWorkflowHandle

__all__ = ["SET_HELP", "SET_NODE_HELP", "apply_node_values", "apply_values"]

SET_HELP = (
    "Set an input, by name, label or index. The value is read as JSON where that fits "
    "the field, else as text; @FILE takes the text of a file, @- of standard input, "
    "@@ stands for one @."
)
SET_NODE_HELP = (
    "Set a value that the form does not show: the node's id, label or type, a dot, "
    "the field. Values as for --set."
)

# A text that looks like a number is still meant as text here.
_TEXT_FIRST = frozenset({"StringField", "EnumField", "SchedulerField"})


def apply_values(handle: BaseWorkflowHandle, settings: Sequence[str]) -> None:
    """Set inputs from `NAME=VALUE` words, in order; each is checked at once.

    Raises:
        CliError: A word has no `=`, or a file cannot be read.
        InputNotFoundError: No input, or several, go by that name.
        FieldValidationError: The field refuses the value.
    """
    for word in settings:
        name, text = _split(word, "--set")
        key: Any = name
        if name.isdigit() and name not in handle.inputs.names:
            key = int(name)
        item = handle.get_input(key)
        # Through the handle, which also refuses what an edge feeds.
        _try_values(item.field, text, partial(handle.set_node_value, *item.target))


def apply_node_values(handle: BaseWorkflowHandle, settings: Sequence[str]) -> None:
    """Set values of nodes from `NODE.FIELD=VALUE` words, in order.

    Raises:
        CliError: A word is not of that form, or a file cannot be read.
        InputNotFoundError: There is no such node or field.
        FieldValidationError: The field refuses the value, or an edge feeds it.
    """
    for word in settings:
        name, text = _split(word, "--set-node")
        node, dot, field_name = name.rpartition(".")
        if not dot:
            raise CliError("usage", f"--set-node {word!r} is not NODE.FIELD=VALUE")
        field = handle.get_node_field(node, field_name)
        _try_values(field, text, partial(handle.set_node_value, node, field_name))


def _split(word: str, option: str) -> tuple[str, str]:
    name, equals, text = word.partition("=")
    if not equals or not name.strip():
        raise CliError("usage", f"{option} {word!r} is not NAME=VALUE")
    return name.strip(), _text(text)


def _text(text: str) -> str:
    """The text meant by what was typed: a file's, or itself."""
    if text.startswith("@@"):
        return text[1:]
    if text == "@-":
        return sys.stdin.read().rstrip("\n")
    if not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).read_text("utf-8").rstrip("\n")
    except UnicodeDecodeError as error:
        raise CliError("usage", f"{text[1:]} is no UTF-8 text") from error


def _try_values(field: IvkField[Any], text: str, assign: Callable[[Any], None]) -> None:
    """Assign the first reading of `text` that the field takes.

    When it takes none, the error is that of the reading that was meant: JSON when it
    is JSON, such as a number out of range, else the text.
    """
    *others, last = _readings(field, text)
    for reading in others:
        if _is_taken(reading, assign):
            return
    meant = others[0] if others else last
    if not _is_taken(last, assign):
        assign(meant)


def _is_taken(reading: Any, assign: Callable[[Any], None]) -> bool:
    try:
        assign(reading)
    except FieldValidationError:
        return False
    return True


def _readings(field: IvkField[Any], text: str) -> list[Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return [text]
    if field.type_name in _TEXT_FIRST:
        return [text, value]
    return [value, text]
