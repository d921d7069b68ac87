"""Images on this machine, as flows: a file, a folder of them, or a zip.

A zip of the server is good for one download, which deletes it, and asking for it
before it is complete gives an empty file and deletes it as well. So the event socket
is listened to first, and the zip is fetched when its event says that it is complete.
Where there is no event socket the same zip is put together here.
"""

from __future__ import annotations

import functools
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Optional, Union, cast

from invokeai_py_client._arguments import PathLike
from invokeai_py_client._core.events import ConnectionEvent, ServerEvent
from invokeai_py_client._core.flow import (
    Flow,
    gather,
    get_shared,
    now,
    run_blocking,
    subscribe,
)
from invokeai_py_client._core.messages import Mailbox, RetryRule, Subscribe
from invokeai_py_client._core.paging import CHUNK
from invokeai_py_client._core.retry import may_pass
from invokeai_py_client._core.send import call_field, download, get, post, route
from invokeai_py_client._core.server_events import BulkDownloadEvent
from invokeai_py_client._core.wait_loop import GRACE, Signal, WaitLoop, within
from invokeai_py_client._file_names import (
    MEDIA_FIELDS,
    FileNameTemplate,
    TakenNames,
    distinct_file_names,
    file_name,
    job_fields,
    safe_file_name,
    tagged,
    template_in,
)
from invokeai_py_client.exceptions import (
    APIError,
    APITimeoutError,
    ImageError,
    JobTimeoutError,
    LocalFileError,
)
from invokeai_py_client.image import flows, media_flows
from invokeai_py_client.image.board_flows import with_board_id
from invokeai_py_client.image.files import PartialFile, plan_file, plan_target
from invokeai_py_client.image.image_file import image_damage
from invokeai_py_client.image.media import IMAGE, Media
from invokeai_py_client.image.models import (
    UNCATEGORIZED,
    ImageBase,
    MediaBase,
    own_fields,
)
from invokeai_py_client.image.query import ImageQuery

ZIP_TRIES = 3
LONGEST_SILENCE = 30.0
"""Seconds without an event socket after which the zip is put together here."""


def download_zip(
    target: PathLike,
    *,
    names: Optional[Sequence[str]] = None,
    board_id: Optional[str] = None,
    board_name: str = "",
    overwrite: bool = True,
    timeout: Optional[float] = None,
) -> Flow[Path]:
    """Save images, or all of a board, as one zip that appears when it is complete.

    In a folder its name has a tag of the board, or of the images in it; what is on no
    board has one of the server.
    """
    end = None if timeout is None else (yield from now()) + timeout
    identity = str(board_id) if names is None else "\n".join(names)
    if names is None and board_id == UNCATEGORIZED:
        identity += (yield from get_shared()).address
    own_name = tagged(f"{board_name or 'images'}.zip", identity)
    plan = functools.partial(plan_target, target, own_name, overwrite)
    saving = _save_zip(plan, names, board_id, overwrite, timeout, end)
    try:
        # A zip that is ready at the last moment can still be fetched.
        return (yield from within(saving, None if end is None else end + GRACE))
    except APITimeoutError as error:
        if end is None or (yield from now()) < end:
            raise
        raise JobTimeoutError(
            f"timed out after {timeout:g} s before the zip was saved: {error.message}"
        ) from error


def _save_zip(
    plan: Callable[[], Path],
    names: Optional[Sequence[str]],
    board_id: Optional[str],
    overwrite: bool,
    timeout: Optional[float],
    deadline: Optional[float],
) -> Flow[Path]:
    query = ImageQuery(board_id=board_id, is_intermediate=None)
    yield from with_board_id(query)
    path = yield from run_blocking(plan)
    mailbox = yield from subscribe(Subscribe(_is_about_zips, bulk_downloads=True))
    partial = yield from run_blocking(lambda: PartialFile(path, overwrite))
    try:
        made = False
        if mailbox is not None and (names is None or len(names) <= CHUNK):
            body: dict[str, Any] = (
                {"board_id": board_id} if names is None else {"image_names": names}
            )
            server_zip = _ServerZip(body, mailbox, timeout, deadline)
            try:
                made = yield from server_zip.fetch(partial)
            except ImageError:
                # The server does not say which one is missing; this does.
                yield from flows.get_images(ImageBase.bound_to(None), names or ())
                raise
        if made:
            yield from run_blocking(lambda: _require_whole_images(partial.sink))
        else:
            if names is None:
                names = yield from media_flows.list_names(IMAGE, query)
            yield from run_blocking(partial.restart)
            yield from _put_together(names, partial)
        return (yield from run_blocking(partial.commit))
    finally:
        partial.discard()


