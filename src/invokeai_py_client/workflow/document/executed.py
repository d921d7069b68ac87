"""What ran: the graph of a job, as a workflow or laid over the workflow beside it.

An image, a job and a request to the queue hold the workflow as it was when it was
submitted, and the graph that ran. The two differ where a batch brought the values. What
an edge supplied is in neither: only in the job's results, or in the metadata, where the
graph wrote it there as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from invokeai_py_client.workflow.document.js_semantics import as_doubles
from invokeai_py_client.workflow.document.warnings import WorkflowWarning

FieldKey = tuple[str, str]

_OWN_KEYS = frozenset({"id", "type", "use_cache", "is_intermediate", "workflow_inputs"})
_NOTES = "core_metadata"
# Nodes that hand on the literal in their input `value`.
_LITERALS = frozenset({"boolean", "float", "integer", "string"})
_RANDOM = frozenset({"rand_float", "rand_int", "random_range"})
# What the metadata says about itself.
_NO_INPUTS = frozenset({"app_version", "generation_mode"})
_SHOWN = 8


@dataclass(frozen=True)
class Executed:
    """A graph that ran or will run, and what is known besides.

    Attributes:
        graph: In the form of the API: nodes by id.
        metadata: What was written into the image; empty when there is none.
        outputs: What nodes returned, by (node, output).
    """

    graph: Mapping[str, Any]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[FieldKey, Any] = field(default_factory=dict)

    @property
    def nodes(self) -> Mapping[str, Mapping[str, Any]]:
        """The nodes by id; what is not a node is left out."""
        found = self.graph.get("nodes")
        nodes = found.items() if isinstance(found, Mapping) else ()
        return {key: node for key, node in nodes if isinstance(node, Mapping)}

    def links(self) -> dict[FieldKey, FieldKey]:
        """The output that feeds each input: of two into one, the last, as it ran."""
        return {target: source for source, target in self.edges()}

    def edges(self) -> list[tuple[FieldKey, FieldKey]]:
        """The output and the input of each edge; what is not an edge is left out."""
        found = self.graph.get("edges")
        edges = found if isinstance(found, list) else []
        return [
            (_end(edge, "source"), _end(edge, "destination"))
            for edge in edges
            if isinstance(edge, Mapping)
        ]

    def known_outputs(self) -> dict[FieldKey, Any]:
        """What nodes returned: by the job's results, or noted in the metadata."""
        nodes, links = self.nodes, self.links()
        found: dict[FieldKey, Any] = {}
        for (node_id, name), source in links.items():
            if nodes.get(node_id, {}).get("type") != _NOTES:
                continue
            while name in self.metadata and source not in found:
                found[source] = self.metadata[name]
                # An `integer` node hands on what feeds it.
                is_literal = nodes.get(source[0], {}).get("type") in _LITERALS
                source = (
                    links.get((source[0], "value"), source) if is_literal else source
                )
        return {**found, **self.outputs}


def _end(edge: Mapping[str, Any], side: str) -> FieldKey:
    end = edge.get(side)
    end = end if isinstance(end, Mapping) else {}
    return str(end.get("node_id")), str(end.get("field"))


# -- a workflow with the values that ran ---------------------------------------------


def with_executed(
    workflow: Mapping[str, Any], ran: Executed
) -> tuple[Mapping[str, Any], list[WorkflowWarning]]:
    """The workflow with the values of the graph, and a warning for each of them.

    A field that a batch fed has the value that this job got. A random node is pinned
    to its number, where that is known.
    """
    graph, links = ran.nodes, ran.links()
    values = dict(_literals(graph, links))
    stored = [node for node in workflow["nodes"] if _id_in(node, graph)]
    if not stored:
        return workflow, []
    warnings: list[WorkflowWarning] = []
    random, unknown = _random_values(ran)
    warnings += unknown
    changed: dict[str, dict[str, Any]] = {}
    for node in stored:
        inputs = node["data"].get("inputs")
        for name, item in inputs.items() if isinstance(inputs, Mapping) else ():
            key = node["id"], name
            value = random.get(key, values.get(key))
            if value is None or not isinstance(item, Mapping):
                continue
            before = item.get("value")
            if _means(before, value):
                continue
            changed.setdefault(node["id"], {})[name] = {**item, "value": value}
            # Without a value in the workflow, it is most often the server's default.
            if before is not None:
                text = (
                    f"{_name(node)}.{name} is {value!r:.80}, as it ran; "
                    f"the workflow beside the graph has {before!r:.80}"
                )
                warnings.append(WorkflowWarning(text, "executed_value", *key))
    nodes = [
        _with_inputs(node, changed[node["id"]]) if _id_in(node, changed) else node
        for node in workflow["nodes"]
    ]
    edges, left_out = _edges(workflow, graph, links, values)
    return {**workflow, "nodes": nodes, "edges": edges}, [*warnings, *left_out]


