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

from invokeai_py_client._version import extra_hint
from invokeai_py_client.cli.command_options import Session
from invokeai_py_client.cli.errors import CliError
from invokeai_py_client.cli.render import Outcome

if TYPE_CHECKING:
    from invokeai_py_client.simulator import SimulatedServer

SnapshotOption = Annotated[
    Optional[Path],
    typer.Option(
        "--snapshot",
        metavar="FILE",
        help="Use the nodes and models in this file of `ivk server snapshot`.",
    ),
]


def simulate(
    session: Session,
    port: Annotated[
        int,
        typer.Option("--port", min=0, max=65535, help="Port; 0 chooses a free one."),
    ] = 9090,
    root: Annotated[
        Optional[Path],
        typer.Option(
            "--root", help="Keep queue, images and boards in this folder [memory]."
        ),
    ] = None,
    snapshot: SnapshotOption = None,
    multiuser: Annotated[
        bool, typer.Option("--multiuser", help="Require accounts and tokens.")
    ] = False,
    job_delay: Annotated[
        float, typer.Option("--job-delay", min=0, help="Seconds that every job takes.")
    ] = 0.0,
    devices: Annotated[
        int, typer.Option("--devices", min=1, help="How many jobs run at a time.")
    ] = 1,
    rules: Annotated[
        str,
        typer.Option(
            "--rules",
            metavar="6|7",
            help="Take batches as InvokeAI 6, or as the next major version.",
        ),
    ] = "6",
) -> Outcome:
    """Run a simulated InvokeAI until Ctrl-C: no GPU, placeholder images.

    The first line is its address; with --json it goes to standard error, because the
    envelope is written at the end.
    """
    if rules not in ("6", "7"):
        raise CliError("usage", f"--rules {rules!r} is not 6 or 7")
    stop = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: stop.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        with _running(
            port=port,
            root=root,
            snapshot=snapshot,
            multiuser=multiuser,
            job_delay=job_delay,
            devices=devices,
            rules=rules,
        ) as server:
            data = {"url": server.url, "port": server.port}
            session.renderer.say(server.url)
            version = server.simulation.version
            session.renderer.note(f"a simulated InvokeAI {version}; Ctrl-C stops it")
            # Windows handles Ctrl-C only between two waits.
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
        typer.Option(
            "--out", metavar="FILE", help="Write to this file [standard output]."
        ),
    ] = None,
) -> Outcome:
    """Write a server's nodes and models to a file for `ivk simulate --snapshot`.

    Custom nodes are included. Models are recorded with names, paths and sources;
    images, workflows and accounts are not recorded.
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
    """Connect the session to a new simulated server for the block.

    Without a snapshot it also has the models that the workflow file names.
    """
    _demand_extra()
    models: Optional[list[Mapping[str, Any]]] = None
    if not isinstance(source, str) and snapshot_file is None:
        from invokeai_py_client.simulator import default_models
        from invokeai_py_client.workflow.document.definition import WorkflowDefinition

        if isinstance(source, Path):
            source = WorkflowDefinition.from_file(source)
        models = [*default_models(), *named_models(source.to_dict())]
    with _running(models=models, snapshot=snapshot_file) as server:
        session.forget_server(server.url)
        session.renderer.note(
            f"simulated server at {server.url}; images are placeholders"
        )
        try:
            yield
        finally:
            session.close()


def named_models(value: Any) -> list[dict[str, Any]]:
    """Records of the models that a workflow's values name, each once."""
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


@contextlib.contextmanager
def _running(**options: Any) -> Iterator[SimulatedServer]:
    _demand_extra()
    from invokeai_py_client.simulator import SimulatedServer, SimulatorStartError

    try:
        server = SimulatedServer(**options)
    except ValueError as error:
        raise CliError("usage", f"--snapshot: {error}") from error
    try:
        server.start()
    except SimulatorStartError as error:
        raise CliError("usage", str(error), hint="choose another --port") from error
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
            hint=extra_hint("simulator"),
        ) from error
