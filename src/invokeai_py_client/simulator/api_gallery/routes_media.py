"""The routes that images and videos share: lists, records, files, changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Optional

from pydantic import BaseModel, Field, StrictBool, StrictStr, create_model

from ..base.api_enums import ImageCategory
from ..base.database import Row
from ..base.errors import ApiError
from ..http.wire import ApiRequest, Reply, route
from ..media.media_filter import MediaFilter
from ..media.media_store import MediaStore, media_dto
from .listing import counts, media_choice, page

Names = Annotated[list[Annotated[str, Field(max_length=255)]], Field(max_length=1000)]


@dataclass(frozen=True)
class Media:
    """Images or videos: the `kind` names routes, keys and columns."""

    kind: str
    media_type: str
    changes: type[BaseModel]

    def store(self, request: ApiRequest) -> MediaStore:
        """The store that holds them."""
        simulation = request.simulation
        return simulation.images if self.kind == "image" else simulation.videos

    def shown(self, row: Row) -> dict[str, Any]:
        """A row as the API shows it."""
        return media_dto(self.kind, row)

    def find(self, request: ApiRequest, name: str) -> Optional[Row]:
        """The row of a name; None if there is none."""
        try:
            return self.store(request).record(name)
        except LookupError:
            return None


def _changes(kind: str) -> type[BaseModel]:
    fields: dict[str, Any] = {
        f"{kind}_category": (Optional[ImageCategory], None),
        "session_id": (Optional[StrictStr], None),
        "is_intermediate": (Optional[StrictBool], None),
        "starred": (Optional[StrictBool], None),
    }
    return create_model(f"{kind}_changes", **fields)


IMAGES = Media("image", "image/png", _changes("image"))
VIDEOS = Media("video", "video/mp4", _changes("video"))


def may_read(request: ApiRequest, row: Row) -> bool:
    """Whether the caller may see an item: it is theirs, or on a shared board."""
    boards = request.simulation.boards
    return request.owns(row) or boards.is_shown(row["board_id"])


def read_access(media: Media, request: ApiRequest, name: str) -> Row:
    """The row, if the caller may see it; otherwise an ApiError 404 or 403."""
    row = media.find(request, name)
    if row is None:
        told = media is VIDEOS and not request.user.is_admin
        raise ApiError(404, "Video not found" if told else "Not Found")
    if not may_read(request, row):
        raise ApiError(403, f"Not authorized to access this {media.kind}")
    return row


def owner_access(media: Media, request: ApiRequest, name: str) -> None:
    """Raise unless the caller may change an item; administrators always may."""
    if request.user.is_admin:
        return
    row = media.find(request, name)
    if row is None and media is IMAGES:
        raise ApiError(404, "Image not found")
    board_id = None if row is None else row["board_id"]
    own = row is not None and request.owns(row)
    if not own and not request.simulation.boards.is_open(
        board_id, request.user.user_id
    ):
        raise ApiError(403, f"Not authorized to modify this {media.kind}")


def may_change(media: Media, request: ApiRequest, name: str) -> bool:
    """Whether the caller may change an item."""
    try:
        owner_access(media, request, name)
    except ApiError:
        return False
    return True


def _list(media: Media, request: ApiRequest) -> Any:
    return page(request, f"{media.kind}_origin", media.store(request), media.shown)


def _names(media: Media, request: ApiRequest) -> Any:
    chosen, order = media_choice(request, f"{media.kind}_origin")
    rows = media.store(request).rows(chosen, order)
    names = [row[f"{media.kind}_name"] for row in rows]
    return {f"{media.kind}_names": names, **counts(rows, order)}


def _asked(media: Media, request: ApiRequest) -> Row:
    return read_access(media, request, request.params["name"])


def _get(media: Media, request: ApiRequest) -> Any:
    return media.shown(_asked(media, request))


def _update(media: Media, request: ApiRequest) -> Any:
    name = request.params["name"]
    body: BaseModel = request.read(media.changes)
    changes = body.model_dump(mode="json", exclude_none=True)
    owner_access(media, request, name)
    try:
        return media.store(request).update(name, changes)
    except LookupError:
        raise ApiError(400, f"Failed to update {media.kind}") from None


def _delete(media: Media, request: ApiRequest) -> Any:
    name = request.params["name"]
    owner_access(media, request, name)
    if media.find(request, name) is None:
        raise ApiError(404, f"{media.kind.title()} not found")
    return _changed(media, "deleted", [media.store(request).delete(name)])


def _changed(
    media: Media, done: str, rows: Sequence[Row], failed: Sequence[str] = ()
) -> dict[str, Any]:
    return {
        "affected_boards": sorted({row["board_id"] or "none" for row in rows}),
        f"{done}_{media.kind}s": [row[f"{media.kind}_name"] for row in rows],
        f"failed_{media.kind}s": list(failed),
    }


def _change_each(
    media: Media, request: ApiRequest, done: str, change: Callable[[str], Row]
) -> Any:
    """Change the items that the body names; those of other users are skipped."""
    key = f"{media.kind}_names"
    names = dict.fromkeys(request.embedded(**{key: Names})[key])
    allowed = [name for name in names if may_change(media, request, name)]
    known = [name for name in allowed if media.find(request, name) is not None]
    # The server does not mention images that do not exist.
    failed = [n for n in allowed if n not in known and media is VIDEOS]
    return _changed(media, done, [change(name) for name in known], failed)


def _delete_many(media: Media, request: ApiRequest) -> Any:
    return _change_each(media, request, "deleted", media.store(request).delete)


def _delete_uncategorized(media: Media, request: ApiRequest) -> Any:
    store = media.store(request)
    rows = store.rows(MediaFilter(board_id="none", user_id=request.scope_user))
    gone = [store.delete(row[f"{media.kind}_name"]) for row in rows]
    return _changed(media, "deleted", gone)


def _star(media: Media, request: ApiRequest, *, starred: bool = True) -> Any:
    update = media.store(request).update
    done = "starred" if starred else "unstarred"
    return _change_each(
        media, request, done, lambda name: update(name, {"starred": starred})
    )


def _metadata(media: Media, request: ApiRequest) -> Any:
    return media.store(request).metadata(_asked(media, request)[f"{media.kind}_name"])


def _workflow(media: Media, request: ApiRequest) -> Any:
    row = _asked(media, request)
    return {"workflow": row["workflow"], "graph": row["graph"]}


def _file(media: Media, request: ApiRequest, *, thumbnail: bool) -> Reply:
    name = _asked(media, request)[f"{media.kind}_name"]
    # A file never changes.
    secret = request.simulation.users.multiuser
    lifetime = "private, no-store" if secret else "max-age=31536000"
    headers, store = {"cache-control": lifetime}, media.store(request)
    try:
        if thumbnail:
            return Reply(store.thumbnail(name), 200, "image/webp", headers)
        headers["content-disposition"] = f'inline; filename="{name}"'
        return Reply(store.full(name), 200, media.media_type, headers)
    except LookupError:
        raise ApiError(404, "Not Found") from None


def _register(media: Media) -> None:
    base, full = f"/api/v1/{media.kind}s", partial(_file, thumbnail=False)
    for method, path, handler in (
        ("GET", "/", _list),
        ("GET", "/names", _names),
        ("GET", "/i/{name}", _get),
        ("PATCH", "/i/{name}", _update),
        ("DELETE", "/i/{name}", _delete),
        ("POST", "/delete", _delete_many),
        ("DELETE", "/uncategorized", _delete_uncategorized),
        ("POST", "/star", _star),
        ("POST", "/unstar", partial(_star, starred=False)),
        ("GET", "/i/{name}/metadata", _metadata),
        ("GET", "/i/{name}/workflow", _workflow),
    ):
        route(method, base + path)(partial(handler, media))
    for method, path, handler in (
        ("GET", "/i/{name}/full", full),
        ("HEAD", "/i/{name}/full", full),
        ("GET", "/i/{name}/thumbnail", partial(_file, thumbnail=True)),
    ):
        route(method, base + path, "media")(partial(handler, media))


_register(IMAGES)
_register(VIDEOS)
