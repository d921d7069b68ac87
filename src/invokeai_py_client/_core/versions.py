"""Which operation which server version has, as data and pure decisions.

Operations are named as in the server's OpenAPI document: ``"GET /api/v1/boards/"``,
with ``{}`` around what a path takes. `SINCE` was read from the routers of the releases
5.0.0, 5.15.0, 6.0.2, 6.3.0, 6.7.0, 6.8.1, 6.9.0, 6.10.0, 6.11.1, 6.12.0, 6.13.0,
6.13.5 and 6.14.2: it gives the first of these that has the operation, from then on in
every one. What is not listed is older than all of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Optional

from invokeai_py_client.exceptions import (
    APIResponseError,
    APIStatusError,
    UnsupportedVersionError,
)

__all__ = [
    "OLDEST",
    "ROUTE_ERRORS",
    "SINCE",
    "is_at_least",
    "is_missing_route",
    "looks_missing",
    "since",
    "version_key",
]

OLDEST = "5.0"
"""The oldest release that was looked at."""

SINCE: Mapping[str, tuple[str, ...]] = {
    "5.15": (
        "GET /api/v1/app/runtime_config",
        "POST /api/v1/images/",
        "DELETE /api/v1/images/uncategorized",
        "DELETE /api/v1/model_relationships/",
        "POST /api/v1/model_relationships/",
        "POST /api/v1/model_relationships/batch",
        "GET /api/v1/model_relationships/i/{model_key}",
        "PUT /api/v1/queue/{queue_id}/cancel_all_except_current",
        "PUT /api/v1/queue/{queue_id}/retry_items_by_id",
        "GET /api/v1/workflows/counts_by_category",
        "GET /api/v1/workflows/counts_by_tag",
        "PUT /api/v1/workflows/i/{workflow_id}/opened_at",
        "DELETE /api/v1/workflows/i/{workflow_id}/thumbnail",
        "GET /api/v1/workflows/i/{workflow_id}/thumbnail",
        "PUT /api/v1/workflows/i/{workflow_id}/thumbnail",
        "POST /api/v2/models/empty_model_cache",
        "DELETE /api/v2/models/hf_login",
        "GET /api/v2/models/hf_login",
        "POST /api/v2/models/hf_login",
    ),
    "6.0": (
        "POST /api/v1/images/images_by_names",
        "GET /api/v1/images/names",
        "DELETE /api/v1/queue/{queue_id}/d/{destination}",
        "PUT /api/v1/queue/{queue_id}/delete_all_except_current",
        "DELETE /api/v1/queue/{queue_id}/i/{item_id}",
        "GET /api/v1/queue/{queue_id}/list_all",
    ),
    "6.3": (
        "POST /api/v1/client_state/{queue_id}/delete",
        "GET /api/v1/client_state/{queue_id}/get_by_key",
        "POST /api/v1/client_state/{queue_id}/set_by_key",
    ),
    "6.7": (
        "GET /api/v1/queue/{queue_id}/item_ids",
        "POST /api/v1/queue/{queue_id}/items_by_ids",
    ),
    "6.9": (
        "GET /api/v1/app/patchmatch_status",
        "POST /api/v2/models/i/{key}/reidentify",
    ),
    "6.10": (
        "GET /api/v1/workflows/tags",
        "POST /api/v2/models/i/bulk_delete",
    ),
    "6.12": (
        "GET /api/v1/auth/generate-password",
        "POST /api/v1/auth/login",
        "POST /api/v1/auth/logout",
        "GET /api/v1/auth/me",
        "PATCH /api/v1/auth/me",
        "POST /api/v1/auth/setup",
        "GET /api/v1/auth/status",
        "GET /api/v1/auth/users",
        "POST /api/v1/auth/users",
        "DELETE /api/v1/auth/users/{user_id}",
        "GET /api/v1/auth/users/{user_id}",
        "PATCH /api/v1/auth/users/{user_id}",
        "GET /api/v1/recall/{queue_id}",
        "POST /api/v1/recall/{queue_id}",
        "GET /api/v2/models/get_by_hash",
        "POST /api/v2/models/install/{id}/pause",
        "POST /api/v2/models/install/{id}/restart_failed",
        "POST /api/v2/models/install/{id}/restart_file",
        "POST /api/v2/models/install/{id}/resume",
        "GET /api/v2/models/missing",
        "DELETE /api/v2/models/sync/orphaned",
        "GET /api/v2/models/sync/orphaned",
    ),
    "6.13": (
        "GET /api/v1/app/external_providers/config",
        "DELETE /api/v1/app/external_providers/config/{provider_id}",
        "POST /api/v1/app/external_providers/config/{provider_id}",
        "GET /api/v1/app/external_providers/status",
        "PATCH /api/v1/app/runtime_config",
        "POST /api/v1/client_state/{queue_id}/delete_by_key",
        "GET /api/v1/client_state/{queue_id}/get_keys_by_prefix",
        "POST /api/v1/utilities/expand-prompt",
        "POST /api/v1/utilities/image-to-prompt",
        "GET /api/v1/virtual_boards/by_date",
        "GET /api/v1/virtual_boards/by_date/{date}/image_names",
        "PATCH /api/v1/workflows/i/{workflow_id}/is_public",
        "GET /api/v2/custom_nodes/",
        "POST /api/v2/custom_nodes/install",
        "POST /api/v2/custom_nodes/reload",
        "DELETE /api/v2/custom_nodes/{pack_name}",
        "POST /api/v2/models/i/bulk_reidentify",
    ),
    "6.14": (
        "GET /api/v1/app/generation_device_options",
        "POST /api/v1/auth/media-cookie",
        "GET /api/v1/gallery/item_names",
        "GET /api/v1/gallery/items/",
        "GET /api/v1/gallery/items/names",
        "POST /api/v1/image_moves/recover",
        "POST /api/v1/image_moves/start",
        "GET /api/v1/image_moves/status",
        "POST /api/v1/queue/{queue_id}/item_summaries_by_ids",
        "GET /api/v1/system_prompts/",
        "POST /api/v1/system_prompts/",
        "DELETE /api/v1/system_prompts/i/{system_prompt_id}",
        "GET /api/v1/system_prompts/i/{system_prompt_id}",
        "PATCH /api/v1/system_prompts/i/{system_prompt_id}",
        "GET /api/v1/utilities/fonts",
        "GET /api/v1/utilities/fonts/{font_path}",
        "GET /api/v1/videos/",
        "DELETE /api/v1/videos/board",
        "POST /api/v1/videos/board",
        "POST /api/v1/videos/delete",
        "DELETE /api/v1/videos/i/{video_name}",
        "GET /api/v1/videos/i/{video_name}",
        "PATCH /api/v1/videos/i/{video_name}",
        "GET /api/v1/videos/i/{video_name}/full",
        "HEAD /api/v1/videos/i/{video_name}/full",
        "GET /api/v1/videos/i/{video_name}/metadata",
        "GET /api/v1/videos/i/{video_name}/thumbnail",
        "GET /api/v1/videos/i/{video_name}/urls",
        "GET /api/v1/videos/i/{video_name}/workflow",
        "GET /api/v1/videos/names",
        "POST /api/v1/videos/star",
        "DELETE /api/v1/videos/uncategorized",
        "POST /api/v1/videos/unstar",
        "POST /api/v1/videos/upload",
        "GET /api/v1/virtual_boards/by_date/{date}/item_names",
    ),
}
"""Operations by the version that brought them."""


def version_key(version: str) -> tuple[int, ...]:
    """The numbers of a version; a release candidate counts as its release.

    Empty when the text holds no version at all.
    """
    found = re.match(r"v?(\d+(?:\.\d+)*)", version.strip())
    return tuple(int(part) for part in found.group(1).split(".")) if found else ()


def is_at_least(version: str, wanted: str) -> bool:
    """True when `version` is `wanted` or newer; also when it cannot be read."""
    key = version_key(version)
    return not key or key >= version_key(wanted)


def since(method: str, path: str) -> Optional[str]:
    """The version that brought the operation behind a request's path.

    None for operations that every known version has, and for paths that none has.
    """
    for pattern, version in _patterns(method):
        if pattern.fullmatch(path):
            return version
    return None


@cache
def _patterns(method: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """The operations of a method, those without gaps in their paths first."""
    found = [
        (path, version)
        for version, operations in SINCE.items()
        for verb, _, path in (operation.partition(" ") for operation in operations)
        if verb == method
    ]
    found.sort(key=lambda item: item[0].count("{"))
    return tuple((_pattern(path), version) for path, version in found)


def _pattern(path: str) -> re.Pattern[str]:
    # The one gap that holds slashes is a file's path.
    text = re.escape(path).replace(re.escape("{font_path}"), ".+")
    return re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", text))


def looks_missing(status: int, media_type: str, detail: object) -> bool:
    """True when an answer looks as if the server did not have the route at all.

    Servers before 6.12 answer 404 ``"Not Found"``; later ones give a web page with
    status 200 to GET and HEAD. A path that has other methods gives 405, and what is
    only a plan (videos in 6.8) 501.
    """
    if status in (405, 501):
        return True
    if status == 404:
        return detail == "Not Found"
    return status == 200 and media_type == "text/html"


ROUTE_ERRORS = (APIStatusError, APIResponseError, UnsupportedVersionError)
"""What a request to a route that the server does not have may raise."""


def is_missing_route(error: Exception) -> bool:
    """True when an older route may have to do: the server seems to lack this one."""
    if isinstance(error, APIStatusError):
        return error.status_code in (404, 405)
    return isinstance(error, (APIResponseError, UnsupportedVersionError))