def _literals(
    nodes: Mapping[str, Mapping[str, Any]], links: Mapping[FieldKey, FieldKey]
) -> Iterator[tuple[FieldKey, Any]]:
    for node_id, node in nodes.items():
        for name, value in node.items():
            key = node_id, name
            if name not in _OWN_KEYS and key not in links and value is not None:
                yield key, value


def _id_in(node: Any, ids: Mapping[str, Any]) -> bool:
    return (
        isinstance(node, Mapping)
        and isinstance(node.get("data"), Mapping)
        and node.get("type") == "invocation"
        and node.get("id") in ids
    )


def _means(stored: Any, value: Any) -> bool:
    """Whether the GUI sends this value for a stored one."""
    if isinstance(stored, str) and isinstance(value, Mapping):
        # "auto" became the board of that moment.
        return "board_id" in value
    if isinstance(stored, Mapping) and isinstance(value, Mapping):
        return all(
            _means(stored.get(key), item)
            for key, item in value.items()
            if item is not None
        )
    return bool(as_doubles(stored) == as_doubles(value)) and (
        isinstance(stored, bool) == isinstance(value, bool)
    )


def _name(node: Mapping[str, Any]) -> str:
    data = node["data"]
    return str(data.get("label") or data.get("type") or node["id"])


def _with_inputs(
    node: Mapping[str, Any], inputs: Mapping[str, Any]
) -> Mapping[str, Any]:
    data = node["data"]
    return {**node, "data": {**data, "inputs": {**data["inputs"], **inputs}}}


def _random_values(
    ran: Executed,
) -> tuple[dict[FieldKey, Any], list[WorkflowWarning]]:
    """Limits that pin random nodes to what they drew, and nodes of which it is lost."""
    known, links = ran.known_outputs(), ran.links()
    values: dict[FieldKey, Any] = {}
    warnings = []
    for node_id, node in ran.nodes.items():
        if node.get("type") == "iterate":
            text = f"{node_id} runs once per item of a list: which one this is, is lost"
            warnings.append(WorkflowWarning(text, "unknown_value", node_id))
        if node.get("type") not in _RANDOM:
            continue
        drawn = known.get((node_id, "value"))
        limits = [(node_id, "low"), (node_id, "high")]
        low, high = (node.get(name) for _, name in limits)
        if isinstance(low, int) and isinstance(high, int) and high - low == 1:
            continue
        if node["type"] == "random_range" and node.get("seed") is not None:
            continue
        if (
            node["type"] == "rand_int"
            and type(drawn) is int
            and not links.keys() & set(limits)
        ):
            values.update(zip(limits, (drawn, drawn + 1)))
        else:
            text = (
                f"what the {node['type']} node {node_id} drew is not known: it is "
                "neither in the graph nor in the metadata, and the next run draws anew"
            )
            warnings.append(WorkflowWarning(text, "unknown_value", node_id))
    return values, warnings


def _edges(
    workflow: Mapping[str, Any],
    graph: Mapping[str, Any],
    links: Mapping[FieldKey, FieldKey],
    values: Mapping[FieldKey, Any],
) -> tuple[Any, list[WorkflowWarning]]:
    """The edges but for those in whose place the graph has a value: of batches."""
    stored = workflow.get("edges")
    if not isinstance(stored, list):
        return stored, []
    kept, warnings = [], []
    for edge in stored:
        ends = edge if isinstance(edge, Mapping) else {}
        key = str(ends.get("target")), str(ends.get("targetHandle"))
        if ends.get("source") not in graph and key in values and key not in links:
            text = (
                f"{key[0]}.{key[1]} has the value that ran, "
                f"not those of {ends.get('source')}"
            )
            warnings.append(WorkflowWarning(text, "executed_value", *key))
        else:
            kept.append(edge)
    return kept, warnings


# -- a workflow made of a graph alone ------------------------------------------------


