"""What is said about calls of saved workflows that have batch nodes."""

from __future__ import annotations

from typing import Any, Optional

from conversation import Answer, Conversation, graph, invocation, png

_QUEUE, _LIBRARY = "/api/v1/queue/default", "/api/v1/workflows"
Link = tuple[str, str]


def saved_node(key: str, values: dict[str, Any]) -> dict[str, Any]:
    """A node as a workflow file holds it."""
    inputs = {name: value for name, value in values.items() if name != "type"}
    return invocation(key, values["type"], **inputs)


def workflow(
    *links: Link, exposed: tuple[Link, ...] = (), **nodes: dict[str, Any]
) -> dict[str, Any]:
    """A saved workflow; links go from `node.handle` to `node.handle`."""
    return {
        "name": "batches", "author": "", "description": "", "version": "",
        "contact": "", "tags": "", "notes": "",
        "meta": {"version": "3.0.0", "category": "user"},
        "exposedFields": [{"nodeId": n, "fieldName": f} for n, f in exposed],
        "nodes": [
            {"id": key, "type": "connector", "position": {"x": 0, "y": 0}, "data": {}}
            if node["type"] == "connector"
            else saved_node(key, node)
            for key, node in nodes.items()
        ],
        "edges": [
            {"id": f"e{n}", "type": "default", "source": a.split(".")[0],
             "sourceHandle": a.split(".")[1], "target": b.split(".")[0],
             "targetHandle": b.split(".")[1]}
            for n, (a, b) in enumerate(links)
        ],
    }  # fmt: skip


def node(node_type: str, **inputs: Any) -> dict[str, Any]:
    return {"type": node_type, **inputs}


def returning(*links: Link, **more: Any) -> dict[str, Any]:
    """A workflow that returns what `m`, a product, makes."""
    nodes = {
        "m": node("mul", a=1, b=1),
        "v": node("workflow_return_value", key="made"),
        "r": node("workflow_return"),
        **{key: value for key, value in more.items() if key != "exposed"},
    }
    ends = (("m.value", "v.value"), ("v.value", "r.values"))
    return workflow(*links, *ends, exposed=more.get("exposed", ()), **nodes)


def generator(kind: str, **settings: Any) -> dict[str, Any]:
    base = kind.split("_")[0]
    value = {"type": f"{base}_generator_{kind.partition('_')[2]}", **settings}
    return node(f"{base}_generator", generator=value)


