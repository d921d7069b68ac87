"""What the benchmarks share: a simulated server, a stopwatch, one table."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Optional

HTTP_LOGGERS = ("httpx", "httpx2")
WORKFLOWS = Path(__file__).resolve().parent.parent / "examples" / "workflows"


@contextmanager
def simulated_server(job_seconds: float) -> Iterator[str]:
    """The address of a simulated server in a process of its own.

    In this one it would take its time from whoever is measured.
    """
    module = "invokeai_py_client.simulator"
    options = ["--port", "0", "--job-delay", str(job_seconds)]
    process = subprocess.Popen(
        [sys.executable, "-m", module, *options], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"]
    finally:
        process.terminate()
        process.communicate()


class _Requests(logging.Filter):
    """Counts the lines that the HTTP library logs, and keeps them from the log."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def filter(self, record: logging.LogRecord) -> bool:
        del record
        self.count += 1
        return False


class SideBySide:
    """Times ways to do the same thing, and prints them under one another.

    Both use the same HTTP library, whose log tells how many requests there were.
    """

    def __init__(self) -> None:
        self._requests = _Requests()
        for name in HTTP_LOGGERS:
            logging.getLogger(name).setLevel(logging.INFO)
            logging.getLogger(name).addFilter(self._requests)
        logging.getLogger("invokeai_py_client").setLevel(logging.ERROR)
        self._baseline: Optional[float] = None
        row = f"{'':<46}{'seconds':>9}{'times':>8}{'requests':>10}{'CPU ms':>9}"
        sys.stdout.write(f"{row}\n")

    def task(self, name: str) -> None:
        """Begin a group; its first way is what the others are compared with."""
        self._baseline = None
        sys.stdout.write(f"\n{name}\n")

    def way(self, name: str, do: Callable[[], Any], *, times: int = 1) -> Any:
        """Time one way, the best of some times, and print its row; what `do` gave."""
        best, used = float("inf"), 0.0
        for _ in range(times):
            self._requests.count = 0
            processor, start = time.process_time(), time.perf_counter()
            result = do()
            took = time.perf_counter() - start
            if took < best:
                best, used = took, time.process_time() - processor
        if self._baseline is None:
            self._baseline = best
        sys.stdout.write(
            f"  {name:<44}{best:>9.2f}{self._baseline / best:>7.1f}x"
            f"{self._requests.count:>10}{1000 * used:>9.0f}\n"
        )
        sys.stdout.flush()
        return result
