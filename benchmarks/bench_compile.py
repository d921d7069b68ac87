"""How long a workflow takes to load, discover, compile and check, and how that grows.

Run it with the project's Python: `python benchmarks/bench_compile.py`. The shapes are
the ones that could cost more than their size: a chain written backwards, a wide fan,
a ring that has to be broken, chains of connectors, and a form with every input.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from typing import Any

from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.workflow.checking.check_workflow import check_workflow
from invokeai_py_client.workflow.compiling.compile_workflow import compile_workflow
from invokeai_py_client.workflow.document.definition import WorkflowDefinition
from invokeai_py_client.workflow.loading.form_fields import form_fields
from invokeai_py_client.workflow.loading.load_workflow import load_workflow

STEPS = ("load", "discover", "compile", "check", "all")
SIZES = (250, 500, 1000, 2000, 4000)


def add_node(node_id: str) -> dict[str, Any]:
    """A small node that every version of the server knows."""
    inputs = {name: {"name": name, "label": "", "value": 1} for name in ("a", "b")}
    return {
        "id": node_id,
        "type": "invocation",
        "position": {"x": 0, "y": 0},
        "data": {
            "id": node_id,
            "type": "add",
            "version": "1.0.1",
            "label": "",
            "notes": "",
            "inputs": inputs,
            "isOpen": True,
            "isIntermediate": True,
            "useCache": True,
        },
    }


def connector(node_id: str) -> dict[str, Any]:
    """A bend in an edge."""
    data = {"id": node_id, "type": "connector", "label": "", "isOpen": True}
    return {"id": node_id, "type": "connector", "data": data}


def edge(source: str, output: str, target: str, field: str) -> dict[str, Any]:
    """An edge with an id of its own."""
    return {
        "id": f"{source}-{output}-{target}-{field}",
        "type": "default",
        "source": source,
        "sourceHandle": output,
        "target": target,
        "targetHandle": field,
    }


def backward_chain(size: int) -> tuple[list[Any], list[Any]]:
    """Each node feeds the next; the last edge comes first."""
    nodes = [add_node(f"n{i}") for i in range(size)]
    edges = [
        edge(f"n{i}", "value", f"n{i + 1}", name)
        for i in reversed(range(size - 1))
        for name in ("a", "b")
    ]
    return nodes, edges


def fan(size: int) -> tuple[list[Any], list[Any]]:
    """One node feeds all others."""
    nodes = [add_node(f"n{i}") for i in range(size)]
    return nodes, [edge("n0", "value", f"n{i}", "a") for i in range(1, size)]


def ring(size: int) -> tuple[list[Any], list[Any]]:
    """A chain whose end feeds its start, so one edge has to go."""
    nodes, edges = backward_chain(size)
    nodes[0]["data"]["inputs"]["a"]["value"] = 2
    return nodes, [*edges, edge(f"n{size - 1}", "value", "n0", "a")]


def connectors(size: int) -> tuple[list[Any], list[Any]]:
    """Half of the nodes are one long chain of connectors, drawn from its end."""
    half = size // 2
    nodes = [add_node(f"n{i}") for i in range(half)]
    bends = [connector(f"c{i}") for i in range(half)]
    edges = [edge("n0", "value", "c0", "in")]
    edges += [edge(f"c{i}", "out", f"c{i + 1}", "in") for i in range(half - 1)]
    edges += [edge(f"c{half - 1}", "out", f"n{i}", "a") for i in range(1, half)]
    return [*nodes, *bends], edges


SHAPES: dict[str, Callable[[int], tuple[list[Any], list[Any]]]] = {
    "backward chain": backward_chain,
    "fan": fan,
    "ring": ring,
    "connectors": connectors,
}


def workflow(nodes: list[Any], edges: list[Any]) -> WorkflowDefinition:
    """A file with a form that shows every input."""
    fields: dict[str, Any] = {}
    for node in nodes:
        for name in node["data"].get("inputs", {}):
            key = f"f-{node['id']}-{name}"
            target = {"nodeId": node["id"], "fieldName": name}
            fields[key] = {
                "id": key,
                "type": "node-field",
                "parentId": "root",
                "data": {"fieldIdentifier": target, "showDescription": True},
            }
    root = {
        "id": "root",
        "type": "container",
        "data": {"layout": "column", "children": list(fields)},
    }
    texts = dict.fromkeys(
        ("name", "author", "description", "version", "contact", "tags", "notes"), ""
    )
    return WorkflowDefinition.from_dict(
        {
            **texts,
            "exposedFields": [],
            "meta": {"version": "4.0.0", "category": "user"},
            "nodes": nodes,
            "edges": edges,
            "form": {"elements": {"root": root, **fields}, "rootElementId": "root"},
        }
    )


def measure(definition: WorkflowDefinition, catalog: NodeCatalog) -> dict[str, float]:
    """Seconds of each step, the best of three."""
    best: dict[str, float] = {}
    for _ in range(3):
        start = time.process_time()
        loaded = load_workflow(definition, catalog)
        at_load = time.process_time()
        form_fields(loaded)
        at_form = time.process_time()
        compiled = compile_workflow(loaded, catalog)
        at_compile = time.process_time()
        check_workflow(compiled, catalog)
        end = time.process_time()
        steps = {
            "load": at_load - start,
            "discover": at_form - at_load,
            "compile": at_compile - at_form,
            "check": end - at_compile,
            "all": end - start,
        }
        best = {name: min(best.get(name, took), took) for name, took in steps.items()}
    return best


def main() -> None:
    """Print a table per shape, and the power of the size by which time grows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    sizes = parser.parse_args().sizes
    catalog = NodeCatalog.bundled()
    for name, shape in SHAPES.items():
        print(f"\n{name}: milliseconds")
        print(f"{'nodes':>7}" + "".join(f" {step:>8}" for step in STEPS))
        totals = []
        for size in sizes:
            took = measure(workflow(*shape(size)), catalog)
            totals.append(took["all"])
            print(f"{size:>7}" + "".join(f" {1000 * t:>8.1f}" for t in took.values()))
        growth = math.log(totals[-1] / totals[0]) / math.log(sizes[-1] / sizes[0])
        print(f"grows with the {growth:.2f}th power of the size")


if __name__ == "__main__":
    main()
