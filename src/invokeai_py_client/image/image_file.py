"""What an image file says of itself: its kind, and whether all of it is there.

Read from its structure, without decoding pixels and without Pillow.
"""

from __future__ import annotations

import io
import re
import zlib
from dataclasses import dataclass
from typing import BinaryIO, Literal, Optional

_PNG = b"\x89PNG\r\n\x1a\n"
# Kinds of file that the server turns into PNG. It refuses a part by its *declared*
# content type, so that one is taken from the content, never from the file's name.
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (_PNG, "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"\x00\x00\x01\x00", "image/x-icon"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "image/jp2"),
    (b"8BPS", "image/vnd.adobe.photoshop"),
    (b"P5", "image/x-portable-graymap"),
    (b"P6", "image/x-portable-pixmap"),
    (b"qoif", "image/qoi"),
)
_HEIC_BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
)
_PIECE = 1 << 20
_ORIENTATION, _PHOTOMETRIC = 0x0112, 0x0106
_SEPARATED = 5
# A marker that ends a run of JPEG pixels: neither a stuffed byte nor a restart.
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")
_CUT_OFF = "it is cut off: the end is missing"


@dataclass
class ImageFile:
    """What an image file says of itself.

    Attributes:
        content_type: By content.
        damage: What is wrong with the file; None for a whole one. Of kinds other
            than PNG, JPEG and WebP only the beginning is looked at.
        orientation: How EXIF says that it is to be turned; 1 as it is.
        is_cmyk: True when it has the colours of print.
    """

    content_type: str
    damage: Optional[str] = None
    orientation: int = 1
    is_cmyk: bool = False

    def _note_exif(self, block: bytes) -> None:
        block = block[6:] if block.startswith(b"Exif\0\0") else block
        self.note_orientation(io.BytesIO(block))

    def note_orientation(self, exif: BinaryIO) -> None:
        """Read from EXIF how the image is to be turned."""
        found = _tag(exif, _ORIENTATION)
        self.orientation = found if found and 2 <= found <= 8 else 1


def sniff_content_type(head: bytes) -> Optional[str]:
    """The MIME type of an image that begins with `head`; None if none does."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp":
        if head[8:12] in (b"avif", b"avis") or b"avif" in head[16:32]:
            return "image/avif"
        return "image/heic" if head[8:12] in _HEIC_BRANDS else None
    for magic, content_type in _MAGIC:
        if head.startswith(magic):
            return content_type
    return None


def read_image_file(file: BinaryIO) -> Optional[ImageFile]:
    """Read an image file from its beginning to its end; None if it is not one."""
    file.seek(0)
    content_type = sniff_content_type(file.read(32))
    if content_type is None:
        return None
    found = ImageFile(content_type)
    read = _READERS.get(content_type)
    if read is not None:
        read(file, found)
    return found


def image_damage(file: BinaryIO) -> Optional[str]:
    """What is wrong with an image that a server keeps; None for a whole one."""
    found = read_image_file(file)
    if found is not None and found.content_type in _WHOLE:
        return found.damage
    file.seek(0)
    head = file.read(20)
    return f"it is not a PNG but begins with {head!r}" if head else "it is empty"


def _read_png(file: BinaryIO, found: ImageFile) -> None:
    file.seek(len(_PNG))
    has_pixels = False
    while True:
        head = file.read(8)
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        checksum, exif = zlib.crc32(kind), b""
        while length:
            piece = file.read(min(length, _PIECE))
            if not piece:
                break
            length -= len(piece)
            checksum = zlib.crc32(piece, checksum)
            exif = piece if kind == b"eXIf" else b""
        stored = file.read(4)
        if len(stored) < 4:
            found.damage = _CUT_OFF
            return
        if int.from_bytes(stored, "big") != checksum:
            found.damage = f"the checksum of its {kind.decode('latin-1')!r} is wrong"
            return
        if exif:
            found._note_exif(exif)
        has_pixels = has_pixels or kind == b"IDAT"
        if kind == b"IEND":
            found.damage = None if has_pixels else "it has no pixels"
            return


def _read_jpeg(file: BinaryIO, found: ImageFile) -> None:
    file.seek(0)
    data = file.read()
    position = 2
    while True:
        marker = _MARKER.search(data, position)
        if marker is None:
            found.damage = _CUT_OFF
            return
        code, position = data[marker.end() - 1], marker.end()
        if code == 0xD9:
            return
        length = int.from_bytes(data[position : position + 2], "big")
        segment = data[position + 2 : position + length]
        if code == 0xE1 and segment.startswith(b"Exif\0\0"):
            found._note_exif(segment)
        elif code in (0xC0, 0xC1, 0xC2):  # the size, and how many colours
            found.is_cmyk = segment[5:6] == b"\x04"
        position += length


def _read_webp(file: BinaryIO, found: ImageFile) -> None:
    size = file.seek(0, io.SEEK_END)
    file.seek(4)
    end = 8 + int.from_bytes(file.read(4), "little")
    position, has_pixels = 12, False
    while position + 8 <= min(end, size):
        file.seek(position)
        kind, length = file.read(4), int.from_bytes(file.read(4), "little")
        if kind == b"EXIF":
            found._note_exif(file.read(min(length, _PIECE)))
        has_pixels = has_pixels or kind in (b"VP8 ", b"VP8L", b"ANMF")
        position += 8 + length + length % 2
    if end > size or position > end + 1:
        found.damage = _CUT_OFF
    elif not has_pixels:
        found.damage = "it has no pixels"


def _read_tiff(file: BinaryIO, found: ImageFile) -> None:
    found.is_cmyk = _tag(file, _PHOTOMETRIC) == _SEPARATED
    found.note_orientation(file)


def _tag(file: BinaryIO, wanted: int) -> Optional[int]:
    """A number in the first directory of a TIFF file, or of EXIF, which is one."""
    file.seek(0)
    head = file.read(8)
    order: Literal["little", "big"] = "little" if head[:2] == b"II" else "big"
    file.seek(int.from_bytes(head[4:8], order))
    count = int.from_bytes(file.read(2), order)
    for _ in range(count):
        entry = file.read(12)
        if int.from_bytes(entry[:2], order) == wanted:
            return int.from_bytes(entry[8:10], order)
        if len(entry) < 12:
            break
    return None


# What can be told to be whole; a server keeps PNG files, and WebP previews.
_WHOLE = frozenset({"image/png", "image/jpeg", "image/webp"})
_READERS = {
    "image/png": _read_png,
    "image/jpeg": _read_jpeg,
    "image/webp": _read_webp,
    "image/tiff": _read_tiff,
}
