"""`python -m invokeai_py_client.simulator`: a simulated server in its own process."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Optional

from .server import SimulatedServer, SimulatorStartError


def serve(
    *,
    port: int = 9090,
    root: Optional[Path] = None,
    multiuser: bool = False,
    poison: str = "refuse",
    job_delay: float = 0.0,
    step_delay: float = 0.0,
    snapshot: Optional[Path] = None,
) -> None:
    """Run a simulated server until it is interrupted or terminated.

    The address is written to the standard output as soon as the server answers.

    Args:
        port: Where to listen; 0 takes a free port.
        root: A folder for what must survive a restart.
        multiuser: Demand a login.
        poison: `refuse` or `imitate`; see `SimulatedServer`.
        job_delay: Seconds every job takes at least.
        step_delay: Seconds of one denoising step.
        snapshot: A file made from a real server, whose nodes and models to offer.

    Raises:
        SimulatorStartError: The port is taken, or the server did not come up.
        OSError: The snapshot cannot be read.
        ValueError: The snapshot is not one.
    """
    server = SimulatedServer(
        port=port,
        root=root,
        multiuser=multiuser,
        poison="imitate" if poison == "imitate" else "refuse",
        job_delay=job_delay,
        step_delay=step_delay,
        snapshot=snapshot,
    )
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
    """Read the command line and serve; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m invokeai_py_client.simulator", description=__doc__
    )
    parser.add_argument("--port", type=int, default=9090)
    parser.add_argument("--root", type=Path)
    parser.add_argument("--multiuser", action="store_true")
    parser.add_argument("--poison", choices=("refuse", "imitate"), default="refuse")
    parser.add_argument("--job-delay", type=float, default=0.0)
    parser.add_argument("--step-delay", type=float, default=0.0)
    parser.add_argument("--snapshot", type=Path)
    options = parser.parse_args(arguments)
    try:
        serve(**vars(options))
    except (SimulatorStartError, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
