"""Random graphs with what a real server made of them, in a file.

    python tests/simulator/recorded_graphs.py http://127.0.0.1:9090 60

records anew. Images are kept as compressed pixels.
"""

from __future__ import annotations

import base64
import json
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from graph_runs import Run, Server

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
    from random_graphs import graphs

    server, entries = Server(url), []

    @seed(614)
    @settings(
        max_examples=count * 3,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(graphs(most=7))
    def one(graph: dict[str, Any]) -> None:
        known = {json.dumps(e["graph"]) for e in entries}
        if len(entries) < count and json.dumps(graph) not in known:
            run = server.run(graph)
            if run.status:
                entries.append(entry(graph, run))

    one()
    FILE.write_text(json.dumps(entries, separators=(",", ":")) + "\n", "utf-8")


if __name__ == "__main__":
    record(sys.argv[1], int(sys.argv[2]))
