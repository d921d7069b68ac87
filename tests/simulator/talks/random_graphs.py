"""Random graphs of model-free nodes, as Hypothesis strategies.

Every node type is described by how its literals are drawn; any input may instead be
fed by an output of a compatible type. Some graphs fail on purpose (division by zero,
an image mode that cannot be converted): failures are compared like results.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args, get_origin

from hypothesis import strategies as st

from invokeai_py_client.simulator.graphs.connection_types import is_any, is_compatible
from invokeai_py_client.simulator.graphs.node_schema import bundled_schemas

SCHEMAS = bundled_schemas()

small = st.integers(-20, 20)
size = st.integers(4, 40)
number = st.one_of(small, st.floats(-50, 50, allow_nan=False)).map(float)
text = st.text("ab [](){}\\.+é✓", max_size=12)
color = st.fixed_dictionaries({key: st.integers(0, 255) for key in "rgba"})
resample = st.sampled_from(
    ["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]
)
byte = st.integers(0, 255)
# node type -> literals; inputs left out here are fed by an edge or keep their default
NODES: Mapping[str, Mapping[str, Any]] = {
    "integer": {"value": small},
    "float": {"value": number},
    "string": {"value": text},
    "boolean": {"value": st.booleans()},
    "color": {"color": color},
    "add": {"a": small, "b": small},
    "sub": {"a": small, "b": small},
    "mul": {"a": small, "b": small},
    "div": {"a": small, "b": small},
    "rand_int": {"low": st.just(7), "high": st.just(8)},
    "rand_float": {"low": st.just(2.5), "high": st.just(2.5)},
    "float_to_int": {
        "value": number,
        "multiple": st.integers(1, 9),
        "method": st.sampled_from(["Nearest", "Floor", "Ceiling", "Truncate"]),
    },
    "round_float": {"value": number, "decimals": st.integers(0, 3)},
    "integer_math": {
        "operation": st.sampled_from(
            ["ADD", "SUB", "MUL", "DIV", "EXP", "MOD", "ABS", "MIN", "MAX"]
        ),
        "a": small,
        "b": st.integers(1, 4),
    },
    "float_math": {
        "operation": st.sampled_from(
            ["ADD", "SUB", "MUL", "DIV", "EXP", "ABS", "MIN", "MAX"]
        ),
        "a": st.floats(0.5, 9),
        "b": st.floats(0.5, 3),
    },
    "string_join": {"string_left": text, "string_right": text},
    "string_join_three": {"string_left": text, "string_middle": text},
    "string_split": {"string": text, "delimiter": st.sampled_from([" ", "a", ""])},
    "string_split_neg": {"string": text},
    "string_replace": {
        "string": text,
        "search_string": st.sampled_from(["a", "A", "[", "(b", ""]),
        "replace_string": text,
        "use_regex": st.booleans(),
    },
    "range": {"start": small, "stop": st.integers(15, 25), "step": st.integers(3, 9)},
    "range_of_size": {
        "start": small,
        "size": st.integers(1, 4),
        "step": st.integers(1, 3),
    },
    "random_range": {"low": st.just(0), "high": st.just(99), "size": st.integers(1, 3)},
    "float_range": {"start": number, "stop": number, "steps": st.integers(1, 3)},
    "integer_collection": {"collection": st.lists(small, max_size=3)},
    "float_collection": {"collection": st.lists(number, max_size=3)},
    "string_collection": {"collection": st.lists(text, max_size=3)},
    "boolean_collection": {"collection": st.lists(st.booleans(), max_size=3)},
    "if": {"condition": st.booleans()},
    "iterate": {},
    "collect": {},
    "bounding_box": {
        "x_min": st.integers(0, 3),
        "y_min": st.integers(0, 3),
        "x_max": st.integers(2, 9),
        "y_max": st.integers(2, 9),
    },
    "blank_image": {
        "width": size,
        "height": size,
        "mode": st.sampled_from(["RGB", "RGBA"]),
        "color": color,
    },
    "image": {},
    "image_collection": {},
    "save_image": {},
    "img_resize": {"width": size, "height": size, "resample_mode": resample},
    "img_scale": {
        "scale_factor": st.sampled_from([0.5, 1.5, 2.0]),
        "resample_mode": resample,
    },
    "img_crop": {"x": small, "y": small, "width": size, "height": size},
    "img_pad_crop": {"left": st.integers(0, 5), "right": st.integers(0, 5)},
    "img_paste": {"x": small, "y": small, "crop": st.booleans()},
    "img_blur": {
        "radius": st.integers(0, 5).map(float),
        "blur_type": st.sampled_from(["gaussian", "box"]),
    },
    "img_chan": {"channel": st.sampled_from("RGBA")},
    "img_conv": {
        "mode": st.sampled_from(
            ["L", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "I", "F"]
        )
    },
    "img_mul": {},
    "img_lerp": {"min": byte, "max": byte},
    "img_ilerp": {"min": st.integers(0, 100), "max": st.integers(101, 255)},
    "unsharp_mask": {
        "radius": st.integers(1, 4).map(float),
        "strength": st.integers(0, 99).map(float),
    },
    "tomask": {"invert": st.booleans()},
    "mask_combine": {},
    "mask_from_id": {"color": color, "threshold": byte, "invert": st.booleans()},
    "apply_mask_to_image": {"invert_mask": st.booleans()},
    "crop_image_to_bounding_box": {},
    "paste_image_into_bounding_box": {},
    "get_image_mask_bounding_box": {"margin": st.integers(0, 3), "mask_color": color},
}
# Random numbers stay pinned by their literals. The others' classes check their inputs
# against each other: an edge that breaks the rule kills the real server's worker.
_LITERALS_ONLY = ("rand_int", "rand_float", "range", "integer_math", "float_math")
_PROVIDERS = {
    "image": ("blank_image", {"width": 24, "height": 16, "mode": "RGBA"}, "image"),
    "bounding_box": ("bounding_box", {"x_max": 6, "y_max": 5}, "bounding_box"),
    "collection": ("range_of_size", {"size": 3, "step": 2}, "collection"),
    "item": ("integer", {"value": 3}, "value"),
}


class _Graph:
    """A graph in the making, with the types that its outputs really have."""

    def __init__(self) -> None:
        self.nodes: dict[str, Any] = {}
        self.edges: list[dict[str, Any]] = []
        self.types: dict[tuple[str, str], Any] = {}

    def add(self, node_type: str, fields: Mapping[str, Any]) -> str:
        node_id = f"n{len(self.nodes)}"
        self.nodes[node_id] = {"id": node_id, "type": node_type, **fields}
        for output in SCHEMAS.output_schema(node_type)["properties"]:
            if output not in ("type", "output_meta"):
                annotation = SCHEMAS.output_annotation(node_type, output)
                self.types[node_id, output] = annotation
        return node_id

    def connect(self, source: tuple[str, str], node_id: str, field: str) -> None:
        self.edges.append(
            {
                "source": {"node_id": source[0], "field": source[1]},
                "destination": {"node_id": node_id, "field": field},
            }
        )
        # Iterators, collectors and switches pass on what they are given.
        carried, node_type = self.types[source], self.nodes[node_id]["type"]
        if node_type == "iterate":
            self.types[node_id, "item"] = (get_args(carried) or (Any,))[0]
        elif node_type == "collect":
            whole = carried if field == "collection" else list[carried]
            self.types[node_id, "collection"] = whole
        elif node_type == "if" and field != "condition":
            self.types[node_id, "value"] = carried


@st.composite
def graphs(draw: st.DrawFn, *, most: int = 9) -> dict[str, Any]:
    """A graph that the server would accept, nearly always."""
    graph = _Graph()
    for _ in range(draw(st.integers(2, most))):
        node_type = draw(st.sampled_from(sorted(NODES)))
        cached = draw(st.booleans()) and node_type not in ("rand_int", "rand_float")
        flags = {"use_cache": cached, "is_intermediate": draw(st.booleans())}
        fields = draw(st.fixed_dictionaries(NODES[node_type]))
        chosen = _sources(draw, graph, node_type)
        node_id = graph.add(node_type, {**flags, **fields})
        for field, source in chosen.items():
            graph.connect(source, node_id, field)
    return {"nodes": graph.nodes, "edges": graph.edges}


def _sources(
    draw: st.DrawFn, graph: _Graph, node_type: str
) -> dict[str, tuple[str, str]]:
    """Which outputs feed a node that is about to be added."""
    chosen: dict[str, tuple[str, str]] = {}
    for field, schema in SCHEMAS.node_schema(node_type)["properties"].items():
        if schema.get("field_kind") != "input" or field == "index":
            continue
        if node_type == "collect" and chosen:
            continue
        if node_type in _LITERALS_ONLY:
            continue
        needed = schema.get("orig_required", True) and "orig_default" not in schema
        needed = needed or node_type in ("iterate", "collect")
        # Rarely, a required input stays empty: that fails on both servers alike.
        if draw(st.integers(0, 49)) >= (49 if needed else 20):
            continue
        target = SCHEMAS.input_annotation(node_type, field)
        fitting = [
            source
            for source, annotation in graph.types.items()
            if _fits(annotation, target, node_type, field)
        ]
        if fitting:
            chosen[field] = draw(st.sampled_from(fitting))
        elif needed:
            provided = _provider(field, target)
            if provided is not None:
                kind, fields, output = provided
                chosen[field] = (graph.add(kind, fields), output)
    return chosen


def _provider(field: str, target: Any) -> Any:
    if "ImageField" in str(target) and "list" not in str(target):
        return _PROVIDERS["image"]
    return _PROVIDERS.get(field)


def _fits(annotation: Any, target: Any, node_type: str, field: str) -> bool:
    if node_type == "iterate" or (node_type == "collect" and field == "collection"):
        return get_origin(annotation) is list
    if field == "condition":
        return annotation is bool  # a list of flags ends the worker of the real server
    if is_any(annotation) and not is_any(target):
        return False
    return is_compatible(annotation, target)
