"""What the ledger of a sweep costs for each item, and how much memory it takes.

Run it with the project's Python: `python benchmarks/bench_ledger.py`. Every item is
planned, taken, intended in batches, accepted, finished and listed, as a run does it;
`--items 1000000` shows that memory does not grow.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from invokeai_py_client.sweep.folder.manifest import write_manifests
from invokeai_py_client.sweep.ledger.ledger import Ledger
from invokeai_py_client.sweep.ledger.records import BatchIntent, BatchJob, OutputRow

CHUNK = 200
PAYLOAD = b"x" * 100_000


@dataclass(frozen=True)
class Item:
    """An item as a plan has it."""

    index: int
    key: str
    values: str
    part: str


def plan(count: int) -> Iterator[Item]:
    """Items of three models."""
    for n in range(count):
        values = (
            f'{{"positive_prompt":"a lighthouse in fog {n}","seed":{n},"steps":20}}'
        )
        yield Item(n, f"lighthouse-{n}", values, f"part-{n % 3}")


class Clock:
    """Adds up the seconds of each step."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def measure(self, step: str) -> Iterator[None]:
        """Count what is inside."""
        start = time.perf_counter()
        yield
        self.seconds[step] += time.perf_counter() - start


def run(ledger: Ledger, count: int, clock: Clock) -> None:
    """Do everything that a run does, without a server."""
    with clock.measure("plan"):
        ledger.add_items(plan(count))
    with clock.measure("plan again"):
        ledger.add_items(plan(count))
    for part in ledger.parts():
        while True:
            with clock.measure("take"):
                items = ledger.take(part, CHUNK)
            if not items:
                break
            batch_id = f"batch-{items[0].index}"
            attempts = tuple((item.index, 1) for item in items)
            with clock.measure("intend"):
                intent = BatchIntent(batch_id, "http://a", attempts, PAYLOAD, "digest")
                ledger.intend(intent)
            jobs = [
                BatchJob(n, item.index, f"session-{n}") for n, item in enumerate(items)
            ]
            with clock.measure("accept"):
                ledger.accept(batch_id, jobs)
            with clock.measure("done"):
                for n, item in enumerate(items):
                    path = f"images/{item.index // 1000:05d}/{item.index:05d}.png"
                    output = OutputRow(0, f"{n}.png", path, "ab" * 32, 10**6, 512, 512)
                    ledger.done(batch_id, n, [output], {"seeds": {"seed": n}})
            with clock.measure("over"):
                ledger.mark_over(batch_id)
            with clock.measure("counts"):
                ledger.counts()


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=10_000)
    count = parser.parse_args().items
    clock = Clock()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Ledger.create(folder / "ledger.db", {}) as ledger:
            run(ledger, count, clock)
            with clock.measure("manifests"):
                write_manifests(folder, ledger)
        with clock.measure("resume"), Ledger.open(folder / "ledger.db") as ledger:
            ledger.open_batches()
            ledger.counts()
        size = (folder / "ledger.db").stat().st_size
    print(f"{count} items in batches of {CHUNK}")
    for step, seconds in clock.seconds.items():
        print(f"  {step:12} {seconds:8.3f} s {seconds / count * 1e3:8.4f} ms per item")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"  memory at most {peak} MB, ledger {size / 2**20:.1f} MB")


if __name__ == "__main__":
    main()
