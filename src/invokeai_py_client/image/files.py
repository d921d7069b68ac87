"""Images as local files and bytes: what may be uploaded, where a download goes.

Everything here is local and may block; flows call it through `Local`.
"""

from __future__ import annotations

import io
import os
import re
import struct
import uuid
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Union

from invokeai_py_client._core.messages import FilePart
from invokeai_py_client._folders import file_in
from invokeai_py_client.exceptions import ImageError
from invokeai_py_client.image.media import IMAGE, Media

if TYPE_CHECKING:
    from PIL.Image import Image as PilImage

__all__ = [
    "ImageSource",
    "PartialFile",
    "Upload",
    "decode_pil",
    "open_file",
    "open_upload",
    "plan_target",
    "safe_file_name",
    "sniff_content_type",
]

PathLike = Union[str, "os.PathLike[str]"]

ImageSource = Union[PathLike, bytes, bytearray, memoryview, "PilImage"]
"""A local picture: a path, the bytes of an image file, or a Pillow image."""

# Kinds of file that the server turns into PNG. It refuses a part by its *declared*
# content type, so that one is taken from the content, never from the file's name.
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
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


def sniff_content_type(head: bytes) -> Union[str, None]:
    """The MIME type that the first bytes of a file speak of; None if of no image."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp" and head[8:12] in (b"avif", b"avis", b"mif1", b"heic"):
        return "image/avif" if head[8:10] == b"av" else "image/heic"
    for magic, content_type in _MAGIC:
        if head.startswith(magic):
            return content_type
    return None


@dataclass
class Upload:
    """A local file ready to be sent; `close` it however the sending ends.

    Attributes:
        label: What messages call it: the path, or where it came from.
        filename: What the server is told; it keeps nothing of it.
        content: Bytes, or an open file that the driver streams.
        content_type: By content.
    """

    label: str
    filename: str
    content: Union[bytes, BinaryIO]
    content_type: str

    def part(self, name: str) -> FilePart:
        """The file as the part `name` of a form."""
        return FilePart(name, self.filename, self.content, self.content_type)

    def close(self) -> None:
        """Close the file, if there is one."""
        if not isinstance(self.content, bytes):
            self.content.close()


def open_upload(source: ImageSource) -> Upload:
    """Open `source` and look at its first bytes.

    Raises:
        ImageFileNotFoundError: There is no such file.
        ImageError: It is a folder, cannot be read, is empty, or is no picture.
        TypeError: `source` is nothing an image could come from.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _upload_bytes(bytes(source), "the given data")
    if isinstance(source, (str, os.PathLike)):
        return open_file(Path(source).expanduser(), IMAGE, _look)
    if _is_pil(source):
        return _upload_bytes(_encode_png(source), "the Pillow image")
    raise TypeError(
        "expected a path, bytes or a Pillow image to upload, "
        f"not {type(source).__name__}"
    )


def _upload_bytes(content: bytes, label: str) -> Upload:
    content_type = _checked_type(content[:32], label)
    name = f"upload.{content_type.rpartition('/')[2]}"
    return Upload(label, name, content, content_type)


def open_file(
    path: Path, media: Media, look: Callable[[BinaryIO, int, str], str]
) -> Upload:
    """Open a local file to be sent.

    Args:
        path: Where it is.
        media: What it should be; its errors are raised.
        look: Gets the file, its size and what messages call it; says its content
            type, or raises.
    """
    try:
        # Closed by `Upload.close`: the driver reads it while it sends.
        file = path.open("rb")
    except FileNotFoundError as error:
        raise media.not_found_error(
            f"there is no {media.noun} file {path}", hint=f"looked in {Path.cwd()}"
        ) from error
    except OSError as error:
        raise media.error(f"cannot read {path}: {error.strerror}") from error
    try:
        content_type = look(file, os.fstat(file.fileno()).st_size, str(path))
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return Upload(str(path), path.name, file, content_type)


def _look(file: BinaryIO, _: int, label: str) -> str:
    return _checked_type(file.read(32), label)


def _checked_type(head: bytes, label: str) -> str:
    content_type = sniff_content_type(head)
    if content_type is None:
        what = "is no picture" if head else "is empty"
        raise ImageError(f"{label} {what}", hint=f"the server takes {IMAGE.accepted}")
    return content_type


def _is_pil(source: object) -> bool:
    """True for a Pillow image, told without importing Pillow."""
    return any(
        base.__module__ == "PIL.Image" and base.__name__ == "Image"
        for base in type(source).__mro__
    )


# Modes that PNG can hold; others (CMYK, YCbCr, LAB, HSV, F) become RGB.
_PNG_MODES = frozenset({"1", "L", "LA", "I", "I;16", "P", "RGB", "RGBA"})


def _encode_png(image: Any) -> bytes:
    sink = io.BytesIO()
    if image.mode not in _PNG_MODES:
        image = image.convert("RGBA" if "a" in image.mode.lower() else "RGB")
    image.save(sink, format="PNG")
    return sink.getvalue()