def workflow_of_graph(
    ran: Executed,
) -> tuple[dict[str, Any], list[WorkflowWarning]]:
    """A workflow of the graph's nodes and edges.

    It has no form. What the metadata names is exposed by that name, where one input of
    the graph has it.
    """
    graph = ran.nodes
    text = "made of the graph alone: the workflow has no form and no labels"
    random, unknown = _random_values(ran)
    exposed, lost = _exposed(ran)
    names: dict[FieldKey, str] = {}
    for name, key in exposed.items():
        names.setdefault(key, name)
    nodes = [
        _node(node_id, node, place, random, names)
        for place, (node_id, node) in enumerate(graph.items())
    ]
    edges = [
        {
            "id": f"edge-{index}",
            "type": "default",
            "source": source,
            "sourceHandle": output,
            "target": target,
            "targetHandle": name,
        }
        for index, ((source, output), (target, name)) in enumerate(ran.edges())
    ]
    texts = ("name", "author", "description", "version", "contact", "tags", "notes")
    document = {
        **dict.fromkeys(texts, ""),
        "exposedFields": [
            {"nodeId": node_id, "fieldName": name} for node_id, name in names
        ],
        "meta": {"category": "user", "version": "4.0.0"},
        "nodes": nodes,
        "edges": edges,
    }
    pinned = [
        WorkflowWarning(
            f"{node_id} is pinned to {value}, which it drew", "executed_value", node_id
        )
        for (node_id, name), value in random.items()
        if name == "low"
    ]
    return document, [WorkflowWarning(text, "graph"), *pinned, *unknown, *lost]


def _node(
    node_id: str,
    node: Mapping[str, Any],
    place: int,
    random: Mapping[FieldKey, Any],
    names: Mapping[FieldKey, str],
) -> dict[str, Any]:
    inputs: dict[str, Any] = {}
    for name, value in node.items():
        if name not in _OWN_KEYS:
            key = node_id, name
            inputs[name] = {
                "name": name,
                "label": names.get(key, ""),
                "description": "",
                "value": random.get(key, value),
            }
    return {
        "id": node_id,
        "type": "invocation",
        # Left to right in the graph's order, six in a row.
        "position": {"x": place % 6 * 400, "y": place // 6 * 500},
        "data": {
            "id": node_id,
            "type": node.get("type"),
            "label": "",
            "notes": "",
            "isOpen": True,
            "isIntermediate": node.get("is_intermediate") is True,
            "useCache": node.get("use_cache") is not False,
            "inputs": inputs,
        },
    }


def _exposed(ran: Executed) -> tuple[dict[str, FieldKey], list[WorkflowWarning]]:
    """The input that each name of the metadata means, and names without one."""
    nodes, links = ran.nodes, ran.links()
    literals = {
        key: value
        for key, value in _literals(nodes, links)
        if nodes[key[0]].get("type") != _NOTES
    }
    noted = {
        key[1]: source
        for key, source in links.items()
        if nodes.get(key[0], {}).get("type") == _NOTES
    }
    found: dict[str, FieldKey] = {}
    lost: list[str] = []
    other: list[str] = []
    for name, value in ran.metadata.items():
        if name in _NO_INPUTS or value is None or isinstance(value, list):
            continue
        places = _places(name, value, literals, noted, nodes, links)
        if len(places) == 1:
            found[name] = places[0]
            ran_with = literals[places[0]]
            if not _means(value, ran_with):
                other.append(f"{name} is {value!r:.80}, the graph has {ran_with!r:.80}")
        else:
            lost.append(f"{name} ({len(places)} inputs)" if places else name)
    texts = (
        ("the metadata names what no single input of the graph has", lost),
        ("the metadata is not of this graph", other),
    )
    return found, [
        WorkflowWarning(f"{text}: {_listed(items)}", "metadata")
        for text, items in texts
        if items
    ]


def _listed(items: Sequence[str]) -> str:
    return ", ".join(items[:_SHOWN]) + (", …" if len(items) > _SHOWN else "")


def _places(
    name: str,
    value: Any,
    literals: Mapping[FieldKey, Any],
    noted: Mapping[str, FieldKey],
    nodes: Mapping[str, Mapping[str, Any]],
    links: Mapping[FieldKey, FieldKey],
) -> list[FieldKey]:
    """Inputs that a name of the metadata may mean, by the first rule that finds any."""
    if name in noted:
        origin = _origin(noted[name], nodes, links)
        return [origin] if origin is not None and origin in literals else []
    same_name = [key for key in literals if key[1] == name]
    fed = [
        origin
        for key, source in links.items()
        if key[1] == name
        for origin in [_origin(source, nodes, links)]
        if origin is not None and origin in literals
    ]
    by_value = [key for key in same_name if _means(value, literals[key])]
    distinct = isinstance(value, (str, Mapping)) and bool(value)
    anywhere = [key for key in literals if distinct and _means(value, literals[key])]
    return by_value or anywhere or list(dict.fromkeys([*same_name, *fed]))


def _origin(
    source: FieldKey,
    nodes: Mapping[str, Mapping[str, Any]],
    links: Mapping[FieldKey, FieldKey],
) -> Optional[FieldKey]:
    """The input whose literal an output hands on; None when it is calculated."""
    seen: set[FieldKey] = set()
    while nodes.get(source[0], {}).get("type") in _LITERALS and source not in seen:
        seen.add(source)
        key = source[0], "value"
        if key not in links:
            return key
        source = links[key]
    return None
