"""How long the way is from `handle.submit()` to the server, counted in functions.

Run it with the project's Python: `python benchmarks/submit_path.py`. A workflow of six
nodes is submitted twice to a simulated server in another process: the first submission
asks for the server's version and models, and loads the workflow with that server's node
types; the second has all but the models at hand. The node types are the bundled ones
both times, nothing is kept on disk.

Only this library's own functions count, in every thread. The depth is that of the
request that enqueues: the frames on the stack, and the generators that wait in it.
"""

from __future__ import annotations

import os
import socket
import tempfile
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType, GeneratorType
from typing import Any

from side_by_side import WORKFLOWS, simulated_server

import invokeai_py_client
from invokeai_py_client import InvokeAIClient, WorkflowDefinition
from invokeai_py_client.exceptions import APIConnectionError

FILE = WORKFLOWS / "portrait.json"
OURS = str(Path(invokeai_py_client.__file__).parent)


class SubmitPath:
    """What one call ran: a profiler that is told of every function."""

    def __init__(self) -> None:
        self.functions: set[CodeType] = set()
        self.calls = 0
        self.depth = 0

    def __call__(self, frame: FrameType, event: str, arg: Any) -> None:
        """Note a call."""
        del arg
        if event != "call":
            return
        code = frame.f_code
        if code.co_filename.startswith(OURS):
            self.calls += 1
            self.functions.add(code)
        elif code.co_name == "send" and "httpx" in code.co_filename:
            request = frame.f_locals.get("request")
            if request is not None and request.url.path.endswith("/enqueue_batch"):
                self.depth = sum(1 for _ in ours_below(frame))

    @property
    def files(self) -> set[str]:
        """The files of the functions."""
        return {code.co_filename for code in self.functions}


def ours_below(frame: FrameType) -> Iterator[CodeType]:
    """Our code that waits for `frame`: on the stack, or suspended in a generator."""
    below = frame.f_back
    while below is not None:
        if below.f_code.co_filename.startswith(OURS):
            yield below.f_code
            flow = below.f_locals.get("flow")
            if below.f_code.co_name == "_steps" and isinstance(flow, GeneratorType):
                while isinstance(flow, GeneratorType):
                    yield flow.gi_code
                    flow = flow.gi_yieldfrom
        below = below.f_back


def profiled(handle: Any) -> SubmitPath:
    """Submit, and keep what ran.

    Not in the main thread, where an earlier call's thread would do the work unprofiled.
    """
    path = SubmitPath()
    threading.setprofile(path)
    thread = threading.Thread(target=handle.submit)
    thread.start()
    thread.join()
    threading.setprofile(None)  # type: ignore[arg-type]
    return path


def closed_port() -> int:
    """A port at which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def refused_frames(definition: WorkflowDefinition) -> int:
    """Frames of the traceback when nothing listens at the server's address."""
    url = f"http://127.0.0.1:{closed_port()}"
    with InvokeAIClient(url) as client:
        handle = client.workflow_repo.create_workflow(definition)
        try:
            handle.submit()
        except APIConnectionError as error:
            lines = "".join(
                traceback.format_exception(type(error), error, error.__traceback__)
            )
            return lines.count('  File "')
    raise SystemExit("the submission was not refused")


def main() -> None:
    """Print the numbers of a first and a second submission."""
    os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp()
    definition = WorkflowDefinition.from_file(FILE)
    print(f"{'submission':<12}{'functions':>10}{'calls':>8}{'files':>7}{'depth':>7}")
    with simulated_server(0.0) as url, InvokeAIClient(url) as client:
        handle = client.workflow_repo.create_workflow(definition)
        (model,) = client.model_repo.list_models(base="sd-1", type="main")
        handle.set_inputs(model=model.name)
        for name in ("first", "second"):
            path = profiled(handle)
            print(
                f"{name:<12}{len(path.functions):>10}{path.calls:>8}"
                f"{len(path.files):>7}{path.depth:>7}"
            )
    print(f"traceback of a refused connection: {refused_frames(definition)} frames")


if __name__ == "__main__":
    main()