def decode_pil(content: bytes) -> PilImage:
    """Open the bytes of an image file with Pillow, fully loaded.

    Raises:
        ImageError: Pillow is not installed (extra `images`), or cannot read this.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise ImageError(
            "reading pixels needs Pillow",
            hint='pip install "invokeai-py-client[images]"',
        ) from error
    try:
        image = Image.open(io.BytesIO(content))
        image.load()
    except Image.DecompressionBombError as error:
        raise ImageError(
            f"the image is too large to be opened: {error}",
            hint="PIL.Image.MAX_IMAGE_PIXELS sets the limit",
        ) from error
    except (OSError, ValueError, SyntaxError, EOFError, struct.error) as error:
        # All of these have been seen to come out of Pillow for damaged files.
        raise ImageError(f"Pillow cannot read this image: {error}") from error
    return image


# Devices, whatever suffix follows; spaces before it do not count.
_WINDOWS_NAMES = re.compile(
    r"(?i)(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\.|$)"
)


# A server must not choose what else a folder gets, such as a start-up file.
_KNOWN_SUFFIXES = frozenset(
    (
        *(".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"),
        *(".mp4", ".webm", ".mov", ".zip"),
    )
)
# Controls, what changes the direction of text, and halves of characters.
_ODD = re.compile(
    r'[\x00-\x1f\x7f-\x9f<>:"|?*\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]'
)


def safe_file_name(name: str) -> str:
    """The last part of `name`, fit to be a file's name on any system.

    Whatever a server calls its image, the result has no separator, no drive, no
    control character, is not hidden, and has the suffix of a picture, a video or a
    zip; else it gets ``.png``.
    """
    # More characters than this cannot stay anyway.
    last = re.split(r"[/\\]", name)[-1][-300:]
    clean = _ODD.sub("_", last).strip(" ").rstrip(". ")
    if not clean or set(clean) == {"."}:
        return "image.png"
    if clean.startswith("."):
        clean = f"_{clean}"
    if os.path.splitext(clean)[1].lower() not in _KNOWN_SUFFIXES:
        clean += ".png"
    # 255 bytes is the limit of common file systems; the temporary name needs some.
    while len(clean.encode("utf-8")) > 200:
        stem, dot, suffix = clean.rpartition(".")
        clean = f"{stem[:-1]}{dot}{suffix}"
    return f"_{clean}" if _WINDOWS_NAMES.match(clean) else clean


_OTHER_FORMATS = frozenset(
    {".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"}
)


def plan_target(target: PathLike, image_name: str, overwrite: bool) -> Path:
    """Where the picture goes: `target` itself, or a file of its own name inside.

    An existing folder, or a path that ends with a separator, is a folder. Missing
    folders are made.

    Raises:
        FileExistsError: The file exists and `overwrite` is False.
        ImageError: The name asks for another format than the server's PNG, or is
            that of a device or the like, which a file would take the place of.
    """
    own_name = safe_file_name(image_name)
    path = file_in(target, own_name)
    suffix = path.suffix.lower()
    if suffix in _OTHER_FORMATS and not own_name.lower().endswith(suffix):
        raise ImageError(
            f"{path.name} would hold a PNG: images are saved as the server has them, "
            "with their workflow",
            hint=f"name it {path.with_suffix('.png').name}, "
            "or convert with image.pil().save(...)",
        )
    if path.exists():
        if not path.is_file():
            raise ImageError(f"{path} is no file that could be replaced")
        if not overwrite:
            raise FileExistsError(f"{path} exists")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


class PartialFile:
    """A file that appears under its name only when it is complete.

    The bytes go to a temporary file in the same folder; `commit` syncs and renames
    it, so that a crash leaves the old file or the new one, never half of one.

    Args:
        path: Its final name.
        overwrite: Replace a file of that name, also one that appears meanwhile.
    """

    def __init__(self, path: Path, overwrite: bool = True) -> None:
        self.path = path
        self._overwrite = overwrite
        # Not tempfile: its files are private whatever the umask says.
        self._temporary = path.parent / f".{uuid.uuid4().hex}.part"
        self.sink: BinaryIO = self._temporary.open("xb")

    def restart(self) -> None:
        """Forget what was written, to download once more."""
        self.sink.seek(0)
        self.sink.truncate()

    def is_zip(self) -> bool:
        """True when what was written so far is a whole zip archive."""
        self.sink.flush()
        return zipfile.is_zipfile(self._temporary)

    def commit(self) -> Path:
        """Make the bytes durable and visible under the final name.

        Raises:
            FileExistsError: There is such a file by now, and it is to stay.
        """
        self.sink.flush()
        os.fsync(self.sink.fileno())
        self.sink.close()
        if self._overwrite:
            os.replace(self._temporary, self.path)
        else:
            self._appear()
        return self.path

    def _appear(self) -> None:
        """Take the final name unless somebody has it: of several, one gets it."""
        try:
            os.link(self._temporary, self.path)
        except FileExistsError:
            raise FileExistsError(f"{self.path} exists") from None
        except OSError:
            # A file system without links: what is left is to look once more.
            if self.path.exists():
                raise FileExistsError(f"{self.path} exists") from None
            os.replace(self._temporary, self.path)

    def discard(self) -> None:
        """Remove the temporary file, if it is still there."""
        self.sink.close()
        self._temporary.unlink(missing_ok=True)
