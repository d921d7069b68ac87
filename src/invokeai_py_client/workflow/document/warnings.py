"""`WorkflowWarning`: what was odd about a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from invokeai_py_client._exports import set_module


@set_module("invokeai_py_client")
@dataclass(frozen=True)
class WorkflowWarning:
    """Something in the file that was changed, dropped or will not work.

    Attributes:
        message: One line for people.
        kind: Stable identifier such as ``"edge"`` or ``"unknown_node"``.
        node_id: The node concerned; None for the whole file.
        field_name: The field concerned; None for the whole node.
    """

    message: str
    kind: str
    node_id: Optional[str] = None
    field_name: Optional[str] = None
