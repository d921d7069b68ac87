"""Routes that only images have: several by name, intermediates, URLs, zips."""

from __future__ import annotations

from typing import Any, Optional

from ..base.errors import ApiError, CrashError
from ..http.wire import ApiRequest, Reply, json_reply, route
from ..media.boards import BoardNotFoundError
from ..media.images import ImageNotFoundError
from ..media.media_filter import MediaFilter
from ..media.media_store import media_urls
from .routes_media import IMAGES, Names, may_read, read_access

_I = "/api/v1/images"


@route("POST", f"{_I}/images_by_names")
def _by_names(request: ApiRequest) -> Any:
    names = request.embedded(image_names=Names)["image_names"]
    rows = (IMAGES.find(request, name) for name in names)
    return [IMAGES.shown(row) for row in rows if row and may_read(request, row)]


@route("GET", f"{_I}/intermediates")
def _intermediates(request: ApiRequest) -> Any:
    chosen = MediaFilter(is_intermediate=True, user_id=request.scope_user)
    return request.simulation.images.count(chosen)


@route("DELETE", f"{_I}/intermediates")
def _clear_intermediates(request: ApiRequest) -> Any:
    if not request.user.is_admin:
        raise ApiError(403, "Only admins can clear all intermediates")
    images = request.simulation.images
    rows = images.rows(MediaFilter(is_intermediate=True))
    return len([images.delete(row["image_name"]) for row in rows])


@route("GET", f"{_I}/i/{{name}}/urls")
def _get_urls(request: ApiRequest) -> Any:
    # Made from the name alone, so images that do not exist have them, too.
    return media_urls("image", request.params["name"])


@route("POST", f"{_I}/download")
def _download(request: ApiRequest) -> Any:
    body = request.embedded(
        image_names=(Optional[Names], None), board_id=(Optional[str], None)
    )
    names, board_id = body["image_names"], body["board_id"]
    if not names and board_id is None:
        raise ApiError(400, "No images or board id specified.")
    if not request.user.is_admin:
        for name in names or ():
            read_access(IMAGES, request, name)
    try:
        item = request.simulation.downloads.begin(names, board_id, request.user.user_id)
    except BoardNotFoundError:
        raise CrashError from None
    return json_reply({"response": None, "bulk_download_item_name": item}, 202)


@route("GET", f"{_I}/download/{{item}}")
def _get_download(request: ApiRequest) -> Any:
    item = request.params["item"]
    owner = request.simulation.downloads.owner(item)
    if owner not in (None, request.user.user_id) and not request.user.is_admin:
        raise ApiError(403, "Not authorized to access this download")
    try:
        data = request.simulation.downloads.take(item)
    except ImageNotFoundError:
        raise ApiError(404, "Not Found") from None
    headers = {"content-disposition": f'inline; filename="{item}"'}
    return Reply(data, media_type="application/zip", headers=headers)
