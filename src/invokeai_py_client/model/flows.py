"""What can be asked about the installed models, and their records, as flows.

Installing is in `install_flows.py`, where models come from and what else the server
keeps of them in `upkeep_flows.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Optional, Union

from invokeai_py_client._core.decode import parse
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.messages import RetryRule
from invokeai_py_client._core.send import (
    call,
    call_model,
    delete,
    get,
    patch,
    post,
    put,
    require_version,
    route,
)
from invokeai_py_client.exceptions import (
    APIStatusError,
    InternalServerError,
    ModelError,
    NotFoundError,
)
from invokeai_py_client.model.lookup import (
    ModelLike,
    Restriction,
    no_such_model,
    pick_model,
    unknown_model,
)
from invokeai_py_client.model.lookup import find_models as search_models
from invokeai_py_client.model.models import BulkModelResult, ModelRecord

MODELS = "/api/v2/models/"
MODEL = "/api/v2/models/i/{}"

ModelKey = Union[str, ModelRecord]
"""A model's key, or its record."""

# Loading and writing a model of several GB takes minutes.
CONVERT_TIMEOUT = 3600.0


def key_of(model: ModelKey) -> str:
    """The key that `model` is or has.

    Raises:
        TypeError: It is neither a key nor a record.
        ValueError: It is empty, which would address another route.
    """
    key = model.key if isinstance(model, ModelRecord) else model
    if not isinstance(key, str):
        raise TypeError(f"expected a model's key or record, not {type(key).__name__}")
    if not key:
        raise ValueError("a model's key is not empty")
    return key


def keys_of(models: Union[ModelKey, Sequence[ModelKey]]) -> list[str]:
    """The keys of one model or several."""
    if isinstance(models, (str, ModelRecord)):
        return [key_of(models)]
    return [key_of(model) for model in models]


def list_models(
    base: Union[str, Sequence[str], None] = None,
    type: Optional[str] = None,
    format: Optional[str] = None,
    name: Optional[str] = None,
    *,
    order_by: Optional[str] = None,
    descending: bool = False,
) -> Flow[list[ModelRecord]]:
    """All models that fit; the server itself filters and checks the words."""
    params: dict[str, Any] = {
        "base_models": base,
        "model_type": type,
        "model_format": format,
        "model_name": name,
    }
    if order_by is not None or descending:
        # An older server would ignore it.
        yield from require_version("Ordering models on the server", "6.13")
    if order_by is not None:
        params["order_by"] = order_by
    if descending:
        params["direction"] = "DESC"
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


def get_any_model(text: str, allowed: Restriction) -> Flow[ModelRecord]:
    """The first of the models that `find_models` finds."""
    models = yield from list_models()
    found = search_models(models, text, allowed)
    if not found:
        raise no_such_model(models, text, allowed)
    return found[0]


def resolve(reference: ModelLike, allowed: Restriction) -> Flow[ModelRecord]:
    """The one model that is meant."""
    models = yield from list_models()
    found = pick_model(models, reference, allowed)
    if found is None:
        raise unknown_model(models, reference, allowed)
    return found


def delete_model(key: str) -> Flow[None]:
    """Remove a model from the server."""
    # The answer has no content type, which the server fails to compress.
    yield from call(delete(route(MODEL, key), identity=True))


def delete_models(keys: Sequence[str]) -> Flow[BulkModelResult]:
    """Remove several models; the answer says which could not be."""
    return (yield from _bulk("bulk_delete", keys, "deleted"))


def reidentify_models(keys: Sequence[str]) -> Flow[BulkModelResult]:
    """Look again at the files of several models."""
    return (yield from _bulk("bulk_reidentify", keys, "succeeded"))


def _bulk(verb: str, keys: Sequence[str], done_key: str) -> Flow[BulkModelResult]:
    request = post(f"/api/v2/models/i/{verb}", json={"keys": list(keys)})
    data = parse(dict[str, Any], (yield from call(request)))
    return parse(
        BulkModelResult,
        {"done": data.get(done_key, []), "failed": data.get("failed", [])},
    )


