"""Inputs of a workflow: the entries of its form, in order, each with its field."""

from __future__ import annotations

import reprlib
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Optional, Union

from invokeai_py_client._exports import html_table, one_line, set_module
from invokeai_py_client.exceptions import InputNotFoundError
from invokeai_py_client.ivk_fields.base import IvkField
from invokeai_py_client.ivk_fields.field_types import describe_input
from invokeai_py_client.nodes.template import UNSET, InputTemplate, Limits
from invokeai_py_client.workflow.editor.loaded_workflow import FieldKey
from invokeai_py_client.workflow.inputs.naming import Elsewhere, Entry, find_entry


@set_module("invokeai_py_client")
@dataclass(frozen=True, eq=False)
class WorkflowInput:
    """One entry of the form.

    Attributes:
        input_index: Its place in the form, depth first from 0; stable while the
            form is.
        name: Unique, a valid identifier; the keyword for `run` and `set_inputs`.
        label: What the GUI shows.
        description: The user's own description, else the server's.
        node_id: The node it belongs to.
        node_name: What the GUI calls the node.
        node_type: The node's invocation type, such as ``l2i``.
        field_name: The field's name in the graph.
        field: The typed field. An input that the form shows twice is listed twice
            and has one field.
        required: True when the node cannot run without a value or an edge.
        connected: True when an edge feeds it; its value is then not sent.
        connected_from: (node, output) that feeds it; None when not connected, or
            when its connector leads nowhere.
        template: The server's description; None when it does not know the node
            type or the field, and the input can only be read.
        settings: The form element's own widget settings.
        user_label: The label the user gave; empty when there is none.
        node_label: The label the user gave the node; empty when there is none.
    """

    _SET: ClassVar[str] = (
        "its value is set by handle[{self.name!r}] = … or input.field.value = …; "
        "what else it says is the form's"
    )

    input_index: int
    name: str
    label: str
    description: str
    node_id: str
    node_name: str
    node_type: str
    field_name: str
    field: IvkField[Any] = field(repr=False)
    required: bool
    connected: bool
    connected_from: Optional[FieldKey]
    template: Optional[InputTemplate]
    settings: Optional[Mapping[str, Any]] = None
    user_label: str = ""
    node_label: str = ""

    @property
    def target(self) -> FieldKey:
        """(node id, field name): what the input sets in the graph."""
        return self.node_id, self.field_name

    @property
    def type_name(self) -> str:
        """The server's type name, such as ``IntegerField``; empty when unknown."""
        return self.template.type.name if self.template else ""

    @property
    def default(self) -> Any:
        """The value of a fresh node in wire form; `UNSET` when there is none."""
        return self.template.default if self.template else UNSET

    @property
    def limits(self) -> Limits:
        """What the server allows."""
        return self.template.limits if self.template else Limits()

    @property
    def allowed(self) -> str:
        """A description of what the server allows."""
        if self.template is None:
            return ""
        return describe_input(self.template)

    @property
    def value(self) -> Any:
        """The field's present value."""
        return self.field.value

    def json_schema(self) -> dict[str, Any]:
        """The field's `json_schema`, with the form's own title and description."""
        schema = self.field.json_schema()
        own = self.template.description if self.template else ""
        if self.description and self.description != own:
            texts = (self.description, schema.get("description", ""))
            schema["description"] = " ".join(texts).strip()
        return {**schema, "title": self.label} if self.label else schema

    def __repr__(self) -> str:
        mark = " connected" if self.connected else ""
        mark += " required" if self.required else ""
        return one_line(
            f"<input {self.input_index} {self.name}: {self.type_name or 'unknown'} "
            f"= {reprlib.repr(self.value)} ({self.node_name}.{self.field_name}){mark}>"
        )

    def _repr_html_(self) -> str:
        return html_table(_COLUMNS, [_cells(self)])


FindLocked = Callable[[Any], Optional[tuple[str, FieldKey]]]
"""The name and the field that a key means by a lock; None if it means nothing."""


def find_nothing(key: Any) -> None:
    """What no lock says of any key."""


