"""Images: upload, lists, records, files, stars, deletion, zips."""

from __future__ import annotations

from typing import Annotated, Any, Optional

from pydantic import BaseModel, Field, StrictBool, StrictStr

from .boards import BoardNotFoundError
from .choices import ImageCategory
from .images import ImageNotFoundError, image_dto, image_urls
from .listing import counts, media_choice, page
from .media_filter import MediaFilter
from .wire import (
    ApiError,
    Call,
    CrashError,
    Reply,
    json_reply,
    route,
)

_I = "/api/v1/images"
_Names = Annotated[list[Annotated[str, Field(max_length=255)]], Field(max_length=1000)]


class _Changes(BaseModel):
    image_category: Optional[ImageCategory] = None
    session_id: Optional[StrictStr] = None
    is_intermediate: Optional[StrictBool] = None
    starred: Optional[StrictBool] = None


def read_access(call: Call, name: str) -> None:
    """Raise unless the caller may see an image."""
    row = _existing(call, name, "Not Found")
    if call.user.is_admin or row["user_id"] == call.user.user_id:
        return
    if not call.simulation.boards.is_shown(row["board_id"]):
        raise ApiError(403, "Not authorized to access this image")


def owner_access(call: Call, name: str) -> None:
    """Raise unless the caller may change an image; unknown ones pass on."""
    if call.user.is_admin:
        return
    row = _existing(call, name, "Image not found")
    user_id = call.user.user_id
    if row["user_id"] == user_id:
        return
    if not call.simulation.boards.is_open(row["board_id"], user_id):
        raise ApiError(403, "Not authorized to modify this image")


def _existing(call: Call, name: str, otherwise: str) -> dict[str, Any]:
    try:
        return call.simulation.images.record(name)
    except ImageNotFoundError:
        raise ApiError(404, otherwise) from None


@route("GET", f"{_I}/")
def _list(call: Call) -> Any:
    return page(call, "image_origin", call.simulation.images, image_dto)


@route("GET", f"{_I}/names")
def _names(call: Call) -> Any:
    chosen, order = media_choice(call, "image_origin")
    rows = call.simulation.images.rows(chosen, order)
    names = [row["image_name"] for row in rows]
    return {"image_names": names, **counts(rows, order)}


@route("POST", f"{_I}/images_by_names")
def _by_names(call: Call) -> Any:
    found = []
    for name in call.embedded(image_names=_Names)["image_names"]:
        try:
            read_access(call, name)
        except ApiError:
            continue
        found.append(call.simulation.images.dto(name))
    return found


@route("GET", f"{_I}/intermediates")
def _intermediates(call: Call) -> Any:
    chosen = MediaFilter(is_intermediate=True, user_id=call.scope_user)
    return call.simulation.images.count(chosen)


@route("DELETE", f"{_I}/intermediates")
def _clear_intermediates(call: Call) -> Any:
    if not call.user.is_admin:
        raise ApiError(403, "Only admins can clear all intermediates")
    return len(call.simulation.images.delete_where("is_intermediate"))


@route("DELETE", f"{_I}/uncategorized")
def _delete_uncategorized(call: Call) -> Any:
    where, parameters = "board_id IS NULL", []
    if call.scope_user is not None:
        where, parameters = f"{where} AND user_id = ?", [call.scope_user]
    names = call.simulation.images.delete_where(where, parameters)
    return _deleted(names, ["none"] if names else [])


def _deleted(names: list[str], boards: list[str]) -> dict[str, Any]:
    return {"deleted_images": names, "failed_images": [], "affected_boards": boards}


@route("GET", f"{_I}/i/{{name}}")
def _get(call: Call) -> Any:
    read_access(call, call.params["name"])
    return call.simulation.images.dto(call.params["name"])


@route("PATCH", f"{_I}/i/{{name}}")
def _update(call: Call) -> Any:
    name = call.params["name"]
    changes = call.read(_Changes).model_dump(exclude_none=True)
    owner_access(call, name)
    try:
        return call.simulation.images.update(name, changes)
    except ImageNotFoundError:
        raise ApiError(400, "Failed to update image") from None


