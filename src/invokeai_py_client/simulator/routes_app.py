"""Version, schema, invocation cache, dynamic prompts."""

from __future__ import annotations

from typing import Annotated, Any, Optional

from pydantic import Field

from .dynamic_prompts import combinations, random_prompts
from .wire import Call, route

_A = "/api/v1/app"


@route("GET", f"{_A}/version", "public")
def _version(call: Call) -> Any:
    return {"version": call.simulation.schemas.version}


@route("GET", f"{_A}/invocation_cache/status", "admin")
def _cache_status(call: Call) -> Any:
    return call.simulation.cache.status()


@route("DELETE", f"{_A}/invocation_cache", "admin")
def _cache_clear(call: Call) -> Any:
    call.simulation.cache.clear()
    return None


@route("PUT", f"{_A}/invocation_cache/enable", "admin")
def _cache_enable(call: Call) -> Any:
    call.simulation.cache.set_enabled(True)
    return None


@route("PUT", f"{_A}/invocation_cache/disable", "admin")
def _cache_disable(call: Call) -> Any:
    call.simulation.cache.set_enabled(False)
    return None


@route("GET", "/openapi.json", "public")
def _openapi(call: Call) -> Any:
    # The node classes only: it is what clients read of the document.
    schemas = call.simulation.schemas
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Invoke - Community Edition",
            "description": "An API for invoking AI image operations",
            "version": "1.0.0",
        },
        "paths": {},
        "components": {"schemas": schemas.components},
    }


@route("POST", "/api/v1/utilities/dynamicprompts")
def _dynamic_prompts(call: Call) -> Any:
    body = call.embedded(
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
