"""Every class of refusal that the server knows, provoked: a typed error, its words.

Each row runs on whichever server is under test, so the simulated and the real one are
held to the same table. Rows name the class as docs/dev/server.md and
docs/dev/running.md do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Optional

import pytest

from invokeai_py_client._aio.client import AsyncInvokeAIClient
from invokeai_py_client.client import InvokeAIClient
from invokeai_py_client.exceptions import (
    APIResponseError,
    APIStatusError,
    AuthenticationError,
    ConflictError,
    InternalServerError,
    JobFailedError,
    NotFoundError,
    PermissionDeniedError,
    UnprocessableEntityError,
)
from simulator.talks.conversation import graph, png

pytestmark = [pytest.mark.live, pytest.mark.needs_server("6.14", "its words")]

QUEUE = "/api/v1/queue/default"
ENQUEUE = f"{QUEUE}/enqueue_batch"
LONGEST_MESSAGE = 1200


@dataclass(frozen=True)
class Row:
    """One class: a request, and what it must lead to.

    Attributes:
        words: Parts of the error's text, in any order.
        status: What `status_code` is; None where the error has none.
    """

    name: str
    method: str
    path: str
    kind: type[Exception]
    words: tuple[str, ...]
    status: Optional[int] = None
    options: dict[str, Any] = field(default_factory=dict)


def refused(name: str, wanted: Any, *words: str, **batch: Any) -> Row:
    """A batch that is refused while it is enqueued."""
    body = {"batch": {"graph": wanted, **batch}}
    options = {"json": body}
    return Row(name, "POST", ENQUEUE, UnprocessableEntityError, words, 422, options)


ADD = {"type": "add", "a": 1, "b": 2}
ONE = {"node_path": "a", "field_name": "a", "items": [1]}
TWO = {"node_path": "a", "field_name": "b", "items": [1, 2]}
ALONE = graph(a=ADD)

ENQUEUING = [
    Row(
        "bare batch",
        "POST",
        ENQUEUE,
        UnprocessableEntityError,
        ("body.batch", "Field required"),
        422,
        {"json": {"graph": ALONE}},
    ),
    refused("unknown node type", graph(a={"type": "nope"}), "nodes.a", "unknown type"),
    refused("node without type", graph(a={}), "nodes.a", "Unable to extract tag"),
    refused("bad field type", graph(a={"type": "add", "a": "x"}), "a.add.a", "integer"),
    refused(
        "key is not the node's id",
        {"nodes": {"b": {"id": "a", **ADD}}, "edges": []},
        "Node ids must match",
    ),
    refused("no id", {"nodes": {"b": ADD}, "edges": []}, "Node ids must match"),
    refused(
        "cycle",
        graph(("a.value", "b.a"), ("b.value", "a.a"), a=ADD, b=ADD),
        "Graph contains cycles",
    ),
    refused("self loop", graph(("a.value", "a.a"), a=ADD), "Graph contains cycles"),
    refused(
        "edge from nowhere",
        graph(("z.value", "a.a"), a=ADD),
        "Edge source node z does not exist",
    ),
    refused(
        "edge to nowhere",
        graph(("a.value", "z.a"), a=ADD),
        "Edge destination node z does not exist",
    ),
    refused(
        "edge from no output",
        graph(("a.nope", "b.a"), a=ADD, b=ADD),
        "Edge source field nope does not exist in node a",
    ),
    refused(
        "edge to no input",
        graph(("a.value", "b.nope"), a=ADD, b=ADD),
        "Edge destination field nope does not exist in node b",
    ),
    refused(
        "types of an edge",
        graph(("a.value", "s.image"), a=ADD, s={"type": "save_image"}),
        "types do not match (a.value -> s.image)",
    ),
    refused(
        "float into an integer",
        graph(("f.value", "a.a"), a=ADD, f={"type": "float"}),
        "types do not match (f.value -> a.a)",
    ),
    refused(
        "iterator without a collection",
        graph(it={"type": "iterate"}),
        "Invalid iterator node (it)",
    ),
    refused("no runs", ALONE, "runs", "greater than or equal to 1", runs=0),
    refused("lengths of zipped lists", ALONE, "same length", data=[[ONE, TWO]]),
    refused("mixed items", ALONE, "same type", data=[[{**ONE, "items": [1, "x"]}]]),
    refused("a null item", ALONE, "items", data=[[{**ONE, "items": [None]}]]),
    refused(
        "a model as an item", ALONE, "items", data=[[{**ONE, "items": [{"key": "k"}]}]]
    ),
    refused("an input twice", ALONE, "unique node_id", data=[[ONE], [ONE]]),
    refused(
        "batch data for no node",
        ALONE,
        "Node zz not found",
        data=[[{**ONE, "node_path": "zz"}]],
    ),
    refused(
        "batch data for no field",
        ALONE,
        "Field zz not found in node a",
        data=[[{**ONE, "field_name": "zz"}]],
    ),
    refused("half a workflow", ALONE, "workflow", "Field required", workflow={}),
]

NONE = "/api/v1/images/i/none.png"
UPLOAD = {"image_category": "user", "is_intermediate": "false"}


def file(content: bytes, kind: str, **params: str) -> dict[str, Any]:
    return {
        "params": {**UPLOAD, **params},
        "files": {"file": ("x.png", content, kind)},
    }


def row(
    name: str,
    line: str,
    kind: type[Exception],
    words: Any,
    status: Optional[int] = None,
    **options: Any,
) -> Row:
    method, _, path = line.partition(" ")
    words = (words,) if isinstance(words, str) else words
    return Row(name, method, path, kind, words, status, options)


UPLOADING = "POST /api/v1/images/upload"
PAGE = "a web page came instead"

SHAPES = [
    row("400", "GET /api/v1/boards/", APIStatusError, "Must provide either 'all'", 400),
    row(
        "400 of a change",
        f"PATCH {NONE}",
        APIStatusError,
        "Failed to update image",
        400,
        json={"starred": True},
    ),
    row("401", "GET /api/v1/auth/me", AuthenticationError, "token=", 401),
    row(
        "403",
        "POST /api/v1/auth/login",
        PermissionDeniedError,
        "Multiuser mode is disabled",
        403,
        json={"email": "a@b.c", "password": "x"},
    ),
    row("404", f"GET {NONE}", NotFoundError, "none.png", 404),
    row("404 of a job", f"PUT {QUEUE}/i/9999999/cancel", NotFoundError, "9999999", 404),
    row("404 of a board", "GET /api/v1/boards/none", NotFoundError, "not found", 404),
    row(
        "404 of an upload",
        UPLOADING,
        NotFoundError,
        "Board not found",
        404,
        **file(png(), "image/png", board_id="none"),
    ),
    row("405", "POST /api/v1/nope", APIStatusError, "Method Not Allowed", 405, json={}),
    row("405 of a name", f"DELETE {QUEUE}/d/a/b", APIStatusError, "Not Allowed", 405),
    row(
        "409",
        "POST /api/v2/models/install",
        ConflictError,
        "Unsupported model source",
        409,
        params={"source": "/nope/x", "inplace": "true"},
        json={},
    ),
    row(
        "415 by its type",
        UPLOADING,
        APIStatusError,
        "Not an image",
        415,
        **file(b"hello", "text/plain"),
    ),
    row(
        "415 by its content",
        UPLOADING,
        APIStatusError,
        "Failed to read image",
        415,
        **file(b"hello", "image/png"),
    ),
    row(
        "415 of a job",
        "DELETE /api/v2/models/install/99",
        APIStatusError,
        "No job with id 99 known",
        415,
    ),
    row(
        "422",
        f"POST {QUEUE}/item_summaries_by_ids",
        UnprocessableEntityError,
        ("item_ids", "1000"),
        422,
        json={"item_ids": [1] * 1001},
    ),
    row("422 of a path", f"GET {QUEUE}/i/x", UnprocessableEntityError, "item_id", 422),
    row(
        "500 with words",
        "GET /api/v1/queue/other/i/{job}",
        InternalServerError,
        "not found in queue other",
        500,
    ),
    row(
        "500 of an upload",
        UPLOADING,
        InternalServerError,
        "Failed to create image",
        500,
        **file(png("CMYK", format="JPEG"), "image/jpeg"),
    ),
    row(
        "500 as plain text",
        "GET /api/v2/models/i/nope/image",
        InternalServerError,
        ("Internal Server Error", "log"),
        500,
    ),
    row("200 with a web page", "GET /api/v1/nope", APIResponseError, PAGE),
    row("a GET of a POST", f"GET {ENQUEUE}", APIResponseError, PAGE),
    row("no slash", "GET /api/v1/boards?all=true", APIResponseError, PAGE),
    row("a slash too many", f"GET {QUEUE}/status/", APIResponseError, PAGE),
]


@pytest.fixture(params=[InvokeAIClient, AsyncInvokeAIClient])
async def client(request, live_url):
    made = request.param.from_url(live_url)
    yield made
    closing = made.close()
    if closing is not None:
        await closing


async def answer(client, row, path):
    made = client.request(row.method, path, **row.options)
    return await made if hasattr(made, "__await__") else made


@pytest.fixture(scope="module")
def finished_job(live_url):
    """A job that exists, and is over."""
    with InvokeAIClient.from_url(live_url) as own:
        reply = own.request("POST", ENQUEUE, json={"batch": {"graph": ALONE}})
        own.queue_repo.get_submission(reply["batch"]["batch_id"]).wait(timeout=60)
        return reply["item_ids"][0]


@pytest.mark.parametrize("row", ENQUEUING + SHAPES, ids=lambda row: row.name)
async def test_each_class_is_its_error_with_the_servers_words(
    client, row, finished_job
):
    with pytest.raises(row.kind) as caught:
        await answer(client, row, row.path.replace("{job}", str(finished_job)))
    error, text = caught.value, str(caught.value)
    assert type(error) is row.kind
    assert [word for word in row.words if word not in text] == []
    assert getattr(error, "status_code", None) == row.status
    # Some of these answers echo a whole graph or list every type of node.
    assert len(text) < LONGEST_MESSAGE
    assert error.method == row.method
    assert error.url.endswith(
        row.path.split("?")[0].replace("{job}", str(finished_job))
    )
    # A 500 in plain text ends with a dropped connection; nothing else notices.
    version = client.server_version()
    assert await version if hasattr(version, "__await__") else version


async def test_what_is_refused_leaves_no_job(live_client):
    before = live_client.request("GET", f"{QUEUE}/status")["queue"]["total"]
    for row in ENQUEUING:
        with pytest.raises(row.kind):
            live_client.request(row.method, row.path, **row.options)
    assert live_client.request("GET", f"{QUEUE}/status")["queue"]["total"] == before


ACCEPTED = [
    ("no value for a needed input", graph(r={"type": "img_resize"}), "MissingInput"),
    ("division by zero", graph(d={"type": "div", "a": 1, "b": 0}), "ZeroDivision"),
    (
        "a model that is not there",
        graph(
            m={
                "type": "main_model_loader",
                "model": {
                    "key": "nope",
                    "hash": "x",
                    "name": "x",
                    "base": "sd-1",
                    "type": "main",
                },
            }
        ),
        "Exception",
    ),
]


@pytest.mark.parametrize(
    ("name", "wanted", "kind"), ACCEPTED, ids=lambda p: str(p)[:30]
)
def test_what_only_fails_when_it_runs_fails_as_its_job(live_client, name, wanted, kind):
    reply = live_client.request("POST", ENQUEUE, json={"batch": {"graph": wanted}})
    submission = live_client.queue_repo.get_submission(reply["batch"]["batch_id"])
    with pytest.raises(JobFailedError) as caught:
        submission.wait(timeout=60)
    error = caught.value
    assert kind in error.error_type
    (node,) = wanted["nodes"]
    assert (error.node_id, error.node_type) == (node, wanted["nodes"][node]["type"])
    assert error.error_message
    assert error.traceback


def test_what_is_accepted_although_it_is_odd(live_client):
    twice = graph(
        ("a.value", "c.a"), ("b.value", "c.a"), a={**ADD, "a": 5}, b=ADD, c=ADD
    )
    for wanted, jobs in ((twice, 1), ({}, 1), (ALONE, 0)):
        data = None if jobs else [[{**ONE, "items": []}]]
        body = {"batch": {"graph": wanted, "data": data}}
        reply = live_client.request("POST", ENQUEUE, json=body)
        assert (reply["enqueued"], reply["requested"]) == (jobs, jobs)
        if jobs:
            made = live_client.queue_repo.get_submission(reply["batch"]["batch_id"])
            made.wait(timeout=60)


USER, PASSWORD = "user@example.com", "Userpass1"
ADMIN = ("admin@example.com", "Adminpass1")


@pytest.fixture(scope="module")
def users_url(start_server):
    """A multi-user server with an administrator and one more user."""
    with start_server(multiuser=True) as server:
        server.set_up_admin(*ADMIN)
        with InvokeAIClient(server.url, email=ADMIN[0], password=ADMIN[1]) as admin:
            admin.user_repo.create_user(USER, PASSWORD)
        yield server.url


def test_each_class_of_a_server_with_users(users_url):
    boards = "/api/v1/boards/?all=true"
    with (
        InvokeAIClient(users_url) as nobody,
        pytest.raises(AuthenticationError, match="Authentication required"),
    ):
        nobody.request("GET", boards)
    with (
        InvokeAIClient(users_url, token="x.y.z") as stale,
        pytest.raises(AuthenticationError, match="Invalid or expired token"),
    ):
        stale.request("GET", boards)
    with (
        InvokeAIClient(users_url, email=USER, password="Wrong-pass1") as wrong,
        pytest.raises(AuthenticationError, match="refused the e-mail"),
    ):
        wrong.request("GET", boards)
    with (
        InvokeAIClient(users_url, email=USER, password=PASSWORD) as user,
        InvokeAIClient(users_url, email=ADMIN[0], password=ADMIN[1]) as admin,
    ):
        with pytest.raises(PermissionDeniedError, match="Admin privileges required"):
            user.request("PUT", f"{QUEUE}/processor/pause")
        with pytest.raises(APIStatusError, match="400"):
            user.request("POST", "/api/v1/auth/setup", json=dict(ANYBODY))
        own = user.user_repo.get_me()
        token = user._settings.credentials.token
        admin.user_repo.delete_user(own.user_id)
        with (
            InvokeAIClient(users_url, token=token) as gone,
            pytest.raises(AuthenticationError, match="not found or inactive"),
        ):
            gone.request("GET", boards)


ANYBODY = {"email": "x@example.com", "password": "Anypass12", "display_name": "x"}
