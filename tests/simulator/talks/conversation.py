"""The same requests put to two servers, and what of the answers must be the same."""

from __future__ import annotations

import http.client
import io
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from PIL import Image

_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?Z?")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Answer:
    """What is compared of an answer.

    Attributes:
        label: Which request it was.
        status: Its status.
        media_type: Its content type without parameters.
        shape: The keys and JSON types of its body; texts of errors as they are.
        body: The body itself where it is JSON.
    """

    label: str
    status: int
    media_type: str
    shape: Any
    body: Any = field(default=None, compare=False)


def shape(value: Any, key: str = "") -> Any:
    """Keys and types of a JSON value; error texts are kept, ids in them replaced."""
    if isinstance(value, dict):
        if key in (
            "nodes",
            "results",
            "prepared_source_mapping",
            "errors",
            "source_prepared_mapping",
            "prepared_iteration_paths",
            "indegree",
            "child_outputs",
        ):
            return sorted(
                {json.dumps(shape(part), sort_keys=True) for part in value.values()}
            )
        return {name: shape(part, name) for name, part in sorted(value.items())}
    if isinstance(value, list):
        if key == "detail":
            return [
                {
                    "type": part.get("type"),
                    "loc": part.get("loc"),
                    "msg": _text(part.get("msg", "")),
                }
                for part in value
            ]
        return [shape(value[0])] if value else []
    if isinstance(value, str):
        return _text(value) if key == "detail" else "text"
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, (int, float)):
        return "number"
    return "null" if value is None else type(value).__name__


def _text(text: str) -> str:
    # The list of node types is unordered and long.
    text = re.sub(r"\bid \d+", "id <n>", text)
    return _UUID.sub("<id>", text.split(" does not match any of")[0].split("\n")[0])


def leaves(value: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """The numbers, texts and flags in a body, by their place.

    Ids and times are told from other texts, not from each other; what is filed under an
    id is left out.
    """
    if isinstance(value, dict):
        for key, part in value.items():
            if not _UUID.search(key):
                yield from leaves(part, f"{at}/{key}")
    elif isinstance(value, list):
        yield f"{at}#", len(value)
        for number, part in enumerate(value):
            yield from leaves(part, f"{at}/{number}")
    elif isinstance(value, str):
        yield at, _TIME.sub("<time>", _UUID.sub("<id>", value))
    else:
        yield at, value


class Conversation:
    """Requests to one server, recorded."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.url = url
        self._address = (parts.hostname, parts.port)
        self.answers: list[Answer] = []
        self.headers: dict[str, str] = {}  # of the latest answer

    def ask(
        self,
        label: str,
        method: str,
        path: str,
        body: Any = None,
        *,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
        record: bool = True,
    ) -> Any:
        """Send a request; returns the decoded body."""
        sent = dict(headers or {})
        if body is not None:
            content = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection(*self._address, timeout=60)
        try:
            connection.request(method, path, body=content, headers=sent)
            reply = connection.getresponse()
            data = reply.read()
            media_type = (reply.getheader("content-type") or "").split(";")[0]
            status = reply.status
            self.headers = {key.lower(): text for key, text in reply.getheaders()}
        finally:
            connection.close()
        value: Any = data
        if media_type == "application/json" and data:
            value = json.loads(data)
        if record:
            body = None if isinstance(value, bytes) else value
            seen = media_type if isinstance(value, bytes) else shape(value)
            self.answers.append(Answer(label, status, media_type, seen, body))
        return value

    def upload(
        self, label: str, query: str, data: bytes, media_type: str, **fields: str
    ) -> Any:
        """Send a file as the web interface does."""
        boundary = "----parts"
        head = f"--{boundary}\r\nContent-Disposition: form-data; name="
        lines = [f'{head}"{k}"\r\n\r\n{v}\r\n'.encode() for k, v in fields.items()]
        lines.append(
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; '
            f'filename="x.png"\r\nContent-Type: {media_type}\r\n\r\n'.encode()
            + data
            + f"\r\n--{boundary}--\r\n".encode()
        )
        return self.ask(
            label,
            "POST",
            f"/api/v1/images/upload{query}",
            content=b"".join(lines),
            headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
        )

    def note(self, label: str, value: Any) -> None:
        """Compare a value itself, not its shape."""
        self.answers.append(Answer(label, 0, "", value))

    def finished(self, item_id: int) -> None:
        """Wait for a job."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            item = self.ask(
                "", "GET", f"/api/v1/queue/default/i/{item_id}", record=False
            )
            if item["status"] in ("completed", "failed", "canceled"):
                return
            time.sleep(0.02)
        raise AssertionError(f"job {item_id} does not end")