def _require_whole_images(sink: BinaryIO) -> None:
    """Raise for images in a zip that are damaged: the server packs what it has."""
    damaged: list[str] = []
    with zipfile.ZipFile(sink) as archive:
        for name in archive.namelist():
            try:
                with archive.open(name) as file:
                    damage = image_damage(cast(BinaryIO, file))
            except (zipfile.BadZipFile, zlib.error, EOFError) as error:
                damage = str(error)
            if damage:
                damaged.append(f"{name} ({damage})")
    if damaged:
        shown = "; ".join(damaged[:5]) + ("; …" if len(damaged) > 5 else "")
        raise ImageError(
            f"{len(damaged)} images in the zip are damaged: {shown}",
            hint="they are damaged on the server; download the others by their names",
        )


def _is_about_zips(event: ServerEvent) -> bool:
    return isinstance(event, BulkDownloadEvent)


class _ServerZip:
    """A zip that the server makes, made again when its event may have been missed."""

    def __init__(
        self,
        body: Mapping[str, Any],
        mailbox: Mailbox,
        timeout: Optional[float],
        deadline: Optional[float],
    ) -> None:
        self._body = body
        self._name: Optional[str] = None
        self._tries = 0
        self._is_complete = False
        self._disconnected_since: Optional[float] = None
        self._loop = WaitLoop(
            "the server to make a zip of the images",
            self._request,
            self._give_up,
            self._on_event,
            timeout=timeout,
            deadline=deadline,
            mailbox=mailbox,
        )

    def fetch(self, partial: PartialFile) -> Flow[bool]:
        """Write the zip into `partial`; False when it cannot be had."""
        while True:
            if not (yield from self._loop.run()):
                self._loop.raise_timeout(f"{self._name} is not complete")
            if not self._is_complete:
                return False
            yield from run_blocking(partial.restart)
            # Not to be repeated: the first try deletes the zip, arrived or not.
            path = route("/api/v1/images/download/{}", self._name)
            try:
                yield from download(get(path, retry=RetryRule.NEVER), partial.sink)
            except APIError as error:
                if not may_pass(error):
                    raise
            if (yield from run_blocking(lambda: zipfile.is_zipfile(partial.sink))):
                return True
            self._name, self._is_complete = None, False

    def _request(self) -> Flow[None]:
        """Ask for the zip unless it is being made."""
        if self._name is None and self._tries < ZIP_TRIES:
            request = post("/api/v1/images/download", json=dict(self._body))
            self._name = yield from call_field(str, request, "bulk_download_item_name")
            self._tries += 1

    def _give_up(self, _: None) -> Flow[Signal]:
        """Stop waiting when no zip is being made, or its event cannot arrive."""
        moment = yield from now()
        is_disconnected = (
            self._disconnected_since is not None
            and moment - self._disconnected_since >= LONGEST_SILENCE
        )
        return Signal.OVER if self._name is None or is_disconnected else Signal.NOTHING

    def _on_event(self, event: ServerEvent) -> Flow[Signal]:
        if isinstance(event, ConnectionEvent):
            return (yield from self._note_connection(event))
        if not isinstance(event, BulkDownloadEvent):
            return Signal.NOTHING
        if self._name is None or event.bulk_download_item_name != self._name:
            return Signal.NOTHING
        if event.name == "bulk_download_error":
            reason = event.error or "it gave no reason"
            raise ImageError(f"the server could not make the zip: {reason}")
        self._is_complete = event.is_complete
        return Signal.OVER if self._is_complete else Signal.NOTHING

    def _note_connection(self, event: ConnectionEvent) -> Flow[Signal]:
        if event.name == "disconnect":
            if self._disconnected_since is None:
                self._disconnected_since = yield from now()
        elif self._disconnected_since is not None:
            # What happened meanwhile is lost, and asking for the zip would delete it
            # if it is not complete. So it is made anew.
            self._disconnected_since = self._name = None
        return Signal.POLL


