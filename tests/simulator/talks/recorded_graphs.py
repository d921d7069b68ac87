"""Random graphs with what a real server made of them, in a file.

    PYTHONPATH=tests/simulator python -m talks.recorded_graphs http://127.0.0.1:9090 60

records anew. Images are kept as compressed pixels.
"""

from __future__ import annotations

import base64
import contextlib
import json
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from talks.conversation import graph
from talks.graph_runs import Run, Server

_THREE = {"type": "range_of_size", "start": 1, "size": 3}
_TWO = {"type": "range_of_size", "start": 10, "size": 2, "step": 10}
_EACH, _ALL = {"type": "iterate"}, {"type": "collect"}
_ADD, _MUL = {"type": "add"}, {"type": "mul"}
_PAIRS = (("t.collection", "i.collection"), ("w.collection", "j.collection"))
# Iterations in iterations, which random graphs hardly have.
NESTED = (
    graph(*_PAIRS, ("i.item", "a.a"), ("j.item", "a.b"), ("a.value", "c.item"),
          t=_THREE, w=_TWO, i=_EACH, j=_EACH, a=_ADD, c=_ALL),
    graph(*_PAIRS, ("i.item", "a.a"), ("j.item", "a.b"), ("a.value", "c.item"),
          ("c.collection", "k.collection"), ("k.item", "m.a"), ("i.item", "m.b"),
          t=_THREE, w=_TWO, i=_EACH, j=_EACH, a=_ADD, c=_ALL, k=_EACH, m=_MUL),
    graph(("t.collection", "i.collection"), ("i.item", "r.size"),
          ("r.collection", "j.collection"), ("j.item", "m.a"), ("i.item", "m.b"),
          ("m.value", "c.item"), ("c.collection", "d.item"),
          t=_THREE, i=_EACH, r={"type": "range_of_size"}, j=_EACH, m=_MUL, c=_ALL,
          d=_ALL),
    graph(("t.collection", "i.collection"), ("i.item", "a.a"), ("a.value", "c.item"),
          ("t.collection", "c.collection"), ("c.collection", "j.collection"),
          ("j.item", "m.a"), t=_THREE, i=_EACH, a=_ADD, c=_ALL, j=_EACH, m=_MUL),
    graph(("e.collection", "i.collection"), ("i.item", "a.a"), ("a.value", "c.item"),
          ("c.collection", "f.collection"), e={"type": "integer_collection"}, i=_EACH,
          a=_ADD, c=_ALL, f={"type": "integer_collection"}),
    graph(("t.collection", "i.collection"), ("i.item", "a.a"), ("i.item", "b.a"),
          ("a.value", "s.true_input"), ("b.value", "s.false_input"),
          ("s.value", "c.item"), t=_THREE, i=_EACH, a=_ADD, b=_MUL,
          s={"type": "if", "condition": True}, c=_ALL),
)  # fmt: skip
FILE = Path(__file__).with_name("graphs-6.14.2.json")


def packed(value: Any) -> Any:
    """A comparable result as JSON."""
    if isinstance(value, dict):
        return {key: packed(part) for key, part in value.items()}
    if isinstance(value, list):
        return [packed(part) for part in value]
    if isinstance(value, tuple):
        mode, size, pixels = value
        data = base64.b64encode(zlib.compress(pixels.tobytes(), 9)).decode("ascii")
        return {"@image": [mode, size, str(pixels.dtype), pixels.shape, data]}
    return value


def unpacked(value: Any) -> Any:
    """What `packed` was given."""
    if isinstance(value, dict):
        if "@image" in value:
            mode, size, kind, shape, data = value["@image"]
            raw = zlib.decompress(base64.b64decode(data))
            return mode, tuple(size), np.frombuffer(raw, kind).reshape(shape)
        return {key: unpacked(part) for key, part in value.items()}
    if isinstance(value, list):
        return [unpacked(part) for part in value]
    return value


def entry(graph: dict[str, Any], run: Run) -> dict[str, Any]:
    """A graph and what became of it, as JSON."""
    return {
        "graph": graph,
        "status": run.status,
        "error": run.error,
        "results": [
            [source, list(path), packed(result)]
            for (source, path), result in run.results.items()
        ],
    }


def record(url: str, count: int) -> None:
    """Let a server run random graphs and write down what it makes of them."""
    from hypothesis import HealthCheck, Phase, given, seed, settings
    from talks.random_graphs import graphs

    server = Server(url)
    entries = [entry(graph, server.run(graph)) for graph in NESTED]

    @seed(614)
    @settings(
        max_examples=count * 30,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(graphs(most=7))
    def one(graph: dict[str, Any]) -> None:
        known = {json.dumps(e["graph"]) for e in entries}
        types = {node["type"] for node in graph["nodes"].values()}
        # Half of them choose or repeat nodes, which few random graphs do.
        fits = 2 * len(entries) < count or types & {"iterate", "if"}
        if fits and len(entries) < count and json.dumps(graph) not in known:
            run = server.run(graph)
            if run.status:
                entries.append(entry(graph, run))

    # A graph that ends the worker of the server ends the recording, too.
    with contextlib.suppress(AssertionError):
        one()
    FILE.write_text(json.dumps(entries, separators=(",", ":")) + "\n", "utf-8")


if __name__ == "__main__":
    record(sys.argv[1], int(sys.argv[2]))