def png(
    mode: str = "RGB", size: tuple[int, int] = (20, 10), format: str = "PNG"
) -> bytes:
    """A small picture."""
    buffer = io.BytesIO()
    Image.new(mode, size, 7 if mode in ("L", "I;16") else None).save(buffer, format)
    return buffer.getvalue()


def edge(source: str, target: str) -> dict[str, Any]:
    """An edge from `node.field` to `node.field`."""
    (a, b), (c, d) = source.split("."), target.split(".")
    return {
        "source": {"node_id": a, "field": b},
        "destination": {"node_id": c, "field": d},
    }


def graph(*edges: tuple[str, str], **nodes: dict[str, Any]) -> dict[str, Any]:
    """A graph of nodes by id."""
    return {
        "nodes": {key: {"id": key, **node} for key, node in nodes.items()},
        "edges": [edge(*pair) for pair in edges],
    }


def talk_about_graphs(c: Conversation) -> None:
    """What is refused when enqueueing."""
    path = "/api/v1/queue/default/enqueue_batch"

    def send(label: str, wanted: Any, **batch: Any) -> Any:
        return c.ask(label, "POST", path, {"batch": {"graph": wanted, **batch}})

    add = {"type": "add", "a": 1, "b": 2}
    c.ask("bare batch", "POST", path, {"graph": graph(a=add)})
    c.ask("no body", "POST", path)
    c.ask(
        "broken json",
        "POST",
        path,
        content=b"{",
        headers={"Content-Type": "application/json"},
    )
    send("unknown type", graph(a={"type": "nope"}))
    send("no type", graph(a={}))
    send("bad value", graph(a={"type": "add", "a": "x"}))
    send("other id", {"nodes": {"b": {"id": "a", **add}}, "edges": []})
    send("id omitted", {"nodes": {"b": add}, "edges": []})
    send("cycle", graph(("a.value", "b.a"), ("b.value", "a.a"), a=add, b=add))
    send("self loop", graph(("a.value", "a.a"), a=add))
    send("missing source", graph(("z.value", "a.a"), a=add))
    send("missing target", graph(("a.value", "z.a"), a=add))
    send("missing output", graph(("a.nope", "b.a"), a=add, b=add))
    send("missing input", graph(("a.value", "b.nope"), a=add, b=add))
    send("types", graph(("a.value", "b.image"), a=add, b={"type": "img_resize"}))
    send("float to int", graph(("a.value", "b.a"), a={"type": "float"}, b=add))
    send("lonely iterator", graph(it={"type": "iterate"}))
    send("lonely collector", graph(c={"type": "collect"}))
    send(
        "iterator of a number",
        graph(("a.value", "it.collection"), a=add, it={"type": "iterate"}),
    )
    send(
        "mixed collector",
        graph(
            ("a.value", "c.item"),
            ("s.value", "c.item"),
            a=add,
            s={"type": "string"},
            c={"type": "collect"},
        ),
    )
    send("bad range", graph(r={"type": "range", "start": 5, "stop": 1}))
    send("bad division", graph(m={"type": "integer_math", "operation": "DIV", "b": 0}))
    send("nodes a list", {"nodes": [], "edges": []})
    send("node a number", {"nodes": {"a": 1}, "edges": []})
    send("bad edge", {"nodes": {"a": {"id": "a", **add}}, "edges": [{"source": {}}]})
    send("runs", graph(a=add), runs=0)
    one = {"node_path": "a", "field_name": "a", "items": [1]}
    send(
        "lengths",
        graph(a=add),
        data=[[one, {"node_path": "a", "field_name": "b", "items": [1, 2]}]],
    )
    send("mixed items", graph(a=add), data=[[{**one, "items": [1, "x"]}]])
    send("null item", graph(a=add), data=[[{**one, "items": [None]}]])
    send("model item", graph(a=add), data=[[{**one, "items": [{"key": "k"}]}]])
    send("twice", graph(a=add), data=[[one], [one]])
    send("no node", graph(a=add), data=[[{**one, "node_path": "zz"}]])
    send("no field", graph(a=add), data=[[{**one, "field_name": "zz"}]])
    send("bad workflow", graph(a=add), workflow={"name": "x"})
    send("no items", graph(a=add), data=[[{**one, "items": []}]])
    send("empty group", graph(a=add), data=[[]])
    send("empty graph", {})


