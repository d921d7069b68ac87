"""A sweep on a farm of unequal servers, beside threads that take turns.

Run it with the project's Python: `python benchmarks/bench_farm.py`. Four simulated
servers in processes of their own take lognormal times for a job; one is killed on the
way, one comes later. `--live` runs a sweep over prompts, seeds and models on two real
servers instead, one of which is killed and started again.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Optional

from invokeai_py_client import InvokeAIClient
from invokeai_py_client._core import retry
from invokeai_py_client._local_server.process import free_port
from invokeai_py_client.exceptions import InvokeAIError
from invokeai_py_client.server import LocalServer
from invokeai_py_client.simulator import SimulatedServer, model_record
from invokeai_py_client.sweep import Sweep
from invokeai_py_client.sweep.running import engine_flows, sweep_work

SPEEDS = (0.5, 1.0, 1.5, 2.0)
MODELS = ("model a", "model b", "model c")
# Times and patience of a farm whose jobs take 2 to 20 s, so many times as fast.
SCALE = 8.0
KILLED, LATE = 1, 3


# -- a server in a process of its own ------------------------------------------------


def serve(port: int, speed: float, log: Path) -> None:
    """Run a simulated server, and log when each job began and ended."""
    draw = random.Random(port)
    models = [model_record(name, base="sd-1", type="main") for name in MODELS]
    server = SimulatedServer(port=port, models=models)

    with server, log.open("a") as file:

        def note(event: str, payload: Any) -> None:
            if event == "queue_item_status_changed":
                if payload["status"] == "in_progress":
                    # Before the job reads how long it is to take.
                    usual = min(max(draw.lognormvariate(1.85, 0.5), 2.0), 20.0)
                    server.settings.job_delay = usual / SCALE / speed
                line = [time.time(), payload["item_id"], payload["status"]]
                file.write(json.dumps(line) + "\n")
                file.flush()

        server.simulation.listen(note)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        signal.sigwait([signal.SIGTERM])


@dataclass
class FarmServer:
    """A process, and what its log says afterwards."""

    speed: float
    log: Path
    port: int = field(default_factory=free_port)
    began: Optional[float] = None
    ended: Optional[float] = None
    process: Optional[subprocess.Popen[str]] = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it; returns when it answers."""
        command = [sys.executable, __file__, "--serve", str(self.port)]
        command += ["--speed", str(self.speed), "--log", str(self.log)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.process = process
        assert process.stdout is not None
        process.stdout.readline()
        self.began = time.time()

    def kill(self, number: int = signal.SIGKILL) -> None:
        """End it."""
        if self.process is not None and self.ended is None:
            self.process.send_signal(number)
            self.process.communicate()
            self.ended = time.time()

    def jobs(self) -> list[tuple[float, float]]:
        """When each job began and ended."""
        began: dict[int, float] = {}
        found = []
        for line in self.log.read_text().splitlines():
            moment, job, status = json.loads(line)
            if status == "in_progress":
                began[job] = moment
            elif job in began:
                found.append((began.pop(job), moment))
        return found


@contextmanager
def farm(folder: Path) -> Iterator[list[FarmServer]]:
    """Four servers, of which the last is not there yet."""
    servers = [FarmServer(s, folder / f"{n}.log") for n, s in enumerate(SPEEDS)]
    for number, server in enumerate(servers):
        server.log.touch()
        if number != LATE:
            server.start()
    try:
        yield servers
    finally:
        for server in servers:
            server.kill(signal.SIGTERM)


# -- two ways ------------------------------------------------------------------------


@dataclass
class Finished:
    """An item that is done."""

    server: str
    model: str


def by_sweep(
    servers: list[FarmServer], count: int, folder: Path, tell: Callable[[int], None]
) -> list[Finished]:
    """One call."""
    found = []
    with InvokeAIClient(servers[0].url, settle_time=0.5) as client:
        workflow = client.workflow_repo.create_workflow(workflow_with_model())
        plan = workflow.sweep(product=values(count))
        urls = [server.url for server in servers]
        for item in plan.stream(folder, servers=urls):
            assert item.status == "done", item
            found.append(Finished(item.server, str(item.values["model"])))
            tell(len(found))
    return found


def by_hand(
    servers: list[FarmServer], count: int, folder: Path, tell: Callable[[int], None]
) -> list[Finished]:
    """A thread for each server, which take turns; what failed is tried by others."""
    found: list[Finished] = []
    again: list[dict[str, Any]] = []
    lock = threading.Lock()
    axes = values(count)
    rows = [
        {"model": model, "width": width, "height": height}
        for model in axes["model"]
        for width in axes["width"]
        for height in axes["height"]
    ]

    def work(number: int, mine: Iterator[dict[str, Any]]) -> None:
        url = servers[number].url
        with InvokeAIClient(url, max_retries=0, settle_time=0.1) as client:
            workflow = None
            for row in mine:
                try:
                    if workflow is None:
                        definition = workflow_with_model()
                        workflow = client.workflow_repo.create_workflow(definition)
                    image = workflow.run(**row, timeout=60).image
                    with lock:
                        image.save(folder / f"{len(found)}.png")
                        found.append(Finished(url, row["model"]))
                        tell(len(found))
                except InvokeAIError:  # noqa: PERF203  it is what one would write
                    again.append(row)

    folder.mkdir()
    left = rows
    while len(found) < len(rows):
        here = [n for n, server in enumerate(servers) if server.ended is None]
        threads = [
            threading.Thread(target=work, args=(number, iter(left[turn :: len(here)])))
            for turn, number in enumerate(here)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        left, again[:] = list(again), []
    return found


def workflow_with_model() -> Any:
    """A workflow that loads a model beside the image that it makes."""
    support = Path(__file__).resolve().parent.parent / "tests" / "support"
    sys.path.insert(0, str(support))
    from workflow_builder import definition, node

    size = {"width": 8, "height": 8}
    made = node("b", "blank_image", size, is_intermediate=False)
    made["data"]["useCache"] = False
    loader = node("m", "main_model_loader", {"model": None})
    form = [("m", "model"), ("b", "width"), ("b", "height")]
    return definition([made, loader], form=form)


def values(count: int) -> dict[str, Any]:
    """So many items, of three models."""
    heights = range(8, 8 + 10)
    widths = range(8, 8 + count // (len(MODELS) * len(heights)))
    return {"model": list(MODELS), "width": widths, "height": heights}


# -- what is told --------------------------------------------------------------------


def measure(name: str, way: Callable[..., list[Finished]], count: int) -> None:
    """Run one way, and print how it compares with the best possible."""
    with tempfile.TemporaryDirectory() as kept, farm(Path(kept)) as servers:
        late = servers[LATE]

        def tell(done: int) -> None:
            if done == count // 4:
                # In a thread of its own: a start takes a second.
                threading.Thread(target=late.start).start()
            if done == count * 9 // 20:
                servers[KILLED].kill()

        start = time.time()
        found = way(servers, count, Path(kept) / "out", tell)
        end = time.time()
        jobs = [server.jobs() for server in servers]
        total = sum(
            server.speed * sum(b - a for a, b in done)
            for server, done in zip(servers, jobs)
        ) * (len(found) / max(sum(map(len, jobs)), 1))
        bound = lower_bound(servers, start, total)
        there = sum(presence(server, start, end) for server in servers)
        busy = sum(b - a for done in jobs for a, b in done)
        switches = 0
        for server in servers:
            models = [item.model for item in found if item.server == server.url]
            switches += sum(a != b for a, b in zip(models, models[1:]))
        sys.stdout.write(
            f"{name:<22}{len(found):>7}{end - start:>9.1f}{bound:>9.1f}"
            f"{(end - start) / bound:>8.2f}{100 * (1 - busy / there):>8.1f}"
            f"{switches:>10}{sum(map(len, jobs)):>7}\n"
        )
        sys.stdout.flush()


def presence(server: FarmServer, start: float, end: float) -> float:
    """For how long a server was there."""
    if server.began is None:
        return 0.0
    return max(min(server.ended or end, end) - max(server.began, start), 0.0)


def lower_bound(servers: list[FarmServer], start: float, work: float) -> float:
    """Seconds in which these could do the work if it were a liquid."""
    moment, step = start, 0.01
    while work > 0 and moment < start + 3600:
        work -= step * sum(
            server.speed
            for server in servers
            if server.began is not None
            and server.began <= moment
            and (server.ended is None or moment < server.ended)
        )
        moment += step
    return moment - start


# -- two real servers ----------------------------------------------------------------


def live(count: int) -> None:
    """A sweep over prompts, seeds and models on two servers, one killed on the way."""
    with tempfile.TemporaryDirectory() as kept:
        folder = Path(kept)
        one, two = (LocalServer(root=folder / name, timeout=400) for name in "ab")
        starting = threading.Thread(target=two.start)
        starting.start()
        with one:
            starting.join()
            with two:
                run_live(folder, one, two, count)


def run_live(folder: Path, one: LocalServer, two: LocalServer, count: int) -> None:
    """The same on servers that run."""
    models = ["tiny-sd1", "tiny-sd1-b"]
    for server in (one, two):
        server.install_tiny_models()
        with InvokeAIClient(server.url) as client:
            source = Path(str(client.model_repo.get_model(models[0]).path))
            copied = folder / "model"
            if not copied.exists():
                shutil.copytree(source, copied)
                for weights in copied.glob("unet/*.safetensors"):
                    with weights.open("r+b") as file:
                        file.seek(-4, os.SEEK_END)
                        file.write(b"\0\0\0\0")
            installing = client.model_repo.install_model(copied, name=models[1])
            installing.wait(timeout=120)
    with InvokeAIClient(one.url) as client:
        workflow = client.workflow_repo.load("Text to Image - SD1.5")
        for name in ("width", "height"):
            workflow.set_node_value("noise", name, 64)
        workflow.set_node_value("denoise_latents", "steps", 1)
        prompts = [f"a lighthouse, {n}" for n in range(count // 6)]
        plan = workflow.sweep(
            product={"model": models, "positive_prompt": prompts, "seed": [1, 2, 3]}
        )
        left = [two]
        start, by_server = time.time(), dict.fromkeys((one.url, two.url), 0)
        for item in plan.stream(folder / "s", servers=[one.url, two.url]):
            assert item.status == "done", item
            by_server[item.server] += 1
            if left and sum(by_server.values()) >= len(plan) // 3:
                server = left.pop()
                server.kill()
                threading.Thread(target=server.start).start()
        seconds = time.time() - start
        sweep = Sweep.open(folder / "s")
        status = sweep.status()
        files = {path for item in sweep.items() for path in item.paths}
        assert status.done == len(plan) == len(files), status
        assert all(path.stat().st_size for path in files)
        sys.stdout.write(f"{status}; {seconds:.0f} s; {list(by_server.values())}\n")


def be_quick() -> None:
    """Wait for servers so many times shorter as their jobs are."""
    retry.GIVE_UP_SECONDS /= SCALE
    retry.GIVE_UP_FAILURES = 2
    engine_flows.PROBE /= SCALE
    seconds = sweep_work.OPTIONS.switch_seconds / SCALE
    sweep_work.OPTIONS = replace(sweep_work.OPTIONS, switch_seconds=seconds)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=240)
    parser.add_argument("--live", action="store_true")
    parser.add_argument("--serve", type=int, metavar="PORT")
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--log", type=Path)
    options = parser.parse_args()
    if options.serve is not None:
        serve(options.serve, options.speed, options.log)
        return
    be_quick()
    if options.live:
        live(min(options.items, 96))
        return
    head = f"{'':<22}{'items':>7}{'seconds':>9}{'bound':>9}{'ratio':>8}"
    sys.stdout.write(f"{head}{'idle %':>8}{'switches':>10}{'jobs':>7}\n")
    measure("threads that take turns", by_hand, options.items)
    measure("one sweep", by_sweep, options.items)


if __name__ == "__main__":
    main()
