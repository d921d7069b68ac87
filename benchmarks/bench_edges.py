"""Whether an edge closes a loop, asked of a whole file: our way and the plain one.

Run it with the project's Python: `python benchmarks/bench_edges.py`. The plain way
walks all edges accepted so far for each further one, which costs the square of their
number; `LoopGuard` keeps the nodes in an order. Both must give the same answers.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable

from invokeai_py_client.workflow.acyclic import Link, LoopGuard, has_loop

SIZES = (250, 500, 1000, 2000)


def chain(size: int) -> list[Link]:
    """Each node feeds the next, the last link first."""
    return [(f"n{at}", f"n{at + 1}") for at in reversed(range(size))]


def tangle(size: int) -> list[Link]:
    """Links between nodes drawn at random, many of which close loops."""
    draw = random.Random(7)
    nodes = [f"n{at}" for at in range(size // 2)]
    return [(draw.choice(nodes), draw.choice(nodes)) for _ in range(size)]


SHAPES: dict[str, Callable[[int], list[Link]]] = {"chain": chain, "tangle": tangle}


def by_order(links: list[Link]) -> list[Link]:
    """The links that are kept, as loading a workflow decides it."""
    guard = LoopGuard(links)
    kept = []
    for link in links:
        if not guard.closes_loop(link):
            guard.add(link)
            kept.append(link)
    return kept


def by_walking(links: list[Link]) -> list[Link]:
    """The same by looking through everything kept so far for each link."""
    kept: list[Link] = []
    for link in links:
        if not has_loop([*kept, link]):
            kept.append(link)
    return kept


def timed(
    decide: Callable[[list[Link]], list[Link]], links: list[Link]
) -> tuple[float, list[Link]]:
    """Seconds, and the links that were kept."""
    start = time.process_time()
    kept = decide(links)
    return time.process_time() - start, kept


def main() -> None:
    """Print both times side by side for each shape and size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    sizes = parser.parse_args().sizes
    for name, shape in SHAPES.items():
        print(f"\n{name}: milliseconds")
        print(f"{'edges':>7} {'order':>9} {'walking':>9} {'times':>7}")
        for size in sizes:
            links = shape(size)
            ours, kept = timed(by_order, links)
            plain, wanted = timed(by_walking, links)
            if kept != wanted:
                raise SystemExit(f"{name} {size}: the two ways keep other links")
            ratio = plain / max(ours, 1e-6)
            print(f"{size:>7} {1000 * ours:>9.1f} {1000 * plain:>9.1f} {ratio:>7.0f}")


if __name__ == "__main__":
    main()
