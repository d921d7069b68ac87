"""What can be done with images, as flows: read, list, send, save.

Changes of what the server already holds are in `change_flows.py`. A `read` argument
turns the server's record into an image of the caller's kind; see
`ImageBase.bound_to`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Optional, TypeVar

from invokeai_py_client._core.decode import decode
from invokeai_py_client._core.flow import Flow, emit, run_blocking
from invokeai_py_client._core.messages import Reply, RetryRule
from invokeai_py_client._core.paging import CHUNK, chunks
from invokeai_py_client._core.send import call_model, delete, post, request_json
from invokeai_py_client._core.versions import ROUTE_ERRORS, is_missing_route
from invokeai_py_client.exceptions import (
    APIStatusError,
    ImageError,
    InternalServerError,
    NotFoundError,
)
from invokeai_py_client.image import media_flows
from invokeai_py_client.image.board_flows import NO_BOARD, BoardTarget, with_board_id
from invokeai_py_client.image.media import IMAGE
from invokeai_py_client.image.models import (
    UNCATEGORIZED,
    Category,
    ImageBase,
    ImageCategory,
)
from invokeai_py_client.image.query import ImageQuery
from invokeai_py_client.image.sources import ImageSource, Upload, decode_pil

if TYPE_CHECKING:
    from PIL.Image import Image as PilImage

ImageT = TypeVar("ImageT", bound=ImageBase)
Reader = Callable[[Any], ImageT]

MAX_RESIZE_PIXELS = 4096 * 4096


def get_images(read: Reader[ImageT], names: Sequence[str]) -> Flow[list[ImageT]]:
    """Read many records, in the order of `names`; every one must exist."""
    images = yield from read_images(read, names)
    found = {image.image_name for image in images}
    missing = [name for name in names if name not in found]
    if missing:
        shown = ", ".join(missing[:5]) + (", …" if len(missing) > 5 else "")
        raise ImageError(
            f"the server does not know {len(missing)} of {len(names)} images: {shown}"
        )
    return images


def read_images(read: Reader[ImageT], names: Sequence[str]) -> Flow[list[ImageT]]:
    """Images in the order of `names`; what the server does not have is left out."""
    images: list[ImageT] = []
    for chunk in chunks(names):
        images += map(read, (yield from read_records(chunk)))
    return images


def read_records(names: Sequence[str]) -> Flow[list[Any]]:
    """Records of at most `CHUNK` images; the server omits unknown ones."""
    request = post(
        "/api/v1/images/images_by_names",
        json={"image_names": list(names)},
        retry=RetryRule.SAFE,
    )
    return (yield from call_model(list[Any], request))


def list_images(
    read: Reader[ImageT], query: ImageQuery, limit: Optional[int], offset: int = 0
) -> Flow[None]:
    """Emit the images that fit `query`, each once.

    Longer listings take the names first and then the records: a listing by pages
    would skip images when some are deleted, and repeat some when others arrive,
    while the caller is still iterating.
    """
    query = yield from with_board_id(query)
    if limit is not None and limit <= CHUNK:
        for record in (yield from media_flows.read_page(IMAGE, query, limit, offset)):
            yield from emit(read(record))
        return
    try:
        names = yield from media_flows.read_names(IMAGE, query)
    except ROUTE_ERRORS as error:
        if not is_missing_route(error):
            raise
        yield from media_flows.list_pages(IMAGE, read, query, limit, offset)
        return
    end = None if limit is None else offset + limit
    for chunk in chunks(names[offset:end]):
        for record in (yield from read_records(chunk)):
            yield from emit(read(record))


def open_pil(name: str) -> Flow[PilImage]:
    """The image as a loaded Pillow image."""
    content = yield from media_flows.get_bytes(IMAGE, name)
    return (yield from run_blocking(lambda: decode_pil(content)))


def upload_image(
    read: Reader[ImageT],
    source: ImageSource,
    *,
    category: Category = ImageCategory.USER,
    board: BoardTarget = NO_BOARD,
    is_intermediate: bool = False,
    metadata: Optional[Mapping[str, Any]] = None,
    resize_to: Optional[tuple[int, int]] = None,
) -> Flow[ImageT]:
    """Send a local image; never repeated, since each try would make another."""
    form = upload_form(metadata, resize_to)
    board_id = yield from board.find_id()
    params = media_flows.upload_params(IMAGE, category, board_id, is_intermediate)
    upload = yield from media_flows.open_source(source)
    reply = yield from media_flows.send_upload(IMAGE, upload, params, form)
    image = read(_uploaded(reply, upload))
    if board_id not in (None, UNCATEGORIZED) and image.board_id is None:
        # Servers before 6.12 take an image for a board they do not know.
        yield from request_json(delete(IMAGE.path(image.image_name)))
        raise NotFoundError(
            f"there is no board {board_id}; nothing was uploaded",
            status_code=404,
            detail="Board not found",
            method=reply.method,
            url=reply.url,
        )
    return image


def upload_form(
    metadata: Optional[Mapping[str, Any]], resize_to: Optional[tuple[int, int]]
) -> dict[str, str]:
    """The text fields of an upload."""
    form: dict[str, str] = {}
    if metadata is not None:
        form["metadata"] = media_flows.metadata_text(IMAGE, metadata)
    if resize_to is not None:
        form["resize_to"] = _size_text(resize_to)
    return form


def _size_text(size: tuple[int, int]) -> str:
    width, height = size
    whole = all(type(side) is int and side > 0 for side in (width, height))
    if not whole or width * height > MAX_RESIZE_PIXELS:
        raise ImageError(
            f"resize_to={size!r} must be two whole numbers of pixels from 1 on, "
            "at most 4096 x 4096 pixels together"
        )
    return json.dumps({"width": width, "height": height})


# 500 is the server's answer to images that open but do not decode.
_UNREADABLE = ("Failed to read image", "Failed to create image", "Not an image")


def _uploaded(reply: Reply, upload: Upload) -> Any:
    try:
        return decode(reply)
    except APIStatusError as error:
        unreadable = error.status_code == 415 or (
            isinstance(error, InternalServerError) and error.detail in _UNREADABLE
        )
        if not unreadable:
            raise
        raise ImageError(
            f"the server cannot read {upload.label}: {upload.doubt or error.detail}",
            hint="damaged, too large (about 179 megapixels), or in a colour mode it "
            f"does not know; it takes {IMAGE.accepted}",
        ) from error
