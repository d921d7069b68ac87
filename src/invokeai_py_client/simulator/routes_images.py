"""Images: upload, lists, records, files, stars, deletion, zips."""

from __future__ import annotations

import io
import json
from typing import Annotated, Any, Optional

from PIL import Image
from pydantic import BaseModel, Field, StrictBool, StrictStr, ValidationError

from .boards import BoardNotFoundError
from .choices import Direction, ImageCategory, Origin
from .graph import Workflow
from .images import (
    ImageFileSaveException,
    ImageFilter,
    ImageNotFoundError,
    image_dto,
    image_urls,
)
from .resizing import resize_upload
from .wire import (
    ApiError,
    Call,
    CrashError,
    Reply,
    UploadedFile,
    json_reply,
    missing,
    route,
)

_I = "/api/v1/images"
_Names = Annotated[list[Annotated[str, Field(max_length=255)]], Field(max_length=1000)]
_LARGEST = 4096 * 4096


class _Changes(BaseModel):
    image_category: Optional[ImageCategory] = None
    session_id: Optional[StrictStr] = None
    is_intermediate: Optional[StrictBool] = None
    starred: Optional[StrictBool] = None


class _Size(BaseModel):
    width: int = Field(gt=0)
    height: int = Field(gt=0)


def read_access(call: Call, name: str) -> None:
    """Raise unless the caller may see an image."""
    row = _existing(call, name, "Not Found")
    if call.user.is_admin or row["user_id"] == call.user.user_id:
        return
    if row["board_id"] is not None:
        board = call.simulation.boards.record(row["board_id"])
        if board["board_visibility"] in ("shared", "public"):
            return
    raise ApiError(403, "Not authorized to access this image")


def owner_access(call: Call, name: str) -> None:
    """Raise unless the caller may change an image; unknown ones pass on."""
    if call.user.is_admin:
        return
    row = _existing(call, name, "Image not found")
    if row["user_id"] == call.user.user_id:
        return
    if row["board_id"] is not None:
        board = call.simulation.boards.record(row["board_id"])
        if board["user_id"] == call.user.user_id or (
            board["board_visibility"] == "public"
        ):
            return
    raise ApiError(403, "Not authorized to modify this image")


def _existing(call: Call, name: str, otherwise: str) -> dict[str, Any]:
    try:
        return call.simulation.images.record(name)
    except ImageNotFoundError:
        raise ApiError(404, otherwise) from None


@route("POST", f"{_I}/upload")
def _upload(call: Call) -> Any:
    query = call.arguments(
        image_category=(ImageCategory,),
        is_intermediate=(bool,),
        board_id=(str, None),
        session_id=(str, None),
        crop_visible=(bool, False),
    )
    board_id = query["board_id"]
    part = call.form.get("file")
    if not isinstance(part, UploadedFile):
        raise ApiError(422, [missing(("body", "file"))])
    if board_id is not None:
        _writable_board(call, board_id)
    image = _decoded(part)
    if query["crop_visible"]:
        image = image.crop(image.getbbox())
    image = _resized(image, call.form.get("resize_to"))
    try:
        dto = call.simulation.images.create(
            image,
            origin="external",
            category=query["image_category"],
            is_intermediate=query["is_intermediate"],
            board_id=board_id,
            session_id=query["session_id"],
            metadata=_metadata(call.form.get("metadata"), image),
            workflow=_embedded_workflow(image),
            graph=_embedded_graph(image),
            user_id=call.user.user_id,
        )
    except ImageFileSaveException as error:
        raise ApiError(500, "Failed to create image") from error
    return json_reply(dto, 201, {"Location": dto["image_url"]})


def _writable_board(call: Call, board_id: str) -> None:
    try:
        board = call.simulation.boards.record(board_id)
    except BoardNotFoundError:
        raise ApiError(404, "Board not found") from None
    if (
        not call.user.is_admin
        and board["user_id"] != call.user.user_id
        and board["board_visibility"] != "public"
    ):
        raise ApiError(403, "Not authorized to upload to this board")


def _decoded(part: UploadedFile) -> Image.Image:
    if not (part.media_type or "").startswith("image"):
        raise ApiError(415, "Not an image")
    try:
        # Header only, as the server does: broken pixels fail later, and otherwise.
        return Image.open(io.BytesIO(part.data))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ApiError(415, "Failed to read image") from error


