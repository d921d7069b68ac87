"""What the simulator decides: which nodes run, which graphs pass, boards, sources."""

from __future__ import annotations

import gzip
import json
import urllib.request
from pathlib import Path
from typing import Any, Optional

import pytest
from talks.conversation import graph
from talks.graph_runs import Server

from invokeai_py_client.simulator import SimulatedServer
from invokeai_py_client.simulator.base.database import Database
from invokeai_py_client.simulator.graphs.batch import Batch
from invokeai_py_client.simulator.graphs.graph import Graph
from invokeai_py_client.simulator.graphs.graph_validation import check_graph
from invokeai_py_client.simulator.graphs.node_schema import bundled_schemas
from invokeai_py_client.simulator.media.boards import BoardNotFoundError, Boards
from invokeai_py_client.simulator.models.model_install import is_plain_name
from invokeai_py_client.simulator.session.batch_expansion import (
    expand,
    requested_count,
)

ADD = {"type": "add", "a": 1, "b": 2}
NUMBER = {"type": "integer", "value": 1}
TEXT = {"type": "string", "value": "x"}
NUMBERS = {"type": "range_of_size", "start": 0, "size": 2, "step": 1}
ITERATE, COLLECT = {"type": "iterate"}, {"type": "collect"}


# -- batches ---------------------------------------------------------------------------


def batch_of(*groups: Any, runs: int = 1) -> Batch:
    schemas = bundled_schemas()
    data = [
        [
            {"node_path": "a", "field_name": name, "items": items}
            for name, items in group.items()
        ]
        for group in groups
    ]
    body = {"graph": graph(a=ADD), "runs": runs, "data": data or None}
    return Batch.model_validate(body, context=schemas)


@pytest.mark.parametrize(
    ("groups", "runs", "count"),
    [
        ((), 1, 1),
        ((), 3, 3),
        (({"a": [1, 2]},), 1, 2),
        (({"a": [1, 2]}, {"b": [1, 2, 3]}), 2, 12),
        (({"a": [1, 2], "b": [3, 4]},), 2, 4),
        (({},), 2, 0),
    ],
)
def test_a_batch_asks_for_runs_times_combinations(
    groups: tuple[Any, ...], runs: int, count: int
) -> None:
    batch = batch_of(*groups, runs=runs)
    assert requested_count(batch) == count
    assert len([values for _, values in expand(batch, 1000)]) == count
    for most in range(count):
        assert len([values for _, values in expand(batch, most)]) == most
    assert list(expand(batch, -1)) == []


def test_each_session_has_the_values_of_its_combination_in_its_graph() -> None:
    batch = batch_of({"a": [5, 6]}, {"b": [7, 8]})
    seen, ids = [], set()
    for session, values in expand(batch, 10):
        node = session["graph"]["nodes"]["a"]
        assert [value["value"] for value in values] == [node["a"], node["b"]]
        seen.append((node["a"], node["b"]))
        ids.add(session["id"])
    assert seen == [(5, 7), (5, 8), (6, 7), (6, 8)]
    assert len(ids) == 4


# -- which nodes run -------------------------------------------------------------------


def test_classes_run_in_the_order_of_their_names_each_to_its_end(
    server: Server,
) -> None:
    run = server.run(
        graph(
            ("root.value", "text.value"),
            ("root.value", "last.value"),
            ("root.value", "z.a"),
            ("root.value", "y.a"),
            root=NUMBER,
            text=TEXT,
            last=NUMBER,
            z=ADD,
            y=ADD,
        )
    )
    # The class of `root` and `last` is drained before the first name is chosen.
    assert run.history == ["root", "last", "z", "y", "text"]


