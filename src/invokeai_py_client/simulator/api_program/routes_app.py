"""Version, schema, invocation cache, dynamic prompts."""

from __future__ import annotations

from typing import Annotated, Any, Optional

from pydantic import Field

from ..http.wire import ApiRequest, route
from ..program.dynamic_prompts import combinations, random_prompts

_A = "/api/v1/app"

# By the rules of 7: that batches have keys is told by this document alone.
_STRING = {"anyOf": [{"type": "string"}, {"type": "null"}]}
_KEYED_BATCH = {
    "Batch": {
        "type": "object",
        "properties": {
            "batch_id": {"type": "string"},
            "idempotency_key": _STRING,
            "origin": _STRING,
            "destination": _STRING,
        },
    }
}
_ENQUEUE = "/api/v1/queue/{queue_id}/enqueue_batch"
_KEYED_PATHS: dict[str, Any] = {
    f"{_ENQUEUE}/receipt": {"get": {}},
    f"{_ENQUEUE}/acknowledge": {"post": {}},
}


@route("GET", f"{_A}/version", "public")
def _version(request: ApiRequest) -> Any:
    return {"version": request.simulation.version}


@route("GET", f"{_A}/invocation_cache/status", "admin")
def _cache_status(request: ApiRequest) -> Any:
    return request.simulation.cache.status()


@route("DELETE", f"{_A}/invocation_cache", "admin")
def _cache_clear(request: ApiRequest) -> Any:
    request.simulation.cache.clear()


@route("PUT", f"{_A}/invocation_cache/enable", "admin")
def _cache_enable(request: ApiRequest) -> Any:
    request.simulation.cache.set_enabled(True)


@route("PUT", f"{_A}/invocation_cache/disable", "admin")
def _cache_disable(request: ApiRequest) -> Any:
    request.simulation.cache.set_enabled(False)


@route("GET", "/openapi.json", "public")
def _openapi(request: ApiRequest) -> Any:
    # The node classes only: it is what clients read of the document.
    components = request.simulation.schemas.components
    paths: dict[str, Any] = {}
    if request.simulation.settings.rules == "7":
        components, paths = {**components, **_KEYED_BATCH}, _KEYED_PATHS
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Invoke - Community Edition",
            "description": "An API for invoking AI image operations",
            "version": "1.0.0",
        },
        "paths": paths,
        "components": {"schemas": components},
    }


@route("POST", "/api/v1/utilities/dynamicprompts")
def _dynamic_prompts(request: ApiRequest) -> Any:
    body = request.embedded(
        prompt=str,
        max_prompts=(Annotated[int, Field(ge=1, le=10_000)], 1000),
        combinatorial=(bool, True),
        seed=(Optional[int], None),
    )
    try:
        if body["combinatorial"]:
            prompts = combinations(body["prompt"], body["max_prompts"])
        else:
            prompts = random_prompts(body["prompt"], body["max_prompts"], body["seed"])
    except ValueError as error:
        return {"prompts": [body["prompt"]], "error": str(error)}
    return {"prompts": prompts or [body["prompt"]], "error": None}
