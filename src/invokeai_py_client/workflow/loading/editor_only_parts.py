"""Parts of a file that only the GUI's schema insists on, and that we fill in.

They decide where things are drawn and what they are called, never over the payload.
The GUI refuses a whole file for one of them; we say what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from invokeai_py_client.workflow.document.js_semantics import is_finite, trim

_Check = Callable[[Any], bool]


def is_text(value: Any) -> bool:
    """True for a string."""
    return isinstance(value, str)


def is_id(value: Any) -> bool:
    """True for a string that is not blank."""
    return isinstance(value, str) and bool(trim(value))


def is_boolean(value: Any) -> bool:
    """True for a boolean."""
    return isinstance(value, bool)


def _is_position(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        is_finite(value.get(axis)) for axis in ("x", "y")
    )


_SHOWN: Mapping[str, _Check] = {"id": is_id, "label": is_text, "isOpen": is_boolean}
_DATA: Mapping[str, Mapping[str, _Check]] = {
    "connector": {**_SHOWN, "type": lambda value: value == "connector"},
    "invocation": {**_SHOWN, "notes": is_text},
    "notes": {**_SHOWN, "notes": is_text, "type": lambda value: value == "notes"},
}


def missing_in_node(node: Mapping[str, Any], data: Mapping[str, Any]) -> list[str]:
    """Names of parts of a node that are missing or of another kind than needed."""
    checks = _DATA[node["type"]]
    found = [f"data.{key}" for key, fits in checks.items() if not fits(data.get(key))]
    if "position" in node and not _is_position(node["position"]):
        found.append("position")
    if "nodePack" in data and not (is_text(data["nodePack"]) and data["nodePack"]):
        found.append("data.nodePack")
    return found


def missing_in_edge(edge: Mapping[str, Any]) -> list[str]:
    """The same for an edge."""
    found = [] if is_id(edge.get("id")) else ["id"]
    if "hidden" in edge and not is_boolean(edge["hidden"]):
        found.append("hidden")
    return found


def missing_in_meta(meta: Any) -> list[str]:
    """The same for the file's `meta`, its version aside."""
    if isinstance(meta, Mapping) and "category" in meta:
        return [] if meta["category"] in ("user", "default") else ["category"]
    return []
