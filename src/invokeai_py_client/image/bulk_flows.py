"""Many images at once, as flows: a zip made by the server, or a folder of files.

A zip of the server is good for one download, which deletes it, and asking for it
before it is complete gives an empty file and deletes it as well. So the event socket
is listened to first, and the zip is fetched when its event says that it is complete.
Where there is no event socket the same zip is put together here.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Optional

from invokeai_py_client._core.decode import parse
from invokeai_py_client._core.flow import Flow, gather, listen, local, next_event, now
from invokeai_py_client._core.messages import Listen, Mailbox, RawEvent, RetryRule
from invokeai_py_client._core.paging import CHUNK
from invokeai_py_client._core.send import call, download, get, post, route
from invokeai_py_client.exceptions import ImageError, JobTimeoutError
from invokeai_py_client.image import flows, media_flows
from invokeai_py_client.image.files import (
    PartialFile,
    PathLike,
    plan_target,
    safe_file_name,
)
from invokeai_py_client.image.media import IMAGE
from invokeai_py_client.image.models import ImageBase
from invokeai_py_client.image.query import ImageQuery

ZIP_TRIES = 3
LONGEST_SILENCE = 30.0
"""Seconds without an event socket after which the zip is put together here."""
LOOK = 5.0
COMPLETE, FAILED = "bulk_download_complete", "bulk_download_error"
CONNECTED, DISCONNECTED = "connect", "disconnect"


def download_zip(
    target: PathLike,
    *,
    names: Optional[Sequence[str]] = None,
    board_id: Optional[str] = None,
    overwrite: bool = True,
    timeout: Optional[float] = None,
) -> Flow[Path]:
    """Save images, or all of a board, as one zip that appears when it is complete."""
    if names is not None and not names:
        raise ValueError("download_zip needs at least one image")
    query = ImageQuery(board_id=board_id, is_intermediate=None)
    yield from media_flows.require_board(query)
    path = yield from local(lambda: plan_target(target, "images.zip", overwrite))
    mailbox = yield from listen(Listen(_is_about_zips, bulk_downloads=True))
    partial = yield from local(lambda: PartialFile(path, overwrite))
    try:
        made = False
        if mailbox is not None and (names is None or len(names) <= CHUNK):
            body: dict[str, Any] = (
                {"board_id": board_id} if names is None else {"image_names": names}
            )
            try:
                made = yield from _fetch_zip(body, partial, mailbox, timeout)
            except ImageError:
                # The server does not say which one it lacks; this does.
                yield from flows.get_images(ImageBase.bound_to(None), names or ())
                raise
        if not made:
            if names is None:
                names = yield from media_flows.list_names(IMAGE, query)
            yield from local(partial.restart)
            yield from _put_together(names, partial)
        return (yield from local(partial.commit))
    finally:
        partial.discard()


def _is_about_zips(name: str, _: Mapping[str, Any]) -> bool:
    return name in (COMPLETE, FAILED)


def _fetch_zip(
    body: Mapping[str, Any],
    partial: PartialFile,
    mailbox: Mailbox,
    timeout: Optional[float],
) -> Flow[bool]:
    """Have the server make a zip and fetch it; False when that cannot be done."""
    deadline = None if timeout is None else (yield from now()) + timeout
    for _ in range(ZIP_TRIES):
        request = post("/api/v1/images/download", json=dict(body))
        reply = parse(dict[str, Any], (yield from call(request)))
        name = parse(str, reply.get("bulk_download_item_name"))
        ready = yield from _until_complete(name, mailbox, deadline)
        if ready is None:
            # The socket came back: what happened meanwhile is lost, and asking for
            # the zip would delete it if it is not complete. So it is made anew.
            continue
        if not ready:
            return False
        yield from local(partial.restart)
        # Not to be repeated: the first try deletes the zip, arrived or not.
        fetch = get(route("/api/v1/images/download/{}", name), retry=RetryRule.NEVER)
        yield from download(fetch, partial.sink)
        if (yield from local(partial.is_zip)):
            return True
    return False


def _until_complete(
    name: str, mailbox: Mailbox, deadline: Optional[float]
) -> Flow[Optional[bool]]:
    """Wait for the event of a zip.

    Returns:
        True when the zip is complete, None when its event may have been missed,
        False when there is no event socket any more.
    """
    lost: Optional[float] = None
    while True:
        time = yield from now()
        if deadline is not None and time >= deadline:
            raise JobTimeoutError(f"the server has not made the zip {name} in time")
        if lost is not None and time - lost >= LONGEST_SILENCE:
            return False
        seconds = LOOK if deadline is None else min(LOOK, deadline - time)
        event = yield from next_event(mailbox, seconds)
        if event is None:
            continue
        if event.name == DISCONNECTED:
            lost = time if lost is None else lost
        elif event.name == CONNECTED:
            if lost is not None:
                return None
        elif _says_complete(event, name):
            return True


def _says_complete(event: RawEvent, name: str) -> bool:
    if event.payload.get("bulk_download_item_name") != name:
        return False
    if event.name == FAILED:
        words = event.payload.get("error") or "it gave no reason"
        raise ImageError(f"the server could not make the zip: {words}")
    return event.name == COMPLETE


def _put_together(names: Sequence[str], partial: PartialFile) -> Flow[None]:
    """Make the zip here, with the entries that the server gives it."""
    images = yield from flows.get_images(ImageBase.bound_to(None), names)
    archive = yield from local(lambda: zipfile.ZipFile(partial.sink, "w"))
    for image in images:
        content = yield from media_flows.get_bytes(IMAGE, image.image_name)
        entry = f"{image.image_category}/{safe_file_name(image.image_name)}"
        yield from local(lambda e=entry, c=content: archive.writestr(e, c))  # type: ignore[misc]
    yield from local(archive.close)


def download_many(
    names: Sequence[str], folder: PathLike, overwrite: bool = True
) -> Flow[list[Path]]:
    """Save images into a folder, each under its own name; paths in their order."""
    target = Path(folder).expanduser()
    if target.is_file():
        raise NotADirectoryError(f"{target} is a file, not a folder")
    yield from local(lambda: target.mkdir(parents=True, exist_ok=True))
    unique = list(dict.fromkeys(names))
    paths = yield from gather(
        [flows.save_image(name, target, overwrite) for name in unique], limit=4
    )
    where = dict(zip(unique, paths))
    return [where[name] for name in names]


__all__ = ["download_many", "download_zip"]
