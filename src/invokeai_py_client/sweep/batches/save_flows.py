"""Files of results: downloaded, checked to their end, hashed, delivered."""

from __future__ import annotations

import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Optional, Union

from invokeai_py_client._core.flow import Flow, run_blocking
from invokeai_py_client._core.send import download
from invokeai_py_client.exceptions import ImageError, InternalServerError, NotFoundError
from invokeai_py_client.image.files import PartialFile
from invokeai_py_client.image.media import IMAGE, Media
from invokeai_py_client.image.media_flows import full_file
from invokeai_py_client.sweep.batches.outcomes import (
    DOWNLOAD,
    LOST,
    MediaName,
    Outcome,
)
from invokeai_py_client.sweep.batches.placing_flows import persist
from invokeai_py_client.sweep.folder.outputs import Outputs
from invokeai_py_client.sweep.folder.saved_file import SavedFile, describe
from invokeai_py_client.video.files import VIDEO

logger = logging.getLogger("invokeai_py_client")

_MEDIA: dict[str, Media[Any]] = {"image": IMAGE, "video": VIDEO}
TRIES = 3
DOWNLOADS = 4
"""Files of one batch that are downloaded at a time."""


class RecentFiles:
    """Files that were saved lately; threads may share it.

    The server's cache gives one image to several jobs: it is downloaded once.
    """

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._found: OrderedDict[tuple[str, MediaName], tuple[str, SavedFile]]
        self._found = OrderedDict()
        self._lock = threading.Lock()

    def note(self, server: str, file: MediaName, name: str, saved: SavedFile) -> None:
        """Remember where a file of a server is."""
        with self._lock:
            self._found[server, file] = name, saved
            while len(self._found) > self._most:
                self._found.popitem(last=False)

    def copy(
        self, server: str, file: MediaName, names: Sequence[str], outputs: Outputs
    ) -> Optional[SavedFile]:
        """Copy a file that was saved to `names`; None when it is not known any more."""
        with self._lock:
            found = self._found.get((server, file))
        if found is None:
            return None
        source, saved = found
        # Somebody may have changed the file; then all of them are downloaded.
        return saved if outputs.copy(source, saved, names) else None


class DamagedFileError(ImageError):
    """What came is not whole, or not what was asked for."""


def save(file: MediaName, names: Sequence[str], outputs: Outputs) -> Flow[SavedFile]:
    """Download a file once, and put it under each of `names`, where it appears whole.

    Raises:
        NotFoundError: The server does not have it any more.
        DamagedFileError: It is damaged there, or on the way.
        LocalFileError: The disk is full, or the folder cannot be written to.
        SweepError: The same of a remote target.
    """
    media = _MEDIA[file.kind]
    partial_file = yield from run_blocking(partial(outputs.open, names[0]))
    try:
        request = full_file(media, file.name)
        reply = yield from download(request, partial_file.sink)
        where = f"{reply.method} {reply.url}"
        finish = partial(_finish, partial_file, media, where, outputs)
        saved = yield from run_blocking(finish)
        yield from outputs.deliver(partial_file, saved, names)
        return saved
    finally:
        # What has its name by now stays.
        partial_file.discard()


def take(
    source: Path,
    content: Optional[bytes],
    saved: SavedFile,
    names: Sequence[str],
    outputs: Outputs,
) -> Flow[bool]:
    """Put a file that a worker downloaded under each of `names`.

    Args:
        source: Where it is, unless `content` is given.
        content: The file itself.
        saved: What it has to be.
        names: Its names.
        outputs: Where it goes.

    Returns:
        False when it is missing or is not whole.
    """
    file = yield from run_blocking(partial(outputs.open, names[0]))
    try:
        finish = partial(_take, file, source, content, saved, outputs)
        if not (yield from run_blocking(finish)):
            return False
        yield from outputs.deliver(file, saved, names)
        return True
    finally:
        file.discard()


def _take(
    file: PartialFile,
    source: Path,
    content: Optional[bytes],
    saved: SavedFile,
    outputs: Outputs,
) -> bool:
    if content is not None:
        file.sink.write(content)
    else:
        try:
            file.take(source)
        except FileNotFoundError:
            return False
    if file.sink.seek(0, os.SEEK_END) != saved.bytes:
        return False
    outputs.finish(file)
    return True


def _finish(
    file: PartialFile, media: Media[Any], where: str, outputs: Outputs
) -> SavedFile:
    damage = media.damage(file.sink)
    if damage:
        raise DamagedFileError(
            f"{where}: the {media.noun} that came is damaged: {damage}"
        )
    saved = describe(file.sink)
    outputs.finish(file)
    return saved


def fetch(
    file: MediaName,
    names: Sequence[str],
    outputs: Outputs,
    recent: RecentFiles,
    server: str,
) -> Flow[Union[SavedFile, Outcome]]:
    """Save a file under each of `names`; it is downloaded once.

    Returns:
        What it is; or the outcome of its items, when it cannot be had.
    """
    known = yield from run_blocking(partial(recent.copy, server, file, names, outputs))
    if known is not None:
        return known
    text = ""
    for tries in range(TRIES):
        try:
            saved = yield from persist(partial(save, file, names, outputs))
        except NotFoundError:  # noqa: PERF203  it ends the loop
            return Outcome("again", LOST, f"{file.kind} {file.name} was deleted")
        except (DamagedFileError, InternalServerError) as error:
            text = error.message
            logger.warning("%s (try %d of %d)", text, tries + 1, TRIES)
        else:
            recent.note(server, file, names[0], saved)
            return saved
    return Outcome("failed", DOWNLOAD, text)
