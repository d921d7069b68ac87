"""What a sweep costs the client: planning it, making its batches, and running it.

Run it with the project's Python: `python benchmarks/bench_sweeps.py`. Times are
processor time of the client alone; the simulated server is a process of its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from side_by_side import WORKFLOWS, simulated_server

from invokeai_py_client import InvokeAIClient
from invokeai_py_client.sweep.chunks.prepare_chunk import prepare_chunk
from invokeai_py_client.sweep.planning.base_plan import BaseSweepPlan
from invokeai_py_client.sweep.planning.plan_sweep import plan_sweep

FILE = WORKFLOWS / "blank.json"
WIDTHS = [64 + 8 * step for step in range(100)]
CHUNK = 200


@dataclass(frozen=True)
class Item:
    """An item as the ledger has it."""

    index: int
    key: str
    values: dict[str, Any]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--planned", type=int, default=1_000_000)
    parser.add_argument("--items", type=int, default=10_000)
    options = parser.parse_args()
    with simulated_server(0.0) as url, InvokeAIClient.from_url(url) as client:
        workflow = client.workflow_repo.load(FILE)
        print(f"{'':34}{'items':>10}{'seconds':>9}{'ms/item':>9}{'MB':>6}")
        plan_product(workflow, options.planned)
        plan_rows(workflow, options.planned)
        make_batches(workflow, options.items)
        run_all(workflow, options.items)


def told(what: str, count: int, work: Callable[[], Any]) -> Any:
    """Do it, and print what it took."""
    start = time.process_time()
    result = work()
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    each = 1000 * seconds / count
    print(f"{what:34}{count:10,}{seconds:9.2f}{each:9.4f}{peak:6.0f}")
    return result


def plan_product(workflow: Any, count: int) -> None:
    """Plan combinations, and make every item once."""
    values = {"width": WIDTHS, "height": WIDTHS}
    runs = max(count // len(WIDTHS) ** 2, 1)
    plan = BaseSweepPlan(plan_sweep(workflow, product=values, runs=runs))
    told("plan a product", len(plan), lambda: all_items(plan))


def plan_rows(workflow: Any, count: int) -> None:
    """Plan a table that is read from a generator, and make every item once."""

    def rows() -> Iterator[dict[str, int]]:
        for number in range(count):
            yield {"width": 8 * (number + 1), "height": WIDTHS[number % 100]}

    def read() -> BaseSweepPlan:
        return BaseSweepPlan(plan_sweep(workflow, rows=rows()))

    plan = told("read a table", count, read)
    told("plan its rows", count, lambda: all_items(plan))


def all_items(plan: BaseSweepPlan) -> int:
    """Make every item, and keep none."""
    return sum(1 for _ in plan._planned_items())


def make_batches(workflow: Any, count: int) -> None:
    """Compile and check the batches of a sweep; nothing is sent."""
    found = BaseSweepPlan(plan_sweep(workflow, product=sizes(count)))
    items = [
        Item(item.index, item.key, json.loads(item.values))
        for item in found._planned_items()
    ]
    context = workflow._context()

    def work() -> None:
        for start in range(0, count, CHUNK):
            part = items[start : start + CHUNK]
            flow = prepare_chunk(context, workflow, part, f"b{start}", "ivk-bench")
            workflow._runner.run(flow)

    told(f"make batches of {CHUNK}", count, work)


def run_all(workflow: Any, count: int) -> None:
    """Run a sweep to its end: everything that the client does for an item."""
    with tempfile.TemporaryDirectory() as folder:
        plan = workflow.sweep(product=sizes(count))
        told("run, with every image downloaded", count, lambda: plan.run(folder))


def sizes(count: int) -> dict[str, Any]:
    """Small images of different sizes."""
    return {"width": range(8, 8 * (count // 10) + 8, 8), "height": WIDTHS[:10]}


if __name__ == "__main__":
    main()
