"""Parts of a file that only the GUI's schema insists on, and that we fill in.

They decide where things are drawn and what they are called, never over the payload.
The GUI refuses a whole file for one of them; we say what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from invokeai_py_client.workflow.javascript import is_finite, trim

__all__ = ["lacking_in_edge", "lacking_in_meta", "lacking_in_node"]

_Check = Callable[[Any], bool]


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and bool(trim(value))


def _is_boolean(value: Any) -> bool:
    return isinstance(value, bool)


def _is_position(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        is_finite(value.get(axis)) for axis in ("x", "y")
    )


_SHOWN: Mapping[str, _Check] = {"id": _is_id, "label": _is_text, "isOpen": _is_boolean}
_DATA: Mapping[str, Mapping[str, _Check]] = {
    "connector": {**_SHOWN, "type": lambda value: value == "connector"},
    "invocation": {**_SHOWN, "notes": _is_text},
    "notes": {**_SHOWN, "notes": _is_text, "type": lambda value: value == "notes"},
}


def lacking_in_node(node: Mapping[str, Any], data: Mapping[str, Any]) -> list[str]:
    """Names of parts of a node that are missing or of another kind than needed."""
    checks = _DATA[node["type"]]
    found = [f"data.{key}" for key, fits in checks.items() if not fits(data.get(key))]
    if "position" in node and not _is_position(node["position"]):
        found.append("position")
    if "nodePack" in data and not (_is_text(data["nodePack"]) and data["nodePack"]):
        found.append("data.nodePack")
    return found


def lacking_in_edge(edge: Mapping[str, Any]) -> list[str]:
    """The same for an edge."""
    found = [] if _is_id(edge.get("id")) else ["id"]
    if "hidden" in edge and not _is_boolean(edge["hidden"]):
        found.append("hidden")
    return found


def lacking_in_meta(meta: Any) -> list[str]:
    """The same for the file's `meta`, its version aside."""
    if isinstance(meta, Mapping) and "category" in meta:
        return [] if meta["category"] in ("user", "default") else ["category"]
    return []
