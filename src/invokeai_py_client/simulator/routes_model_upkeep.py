"""Models: install them, and what the server keeps of them besides records."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import AnyHttpUrl, BaseModel

from .model_folder import models_below
from .model_install import UnknownJobError
from .model_kinds import bundled_kinds
from .model_sources import NoInternetError, UnknownSourceError, is_plain_name
from .starter_models import starter_models
from .wire import ApiError, Call, CrashError, Reply, json_reply, route

_M = "/api/v2/models"
_JOB = f"{_M}/install/{{id}}"


class _Paths(BaseModel):
    paths: list[str]


@route("POST", f"{_M}/install", "admin")
def _install(call: Call) -> Any:
    query = call.arguments(
        source=(str,), inplace=(bool, False), access_token=(str, None)
    )
    config = call.read(bundled_kinds().named("ModelRecordChanges"))
    if config.key is not None and not is_plain_name(config.key):
        raise ApiError(
            422, f"Invalid model key {config.key!r}: it must be a plain filename"
        )
    try:
        job = call.simulation.installs.begin(
            query["source"],
            config,
            inplace=query["inplace"],
            token=query["access_token"],
        )
    except UnknownSourceError as error:
        raise ApiError(409, str(error)) from error
    except NoInternetError as error:
        raise CrashError(str(error)) from error
    return json_reply(job, 201)


@route("GET", f"{_M}/install", "admin")
def _jobs(call: Call) -> Any:
    return call.simulation.installs.all()


@route("DELETE", f"{_M}/install", "admin")
def _prune(call: Call) -> Any:
    call.simulation.installs.prune()
    return Reply(status=204, media_type=None)


@route("GET", f"{_M}/install/huggingface", "admin")
def _install_page(call: Call) -> Any:
    call.argument("source", str)
    raise CrashError("there is no internet")


@route("GET", _JOB, "admin")
def _job(call: Call) -> Any:
    try:
        return call.simulation.installs.get(call.integer("id"))
    except UnknownJobError as error:
        raise ApiError(404, str(error)) from error


def _control(call: Call, verb: Callable[..., Any], *arguments: Any) -> Reply:
    try:
        return json_reply(verb(call.integer("id"), *arguments), 201)
    except UnknownJobError as error:
        raise ApiError(415, str(error)) from error
    except NoInternetError as error:
        raise CrashError(str(error)) from error


@route("DELETE", _JOB, "admin")
def _cancel(call: Call) -> Any:
    return _control(call, call.simulation.installs.cancel)


@route("POST", f"{_JOB}/pause", "admin")
def _pause(call: Call) -> Any:
    return _control(call, call.simulation.installs.pause)


@route("POST", f"{_JOB}/resume", "admin")
def _resume(call: Call) -> Any:
    return _control(call, call.simulation.installs.resume)


@route("POST", f"{_JOB}/restart_failed", "admin")
def _restart_failed(call: Call) -> Any:
    return _control(call, call.simulation.installs.restart_failed)


@route("POST", f"{_JOB}/restart_file", "admin")
def _restart_file(call: Call) -> Any:
    url = str(call.read(AnyHttpUrl))
    return _control(call, call.simulation.installs.restart_file, url)


@route("GET", f"{_M}/scan_folder", "admin")
def _scan(call: Call) -> Any:
    wanted = call.argument("scan_path", str, None)
    if not wanted or not Path(wanted).is_dir():
        raise ApiError(400, f"The search path '{wanted}' could not be scanned")
    folder = call.simulation.model_folder
    core = folder.path / "core"
    known = {str(folder.locate(c["path"])) for c in call.simulation.models.all()}
    return [
        {"path": str(path), "is_installed": str(path) in known}
        for path in models_below(Path(wanted))
        if core not in (path, *path.parents)
    ]


@route("GET", f"{_M}/hugging_face", "admin")
def _repository(_call: Call) -> Any:
    raise CrashError("there is no internet")


@route("GET", f"{_M}/starter_models", "admin")
def _starters(call: Call) -> Any:
    return starter_models(call.simulation.models.all())


@route("GET", f"{_M}/stats", "admin")
def _cache_stats(_call: Call) -> Any:
    return None  # until a model is loaded, which never happens here


@route("POST", f"{_M}/empty_model_cache", "admin")
def _empty_cache(_call: Call) -> Any:
    return None


@route("GET", f"{_M}/hf_login", "admin")
@route("DELETE", f"{_M}/hf_login", "admin")
def _token(_call: Call) -> Any:
    return "invalid"


@route("POST", f"{_M}/hf_login", "admin")
def _set_token(call: Call) -> Any:
    call.embedded(token=str)
    return "invalid"  # without internet no token can be checked, and none is kept


@route("GET", f"{_M}/sync/orphaned", "admin")
def _orphans(call: Call) -> Any:
    recorded = [config["path"] for config in call.simulation.models.all()]
    return call.simulation.model_folder.orphans(recorded)


@route("DELETE", f"{_M}/sync/orphaned", "admin")
def _delete_orphans(call: Call) -> Any:
    deleted, errors = [], {}
    for path in call.read(_Paths).paths:
        problem = call.simulation.model_folder.delete_orphan(path)
        if problem is None:
            deleted.append(path)
        else:
            errors[path] = problem
    return {"deleted": deleted, "errors": errors}
