"""Running workflows: this library and what one would write by hand, side by side.

Run it with the project's Python: `python benchmarks/bench_running.py`. A simulated
server in a process of its own takes the same time for every job, so that what differs
is how soon an end is noticed, what is asked on the way, and what is done at once. By
hand means the same HTTP library, a graph that was exported once, and a loop that asks
four times a second whether the job is done.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from side_by_side import WORKFLOWS, SideBySide, simulated_server

from invokeai_py_client import AsyncInvokeAIClient, InvokeAIClient

if sys.version_info >= (3, 10):
    import httpx2 as httpx
else:
    import httpx

FILE = WORKFLOWS / "blank.json"
JOB_SECONDS = 0.1
POLL_SECONDS = 0.25
T = TypeVar("T")

OVER = ("completed", "failed", "canceled")


class ByHand:
    """The plain way: a session, a graph and a loop; no checks, no second tries."""

    def __init__(self, url: str, graph: dict[str, Any]) -> None:
        self.url = url
        self.http = httpx.Client(base_url=url)
        self.graph = graph

    def enqueue(self, width: int, runs: int = 1) -> list[int]:
        """Put a job for a picture of this width into the queue."""
        nodes = {
            key: {**node, "width": width} if "width" in node else node
            for key, node in self.graph["nodes"].items()
        }
        batch = {"graph": {**self.graph, "nodes": nodes}, "runs": runs}
        reply = self.http.post(
            "/api/v1/queue/default/enqueue_batch", json={"batch": batch}
        )
        return sorted(reply.raise_for_status().json()["item_ids"])

    def wait(self, item_id: int) -> list[str]:
        """Ask until the job is over; the names of its images."""
        while True:
            path = f"/api/v1/queue/default/i/{item_id}"
            job = self.http.get(path).raise_for_status().json()
            if job["status"] in OVER:
                results = job["session"]["results"].values()
                return [item["image"]["image_name"] for item in results]
            time.sleep(POLL_SECONDS)  # noqa: TID251  what one would write

    def fetch(self, name: str) -> bytes:
        """The file of an image."""
        return self.http.get(f"/api/v1/images/i/{name}/full").raise_for_status().content


def widths(count: int) -> list[int]:
    """Sizes that differ, so that no job is taken from the server's cache."""
    return [64 + 8 * at for at in range(count)]


class InTasks:
    """The asyncio client, with a loop of its own that stands still in between."""

    def __init__(self, url: str) -> None:
        self._loop = asyncio.new_event_loop()
        self.client = AsyncInvokeAIClient(url)
        self.blank = self.do(self.client.workflow_repo.load(FILE))
        self.do(self.blank.run())

    def do(self, awaitable: Awaitable[T]) -> T:
        """Run the loop until this is done."""
        return self._loop.run_until_complete(awaitable)

    def run_all(self, sizes: Sequence[int]) -> None:
        """A task for each job."""

        async def run() -> None:
            await asyncio.gather(*(self.blank.run(width=width) for width in sizes))

        self.do(run())

    def close(self) -> None:
        """Close the client and its loop."""
        self.do(self.client.close())
        self._loop.close()


def run_jobs(
    table: SideBySide, by_hand: ByHand, client: InvokeAIClient, tasks: InTasks
) -> None:
    """The same jobs: one after the other, together, and from many tasks."""
    blank = client.workflow_repo.load(FILE)
    sizes = widths(20)

    def each_by_hand() -> None:
        for width in sizes:
            for item_id in by_hand.enqueue(width):
                by_hand.wait(item_id)

    def together_by_hand() -> None:
        ids = [item_id for width in sizes for item_id in by_hand.enqueue(width)]
        for item_id in ids:
            by_hand.wait(item_id)

    def together() -> None:
        calls = [(blank, {"width": width}) for width in sizes]
        for submission in client.submit_many(calls):
            submission.wait()

    def in_threads() -> None:
        with ThreadPoolExecutor(len(sizes)) as pool:
            list(pool.map(lambda width: blank.run(width=width), sizes))

    table.task(f"{len(sizes)} jobs of {JOB_SECONDS:g} s, each with values of its own")
    table.way("by hand: enqueue, poll, the next", each_by_hand)
    table.way("run(), one after the other", lambda: [blank.run(width=w) for w in sizes])
    table.way("by hand: enqueue all, poll each", together_by_hand)
    table.way("submit_many(), then wait()", together)
    table.way("run() in 20 threads", in_threads)
    table.way("asyncio: run() in 20 tasks", lambda: tasks.run_all(sizes))


