"""The values of a graph that ran, found along its edges from the image backwards.

Three things look alike here: the prepared graph of a session, in which every input
holds the value that the node really used; the graph stored with an image, which lacks
what edges supplied; and a workflow, whose values a batch may have replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Optional

from invokeai_py_client.recipe.values import (
    RecipeValue,
    Source,
    agreed,
    unknown,
)
from invokeai_py_client.workflow.document.executed import Executed, FieldKey

Node = Mapping[str, Any]

# Nodes that hand on the literal in one of their inputs.
_LITERALS = {
    "boolean": "value",
    "float": "value",
    "integer": "value",
    "string": "value",
    "model_identifier": "model",
    "scheduler": "scheduler",
}
_NOTES = "core_metadata"
_GENERATES = "_image_generation"


@dataclass(frozen=True)
class GraphView:
    """A graph, and what its nodes got.

    Attributes:
        nodes: Nodes by id, in the form of the API.
        edges: (node, output) and (node, input) of each edge.
        source: What values found here are of.
        noted: What nodes returned, as the metadata has it.
        made_by: The node that made the image; None when it is not known.
        own_ids: The workflow's node of each prepared one.
    """

    nodes: Mapping[str, Node]
    edges: Sequence[tuple[FieldKey, FieldKey]]
    source: Source
    noted: Mapping[FieldKey, Any] = field(default_factory=dict)
    made_by: Optional[str] = None
    own_ids: Mapping[str, str] = field(default_factory=dict)

    def value(self, name: str, node_id: str, field_name: str) -> RecipeValue:
        """What an input was; unknown when an edge supplied it and nothing says what."""
        node = self.nodes[node_id]
        own_id = self.own_ids.get(node_id, node_id)
        found = RecipeValue(name, None, self.source, own_id, field_name)
        feeder = self._feeders.get((node_id, field_name))
        if feeder is None or self.source == "session":
            value = node.get(field_name)
            if value is None:
                return unknown(name, "no value was sent")
            return replace(found, value=_without_none(value))
        return self._fed(found, feeder)

    def _fed(self, found: RecipeValue, feeder: FieldKey) -> RecipeValue:
        seen: set[FieldKey] = set()
        while feeder not in seen:
            seen.add(feeder)
            node = self.nodes.get(feeder[0], {})
            if feeder in self.noted:
                return replace(found, value=self.noted[feeder], source="metadata")
            pinned = _pinned(node)
            if pinned is not None:
                return replace(found, value=pinned)
            literal = _LITERALS.get(str(node.get("type")))
            if literal is None:
                break
            further = self._feeders.get((feeder[0], literal))
            if further is None and node.get(literal) is not None:
                return replace(found, value=node[literal])
            if further is None:
                break
            feeder = further
        kind = self.nodes.get(feeder[0], {}).get("type", "?")
        what = f"the {kind} node {feeder[0]} supplied it"
        return unknown(found.name, f"{what}: only the job's session had it")

    @cached_property
    def _feeders(self) -> Mapping[FieldKey, FieldKey]:
        # Of two edges into one input the server uses the last.
        return {target: source for source, target in self.edges}

    @cached_property
    def _into(self) -> Mapping[str, list[tuple[str, str]]]:
        """What feeds each node: nodes, and the inputs that they feed."""
        found: dict[str, list[tuple[str, str]]] = {}
        for (source, _), (target, field_name) in self.edges:
            found.setdefault(target, []).append((source, field_name))
        return found

    def has(self, node_id: str, field_name: str) -> bool:
        """Whether a node has a value for an input, or an edge for it."""
        known = self.nodes.get(node_id, {}).get(field_name)
        return known is not None or self._feeders.get((node_id, field_name)) is not None

    @cached_property
    def involved(self) -> list[str]:
        """The nodes that made the image; every one when it is not known which did."""
        starts = [self.made_by] if self.made_by in self.nodes else list(self.nodes)
        return self.upstream(filter(None, starts))

    def upstream(
        self,
        starts: Iterable[str],
        stop: Optional[Callable[[Node], bool]] = None,
    ) -> list[str]:
        """The nodes from which `starts` got what they used, with these, nearest first.

        What lies behind a node at which to stop is left out.
        """
        found = dict.fromkeys(node_id for node_id in starts if node_id in self.nodes)
        reached = list(found)
        for node_id in reached:  # which grows meanwhile
            if stop is not None and stop(self.nodes[node_id]):
                continue
            for source, field_name in self._into.get(node_id, ()):
                is_new = source in self.nodes and source not in found
                if field_name != "metadata" and is_new:
                    found[source] = None
                    reached.append(source)
        return [key for key in found if self.nodes[key].get("type") != _NOTES]

    def feeding(self, node_id: str, is_wanted: Callable[[str], bool]) -> list[str]:
        """The nodes that feed those inputs of a node whose names are wanted."""
        return [
            source
            for source, field_name in self._into.get(node_id, ())
            if is_wanted(field_name)
        ]

    # -- what people ask for -----------------------------------------------------------

    def main_values(self) -> dict[str, RecipeValue]:
        """What the graph says of prompt, seed, model and so on."""
        nodes = self.involved
        samplers = [node_id for node_id in nodes if self._is_sampler(node_id)]
        found: dict[str, RecipeValue] = {}
        for name, sign in (("prompt", "positive"), ("negative_prompt", "negative")):
            found[name] = agreed(name, list(self._prompts(name, sign, samplers)))
        for name, fields in (
            ("steps", ("steps", "num_steps")),
            ("cfg_scale", ("cfg_scale",)),
            ("guidance", ("guidance", "guidance_scale")),
            ("scheduler", ("scheduler",)),
        ):
            found[name] = agreed(name, self._fields(name, fields, samplers or nodes))
        for name in ("seed", "width", "height"):
            found[name] = agreed(name, self._of_noise(name, samplers))
        found["model"] = agreed("model", self._models("model", "model", "main", nodes))
        found["vae"] = agreed("vae", self._models("vae", "vae_model", "vae", nodes))
        loras = self._loras(nodes)
        if loras:
            found["loras"] = RecipeValue("loras", loras, self.source)
        return found

    def _is_sampler(self, node_id: str) -> bool:
        is_named = str(self.nodes[node_id].get("type")).endswith(_GENERATES)
        return is_named or bool(self.feeding(node_id, _is_conditioning("positive")))

    def _prompts(
        self, name: str, sign: str, samplers: Sequence[str]
    ) -> Iterator[RecipeValue]:
        for sampler in samplers:
            if sign == "positive" and self.has(sampler, "prompt"):
                yield self.value(name, sampler, "prompt")
                continue
            starts = self.feeding(sampler, _is_conditioning(sign))
            # A prompt may be made of other prompts, which are not it.
            nodes = self.upstream(starts, lambda node: "prompt" in node)
            yield from self._fields(name, ("prompt",), nodes)

    def _fields(
        self, name: str, fields: Sequence[str], nodes: Iterable[str]
    ) -> list[RecipeValue]:
        return [
            self.value(name, node_id, field_name)
            for node_id in nodes
            for field_name in fields
            if self.has(node_id, field_name)
        ]

    def _of_noise(self, name: str, samplers: Sequence[str]) -> list[RecipeValue]:
        """What a sampler has itself, or got with its noise."""
        found: list[RecipeValue] = []
        for sampler in samplers:
            own = self._fields(name, (name,), [sampler])
            noise = self.upstream(self.feeding(sampler, "noise".__eq__))
            found += own or self._fields(name, (name,), noise)
        return found

    def _models(
        self, name: str, field_name: str, kind: str, nodes: Sequence[str]
    ) -> list[RecipeValue]:
        return [
            value
            for value in self._fields(name, (field_name,), nodes)
            if isinstance(value.value, Mapping)
            and kind in (value.value.get("type"), value.value.get("model_type"))
        ]

    def _loras(self, nodes: Sequence[str]) -> list[dict[str, Any]]:
        found = []
        for node_id in nodes:
            if self.has(node_id, "lora"):
                model = self.value("lora", node_id, "lora")
                weight = self.value("weight", node_id, "weight")
                found.append({"model": model.value, "weight": weight.value})
        return found


def _without_none(value: Any) -> Any:
    """A value as it was sent: sessions have the defaults of models in it as well."""
    if isinstance(value, Mapping):
        return {key: item for key, item in value.items() if item is not None}
    return value


def _is_conditioning(sign: str) -> Callable[[str], bool]:
    return lambda name: name.startswith(sign) and "conditioning" in name


def _pinned(node: Node) -> Optional[int]:
    """The number of a random node whose limits leave no other."""
    low, high = node.get("low"), node.get("high")
    is_whole = type(low) is int and type(high) is int
    is_one = node.get("type") == "rand_int" and is_whole and high - low == 1  # type: ignore[operator]
    return low if is_one else None


# -- the three kinds -------------------------------------------------------------------


def view_of_graph(graph: Mapping[str, Any], metadata: Mapping[str, Any]) -> GraphView:
    """The graph stored with an image."""
    ran = Executed(graph, metadata)
    return GraphView(ran.nodes, ran.edges(), "graph", ran.known_outputs())


def view_of_session(session: Mapping[str, Any], made_by: Optional[str]) -> GraphView:
    """The prepared graph of a job, as far as it ran."""
    ran = Executed(_mapping(session.get("execution_graph")))
    results = _mapping(session.get("results"))
    own_ids = _mapping(session.get("prepared_source_mapping"))
    nodes = {key: node for key, node in ran.nodes.items() if key in results}
    return GraphView(nodes, ran.edges(), "session", made_by=made_by, own_ids=own_ids)


def view_of_workflow(
    workflow: Mapping[str, Any], metadata: Mapping[str, Any]
) -> GraphView:
    """A workflow without its graph: what the editor held."""
    nodes: dict[str, Node] = {}
    for node in _mappings(workflow.get("nodes")):
        data = node.get("data")
        if isinstance(data, Mapping) and isinstance(node.get("id"), str):
            values = {
                key: item.get("value")
                for key, item in _mapping(data.get("inputs")).items()
                if isinstance(item, Mapping)
            }
            nodes[node["id"]] = {**values, "type": data.get("type")}
    edges = [
        (
            {"node_id": edge.get("source"), "field": edge.get("sourceHandle")},
            {"node_id": edge.get("target"), "field": edge.get("targetHandle")},
        )
        for edge in _mappings(workflow.get("edges"))
    ]
    graph = {
        "nodes": nodes,
        "edges": [{"source": start, "destination": end} for start, end in edges],
    }
    ran = Executed(graph, metadata)
    return GraphView(nodes, ran.edges(), "workflow", ran.known_outputs())


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    items = value if isinstance(value, list) else []
    return [item for item in items if isinstance(item, Mapping)]
