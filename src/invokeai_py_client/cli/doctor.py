"""`ivk doctor`: what is reachable and installed, and what would fail."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Optional

import invokeai_py_client
from invokeai_py_client.cli.commands import Session
from invokeai_py_client.cli.errors import Failure, explain
from invokeai_py_client.cli.render import Outcome, Table
from invokeai_py_client.exceptions import InvokeAIError, LocalServerError

if TYPE_CHECKING:
    from invokeai_py_client.client import InvokeAIClient

__all__ = ["doctor"]

# Servers from here on have the routes and the event socket that the client uses;
# 6.8.1 and 6.14.2 are tested.
_OLDEST = (5, 0)
_NEWEST = (6, 14)

_EXTRAS = (
    ("images", ("PIL",), "pictures as Pillow images"),
    ("simulator", ("starlette", "uvicorn", "numpy", "PIL"), "the bundled simulator"),
)


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: Stable identifier.
        state: ``"ok"``, ``"warning"`` (works, with a limit) or ``"failed"``.
        detail: What was found, one line.
        hint: What to do about it.
    """

    name: str
    state: str
    detail: str
    hint: Optional[str] = None


def doctor(session: Session) -> Outcome:
    """Check the server, the log-in, the event socket, the queue and this machine.

    Ends with code 1 when something failed; warnings name what works with limits.
    """
    checks = [_client(), *_extras(), *_server(session), *_machine()]
    failed = [check for check in checks if check.state == "failed"]
    marks = {"ok": "ok", "warning": "warn", "failed": "FAIL"}
    rows = [
        (
            marks[check.state],
            check.name,
            check.detail + (f"\n{check.hint}" if check.hint else ""),
        )
        for check in checks
    ]
    failure = None
    if failed:
        names = ", ".join(check.name for check in failed)
        failure = Failure("problems_found", f"failed: {names}")
    data = {
        "url": _address(session),
        "checks": checks,
    }
    return Outcome(data, [Table(("", "CHECK", "FOUND"), rows)], failure=failure)


def _address(session: Session) -> Optional[str]:
    try:
        return session.client.url
    except InvokeAIError:
        return session.url


def _client() -> Check:
    own = invokeai_py_client.__version__
    words = f"invokeai-py-client {own} on Python {platform.python_version()}"
    return Check("client", "ok", words)


def _extras() -> Iterator[Check]:
    for extra, modules, use in _EXTRAS:
        missing = [module for module in modules if find_spec(module) is None]
        name = f"extra_{extra}"
        if missing:
            hint = f'pip install "invokeai-py-client[{extra}]"'
            words = f"not installed: {', '.join(missing)}; needed for {use}"
            yield Check(name, "warning", words, hint)
        else:
            yield Check(name, "ok", use)


def _server(session: Session) -> Iterator[Check]:
    """What the server says; the rest is left out when it cannot be used at all."""
    try:
        client = session.client
        version = client.server_version()
    except InvokeAIError as error:
        yield _failed("server", error)
        return
    yield Check("server", "ok", f"InvokeAI {version} at {client.url}")
    yield _version(version)
    try:
        found = client.check()
    except InvokeAIError as error:
        yield _failed("log_in", error)
        return
    words = "accounts: logged in" if found.is_multiuser else "no accounts: none needed"
    yield Check("log_in", "ok", words)
    yield _events(found.has_events)
    for name, look in (("queue", _queue), ("models", _models)):
        yield _looked(name, client, look)


def _looked(
    name: str, client: InvokeAIClient, look: Callable[[InvokeAIClient], Check]
) -> Check:
    try:
        return look(client)
    except InvokeAIError as error:
        return _failed(name, error)


def _failed(name: str, error: InvokeAIError) -> Check:
    failure = explain(error)
    return Check(name, "failed", failure.message, failure.hint)


def _version(version: str) -> Check:
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers < _OLDEST:
        return Check("version", "failed", f"{version} is older than this client knows")
    if numbers > _NEWEST:
        words = f"{version} is newer than 6.14, the newest that was tested"
        return Check("version", "warning", words)
    return Check("version", "ok", f"{version} is known")


def _events(works: bool) -> Check:
    if works:
        return Check("events", "ok", "the event socket answers")
    words = "no event socket: waiting works by polling, without progress pictures"
    hint = "a reverse proxy has to forward websockets at /ws/socket.io"
    return Check("events", "warning", words, hint)


def _queue(client: InvokeAIClient) -> Check:
    status = client.queue_repo.get_status()
    counts = status.queue
    words = f"{counts.pending} pending, {counts.in_progress} running"
    if status.stall is None or status.stall.kind in ("busy_elsewhere", "between_jobs"):
        return Check("queue", "ok", words)
    return Check("queue", "failed", f"{words}; {status.stall.message}")


def _models(client: InvokeAIClient) -> Check:
    models = client.model_repo.list_models()
    mains: dict[str, int] = {}
    for model in models:
        if model.type == "main":
            mains[model.base] = mains.get(model.base, 0) + 1
    if not mains:
        hint = "install one in InvokeAI's model manager"
        return Check("models", "warning", "no main model is installed", hint)
    listed = ", ".join(f"{count} {base}" for base, count in sorted(mains.items()))
    return Check("models", "ok", f"{len(models)} models; main: {listed}")


def _machine() -> Iterator[Check]:
    """Whether a real server can run here; nobody has to, so at most a warning."""
    from invokeai_py_client._server.install import installed_versions
    from invokeai_py_client._server.pythons import find_server_python

    installed = installed_versions()
    if installed:
        words = f"installed: {', '.join(installed)}"
        yield Check("local_server", "ok", words)
        return
    try:
        python: Any = find_server_python()
    except LocalServerError as error:
        yield Check("local_server", "warning", error.message, error.hint)
        return
    words = f"not installed; {' '.join(python)} can install it"
    yield Check("local_server", "ok", words, "`ivk server install`")