def test_inside_a_class_the_earlier_iteration_runs_first(server: Server) -> None:
    run = server.run(
        graph(
            ("n.collection", "i.collection"),
            ("i.item", "first.a"),
            ("first.value", "second.a"),
            n=NUMBERS,
            i=ITERATE,
            first=ADD,
            second=ADD,
        )
    )
    assert run.status == "completed"
    order = [key for key in run.results if key[0] in ("first", "second")]
    assert order == [
        ("first", (0,)),
        ("second", (0,)),
        ("first", (1,)),
        ("second", (1,)),
    ]
    assert run.results["second", (1,)]["value"] == 1 + 2 + 2


@pytest.mark.parametrize("condition", [True, False])
def test_a_branch_is_what_feeds_it_and_nothing_else(
    server: Server, condition: bool
) -> None:
    """What also feeds another node runs in any case, and so does what feeds that."""
    run = server.run(
        graph(
            ("deep.value", "yes.a"),
            ("yes.value", "if.true_input"),
            ("root.value", "no.a"),
            ("no.value", "if.false_input"),
            ("no.value", "other.a"),
            deep=NUMBER,
            yes=ADD,
            root=NUMBER,
            no=ADD,
            other=ADD,
            **{"if": {"type": "if", "condition": condition}},
        )
    )
    assert run.status == "completed"
    always = {"root", "no", "other", "if"}
    taken = {"deep", "yes"} if condition else set()
    assert {source for source, _ in run.results} == always | taken
    assert run.results["if", ()]["value"] == 3


def test_a_condition_may_be_calculated_first(server: Server) -> None:
    run = server.run(
        graph(
            ("flag.value", "if.condition"),
            ("yes.value", "if.true_input"),
            ("no.value", "if.false_input"),
            flag={"type": "boolean", "value": False},
            yes=ADD,
            no={**ADD, "a": 40},
            **{"if": {"type": "if", "condition": True}},
        )
    )
    assert {source for source, _ in run.results} == {"flag", "no", "if"}
    assert run.results["if", ()]["value"] == 42


def test_an_edge_wins_over_the_literal_and_lists_are_collected_first(
    server: Server,
) -> None:
    run = server.run(
        graph(
            ("n.value", "a.a"),
            ("a.value", "c.item"),
            ("l.collection", "c.collection"),
            n={**NUMBER, "value": 9},
            a=ADD,
            l={"type": "integer_collection", "collection": [7, 8]},
            c=COLLECT,
        )
    )
    assert run.results["a", ()]["value"] == 11
    assert run.results["c", ()]["collection"] == [7, 8, 11]


# -- which graphs pass -----------------------------------------------------------------


def problem_of(wanted: dict[str, Any]) -> Optional[str]:
    schemas = bundled_schemas()
    try:
        check_graph(Graph.model_validate(wanted, context=schemas), schemas)
    except ValueError as error:
        return str(error)
    return None


def renamed(wanted: dict[str, Any], key: str, node_id: str) -> dict[str, Any]:
    wanted["nodes"][key]["id"] = node_id
    return wanted