def get_by_hash(value: str) -> Flow[ModelRecord]:
    """A model by the hash of its files; any one when several have it."""
    request = get("/api/v2/models/get_by_hash", params={"hash": value})
    return (yield from call_model(ModelRecord, request))


def get_by_attributes(name: str, type: str, base: str) -> Flow[ModelRecord]:
    """A model by name, type and base; any one when several fit."""
    request = get(
        "/api/v2/models/get_by_attrs", params={"name": name, "type": type, "base": base}
    )
    return (yield from call_model(ModelRecord, request))


def list_missing() -> Flow[list[ModelRecord]]:
    """Models whose files are gone."""
    data = parse(dict[str, Any], (yield from call(get("/api/v2/models/missing"))))
    return parse(list[ModelRecord], data.get("models"))


def update_model(key: str, changes: Mapping[str, Any]) -> Flow[ModelRecord]:
    """Change a model's record."""
    if not changes:
        raise ValueError("update_model needs something to change")
    data = yield from call(patch(route(MODEL, key), json=dict(changes)))
    record = parse(dict[str, Any], data)
    # The server ignores silently what this kind of model does not have.
    ignored = [name for name in changes if name not in record]
    if ignored:
        raise ModelError(
            f"the server has no {', '.join(map(repr, ignored))} for this model",
            hint=f"it has {', '.join(sorted(record))}; other changes were made",
        )
    return parse(ModelRecord, record)


def reidentify_model(key: str) -> Flow[ModelRecord]:
    """Look again at a model's files and find out what it is."""
    request = post(route(MODEL + "/reidentify", key))
    try:
        return (yield from call_model(ModelRecord, request))
    except APIStatusError as error:
        if error.status_code != 400:
            raise
        raise ModelError(
            f"the server cannot tell what model {key} is: {error.detail}"
        ) from error


def convert_model(key: str) -> Flow[ModelRecord]:
    """Replace a single-file model by its diffusers form, with another key."""
    request = put(route("/api/v2/models/convert/{}", key), timeout=CONVERT_TIMEOUT)
    try:
        return (yield from call_model(ModelRecord, request))
    except APIStatusError as error:
        if error.status_code == 424:
            # This route's word for a key that it does not know.
            raise NotFoundError(
                f"there is no model {key}",
                status_code=error.status_code,
                detail=error.detail,
                method=error.method,
                url=error.url,
            ) from error
        if error.status_code == 400:
            raise ModelError(
                f"model {key} cannot be converted: {error.detail}"
            ) from error
        raise


def related_keys(keys: Sequence[str]) -> Flow[list[str]]:
    """Keys of the models that somebody said go with these."""
    if len(keys) == 1:
        path = route("/api/v1/model_relationships/i/{}", keys[0])
        return (yield from call_model(list[str], get(path)))
    request = post(
        "/api/v1/model_relationships/batch",
        json={"model_keys": list(keys)},
    )
    return (yield from call_model(list[str], request))


def relate_models(first: str, second: str) -> Flow[None]:
    """Say that two models go together; once more is fine."""
    request = post(
        RELATIONSHIPS,
        json=_pair(first, second),
        identity=True,
        retry=RetryRule.SAFE,
    )
    try:
        yield from call(request)
    except InternalServerError:
        # The server fails over a key that it does not know. Reading the records
        # raises the NotFoundError it should have been.
        for key in (first, second):
            yield from get_model(key)
        raise


def unrelate_models(first: str, second: str) -> Flow[None]:
    """Take back that two models go together."""
    yield from call(delete(RELATIONSHIPS, json=_pair(first, second), identity=True))


RELATIONSHIPS = "/api/v1/model_relationships/"


def _pair(first: str, second: str) -> dict[str, str]:
    if first == second:
        raise ValueError("a model is not related to itself")
    return {"model_key_1": first, "model_key_2": second}