def talk_about_jobs(c: Conversation) -> None:
    """Items, statuses and operations of the queue."""
    queue = "/api/v1/queue/default"
    wanted = graph(
        ("c.image", "r.image"),
        ("r.image", "s.image"),
        c={"type": "blank_image", "width": 16, "height": 16},
        r={"type": "img_resize", "width": 8, "height": 8},
        s={"type": "save_image"},
    )
    data = [[{"node_path": "r", "field_name": "width", "items": [9, 10]}]]
    batch = {"graph": wanted, "data": data, "origin": "o", "destination": "d"}
    reply = c.ask("enqueue", "POST", f"{queue}/enqueue_batch", {"batch": batch})
    ids = sorted(reply["item_ids"])
    for item_id in ids:
        c.finished(item_id)
    c.ask("item", "GET", f"{queue}/i/{ids[-1]}")
    c.ask("item elsewhere", "GET", f"/api/v1/queue/other/i/{ids[-1]}", record=False)
    c.ask("no item", "GET", f"{queue}/i/999999")
    c.ask("no number", "GET", f"{queue}/i/x")
    c.ask("cancel finished", "PUT", f"{queue}/i/{ids[-1]}/cancel")
    c.ask("cancel none", "PUT", f"{queue}/i/999999/cancel")
    c.ask("status", "GET", f"{queue}/status")
    c.ask("batch status", "GET", f"{queue}/b/{reply['batch']['batch_id']}/status")
    c.ask("no batch", "GET", f"{queue}/b/nope/status")
    c.ask("counts", "GET", f"{queue}/counts_by_destination?destination=d")
    c.ask("counts of none", "GET", f"{queue}/counts_by_destination")
    c.ask("ids", "GET", f"{queue}/item_ids")
    c.ask("ids bad order", "GET", f"{queue}/item_ids?order_dir=UP")
    c.ask("summaries", "POST", f"{queue}/item_summaries_by_ids", {"item_ids": ids})
    c.ask(
        "too many", "POST", f"{queue}/item_summaries_by_ids", {"item_ids": [1] * 1001}
    )
    c.ask("items", "POST", f"{queue}/items_by_ids", {"item_ids": [ids[0], 999999]})
    c.ask("current", "GET", f"{queue}/current")
    c.ask("next", "GET", f"{queue}/next")
    failing = graph(a={"type": "div", "a": 1, "b": 0})
    failed = c.ask(
        "enqueue failing",
        "POST",
        f"{queue}/enqueue_batch",
        {"batch": {"graph": failing}},
    )
    c.finished(failed["item_ids"][0])
    c.ask("failed item", "GET", f"{queue}/i/{failed['item_ids'][0]}")
    again = [failed["item_ids"][0], ids[0], 999999]
    c.ask("retry", "PUT", f"{queue}/retry_items_by_id", again)
    newest = c.ask("", "GET", f"{queue}/item_ids", record=False)["item_ids"]
    c.finished(max(newest))
    c.ask("retry wrapped", "PUT", f"{queue}/retry_items_by_id", {"item_ids": [1]})
    c.ask(
        "cancel batches", "PUT", f"{queue}/cancel_by_batch_ids", {"batch_ids": ["nope"]}
    )
    c.ask(
        "cancel destination", "PUT", f"{queue}/cancel_by_destination?destination=nope"
    )
    c.ask("delete destination", "DELETE", f"{queue}/d/nope")
    c.ask("pause", "PUT", f"{queue}/processor/pause")
    waiting = c.ask(
        "enqueue paused", "POST", f"{queue}/enqueue_batch", {"batch": {"graph": wanted}}
    )
    c.ask("pending item", "GET", f"{queue}/i/{waiting['item_ids'][0]}")
    c.ask("next pending", "GET", f"{queue}/next")
    c.ask("cancel pending", "PUT", f"{queue}/i/{waiting['item_ids'][0]}/cancel")
    c.ask("cancel rest", "PUT", f"{queue}/cancel_all_except_current")
    c.ask("delete rest", "PUT", f"{queue}/delete_all_except_current")
    c.ask("resume", "PUT", f"{queue}/processor/resume")
    c.ask("delete item", "DELETE", f"{queue}/i/{ids[0]}")
    c.ask("delete item again", "DELETE", f"{queue}/i/{ids[0]}")
    c.ask("prune", "PUT", f"{queue}/prune")