def _resized(image: Image.Image, wanted: Any) -> Image.Image:
    if not wanted:
        return image
    try:
        size = _Size(**json.loads(wanted))
        if size.width * size.height > _LARGEST:
            raise ValueError("too large")
    except (ValueError, TypeError) as error:
        raise ApiError(400, "Invalid resize_to format or size") from error
    try:
        return resize_upload(image, size.width, size.height)
    except (OSError, ValueError) as error:
        raise ApiError(500, "Failed to resize image") from error


def _metadata(given: Any, image: Image.Image) -> Optional[str]:
    text = given if given is not None else image.info.get("invokeai_metadata")
    return text if isinstance(_parsed(text), dict) else None


def _embedded_workflow(image: Image.Image) -> Optional[str]:
    text = image.info.get("invokeai_workflow")
    if not isinstance(text, str):
        return None
    try:
        Workflow.model_validate_json(text)
    except ValidationError:
        return None
    return text


def _embedded_graph(image: Image.Image) -> Optional[str]:
    text = image.info.get("invokeai_graph")
    graph = _parsed(text)
    fits = (
        isinstance(graph, dict)
        and isinstance(graph.get("nodes"), dict)
        and isinstance(graph.get("edges"), list)
    )
    return text if fits else None


def _parsed(text: Any) -> Any:
    if not isinstance(text, str):
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None


@route("GET", f"{_I}/")
def _list(call: Call) -> Any:
    page = call.arguments(
        limit=(Annotated[int, Field(ge=0, le=1000)], 10),
        offset=(Annotated[int, Field(ge=0)], 0),
    )
    limit, offset = page["limit"], page["offset"]
    chosen, ascending, starred_first = _chosen(call)
    rows = call.simulation.images.list(
        chosen,
        offset=offset,
        limit=limit,
        ascending=ascending,
        starred_first=starred_first,
    )
    return {
        "limit": limit,
        "offset": offset,
        "total": call.simulation.images.count(chosen),
        "items": [image_dto(row) for row in rows],
    }


def _chosen(call: Call) -> tuple[ImageFilter, bool, bool]:
    query = call.arguments(
        board_id=(str, None),
        image_origin=(Origin, None),
        categories=(list[ImageCategory], None),
        is_intermediate=(bool, None),
        search_term=(str, None),
        order_dir=(Direction, "DESC"),
        starred_first=(bool, True),
    )
    board_id = query["board_id"]
    if board_id not in (None, "none"):
        _readable_board(call, board_id)
    chosen = ImageFilter(
        origin=query["image_origin"],
        categories=query["categories"],
        is_intermediate=query["is_intermediate"],
        board_id=board_id,
        search=query["search_term"],
        user_id=call.scope_user,
    )
    return chosen, query["order_dir"] == "ASC", query["starred_first"]


def _readable_board(call: Call, board_id: str) -> None:
    if call.user.is_admin:
        return  # an unknown board is an empty one
    try:
        board = call.simulation.boards.record(board_id)
    except BoardNotFoundError:
        raise ApiError(404, "Board not found") from None
    if board["user_id"] != call.user.user_id and board["board_visibility"] == "private":
        raise ApiError(403, "Not authorized to access this board")


@route("GET", f"{_I}/names")
@route("GET", "/api/v1/gallery/item_names")
def _names(call: Call) -> Any:
    chosen, ascending, starred_first = _chosen(call)
    rows = call.simulation.images.list(
        chosen, ascending=ascending, starred_first=starred_first
    )
    starred = sum(row["starred"] for row in rows) if starred_first else 0
    names = [row["image_name"] for row in rows]
    counts = {"starred_count": starred, "total_count": len(rows)}
    if call.path.endswith("/item_names"):
        return {"item_names": names, **counts}
    return {"image_names": names, **counts}


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
    chosen = ImageFilter(is_intermediate=True, user_id=call.scope_user)
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


def _file(call: Call, data: bytes, media_type: str) -> Reply:
    secret = call.simulation.users.multiuser
    cache = "private, no-store" if secret else "max-age=31536000"
    return Reply(data, media_type=media_type, headers={"cache-control": cache})


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
