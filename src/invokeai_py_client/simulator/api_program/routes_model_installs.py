"""Models: their installation."""

from __future__ import annotations

from typing import Any

from ..base.errors import ApiError
from ..http.wire import ApiRequest, Reply, json_reply, route
from ..models.model_install import UnknownJobError, UnknownSourceError, is_plain_name
from ..models.model_kinds import bundled_kinds

_M = "/api/v2/models"
_JOB = f"{_M}/install/{{id}}"


@route("POST", f"{_M}/install", "admin")
def _install(request: ApiRequest) -> Any:
    query = request.arguments(
        source=(str,), inplace=(bool, False), access_token=(str, None)
    )
    config = request.read(bundled_kinds().named("ModelRecordChanges"))
    if config.key is not None and not is_plain_name(config.key):
        raise ApiError(
            422, f"Invalid model key {config.key!r}: it must be a plain filename"
        )
    try:
        source, inplace, token = query.values()
        job = request.simulation.installs.begin(
            source, config, inplace=inplace, token=token
        )
    except UnknownSourceError as error:
        raise ApiError(409, str(error)) from error
    return json_reply(job, 201)


@route("GET", f"{_M}/install", "admin")
def _jobs(request: ApiRequest) -> Any:
    return request.simulation.installs.all()


@route("DELETE", f"{_M}/install", "admin")
def _prune(request: ApiRequest) -> Any:
    request.simulation.installs.prune()
    return Reply(status=204, media_type=None)


@route("GET", _JOB, "admin")
def _job(request: ApiRequest) -> Any:
    try:
        return request.simulation.installs.get(request.integer("id"))
    except UnknownJobError as error:
        raise ApiError(404, str(error)) from error


@route("DELETE", _JOB, "admin")
def _cancel(request: ApiRequest) -> Any:
    try:
        request.simulation.installs.cancel(request.integer("id"))
    except UnknownJobError as error:
        raise ApiError(415, str(error)) from error
    return json_reply(None, 201)