def talk_about_pictures(c: Conversation) -> None:
    """Uploads, lists, files; boards."""
    images = "/api/v1/images"
    needed = "?image_category=user&is_intermediate=false"
    first = c.upload("upload", needed, png(), "image/png", metadata='{"a": 1}')
    name = first["image_name"]
    c.upload("upload jpeg", needed, png("RGB", format="JPEG"), "image/jpeg")
    c.upload("upload no query", "", png(), "image/png")
    c.upload(
        "upload bad category", "?image_category=x&is_intermediate=1", png(), "image/png"
    )
    c.upload("upload text", needed, b"hello", "text/plain")
    c.upload("upload garbage", needed, b"hello", "image/png")
    c.upload("upload truncated", needed, png(size=(200, 200))[:120], "image/png")
    c.upload("upload cmyk", needed, png("CMYK", format="JPEG"), "image/jpeg")
    c.upload("upload no board", f"{needed}&board_id=none", png(), "image/png")
    c.upload("upload bad size", needed, png(), "image/png", resize_to="[8, 8]")
    sized = c.upload(
        "upload sized",
        needed,
        png(),
        "image/png",
        resize_to='{"width": 8, "height": 4}',
    )
    assert (sized["width"], sized["height"]) == (8, 4)
    c.upload("upload odd metadata", needed, png(), "image/png", metadata="[1]")
    c.upload(
        "upload large metadata", needed, png(), "image/png", metadata="x" * 1_100_000
    )
    for part in ("", "/metadata", "/workflow", "/urls", "/full", "/thumbnail"):
        c.ask(f"image{part}", "GET", f"{images}/i/{name}{part}")
        c.ask(f"no image{part}", "GET", f"{images}/i/nope.png{part}")
    c.ask("head full", "HEAD", f"{images}/i/{name}/full")
    c.ask("list", "GET", f"{images}/?limit=2&categories=user&is_intermediate=false")
    c.ask("list too many", "GET", f"{images}/?limit=1001")
    c.ask("list bad category", "GET", f"{images}/?categories=x")
    c.ask("list count", "GET", f"{images}/?limit=0")
    c.ask("names", "GET", f"{images}/names?categories=user")
    c.ask("item names", "GET", "/api/v1/gallery/item_names?categories=user")
    c.ask(
        "by names",
        "POST",
        f"{images}/images_by_names",
        {"image_names": [name, "nope", name]},
    )
    c.ask("star", "POST", f"{images}/star", {"image_names": [name, "nope"]})
    c.ask("unstar", "POST", f"{images}/unstar", {"image_names": [name]})
    c.ask("patch", "PATCH", f"{images}/i/{name}", {"starred": True})
    c.ask("patch strict", "PATCH", f"{images}/i/{name}", {"starred": "yes"})
    c.ask("patch none", "PATCH", f"{images}/i/nope.png", {"starred": True})
    c.ask("download nothing", "POST", f"{images}/download", {})
    c.ask("download", "POST", f"{images}/download", {"image_names": [name]})
    c.ask("download none", "GET", f"{images}/download/nope.zip")
    c.ask("intermediates", "GET", f"{images}/intermediates")
    boards = "/api/v1/boards"
    board = c.ask("board", "POST", f"{boards}/?board_name=b%C3%A4r")["board_id"]
    c.ask("board unnamed", "POST", f"{boards}/")
    c.ask("board long", "POST", f"{boards}/?board_name={'x' * 301}")
    c.ask("boards", "GET", f"{boards}/?all=true")
    c.ask("boards page", "GET", f"{boards}/?offset=0&limit=1")
    c.ask("boards of nothing", "GET", f"{boards}/")
    c.ask("boards half", "GET", f"{boards}/?limit=3")
    c.ask("board get", "GET", f"{boards}/{board}")
    c.ask("board none", "GET", f"{boards}/none")
    c.ask(
        "board patch",
        "PATCH",
        f"{boards}/{board}",
        {"board_name": "z", "archived": True},
    )
    c.ask("board patch extra", "PATCH", f"{boards}/{board}", {"nope": 1})
    c.ask(
        "board patch cover", "PATCH", f"{boards}/{board}", {"cover_image_name": "nope"}
    )
    c.ask(
        "add", "POST", "/api/v1/board_images/", {"board_id": board, "image_name": name}
    )
    c.ask(
        "add again",
        "POST",
        "/api/v1/board_images/",
        {"board_id": board, "image_name": name},
    )
    c.ask(
        "add none",
        "POST",
        "/api/v1/board_images/",
        {"board_id": board, "image_name": "nope"},
    )
    c.ask(
        "add nowhere",
        "POST",
        "/api/v1/board_images/",
        {"board_id": "none", "image_name": name},
    )
    c.ask(
        "add many",
        "POST",
        "/api/v1/board_images/batch",
        {"board_id": board, "image_names": [name, "nope"]},
    )
    c.ask("names on board", "GET", f"{boards}/{board}/image_names")
    c.ask("remove", "DELETE", "/api/v1/board_images/", {"image_name": name})
    c.ask(
        "remove many",
        "POST",
        "/api/v1/board_images/batch/delete",
        {"image_names": [name]},
    )
    c.ask("board delete", "DELETE", f"{boards}/{board}?include_images=true")
    c.ask("board delete again", "DELETE", f"{boards}/{board}")
    c.ask("delete", "DELETE", f"{images}/i/{name}")
    c.ask("delete again", "DELETE", f"{images}/i/{name}")
    c.ask("delete many", "POST", f"{images}/delete", {"image_names": ["nope"]})