CALL = {"type": "call_saved_workflow", "workflow_id": "w"}
DYNAMIC = "saved_workflow_input::n::a"
ANY = {"if": {"type": "if", "condition": True}}


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        (graph(a=ADD), None),
        (graph(("a.value", "b.a"), a=ADD, b=ADD), None),
        (graph(("a.value", "gone.a"), a=ADD), "Edge destination node gone does not"),
        (graph(("gone.value", "a.a"), a=ADD), "Edge source node gone does not exist"),
        (
            graph(("a.nothing", "b.a"), a=ADD, b=ADD),
            "Edge source field nothing does not exist in node a",
        ),
        (
            graph(("a.value", "b.nothing"), a=ADD, b=ADD),
            "Edge destination field nothing does not exist in node b",
        ),
        (renamed(graph(a=ADD), "a", "b"), "Node ids must match, got a and b"),
        (
            renamed(graph(a=ADD, b=ADD), "a", "b"),
            "Node ids must be unique, found duplicates {'b'}",
        ),
        (
            graph(("a.value", "b.a"), ("b.value", "a.a"), a=ADD, b=ADD),
            "Graph contains cycles",
        ),
        (graph(("t.value", "a.a"), t=TEXT, a=ADD), "types do not match"),
        (graph(("a.value", "t.value"), t=TEXT, a=ADD), None),
        (
            graph(("n.value", f"c.{DYNAMIC}"), n=NUMBER, c=CALL),
            None,
        ),
        (
            graph(("n.value", "c.nothing"), n=NUMBER, c=CALL),
            "Edge destination field nothing does not exist in node c",
        ),
        (
            graph(("n.value", f"a.{DYNAMIC}"), n=NUMBER, a=ADD),
            f"Edge destination field {DYNAMIC} does not exist in node a",
        ),
        # Iterators.
        (
            graph(
                ("n.collection", "i.collection"),
                ("m.collection", "i.collection"),
                n=NUMBERS,
                m=NUMBERS,
                i=ITERATE,
            ),
            "Iterator may only have one input edge",
        ),
        (graph(("n.collection", "i.collection"), n=NUMBERS, i=ITERATE), None),
        (
            graph(
                ("n.collection", "i.collection"),
                ("i.item", "a.a"),
                ("i.item", "t.value"),
                n=NUMBERS,
                i=ITERATE,
                a=ADD,
                t=TEXT,
            ),
            None,
        ),
        (
            graph(
                ("l.collection", "d.collection"),
                ("d.collection", "i.collection"),
                ("i.item", "a.a"),
                l={"type": "string_collection", "collection": []},
                d=COLLECT,
                i=ITERATE,
                a=ADD,
            ),
            "Iterator collection type must match all iterator output types",
        ),
        (
            graph(
                ("t.value", "c.item"),
                ("c.collection", "d.collection"),
                ("d.collection", "i.collection"),
                ("i.item", "a.a"),
                t=TEXT,
                c=COLLECT,
                d=COLLECT,
                i=ITERATE,
                a=ADD,
            ),
            "Iterator collection type must match all iterator output types",
        ),
        # Collectors.
        (
            graph(
                ("n.value", "c.item"),
                ("c.collection", "l.collection"),
                n=NUMBER,
                c=COLLECT,
                l={"type": "integer_collection"},
            ),
            None,
        ),
        (
            graph(
                ("l.collection", "c.collection"),
                ("t.value", "c.item"),
                l={"type": "integer_collection"},
                t=TEXT,
                c=COLLECT,
            ),
            "Collector input collection items must be of a single type",
        ),
        (
            graph(
                ("l.collection", "c.collection"),
                ("n.value", "c.item"),
                l={"type": "integer_collection"},
                n=NUMBER,
                c=COLLECT,
            ),
            None,
        ),
        (
            graph(
                ("if.value", "c.item"),
                ("c.collection", "l.collection"),
                c=COLLECT,
                l={"type": "integer_collection"},
                **ANY,
            ),
            "Collector outputs must connect to a collection input with a matching type",
        ),
        (
            graph(
                ("if.value", "c.collection"),
                ("c.collection", "d.collection"),
                ("n.value", "d.item"),
                n=NUMBER,
                c=COLLECT,
                d=COLLECT,
                **ANY,
            ),
            "Collector outputs must connect to a collection input with a matching type",
        ),
    ],
)
def test_a_graph_passes_or_is_refused_with_the_reason(
    wanted: dict[str, Any], problem: Optional[str]
) -> None:
    found = problem_of(wanted)
    if problem is None:
        assert found is None
    else:
        assert found is not None
        assert problem in found


# -- boards ----------------------------------------------------------------------------


@pytest.fixture
def database() -> Any:
    made = Database()
    yield made
    made.close()


def add_image(
    database: Database, name: str, board_id: Optional[str], **more: Any
) -> None:
    row = {
        "image_name": name,
        "image_origin": "internal",
        "image_category": "general",
        "width": 8,
        "height": 8,
        "created_at": "2026-01-01",
        "updated_at": "2026-01-01",
        "board_id": board_id,
        **more,
    }
    database.insert("images", row)


