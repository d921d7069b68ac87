"""The gallery: one HTML file that shows items, their values and their images.

It needs no server and no network: it works from a folder. Images are beside it, with
small previews that are made once; or previews are within it, for a file to send.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import html
import importlib.util
import io
import json
import os
import re
import urllib.parse
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Union

from invokeai_py_client._arguments import PathLike, checked
from invokeai_py_client.exceptions import ArgumentError, InvokeAIError
from invokeai_py_client.image.files import whole_file
from invokeai_py_client.sweep.display.grid_image import small_image
from invokeai_py_client.sweep.display.shown_item import (
    ShownItem,
    column_names,
    items_of,
    label_of,
)
from invokeai_py_client.sweep.folder.remote_target import RemoteFile

PAGE = "index.html"
THUMBNAIL = 256
PREVIEWS = "previews"
MOST_ITEMS = 100_000
_LONGEST_VALUE = 4000
_SHORT = 24
_OWN = ("seed", "server", "seconds")
# Different for each image, so that nothing is filtered or found by it.
_MEASURED = "seconds"
_VIDEOS = (".mp4", ".webm", ".mov")
_HERE = Path(__file__).parent
_MARK = re.compile("@(SCRIPT_HASH|TITLE|SCRIPT|DATA)@")
_Show = Callable[[Any], tuple[str, str, str]]
# Pillow raises SyntaxError for some damaged files.
_UNREADABLE = (OSError, ValueError, SyntaxError, InvokeAIError)


@checked
def gallery(
    items: Iterable[Any],
    path: PathLike,
    *,
    title: str = "Gallery",
    embed: bool = False,
) -> Path:
    """Write an HTML page that shows images with the values that made them.

    It filters, sorts, enlarges, and compares two; it sends nothing. The page refers to
    image files by paths relative to itself, so that a folder can be moved as a whole.

    Args:
        items: A result, jobs of results, or pairs of values and images, as for `grid`.
            Images that are not files are within the page.
        path: The file, replaced when it is complete, or a folder, in which it is
            `index.html`.
        title: Its heading.
        embed: Put the previews within the page instead of into the folder
            `previews` beside it: a file that shows something by itself.

    Returns:
        The page. Without Pillow there are no previews: the images themselves are
        shown small.

    Raises:
        ArgumentError: There are more than 100,000 items, or one is none.
    """
    target = Path(path)
    if target.is_dir():
        target /= PAGE
    found = items_of(items)
    if len(found) > MOST_ITEMS:
        raise ArgumentError("items", f"{len(found)} items", f"at most {MOST_ITEMS}")
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = target.parent.absolute()
    show = functools.partial(_preview, folder, embed=embed and _has_pillow())
    return _write(found, target, title, show)


def quick_gallery(items: Sequence[ShownItem], target: Path, title: str) -> Path:
    """The same page, for which no image is read.

    Previews are shown that `gallery` has made before; else the images themselves.
    """
    folder = target.parent.absolute()
    show = functools.partial(_as_it_is, folder, (folder / PREVIEWS).is_dir())
    return _write(items, target, title, show)


def _write(items: Sequence[ShownItem], target: Path, title: str, show: _Show) -> Path:
    page = _page(items, title, show)
    with whole_file(target) as file:
        file.write(page.encode("utf-8", "replace"))
    return target


def _page(items: Sequence[ShownItem], title: str, show: _Show) -> str:
    names = column_names(items)
    own = [n for n in _OWN if n not in names and any(getattr(i, n) for i in items)]
    columns = [*names, *own]
    rows = list(_rows(items, columns, show))
    values = [row[2] for row in rows]
    measured = [columns.index(_MEASURED)] if _MEASURED in own else []
    varying = [
        place
        for place in range(len(columns))
        if len({row[place] for row in values}) > 1 and place not in measured
    ]
    # Short values first: a caption shows the beginning of them all.
    varying.sort(key=lambda place: max(len(row[place]) for row in values) > _SHORT)
    data = {"columns": columns, "varying": varying, "measured": measured, "items": rows}
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for letter in "<>&\u2028\u2029":
        # Nothing in it can end the element that it is in.
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    script = (_HERE / "gallery.js").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    parts = {
        "SCRIPT_HASH": digest,
        "TITLE": html.escape(title),
        "SCRIPT": script,
        "DATA": text,
    }
    page = (_HERE / "gallery.html").read_text("utf-8")
    return _MARK.sub(lambda mark: parts[mark[1]], page)


def _rows(
    items: Sequence[ShownItem], columns: Sequence[str], show: _Show
) -> Iterator[list[Any]]:
    """One row for each image, and one for each item that has none."""
    pairs = [(item, image) for item in items for image in item.images or (None,)]
    with ThreadPoolExecutor(max_workers=4) as executor:
        shown = executor.map(show, (image for _, image in pairs))
        for (item, _), (thumb, file, problem) in zip(pairs, shown):
            values = [_text(item, name) for name in columns]
            note = item.error or problem or ""
            yield [item.index, item.status, values, thumb, file, note]


def _text(item: ShownItem, name: str) -> str:
    value = item.values.get(name) if name in item.values else getattr(item, name, None)
    if value is None or value == "":
        return ""
    if isinstance(value, str):
        return value[:_LONGEST_VALUE]
    if isinstance(value, dict) and name == "seed":
        return ", ".join(f"{key} {label_of(seed)}" for key, seed in value.items())
    return label_of(value)[:_LONGEST_VALUE]


def _preview(folder: Path, image: Any, *, embed: bool) -> tuple[str, str, str]:
    """What shows an image small, where the file is, and what is wrong with it."""
    if image is None:
        return "", "", ""
    if isinstance(image, (str, os.PathLike)):
        image = Path(image).absolute()
    elif not isinstance(image, RemoteFile):
        return _embedded(image, 2 * THUMBNAIL)
    file = _address(image, folder)
    if file.lower().endswith(_VIDEOS) or not _has_pillow():
        return file, file, ""
    if embed:
        thumb, _, problem = _embedded(image, THUMBNAIL)
        return thumb, file, problem
    try:
        return _address(_made(image, folder / PREVIEWS), folder), file, ""
    except _UNREADABLE as error:
        return "", file, f"cannot be read: {error}"


def _as_it_is(folder: Path, has_previews: bool, image: Any) -> tuple[str, str, str]:
    """The same for a file of a sweep, without a look into it."""
    if image is None:
        return "", "", ""
    file = _address(image, folder)
    if has_previews:
        with suppress(OSError):
            preview = _preview_of(image, folder / PREVIEWS)
            if preview.exists():
                return _address(preview, folder), file, ""
    # What browsers cannot fetch is better named than broken.
    is_shown = isinstance(image, Path) or image.url.startswith("http")
    return file if is_shown else "", file, ""


def _preview_of(image: Union[Path, RemoteFile], folder: Path) -> Path:
    """Where the preview of a file is, if there is one of the file as it is."""
    if isinstance(image, RemoteFile):
        # That of an item that is done, which does not change.
        identity = image.url
    else:
        facts = image.stat()
        identity = f"{image.name}\n{facts.st_size}\n{facts.st_mtime_ns}\n{image}"
    digest = hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()
    return folder / digest[:2] / f"{digest[2:20]}.webp"


def _made(image: Union[Path, RemoteFile], folder: Path) -> Path:
    """The preview of a file, made unless it is there."""
    target = _preview_of(image, folder)
    if not target.exists():
        content = _webp(image, THUMBNAIL)
        target.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(target) as file:
            file.write(content)
    return target


def _embedded(image: Any, size: int) -> tuple[str, str, str]:
    try:
        content = base64.b64encode(_webp(image, size)).decode()
    except _UNREADABLE as error:
        return "", "", f"cannot be read: {error}"
    return f"data:image/webp;base64,{content}", "", ""


def _webp(image: Any, size: int) -> bytes:
    sink = io.BytesIO()
    small_image(image, size).save(sink, "WEBP", quality=78, method=2)
    return sink.getvalue()


def _address(path: Union[Path, RemoteFile], folder: Path) -> str:
    if isinstance(path, RemoteFile):
        return urllib.parse.quote(path.url, safe=":/@", errors="surrogatepass")
    try:
        relative = os.path.relpath(path, folder).replace(os.sep, "/")
    except ValueError:
        # On another drive.
        return path.as_uri()
    return urllib.parse.quote(relative, safe="/", errors="surrogatepass")


@functools.lru_cache(maxsize=1)
def _has_pillow() -> bool:
    return importlib.util.find_spec("PIL") is not None
