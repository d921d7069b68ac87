"""Edges that close a loop are found as a plain search finds them, but much faster."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from typing import Any

import pytest
from workflow_builder import connector, document, node

from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.workflow.document.definition import WorkflowDefinition
from invokeai_py_client.workflow.loading.cycle_detection import CycleDetector, has_loop
from invokeai_py_client.workflow.loading.load_workflow import load_workflow

CATALOG = NodeCatalog.bundled()

Link = tuple[str, str]


def greedy(links: list[Link]) -> list[Link]:
    """What is accepted when each edge is judged by a search of those before it."""
    kept: list[Link] = []
    for link in links:
        if not has_loop([*kept, link]):
            kept.append(link)
    return kept


def detected(links: list[Link]) -> list[Link]:
    detector = CycleDetector(links)
    kept = []
    for number, (source, target) in enumerate(links):
        if not detector.closes_loop(source, target):
            detector.add(source, target, str(number))
            kept.append((source, target))
    return kept


def random_links(seed: int) -> list[Link]:
    numbers = random.Random(seed)
    nodes = numbers.randint(1, 9)
    count = numbers.randint(0, 24)
    return [
        (str(numbers.randrange(nodes)), str(numbers.randrange(nodes)))
        for _ in range(count)
    ]


@pytest.mark.parametrize("first", range(0, 2000, 100))
def test_the_same_edges_are_accepted_as_by_a_plain_search(first: int) -> None:
    for seed in range(first, first + 100):
        links = random_links(seed)
        assert detected(links) == greedy(links), (seed, links)


@pytest.mark.parametrize("first", range(0, 1000, 100))
def test_a_path_without_some_edges_is_found_as_by_a_plain_search(first: int) -> None:
    for seed in range(first, first + 100):
        links = greedy(random_links(seed))
        detector = CycleDetector([*links, *((b, a) for a, b in links)])
        for number, link in enumerate(links):
            detector.add(*link, str(number))
        numbers = random.Random(seed)
        hidden = {str(number) for number in range(len(links)) if numbers.random() < 0.3}
        left = [link for number, link in enumerate(links) if str(number) not in hidden]
        for start, end in ((b, a) for a, b in links):
            closes = has_loop([*left, (end, start)])
            assert detector.leads(start, end, hidden) == closes, (seed, start, end)


def test_accepting_a_loop_makes_every_further_edge_close_one() -> None:
    links = [("a", "b"), ("b", "a"), ("c", "d")]
    detector = CycleDetector(links)
    for number, link in enumerate(links[:2]):
        detector.add(*link, str(number))
    assert detector.has_loop
    assert detector.closes_loop("c", "d")


def chain(size: int) -> list[Link]:
    return [(str(number), str(number + 1)) for number in range(size)]


def back(size: int, target: int) -> list[Link]:
    return [(str(number), str(min(number, target))) for number in range(1, size)]


SHAPES = {
    "all lead back to the first node": lambda size: chain(size) + back(size, 0),
    "each leads back by one": lambda size: (
        chain(size) + [(b, a) for a, b in chain(size)]
    ),
    "backwards first": lambda size: [(b, a) for a, b in chain(size)] + chain(size),
    "back and forth in turn": lambda size: [
        link for a, b in chain(size) for link in ((a, b), (b, a))
    ],
}


def lines_run(module: str, work: Callable[[], object]) -> int:
    """How many lines of a module run: unlike a time, always the same."""
    count = 0

    def trace(frame: Any, event: str, _: Any) -> Any:
        nonlocal count
        if not frame.f_code.co_filename.endswith(module):
            return None
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_the_work_grows_with_the_number_of_edges_not_with_its_square(shape) -> None:
    def cost(size: int) -> int:
        return lines_run("cycle_detection.py", lambda: detected(shape(size)))

    # Eight times the edges; a square would be 64 times the work.
    assert cost(1_600) < 12 * cost(200)


@pytest.mark.parametrize("module", ["cycle_detection.py", "edge_index.py"])
def test_edges_into_connectors_that_feed_nodes_already_load_in_linear_time(
    module: str,
) -> None:
    def cost(size: int) -> int:
        names = [f"n{number}" for number in range(size)]
        nodes = [*(node(name, "add") for name in names)]
        nodes += [connector(f"c{number}") for number in range(size - 1)]
        pairs = list(zip(names, names[1:]))
        out = [f"c{at}.out -> {after}.a" for at, (_, after) in enumerate(pairs)]
        into = [f"{before}.value -> c{at}.in" for at, (before, _) in enumerate(pairs)]
        definition = WorkflowDefinition.from_dict(document(nodes, [*out, *into]))
        return lines_run(module, lambda: load_workflow(definition, CATALOG))

    assert cost(400) < 12 * cost(50)
