"""What can be uploaded as an image, and what is sent of it.

Everything here is local and may block; flows call it through `RunBlocking`.
"""

from __future__ import annotations

import io
import logging
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, BinaryIO, Optional, Union

from invokeai_py_client._arguments import Kind, NotAllowedError, PathLike
from invokeai_py_client._arguments.uploads import (
    array_fault,
    file_source,
    is_array,
    is_pillow,
)
from invokeai_py_client._core.messages import FilePart
from invokeai_py_client._version import extra_hint
from invokeai_py_client.exceptions import ImageError
from invokeai_py_client.image.image_file import ImageFile, read_image_file
from invokeai_py_client.image.media import IMAGE, Media
from invokeai_py_client.image.models import ImageBase

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image as PilImage

logger = logging.getLogger("invokeai_py_client")


def _image_source(value: Any) -> Any:
    if isinstance(value, ImageBase) or is_pillow(value):
        return value
    if is_array(value):
        fault = array_fault(value)
        if fault:
            raise NotAllowedError(fault)
        return value
    return file_source(value)


_SOURCE = Kind(
    "a path, the bytes of an image file, an open file, a Pillow image, a NumPy array "
    "or an IvkImage",
    _image_source,
)
ImageSource = Annotated[
    Union[
        PathLike,
        bytes,
        bytearray,
        memoryview,
        IO[bytes],
        "PilImage",
        "NDArray[Any]",
        ImageBase,
    ],
    _SOURCE,
]
"""An image: a path, the bytes of an image file or a ``data:`` URL, an open file, a
Pillow image, a NumPy array of `uint8` (height x width, with 3 or 4 colours or none),
or an `IvkImage`, which may be on another server."""


@dataclass
class Upload:
    """A local file ready to be sent; `close` it however the sending ends.

    Attributes:
        label: What messages call it: the path, or where it came from.
        filename: What the server is told; it keeps nothing of it.
        content: Bytes, or an open file that the driver streams.
        content_type: By content.
        doubt: Why the server may be unable to read it.
    """

    label: str
    filename: str
    content: Union[bytes, BinaryIO]
    content_type: str
    doubt: Optional[str] = None

    def part(self, name: str) -> FilePart:
        """The file as the part `name` of a form."""
        return FilePart(name, self.filename, self.content, self.content_type)

    def close(self) -> None:
        """Close the file, if there is one."""
        if not isinstance(self.content, bytes):
            self.content.close()


def open_upload(source: ImageSource) -> Upload:
    """Open `source` and look at what it is.

    Photos that are to be turned, and colours of print, are converted by Pillow: the
    server drops the one and refuses the other.
    """
    source = _SOURCE.read("source", source)
    # A PNG made here needs no look at what it is.
    if is_pillow(source):
        return _in_memory(png_of(source), "the Pillow image")
    if is_array(source):
        return _in_memory(png_of(source), "the array")
    if isinstance(source, bytes):
        upload = _in_memory(source, "the given data")
    else:
        upload = open_file(Path(str(source)), IMAGE)
    try:
        return _prepared(upload)
    except BaseException:
        upload.close()
        raise


def _in_memory(content: bytes, label: str) -> Upload:
    return Upload(label, "upload.png", content, "image/png")


def open_file(path: Path, media: Media[Any]) -> Upload:
    """Open a local file to be sent; the errors are those of `media`."""
    try:
        # Closed by `Upload.close`: the driver reads it while it sends.
        file = path.open("rb")
    except FileNotFoundError as error:
        raise media.not_found_error(
            f"there is no {media.noun} file {path}", hint=f"looked in {Path.cwd()}"
        ) from error
    except OSError as error:
        raise media.error(f"cannot read {path}: {error.strerror}") from error
    return Upload(str(path), path.name, file, media.content_type)


def _prepared(upload: Upload) -> Upload:
    """The same image as the server takes it."""
    content = upload.content
    file = io.BytesIO(content) if isinstance(content, bytes) else content
    found, label = read_image_file(file), upload.label
    if found is None:
        what = "is not an image" if file.seek(0, io.SEEK_END) else "is empty"
        raise ImageError(f"{label} {what}", hint=f"the server takes {IMAGE.accepted}")
    if found.content_type == "image/heic":
        raise ImageError(
            f"{label} is a HEIC image, which the server does not read",
            hint="convert it to PNG or JPEG, such as with Pillow and pillow-heif",
        )
    if found.damage and found.content_type != "image/jpeg":
        raise ImageError(f"{label} is damaged: {found.damage}")
    file.seek(0)
    if found.is_cmyk or found.orientation != 1:
        converted = _converted(file, found, label)
        if converted is not None:
            upload.close()
            return _in_memory(converted, label)
        file.seek(0)
    upload.content_type = found.content_type
    if isinstance(content, bytes):
        upload.filename = f"upload.{found.content_type.rpartition('/')[2]}"
    # Some decoders do without the end of a JPEG.
    upload.doubt = found.damage
    return upload


