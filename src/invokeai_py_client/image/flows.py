"""What can be done with images, as flows: read, list, send, save.

Changes of what the server already holds are in `change_flows.py`. A `read` argument
turns the server's record into an image of the caller's colour; see
`ImageBase.bound_to`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional, TypeVar

from invokeai_py_client._core.decode import decode, decode_download, parse
from invokeai_py_client._core.flow import Flow, emit, local
from invokeai_py_client._core.messages import FilePart, Reply, Request, RetryRule
from invokeai_py_client._core.send import (
    call,
    call_model,
    delete,
    download,
    get,
    post,
    route,
    send,
)
from invokeai_py_client._core.versions import ROUTE_ERRORS, is_missing_route
from invokeai_py_client.exceptions import (
    APIResponseError,
    APIStatusError,
    ImageError,
    InternalServerError,
    NotFoundError,
)
from invokeai_py_client.image.files import (
    ALLOWED,
    ImageSource,
    PartialFile,
    PathLike,
    Upload,
    decode_pil,
    open_upload,
    plan_target,
)
from invokeai_py_client.image.models import (
    UNCATEGORIZED,
    ImageBase,
    ImageCategory,
    ImageUrls,
)
from invokeai_py_client.image.query import ImageQuery

if TYPE_CHECKING:
    from PIL.Image import Image as PilImage

ImageT = TypeVar("ImageT", bound=ImageBase)
Reader = Callable[[Any], ImageT]

CHUNK = 1000
"""How many names or records the server takes and gives at once."""

IMAGE = "/api/v1/images/i/{}"
MAX_METADATA_BYTES = 1024 * 1024
MAX_RESIZE_PIXELS = 4096 * 4096


def chunks(names: Sequence[str]) -> Iterator[list[str]]:
    """Parts of `names` as long as the server allows."""
    for start in range(0, len(names), CHUNK):
        yield list(names[start : start + CHUNK])


def get_image(read: Reader[ImageT], name: str) -> Flow[ImageT]:
    """Read one image's record."""
    return read((yield from call(get(route(IMAGE, name)))))


def get_images(read: Reader[ImageT], names: Sequence[str]) -> Flow[list[ImageT]]:
    """Read many records, in the order of `names`; every one must exist."""
    images: list[ImageT] = []
    for chunk in chunks(names):
        images += yield from _records(read, chunk)
    found = {image.image_name for image in images}
    missing = [name for name in names if name not in found]
    if missing:
        shown = ", ".join(missing[:5]) + (", …" if len(missing) > 5 else "")
        raise ImageError(
            f"the server does not know {len(missing)} of {len(names)} images: {shown}"
        )
    return images


def _records(read: Reader[ImageT], names: Sequence[str]) -> Flow[list[ImageT]]:
    """Records of at most `CHUNK` images; the server leaves out what it lacks."""
    request = post(
        "/api/v1/images/images_by_names",
        json={"image_names": list(names)},
        retry=RetryRule.SAFE,
    )
    records = parse(list[Any], (yield from call(request)))
    return [read(record) for record in records]


def list_images(
    read: Reader[ImageT], query: ImageQuery, limit: Optional[int], offset: int = 0
) -> Flow[None]:
    """Emit the images that fit `query`, each once.

    Longer listings take the names first and then the records: a listing by pages
    would skip images when some are deleted, and repeat some when others arrive,
    while the caller is still iterating.
    """
    if offset < 0 or (limit is not None and limit < 0):
        raise ValueError(f"limit={limit} and offset={offset} cannot be negative")
    yield from require_board(query)
    if limit is not None and limit <= CHUNK:
        page = yield from _page(query, limit, offset)
        for record in page["items"]:
            yield from emit(read(record))
        return
    try:
        names = yield from _names(query)
    except ROUTE_ERRORS as error:
        if not is_missing_route(error):
            raise
        yield from _list_by_pages(read, query, limit, offset)
        return
    end = None if limit is None else offset + limit
    for chunk in chunks(names[offset:end]):
        for image in (yield from _records(read, chunk)):
            yield from emit(image)


def _list_by_pages(
    read: Reader[ImageT], query: ImageQuery, limit: Optional[int], offset: int
) -> Flow[None]:
    left = limit
    while left is None or left > 0:
        size = CHUNK if left is None else min(CHUNK, left)
        page = yield from _page(query, size, offset)
        for record in page["items"]:
            yield from emit(read(record))
        if len(page["items"]) < size:
            return
        offset += size
        left = None if left is None else left - size


def _page(query: ImageQuery, limit: int, offset: int) -> Flow[dict[str, Any]]:
    params = {**query.params(), "limit": limit, "offset": offset}
    data = yield from call(get("/api/v1/images/", params=params))
    page = parse(dict[str, Any], data)
    page["items"] = parse(list[Any], page.get("items"))
    return page


def list_image_names(query: ImageQuery) -> Flow[list[str]]:
    """The names of all images that fit `query`, in order, in one answer."""
    yield from require_board(query)
    return (yield from _names(query))


def _names(query: ImageQuery) -> Flow[list[str]]:
    data = yield from call(get("/api/v1/images/names", params=query.params()))
    return parse(list[str], parse(dict[str, Any], data).get("image_names"))


def count_images(query: ImageQuery) -> Flow[int]:
    """How many images fit `query`."""
    yield from require_board(query)
    page = yield from _page(query, 0, 0)
    return parse(int, page.get("total"))


def require_board(query: ImageQuery) -> Flow[None]:
    """Raise for a board that does not exist; its listing would just be empty."""
    if query.board_id not in (None, UNCATEGORIZED):
        yield from call(get(route("/api/v1/boards/{}", query.board_id)))


