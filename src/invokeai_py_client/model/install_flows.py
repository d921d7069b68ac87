"""Installing models, and watching it, as flows.

The server takes nearly every request to install something and fails later, in the job.
So only `wait_install` tells whether it worked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Optional, TypeVar

from invokeai_py_client._core.decode import parse
from invokeai_py_client._core.flow import (
    Flow,
    emit,
    listen,
    next_event,
    notify,
    now,
    pause,
)
from invokeai_py_client._core.messages import Listen, Mailbox, Request
from invokeai_py_client._core.outage import Outage
from invokeai_py_client._core.send import call, call_model, delete, get, post, route
from invokeai_py_client.exceptions import (
    APIError,
    APIStatusError,
    InternalServerError,
    JobTimeoutError,
    ModelError,
)
from invokeai_py_client.model.models import InstallStatus, ModelInstall, ModelRecord

INSTALL = "/api/v2/models/install"
INSTALL_JOB = "/api/v2/models/install/{}"

HandleT = TypeVar("HandleT")

NO_INTERNET = "it may have no internet; its log has the traceback"

# Seconds between looks at an installation; local ones take well under a second, and
# events make the next look come sooner.
FIRST_POLL = 0.1
LONGEST_POLL = 2.0


def install_model(
    make: Callable[[ModelInstall], HandleT],
    source: str,
    *,
    config: Mapping[str, Any],
    move: bool = False,
    access_token: Optional[str] = None,
) -> Flow[HandleT]:
    """Ask the server to install a model; success here says nothing yet."""
    request = post(
        INSTALL,
        params={
            "source": source,
            # Otherwise the server moves a local folder into its own and deletes it
            # with the model.
            "inplace": str(not move).lower(),
            "access_token": access_token,
        },
        json=dict(config),
    )
    try:
        job = yield from call_model(ModelInstall, request)
    except InternalServerError as error:
        raise ModelError(
            f"the server failed to look up {source!r}", hint=NO_INTERNET
        ) from error
    except APIStatusError as error:
        if error.status_code != 409:
            raise
        raise ModelError(
            f"the server cannot install {source!r}: {error.detail}",
            hint="a path must exist on the server's machine",
        ) from error
    return make(job)


def get_install(job_id: int) -> Flow[ModelInstall]:
    """One installation as it stands."""
    try:
        return (yield from call_model(ModelInstall, get(route(INSTALL_JOB, job_id))))
    except APIStatusError as error:
        if error.status_code not in (404, 415):
            raise
        raise _unknown_install(job_id) from error


def _unknown_install(job_id: int) -> ModelError:
    return ModelError(
        f"the server knows no installation {job_id}",
        hint="it forgets them when it restarts; list_models shows what there is",
    )


def list_installs() -> Flow[list[ModelInstall]]:
    """All installations since the server started."""
    return (yield from call_model(list[ModelInstall], get(INSTALL)))


def get_handle(make: Callable[[ModelInstall], HandleT], job_id: int) -> Flow[HandleT]:
    """A handle for an installation that the server knows."""
    return make((yield from get_install(job_id)))


def prune_installs() -> Flow[None]:
    """Forget the installations that have ended."""
    yield from call(delete(INSTALL, identity=True))


def cancel_install(job_id: int) -> Flow[None]:
    """Stop an installation."""
    yield from _control(job_id, delete(route(INSTALL_JOB, job_id), identity=True))


def control_install(job_id: int, verb: str) -> Flow[ModelInstall]:
    """``"pause"``, ``"resume"`` or ``"restart_failed"`` an installation."""
    request = post(route(INSTALL_JOB + "/{}", job_id, verb))
    return parse(ModelInstall, (yield from _control(job_id, request)))


def restart_file(job_id: int, url: str) -> Flow[ModelInstall]:
    """Download one file of an installation from its beginning."""
    request = post(route(INSTALL_JOB + "/restart_file", job_id), json=url)
    return parse(ModelInstall, (yield from _control(job_id, request)))


def _control(job_id: int, request: Request) -> Flow[Any]:
    try:
        return (yield from call(request))
    except APIStatusError as error:
        if error.status_code not in (404, 415):
            raise
        raise _unknown_install(job_id) from error


def wait_install(
    job_id: int,
    timeout: Optional[float],
    on_progress: Optional[Callable[[ModelInstall], Any]],
) -> Flow[ModelRecord]:
    """Wait until a model is installed and return its record."""

    def tell(job: ModelInstall) -> Flow[None]:
        if on_progress is not None:
            yield from notify(on_progress, job)

    return installed((yield from _follow(job_id, timeout, tell)))


def watch_install(job_id: int, timeout: Optional[float]) -> Flow[None]:
    """Emit each new state of an installation, the last one when it has ended."""
    yield from _follow(job_id, timeout, emit)


def _follow(
    job_id: int,
    timeout: Optional[float],
    tell: Callable[[ModelInstall], Flow[None]],
) -> Flow[ModelInstall]:
    """Tell of each new state of an installation until it has ended."""
    started = yield from now()
    mailbox = yield from listen(Listen(lambda _, data: data.get("id") == job_id))
    interval = FIRST_POLL
    outage = Outage()
    seen: Optional[ModelInstall] = None
    while True:
        try:
            job = yield from get_install(job_id)
        except APIError as error:
            outage.note(error, (yield from now()))
        else:
            outage.over()
            if job != seen:
                yield from tell(job)
            seen = job
            if job.status.is_terminal:
                return job
        seconds = interval
        if timeout is not None:
            left = started + timeout - (yield from now())
            if left <= 0:
                state = seen.status if seen else "unknown"
                raise JobTimeoutError(
                    f"installation {job_id} is not done after {timeout:g} s: {state}"
                )
            seconds = min(seconds, left)
        yield from _rest(mailbox, seconds)
        interval = min(interval * 1.5, LONGEST_POLL)


def _rest(mailbox: Optional[Mailbox], seconds: float) -> Flow[None]:
    if mailbox is None:
        yield from pause(seconds)
    else:
        yield from next_event(mailbox, seconds)


def installed(job: ModelInstall) -> ModelRecord:
    """The record of a completed installation.

    Raises:
        ModelError: It failed, was cancelled, or the server could not tell what the
            file is.
    """
    if job.status is not InstallStatus.COMPLETED:
        words = ": ".join(part for part in (job.error_reason, job.error) if part)
        raise ModelError(
            f"installation {job.id} ended with {job.status}"
            + (f": {words}" if words else "")
        )
    model = parse(ModelRecord, job.config_out)
    if model.type == "unknown":
        # The server installs any junk by default and calls it unknown.
        raise ModelError(
            f"{model.name!r} was installed, but the server does not know what it is",
            candidates=[model.key],
            hint=f"remove it with model_repo.delete_model({model.key!r})",
        )
    return model
