"""The queue behaves as the real one was seen to behave."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from edge_cases import EDGE_CASES
from talks.conversation import graph
from talks.graph_runs import Server

from invokeai_py_client.simulator import SimulatedServer

QUEUE = "/api/v1/queue/default"
ADD = {"type": "add", "a": 1, "b": 2}


def values(field: str, *items: Any, node: str = "a") -> dict[str, Any]:
    return {"node_path": node, "field_name": field, "items": list(items)}


def paused(server: Server) -> None:
    server.ask("PUT", f"{QUEUE}/processor/pause")


def status_of(server: Server, item_id: int) -> str:
    return server.ask("GET", f"{QUEUE}/i/{item_id}")[1]["status"]


def test_ids_come_newest_first_and_with_status_200(server: Server) -> None:
    status, reply = server.enqueue(graph(a=ADD), data=[[values("a", 5, 6, 7)]])
    assert status == 200
    assert reply["item_ids"] == sorted(reply["item_ids"], reverse=True)
    assert (reply["requested"], reply["enqueued"]) == (3, 3)


def test_the_last_group_varies_fastest_and_runs_are_outermost(server: Server) -> None:
    paused(server)
    data = [[values("a", 1, 2)], [values("b", 10, 20, 30)]]
    _, reply = server.enqueue(graph(a=ADD), data=data, runs=2)
    seen = []
    for item_id in sorted(reply["item_ids"]):
        item = server.ask("GET", f"{QUEUE}/i/{item_id}")[1]
        seen.append(tuple(value["value"] for value in item["field_values"]))
    once = [(1, 10), (1, 20), (1, 30), (2, 10), (2, 20), (2, 30)]
    assert seen == once + once


def test_fields_of_a_group_go_in_step(server: Server) -> None:
    _, reply = server.enqueue(
        graph(a=ADD), data=[[values("a", 1, 2), values("b", 10, 20)]]
    )
    sums = []
    for item_id in sorted(reply["item_ids"]):
        session = server.finished(item_id)["session"]
        sums += [result["value"] for result in session["results"].values()]
    assert sums == [11, 22]


@pytest.mark.parametrize("data", [[[]], [[values("a")]]])
def test_no_values_mean_no_jobs(server: Server, data: Any) -> None:
    status, reply = server.enqueue(graph(a=ADD), data=data)
    assert (status, reply["requested"], reply["enqueued"]) == (200, 0, 0)
    assert reply["item_ids"] == []


def test_an_empty_list_of_groups_means_one_job(server: Server) -> None:
    assert server.enqueue(graph(a=ADD), data=[])[1]["enqueued"] == 1


def test_what_does_not_fit_is_left_out_without_a_word() -> None:
    with SimulatedServer(max_queue_size=12) as simulated:
        server = Server(simulated.url)
        paused(server)
        full = server.enqueue(graph(a=ADD), runs=20)[1]
        assert (full["requested"], full["enqueued"]) == (20, 12)
        more = server.enqueue(graph(a=ADD), runs=5)[1]
        assert (more["enqueued"], more["item_ids"]) == (0, [])


def test_a_batch_id_used_twice_lists_old_items_too(server: Server) -> None:
    paused(server)
    first = server.enqueue(graph(a=ADD), batch_id="mine", runs=2)[1]["item_ids"]
    path = "/api/v1/queue/other/enqueue_batch"
    body = {"batch": {"graph": graph(a=ADD), "batch_id": "mine"}}
    assert server.ask("POST", path, body)[1]["item_ids"][1:] == first


def test_what_is_prepended_last_runs_first(server: Server) -> None:
    paused(server)
    late = server.enqueue(graph(a=ADD))[1]["item_ids"]
    path, wanted = f"{QUEUE}/enqueue_batch", {"batch": {"graph": graph(a=ADD)}}
    one = server.ask("POST", path, {**wanted, "prepend": True})[1]
    two = server.ask("POST", path, {**wanted, "prepend": True})[1]
    assert (one["priority"], two["priority"]) == (1, 2)
    server.ask("PUT", f"{QUEUE}/processor/resume")
    ends = {}
    for item_id in [*late, *one["item_ids"], *two["item_ids"]]:
        ends[item_id] = server.finished(item_id)["started_at"]
    order = sorted(ends, key=lambda item_id: (ends[item_id], -item_id))
    assert order[-1] == late[0]


def test_results_appear_only_when_a_job_has_ended() -> None:
    with SimulatedServer(node_delays={"sub": 0.5}) as simulated:
        server = Server(simulated.url)
        wanted = graph(("a.value", "s.a"), a=ADD, s={"type": "sub"})
        item_id = server.enqueue(wanted)[1]["item_ids"][0]
        deadline = time.monotonic() + 60
        while status_of(server, item_id) == "pending":
            assert time.monotonic() < deadline
        item = server.ask("GET", f"{QUEUE}/i/{item_id}")[1]
        assert item["status"] == "in_progress"
        assert item["session"]["results"] == {}
        assert item["session"]["execution_graph"]["nodes"] == {}
        assert len(server.finished(item_id)["session"]["results"]) == 2


def test_equal_inputs_give_the_old_image_unless_the_cache_is_off(
    server: Server,
) -> None:
    def names(use_cache: bool) -> set[str]:
        node = {"type": "blank_image", "width": 8, "use_cache": use_cache}
        ids = server.enqueue(graph(b=node), runs=2)[1]["item_ids"]
        results = [server.finished(i)["session"]["results"] for i in ids]
        return {next(iter(r.values()))["image"]["image_name"] for r in results}

    assert len(names(True)) == 1
    assert len(names(False)) == 2


def test_deleting_an_image_makes_the_cache_forget_it(server: Server) -> None:
    def name() -> str:
        wanted = graph(b={"type": "blank_image", "width": 8})
        item = server.finished(server.enqueue(wanted)[1]["item_ids"][0])
        result = next(iter(item["session"]["results"].values()))
        return result["image"]["image_name"]

    first = name()
    assert name() == first
    server.ask("DELETE", f"/api/v1/images/i/{first}")
    assert name() != first


def test_a_connected_input_wins_over_batch_values(server: Server) -> None:
    wanted = graph(("i.value", "a.a"), i={"type": "integer", "value": 40}, a=ADD)
    _, reply = server.enqueue(wanted, data=[[values("a", 1000)]])
    session = server.finished(reply["item_ids"][0])["session"]
    by_source = {
        session["prepared_source_mapping"][key]: result["value"]
        for key, result in session["results"].items()
    }
    assert by_source["a"] == 42


def test_retry_names_the_old_items_and_makes_new_ones(server: Server) -> None:
    wanted = graph(d={"type": "div", "a": 1, "b": 0})
    old = server.enqueue(wanted)[1]["item_ids"][0]
    assert server.finished(old)["error_type"] == "ZeroDivisionError"
    reply = server.ask("PUT", f"{QUEUE}/retry_items_by_id", [old, 999])[1]
    assert reply["retried_item_ids"] == [old]
    new = max(server.ask("GET", f"{QUEUE}/item_ids")[1]["item_ids"])
    item = server.finished(new)
    assert item["retried_from_item_id"] == old
    server.ask("PUT", f"{QUEUE}/retry_items_by_id", [new])
    newest = max(server.ask("GET", f"{QUEUE}/item_ids")[1]["item_ids"])
    assert server.finished(newest)["retried_from_item_id"] == old


def test_completed_jobs_are_not_retried(server: Server) -> None:
    done = server.enqueue(graph(a=ADD))[1]["item_ids"][0]
    server.finished(done)
    reply = server.ask("PUT", f"{QUEUE}/retry_items_by_id", [done])[1]
    assert reply["retried_item_ids"] == []


def test_a_running_job_is_cancelled_at_once() -> None:
    with SimulatedServer(node_delays={"add": 30}) as simulated:
        server = Server(simulated.url)
        item_id = server.enqueue(graph(a=ADD))[1]["item_ids"][0]
        deadline = time.monotonic() + 60
        while status_of(server, item_id) != "in_progress":
            assert time.monotonic() < deadline
        status, item = server.ask("PUT", f"{QUEUE}/i/{item_id}/cancel")
        assert (status, item["status"], item["status_sequence"]) == (200, "canceled", 2)
        after = server.enqueue(graph(s={"type": "sub"}))[1]["item_ids"][0]
        assert server.finished(after, timeout=5)["status"] == "completed"


def test_bulk_operations_count_what_they_touch(server: Server) -> None:
    paused(server)
    first = server.enqueue(graph(a=ADD), runs=3, destination="x/y")[1]
    server.enqueue(graph(a=ADD), runs=2, destination="z")
    path = f"{QUEUE}/cancel_by_destination?destination=x/y"
    assert server.ask("PUT", path)[1] == {"canceled": 3}
    assert server.ask("PUT", path)[1] == {"canceled": 0}
    batch = first["batch"]["batch_id"]
    counts = server.ask("GET", f"{QUEUE}/b/{batch}/status")[1]
    assert (counts["canceled"], counts["total"]) == (3, 3)
    assert server.ask("DELETE", f"{QUEUE}/d/z")[1] == {"deleted": 2}
    assert server.ask("DELETE", f"{QUEUE}/d/x/y")[0] == 405
    assert server.ask("PUT", f"{QUEUE}/prune")[1] == {"deleted": 3}
    server.enqueue(graph(a=ADD), runs=2)
    assert server.ask("PUT", f"{QUEUE}/delete_all_except_current")[1] == {"deleted": 2}
    server.enqueue(graph(a=ADD), runs=2)
    assert server.ask("PUT", f"{QUEUE}/clear")[1] == {"deleted": 2}


def at_once(server: Server, *requests: tuple[str, str]) -> list[int]:
    """The statuses of requests that are sent together."""
    barrier = threading.Barrier(len(requests))

    def send(request: tuple[str, str]) -> int:
        barrier.wait(10)
        return server.ask(*request)[0]

    with ThreadPoolExecutor(len(requests)) as threads:
        return list(threads.map(send, requests))


def test_of_several_deletions_of_one_item_one_succeeds(server: Server) -> None:
    paused(server)
    for _ in range(10):
        item_id = server.enqueue(graph(a=ADD))[1]["item_ids"][0]
        statuses = at_once(server, *[("DELETE", f"{QUEUE}/i/{item_id}")] * 8)
        assert sorted(statuses) == [200, *[404] * 7]


def workflow() -> dict[str, Any]:
    texts = ("name", "author", "description", "version", "contact", "tags", "notes")
    lists = ("exposedFields", "nodes", "edges")
    meta = {"version": "3.0.0", "category": "user"}
    return {**dict.fromkeys(texts, ""), **{key: [] for key in lists}, "meta": meta}


@pytest.mark.parametrize(
    ("make", "key", "path"),
    [
        (("POST", "/api/v1/boards/?board_name=b"), "board_id", "/api/v1/boards/"),
        (
            ("POST", "/api/v1/workflows/", {"workflow": workflow()}),
            "workflow_id",
            "/api/v1/workflows/i/",
        ),
        (
            ("POST", "/api/v1/system_prompts/", {"name": "n", "content": "c"}),
            "id",
            "/api/v1/system_prompts/i/",
        ),
    ],
    ids=["board", "workflow", "prompt"],
)
def test_of_several_deletions_of_a_record_one_succeeds(
    server: Server, make: Any, key: str, path: str
) -> None:
    for _ in range(10):
        made = server.ask(*make)[1][key]
        statuses = at_once(server, *[("DELETE", f"{path}{made}")] * 8)
        assert sorted(statuses) == [200, *[404] * 7]


def test_of_several_deletions_of_an_image_or_a_model_one_succeeds(
    simulated: SimulatedServer, server: Server
) -> None:
    for model in simulated.simulation.models.all():
        path = f"/api/v2/models/i/{model['key']}"
        assert sorted(at_once(server, *[("DELETE", path)] * 8)) == [204, *[404] * 7]
    for _ in range(10):
        item = server.enqueue(graph(b={"type": "blank_image", "use_cache": False}))
        session = server.finished(item[1]["item_ids"][0])["session"]
        (result,) = session["results"].values()
        path = f"/api/v1/images/i/{result['image']['image_name']}"
        assert sorted(at_once(server, *[("DELETE", path)] * 8)) == [200, *[404] * 7]


def test_an_item_deleted_while_others_ask_for_it_is_there_or_not_found(
    server: Server,
) -> None:
    paused(server)
    for _ in range(10):
        item_id = server.enqueue(graph(a=ADD))[1]["item_ids"][0]
        item = f"{QUEUE}/i/{item_id}"
        asked = [("GET", item), ("PUT", f"{item}/cancel"), ("GET", item)] * 2
        *others, deleted = at_once(server, *asked, ("DELETE", item))
        assert deleted == 200
        assert set(others) <= {200, 404}


def test_ids_of_one_batch_ascend_even_in_a_descending_list(server: Server) -> None:
    paused(server)
    server.enqueue(graph(a=ADD), runs=3)
    time.sleep(0.002)  # the clock of the list has milliseconds
    server.enqueue(graph(a=ADD), runs=2)
    assert server.ask("GET", f"{QUEUE}/item_ids")[1] == {
        "item_ids": [4, 5, 1, 2, 3],
        "total_count": 5,
    }


def test_null_keys_are_left_out_of_single_items_only(server: Server) -> None:
    paused(server)
    item_id = server.enqueue(graph(a=ADD))[1]["item_ids"][0]
    item = server.ask("GET", f"{QUEUE}/i/{item_id}")[1]
    assert "started_at" not in item
    assert server.ask("GET", f"{QUEUE}/next")[1]["started_at"] is None
    assert server.ask("GET", f"{QUEUE}/current")[1] is None


def test_escaped_marks_in_a_path_belong_to_the_name(server: Server) -> None:
    status, reply = server.ask("GET", "/api/v1/queue/a%3Fb%23c%25/status?x=d%26e")
    assert (status, reply["queue"]["queue_id"]) == (200, "a?b#c%")


def test_an_item_of_another_queue_is_a_500_when_read(server: Server) -> None:
    item_id = server.enqueue(graph(a=ADD))[1]["item_ids"][0]
    status, reply = server.ask("GET", f"/api/v1/queue/other/i/{item_id}")
    assert status == 500
    assert "404: Queue item with id" in reply["detail"]
    assert server.ask("PUT", f"/api/v1/queue/other/i/{item_id}/cancel")[0] == 404


@pytest.mark.parametrize(
    ("node", "field", "value"),
    [
        ({"type": "denoise_latents"}, "scheduler", "nope"),
        ({"type": "noise"}, "width", 65),
        ({"type": "denoise_latents"}, "steps", 0),
        ({"type": "add"}, "a", "q"),
        ({"type": "add"}, "a", 2.5),
        ({"type": "add"}, "id", "other"),
        ({"type": "img_resize"}, "image", "text"),
        ({"type": "range", "start": 3, "stop": 9}, "stop", 2),
    ],
)
def test_a_poisonous_value_is_refused_by_default(
    server: Server, node: dict[str, Any], field: str, value: Any
) -> None:
    status, reply = server.enqueue(
        graph(n=node), data=[[values(field, value, node="n")]]
    )
    assert status == 422
    assert reply["detail"][0]["loc"][:4] == ["body", "batch", "data", "n"]


def test_a_poisonous_value_blocks_the_queue_when_imitated() -> None:
    with SimulatedServer(poison="imitate") as simulated:
        server = Server(simulated.url)
        _, reply = server.enqueue(graph(a=ADD), data=[[values("a", "q")]])
        poisoned = reply["item_ids"][0]
        behind = server.enqueue(graph(a=ADD))[1]["item_ids"][0]
        status, error = server.ask("GET", f"{QUEUE}/i/{poisoned}")
        assert status == 500
        assert "1 validation error for GraphExecutionState" in error["detail"]
        for method, path in (
            ("GET", "next"),
            ("GET", "list_all"),
            ("PUT", f"i/{poisoned}/cancel"),
            ("DELETE", f"i/{poisoned}"),
        ):
            assert server.ask(method, f"{QUEUE}/{path}")[0] == 500
        both = {"item_ids": [poisoned, behind]}
        assert len(server.ask("POST", f"{QUEUE}/items_by_ids", both)[1]) == 1
        assert len(server.ask("POST", f"{QUEUE}/item_summaries_by_ids", both)[1]) == 2
        assert status_of(server, behind) == "pending"
        batch = {"batch_ids": [reply["batch"]["batch_id"]]}
        canceled = server.ask("PUT", f"{QUEUE}/cancel_by_batch_ids", batch)[1]
        assert canceled == {"canceled": 1}
        assert server.finished(behind)["status"] == "completed"


def test_an_edge_that_breaks_a_node_class_kills_the_imitated_worker() -> None:
    # A `range` may be fed a start behind its end; stored, it cannot be read again.
    wanted = graph(
        ("i.value", "r.start"),
        i={"type": "integer", "value": 20},
        r={"type": "range", "stop": 15},
    )
    with SimulatedServer(poison="imitate") as simulated:
        server = Server(simulated.url)
        item_id = server.enqueue(wanted)[1]["item_ids"][0]
        deadline = time.monotonic() + 60
        while server.ask("GET", f"{QUEUE}/i/{item_id}")[0] == 200:
            assert time.monotonic() < deadline
        behind = server.enqueue(graph(a=ADD))[1]["item_ids"][0]
        assert status_of(server, behind) == "pending"
    with SimulatedServer() as simulated:
        server = Server(simulated.url)
        item = server.finished(server.enqueue(wanted)[1]["item_ids"][0])
        assert (item["status"], item["error_type"]) == ("failed", "NodeInputError")


@pytest.mark.parametrize(
    "case",
    [
        "a list of flags as a condition",
        "a condition from a branch that is not taken",
        "null as an item of an iterator",
    ],
)
def test_a_condition_that_cannot_be_read_again_kills_the_imitated_worker(
    case: str,
) -> None:
    wanted = EDGE_CASES[case][1]
    with SimulatedServer(poison="imitate") as simulated:
        server = Server(simulated.url)
        item_id = server.enqueue(wanted)[1]["item_ids"][0]
        deadline = time.monotonic() + 60
        while server.ask("GET", f"{QUEUE}/i/{item_id}")[0] == 200:
            assert time.monotonic() < deadline
        behind = server.enqueue(graph(a=ADD))[1]["item_ids"][0]
        assert status_of(server, behind) == "pending"
    with SimulatedServer() as simulated:
        server = Server(simulated.url)
        item = server.finished(server.enqueue(wanted)[1]["item_ids"][0])
        assert item["status"] == "failed"
        behind = server.enqueue(graph(a=ADD))[1]["item_ids"][0]
        assert server.finished(behind)["status"] == "completed"
