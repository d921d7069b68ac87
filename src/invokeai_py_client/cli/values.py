"""`NAME=VALUE` on the command line: from text to the value of a field."""

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
    from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle

SET_HELP = (
    "Set an input by name, label or index (see `ivk workflow inputs`). The value is "
    "read as JSON if that fits the field, otherwise as text. @FILE reads the text from "
    "a file, @- from standard input; write @@ for a leading @. May be repeated."
)
SET_NODE_HELP = (
    "Set a value that the form does not show. NODE is a node's id, label or type; "
    "VALUE is as in --set. May be repeated."
)

# For these fields, 17 is the text "17".
_TEXT_FIRST = frozenset({"StringField", "EnumField", "SchedulerField"})


def apply_values(handle: BaseWorkflowHandle, settings: Sequence[str]) -> None:
    """Set inputs from `NAME=VALUE` arguments, in order."""
    for word in settings:
        name, text = _split(word, "--set")
        key: Any = name
        if name.isdigit() and name not in handle.inputs.names:
            key = int(name)
        item = handle.get_input(key)
        # Through the handle, which also rejects inputs that are connected.
        _try_values(item.field, text, partial(handle.set_node_value, *item.target))


def apply_node_values(handle: BaseWorkflowHandle, settings: Sequence[str]) -> None:
    """Set values of nodes from `NODE.FIELD=VALUE` arguments, in order."""
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
    return name.strip(), read_text(text)


def read_text(text: str) -> str:
    """`text`, or what ``@FILE`` or ``@-`` refers to."""
    if text.startswith("@@"):
        return text[1:]
    if not text.startswith("@"):
        return text
    content = read_input() if text == "@-" else Path(text[1:]).read_bytes()
    try:
        found = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CliError("usage", f"{text[1:]} is not UTF-8") from error
    return found.replace("\r\n", "\n").rstrip("\n")


def read_seed(text: str) -> Any:
    """What ``--seed`` means: ``"keep"``, ``"random"`` or a number."""
    if text in ("keep", "random"):
        return text
    try:
        return int(text)
    except ValueError:
        raise CliError(
            "usage", f"--seed {text!r} is not a whole number, keep or random"
        ) from None


def read_input() -> bytes:
    """What standard input holds."""
    return sys.stdin.buffer.read()


def make_folder(path: Path) -> None:
    """Make a folder for results, unless it exists."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"the folder {path} cannot be made: {error.strerror}"
        raise CliError("file_error", message, hint="name another with --out") from error


def _try_values(field: IvkField[Any], text: str, assign: Callable[[Any], None]) -> None:
    """Assign the first reading of `text` that the field accepts.

    When it accepts none, the error is about the JSON value if `text` is JSON, such as
    a number out of range, otherwise about the text.
    """
    found = readings(field, text)
    if not any(_is_taken(reading, assign) for reading in found):
        assign(found[0])


def _is_taken(reading: Any, assign: Callable[[Any], None]) -> bool:
    try:
        assign(reading)
    except FieldValidationError:
        return False
    return True


def readings(field: IvkField[Any], text: str) -> list[Any]:
    """What a word may mean to a field, the likeliest first."""
    try:
        value = json.loads(text)
    except ValueError:
        return [text]
    if field.type_name in _TEXT_FIRST:
        return [text, value]
    return [value, text]