def _converted(file: BinaryIO, found: ImageFile, label: str) -> Optional[bytes]:
    """The image upright and in colours of a screen, as PNG; None without Pillow."""
    try:
        import PIL  # noqa: F401
    except ImportError as error:
        if found.is_cmyk:
            raise ImageError(
                f"{label} has the colours of print (CMYK), which the server does not "
                "take, and converting it needs Pillow",
                hint=extra_hint("images"),
            ) from error
        logger.warning(
            "%s is to be turned when it is shown (EXIF orientation %d), which the "
            "server ignores; with Pillow it would be turned before it is sent: %s",
            label,
            found.orientation,
            extra_hint("images"),
        )
        return None
    return png_of(decode_pil(file.read(), label))


# Modes that PNG cannot hold, and what they become; I and F depend on the values.
_PNG_MODES = {
    **dict.fromkeys(("RGBX", "CMYK", "YCbCr", "LAB", "HSV"), "RGB"),
    **dict.fromkeys(("I;16L", "I;16B", "I;16N"), "I;16"),
    **{"La": "LA", "PA": "RGBA", "RGBa": "RGBA"},
}


def png_of(image: Any) -> bytes:
    """A Pillow image or an array as the content of a PNG file."""
    if not is_pillow(image):
        return _png_of_array(image)
    with _pillow_errors("the Pillow image"):
        return _png_of_pillow(image)


@contextmanager
def _pillow_errors(label: str) -> Iterator[None]:
    try:
        yield
    except ImageError:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, struct.error) as error:
        # Pillow raises all of these for damaged files.
        raise ImageError(f"Pillow cannot read {label}: {error}") from error


def _png_of_pillow(image: PilImage) -> bytes:
    from PIL import ImageOps

    # Only what comes right from a file has a format: pixels that a program has
    # worked on are as they should be.
    if image.format is not None:
        image = ImageOps.exif_transpose(image)
    mode = _PNG_MODES.get(image.mode, image.mode)
    if mode == "I":
        lowest, highest = image.getextrema()
        mode = "I;16" if lowest >= 0 and highest <= 65535 else "F"  # type: ignore[operator]
    if mode == "F":
        raise ImageError(
            f"a Pillow image of mode {image.mode} does not say which value is white",
            hint='scale its values to 0 to 255, then image.convert("L")',
        )
    if mode != image.mode:
        image = _on_screen(image) if mode == "RGB" else image.convert(mode)
    sink = io.BytesIO()
    image.save(sink, format="PNG")
    return sink.getvalue()


def _on_screen(image: PilImage) -> PilImage:
    """The image in RGB; colours of print by their own profile."""
    if image.mode not in ("CMYK", "LAB"):
        return image.convert("RGB")
    from PIL import ImageCms

    profile = image.info.get("icc_profile")
    try:
        own = io.BytesIO(profile) if profile else ImageCms.createProfile("LAB")
        if profile or image.mode == "LAB":
            screen = ImageCms.createProfile("sRGB")
            found = ImageCms.profileToProfile(image, own, screen, outputMode="RGB")
            assert found is not None
            return found
    except (ImportError, OSError, ValueError, ImageCms.PyCMSError) as error:
        logger.debug("the colour profile of an image cannot be used: %s", error)
    image = image.convert("RGB")
    # It describes the colours that were.
    image.info.pop("icc_profile", None)
    return image


_PNG_COLOURS = {(): 0, (1,): 0, (3,): 2, (4,): 6}


def _png_of_array(array: Any) -> bytes:
    if str(array.dtype) == "bool":
        array = array.astype("uint8") * 255
    height, width = array.shape[:2]
    pixels, row = array.tobytes(), array.size // height
    lines = b"".join(
        b"\0" + pixels[start : start + row] for start in range(0, len(pixels), row)
    )
    colours = _PNG_COLOURS[tuple(array.shape[2:])]
    head = struct.pack(">IIBBBBB", width, height, 8, colours, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(lines, 1)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data))
        + kind
        + data
        + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def decode_pil(content: bytes, label: str = "this image") -> PilImage:
    """Open the bytes of an image file with Pillow, fully loaded."""
    try:
        from PIL import Image
    except ImportError as error:
        raise ImageError(
            "reading pixels needs Pillow", hint=extra_hint("images")
        ) from error
    with _pillow_errors(label):
        try:
            image = Image.open(io.BytesIO(content))
            image.load()
        except Image.DecompressionBombError as error:
            raise ImageError(
                f"{label} is too large to be opened: {error}",
                hint="PIL.Image.MAX_IMAGE_PIXELS sets the limit",
            ) from error
    return image
