"""The simulator and a real server agree: graphs, events, answers. Needs a real server.

    pytest tests/simulator/test_congruence.py --invokeai-url http://127.0.0.1:9090

`docs/dev/simulator.md` lists the known differences. The server should be idle and in
single-user mode; its queue is paused and cleared.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from talks.accounts_talk import talk_about_accounts
from talks.all_talks import TALKS
from talks.conversation import Conversation
from talks.event_script import heard
from talks.graph_runs import Server, difference
from talks.random_graphs import graphs
from talks.users_talk import talk_between_users

from invokeai_py_client.simulator import SimulatedServer

pytestmark = [
    pytest.mark.live,
    pytest.mark.slow,
    pytest.mark.real_server("the simulator is compared with it"),
]

GRAPHS = 220


@pytest.fixture(scope="module")
def real_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The server that was named, or one started for these tests."""
    named = request.config.getoption("--invokeai-url")
    if named:
        yield str(named).rstrip("/")
        return
    from invokeai_py_client.server import LocalServer

    with LocalServer() as started:
        yield started.url


@pytest.fixture(scope="module")
def twin() -> Iterator[Server]:
    with SimulatedServer() as server:
        yield Server(server.url)


def with_each_node_first(graph: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The graph in other orders, by which the simulator chooses among ready nodes."""
    nodes, edges = graph["nodes"], graph["edges"]
    for key in nodes:
        first = [edge for edge in edges if edge["destination"]["node_id"] == key]
        rest = [edge for edge in edges if edge not in first]
        in_order = {key: nodes[key], **nodes}
        yield {**graph, "nodes": in_order, "edges": [*first, *rest]}


@pytest.mark.timeout(1800)
def test_random_graphs_give_the_same_on_both(real_url: str, twin: Server) -> None:
    real = Server(real_url)
    types: Counter[str] = Counter()
    ran: list[str] = []

    @settings(
        max_examples=GRAPHS,
        deadline=None,
        database=None,
        # A graph that differs is small already, and every run costs the real server
        # more than half a second.
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(graphs())
    def compare(graph: dict[str, Any]) -> None:
        ours, theirs = twin.run(graph), real.run(graph)
        # Among nodes of one class that are ready together the real order is random, and
        # another in every process: of several that would fail, each can be the one.
        for reordered in with_each_node_first(graph):
            if ours.error == theirs.error:
                break
            ours = twin.run(reordered)
        types.update(node["type"] for node in graph["nodes"].values())
        ran.append(theirs.status)
        assert ours.status_code == theirs.status_code
        assert ours.problems == theirs.problems
        assert (ours.status, ours.error) == (theirs.status, theirs.error)
        # After a failure only what both have run can be compared.
        shared = ours.results.keys() & theirs.results.keys()
        if theirs.status == "completed":
            assert ours.results.keys() == theirs.results.keys()
            assert sorted(ours.history) == sorted(theirs.history)
        for key in shared:
            found = difference(ours.results[key], theirs.results[key], at=str(key))
            assert found is None, found

    compare()
    assert len(types) >= 40, sorted(types)
    assert ran.count("completed") >= GRAPHS // 4


def test_events_come_in_the_same_order_with_the_same_keys(
    real_url: str, twin: Server
) -> None:
    assert heard(twin.url) == heard(real_url)


def assert_same(talk: Any, url: str, real_url: str) -> None:
    ours, theirs = Conversation(url), Conversation(real_url)
    talk(ours)
    talk(theirs)
    assert len(ours.answers) == len(theirs.answers)
    for one, other in zip(ours.answers, theirs.answers):
        assert json.loads(json.dumps(one.shape)) == json.loads(json.dumps(other.shape))
        assert one == other


@pytest.mark.parametrize("talk", TALKS, ids=lambda talk: talk.__name__)
def test_answers_are_the_same(talk: Any, real_url: str) -> None:
    with SimulatedServer() as server:
        assert_same(talk, server.url, real_url)


def test_users_are_told_the_same(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--invokeai-url"):
        pytest.skip("needs a server of its own, with several users (--live)")
    from invokeai_py_client.server import LocalServer

    with LocalServer(multiuser=True) as real, SimulatedServer(multiuser=True) as server:
        assert_same(talk_between_users, server.url, real.url)


def test_accounts_are_the_same(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--invokeai-url"):
        pytest.skip("needs a server of its own, with several users (--live)")
    from invokeai_py_client.server import LocalServer

    settings = {"strict_password_checking": True}
    ours = SimulatedServer(multiuser=True, strict_passwords=True)
    with LocalServer(multiuser=True, settings=settings) as real, ours:
        assert_same(talk_about_accounts, ours.url, real.url)
