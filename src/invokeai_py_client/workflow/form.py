"""The form, top to bottom: which inputs a user sees, in which order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional, Union

from invokeai_py_client.nodes.template import UNSET, InputTemplate, Unset
from invokeai_py_client.workflow.loaded import FieldKey

__all__ = ["FormField"]


@dataclass(frozen=True)
class FormField:
    """One input of the form.

    Attributes:
        element_id: The form element; None for a field that only `exposedFields`
            names.
        node_id: The node it belongs to.
        field_name: The field's name in the graph.
        label: What the GUI shows: the user's label, else the template's title, else
            the field's name.
        user_label: The user's own label; ``""`` when there is none.
        description: The user's own description, else the template's.
        template: The field's template; None when node type or field are unknown,
            and the field can then only be read.
        connected: True when an edge feeds the field, so that its value is not sent.
        connected_from: (node, output) of that edge, connectors resolved; None when
            not connected or when its connector leads nowhere.
        settings: The element's own widget settings (``min``, ``max``, ``options``).
        value: The value in wire form; `UNSET` when there is none.
        node_label: The node's own label; ``""`` when there is none.
        node_type: The invocation type.
        node_title: The node's label, else its template's title.
        template_title: The template's title of the field; None without template.
    """

    element_id: Optional[str]
    node_id: str
    field_name: str
    label: str
    user_label: str = ""
    description: str = ""
    template: Optional[InputTemplate] = None
    connected: bool = False
    connected_from: Optional[FieldKey] = None
    settings: Optional[Mapping[str, Any]] = None
    value: Union[Any, Unset] = UNSET
    node_label: str = ""
    node_type: str = ""
    node_title: str = ""
    template_title: Optional[str] = None
