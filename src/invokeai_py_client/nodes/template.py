"""Node templates: one node type as the server describes it and the GUI reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal, Optional

from invokeai_py_client._exports import set_module

Cardinality = Literal["SINGLE", "COLLECTION", "SINGLE_OR_COLLECTION"]
InputKind = Literal["any", "direct", "connection"]


@set_module("invokeai_py_client.nodes")
class Unset(Enum):
    """The absence of a value where None could be one."""

    UNSET = "unset"

    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> bool:
        return False


UNSET = Unset.UNSET


@set_module("invokeai_py_client.nodes")
@dataclass(frozen=True)
class FieldType:
    """The type of an input or output.

    Attributes:
        name: Such as ``IntegerField`` or ``ModelIdentifierField``.
        cardinality: One value, a list, or either.
        batch: True for the list of a batch node.
        original: The type the schema gave before `ui_type` replaced it.
    """

    name: str
    cardinality: Cardinality = "SINGLE"
    batch: bool = False
    original: Optional[FieldType] = None


@set_module("invokeai_py_client.nodes")
@dataclass(frozen=True)
class Limits:
    """What the server itself allows, wherever its schema says so.

    The GUI reads limits only from a property's top level; these also come from
    inside `anyOf`, where required and nullable inputs keep theirs.

    Attributes:
        list_refused: For a value or a list: the server cannot apply its limit to a
            list and fails on every one, a bound on a union being for both.
        takes_literal: For a type that the GUI only has edges for, such as one of a
            custom node: the server takes a value all the same.
    """

    minimum: Optional[float] = None
    maximum: Optional[float] = None
    exclusive_minimum: Optional[float] = None
    exclusive_maximum: Optional[float] = None
    multiple_of: Optional[float] = None
    min_length: Optional[int] = None
    max_length: Optional[int] = None
    min_items: Optional[int] = None
    max_items: Optional[int] = None
    pattern: Optional[str] = None
    choices: Optional[Sequence[Any]] = None
    nullable: bool = False
    list_refused: bool = False
    takes_literal: bool = False
    item: Optional[Limits] = None


@set_module("invokeai_py_client.nodes")
@dataclass(frozen=True)
class InputTemplate:
    """One input of a node type.

    Attributes:
        name: The field's name in the graph.
        title: What the GUI shows when the user gave no label.
        type: Its type.
        required: True when the node cannot run without it.
        input: ``any`` takes a literal or an edge, ``direct`` only a literal,
            ``connection`` only an edge.
        default: The value of a fresh node; `UNSET` when there is none.
        limits: What the server allows.
        gui: Every further key of the GUI's template, unchanged (options,
            ui_choice_labels, ui_component, ui_model_base, minimum, multipleOf, …).
    """

    name: str
    title: str
    type: FieldType
    required: bool = False
    input: InputKind = "any"
    description: str = ""
    default: Any = UNSET
    limits: Limits = field(default_factory=Limits)
    gui: Mapping[str, Any] = field(default_factory=dict)


@set_module("invokeai_py_client.nodes")
@dataclass(frozen=True)
class OutputTemplate:
    """One output of a node type."""

    name: str
    title: str
    type: FieldType
    description: str = ""
    gui: Mapping[str, Any] = field(default_factory=dict)


@set_module("invokeai_py_client.nodes")
@dataclass(frozen=True)
class NodeTemplate:
    """A node type.

    Attributes:
        type: The invocation type, such as ``l2i``.
        version: Three numbers; a stored node of another version is updated.
        output_type: The type name of its output object, such as ``image_output``.
        inputs: By field name, in the GUI's order.
        outputs: By field name.
    """

    type: str
    title: str
    version: str
    inputs: Mapping[str, InputTemplate]
    outputs: Mapping[str, OutputTemplate]
    output_type: str
    description: str = ""
    tags: Sequence[str] = ()
    category: str = ""
    node_pack: str = "invokeai"
    classification: str = "stable"
    use_cache: bool = True
