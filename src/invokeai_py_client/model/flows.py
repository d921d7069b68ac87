"""What can be asked about the installed models, and their records, as flows.

Installing is in `install_flows.py`, where models come from and what else the server
keeps of them in `upkeep_flows.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Optional, Union

from invokeai_py_client._arguments import KnownId
from invokeai_py_client._core.decode import parse, restated
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.messages import Request, RetryRule
from invokeai_py_client._core.send import (
    call_field,
    call_model,
    delete,
    get,
    patch,
    post,
    put,
    request_json,
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
    find_models,
    get_one,
    model_reference,
    no_such_model,
)
from invokeai_py_client.model.models import BulkModelResult, ModelRecord

MODELS = "/api/v2/models/"
MODEL = "/api/v2/models/i/{}"
MISSING = "/api/v2/models/missing"

# Loading and writing a model of several GB takes minutes.
CONVERT_TIMEOUT = 3600.0


def key_flow(model: ModelLike) -> Flow[str]:
    """The key of the one model that is meant; asks for the list if it has to."""
    return (yield from keys_flow([model]))[0]


def keys_flow(models: Sequence[ModelLike]) -> Flow[list[str]]:
    """The keys of the models that are meant."""
    wanted = [model_reference(model) for model in models]
    if all(isinstance(model, KnownId) for model in wanted):
        return [str(model) for model in wanted]
    known = yield from list_models()
    return [
        model if isinstance(model, KnownId) else get_one(known, model).key
        for model in wanted
    ]


def list_models(
    base: Union[str, Iterable[str], None] = None,
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
    return (yield from read_models(get(MODELS, params=params)))


def read_models(request: Request) -> Flow[list[ModelRecord]]:
    """The models that an answer lists."""
    return (yield from call_field(list[ModelRecord], request, "models"))


def get_model(key: str) -> Flow[ModelRecord]:
    """One model by its key."""
    return (yield from call_model(ModelRecord, get(route(MODEL, key))))


def get_any_model(text: str, allowed: Restriction) -> Flow[ModelRecord]:
    """The first of the models that `find_models` finds."""
    models = yield from list_models()
    found = find_models(models, text, allowed)
    if not found:
        raise no_such_model(models, text, allowed)
    return found[0]


def resolve(reference: ModelLike, allowed: Restriction) -> Flow[ModelRecord]:
    """The one model that is meant."""
    wanted = model_reference(reference)
    if isinstance(wanted, KnownId) and allowed == Restriction():
        return (yield from get_model(wanted))
    return get_one((yield from list_models()), wanted, allowed)


def delete_model(model: ModelLike) -> Flow[None]:
    """Remove a model from the server."""
    key = yield from key_flow(model)
    # The answer has no content type, which the server fails to compress.
    yield from request_json(delete(route(MODEL, key), identity=True))


def change_models(
    verb: str, models: Sequence[ModelLike], done_key: str
) -> Flow[BulkModelResult]:
    """Delete or reidentify several models; the answer says which could not be."""
    keys = yield from keys_flow(models)
    request = post(f"/api/v2/models/i/{verb}", json={"keys": keys})
    data = parse(dict[str, Any], (yield from request_json(request)))
    return parse(
        BulkModelResult,
        {"done": data.get(done_key, []), "failed": data.get("failed", [])},
    )


def update_model(model: ModelLike, changes: Mapping[str, Any]) -> Flow[ModelRecord]:
    """Change a model's record."""
    key = yield from key_flow(model)
    data = yield from request_json(patch(route(MODEL, key), json=dict(changes)))
    record = parse(dict[str, Any], data)
    # The server ignores silently what this kind of model does not have.
    ignored = [name for name in changes if name not in record]
    if ignored:
        raise ModelError(
            f"the server has no {', '.join(map(repr, ignored))} for this model",
            hint=f"it has {', '.join(sorted(record))}; other changes were made",
        )
    return parse(ModelRecord, record)


def reidentify_model(model: ModelLike) -> Flow[ModelRecord]:
    """Look again at a model's files and find out what it is."""
    key = yield from key_flow(model)
    request = post(route(MODEL + "/reidentify", key))
    try:
        return (yield from call_model(ModelRecord, request))
    except APIStatusError as error:
        if error.status_code != 400:
            raise
        raise ModelError(
            f"the server cannot identify model {key}: {error.detail}"
        ) from error


def convert_model(model: ModelLike) -> Flow[ModelRecord]:
    """Replace a single-file model by its diffusers form, with another key."""
    key = yield from key_flow(model)
    request = put(route("/api/v2/models/convert/{}", key), timeout=CONVERT_TIMEOUT)
    try:
        return (yield from call_model(ModelRecord, request))
    except APIStatusError as error:
        if error.status_code == 424:
            # This route's word for a key that it does not know.
            message = f"there is no model {key}"
            raise restated(error, NotFoundError, message) from error
        if error.status_code == 400:
            raise ModelError(
                f"model {key} cannot be converted: {error.detail}"
            ) from error
        raise


def related_keys(models: Sequence[ModelLike]) -> Flow[list[str]]:
    """Keys of the models that are related to these."""
    keys = yield from keys_flow(models)
    if len(keys) == 1:
        path = route("/api/v1/model_relationships/i/{}", keys[0])
        return (yield from call_model(list[str], get(path)))
    request = post("/api/v1/model_relationships/batch", json={"model_keys": keys})
    return (yield from call_model(list[str], request))


def relate_models(one: ModelLike, other: ModelLike) -> Flow[None]:
    """Say that two models go together; once more is fine."""
    first, second = yield from keys_flow([one, other])
    pair = _pair(first, second)
    try:
        yield from request_json(
            post(RELATIONSHIPS, json=pair, identity=True, retry=RetryRule.SAFE)
        )
    except InternalServerError:
        # The server fails over a key that it does not know. Reading the records
        # raises the NotFoundError it should have been.
        for key in (first, second):
            yield from get_model(key)
        raise


def unrelate_models(one: ModelLike, other: ModelLike) -> Flow[None]:
    """Take back that two models go together."""
    first, second = yield from keys_flow([one, other])
    yield from request_json(
        delete(RELATIONSHIPS, json=_pair(first, second), identity=True)
    )


RELATIONSHIPS = "/api/v1/model_relationships/"


def _pair(first: str, second: str) -> dict[str, str]:
    if first == second:
        raise ModelError("a model is not related to itself")
    return {"model_key_1": first, "model_key_2": second}
