"""The grid as an image: labelled rows and columns, drawn with Pillow."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any, Optional

from invokeai_py_client._arguments import PathLike, checked, whole_number
from invokeai_py_client._version import extra_hint
from invokeai_py_client.exceptions import ArgumentError, ImageError, InvokeAIError
from invokeai_py_client.sweep.display.grid_layout import (
    Axis,
    Cell,
    GridLayout,
    layout,
    shortened,
)
from invokeai_py_client.sweep.display.shown_item import items_of
from invokeai_py_client.sweep.folder.remote_target import RemoteFile

if TYPE_CHECKING:
    from PIL.Image import Image as PilImage
    from PIL.ImageDraw import ImageDraw as PilDraw
    from PIL.ImageFont import FreeTypeFont

Pixels = Annotated[int, whole_number(16)]

MAX_PIXELS = 50_000_000
"""Of the whole grid, 150 MB in memory."""
LEAST_CELL = 48
MOST_TILES = 9

_INK, _MUTED, _PAPER, _LINE = "#1b1f24", "#5d6670", "#ffffff", "#d8dee4"
_EMPTY, _WRONG = "#f0f2f4", "#a40e26"
# Where the font that Pillow brings has no letters.
_OTHER_FONTS = (
    *(
        "NotoSansCJK-Regular.ttc",
        "NotoSans-Regular.ttf",
        "msyh.ttc",
        "Arial Unicode.ttf",
    ),
    *("PingFang.ttc", "DejaVuSans.ttf"),
)


@checked
def grid(
    items: Iterable[Any],
    *axes: str,
    cell: Pixels = 256,
    max_pixels: Pixels = MAX_PIXELS,
    font: Optional[PathLike] = None,
) -> PilImage:
    """Draw images side by side, with the values that made them as labels.

    Args:
        items: A result, jobs of results, or pairs of values and images:
            ``[({"steps": 20, "model": "A"}, "a.png"), …]``. An image is a path, a
            Pillow image, bytes, or an image of a blocking client, which is fetched.
        axes: The names of one to three values: columns, rows, and blocks below each
            other. ``seed``, ``server`` and ``status`` are names too.
        cell: The most pixels of a side of a cell. Small images are enlarged by whole
            numbers, so that their pixels stay pixels.
        max_pixels: Of the whole grid; cells are made smaller to keep to it.
        font: A TrueType font for the labels; by default that of Pillow, or for
            scripts that it lacks, one of the system.

    Returns:
        A Pillow image, to be saved or shown. Cells without an item are crossed out;
        several images in one cell are tiles.

    Raises:
        ImageError: Pillow is missing; install the extra `images`.
        ArgumentError: No item has such a value, or the grid has too many cells.
    """
    _require_pillow()
    return _Drawing(layout(items_of(items), axes), cell, max_pixels, font).draw()


def _require_pillow() -> None:
    try:
        import PIL  # noqa: F401
    except ImportError as error:
        raise ImageError("a grid needs Pillow", hint=extra_hint("images")) from error


class _Drawing:
    """One grid being drawn: every image is opened, made small, and forgotten."""

    def __init__(
        self, plan: GridLayout, cell: int, max_pixels: int, font: Optional[PathLike]
    ) -> None:
        self._plan = plan
        self._columns = len(plan.columns.labels)
        self._rows = len(plan.rows.labels)
        self._blocks = len(plan.blocks.labels)
        self._size = self._cell_size(cell, max_pixels)
        self._gap = max(2, self._size // 40)
        texts = (*plan.columns.labels, *plan.rows.labels, *plan.blocks.labels)
        self._font = _font(font, "".join(texts), min(22, max(11, self._size // 13)))
        self._line = math.ceil(self._font.size * 1.3)
        self._set_labels()

    def _cell_size(self, cell: int, max_pixels: int) -> int:
        count = self._columns * self._rows * self._blocks
        # A tenth for labels and gaps.
        size = min(cell, int(math.sqrt(max_pixels * 0.9 / count)))
        if size < min(LEAST_CELL, cell):
            shape = " x ".join(
                str(len(axis.labels))
                for axis in (self._plan.columns, self._plan.rows, self._plan.blocks)
            )
            raise ArgumentError(
                "axes",
                [self._plan.columns.name, self._plan.rows.name],
                f"a grid whose cells have at least {LEAST_CELL} pixels a side",
                hint=f"it has {shape} cells: leave values out, or raise max_pixels",
            )
        return size

    def _set_labels(self) -> None:
        letters = max(6, int(self._size / (self._font.size * 0.5)))
        self._column_lines = [
            self._wrapped(label, self._size - 4, 4)
            for label in shortened(self._plan.columns.labels, letters * 4)
        ]
        most = max(100, min(280, self._size))
        lines = max(1, min(8, self._size // self._line))
        room = max(6, int(most / (self._font.size * 0.5))) * lines
        names = [f"{self._plan.rows.name}:"] if self._plan.rows.name else []
        self._row_lines = [
            self._wrapped(label, most - 12, lines)
            for label in shortened(self._plan.rows.labels, room)
        ]
        widths = [self._font.getlength(line) for row in self._row_lines for line in row]
        names_width = max(map(self._font.getlength, names), default=0)
        self._left = math.ceil(max([*widths, names_width, 0])) + 16
        lines_above = max(map(len, self._column_lines)) + 1
        self._top = lines_above * self._line + 12
        self._heading = self._line + 12 if self._plan.blocks.name else 0

    def draw(self) -> PilImage:
        """The whole grid."""
        from PIL import Image, ImageDraw

        step = self._size + self._gap
        block_height = self._heading + self._rows * step
        width = self._left + self._columns * step + self._gap
        height = self._top + self._blocks * block_height + self._gap
        image = Image.new("RGB", (width, height), _PAPER)
        draw = ImageDraw.Draw(image)
        self._draw_column_labels(draw, step)
        for block in range(self._blocks):
            top = self._top + block * block_height
            if self._heading:
                self._draw_heading(draw, width, top, self._plan.blocks, block)
            for row in range(self._rows):
                y = top + self._heading + row * step
                self._draw_row_label(draw, row, y)
                for column in range(self._columns):
                    place = (self._left + column * step, y)
                    found = self._plan.cells.get((block, row, column))
                    self._draw_cell(image, draw, place, found)
        return image

    def _draw_column_labels(self, draw: PilDraw, step: int) -> None:
        name = self._plan.columns.name
        draw.text((self._left, 4), name, fill=_MUTED, font=self._font)
        for column, lines in enumerate(self._column_lines):
            middle = self._left + column * step + self._size / 2
            y = self._top - 4 - len(lines) * self._line
            for line in lines:
                draw.text((middle, y), line, fill=_INK, font=self._font, anchor="ma")
                y += self._line
        if self._plan.rows.name:
            y = self._top - 4 - self._line
            text = self._plan.rows.name
            draw.text((8, y), text, fill=_MUTED, font=self._font)

    def _draw_heading(
        self, draw: PilDraw, width: int, top: int, axis: Axis, block: int
    ) -> None:
        (line,) = self._wrapped(f"{axis.name}: {axis.labels[block]}", width - 16, 1)
        draw.line((8, top + 2, width - 8, top + 2), fill=_LINE)
        draw.text((8, top + 6), line, fill=_INK, font=self._font)

    def _draw_row_label(self, draw: PilDraw, row: int, y: int) -> None:
        lines = self._row_lines[row]
        y += max(0, (self._size - len(lines) * self._line) // 2)
        for line in lines:
            place = (self._left - 8, y)
            draw.text(place, line, fill=_INK, font=self._font, anchor="ra")
            y += self._line

    def _draw_cell(
        self,
        image: PilImage,
        draw: PilDraw,
        place: tuple[int, int],
        cell: Optional[Cell],
    ) -> None:
        x, y = place
        end = (x + self._size - 1, y + self._size - 1)
        if cell is None:
            draw.rectangle((place, end), fill=_EMPTY, outline=_LINE)
            draw.line((place, end), fill=_LINE)
            draw.line((x, end[1], end[0], y), fill=_LINE)
            return
        if not cell.images:
            draw.rectangle((place, end), fill=_EMPTY, outline=_LINE)
            self._draw_note(draw, place, cell.notes[0], self._size)
            return
        shown = cell.images[:MOST_TILES]
        across = math.ceil(math.sqrt(len(shown)))
        tile = (self._size - (across - 1)) // across
        for number, source in enumerate(shown):
            row, column = divmod(number, across)
            corner = (x + column * (tile + 1), y + row * (tile + 1))
            self._draw_image(image, draw, corner, source, tile)
        if len(cell.images) > MOST_TILES:
            more = f"+{len(cell.images) - MOST_TILES}"
            box = draw.textbbox(end, more, font=self._font, anchor="rs")
            draw.rectangle((box[0] - 3, box[1] - 3, *end), fill=_PAPER)
            draw.text(end, more, fill=_INK, font=self._font, anchor="rs")

    def _draw_image(
        self,
        image: PilImage,
        draw: PilDraw,
        corner: tuple[int, int],
        source: Any,
        size: int,
    ) -> None:
        try:
            small = small_image(source, size)
        except (OSError, ValueError, SyntaxError, InvokeAIError) as error:
            right = (corner[0] + size - 1, corner[1] + size - 1)
            draw.rectangle((corner, right), fill=_EMPTY, outline=_LINE)
            self._draw_note(draw, corner, f"cannot be read: {error}", size)
            return
        factor = size // max(small.size)
        if factor > 1:
            # Small images fill their cell, each pixel as it is.
            wide, high = small.size
            small = small.resize((factor * wide, factor * high), resample=0)
        x = corner[0] + (size - small.width) // 2
        y = corner[1] + (size - small.height) // 2
        image.paste(small, (x, y), small if small.mode == "RGBA" else None)

    def _draw_note(
        self, draw: PilDraw, place: tuple[int, int], note: str, size: int
    ) -> None:
        lines = self._wrapped(note, size - 8, max(1, (size - 8) // self._line))
        color = _MUTED if note in ("todo", "sent", "skipped") else _WRONG
        y = place[1] + (size - len(lines) * self._line) // 2
        for line in lines:
            at = (place[0] + size / 2, y)
            draw.text(at, line, fill=color, font=self._font, anchor="ma")
            y += self._line

    def _wrapped(self, text: str, width: float, most: int) -> list[str]:
        """Lines of at most `width` pixels; what does not fit ends in an ellipsis."""
        lines: list[str] = []
        rest = text.replace("\n", " ").strip()
        while rest and len(lines) < most:
            line = self._fitting(rest, width)
            lines.append(line.rstrip())
            rest = rest[len(line) :].lstrip()
        if rest:
            last = lines[-1]
            while last and self._font.getlength(f"{last}…") > width:
                last = last[:-1]
            lines[-1] = f"{last.rstrip()}…"
        return lines or [""]

    def _fitting(self, text: str, width: float) -> str:
        if self._font.getlength(text[:400]) <= width:
            return text[:400]
        low, high = 1, min(len(text), 400)
        while low < high:
            middle = (low + high + 1) // 2
            fits = self._font.getlength(text[:middle]) <= width
            low, high = (middle, high) if fits else (low, middle - 1)
        space = text.rfind(" ", 1, low + 1)
        return text[: space + 1] if space * 3 >= low else text[:low]


def small_image(source: Any, size: int) -> PilImage:
    """An image of at most `size` pixels a side; never larger than it is."""
    from PIL import Image, ImageOps

    opened = _opened(source)
    try:
        if opened is not source:
            # Of a JPEG file only as much is decoded as is needed.
            opened.draft("RGB", (size, size))
        upright = ImageOps.exif_transpose(opened)
        has_alpha = upright.mode in ("RGBA", "LA", "PA") or (
            "transparency" in upright.info
        )
        small = upright.convert("RGBA" if has_alpha else "RGB")
        small.thumbnail((size, size), Image.Resampling.LANCZOS, reducing_gap=2.0)
        return small
    finally:
        if opened is not source:
            opened.close()


def _opened(source: Any) -> PilImage:
    from PIL import Image

    if isinstance(source, Image.Image):
        return source
    if isinstance(source, (bytes, bytearray)):
        return Image.open(io.BytesIO(source))
    if isinstance(source, (str, os.PathLike)):
        return Image.open(source)
    if isinstance(source, RemoteFile):
        return Image.open(io.BytesIO(source.read_bytes()))
    fetch: Optional[Callable[[], Any]] = getattr(source, "pil", None)
    found = fetch() if fetch is not None else None
    if not isinstance(found, Image.Image):
        if hasattr(found, "close"):
            found.close()  # type: ignore[union-attr]  # a coroutine
        raise ImageError(
            f"{type(source).__name__} is not an image that could be drawn",
            hint="with an asyncio client, save the images and give their paths",
        )
    return found


def _font(path: Optional[PathLike], text: str, size: int) -> FreeTypeFont:
    from PIL import ImageFont

    if path is not None:
        try:
            return ImageFont.truetype(str(path), size)
        except OSError as error:
            raise ArgumentError("font", path, "a font file", hint=str(error)) from None
    default = ImageFont.load_default(size)
    if not isinstance(default, ImageFont.FreeTypeFont):
        raise ImageError("Pillow was built without fonts", hint="give a font= file")
    if all(ord(letter) < 0x250 or 0x2010 < ord(letter) < 0x2027 for letter in text):
        return default
    for name in _OTHER_FONTS:
        with suppress(OSError):
            return ImageFont.truetype(name, size)
    return default
