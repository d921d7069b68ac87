"""Changes of images and videos on the server, as flows: star, move, update, delete.

Routes for many images answer 200 and skip what they do not know; here every change
says what was really done, and a change of one image raises when it was not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Optional, TypeVar

from invokeai_py_client._core.decode import parse
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.messages import Request, RetryRule
from invokeai_py_client._core.paging import CHANGES, chunks
from invokeai_py_client._core.send import (
    changes_of,
    delete,
    get,
    patch,
    post,
    request_json,
    route,
)
from invokeai_py_client._core.versions import ROUTE_ERRORS, is_missing_route
from invokeai_py_client.exceptions import (
    APIStatusError,
    ImageError,
    InternalServerError,
)
from invokeai_py_client.image.board_flows import BoardTarget, find_board_id
from invokeai_py_client.image.media import IMAGE, ChangesT, Media
from invokeai_py_client.image.media_flows import read_names
from invokeai_py_client.image.models import (
    UNCATEGORIZED,
    Category,
    ImageCategory,
    ImageChanges,
)
from invokeai_py_client.image.query import ImageQuery

T = TypeVar("T")

BOARD = "/api/v1/boards/{}"


def update(
    media: Media[Any],
    read: Callable[[Any], T],
    name: str,
    *,
    category: Optional[Category] = None,
    is_intermediate: Optional[bool] = None,
    starred: Optional[bool] = None,
) -> Flow[T]:
    """Change a file's record and return what it is now; what is None stays."""
    values: dict[str, Any] = {
        f"{media.noun}_category": None
        if category is None
        else str(ImageCategory(category)),
        "is_intermediate": is_intermediate,
        "starred": starred,
    }
    changes = changes_of(values)
    try:
        return read((yield from request_json(patch(media.path(name), json=changes))))
    except APIStatusError as error:
        if error.status_code != 400:
            raise
        # "Failed to update image" is what this route answers for an unknown image.
        # Reading the record raises NotFoundError.
        yield from request_json(get(media.path(name)))
        raise


def star(media: Media[ChangesT], names: Sequence[str], starred: bool) -> Flow[ChangesT]:
    """Star or unstar many files."""
    verb = "star" if starred else "unstar"
    requests = [
        post(
            f"{media.routes}/{verb}",
            json={f"{media.noun}_names": chunk},
            retry=RetryRule.SAFE,
        )
        for chunk in chunks(names, CHANGES)
    ]
    return (yield from change(media, requests, names, f"{verb}red"))


def delete_many(media: Media[ChangesT], names: Sequence[str]) -> Flow[ChangesT]:
    """Delete many files for good."""
    return (yield from change(media, _deletes(media, names), names, "deleted"))


def _deletes(media: Media[Any], names: Sequence[str]) -> list[Request]:
    return [
        post(f"{media.routes}/delete", json={f"{media.noun}_names": chunk})
        for chunk in chunks(names, CHANGES)
    ]


def delete_uncategorized(media: Media[ChangesT]) -> Flow[ChangesT]:
    """Delete every file that is on no board, intermediate ones included."""
    query = ImageQuery(board_id=UNCATEGORIZED, is_intermediate=None)
    parts = yield from deletes_in_parts(media, query)
    request = delete(f"{media.routes}/uncategorized")
    return (yield from change(media, [*parts, request], (), "deleted"))


def deletes_in_parts(media: Media[Any], query: ImageQuery) -> Flow[list[Request]]:
    """Requests that delete what fits `query`; none where it is little.

    One request for all would take the server minutes without a byte of its answer,
    longer than a client or a proxy waits.
    """
    try:
        names = yield from read_names(media, query)
    except ROUTE_ERRORS as error:
        if not is_missing_route(error):
            raise
        return []
    return _deletes(media, names) if len(names) > CHANGES else []


