"""Models: list and look up, change, remove."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from ..base.api_enums import Direction, ModelOrder
from ..base.errors import ApiError, CrashError
from ..http.wire import ApiRequest, Reply, route
from ..models.model_kinds import RecordError, bundled_kinds
from ..models.models_inventory import Config, DuplicateModelError

_M = "/api/v2/models"


class _Keys(BaseModel):
    keys: list[str]


@route("GET", f"{_M}/")
def _list(request: ApiRequest) -> Any:
    kinds, models = bundled_kinds(), request.simulation.models
    query = request.arguments(
        base_models=(list[kinds.named("BaseModelType")], None),  # type: ignore[misc]
        model_type=(kinds.named("ModelType"), None),
        model_name=(str, None),
        model_format=(kinds.named("ModelFormat"), None),
        order_by=(ModelOrder, "name"),
        direction=(Direction, "ASC"),
    )
    found: list[Config] = []
    for base in query["base_models"] or [None]:
        fitting = models.matching(
            base=base,
            type=query["model_type"],
            name=query["model_name"],
            format=query["model_format"],
        )
        descending = query["direction"] == "DESC"
        found += models.ordered(fitting, query["order_by"], descending=descending)
    return {"models": found}


@route("GET", f"{_M}/get_by_attrs")
def _by_attributes(request: ApiRequest) -> Any:
    kinds, models = bundled_kinds(), request.simulation.models
    type_, base = kinds.named("ModelType"), kinds.named("BaseModelType")
    wanted = request.arguments(name=(str,), type=(type_,), base=(base,))
    found = models.ordered(models.matching(**wanted), "default", descending=False)
    if not found:
        raise ApiError(404, "No model found with these attributes")
    return found[0]


@route("GET", f"{_M}/get_by_hash")
def _by_hash(request: ApiRequest) -> Any:
    wanted = request.argument("hash", str)
    found = [c for c in request.simulation.models.all() if c["hash"] == wanted]
    if not found:
        raise ApiError(404, "No model found with this hash")
    return found[0]


@route("GET", f"{_M}/missing")
def _missing(request: ApiRequest) -> Any:
    models, folder = request.simulation.models, request.simulation.model_folder
    gone = [
        config
        for config in models.all()
        if models.has_files(config["key"])
        and not folder.locate(config["path"]).exists()
    ]
    return {"models": gone}


def _model(request: ApiRequest, key: str) -> Config:
    config = request.simulation.models.find(key)
    if config is None:
        raise ApiError(404, "model not found")
    return config


@route("GET", f"{_M}/i/{{key}}")
def _get(request: ApiRequest) -> Any:
    return _model(request, request.params["key"])


@route("GET", f"{_M}/i/{{key}}/image", "public")
def _cover(request: ApiRequest) -> Any:
    if request.simulation.models.find(request.params["key"]) is None:
        raise CrashError("the real server fails for an unknown model, too")
    raise ApiError(501, "The simulator does not implement covers of models")


@route("PATCH", f"{_M}/i/{{key}}", "admin")
def _update(request: ApiRequest) -> Any:
    changes = request.read(bundled_kinds().named("ModelRecordChanges"))
    if "key" in changes.model_fields_set and changes.key != request.params["key"]:
        raise ApiError(422, "A model's key cannot be changed")
    try:
        config = _model(request, request.params["key"])
        return request.simulation.models.change(config, changes)
    except RecordError as error:
        raise ApiError(409, str(error)) from error
    except DuplicateModelError as error:
        raise CrashError(str(error)) from error  # the real server does not expect this


def _remove(request: ApiRequest, key: str) -> None:
    """Remove a model, with its files where they are the server's own."""
    _model(request, key)
    if request.simulation.models.is_copy(key):
        request.simulation.model_folder.discard(key)
    request.simulation.models.remove(key)


@route("DELETE", f"{_M}/i/{{key}}", "admin")
def _delete(request: ApiRequest) -> Any:
    _remove(request, request.params["key"])
    return Reply(status=204, media_type=None)


@route("POST", f"{_M}/i/bulk_delete", "admin")
def _delete_many(request: ApiRequest) -> Any:
    deleted, failed = [], []
    for key in request.read(_Keys).keys:
        if request.simulation.models.find(key) is None:
            failed.append({"key": key, "error": "model not found"})
        else:
            _remove(request, key)
            deleted.append(key)
    return {"deleted": deleted, "failed": failed}
