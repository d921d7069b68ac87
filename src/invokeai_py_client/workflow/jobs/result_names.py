"""What the names in a result mean: a workflow's inputs, seeds and nodes, frozen.

They are copied when a workflow is submitted: a result can be read later, even if the
handle has changed. Without them (a submission found from another process) values are
named ``node.field`` and nodes by their type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Optional


@dataclass(frozen=True)
class NamedPlace:
    """A name and the field of the graph it refers to."""

    name: str
    node_id: str
    field_name: str


@dataclass(frozen=True)
class NodeTitle:
    """How a node is called.

    Attributes:
        name: Unique in the workflow, a valid identifier.
        label: What the GUI shows.
        type: The invocation type.
    """

    name: str
    label: str
    type: str


@dataclass(frozen=True)
class ResultNames:
    """The names of one workflow.

    Attributes:
        inputs: The form, in its order; an input of a batch node is placed at the
            first field that the batch feeds, where its value arrives.
        seeds: Every seed of the graph, in the workflow's order of nodes.
        nodes: Titles by node id.
        outputs: Ids of the nodes whose images go to the gallery; None when not known.
        sources: The nodes whose edges end at a node, by its id; none when the graph
            is not known.
    """

    inputs: tuple[NamedPlace, ...] = ()
    seeds: tuple[NamedPlace, ...] = ()
    nodes: Mapping[str, NodeTitle] = field(default_factory=dict)
    outputs: Optional[tuple[str, ...]] = None
    sources: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def title(self, node_id: str, node_type: str = "") -> NodeTitle:
        """How the node is called; its type where the workflow is not known."""
        found = self.nodes.get(node_id)
        return found or NodeTitle(node_id, node_type or node_id, node_type)
