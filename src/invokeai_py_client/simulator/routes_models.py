"""Models: list and look up, change, remove, and install by path."""

from __future__ import annotations

from typing import Any, Optional

from .model_install import InstallJobs, UnknownJobError, UnknownSourceError
from .wire import ApiError, Call, CrashError, Reply, json_reply, route

_M = "/api/v2/models"


def _jobs(call: Call) -> InstallJobs:
    return call.simulation.installs


@route("GET", f"{_M}/")
def _list(call: Call) -> Any:
    base, kind = _enumerations(call)
    query = call.arguments(
        base_models=(list[base], None),  # type: ignore[valid-type]
        model_type=(kind, None),
        model_name=(str, None),
        model_format=(str, None),
    )
    found = call.simulation.models.matching(
        base=query["base_models"],
        type=query["model_type"],
        name=query["model_name"],
        format=query["model_format"],
    )
    return {"models": found}


def _enumerations(call: Call) -> tuple[Any, Any]:
    schemas = call.simulation.schemas
    return schemas.field_class("BaseModelType"), schemas.field_class("ModelType")


@route("GET", f"{_M}/get_by_attrs")
def _by_attributes(call: Call) -> Any:
    base, kind = _enumerations(call)
    wanted = call.arguments(name=(str,), type=(kind,), base=(base,))
    found = call.simulation.models.matching(**wanted)
    if not found:
        raise ApiError(404, "No model found with these attributes")
    return found[0]


@route("GET", f"{_M}/get_by_hash")
def _by_hash(call: Call) -> Any:
    found = call.simulation.models.matching(hash=call.argument("hash", str))
    if not found:
        raise ApiError(404, "No model found with this hash")
    return found[0]


@route("GET", f"{_M}/missing")
def _missing(_call: Call) -> Any:
    return {"models": []}


def _model(call: Call) -> dict[str, Any]:
    key = call.params["key"]
    config = call.simulation.models.find(key)
    if config is None:
        raise ApiError(404, "model not found")
    return config


@route("GET", f"{_M}/i/{{key}}")
def _get(call: Call) -> Any:
    return _model(call)


@route("PATCH", f"{_M}/i/{{key}}", "admin")
def _update(call: Call) -> Any:
    changes = call.read(dict[str, Any])
    config = _model(call)
    if changes.get("key") not in (None, config["key"]):
        raise ApiError(422, "The key of a model cannot be changed")
    return call.simulation.models.change(config["key"], changes)


@route("DELETE", f"{_M}/i/{{key}}", "admin")
def _delete(call: Call) -> Any:
    _model(call)
    call.simulation.models.remove(call.params["key"])
    return Reply(status=204, media_type=None)


@route("POST", f"{_M}/i/bulk_delete", "admin")
def _delete_many(call: Call) -> Any:
    keys = call.embedded(keys=list[str])["keys"]
    deleted, failed = [], []
    for key in keys:
        if call.simulation.models.remove(key):
            deleted.append(key)
        else:
            failed.append({"key": key, "error": f"Unknown model {key}"})
    return {"deleted": deleted, "failed": failed}


@route("GET", f"{_M}/i/{{key}}/image", "public")
def _image(_call: Call) -> Any:
    raise CrashError  # no model has a picture, and the server does not expect that


@route("POST", f"{_M}/install", "admin")
def _install(call: Call) -> Any:
    source = call.argument("source", str)
    call.argument("inplace", bool, False)
    overrides: Optional[dict[str, Any]] = call.read(dict[str, Any])
    try:
        return json_reply(_jobs(call).begin(source, overrides or {}), 201)
    except UnknownSourceError as error:
        raise ApiError(409, str(error)) from error


@route("GET", f"{_M}/install", "admin")
def _install_jobs(call: Call) -> Any:
    return _jobs(call).all()


@route("DELETE", f"{_M}/install", "admin")
def _prune_jobs(call: Call) -> Any:
    _jobs(call).prune()
    return Reply(status=204, media_type=None)


def _job_id(call: Call) -> int:
    return call.integer("job_id")


@route("GET", f"{_M}/install/{{job_id}}", "admin")
def _install_job(call: Call) -> Any:
    try:
        return _jobs(call).get(_job_id(call))
    except UnknownJobError as error:
        raise ApiError(404, str(error)) from error


@route("DELETE", f"{_M}/install/{{job_id}}", "admin")
def _cancel_job(call: Call) -> Any:
    try:
        _jobs(call).cancel(_job_id(call))
    except UnknownJobError as error:
        raise ApiError(415, str(error)) from error
    return json_reply(None, 201)