def talk_about_the_rest(c: Conversation) -> None:
    """Version, models, workflows, utilities, unknown paths."""
    c.ask("version", "GET", "/api/v1/app/version")
    c.ask("unknown get", "GET", "/api/v1/nope")
    c.ask("unknown post", "POST", "/api/v1/nope", {})
    c.ask("get of a post", "GET", "/api/v1/queue/default/enqueue_batch")
    c.ask("no slash", "GET", "/api/v1/boards?all=true")
    c.ask("cache", "GET", "/api/v1/app/invocation_cache/status")
    c.ask("models by name", "GET", "/api/v2/models/?model_name=nope")
    c.ask("no model", "GET", "/api/v2/models/i/nope")
    c.ask("model by nothing", "GET", "/api/v2/models/get_by_attrs")
    c.ask(
        "no such model", "GET", "/api/v2/models/get_by_attrs?name=x&type=main&base=sd-1"
    )
    c.ask("no such hash", "GET", "/api/v2/models/get_by_hash?hash=x")
    c.ask("model delete", "DELETE", "/api/v2/models/i/nope")
    c.ask(
        "install nothing",
        "POST",
        "/api/v2/models/install?source=/nope/x&inplace=true",
        {},
    )
    c.ask("install jobs", "GET", "/api/v2/models/install")
    c.ask("install job", "GET", "/api/v2/models/install/99")
    c.ask("cancel install", "DELETE", "/api/v2/models/install/99")
    library = "/api/v1/workflows"
    workflow = {
        "name": "n", "author": "", "description": "", "version": "", "contact": "",
        "tags": "a, b", "notes": "", "exposedFields": [],
        "meta": {"version": "3.0.0", "category": "user"}, "nodes": [], "edges": [],
    }  # fmt: skip
    saved = c.ask("workflow", "POST", f"{library}/", {"workflow": workflow})
    key = saved["workflow_id"]
    c.ask("workflow bare", "POST", f"{library}/", workflow)
    c.ask("workflow short", "POST", f"{library}/", {"workflow": {"name": "n"}})
    c.ask("workflow get", "GET", f"{library}/i/{key}")
    c.ask("workflow none", "GET", f"{library}/i/nope")
    c.ask(
        "workflow patch",
        "PATCH",
        f"{library}/i/{key}",
        {"workflow": {**workflow, "id": key}},
    )
    c.ask(
        "workflow patch none",
        "PATCH",
        f"{library}/i/{key}",
        {"workflow": {**workflow, "id": "x"}},
    )
    c.ask("workflow patch no id", "PATCH", f"{library}/i/{key}", {"workflow": workflow})
    c.ask("workflows", "GET", f"{library}/?categories=user&per_page=1")
    c.ask("workflows beyond", "GET", f"{library}/?categories=user&per_page=1&page=99")
    c.ask("workflows bad order", "GET", f"{library}/?order_by=nope")
    c.ask("tags", "GET", f"{library}/tags?categories=user")
    c.ask("tag counts", "GET", f"{library}/counts_by_tag?tags=a&categories=user")
    c.ask("category counts", "GET", f"{library}/counts_by_category?categories=user")
    c.ask("opened", "PUT", f"{library}/i/{key}/opened_at")
    c.ask("thumbnail", "GET", f"{library}/i/{key}/thumbnail")
    c.ask("workflow delete", "DELETE", f"{library}/i/{key}")
    c.ask("workflow delete again", "DELETE", f"{library}/i/{key}")
    prompts = "/api/v1/utilities/dynamicprompts"
    c.ask("prompts", "POST", prompts, {"prompt": "a {b|c}"})
    c.ask("prompts bad", "POST", prompts, {"prompt": "a {b|c", "max_prompts": 0})
    c.ask("auth status", "GET", "/api/v1/auth/status")
    c.ask("login", "POST", "/api/v1/auth/login", {"email": "a@b.c", "password": "x"})
    c.ask("me", "GET", "/api/v1/auth/me")
    c.ask("users", "GET", "/api/v1/auth/users")
    c.ask("state", "POST", "/api/v1/client_state/default/set_by_key?key=k", "v")
    c.ask("state get", "GET", "/api/v1/client_state/default/get_by_key?key=k")
    c.ask("state none", "GET", "/api/v1/client_state/default/get_by_key?key=none")


