"""Edits of a workflow file as a person makes them in the GUI, at random but seeded.

The editor remembers which node every node of the start has become, so that a test can
tell the right field from another one.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Mapping
from typing import Any, Optional


class FormEditor:
    """A copy of a workflow file, edited in place.

    Attributes:
        document: The file as it is now.
        became: The id that each node of the start has now; None when it was deleted.
    """

    def __init__(self, document: Mapping[str, Any], seed: int) -> None:
        self.document: Any = copy.deepcopy(dict(document))
        self.random = random.Random(seed)
        self.became: dict[str, Optional[str]] = {
            node["id"]: node["id"] for node in self._nodes()
        }
        self._made = 0

    def edit(self, steps: int) -> None:
        """Make some edits."""
        for _ in range(steps):
            self.random.choice(
                [
                    self.move,
                    self.regroup,
                    self.relabel,
                    self.share_labels,
                    self.recreate,
                    self.recreate_unconnected,
                    self.delete,
                    self.add_another,
                    self.hide,
                ]
            )()

    def move(self) -> None:
        """Shuffle what a container of the form holds."""
        self.random.shuffle(self.random.choice(self._containers())["data"]["children"])

    def regroup(self) -> None:
        """Put an element of the form into a new container."""
        holder = self.random.choice(self._containers())
        children = holder["data"]["children"]
        if children:
            at = self.random.randrange(len(children))
            group_id = self._new_id("group")
            moved = children[at]
            children[at] = group_id
            self._elements()[moved]["parentId"] = group_id
            self._elements()[group_id] = {
                "id": group_id,
                "type": "container",
                "parentId": holder["id"],
                "data": {"layout": "row", "children": [moved]},
            }

    def relabel(self) -> None:
        """Give a field another label."""
        found = self._any_input()
        if found is not None:
            found["label"] = f"Label {self.random.randrange(5)}"

    def share_labels(self) -> None:
        """Give a field the label of another one, which may lose it."""
        one, other = self._any_input(), self._any_input()
        if one is not None and other is not None:
            one["label"], other["label"] = self.random.choice(
                [
                    (other.get("label", ""), one.get("label", "")),
                    (other.get("label", ""), other.get("label", "")),
                ]
            )

    def recreate(self) -> None:
        """Delete a node, and make and connect it anew."""
        node = self.random.choice(self._nodes())
        self._rename(node["id"], self._new_id("again"))

    def recreate_unconnected(self) -> None:
        """Delete a node, and make it anew without its edges."""
        node = self.random.choice(self._nodes())
        new_id = self._new_id("alone")
        self._rename(node["id"], new_id)
        self._cut(new_id)

    def delete(self) -> None:
        """Delete a node."""
        nodes = self._nodes()
        if len(nodes) > 2:
            gone = self.random.choice(nodes)["id"]
            self._cut(gone)
            self._unlist(gone)
            self.document["nodes"] = [
                node for node in self.document["nodes"] if node["id"] != gone
            ]
            for key, now in self.became.items():
                if now == gone:
                    self.became[key] = None

    def add_another(self) -> None:
        """Add a node like one that is there, and show its fields as that one's are."""
        # A workflow has one return at most.
        nodes = [n for n in self._nodes() if n["data"]["type"] != "workflow_return"]
        node = copy.deepcopy(self.random.choice(nodes))
        old, new_id = node["id"], self._new_id("other")
        node["id"] = node["data"]["id"] = new_id
        self.document["nodes"].append(node)
        for element in list(self._elements().values()):
            field = element.get("data", {}).get("fieldIdentifier")
            if field and field["nodeId"] == old:
                twin = copy.deepcopy(element)
                twin["id"] = self._new_id("element")
                twin["data"]["fieldIdentifier"]["nodeId"] = new_id
                self._elements()[twin["id"]] = twin
                holder = self._elements()[element["parentId"]]["data"]["children"]
                holder.insert(self.random.randrange(len(holder) + 1), twin["id"])

    def hide(self) -> None:
        """Take a field out of the form."""
        holder = self.random.choice(self._containers())
        shown = [
            child
            for child in holder["data"]["children"]
            if self._elements()[child]["type"] == "node-field"
        ]
        if shown:
            gone = self.random.choice(shown)
            holder["data"]["children"].remove(gone)
            del self._elements()[gone]

    def _nodes(self) -> list[Any]:
        return [n for n in self.document["nodes"] if n["type"] == "invocation"]

    def _elements(self) -> dict[str, Any]:
        elements: dict[str, Any] = self.document["form"]["elements"]
        return elements

    def _containers(self) -> list[Any]:
        return [e for e in self._elements().values() if e["type"] == "container"]

    def _any_input(self) -> Any:
        inputs = self.random.choice(self._nodes())["data"]["inputs"]
        return self.random.choice(list(inputs.values())) if inputs else None

    def _new_id(self, word: str) -> str:
        self._made += 1
        return f"{word}-{self._made}"

    def _rename(self, old: str, new_id: str) -> None:
        for node in self.document["nodes"]:
            if node["id"] == old:
                node["id"] = node["data"]["id"] = new_id
        for edge in self.document["edges"]:
            for end in ("source", "target"):
                edge[end] = new_id if edge[end] == old else edge[end]
        for element in self._elements().values():
            field = element.get("data", {}).get("fieldIdentifier")
            if field and field["nodeId"] == old:
                field["nodeId"] = new_id
        for key, now in self.became.items():
            if now == old:
                self.became[key] = new_id

    def _cut(self, node_id: str) -> None:
        self.document["edges"] = [
            edge
            for edge in self.document["edges"]
            if node_id not in (edge["source"], edge["target"])
        ]

    def _unlist(self, node_id: str) -> None:
        for key, element in list(self._elements().items()):
            field = element.get("data", {}).get("fieldIdentifier")
            if field and field["nodeId"] == node_id:
                self._elements()[element["parentId"]]["data"]["children"].remove(key)
                del self._elements()[key]
