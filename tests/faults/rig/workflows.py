"""The workflow that the fault tests run: one small image, never the same twice."""

from __future__ import annotations

from typing import Any

from workflow_builder import definition, node


def blank() -> Any:
    """A blank image whose size tells the jobs apart."""
    made = node(
        "b",
        "blank_image",
        {"width": 16, "height": 16},
        label="Blank",
        is_intermediate=False,
    )
    made["data"]["useCache"] = False
    return definition([made], form=[("b", "width"), ("b", "height")])


def drawn() -> Any:
    """A blank image as wide as a node in front of it says, which draws the number."""
    nodes = [
        node("r", "rand_int", {"low": 8, "high": 64}),
        node("b", "blank_image", {"height": 8}, label="Blank", is_intermediate=False),
    ]
    for made in nodes:
        made["data"]["useCache"] = False
    form = [("b", "width"), ("b", "height"), ("r", "low")]
    return definition(nodes, ["r.value -> b.width"], form)
