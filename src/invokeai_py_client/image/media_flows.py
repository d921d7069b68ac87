"""What images and videos have in common, as flows.

The server has the same routes for both; a `Media` says how it calls them. What only
one of them has is in the `flows.py` of its package.
"""

from __future__ import annotations

import inspect
import io
import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Optional, TypeVar

from invokeai_py_client._connected import BoundSnapshot
from invokeai_py_client._core.decode import (
    decode,
    decode_download,
    parse,
    read_embedded,
)
from invokeai_py_client._core.flow import Flow, call_back, run_blocking
from invokeai_py_client._core.messages import Reply, Request, RetryRule
from invokeai_py_client._core.paging import emit_pages
from invokeai_py_client._core.send import (
    call_field,
    call_model,
    download,
    get,
    post,
    request_json,
    send,
)
from invokeai_py_client.exceptions import (
    APIResponseError,
    APIStatusError,
    InvokeAIError,
)
from invokeai_py_client.image.board_flows import with_board_id
from invokeai_py_client.image.files import PartialFile
from invokeai_py_client.image.media import IMAGE, Media
from invokeai_py_client.image.models import UNCATEGORIZED, Category, ImageCategory
from invokeai_py_client.image.query import ImageQuery
from invokeai_py_client.image.sources import ImageSource, Upload, open_upload

T = TypeVar("T")

MAX_METADATA_BYTES = 1024 * 1024


# -- listing ------------------------------------------------------------------------


def read_page(
    media: Media[Any], query: ImageQuery, limit: int, offset: int
) -> Flow[list[Any]]:
    """The records of one page of a listing."""
    request = _page(media, query, limit, offset)
    return (yield from call_field(list[Any], request, "items"))


def list_pages(
    media: Media[Any],
    read: Callable[[Any], Any],
    query: ImageQuery,
    limit: Optional[int],
    offset: int,
) -> Flow[None]:
    """Emit the files that fit `query`, page by page; the board is not checked."""
    fetch = partial(read_page, media, query)
    yield from emit_pages(read, fetch, limit, offset)


def count(media: Media[Any], query: ImageQuery) -> Flow[int]:
    """How many files fit `query`."""
    query = yield from with_board_id(query)
    return (yield from call_field(int, _page(media, query, 0, 0), "total"))


def _page(media: Media[Any], query: ImageQuery, limit: int, offset: int) -> Request:
    params = {**_params(media, query), "limit": limit, "offset": offset}
    return get(f"{media.routes}/", params=params)


def read_names(media: Media[Any], query: ImageQuery) -> Flow[list[str]]:
    """The names of all files that fit `query`, in order; the board is not checked."""
    request = get(f"{media.routes}/names", params=_params(media, query))
    return (yield from call_field(list[str], request, f"{media.noun}_names"))


def list_names(media: Media[Any], query: ImageQuery) -> Flow[list[str]]:
    """The names of all files that fit `query`, in order, in one answer."""
    return (yield from read_names(media, (yield from with_board_id(query))))


def _params(media: Media[Any], query: ImageQuery) -> dict[str, Any]:
    return query.params(f"{media.noun}_origin")


# -- one file -----------------------------------------------------------------------


def get_record(media: Media[Any], read: Callable[[Any], T], name: str) -> Flow[T]:
    """Read one file's record."""
    return read((yield from request_json(get(media.path(name)))))


def exists(media: Media[Any], name: str) -> Flow[bool]:
    """True when the server has the file; neither the file nor its record is sent."""
    request = Request("HEAD", media.path(name, "/full"), retry=RetryRule.SAFE)
    reply = yield from send(request)
    if reply.status == 404:
        return False
    decode_download(reply)
    return True


def get_urls(media: Media[Any], name: str, model: type[T]) -> Flow[T]:
    """Where the file and its preview are."""
    # The route for addresses makes one for any name.
    yield from request_json(get(media.path(name)))
    return (yield from call_model(model, get(media.path(name, "/urls"))))


def get_metadata(media: Media[Any], name: str) -> Flow[Optional[dict[str, Any]]]:
    """The generation's metadata; None when the file has none."""
    data = yield from request_json(get(media.path(name, "/metadata")))
    return parse(Optional[dict[str, Any]], data)  # type: ignore[arg-type]


def get_stored(media: Media[Any], name: str) -> Flow[dict[str, Any]]:
    """The ``"workflow"`` and ``"graph"`` stored with a file, as the server has them."""
    request = get(media.path(name, "/workflow"))
    return (yield from call_model(dict[str, Any], request))


def get_embedded(
    media: Media[Any], name: str, part: str
) -> Flow[Optional[dict[str, Any]]]:
    """The ``"workflow"`` or ``"graph"`` stored with a file; None when it has none."""
    text = (yield from get_stored(media, name)).get(part)
    if text is None:
        return None
    if isinstance(text, str):
        text = read_embedded(text, f"the {part} of {media.noun} {name}")
    return parse(dict[str, Any], text)


def get_bytes(media: Media[Any], name: str) -> Flow[bytes]:
    """The file as the server holds it."""
    return (yield from read_whole(full_file(media, name), media))


