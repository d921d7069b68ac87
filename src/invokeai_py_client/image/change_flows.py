"""Changes of images on the server, as flows: star, move, update, delete.

Routes for many images answer 200 and skip what they do not know; here every change
says what was really done, and a change of one image raises when it was not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

from invokeai_py_client._core.decode import parse
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.messages import Request, RetryRule
from invokeai_py_client._core.send import call, delete, get, patch, post, route
from invokeai_py_client.exceptions import (
    APIStatusError,
    ImageError,
    InternalServerError,
)
from invokeai_py_client.image.flows import IMAGE, ImageT, Reader, chunks
from invokeai_py_client.image.models import (
    UNCATEGORIZED,
    ImageCategory,
    ImageChanges,
)

BOARD = "/api/v1/boards/{}"


def star_images(names: Sequence[str], starred: bool) -> Flow[ImageChanges]:
    """Star or unstar many images."""
    verb = "star" if starred else "unstar"
    requests = [
        post(
            f"/api/v1/images/{verb}",
            json={"image_names": chunk},
            retry=RetryRule.SAFE,
        )
        for chunk in chunks(names)
    ]
    return (yield from change(requests, names, f"{verb}red_images"))


def star_image(name: str, starred: bool) -> Flow[None]:
    """Star or unstar one image; raises when it was not done."""
    changes = yield from star_images([name], starred)
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
    changes = yield from change(requests, names, "added_images")
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
    return (yield from change(requests, names, "removed_images"))


def move_image(name: str, board_id: str) -> Flow[None]:
    """Put one image on a board; raises when the board or the image is not there."""
    if board_id == UNCATEGORIZED:
        request = delete("/api/v1/board_images/", json={"image_name": name})
        done_key = "removed_images"
    else:
        request = post(
            "/api/v1/board_images/",
            json={"board_id": board_id, "image_name": name},
            retry=RetryRule.SAFE,
        )
        done_key = "added_images"
    try:
        changes = yield from change([request], [name], done_key)
    except InternalServerError:
        # The answer to an image it does not know, before 6.12 to a board too; reading
        # the records gives the 404.
        yield from call(get(route(IMAGE, name)))
        if board_id != UNCATEGORIZED:
            yield from call(get(route(BOARD, board_id)))
        raise
    yield from _require(changes, name, "move")


def delete_images(names: Sequence[str]) -> Flow[ImageChanges]:
    """Delete many images for good."""
    requests = [
        post("/api/v1/images/delete", json={"image_names": chunk})
        for chunk in chunks(names)
    ]
    return (yield from change(requests, names, "deleted_images"))


def delete_image(name: str) -> Flow[None]:
    """Delete one image for good."""
    data = yield from call(delete(route(IMAGE, name)))
    if not isinstance(data, dict):
        return
    if data.get("failed_images"):
        raise ImageError(f"the server could not delete image {name}")
    deleted = data.get("deleted_images")
    if isinstance(deleted, list) and name not in deleted:
        # Servers before 6.12 say so instead of 404, and also when it failed.
        yield from call(get(route(IMAGE, name)))
        raise ImageError(f"the server could not delete image {name}")


def delete_uncategorized() -> Flow[ImageChanges]:
    """Delete every image that is on no board, intermediate ones included."""
    request = delete("/api/v1/images/uncategorized")
    return (yield from change([request], (), "deleted_images"))


def update_image(
    read: Reader[ImageT],
    name: str,
    *,
    category: Optional[ImageCategory] = None,
    is_intermediate: Optional[bool] = None,
    starred: Optional[bool] = None,
) -> Flow[ImageT]:
    """Change an image's record; what is None stays."""
    values: dict[str, Any] = {
        "image_category": None if category is None else str(ImageCategory(category)),
        "is_intermediate": is_intermediate,
        "starred": starred,
    }
    changes = {key: value for key, value in values.items() if value is not None}
    if not changes:
        raise ValueError("update_image needs something to change")
    try:
        return read((yield from call(patch(route(IMAGE, name), json=changes))))
    except APIStatusError as error:
        if error.status_code != 400:
            raise
        # "Failed to update image" is how this route says that it does not know the
        # image. Reading the record tells; it raises NotFoundError.
        yield from call(get(route(IMAGE, name)))
        raise


def count_intermediates() -> Flow[int]:
    """How many intermediate images the server keeps."""
    return parse(int, (yield from call(get("/api/v1/images/intermediates"))))


def clear_intermediates() -> Flow[int]:
    """Delete all intermediate images; how many there were."""
    data = yield from call(delete("/api/v1/images/intermediates"))
    return 0 if data is None else parse(int, data)


def change(
    requests: Sequence[Request],
    names: Sequence[str],
    done_key: str,
    failed_key: str = "failed_images",
) -> Flow[ImageChanges]:
    """Send the parts of a change and tell what happened to each of `names`.

    Args:
        requests: The parts.
        names: Everything that was asked for; what no answer mentions was skipped.
        done_key: Where the server's answers list what was done.
        failed_key: Where they list what could not be done.
    """
    done: list[str] = []
    failed: list[str] = []
    boards: list[str] = []
    for request in requests:
        answer = yield from call(request)
        # Nothing but a DELETE that an earlier try did is answered with nothing.
        data = parse(dict[str, Any], answer or {done_key: list(names)})
        done += parse(list[str], data.get(done_key))
        failed += parse(list[str], data.get(failed_key) or [])
        boards += parse(list[str], data.get("affected_boards") or [])
    known = {*done, *failed}
    return ImageChanges(
        changed=done,
        failed=failed,
        skipped=[name for name in dict.fromkeys(names) if name not in known],
        affected_boards=list(dict.fromkeys(boards)),
    )


def _require(changes: ImageChanges, name: str, verb: str) -> Flow[None]:
    """Raise unless the change of `name` was done."""
    if name in changes.changed:
        return
    # The server said nothing. Reading the record tells an unknown image (404) from
    # somebody else's (403).
    yield from call(get(route(IMAGE, name)))
    raise ImageError(f"the server did not {verb} image {name}")