@set_module("invokeai_py_client.workflow")
class Inputs(Mapping[str, WorkflowInput]):
    """The inputs of a workflow by name, in the form's order: a read-only mapping.

    `inputs[key]` takes what `find` takes; iterating gives the names.
    """

    def __init__(
        self,
        items: Sequence[WorkflowInput],
        elsewhere: Elsewhere = lambda _: (),
        find_locked: FindLocked = find_nothing,
    ) -> None:
        self._items = tuple(items)
        self._elsewhere = elsewhere
        self._find_locked = find_locked
        self._entries = tuple(_entry(item) for item in self._items)
        self.names: tuple[str, ...] = tuple(item.name for item in self._items)
        self._by_name = dict(zip(self.names, self._items))
        self._by_target: dict[FieldKey, WorkflowInput] = {}
        for item in self._items:
            self._by_target.setdefault(item.target, item)

    def find(self, key: Any) -> WorkflowInput:
        """The input that `key` means.

        Args:
            key: A name, a label, an index, a (node id, field) pair, or a field name
                or the tail of a name when that is not ambiguous.

        Raises:
            InputNotFoundError: No input has that key, or several do; `candidates`
                says which. A `LockedInputError` if it is the key of a locked input
                that is gone or has another type.
        """
        locked = self._find_locked(key)
        if locked is None:
            return find_entry(self._entries, key, self._elsewhere)
        name, target = locked
        return self._by_name.get(name) or self._by_target[target]

    def find_all(self, keys: Iterable[Any]) -> list[WorkflowInput]:
        """The inputs that the keys mean, in their order.

        Raises:
            InputNotFoundError: Some mean no input, or several; it names all of them.
        """
        found = [self._find_or_error(key) for key in keys]
        missing = [item for item in found if isinstance(item, InputNotFoundError)]
        if len(missing) == 1:
            raise missing[0]
        if missing:
            raise InputNotFoundError(
                "; ".join(error.message for error in missing),
                key=[error.key for error in missing],
                candidates=[name for error in missing for name in error.candidates],
            )
        return [item for item in found if isinstance(item, WorkflowInput)]

    def _find_or_error(self, key: Any) -> Union[WorkflowInput, InputNotFoundError]:
        try:
            return self.find(key)
        except InputNotFoundError as error:
            return error

    def at(self, node_id: str, field_name: str) -> Optional[WorkflowInput]:
        """The first input that shows this field; None when the form does not."""
        return self._by_target.get((node_id, field_name))

    def json_schema(self) -> dict[str, Any]:
        """JSON Schema (draft 2020-12) of an object of values by the inputs' names.

        Inputs that cannot be set, because an edge feeds them or the server does not
        know them, are left out. Required are those without a value.
        """
        free = [item for item in self._items if not item.field.is_locked]
        properties = {item.name: item.json_schema() for item in free}
        definitions: dict[str, Any] = {}
        for schema in properties.values():
            definitions.update(schema.pop("$defs", {}))
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": properties,
            "required": [
                item.name for item in free if item.required and not item.field.is_set
            ],
            "additionalProperties": False,
            **({"$defs": definitions} if definitions else {}),
        }

    @property
    def in_order(self) -> tuple[WorkflowInput, ...]:
        """Every input, in the form's order."""
        return self._items

    def __getitem__(self, key: Any) -> WorkflowInput:
        return self.find(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, key: object) -> bool:
        return isinstance(self._find_or_error(key), WorkflowInput)

    def __repr__(self) -> str:
        names = ", ".join(self.names)
        return f"<{len(self.names)} inputs: {textwrap.shorten(names, 200)}>"

    def __str__(self) -> str:
        return "\n".join(map(repr, self._items)) or "<no inputs>"

    def _repr_html_(self) -> str:
        return html_table(_COLUMNS, map(_cells, self._items))


_COLUMNS = ("#", "name", "label", "value", "allowed", "node")


def _cells(item: WorkflowInput) -> tuple[Any, ...]:
    return (
        item.input_index,
        item.name,
        item.label,
        "← edge" if item.connected else reprlib.repr(item.value),
        item.allowed,
        f"{item.node_name}.{item.field_name}",
    )


def _entry(item: WorkflowInput) -> Entry[WorkflowInput]:
    labels = (item.user_label,) if item.user_label else ()
    return Entry(
        item=item,
        target=item.target,
        name=item.name,
        labels=(*labels, item.label),
        field_name=item.field_name,
        description=f"{item.name} ({item.node_name}.{item.field_name})",
    )