def change(
    media: Media[ChangesT],
    requests: Sequence[Request],
    names: Sequence[str],
    done_word: str,
) -> Flow[ChangesT]:
    """Send the parts of a change and report what happened to each of `names`.

    Args:
        media: What is changed.
        requests: The parts.
        names: Everything that was asked for; what no answer mentions was skipped.
        done_word: What the server's answers call it when it was done: ``"starred"``.
    """
    done_key, failed_key = f"{done_word}_{media.noun}s", f"failed_{media.noun}s"
    done: list[str] = []
    failed: list[str] = []
    boards: list[str] = []
    for request in requests:
        answer = yield from request_json(request)
        # Nothing but a DELETE that an earlier try did is answered with nothing.
        data = parse(dict[str, Any], answer or {done_key: list(names)})
        done += parse(list[str], data.get(done_key))
        failed += parse(list[str], data.get(failed_key) or [])
        boards += parse(list[str], data.get("affected_boards") or [])
    known = {*done, *failed}
    return media.changes(
        changed=done,
        failed=failed,
        skipped=[name for name in dict.fromkeys(names) if name not in known],
        affected_boards=list(dict.fromkeys(boards)),
    )


# -- images only -------------------------------------------------------------------


def star_image(name: str, starred: bool) -> Flow[None]:
    """Star or unstar one image; raises when it was not done."""
    changes = yield from star(IMAGE, [name], starred)
    yield from _require(changes, name, "star" if starred else "unstar")


def move_images(names: Sequence[str], board: BoardTarget) -> Flow[ImageChanges]:
    """Put images on a board, off the board they are on; ``"none"`` takes off."""
    board_id = yield from board.find_id()
    if board_id in (None, UNCATEGORIZED):
        return (yield from remove_images(names))
    requests = [
        post(
            "/api/v1/board_images/batch",
            json={"board_id": board_id, "image_names": chunk},
            retry=RetryRule.SAFE,
        )
        for chunk in chunks(names, CHANGES)
    ]
    changes = yield from change(IMAGE, requests, names, "added")
    if names and not changes.changed:
        # Before 6.12 a board that is not there moves nothing and is not an error.
        yield from request_json(get(route(BOARD, board_id)))
    return changes


def remove_images(names: Sequence[str]) -> Flow[ImageChanges]:
    """Take images off their boards; they stay on the server."""
    requests = [
        post("/api/v1/board_images/batch/delete", json={"image_names": chunk})
        for chunk in chunks(names, CHANGES)
    ]
    return (yield from change(IMAGE, requests, names, "removed"))


def move_image(name: str, board: str) -> Flow[None]:
    """Put one image on a board; raises when the board or the image is not there."""
    board_id = yield from find_board_id(board)
    if board_id == UNCATEGORIZED:
        request = delete("/api/v1/board_images/", json={"image_name": name})
        done_word = "removed"
    else:
        request = post(
            "/api/v1/board_images/",
            json={"board_id": board_id, "image_name": name},
            retry=RetryRule.SAFE,
        )
        done_word = "added"
    try:
        changes = yield from change(IMAGE, [request], [name], done_word)
    except InternalServerError:
        # The answer to an image it does not know, before 6.12 to a board too; reading
        # the records gives the 404.
        yield from request_json(get(IMAGE.path(name)))
        if board_id != UNCATEGORIZED:
            yield from request_json(get(route(BOARD, board_id)))
        raise
    yield from _require(changes, name, "move")


def delete_image(name: str) -> Flow[None]:
    """Delete one image for good."""
    data = yield from request_json(delete(IMAGE.path(name)))
    if not isinstance(data, dict):
        return
    if data.get("failed_images"):
        raise ImageError(f"the server could not delete image {name}")
    deleted = data.get("deleted_images")
    if isinstance(deleted, list) and name not in deleted:
        # Servers before 6.12 say so instead of 404, and also when it failed.
        yield from request_json(get(IMAGE.path(name)))
        raise ImageError(f"the server could not delete image {name}")


def clear_intermediates() -> Flow[int]:
    """Delete all intermediate images; how many there were."""
    data = yield from request_json(delete("/api/v1/images/intermediates"))
    return 0 if data is None else parse(int, data)


def _require(changes: ImageChanges, name: str, verb: str) -> Flow[None]:
    """Raise unless the change of `name` was done."""
    if name in changes.changed:
        return
    # The server said nothing. Reading the record distinguishes an unknown image
    # (404) from somebody else's (403).
    yield from request_json(get(IMAGE.path(name)))
    raise ImageError(f"the server did not {verb} image {name}")