def _put_together(names: Sequence[str], partial: PartialFile) -> Flow[None]:
    """Make the zip here, with the entries that the server gives it."""
    images = yield from flows.get_images(ImageBase.bound_to(None), names)
    archive = yield from run_blocking(lambda: zipfile.ZipFile(partial.sink, "w"))
    for image in images:
        content = yield from media_flows.get_bytes(IMAGE, image.image_name)
        entry = f"{image.image_category}/{safe_file_name(image.image_name)}"
        yield from run_blocking(lambda e=entry, c=content: archive.writestr(e, c))  # type: ignore[misc]
    yield from run_blocking(archive.close)


# -- files, named by their own names or by a template --------------------------------

MediaFile = Union[str, MediaBase]
"""A file on the server: its record, or only its name."""


def save_file(
    media: Media[Any], file: MediaFile, target: PathLike, overwrite: bool = True
) -> Flow[Path]:
    """Save one file at a path, which may have a template in it."""
    find = functools.partial(template_in, target, f"{media.noun}_name")
    found = yield from run_blocking(find)
    if found is None:
        plan = functools.partial(plan_target, target, str(file), overwrite, media)
        return (yield from media_flows.save_file(media, str(file), plan, overwrite))
    folder, template = found
    (name,) = yield from _template_names(media, [file], template)
    return (yield from _save_as(media, file, folder / name, overwrite))


def download_many(
    files: Sequence[MediaFile],
    folder: PathLike,
    overwrite: bool = True,
    template: Optional[FileNameTemplate] = None,
) -> Flow[list[Path]]:
    """Save images into a folder, under their own names or those of a template.

    Returns:
        The path of each; an image that is given twice is saved once, unless the
        template tells the two apart.
    """
    target = Path(folder).expanduser()
    if (yield from run_blocking(target.is_file)):
        raise LocalFileError(f"{target} is a file, not a folder")
    if template is None:
        own = distinct_file_names(map(str, files))
        names = [own[str(file)] for file in files]
    else:
        names = yield from _template_names(IMAGE, files, template)
    yield from run_blocking(lambda: target.mkdir(parents=True, exist_ok=True))
    by_name = dict(zip(names, files))
    saving = [
        _save_as(IMAGE, file, target / name, overwrite)
        for name, file in by_name.items()
    ]
    where = dict(zip(by_name, (yield from gather(saving, limit=4))))
    return [where[name] for name in names]


def _save_as(
    media: Media[Any], file: MediaFile, path: Path, overwrite: bool
) -> Flow[Path]:
    plan = functools.partial(plan_file, path, str(file), overwrite, media)
    return (yield from media_flows.save_file(media, str(file), plan, overwrite))


def _template_names(
    media: Media[Any], files: Sequence[MediaFile], template: FileNameTemplate
) -> Flow[list[str]]:
    """A name for each file; of those that no job made, ``index`` is the place here.

    A field that only some of the files have is ``none`` for the others.
    """
    found = yield from gather(
        [_read_fields(media, file, template) for file in files], limit=4
    )
    if len(files) > 1:
        found = [{"index": place, **own} for place, own in enumerate(found)]
    if files:
        template.require(list(dict.fromkeys(name for own in found for name in own)))
    nothing = dict.fromkeys(template.fields)
    taken = TakenNames()
    return [
        taken.claim(file_name(template, {**nothing, **own}, media.suffix), str(file))
        for file, own in zip(files, found)
    ]


def _read_fields(
    media: Media[Any], file: MediaFile, template: FileNameTemplate
) -> Flow[Mapping[str, Any]]:
    """The fields of one file; the server is asked for what only it knows."""
    wanted = set(template.fields) - {"index"}
    if isinstance(file, str):
        file = media.base.model_validate({f"{media.noun}_name": file})
    known, is_of_job = own_fields(file)
    if wanted & set(MEDIA_FIELDS) and file.width is None:
        read = media.base.bound_to(None)
        record = yield from media_flows.get_record(media, read, str(file))
        known.update(own_fields(record)[0])
    if is_of_job or wanted <= known.keys():
        return known
    metadata = yield from media_flows.get_metadata(media, str(file))
    return {**job_fields(metadata or {}), **known}