@route("DELETE", f"{_I}/i/{{name}}")
def _delete(call: Call) -> Any:
    name = call.params["name"]
    owner_access(call, name)
    row = _existing(call, name, "Image not found")
    call.simulation.images.delete(name)
    return _deleted([name], [row["board_id"] or "none"])


@route("GET", f"{_I}/i/{{name}}/metadata")
def _get_metadata(call: Call) -> Any:
    read_access(call, call.params["name"])
    return call.simulation.images.metadata(call.params["name"])


@route("GET", f"{_I}/i/{{name}}/workflow")
def _get_workflow(call: Call) -> Any:
    read_access(call, call.params["name"])
    row = call.simulation.images.record(call.params["name"])
    return {"workflow": row["workflow"], "graph": row["graph"]}


@route("GET", f"{_I}/i/{{name}}/urls")
def _get_urls(call: Call) -> Any:
    # Made from the name alone: an image that does not exist has them too.
    return image_urls(call.params["name"])


def cache_control(call: Call) -> str:
    """How long clients may keep a file, which never changes."""
    secret = call.simulation.users.multiuser
    return "private, no-store" if secret else "max-age=31536000"


def _file(call: Call, data: bytes, media_type: str) -> Reply:
    headers = {"cache-control": cache_control(call)}
    return Reply(data, media_type=media_type, headers=headers)


@route("GET", f"{_I}/i/{{name}}/full", "media")
@route("HEAD", f"{_I}/i/{{name}}/full", "media")
def _full(call: Call) -> Any:
    name = call.params["name"]
    read_access(call, name)
    reply = _file(call, call.simulation.images.full(name), "image/png")
    reply.headers["content-disposition"] = f'inline; filename="{name}"'
    return reply


@route("GET", f"{_I}/i/{{name}}/thumbnail", "media")
def _thumbnail(call: Call) -> Any:
    name = call.params["name"]
    read_access(call, name)
    return _file(call, call.simulation.images.thumbnail(name), "image/webp")


def _each(call: Call) -> list[str]:
    """The names of the body that the caller may change; others are passed over."""
    allowed = []
    for name in dict.fromkeys(call.embedded(image_names=_Names)["image_names"]):
        try:
            owner_access(call, name)
            call.simulation.images.record(name)
        except (ApiError, ImageNotFoundError):
            continue
        allowed.append(name)
    return allowed


@route("POST", f"{_I}/delete")
def _delete_many(call: Call) -> Any:
    names = _each(call)
    rows = [call.simulation.images.delete(name) for name in names]
    return _deleted(names, sorted({row["board_id"] or "none" for row in rows}))


def _set_star(call: Call, starred: bool) -> Any:
    names = _each(call)
    changed = [
        call.simulation.images.update(name, {"starred": starred}) for name in names
    ]
    key = "starred_images" if starred else "unstarred_images"
    boards = sorted({dto["board_id"] or "none" for dto in changed})
    return {key: names, "failed_images": [], "affected_boards": boards}


@route("POST", f"{_I}/star")
def _star(call: Call) -> Any:
    return _set_star(call, True)


@route("POST", f"{_I}/unstar")
def _unstar(call: Call) -> Any:
    return _set_star(call, False)


@route("POST", f"{_I}/download")
def _download(call: Call) -> Any:
    body = call.embedded(
        image_names=(Optional[_Names], None), board_id=(Optional[str], None)
    )
    names, board_id = body["image_names"], body["board_id"]
    if not names and board_id is None:
        raise ApiError(400, "No images or board id specified.")
    if not call.user.is_admin:
        for name in names or ():
            read_access(call, name)
    try:
        item = call.simulation.downloads.begin(names, board_id, call.user.user_id)
    except BoardNotFoundError:
        raise CrashError from None
    return json_reply({"response": None, "bulk_download_item_name": item}, 202)


@route("GET", f"{_I}/download/{{item}}")
def _get_download(call: Call) -> Any:
    item = call.params["item"]
    owner = call.simulation.downloads.owner(item)
    if owner not in (None, call.user.user_id) and not call.user.is_admin:
        raise ApiError(403, "Not authorized to access this download")
    try:
        data = call.simulation.downloads.take(item)
    except ImageNotFoundError:
        raise ApiError(404, "Not Found") from None
    headers = {"content-disposition": f'inline; filename="{item}"'}
    return Reply(data, media_type="application/zip", headers=headers)
