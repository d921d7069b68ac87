"""Installing models, and watching it, as flows.

The server takes nearly every request to install something and fails later, in the job.
So only `wait_install` shows whether it worked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Optional, TypeVar

from invokeai_py_client._core.decode import parse
from invokeai_py_client._core.events import ServerEvent
from invokeai_py_client._core.flow import Flow, call_back, emit
from invokeai_py_client._core.messages import Subscribe
from invokeai_py_client._core.send import (
    call_model,
    delete,
    get,
    post,
    request_json,
    route,
)
from invokeai_py_client._core.server_events import ModelInstallEvent
from invokeai_py_client._core.wait_loop import wait_for
from invokeai_py_client.exceptions import (
    APIStatusError,
    InternalServerError,
    ModelError,
)
from invokeai_py_client.model.models import InstallStatus, ModelInstall, ModelRecord

INSTALL = "/api/v2/models/install"
INSTALL_JOB = "/api/v2/models/install/{}"

T = TypeVar("T")

NO_INTERNET = "it may have no internet; its log has the traceback"


def install_model(
    source: str, config: Mapping[str, Any], move: bool, access_token: Optional[str]
) -> Flow[ModelInstall]:
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
        return (yield from call_model(ModelInstall, request))
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


def get_install(job_id: int) -> Flow[ModelInstall]:
    """One installation as it is now."""
    request = get(route(INSTALL_JOB, job_id))
    return (yield from _of_install(job_id, call_model(ModelInstall, request)))


def cancel_install(job_id: int) -> Flow[None]:
    """Stop an installation."""
    request = delete(route(INSTALL_JOB, job_id), identity=True)
    yield from _of_install(job_id, request_json(request))


def control_install(job_id: int, verb: str, **body: Any) -> Flow[ModelInstall]:
    """``"pause"``, ``"resume"`` … an installation; the body of a POST if need be."""
    request = post(route(INSTALL_JOB + "/{}", job_id, verb), **body)
    return (yield from _of_install(job_id, call_model(ModelInstall, request)))


def _of_install(job_id: int, flow: Flow[T]) -> Flow[T]:
    try:
        return (yield from flow)
    except APIStatusError as error:
        if error.status_code not in (404, 415):
            raise
        raise ModelError(
            f"the server knows no installation {job_id}",
            hint="it forgets them when it restarts; list_models shows what there is",
        ) from error


def wait_install(
    job_id: int,
    timeout: Optional[float],
    on_progress: Optional[Callable[[ModelInstall], Any]],
) -> Flow[ModelRecord]:
    """Wait until a model is installed and return its record."""
    report = None if on_progress is None else partial(call_back, on_progress)
    return installed((yield from _follow(job_id, timeout, report)))


def watch_install(job_id: int, timeout: Optional[float]) -> Flow[None]:
    """Emit each new state of an installation, the last one when it has ended."""
    yield from _follow(job_id, timeout, emit)


def _follow(
    job_id: int,
    timeout: Optional[float],
    report: Optional[Callable[[ModelInstall], Flow[None]]],
) -> Flow[ModelInstall]:
    """Report each new state of an installation until it has ended."""
    return (
        yield from wait_for(
            f"installation {job_id}",
            partial(get_install, job_id),
            lambda job: job.status.is_terminal,
            describe=lambda job: str(job.status),
            subscription=Subscribe(partial(_is_about, job_id)),
            timeout=timeout,
            on_change=report,
        )
    )


def _is_about(job_id: int, event: ServerEvent) -> bool:
    return isinstance(event, ModelInstallEvent) and event.job_id == job_id


def installed(job: ModelInstall) -> ModelRecord:
    """The record of a completed installation.

    Raises:
        ModelError: It failed, was cancelled, or the server could not identify the
            file.
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