def get_metadata(name: str) -> Flow[Optional[dict[str, Any]]]:
    """The generation's metadata; None when the image has none."""
    data = yield from call(get(route(IMAGE + "/metadata", name)))
    return parse(Optional[dict[str, Any]], data)  # type: ignore[arg-type]


def get_embedded(name: str, part: str) -> Flow[Optional[dict[str, Any]]]:
    """The ``"workflow"`` or ``"graph"`` inside an image; None when it has none."""
    path = route(IMAGE + "/workflow", name)
    return (yield from read_embedded(path, part, f"image {name}"))


def read_embedded(path: str, part: str, owner: str) -> Flow[Optional[dict[str, Any]]]:
    """The ``"workflow"`` or ``"graph"`` that `path` gives; `owner` is for messages."""
    data = yield from call(get(path))
    text = parse(dict[str, Any], data).get(part)
    if text is None:
        return None
    try:
        value = json.loads(text) if isinstance(text, str) else text
    except ValueError as error:
        raise APIResponseError(
            f"the {part} of {owner} is broken JSON: {error}"
        ) from error
    return parse(dict[str, Any], value)


def image_exists(name: str) -> Flow[bool]:
    """True when the server has the image; no record and no picture is sent."""
    return (yield from has_file(route(IMAGE + "/full", name)))


def has_file(path: str) -> Flow[bool]:
    """Ask with HEAD whether there is a file behind `path`."""
    reply = yield from send(Request("HEAD", path, retry=RetryRule.SAFE))
    if reply.status == 404:
        return False
    decode_download(reply)
    return True


def get_urls(name: str) -> Flow[ImageUrls]:
    """Where the image and its preview are."""
    # The route for addresses makes one for any name.
    yield from call(get(route(IMAGE, name)))
    return (yield from call_model(ImageUrls, get(route(IMAGE + "/urls", name))))


def image_bytes(name: str) -> Flow[bytes]:
    """The image file, a PNG, as the server holds it."""
    return (yield from _content(IMAGE + "/full", name))


def thumbnail_bytes(name: str) -> Flow[bytes]:
    """A small WebP picture of the image."""
    return (yield from _content(IMAGE + "/thumbnail", name))


def _content(template: str, name: str) -> Flow[bytes]:
    reply = yield from send(get(route(template, name)))
    decode_download(reply)
    return reply.content


def open_pil(name: str) -> Flow[PilImage]:
    """The image as a loaded Pillow image."""
    content = yield from image_bytes(name)
    return (yield from local(lambda: decode_pil(content)))


def save_image(name: str, target: PathLike, overwrite: bool = True) -> Flow[Path]:
    """Stream the image into a file that appears only when it is complete."""
    path = yield from local(lambda: plan_target(target, name, overwrite))
    partial = yield from local(lambda: PartialFile(path))
    try:
        yield from download(get(route(IMAGE + "/full", name)), partial.sink)
        return (yield from local(partial.commit))
    finally:
        # After a commit there is nothing left to remove.
        partial.discard()


def upload_image(
    read: Reader[ImageT],
    source: ImageSource,
    *,
    category: ImageCategory = ImageCategory.USER,
    board_id: Optional[str] = None,
    is_intermediate: bool = False,
    metadata: Optional[Mapping[str, Any]] = None,
    resize_to: Optional[tuple[int, int]] = None,
) -> Flow[ImageT]:
    """Send a local picture; never repeated, since each try would make an image."""
    form = upload_form(metadata, resize_to)
    upload = yield from local(lambda: open_upload(source))
    try:
        request = post(
            "/api/v1/images/upload",
            params={
                "image_category": str(ImageCategory(category)),
                "is_intermediate": str(bool(is_intermediate)).lower(),
                # The literal "none" is an unknown board to this route.
                "board_id": None if board_id == UNCATEGORIZED else board_id,
            },
            form=form,
            files=[
                FilePart("file", upload.filename, upload.content, upload.content_type)
            ],
        )
        reply = yield from send(request)
    finally:
        upload.close()
    image = read(_uploaded(reply, upload))
    if board_id not in (None, UNCATEGORIZED) and image.board_id is None:
        # Servers before 6.12 take a picture for a board they do not know.
        yield from call(delete(route(IMAGE, image.image_name)))
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
    """The text fields of an upload.

    Raises:
        ImageError: The server would drop the metadata or refuse the size.
    """
    form: dict[str, str] = {}
    if metadata is not None:
        form["metadata"] = _metadata_text(metadata)
    if resize_to is not None:
        form["resize_to"] = _size_text(resize_to)
    return form


def _metadata_text(metadata: Mapping[str, Any]) -> str:
    if not isinstance(metadata, Mapping):
        # The server would answer 201 and store null.
        raise ImageError(f"metadata must be a mapping, not {type(metadata).__name__}")
    try:
        # The server searches the raw text, where \u escapes would not match.
        text = json.dumps(dict(metadata), ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise ImageError(f"metadata is not JSON: {error}") from error
    size = len(text.encode("utf-8"))
    if size > MAX_METADATA_BYTES:
        raise ImageError(f"metadata has {size} bytes, the server takes 1 MiB")
    return text


def _size_text(size: tuple[int, int]) -> str:
    width, height = size
    whole = all(type(side) is int and side > 0 for side in (width, height))
    if not whole or width * height > MAX_RESIZE_PIXELS:
        raise ImageError(
            f"resize_to={size!r} must be two whole numbers of pixels from 1 on, "
            "at most 4096 x 4096 pixels together"
        )
    return json.dumps({"width": width, "height": height})


# 500 is the server's answer to pictures that open but do not decode.
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
            f"the server cannot read {upload.label}: {error.detail}",
            hint="damaged, too large (about 179 megapixels), or in a colour mode it "
            f"does not know such as CMYK; it takes {ALLOWED}",
        ) from error
