"""Small graphs whose edges bring values, and what the server makes of their jobs.

Each was run by the models and nodes of InvokeAI 6.14.2 (`judge_runs.py` does it again):
``deadly`` ends the worker, because the job cannot be read again; ``fails`` only fails
the job; ``stalls`` leaves it in progress without end; ``runs`` is fine.
"""

from __future__ import annotations

from typing import Any

import workflow_builder as build


def _number(kind: str, value: Any) -> dict[str, Any]:
    return {"type": kind, "value": value}


def _math(
    operation: str, a: Any = 1, b: Any = 1, kind: str = "float"
) -> dict[str, Any]:
    return {"type": f"{kind}_math", "operation": operation, "a": a, "b": b}


def _graph(*edges: str, **nodes: dict[str, Any]) -> dict[str, Any]:
    return build.graph(nodes, *edges)


INT, FLOAT = "integer", "float"
RANGE = {"type": "range"}
HUGE = _math("EXP", 10, 4299, INT)
INFINITE = _math("MUL", 1e308, 10)
ADAPTER = {
    "type": "ip_adapter",
    "image": {"image_name": "none.png"},
    "ip_adapter_model": {**build.MODEL, "type": "ip_adapter"},
    "begin_step_percent": 0.2,
    "end_step_percent": 0.5,
}
IF = {"type": "if"}
YES, NO = {"type": "boolean", "value": True}, {"type": "boolean", "value": False}
FLAGS = {"type": "boolean_collection", "collection": [True, False]}
NUMBERS = {"type": "integer_collection", "collection": [1, 0, 3]}

