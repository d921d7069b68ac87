"""`ivk doctor`: checks of the server and of this machine."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Optional

import invokeai_py_client
from invokeai_py_client._version import extra_hint
from invokeai_py_client.cli.command_options import Session, without_password
from invokeai_py_client.cli.errors import CliError, Failure, explain
from invokeai_py_client.cli.render import Outcome, Table
from invokeai_py_client.exceptions import InvokeAIError, LocalServerError

if TYPE_CHECKING:
    from invokeai_py_client.client import InvokeAIClient

# The oldest servers with the routes and the event socket that the client uses, and
# the newest tested ones (6.8.1 and 6.14.2 are tested).
_OLDEST = (5, 0)
_NEWEST = (6, 14)

_EXTRAS = (
    ("images", ("PIL",), "reading and sending Pillow images"),
    ("simulator", ("starlette", "uvicorn", "numpy", "PIL"), "the bundled simulator"),
)


@dataclass(frozen=True)
class Check:
    """The result of one check; `state` is "ok", "warning" or "failed"."""

    name: str
    state: str
    detail: str
    hint: Optional[str] = None


def doctor(session: Session) -> Outcome:
    """Check the server, log-in, event socket, queue, models and this machine.

    Ends with code 1 if a check failed. A warning means that something optional is
    missing or works only in part.
    """
    own = invokeai_py_client.__version__
    words = f"invokeai-py-client {own} on Python {platform.python_version()}"
    client = Check("client", "ok", words)
    checks = [client, *_extras(), *_server(session), *_machine()]
    marks = {"ok": "ok", "warning": "warn", "failed": "FAIL"}
    rows = [
        (marks[check.state], check.name, [*filter(None, (check.detail, check.hint))])
        for check in checks
    ]
    failed = ", ".join(check.name for check in checks if check.state == "failed")
    failure = Failure("problems_found", f"failed: {failed}") if failed else None
    data = {"url": _address(session), "checks": checks}
    return Outcome(data, [Table(("", "CHECK", "FOUND"), rows)], failure=failure)


def _address(session: Session) -> Optional[str]:
    try:
        return session.client.url
    except (InvokeAIError, CliError):
        return without_password(session.url)


def _extras() -> Iterator[Check]:
    for extra, modules, use in _EXTRAS:
        missing = [module for module in modules if find_spec(module) is None]
        name = f"extra_{extra}"
        if missing:
            words = f"not installed: {', '.join(missing)}; needed for {use}"
            yield Check(name, "warning", words, extra_hint(extra))
        else:
            yield Check(name, "ok", use)


def _server(session: Session) -> Iterator[Check]:
    try:
        client = session.client
        version = client.server_version()
    except (InvokeAIError, CliError) as error:
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
    for name, check in (("queue", _queue), ("models", _models)):
        try:
            yield check(client)
        except InvokeAIError as error:  # noqa: PERF203, two rounds
            yield _failed(name, error)


def _failed(name: str, error: Exception) -> Check:
    failure = explain(error)
    return Check(name, "failed", failure.message, failure.hint)


def _version(version: str) -> Check:
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers < _OLDEST:
        words = f"{version} is too old; this client needs 5.0 or newer"
        return Check("version", "failed", words)
    if numbers > _NEWEST:
        words = f"{version} is newer than 6.14, the newest tested version"
        return Check("version", "warning", words)
    return Check("version", "ok", f"{version} is supported")


def _events(works: bool) -> Check:
    if works:
        return Check("events", "ok", "the event socket answers")
    words = "no event socket: waiting polls instead, without progress inside a job"
    hint = "a reverse proxy must forward websockets at /ws/socket.io"
    return Check("events", "warning", words, hint)


def _queue(client: InvokeAIClient) -> Check:
    status = client.queue_repo.get_queue_status()
    counts = status.queue
    words = f"{counts.pending} pending, {counts.in_progress} running"
    if status.stall is None or status.stall.kind in ("busy_elsewhere", "between_jobs"):
        return Check("queue", "ok", words)
    return Check("queue", "failed", f"{words}; {status.stall.message}")


def _models(client: InvokeAIClient) -> Check:
    models = client.model_repo.list_models()
    mains = Counter(model.base for model in models if model.type == "main")
    if not mains:
        hint = "install one in InvokeAI's model manager"
        return Check("models", "warning", "no main model is installed", hint)
    listed = ", ".join(f"{count} {base}" for base, count in sorted(mains.items()))
    return Check("models", "ok", f"{len(models)} models; main: {listed}")


def _machine() -> Iterator[Check]:
    # A real server here is optional, so at most a warning.
    from invokeai_py_client._local_server.install import installed_versions
    from invokeai_py_client._local_server.pythons import find_server_python

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
