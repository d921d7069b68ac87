"""`ivk server`: a real InvokeAI on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from invokeai_py_client._local_server.paths import DEFAULT_VERSION
from invokeai_py_client.cli.command_options import (
    Session,
    command,
    group,
    without_password,
)
from invokeai_py_client.cli.errors import CliError
from invokeai_py_client.cli.render import Outcome, Table

if TYPE_CHECKING:
    from invokeai_py_client.server import RunningServer

app = group(
    "server",
    "Install, start and stop a real InvokeAI here; take a snapshot of a server.",
)

VersionOption = Annotated[
    str, typer.Option("--version", metavar="VERSION", help="InvokeAI's version.")
]
PythonOption = Annotated[
    Optional[str],
    typer.Option("--python", help="A Python 3.11 or 3.12 to install with."),
]


@command(app, "install")
def install(
    session: Session,
    version: VersionOption = DEFAULT_VERSION,
    python: PythonOption = None,
    reinstall: Annotated[
        bool, typer.Option("--reinstall", help="Remove an existing installation first.")
    ] = False,
) -> Outcome:
    """Install InvokeAI into the cache folder (minutes, 7 GB, once per version)."""
    from invokeai_py_client.server import install_server

    found = install_server(
        version, python=python, reinstall=reinstall, report=session.renderer.note
    )
    line = f"InvokeAI {found.version} is installed in {found.venv}"
    return Outcome({"version": found.version, "venv": found.venv}, [line])


@command(app, "start")
def start(
    session: Session,
    version: VersionOption = DEFAULT_VERSION,
    root: Annotated[
        Optional[Path],
        typer.Option("--root", help="Root folder [one in the cache folder]."),
    ] = None,
    port: Annotated[
        Optional[int],
        typer.Option("--port", min=1, max=65535, help="[9090, or the next free]"),
    ] = None,
    multiuser: Annotated[
        bool, typer.Option("--multiuser", help="Require accounts and tokens.")
    ] = False,
    tiny_models: Annotated[
        bool,
        typer.Option(
            "--tiny-models", help="Install tiny models with random weights, for tests."
        ),
    ] = False,
    python: PythonOption = None,
) -> Outcome:
    """Start a server in the background; install InvokeAI first if it is missing."""
    from invokeai_py_client.server import install_tiny_models, start_background_server

    note = session.renderer.note
    server = start_background_server(
        version,
        root=root,
        port=port,
        multiuser=multiuser,
        python=python,
        report=note,
    )
    models: tuple[str, ...] = ()
    if tiny_models:
        models = install_tiny_models(
            server.url, version=version, token=session.token, report=note
        )
    data = {**server.as_dict(), "tiny_models": models}
    lines = [
        f"InvokeAI {server.version} runs at {server.url} (process {server.pid})",
        f"root {server.root}",
        f"log  {server.log_file}",
    ]
    if models:
        lines.append(f"models {', '.join(models)}")
    lines.append("`ivk server stop` stops it")
    if not server.url.endswith(":9090"):
        lines.append(f"set INVOKEAI_URL={server.url} for the other commands")
    return Outcome(data, lines)


@command(app, "status")
def status(session: Session) -> Outcome:
    """List the installed versions and the servers that run in the background."""
    del session
    from invokeai_py_client._local_server.install import installed_versions
    from invokeai_py_client.server import running_servers

    servers = running_servers()
    versions = installed_versions()
    rows = [(s.url, s.version, s.pid, s.root, s.log_file) for s in servers]
    view: list[Any] = [f"installed: {', '.join(versions) or 'none'}"]
    if rows:
        view.append(Table(("URL", "VERSION", "PROCESS", "ROOT", "LOG"), rows))
    else:
        view.append("no server runs in the background")
    data = {
        "installed": versions,
        "running": [server.as_dict() for server in servers],
    }
    return Outcome(data, view)


@command(app, "stop")
def stop(
    session: Session,
    everything: Annotated[
        bool, typer.Option("--all", help="Stop every background server.")
    ] = False,
    pid: Annotated[
        Optional[int], typer.Option("--pid", help="Stop the one with this process id.")
    ] = None,
) -> Outcome:
    """Stop the background server; if there are several, choose with --url or --pid."""
    from invokeai_py_client.server import running_servers, stop_background_server

    chosen = _choose(running_servers(), session.url, pid, everything)
    for server in chosen:
        stop_background_server(server)
    data = {"stopped": [server.as_dict() for server in chosen]}
    lines = [f"stopped {server.url} (process {server.pid})" for server in chosen]
    return Outcome(data, lines or ["no server runs in the background"])


def _choose(
    servers: list[RunningServer],
    url: Optional[str],
    pid: Optional[int],
    everything: bool,
) -> list[RunningServer]:
    anyone = url is None and pid is None
    if everything or (anyone and len(servers) <= 1):
        return servers
    addresses = [server.url for server in servers]
    if anyone:
        raise CliError(
            "usage",
            "several servers run in the background",
            hint="choose one with --url or --pid, or stop them with --all",
            candidates=addresses,
        )
    wanted = url.rstrip("/") if url else None
    chosen = [s for s in servers if s.pid == pid or s.url == wanted]
    if not chosen:
        raise CliError(
            "not_found",
            "no background server has "
            + (f"the address {without_password(url)}" if url else f"{pid=}"),
            candidates=addresses,
        )
    return chosen
