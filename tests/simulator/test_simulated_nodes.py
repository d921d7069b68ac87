"""Nodes give what a real server was seen to give."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, Optional

import pytest
from talks.conversation import graph
from talks.graph_runs import Server, difference
from talks.recorded_graphs import FILE, unpacked

from invokeai_py_client.simulator import SimulatedServer
from invokeai_py_client.simulator.graphs.node_schema import bundled_schemas
from invokeai_py_client.simulator.nodes.node_api import IMPLEMENTATIONS

ENTRIES = json.loads(FILE.read_text("utf-8"))


def without_version(error: Optional[Sequence[str]]) -> Optional[list[str]]:
    """The error with addresses of pydantic's pages that are the same for every one."""
    return error and [re.sub(r"(pydantic\.dev/)[\d.]+", r"\1", part) for part in error]


def test_recorded_graphs_end_as_on_the_real_server(server: Server) -> None:
    types: Counter[str] = Counter()
    for entry in ENTRIES:
        run = server.run(entry["graph"])
        assert run.status == entry["status"], entry["graph"]
        assert without_version(run.error) == without_version(entry["error"])
        for source, path, packed in entry["results"]:
            key = (source, tuple(path))
            if run.status == "failed" and key not in run.results:
                continue  # which of two ready nodes runs first is chance there
            expected = unpacked(packed)
            found = difference(run.results[key], expected, at=str(key))
            assert found is None, (found, entry["graph"])
            types[entry["graph"]["nodes"][source]["type"]] += 1
    assert len(types) >= 40


def test_every_implementation_has_a_node_type() -> None:
    assert set(IMPLEMENTATIONS) <= set(bundled_schemas().node_types)
    assert len(IMPLEMENTATIONS) >= 60


def test_a_missing_input_is_the_servers_error(server: Server) -> None:
    run = server.run(graph(r={"type": "img_resize"}))
    missing = "Node img_resize missing value or connection for field image"
    assert run.error == ("MissingInputException", missing)


def test_an_unknown_model_is_the_servers_error(server: Server) -> None:
    model = {"key": "k", "hash": "h", "name": "n", "base": "sd-1", "type": "main"}
    run = server.run(graph(m={"type": "main_model_loader", "model": model}))
    assert run.error == ("Exception", "Unknown model k")


def test_a_node_without_implementation_returns_its_type_and_says_so(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    wanted = graph(
        ("b.image", "c.image"),
        b={"type": "blank_image", "width": 16, "height": 8},
        c={"type": "canny_edge_detection"},
    )
    run = server.run(wanted)
    assert run.status == "completed", run.error
    assert run.results["c", ()]["type"] == "image_output"
    assert "does not compute canny_edge_detection" in caplog.text


def test_equal_inputs_draw_equal_placeholders_and_others_do_not() -> None:
    def drawn(seed: int) -> Any:
        with SimulatedServer() as simulated:
            server = Server(simulated.url)
            models = server.ask("GET", "/api/v2/models/?base_models=sd-1")[1]["models"]
            main = next(m for m in models if m["type"] == "main")
            wanted = graph(
                ("m.unet", "d.unet"),
                ("m.clip", "p.clip"),
                ("p.conditioning", "d.positive_conditioning"),
                ("p.conditioning", "d.negative_conditioning"),
                ("n.noise", "d.noise"),
                ("d.latents", "l.latents"),
                ("m.vae", "l.vae"),
                m={"type": "main_model_loader", "model": main},
                p={"type": "compel", "prompt": "a lighthouse"},
                n={"type": "noise", "seed": seed, "width": 96, "height": 64},
                d={"type": "denoise_latents", "steps": 2},
                l={"type": "l2i"},
            )
            run = server.run(wanted)
            assert run.status == "completed", run.error
            return run.results["l", ()]["image"]

    first, again, other = drawn(1), drawn(1), drawn(2)
    assert first[1] == (96, 64)
    assert difference(first, again, 0) is None
    assert difference(first, other, 0) is not None