def sweep(table: SideBySide, by_hand: ByHand, client: InvokeAIClient) -> list[Any]:
    """Many jobs of one batch; their images."""
    blank = client.workflow_repo.load(FILE)
    runs = 100

    def poll_all() -> list[str]:
        names: list[str] = []
        for item_id in by_hand.enqueue(72, runs):
            names += by_hand.wait(item_id)
        return names

    table.task(f"one batch of {runs} jobs")
    table.way("by hand: one enqueue, poll each", poll_all)
    found = table.way("submit(runs=100).wait()", lambda: blank.submit(runs=runs).wait())
    return list(found.images)


def download(
    table: SideBySide,
    by_hand: ByHand,
    client: InvokeAIClient,
    tasks: InTasks,
    images: Sequence[Any],
) -> None:
    """Files of images, one by one or several at once."""
    names = [image.image_name for image in images]
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder)

        def plain() -> None:
            for name in names:
                (target / name).write_bytes(by_hand.fetch(name))

        table.task(f"{len(names)} images to files")
        table.way("by hand: one after the other", plain, times=3)
        table.way(
            "image.save()", lambda: [image.save(target) for image in images], times=3
        )
        many = partial(client.image_repo.download_images, names, target)
        table.way("download_images()", many, times=3)
        images_of = tasks.client.image_repo
        table.way(
            "asyncio: download_images()",
            lambda: tasks.do(images_of.download_images(names, target)),
            times=3,
        )


def ask(table: SideBySide, by_hand: ByHand, client: InvokeAIClient) -> None:
    """Small questions: what a connection and a client of their own cost."""
    path, count = "/api/v1/queue/default/status", 50

    def client_each() -> None:
        for _ in range(count):
            with InvokeAIClient(client.url) as other:
                other.queue_repo.get_queue_status()

    table.task(f"{count} times the state of the queue")
    table.way(
        "by hand: httpx.get(), a connection each",
        lambda: [httpx.get(by_hand.url + path).json() for _ in range(count)],
        times=3,
    )
    table.way(
        "by hand: one httpx.Client",
        lambda: [by_hand.http.get(path).json() for _ in range(count)],
        times=3,
    )
    table.way("a client for each", client_each, times=3)
    status = client.queue_repo.get_queue_status
    table.way("one client: typed", lambda: [status() for _ in range(count)], times=3)


def list_all(table: SideBySide, by_hand: ByHand, client: InvokeAIClient) -> None:
    """A long list: plain JSON and typed objects."""
    queue = "/api/v1/queue/default"

    def plain() -> int:
        ids = by_hand.http.get(f"{queue}/item_ids").json()["item_ids"]
        body = {"item_ids": ids}
        return len(
            by_hand.http.post(f"{queue}/item_summaries_by_ids", json=body).json()
        )

    table.task("every job of the queue")
    table.way("by hand: JSON", plain, times=3)
    table.way(
        "list_jobs(): typed", lambda: list(client.queue_repo.list_jobs()), times=3
    )


def main() -> None:
    """Print one table."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    with simulated_server(JOB_SECONDS) as url, InvokeAIClient(url) as client:
        blank = client.workflow_repo.load(FILE)
        # Warms both up, and gives the graph that one would have by hand.
        blank.run()
        by_hand = ByHand(url, dict(blank.preview().graph))
        tasks = InTasks(url)
        table = SideBySide()
        run_jobs(table, by_hand, client, tasks)
        images = sweep(table, by_hand, client)
        download(table, by_hand, client, tasks, images)
        ask(table, by_hand, client)
        list_all(table, by_hand, client)
        tasks.close()
        by_hand.http.close()


if __name__ == "__main__":
    main()
