"""One seed per run: what a run of several with random seeds sends. Pure.

The server repeats a batch as it is and would give the same image every time (its
cache returns the first one). So several runs with random seeds become one run with
a zipped list of seeds, which comes first in the data: runs are the outermost loop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from invokeai_py_client.workflow.compiling.compiled_workflow import CompiledWorkflow
from invokeai_py_client.workflow.compiling.seeds import plan_seed
from invokeai_py_client.workflow.editor.loaded_workflow import FieldKey, LoadedWorkflow
from invokeai_py_client.workflow.loading.called_workflows import DYNAMIC_PREFIX

RANDOM_TYPES = frozenset({"rand_int", "rand_float", "random_range"})


def seed_columns(
    loaded: LoadedWorkflow, edits: Mapping[FieldKey, Any], seeds: Sequence[int]
) -> dict[FieldKey, list[int]]:
    """The values of every seed for each run, by the field to write.

    `edits` have the first of `seeds` set; a seed that the caller gave a value of its
    own is not among the columns.
    """
    plans = [plan_seed(loaded, edits, seed).edits for seed in seeds]
    return {
        key: [plan[key] for plan in plans]
        for key, first in plans[0].items()
        # Inputs of a called workflow are inside one field; batch data cannot reach.
        if edits.get(key) == first and not key[1].startswith(DYNAMIC_PREFIX)
    }


def with_seeds(
    compiled: CompiledWorkflow, columns: Mapping[FieldKey, Sequence[int]]
) -> CompiledWorkflow:
    """The payload with the runs spelled out as a list of seeds."""
    nodes = compiled.graph["nodes"]
    group = [
        {"node_path": node_id, "field_name": field_name, "items": list(values)}
        for (node_id, field_name), values in columns.items()
        if node_id in nodes
    ]
    if not group:
        return compiled
    return replace(compiled, data=[group, *compiled.data], runs=1)


def draws_numbers(graph: Mapping[str, Any]) -> bool:
    """True when a node of the graph draws random numbers."""
    return any(node.get("type") in RANDOM_TYPES for node in graph["nodes"].values())
