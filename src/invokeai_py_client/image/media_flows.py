"""What images and videos have in common, as flows.

The server has the same routes for both; a `Media` says how it calls them. What only
one of them has is in the `flows.py` of its package.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Optional, TypeVar

from invokeai_py_client._core.decode import decode, decode_download, parse
from invokeai_py_client._core.flow import Flow, local
from invokeai_py_client._core.messages import Reply, Request, RetryRule
from invokeai_py_client._core.paging import chunks, emit_pages
from invokeai_py_client._core.send import (
    call,
    call_bytes,
    call_model,
    changes_of,
    delete,
    download,
    get,
    patch,
    post,
    route,
    send,
)
from invokeai_py_client.exceptions import (
    APIResponseError,
    APIStatusError,
)
from invokeai_py_client.image.files import PartialFile
from invokeai_py_client.image.media import Media
from invokeai_py_client.image.models import UNCATEGORIZED, ImageCategory, ImageChanges
from invokeai_py_client.image.query import ImageQuery

T = TypeVar("T")

MAX_METADATA_BYTES = 1024 * 1024


# -- listing ------------------------------------------------------------------------


def require_board(query: ImageQuery) -> Flow[None]:
    """Raise for a board that does not exist; its listing would just be empty."""
    if query.board_id not in (None, UNCATEGORIZED):
        yield from call(get(route("/api/v1/boards/{}", query.board_id)))


def read_page(
    media: Media, query: ImageQuery, limit: int, offset: int
) -> Flow[list[Any]]:
    """The records of one page of a listing."""
    page = yield from _page(media, query, limit, offset)
    return parse(list[Any], page.get("items"))


def list_pages(
    media: Media,
    read: Callable[[Any], Any],
    query: ImageQuery,
    limit: Optional[int],
    offset: int,
) -> Flow[None]:
    """Emit the files that fit `query`, page by page; the board is not checked."""
    fetch = partial(read_page, media, query)
    yield from emit_pages(read, fetch, limit, offset)


def count(media: Media, query: ImageQuery) -> Flow[int]:
    """How many files fit `query`."""
    yield from require_board(query)
    return parse(int, (yield from _page(media, query, 0, 0)).get("total"))


def _page(
    media: Media, query: ImageQuery, limit: int, offset: int
) -> Flow[dict[str, Any]]:
    params = {**_params(media, query), "limit": limit, "offset": offset}
    request = get(f"{media.routes}/", params=params)
    return (yield from call_model(dict[str, Any], request))


def read_names(media: Media, query: ImageQuery) -> Flow[list[str]]:
    """The names of all files that fit `query`, in order; the board is not checked."""
    request = get(f"{media.routes}/names", params=_params(media, query))
    data = yield from call_model(dict[str, Any], request)
    return parse(list[str], data.get(f"{media.noun}_names"))


def list_names(media: Media, query: ImageQuery) -> Flow[list[str]]:
    """The names of all files that fit `query`, in order, in one answer."""
    yield from require_board(query)
    return (yield from read_names(media, query))


def _params(media: Media, query: ImageQuery) -> dict[str, Any]:
    return query.params(f"{media.noun}_origin")


# -- one file -----------------------------------------------------------------------


def exists(media: Media, name: str) -> Flow[bool]:
    """True when the server has the file; neither its record nor it is sent."""
    request = Request("HEAD", media.path(name, "/full"), retry=RetryRule.SAFE)
    reply = yield from send(request)
    if reply.status == 404:
        return False
    decode_download(reply)
    return True


def get_urls(media: Media, name: str, model: type[T]) -> Flow[T]:
    """Where the file and its preview are."""
    # The route for addresses makes one for any name.
    yield from call(get(media.path(name)))
    return (yield from call_model(model, get(media.path(name, "/urls"))))


def get_metadata(media: Media, name: str) -> Flow[Optional[dict[str, Any]]]:
    """The generation's metadata; None when the file has none."""
    data = yield from call(get(media.path(name, "/metadata")))
    return parse(Optional[dict[str, Any]], data)  # type: ignore[arg-type]