def test_a_board_counts_what_is_on_it_intermediates_aside(database: Database) -> None:
    boards = Boards(database)
    board_id = boards.create("Cats", "system")["board_id"]
    other = boards.create("Dogs", "system")["board_id"]
    for number in range(3):
        add_image(database, f"i{number}", board_id)
    add_image(database, "asset", board_id, image_category="user")
    add_image(database, "draft", board_id, is_intermediate=1)
    add_image(database, "elsewhere", other)
    found = boards.dto(board_id)
    counts = (found["image_count"], found["asset_count"], found["video_count"])
    assert counts == (3, 1, 0)
    empty = boards.dto(boards.create("", "system")["board_id"])
    assert (empty["image_count"], empty["asset_count"]) == (0, 0)
    assert (empty["cover_image_name"], empty["cover_video_name"]) == (None, None)


def test_a_list_of_boards_names_their_owners(database: Database) -> None:
    boards = Boards(database)
    times = {"created_at": "2026-01-01", "updated_at": "2026-01-01"}
    for user_id, name in (("named", "Ann"), ("unnamed", None)):
        user = {"user_id": user_id, "email": f"{user_id}@x.y", "display_name": name}
        database.insert("users", {**user, **times})
    for user_id in ("named", "unnamed", "gone"):
        boards.create(user_id, user_id)
    owners = {
        board["board_name"]: board["owner_username"]
        for board in boards.list(user_id=None)
    }
    assert owners == {"named": "Ann", "unnamed": "unnamed@x.y", "gone": None}


def test_the_cover_is_the_newest_image_and_a_starred_one_first(
    database: Database,
) -> None:
    boards = Boards(database)
    board_id = boards.create("Cats", "system")["board_id"]
    add_image(database, "new", board_id, created_at="2026-03-01")
    add_image(database, "old", board_id, created_at="2026-02-01")
    add_image(database, "draft", board_id, created_at="2026-04-01", is_intermediate=1)
    assert boards.dto(board_id)["cover_image_name"] == "new"
    add_image(database, "star", board_id, created_at="2026-01-01", starred=1)
    assert boards.dto(board_id)["cover_image_name"] == "star"


def test_a_change_of_a_board_sets_what_is_given(database: Database) -> None:
    boards = Boards(database)
    board_id = boards.create("Cats", "system")["board_id"]
    add_image(database, "cover", board_id)
    database.update("boards", {"updated_at": "before"}, board_id=board_id)
    nothing: dict[str, Any] = {"board_name": None, "archived": None}
    assert boards.update(board_id, nothing)["updated_at"] == "before"
    with pytest.raises(ValueError, match="no image gone"):
        boards.update(board_id, {"cover_image_name": "gone"})
    assert boards.record(board_id)["updated_at"] == "before"
    boards.update(board_id, {"cover_image_name": "cover"})
    found = boards.update(board_id, {"archived": True, "board_name": None})
    assert (found["board_name"], found["archived"]) == ("Cats", True)
    assert found["updated_at"] != "before"
    assert boards.record(board_id)["cover_image_name"] == "cover"
    with pytest.raises(BoardNotFoundError):
        boards.update("gone", {})


def test_boards_are_listed_in_order_page_by_page(database: Database) -> None:
    boards = Boards(database)
    ids = {name: boards.create(name, "system")["board_id"] for name in ("b", "A", "c")}
    boards.update(ids["c"], {"archived": True})

    def names(**query: Any) -> list[str]:
        found = boards.list(user_id=None, **query)
        return [board["board_name"] for board in found]

    assert names() == ["A", "b"]
    assert names(include_archived=True) == ["c", "A", "b"]
    assert names(include_archived=True, ascending=True) == ["b", "A", "c"]
    by_name = {"order_by": "board_name", "ascending": True, "include_archived": True}
    assert names(**by_name) == ["A", "b", "c"]
    assert names(**by_name, offset=1, limit=1) == ["b"]
    assert names(**by_name, limit=0) == []


