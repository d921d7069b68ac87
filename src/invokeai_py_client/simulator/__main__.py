"""`python -m invokeai_py_client.simulator`: a simulated server in its own process."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Optional, get_args

from .base.settings import Rules
from .server import SimulatedServer, SimulatorStartError


def _serve(server: SimulatedServer) -> None:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with server:
        sys.stdout.write(json.dumps({"url": server.url, "port": server.port}) + "\n")
        sys.stdout.flush()
        # Windows delivers Ctrl-C only between two waits.
        while not stop.wait(0.5):
            pass


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run a simulated server until it is interrupted; returns the exit status.

    The address is written to the standard output as soon as the server answers. The
    options are the arguments of `SimulatedServer`.
    """
    parser = argparse.ArgumentParser(
        prog="python -m invokeai_py_client.simulator", description=__doc__
    )
    parser.add_argument("--port", type=int, default=9090)
    parser.add_argument("--root", type=Path)
    parser.add_argument("--multiuser", action="store_true")
    parser.add_argument("--poison", choices=("refuse", "imitate"), default="refuse")
    parser.add_argument("--job-delay", type=float, default=0.0)
    parser.add_argument("--step-delay", type=float, default=0.0)
    parser.add_argument("--devices", type=int, default=1)
    parser.add_argument("--max-pixels", type=int)
    parser.add_argument("--rules", choices=get_args(Rules), default="6")
    parser.add_argument("--snapshot", type=Path)
    options = parser.parse_args(arguments)
    try:
        _serve(SimulatedServer(**vars(options)))
    except (SimulatorStartError, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