def invocation(node_id: str, node_type: str, **inputs: Any) -> dict[str, Any]:
    """A node of a saved workflow."""
    return {
        "id": node_id,
        "type": "invocation",
        "position": {"x": 0, "y": 0},
        "data": {
            "id": node_id,
            "type": node_type,
            "version": "1.0.0",
            "inputs": {key: {"name": key, "value": v} for key, v in inputs.items()},
            "isIntermediate": True,
            "useCache": True,
        },
    }


def callee(name: str = "callee") -> dict[str, Any]:
    """A workflow that doubles the exposed number and returns it."""
    links = [("a", "value", "v", "value"), ("v", "value", "r", "values")]
    return {
        "name": name, "author": "", "description": "", "version": "", "contact": "",
        "tags": "", "notes": "", "meta": {"version": "3.0.0", "category": "user"},
        "exposedFields": [{"nodeId": "a", "fieldName": "a"}],
        "nodes": [
            invocation("a", "mul", a=1, b=2),
            invocation("v", "workflow_return_value", key="doubled"),
            invocation("r", "workflow_return"),
        ],
        "edges": [
            {"id": f"e{n}", "type": "default", "source": s, "sourceHandle": sh,
             "target": t, "targetHandle": th}
            for n, (s, sh, t, th) in enumerate(links)
        ],
    }  # fmt: skip


def talk_about_calls(c: Conversation) -> None:
    """Whether saved workflows can be called."""
    library = "/api/v1/workflows"
    key = c.ask("save", "POST", f"{library}/", {"workflow": callee()})["workflow_id"]
    c.ask("callable", "GET", f"{library}/i/{key}")
    other = {**callee("other"), "nodes": [], "edges": []}
    bad = c.ask("save other", "POST", f"{library}/", {"workflow": other})
    c.ask("not callable", "GET", f"{library}/i/{bad['workflow_id']}")
    for used in (key, bad["workflow_id"]):
        c.ask("forget", "DELETE", f"{library}/i/{used}")


def talk_about_content_types(c: Conversation) -> None:
    """What is taken for JSON."""
    install = "/api/v2/models/install?source=/nope&inplace=true"
    for kind in (
        "application/json", "APPLICATION/JSON; charset=utf-8", "application/a+json",
        "application/jsonx", "text/json", "text/plain", "application/octet-stream",
        "application/x-www-form-urlencoded", "",
    ):  # fmt: skip
        typed = {"Content-Type": kind}
        c.ask(f"as {kind}", "POST", install, content=b'{"name":5}', headers=typed)
    c.ask("as nothing", "POST", install, content=b"{}")
    queue = "/api/v1/queue/default"
    plain = {"Content-Type": "text/plain"}
    for method, path, body in (
        ("POST", f"{queue}/enqueue_batch", b'{"batch":{"graph":{}}}'),
        ("PUT", f"{queue}/retry_items_by_id", b"[1]"),
        ("PATCH", "/api/v1/images/i/nope", b"{}"),
        ("POST", "/api/v1/images/images_by_names", b'{"image_names":["a"]}'),
        ("POST", "/api/v1/images/download", b'{"image_names":["a"]}'),
        ("POST", "/api/v1/client_state/default/set_by_key?key=talk", b'"v"'),
        ("POST", "/api/v1/auth/login", b'{"email":"a@b.cd","password":"x"}'),
        ("POST", "/api/v1/workflows/", b'{"workflow":{}}'),
    ):
        c.ask(f"plain {path}", method, path, content=body, headers=plain)


TALKS = (
    talk_about_calls,
    talk_about_content_types,
    talk_about_graphs,
    talk_about_jobs,
    talk_about_pictures,
    talk_about_the_rest,
)
