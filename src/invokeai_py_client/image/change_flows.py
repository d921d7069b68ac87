"""Changes of images on the server, as flows: star, move, update, delete.

Routes for many images answer 200 and skip what they do not know; here every change
says what was really done, and a change of one image raises when it was not.
"""

from __future__ import annotations

from collections.abc import Sequence

from invokeai_py_client._core.decode import parse
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.messages import RetryRule
from invokeai_py_client._core.paging import chunks
from invokeai_py_client._core.send import call, delete, get, post, route
from invokeai_py_client.exceptions import (
    ImageError,
    InternalServerError,
)
from invokeai_py_client.image.media import IMAGE
from invokeai_py_client.image.media_flows import change, star
from invokeai_py_client.image.models import (
    UNCATEGORIZED,
    ImageChanges,
)

BOARD = "/api/v1/boards/{}"


def star_image(name: str, starred: bool) -> Flow[None]:
    """Star or unstar one image; raises when it was not done."""
    changes = yield from star(IMAGE, [name], starred)
    yield from _require(changes, name, "star" if starred else "unstar")


def move_images(names: Sequence[str], board_id: str) -> Flow[ImageChanges]:
    """Put images on a board, off whatever board they are on; ``"none"`` takes off."""
    if board_id == UNCATEGORIZED:
        return (yield from remove_images(names))
    requests = [
        post(
            "/api/v1/board_images/batch",
            json={"board_id": board_id, "image_names": chunk},
            retry=RetryRule.SAFE,
        )
        for chunk in chunks(names)
    ]
    changes = yield from change(IMAGE, requests, names, "added")
    if names and not changes.changed:
        # Before 6.12 a board that is not there moves nothing and is no error.
        yield from call(get(route(BOARD, board_id)))
    return changes


def remove_images(names: Sequence[str]) -> Flow[ImageChanges]:
    """Take images off their boards; they stay on the server."""
    requests = [
        post("/api/v1/board_images/batch/delete", json={"image_names": chunk})
        for chunk in chunks(names)
    ]
    return (yield from change(IMAGE, requests, names, "removed"))


def move_image(name: str, board_id: str) -> Flow[None]:
    """Put one image on a board; raises when the board or the image is not there."""
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
        yield from call(get(IMAGE.path(name)))
        if board_id != UNCATEGORIZED:
            yield from call(get(route(BOARD, board_id)))
        raise
    yield from _require(changes, name, "move")


def delete_image(name: str) -> Flow[None]:
    """Delete one image for good."""
    data = yield from call(delete(IMAGE.path(name)))
    if not isinstance(data, dict):
        return
    if data.get("failed_images"):
        raise ImageError(f"the server could not delete image {name}")
    deleted = data.get("deleted_images")
    if isinstance(deleted, list) and name not in deleted:
        # Servers before 6.12 say so instead of 404, and also when it failed.
        yield from call(get(IMAGE.path(name)))
        raise ImageError(f"the server could not delete image {name}")


def count_intermediates() -> Flow[int]:
    """How many intermediate images the server keeps."""
    return parse(int, (yield from call(get("/api/v1/images/intermediates"))))


def clear_intermediates() -> Flow[int]:
    """Delete all intermediate images; how many there were."""
    data = yield from call(delete("/api/v1/images/intermediates"))
    return 0 if data is None else parse(int, data)


def _require(changes: ImageChanges, name: str, verb: str) -> Flow[None]:
    """Raise unless the change of `name` was done."""
    if name in changes.changed:
        return
    # The server said nothing. Reading the record tells an unknown image (404) from
    # somebody else's (403).
    yield from call(get(IMAGE.path(name)))
    raise ImageError(f"the server did not {verb} image {name}")