EDGE_CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "a range starts after its end": (
        "deadly",
        _graph("i.value -> r.start", i=_number(INT, 20), r=RANGE),
    ),
    "a range ends before its start": (
        "fails",
        _graph("i.value -> r.stop", i=_number(INT, -5), r=RANGE),
    ),
    "a range gets both ends": (
        "runs",
        _graph(
            "i.value -> r.start",
            "j.value -> r.stop",
            i=_number(INT, 20),
            j=_number(INT, 30),
            r=RANGE,
        ),
    ),
    "an item of a range starts a range": (
        "deadly",
        _graph(
            "c.collection -> n.collection",
            "n.item -> r.start",
            c={"type": "range", "start": 5, "stop": 15},
            n={"type": "iterate"},
            r=RANGE,
        ),
    ),
    "a calculated start": (
        "deadly",
        _graph(
            "i.value -> m.a",
            "m.value -> r.start",
            i=_number(INT, 5),
            m=_math("MUL", 1, 2, INT),
            r=RANGE,
        ),
    ),
    "a pinned random start": (
        "deadly",
        _graph(
            "i.value -> r.start", i={"type": "rand_int", "low": 12, "high": 13}, r=RANGE
        ),
    ),
    "a float that is too large": ("deadly", _graph(f=INFINITE)),
    "a quotient that is too large": ("deadly", _graph(f=_math("DIV", 1e308, 1e-10))),
    "the root of a negative number": ("deadly", _graph(f=_math("SQRT", -1))),
    "a line through infinity": (
        "deadly",
        _graph(f={"type": "float_range", "start": 1e308, "stop": -1e308, "steps": 3}),
    ),
    "an infinite number handed on": (
        "deadly",
        _graph("f.value -> i.value", f=INFINITE, i={"type": "float_to_int"}),
    ),
    "an infinite number collected": (
        "deadly",
        _graph("f.value -> c.item", f=INFINITE, c={"type": "collect"}),
    ),
    "an infinite number in a branch that is not taken": (
        "runs",
        _graph("f.value -> x.true_input", f=INFINITE, x={"type": "if"}),
    ),
    "an infinite number in a branch that is taken": (
        "deadly",
        _graph(
            "f.value -> x.true_input", f=INFINITE, x={"type": "if", "condition": True}
        ),
    ),
    "a large float": ("runs", _graph(f=_math("EXP", 10, 308))),
    "an integer of 4300 digits": ("runs", _graph(i=HUGE)),
    "an integer of 4301 digits": ("deadly", _graph(i=_math("EXP", 10, 4300, INT))),
    "a product of 4302 digits": (
        "deadly",
        _graph("i.value -> m.a", i=HUGE, m={"type": "mul", "b": 100}),
    ),
    "an integer beyond all floats": (
        "fails",
        _graph("i.value -> f.value", i=_math("EXP", 10, 400, INT), f={"type": "float"}),
    ),
    "a division by zero": (
        "fails",
        _graph("z.value -> f.b", z=_number(FLOAT, 0), f=_math("DIV")),
    ),
    "a division by an item that is zero": (
        "fails",
        _graph(
            "c.collection -> n.collection",
            "n.item -> m.b",
            c=NUMBERS,
            n={"type": "iterate"},
            m=_math("DIV", 6, 1, INT),
        ),
    ),
    "zero to a negative power": (
        "deadly",
        _graph("z.value -> f.a", z=_number(FLOAT, 0), f=_math("EXP", 1, -1)),
    ),
    "the root of an edge": (
        "deadly",
        _graph("z.value -> f.a", z=_number(FLOAT, -2), f=_math("EXP", 1, 0.5)),
    ),
    "a power beyond all floats": (
        "deadly",
        _graph("z.value -> f.a", z=_number(FLOAT, 1e300), f=_math("EXP", 1, 2)),
    ),
    "steps that begin after their end": (
        "deadly",
        _graph("f.value -> a.begin_step_percent", f=_number(FLOAT, 0.9), a=ADAPTER),
    ),
    "steps that end before their begin": (
        "deadly",
        _graph("f.value -> a.end_step_percent", f=_number(FLOAT, 0.1), a=ADAPTER),
    ),
    "a width that is not a multiple of eight": (
        "fails",
        _graph("i.value -> n.width", i=_number(INT, 65), n={"type": "noise"}),
    ),
    "a size of nothing": (
        "fails",
        _graph("i.value -> r.size", i=_number(INT, 0), r={"type": "range_of_size"}),
    ),
    "two edges, the last of which counts": (
        "runs",
        _graph(
            "i.value -> r.start",
            "j.value -> r.start",
            i=_number(INT, 20),
            j=_number(INT, 5),
            r=RANGE,
        ),
    ),
    "a list of flags as a condition": (
        "deadly",
        _graph("f.collection -> x.condition", f=FLAGS, x=IF),
    ),
    "an empty list of flags as a condition": (
        "deadly",
        _graph("f.collection -> x.condition", f={**FLAGS, "collection": []}, x=IF),
    ),
    "a list that an if hands on as a condition": (
        "deadly",
        _graph(
            "n.collection -> x.true_input",
            "x.value -> y.condition",
            n=NUMBERS,
            x={**IF, "condition": True},
            y=IF,
        ),
    ),
    "a list as a condition that a later edge replaces": (
        "deadly",
        _graph(
            "f.collection -> x.condition",
            "b.value -> x.condition",
            f=FLAGS,
            b=YES,
            x=IF,
        ),
    ),
    "a list as the condition of an if that does not run": (
        "deadly",
        _graph(
            "f.collection -> x.condition",
            "f.collection -> n.collection",
            "x.value -> y.true_input",
            f=FLAGS,
            n={"type": "iterate"},
            x=IF,
            y=IF,
        ),
    ),
    "a list of flags as a boolean": (
        "fails",
        _graph("f.collection -> b.value", f=FLAGS, b=YES),
    ),
    "flags one by one as conditions": (
        "runs",
        _graph(
            "f.collection -> n.collection",
            "n.item -> x.condition",
            f=FLAGS,
            n={"type": "iterate"},
            x=IF,
        ),
    ),
    "nothing as a condition": (
        "deadly",
        _graph("x.value -> y.condition", x=IF, y=IF),
    ),
    "a number as a condition": (
        "deadly",
        _graph(
            "i.value -> x.false_input",
            "x.value -> y.condition",
            i=_number(INT, 5),
            x=IF,
            y=IF,
        ),
    ),
    "a one as a condition": (
        "runs",
        _graph(
            "i.value -> x.false_input",
            "x.value -> y.condition",
            i=_number(INT, 1),
            x=IF,
            y=IF,
        ),
    ),
    "a word as a condition": (
        "deadly",
        _graph(
            "s.value -> x.false_input",
            "x.value -> y.condition",
            s={"type": "string", "value": " yes "},
            x=IF,
            y=IF,
        ),
    ),
    "a word for true as a condition": (
        "runs",
        _graph(
            "s.value -> x.false_input",
            "x.value -> y.condition",
            s={"type": "string", "value": "Yes"},
            x=IF,
            y=IF,
        ),
    ),
    "a condition from a branch that is not taken": (
        "deadly",
        _graph("b.value -> x.condition", "x.value -> y.true_input", b=YES, x=IF, y=IF),
    ),
    "a condition from a branch that an edge does not take": (
        "deadly",
        _graph(
            "b.value -> x.condition",
            "x.value -> y.true_input",
            "c.value -> y.condition",
            b=YES,
            c=NO,
            x=IF,
            y=IF,
        ),
    ),
    "a condition from a branch that an edge takes": (
        "runs",
        _graph(
            "b.value -> x.condition",
            "x.value -> y.true_input",
            "c.value -> y.condition",
            b=NO,
            c=YES,
            x=IF,
            y=IF,
        ),
    ),
    "a condition without an edge in a branch that is not taken": (
        "runs",
        _graph("i.value -> x.true_input", "x.value -> y.true_input", i=YES, x=IF, y=IF),
    ),
    "a condition that two branches share": (
        "runs",
        _graph(
            "b.value -> x.condition",
            "b.value -> z.true_input",
            "x.value -> y.true_input",
            b=YES,
            x=IF,
            y=IF,
            z=IF,
        ),
    ),
    "an infinite number that two branches share": (
        "deadly",
        _graph(
            "f.value -> x.true_input", "f.value -> y.true_input", f=INFINITE, x=IF, y=IF
        ),
    ),
    "null as an item of an iterator": (
        "deadly",
        _graph(
            "x.value -> c.item",
            "c.collection -> n.collection",
            x=IF,
            c={"type": "collect"},
            n={"type": "iterate"},
        ),
    ),
    "an item as a branch": (
        "stalls",
        _graph(
            "c.collection -> n.collection",
            "n.item -> x.true_input",
            c=NUMBERS,
            n={"type": "iterate"},
            x=IF,
        ),
    ),
    "a branch outside of the iteration": (
        "stalls",
        _graph(
            "f.collection -> n.collection",
            "n.item -> x.condition",
            "i.value -> x.true_input",
            f=FLAGS,
            i=_number(INT, 1),
            n={"type": "iterate"},
            x=IF,
        ),
    ),
    "an iteration inside of a branch": (
        "stalls",
        _graph(
            "c.collection -> n.collection",
            "n.item -> m.a",
            "m.value -> l.item",
            "l.collection -> x.true_input",
            c=NUMBERS,
            n={"type": "iterate"},
            m={"type": "add"},
            l={"type": "collect"},
            x=IF,
        ),
    ),
    "a branch inside of the iteration": (
        "runs",
        _graph(
            "c.collection -> n.collection",
            "n.item -> m.a",
            "n.item -> x.false_input",
            "m.value -> x.true_input",
            "n.item -> o.a",
            c=NUMBERS,
            n={"type": "iterate"},
            m={"type": "add"},
            o={"type": "add"},
            x={**IF, "condition": True},
        ),
    ),
}