def talk_about_called_batches(c: Conversation) -> None:
    """One child for each combination of values, and what is refused."""
    numbers = node("integer_batch", integers=[2, 3])

    def call(
        label: str, saved: dict[str, Any], inputs: Optional[dict[str, Any]] = None
    ) -> None:
        made = c.ask(label, "POST", f"{_LIBRARY}/", {"workflow": saved})
        key = made["workflow_id"]
        found = c.ask(f"{label} there", "GET", f"{_LIBRARY}/i/{key}")
        told = dict(found["call_saved_workflow_compatibility"])
        # Later lines show the input, with ids in it.
        told["message"] = (told["message"] or "").split(" [type=")[0]
        c.answers.append(Answer(f"{label} callable", 0, "", told))
        wanted = graph(
            ("c.values", "g.values"),
            c={"type": "call_saved_workflow", "workflow_id": key,
               "workflow_inputs": inputs or {}},
            g={"type": "workflow_return_get", "key": "made"},
        )  # fmt: skip
        body = {"batch": {"graph": wanted}}
        reply = c.ask("", "POST", f"{_QUEUE}/enqueue_batch", body, record=False)
        parent = reply["item_ids"][0]
        c.finished(parent)
        item = c.ask(f"{label} item", "GET", f"{_QUEUE}/i/{parent}")
        results = item["session"]["results"].values()
        values = [result["value"] for result in results if "value" in result]
        status = f"{_QUEUE}/b/{reply['batch']['batch_id']}/status"
        batch = c.ask(f"{label} batch", "GET", status)
        counts = {k: v for k, v in batch.items() if isinstance(v, int)}
        error = [item["status"], item.get("error_type")]
        error.append((item.get("error_message") or "").split("\n")[0])
        calls = item["session"]["workflow_call_history"]
        history = [
            {k: h[k] for k in ("status", "expected_child_count", "depth")}
            | {"values": h["aggregated_values"], "ended": len(h["child_outputs"])}
            for h in calls
        ]
        outcome = [values, error, counts, history]
        c.answers.append(Answer(f"{label} outcome", 0, "", outcome))
        if counts["total"] > 1:
            c.ask(f"{label} child", "GET", f"{_QUEUE}/i/{parent + 1}")
        c.ask(f"{label} forgotten", "DELETE", f"{_LIBRARY}/i/{key}")

    one = ("i.integers", "m.a")
    call("list", returning(one, i=numbers))
    call("single", returning(one, i=node("integer_batch", integers=[7])))
    two = (one, ("j.integers", "m.b"))
    call(
        "product", returning(*two, i=numbers, j=node("integer_batch", integers=[5, 7]))
    )
    grouped = {"batch_group_id": "Group 1"}
    call(
        "in step",
        returning(
            *two,
            i=node("integer_batch", integers=[2, 3], **grouped),
            j=node("integer_batch", integers=[5, 7], **grouped),
        ),
    )
    call(
        "out of step",
        returning(
            *two,
            i=node("integer_batch", integers=[2, 3], **grouped),
            j=node("integer_batch", integers=[5], **grouped),
        ),
    )
    odd = node("integer_batch", integers=[1], batch_group_id="Group 9")
    call("odd group", returning(one, i=odd))
    call("empty", returning(one, i=node("integer_batch", integers=[])))
    call("no list", returning(one, i=node("integer_batch", integers=3)))
    call("absent", returning(one, i=node("integer_batch")))
    call("loose", returning(i=numbers))
    call("fed", returning(one, ("m.value", "i.integers"), i=numbers))
    between = (("i.integers", "k.in"), ("k.out", "m.a"))
    call("connector", returning(*between, i=numbers, k=node("connector")))
    exposed = (("i", "integers"),)
    call("exposed", returning(one, i=numbers, exposed=exposed))
    name = "saved_workflow_input::i::integers"
    call("given", returning(one, i=numbers, exposed=exposed), {name: [4, 5, 6]})
    fails = {"m": node("div", a=12, b=1), "i": node("integer_batch", integers=[0, 3])}
    call("one fails", returning(("i.integers", "m.b"), **fails))
    for kind, settings in (
        ("integer_arithmetic_sequence", {"start": 3, "step": 2, "count": 3}),
        ("integer_arithmetic_sequence", {"start": 3, "step": 0, "count": 3}),
        ("integer_linear_distribution", {"start": 0, "end": 10, "count": 3}),
        ("integer_random_distribution_uniform", {"seed": 7, "count": 3}),
        ("integer_parse_string", {"input": "1; 2;;3", "splitOn": ";"}),
        ("integer_parse_string", {"input": "1\n2", "splitOn": "\\n"}),
        ("integer_parse_string", {"input": "", "splitOn": ","}),
        ("integer_parse_string", {"input": "x", "splitOn": ","}),
        ("integer_nope", {}),
        ("integer_arithmetic_sequence", {"count": 10**6}),
    ):
        feeding = (("n.integers", "i.integers"), one)
        made = generator(kind, **settings)
        label = f"{kind} {settings}"
        call(label, returning(*feeding, n=made, i=node("integer_batch")))
    loose = generator("integer_arithmetic_sequence", count=2)
    call("a loose generator", returning(one, i=numbers, n=loose))
    texts = {
        "m": node("string_join", string_left="a", string_right=""),
        "i": node("string_batch", strings=["x", "y"]),
    }
    call("texts", returning(("i.strings", "m.string_right"), **texts))
    prompts = generator("string_dynamic_prompts_combinatorial", input="{a|b} c")
    feeding = (("n.strings", "i.strings"), ("i.strings", "m.string_right"))
    call("prompts", returning(*feeding, **{**texts, "n": prompts}))
    reals = {
        "m": node("float_math", operation="ADD", a=0.5, b=0),
        "i": node("float_batch", floats=[0.25, 1.5]),
    }
    call("reals", returning(("i.floats", "m.b"), **reals))
    lists = {"m": node("integer_collection", collection=[]), "i": numbers}
    saved = returning(("i.integers", "m.collection"), **lists)
    saved["edges"][1]["sourceHandle"] = "collection"
    call("collections", saved)
    call("bad values", returning(one, i=node("integer_batch", integers=["x", "y"])))
    wrong = returning(("i.integers", "m.nope"), i=numbers)
    call("no such field", wrong)
    _talk_about_boards(c, call)


def _talk_about_boards(c: Conversation, call: Any) -> None:
    """The images of a board, one child for each."""
    board = c.ask("board", "POST", "/api/v1/boards/?board_name=g")["board_id"]
    query = f"?image_category=general&is_intermediate=false&board_id={board}"
    for size in ((4, 2), (6, 2)):
        c.upload("image", query, png(size=size), "image/png")
    feeding = (("n.images", "i.images"), ("i.images", "m.image"))
    nodes = {"m": node("image"), "i": node("image_batch")}
    for label, category in (("images", "images"), ("assets", "assets")):
        made = generator("image_images_from_board", board_id=board, category=category)
        saved = returning(*feeding, **nodes, n=made)
        for edge in saved["edges"]:
            if edge["source"] == "m":
                edge["sourceHandle"] = "width"
        call(f"of a board: {label}", saved)
    made = generator("image_images_from_board", board_id="", category="images")
    call("of no board", returning(*feeding, **nodes, n=made))
    path = f"/api/v1/boards/{board}?include_images=true"
    c.ask("board deleted", "DELETE", path)