def get_embedded(media: Media, name: str, part: str) -> Flow[Optional[dict[str, Any]]]:
    """The ``"workflow"`` or ``"graph"`` stored with a file; None when it has none."""
    request = get(media.path(name, "/workflow"))
    text = (yield from call_model(dict[str, Any], request)).get(part)
    if text is None:
        return None
    try:
        value = json.loads(text) if isinstance(text, str) else text
    except ValueError as error:
        raise APIResponseError(
            f"the {part} of {media.noun} {name} is broken JSON: {error}"
        ) from error
    return parse(dict[str, Any], value)


def get_bytes(media: Media, name: str) -> Flow[bytes]:
    """The file as the server holds it."""
    return (yield from call_bytes(get(media.path(name, "/full"))))


def get_thumbnail(media: Media, name: str) -> Flow[bytes]:
    """A small WebP picture of the file."""
    return (yield from call_bytes(get(media.path(name, "/thumbnail"))))


def save(
    request: Request,
    plan: Callable[[], Path],
    overwrite: bool,
    *,
    may_be_empty: bool = False,
) -> Flow[Path]:
    """Stream an answer into a file that appears only when it is complete.

    Args:
        request: A GET.
        plan: Says where the file goes; it may look at the disk.
        overwrite: Replace a file of that name, also one that appears meanwhile.
        may_be_empty: A file without any content is one.
    """
    path = yield from local(plan)
    unfinished = yield from local(lambda: PartialFile(path, overwrite))
    try:
        reply = yield from download(request, unfinished.sink)
        if not (may_be_empty or (yield from local(unfinished.sink.tell))):
            raise APIResponseError(
                f"{reply.method} {reply.url}: the file that came is empty",
                method=reply.method,
                url=reply.url,
            )
        return (yield from local(unfinished.commit))
    finally:
        # After a commit there is nothing left to remove.
        unfinished.discard()


# -- sending ------------------------------------------------------------------------


def upload_params(
    media: Media,
    category: ImageCategory,
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


def metadata_text(media: Media, metadata: Mapping[str, Any]) -> str:
    """Metadata as an upload sends it.

    Raises:
        InvokeAIError: The server would drop it; the class is `Media.error`.
    """
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


def decode_upload(media: Media, reply: Reply, label: str) -> Any:
    """The answer to an upload of the file that messages call `label`.

    Raises:
        InvokeAIError: The server cannot read it; the class is `Media.error`.
        APIStatusError: It said no for another reason.
    """
    try:
        return decode(reply)
    except APIStatusError as error:
        if error.status_code != 415:
            raise
        raise media.error(
            f"the server cannot read {label}: {error.detail}",
            hint=f"it takes {media.accepted}",
        ) from error


# -- changing -----------------------------------------------------------------------


def update(
    media: Media,
    read: Callable[[Any], T],
    name: str,
    *,
    category: Optional[ImageCategory] = None,
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
    changes = changes_of(f"update_{media.noun}", values)
    try:
        return read((yield from call(patch(media.path(name), json=changes))))
    except APIStatusError as error:
        if error.status_code != 400:
            raise
        # "Failed to update image" is how this route says that it does not know the
        # image. Reading the record tells; it raises NotFoundError.
        yield from call(get(media.path(name)))
        raise


def star(media: Media, names: Sequence[str], starred: bool) -> Flow[ImageChanges]:
    """Star or unstar many files."""
    verb = "star" if starred else "unstar"
    requests = [
        post(
            f"{media.routes}/{verb}",
            json={f"{media.noun}_names": chunk},
            retry=RetryRule.SAFE,
        )
        for chunk in chunks(names)
    ]
    return (yield from change(media, requests, names, f"{verb}red"))


def delete_many(media: Media, names: Sequence[str]) -> Flow[ImageChanges]:
    """Delete many files for good."""
    requests = [
        post(f"{media.routes}/delete", json={f"{media.noun}_names": chunk})
        for chunk in chunks(names)
    ]
    return (yield from change(media, requests, names, "deleted"))


def delete_uncategorized(media: Media) -> Flow[ImageChanges]:
    """Delete every file that is on no board, intermediate ones included."""
    request = delete(f"{media.routes}/uncategorized")
    return (yield from change(media, [request], (), "deleted"))


def change(
    media: Media, requests: Sequence[Request], names: Sequence[str], done_word: str
) -> Flow[ImageChanges]:
    """Send the parts of a change and tell what happened to each of `names`.

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
