"""What can be asked about models and done with them, as flows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Optional, TypeVar

from invokeai_py_client._core.decode import parse
from invokeai_py_client._core.flow import Flow, notify, now, pause
from invokeai_py_client._core.outage import Outage
from invokeai_py_client._core.send import call, call_model, delete, get, post, route
from invokeai_py_client.exceptions import (
    APIError,
    APIStatusError,
    JobTimeoutError,
    ModelError,
)
from invokeai_py_client.model.lookup import (
    ModelLike,
    Restriction,
    pick_model,
    unknown_model,
)
from invokeai_py_client.model.lookup import find_models as search_models
from invokeai_py_client.model.models import InstallStatus, ModelInstall, ModelRecord

MODELS = "/api/v2/models/"
MODEL = "/api/v2/models/i/{}"
INSTALL = "/api/v2/models/install"
INSTALL_JOB = "/api/v2/models/install/{}"

HandleT = TypeVar("HandleT")

# Seconds between looks at an installation; local ones take well under a second.
FIRST_POLL = 0.1
LONGEST_POLL = 2.0


def list_models(
    base: Optional[str] = None,
    type: Optional[str] = None,
    format: Optional[str] = None,
    name: Optional[str] = None,
) -> Flow[list[ModelRecord]]:
    """All models that fit; the server itself filters and checks the words."""
    params = {
        "base_models": base,
        "model_type": type,
        "model_format": format,
        "model_name": name,
    }
    data = parse(dict[str, Any], (yield from call(get(MODELS, params=params))))
    return parse(list[ModelRecord], data.get("models"))


def get_model(key: str) -> Flow[ModelRecord]:
    """One model by its key."""
    return (yield from call_model(ModelRecord, get(route(MODEL, key))))


def find_model(
    reference: ModelLike, allowed: Restriction
) -> Flow[Optional[ModelRecord]]:
    """The one model that is meant; None when there is none."""
    return pick_model((yield from list_models()), reference, allowed)


def find_models(text: str, allowed: Restriction) -> Flow[list[ModelRecord]]:
    """Models whose name, key, hash or description has all words of `text`."""
    return search_models((yield from list_models()), text, allowed)


def resolve(reference: ModelLike, allowed: Restriction) -> Flow[ModelRecord]:
    """The one model that is meant."""
    models = yield from list_models()
    found = pick_model(models, reference, allowed)
    if found is None:
        raise unknown_model(models, reference, allowed)
    return found


def delete_model(key: str) -> Flow[None]:
    """Remove a model from the server."""
    # The answer has no content, which the server fails to compress.
    yield from call(delete(route(MODEL, key), identity=True))


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
        raise ModelError(
            f"the server knows no installation {job_id}",
            hint="it forgets them when it restarts; list_models shows what there is",
        ) from error


def list_installs() -> Flow[list[ModelInstall]]:
    """All installations since the server started."""
    return (yield from call_model(list[ModelInstall], get(INSTALL)))


def cancel_install(job_id: int) -> Flow[None]:
    """Stop an installation."""
    request = delete(route(INSTALL_JOB, job_id), identity=True)
    try:
        yield from call(request)
    except APIStatusError as error:
        if error.status_code not in (404, 415):
            raise
        raise ModelError(f"the server knows no installation {job_id}") from error


def wait_install(
    job_id: int,
    timeout: Optional[float],
    on_progress: Optional[Callable[[ModelInstall], Any]],
) -> Flow[ModelRecord]:
    """Wait until a model is installed and return its record."""
    started = yield from now()
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
            if on_progress is not None and job != seen:
                yield from notify(on_progress, job)
            seen = job
            if job.status.is_terminal:
                return installed(job)
        seconds = interval
        if timeout is not None:
            left = started + timeout - (yield from now())
            if left <= 0:
                state = seen.status if seen else "unknown"
                raise JobTimeoutError(
                    f"installation {job_id} is not done after {timeout:g} s: {state}"
                )
            seconds = min(seconds, left)
        yield from pause(seconds)
        interval = min(interval * 1.5, LONGEST_POLL)


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
