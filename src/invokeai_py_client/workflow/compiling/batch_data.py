"""The batch data: which values the batch nodes spread over jobs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Optional

from invokeai_py_client.exceptions import FieldProblem
from invokeai_py_client.nodes.openapi import BATCH_LISTS, GENERATOR_LISTS
from invokeai_py_client.nodes.template import UNSET
from invokeai_py_client.workflow.compiling.compiled_workflow import BatchNode
from invokeai_py_client.workflow.compiling.generator_values import (
    GeneratorError,
    MissingAnswerError,
    draws_values,
    generate,
    generator_query,
)
from invokeai_py_client.workflow.document.js_semantics import as_key
from invokeai_py_client.workflow.editor.edge_index import Edge, FieldKey
from invokeai_py_client.workflow.editor.loaded_workflow import (
    LoadedNode,
    LoadedWorkflow,
)
from invokeai_py_client.workflow.editor.server_facts import FactQuery, ServerFacts

NO_GROUP = "None"
_GENERATOR_INPUT = "generator"
_INDEX = re.compile(r"0|[1-9][0-9]{0,9}")
_LAST_INDEX = 2**32 - 2


class BatchBuilder:
    """Collects the batch nodes of a workflow and what goes wrong with them.

    Attributes:
        problems: Why the others have none.
    """

    def __init__(
        self, loaded: LoadedWorkflow, facts: ServerFacts, random: Callable[[], float]
    ) -> None:
        self._loaded = loaded
        self._facts = facts
        self._random = random
        self.batches: list[BatchNode] = []
        self.problems: list[FieldProblem] = []
        for node in loaded.nodes.values():
            if node.type in BATCH_LISTS:
                self._add(node)

    def _add(self, node: LoadedNode) -> None:
        name = BATCH_LISTS[node.type]
        feeding = self._loaded.edges_into.get((node.id, name), ())
        generator: Optional[LoadedNode] = None
        if feeding:
            generator, items = self._generated(feeding[0])
        else:
            items = self._stored(node, name)
        self.batches.append(
            BatchNode(
                node_id=node.id,
                field_name=name,
                group=_group(node),
                items=items,
                targets=_targets(self._loaded, node),
                generator_id=generator.id if generator else None,
                is_drawn=generator is not None
                and draws_values(_generator_type(generator), _settings(generator)),
            )
        )

    def _stored(self, node: LoadedNode, name: str) -> Sequence[Any]:
        item = node.inputs.get(name)
        if item is None or item.value is UNSET:
            return ()
        if not isinstance(item.value, list):
            self._problem(
                "a batch needs a list", "batch_list", node.id, name, item.value
            )
            return ()
        return tuple(item.value)

    def _generated(self, edge: Edge) -> tuple[Optional[LoadedNode], Sequence[Any]]:
        node = _generator_behind(self._loaded, edge)
        if node is None:
            self._problem(
                "nothing that makes values feeds this batch",
                "batch_source",
                edge.target,
                edge.target_handle,
            )
            return None, ()
        value = _settings(node)
        try:
            items = generate(_generator_type(node), value, self._facts, self._random)
        except GeneratorError as error:
            is_open = isinstance(error, MissingAnswerError)
            kind = "missing_answer" if is_open else "generator"
            self._problem(str(error), kind, node.id, _GENERATOR_INPUT, value)
            return node, ()
        return node, tuple(items)

    def _problem(
        self, reason: str, kind: str, node_id: str, name: str, value: Any = None
    ) -> None:
        node = self._loaded.nodes[node_id]
        self.problems.append(
            FieldProblem(
                reason, kind, node_id, name, value=value, node_label=node.title
            )
        )


def _generator_behind(loaded: LoadedWorkflow, edge: Edge) -> Optional[LoadedNode]:
    """The generator node that an edge comes from; None when it is not a generator."""
    source = loaded.resolve(edge)
    if source is None:
        return None
    # Of two nodes with one id, the GUI asks the first.
    node = loaded.shadowed.get(source[0]) or loaded.nodes.get(source[0])
    return node if node and node.type in GENERATOR_LISTS else None


def _generator_type(node: LoadedNode) -> str:
    kind = node.type.partition("_")[0]
    return f"{kind.capitalize()}GeneratorField"


def _settings(node: LoadedNode) -> Any:
    item = node.inputs.get(_GENERATOR_INPUT)
    return None if item is None or item.value is UNSET else item.value


def _group(node: LoadedNode) -> str:
    """The zip group; a node without one is in the group of all such nodes."""
    item = node.inputs.get("batch_group_id")
    if item is None or item.value is UNSET:
        return "undefined"
    return as_key(item.value)


def _targets(loaded: LoadedWorkflow, node: LoadedNode) -> tuple[FieldKey, ...]:
    """Direct targets; a connector is one, which the server then does not find."""
    output = "image" if node.type == "image_batch" else "value"
    return tuple(
        (edge.target, edge.target_handle)
        for edge in loaded.edges
        if edge.type == "default"
        and edge.source == node.id
        and edge.source_handle == output
    )


def batch_data(batches: Sequence[BatchNode]) -> list[list[dict[str, Any]]]:
    """The batch data: a list for each ungrouped node, one zipped list for a group."""
    groups: dict[str, list[BatchNode]] = {}
    for batch in batches:
        groups.setdefault(batch.group, []).append(batch)
    data: list[list[dict[str, Any]]] = []
    for group in _in_key_order(groups):
        lists = [_zipped(batch) for batch in groups[group]]
        if group != NO_GROUP:
            lists = [[entry for entries in lists for entry in entries]]
        data.extend(entries for entries in lists if entries)
    return data


def column_data(
    columns: Mapping[FieldKey, Sequence[Any]],
) -> list[list[dict[str, Any]]]:
    """One zipped group of values by (node, field); no group without columns."""
    group = [
        {"node_path": node_id, "field_name": name, "items": list(items)}
        for (node_id, name), items in columns.items()
    ]
    return [group] if group else []


def _in_key_order(groups: Mapping[str, Any]) -> list[str]:
    """JavaScript lists an object's keys that are numbers first, by size."""
    numbers = [
        key for key in groups if _INDEX.fullmatch(key) and int(key) <= _LAST_INDEX
    ]
    others = [key for key in groups if key not in numbers]
    return [*sorted(numbers, key=int), *others]


def _zipped(batch: BatchNode) -> list[dict[str, Any]]:
    return [
        {"node_path": node_id, "field_name": name, "items": list(batch.items)}
        for node_id, name in batch.targets
    ]


def generator_queries(loaded: LoadedWorkflow) -> list[FactQuery]:
    """What the generators of a workflow have to ask the server."""
    found = []
    for batch in loaded.nodes.values():
        if batch.type not in BATCH_LISTS:
            continue
        feeding = loaded.edges_into.get((batch.id, BATCH_LISTS[batch.type]), ())
        node = _generator_behind(loaded, feeding[0]) if feeding else None
        if node is None:
            continue
        query = generator_query(_generator_type(node), _settings(node))
        if query is not None:
            found.append(query)
    return found