def get_thumbnail(media: Media[Any], name: str) -> Flow[bytes]:
    """A small WebP image of the file."""
    return (yield from read_whole(get(media.path(name, "/thumbnail"))))


def read_whole(request: Request, media: Media[Any] = IMAGE) -> Flow[bytes]:
    """An image, or a video, in memory; raises when a part of it is missing."""
    reply = yield from send(request)
    decode_download(reply)
    content = io.BytesIO(reply.content)
    damage = yield from run_blocking(lambda: media.damage(content))
    _require_whole(media, reply, damage)
    return reply.content


def _require_whole(media: Media[Any], reply: Reply, damage: Optional[str]) -> None:
    if damage:
        raise APIResponseError(
            f"{reply.method} {reply.url}: the {media.noun} that came is damaged: "
            f"{damage}",
            method=reply.method,
            url=reply.url,
            hint="it is damaged on the server's disk, or by a proxy on the way",
        )


def full_file(media: Media[Any], name: str) -> Request:
    """The request for a file as the server holds it."""
    return get(media.path(name, "/full"))


def save_file(
    media: Media[Any], name: str, plan: Callable[[], Path], overwrite: bool
) -> Flow[Path]:
    """Stream the file to where `plan` says; it appears only when it is complete."""
    return (yield from save(full_file(media, name), plan, overwrite, media))


def save(
    request: Request,
    plan: Callable[[], Path],
    overwrite: bool,
    media: Optional[Media[Any]] = None,
) -> Flow[Path]:
    """Stream an answer into a file that appears only when it is complete.

    Args:
        request: A GET.
        plan: Says where the file goes; it may look at the disk.
        overwrite: Replace a file of that name, also one that appears meanwhile.
        media: What it has to be, to its end; None for a file of any content.
    """
    path = yield from run_blocking(plan)
    unfinished = yield from run_blocking(lambda: PartialFile(path, overwrite))
    try:
        reply = yield from download(request, unfinished.sink)
        if media is not None:
            check = partial(media.damage, unfinished.sink)
            _require_whole(media, reply, (yield from run_blocking(check)))
        return (yield from run_blocking(unfinished.commit))
    finally:
        # After a commit there is nothing left to remove.
        unfinished.discard()


# -- sending ------------------------------------------------------------------------


def open_source(source: ImageSource) -> Flow[Upload]:
    """What is sent of `source`; close it however the sending ends."""
    if isinstance(source, BoundSnapshot):
        source = yield from fetch(source)
    return (yield from run_blocking(partial(open_upload, source)))


def fetch(file: BoundSnapshot) -> Flow[bytes]:
    """The content of an image or video, by the client that it came from."""
    get_content = file.bytes  # type: ignore[attr-defined]
    if not inspect.iscoroutinefunction(get_content):
        content: bytes = yield from run_blocking(get_content)
        return content
    box: list[bytes] = []

    async def fetch_there() -> None:
        box.append(await get_content())

    try:
        yield from call_back(fetch_there)
    except TypeError as error:
        raise InvokeAIError(
            f"{file.KIND} {file} is of an asyncio client, which this one cannot await",
            hint=f"pass its content: await {file.KIND}.bytes()",
        ) from error
    return box[0]


def upload_params(
    media: Media[Any],
    category: Category,
    board_id: Optional[str],
    is_intermediate: bool,
) -> dict[str, Any]:
    """The query parameters of an upload."""
    return {
        f"{media.noun}_category": str(ImageCategory(category)),
        "is_intermediate": str(bool(is_intermediate)).lower(),
        # The literal "none" is an unknown board to this route.
        "board_id": None if board_id == UNCATEGORIZED else board_id,
    }


def send_upload(
    media: Media[Any], upload: Upload, params: dict[str, Any], form: dict[str, str]
) -> Flow[Reply]:
    """Send a file once; it is closed however that ends."""
    try:
        part = upload.part("file")
        request = post(f"{media.routes}/upload", params=params, form=form, files=[part])
        return (yield from send(request))
    finally:
        upload.close()


def metadata_text(media: Media[Any], metadata: Mapping[str, Any]) -> str:
    """Metadata as an upload sends it."""
    if not isinstance(metadata, Mapping):
        # The server would answer 201 and store null.
        raise media.error(f"metadata must be a mapping, not {type(metadata).__name__}")
    try:
        # The server searches the raw text, where \u escapes would not match.
        text = json.dumps(dict(metadata), ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise media.error(f"metadata is not JSON: {error}") from error
    size = len(text.encode("utf-8"))
    if size > MAX_METADATA_BYTES:
        raise media.error(f"metadata has {size} bytes, the server takes 1 MiB")
    return text


def decode_upload(media: Media[Any], reply: Reply, label: str) -> Any:
    """The answer to an upload of the file that messages call `label`."""
    try:
        return decode(reply)
    except APIStatusError as error:
        if error.status_code != 415:
            raise
        raise media.error(
            f"the server cannot read {label}: {error.detail}",
            hint=f"it takes {media.accepted}",
        ) from error