@pytest.mark.parametrize(
    ("visibility", "is_listed", "is_shown", "is_open"),
    [
        ("private", False, False, False),
        ("shared", True, True, False),
        ("public", True, True, True),
    ],
)
def test_others_see_shared_boards_and_change_public_ones(
    database: Database,
    visibility: str,
    is_listed: bool,
    is_shown: bool,
    is_open: bool,
) -> None:
    boards = Boards(database)
    board_id = boards.create("Cats", "owner")["board_id"]
    boards.update(board_id, {"board_visibility": visibility})
    assert bool(boards.list(user_id="other")) is is_listed
    assert len(boards.list(user_id="owner")) == 1
    assert boards.is_shown(board_id) is is_shown
    assert boards.is_open(board_id, "other") is is_open
    assert boards.is_open(board_id, "owner")
    assert not boards.is_shown(None)
    assert not boards.is_open(None, "owner")


def test_an_image_is_on_one_board_or_none(database: Database) -> None:
    boards = Boards(database)
    first, second = (boards.create(name, "system")["board_id"] for name in "ab")
    add_image(database, "i", None)
    assert boards.place("i", first) is None
    assert boards.place("i", second) == first
    assert boards.dto(first)["image_count"] == 0
    assert boards.dto(second)["image_count"] == 1
    for name, board_id in (("gone", first), ("i", "gone")):
        with pytest.raises(LookupError):
            boards.place(name, board_id)
    boards.delete(second)
    assert boards.place("i", None) is None
    with pytest.raises(BoardNotFoundError):
        boards.record(second)


# -- sources of models -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "is_plain"),
    [
        ("model.safetensors", True),
        ("my model (2)", True),
        ("", False),
        (".", False),
        ("..", False),
        (" . ", False),
        ("a/b", False),
        ("a\\b", False),
        ("a:b", False),
        ("a?", False),
        ("a\n", False),
    ],
)
def test_a_plain_name_is_a_file_name_everywhere(name: str, is_plain: bool) -> None:
    assert is_plain_name(name) is is_plain


def test_a_source_is_a_path_that_exists_or_a_web_address(
    server: Server, tmp_path: Path
) -> None:
    path = "/api/v2/models/install?inplace=true&source="
    (tmp_path / "m.safetensors").write_bytes(b"x")
    status, job = server.ask("POST", f'{path}"{tmp_path}/m.safetensors"', {})
    assert status == 201
    assert job["source"] == {
        "path": str(tmp_path / "m.safetensors"),
        "inplace": True,
        "type": "local",
    }
    status, job = server.ask("POST", f"{path}https://models.example/m", {})
    assert (status, job["source"]["type"]) == (201, "url")
    for source in ("ftp://models.example/m", f"{tmp_path}/gone"):
        assert server.ask("POST", path + source, {})[0] != 201


# -- answers ---------------------------------------------------------------------------


def test_answers_are_compressed_for_those_who_take_it() -> None:
    def ask(path: str, **headers: str) -> Any:
        request = urllib.request.Request(simulated.url + path, headers=headers)
        with urllib.request.urlopen(request) as reply:
            return reply.read(), reply.headers

    with SimulatedServer() as simulated:
        for path in ("/api/v1/app/version", "/"):
            plain, headers = ask(path)
            assert headers["content-encoding"] is None
            packed, headers = ask(path, **{"Accept-Encoding": "gzip"})
            assert headers["content-encoding"] == "gzip"
            assert gzip.decompress(packed) == plain
        assert json.loads(ask("/api/v1/app/version")[0])["version"]


def test_an_address_that_no_route_has_is_a_page_to_read_and_a_405_to_change(
    server: Server,
) -> None:
    assert server.ask("GET", "/api/v1/nothing")[0] == 200
    assert "<html" in server.ask("GET", "/api/v1/nothing")[1]
    for method in ("POST", "DELETE", "PUT", "PATCH"):
        status, detail = server.ask(method, "/api/v1/nothing")
        assert (status, detail) == (405, {"detail": "Method Not Allowed"})
