"""`ivk simulate` and `--simulate`: a simulated InvokeAI instead of a real one."""

from __future__ import annotations

import contextlib
import json
import signal
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from invokeai_py_client.cli.commands import Session
from invokeai_py_client.cli.errors import CliError
from invokeai_py_client.cli.render import Outcome

if TYPE_CHECKING:
    from invokeai_py_client.simulator import SimulatedServer

__all__ = ["SnapshotOption", "simulate", "simulated", "snapshot"]

SnapshotOption = Annotated[
    Optional[Path],
    typer.Option(
        "--snapshot",
        metavar="FILE",
        help="Nodes and models of a real server, from `ivk server snapshot`.",
    ),
]


def simulate(
    session: Session,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")
    ] = 9090,
    root: Annotated[
        Optional[Path],
        typer.Option("--root", help="Keep everything in this folder [in memory]."),
    ] = None,
    snapshot: SnapshotOption = None,
    multiuser: Annotated[
        bool, typer.Option("--multiuser", help="With accounts and tokens.")
    ] = False,
    job_delay: Annotated[
        float, typer.Option("--job-delay", min=0, help="Seconds every job takes.")
    ] = 0.0,
) -> Outcome:
    """Run a simulated InvokeAI until Ctrl-C: no GPU, placeholder pictures.

    Its address is written first; with --json to the standard error, since the
    envelope comes at the end.
    """
    server = _server(
        port=port,
        root=root,
        snapshot=snapshot,
        multiuser=multiuser,
        job_delay=job_delay,
    )
    stop = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: stop.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        with _running(server):
            data = {"url": server.url, "port": server.port}
            session.renderer.say(server.url)
            session.renderer.note("simulates InvokeAI 6.14; Ctrl-C stops it")
            # Windows delivers Ctrl-C only between two waits.
            while not stop.wait(0.5):
                pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return Outcome(data, [], ["stopped"])


def snapshot(
    session: Session,
    out: Annotated[
        Optional[Path],
        typer.Option("--out", metavar="FILE", help="Write it there."),
    ] = None,
) -> Outcome:
    """Write down a server's nodes and models, custom ones too, for `ivk simulate`.

    Model records hold names, paths and sources; no images, no workflows, no accounts.
    """
    _demand_extra()
    from invokeai_py_client.simulator.snapshot import make_snapshot

    client = session.client
    made = make_snapshot(
        client.request("GET", "/openapi.json"),
        client.request("GET", "/api/v1/app/version")["version"],
        client.request("GET", "/api/v2/models/")["models"],
    )
    if out is None:
        return Outcome(made, [json.dumps(made)])
    out.write_text(json.dumps(made), "utf-8")
    models = len(made["models"])
    line = f"{out}: InvokeAI {made['version']} with {models} models"
    return Outcome({"path": out, "models": models}, [line])


@contextlib.contextmanager
def simulated(
    session: Session, source: Any, snapshot_file: Optional[Path]
) -> Iterator[None]:
    """Give the session a simulated server of its own while a command runs.

    Without a snapshot it has, besides its own, the models that the workflow file
    names: a dry run is about the workflow, not about what is installed.
    """
    _demand_extra()
    models: Optional[list[Mapping[str, Any]]] = None
    if isinstance(source, Path) and snapshot_file is None:
        from invokeai_py_client.simulator import default_models
        from invokeai_py_client.workflow.definition import WorkflowDefinition

        named = named_models(WorkflowDefinition.from_file(source).to_dict())
        models = [*default_models(), *named]
    with _running(_server(models=models, snapshot=snapshot_file)) as server:
        session.connect(server.url)
        session.renderer.note(f"simulated: {server.url}, pictures are placeholders")
        try:
            yield
        finally:
            session.close()


def named_models(value: Any) -> list[dict[str, Any]]:
    """Records of the models that the values of a workflow name, each once."""
    from invokeai_py_client.simulator import model_record

    found: dict[str, dict[str, Any]] = {}
    todo = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, list):
            todo += item
        elif isinstance(item, dict):
            todo += item.values()
            texts = [item.get(key) for key in ("key", "name", "base", "type")]
            if all(isinstance(text, str) and text for text in texts):
                key, name, base, kind = map(str, texts)
                hashed = {"hash": item["hash"]} if item.get("hash") else {}
                found[key] = model_record(name, base=base, type=kind, key=key, **hashed)
    return list(found.values())


def _server(**options: Any) -> SimulatedServer:
    _demand_extra()
    from invokeai_py_client.simulator import SimulatedServer

    try:
        return SimulatedServer(**options)
    except ValueError as error:
        raise CliError("usage", f"--snapshot: {error}") from error


@contextlib.contextmanager
def _running(server: SimulatedServer) -> Iterator[SimulatedServer]:
    from invokeai_py_client.simulator import SimulatorStartError

    try:
        server.start()
    except SimulatorStartError as error:
        raise CliError("usage", str(error), hint="name another --port") from error
    try:
        yield server
    finally:
        server.stop()


def _demand_extra() -> None:
    try:
        import invokeai_py_client.simulator  # noqa: F401
    except ModuleNotFoundError as error:
        raise CliError(
            "missing_extra",
            f"the simulator needs {error.name}",
            hint='pip install "invokeai-py-client[simulator]"',
        ) from error
