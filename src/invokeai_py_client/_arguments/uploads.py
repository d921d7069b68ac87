"""What may be given where a file is uploaded, told without importing anything."""

from __future__ import annotations

import base64
import binascii
import os
import re
import urllib.parse
from typing import IO, Any, Optional, Union

from invokeai_py_client._arguments.kinds import PATH, NotAllowedError

# A path that went through `pathlib` has one slash left.
_ADDRESS = re.compile(r"data:|(https?|ftps?|s3|gs|blob):/", re.IGNORECASE)


def is_address(value: object) -> bool:
    """True for what `file_source` reads as an address, not as a path."""
    return isinstance(value, (str, os.PathLike)) and bool(_ADDRESS.match(str(value)))


def is_content(value: object) -> bool:
    """True for the content of a file, and for an address, which `file_source` reads.

    What is left of the values that it takes are paths.
    """
    if isinstance(value, (str, os.PathLike)):
        return is_address(value)
    is_open_file = callable(getattr(value, "read", None))
    return is_open_file or isinstance(value, (bytes, bytearray, memoryview))


def file_source(value: Any) -> Union[bytes, str]:
    """The content of a file, or its path; for the `convert` of a `Kind`.

    Bytes and ``data:`` URLs are content, and so is what is left to read of an open
    file. Another address is refused, since nothing here downloads.
    """
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if callable(getattr(value, "read", None)):
        return _read_open_file(value)
    if isinstance(value, str) and value[:5].lower() == "data:":
        return _read_data_url(value)
    if is_address(value):
        raise NotAllowedError(
            "an address is not fetched: download it first and pass the bytes, such as "
            "urllib.request.urlopen(address).read()"
        )
    path: str = PATH.convert(value)
    return path


def _read_open_file(file: IO[Any]) -> bytes:
    content = file.read()
    if not content and file.seekable() and file.tell():
        # Just written, and not rewound.
        file.seek(0)
        content = file.read()
    if isinstance(content, bytes):
        return content
    close = getattr(content, "close", None)
    if callable(close):
        # A coroutine, which is never awaited.
        close()
        raise NotAllowedError("its read() is to be awaited: pass what it returns")
    raise NotAllowedError('a file is opened in binary mode: open(path, "rb")')


def _read_data_url(url: str) -> bytes:
    head, comma, data = url.partition(",")
    content = urllib.parse.unquote_to_bytes(data)
    if not comma:
        raise NotAllowedError("the data: URL has no comma before its data")
    if not head.lower().endswith(";base64"):
        return content
    try:
        return base64.b64decode(b"".join(content.split()), validate=True)
    except binascii.Error as error:
        raise NotAllowedError(f"the data: URL is not base64: {error}") from None


def is_pillow(value: object) -> bool:
    """True for a Pillow image."""
    return any(
        base.__module__ == "PIL.Image" and base.__name__ == "Image"
        for base in type(value).__mro__
    )


def is_array(value: object) -> bool:
    """True for a NumPy array, and for what can be used like one."""
    return all(hasattr(value, name) for name in ("shape", "dtype", "tobytes", "astype"))


def array_fault(array: Any) -> Optional[str]:
    """Why an array is not an image, and what to do; None for one that is."""
    shape, kind = tuple(array.shape), str(array.dtype)
    if len(shape) == 3 and shape[0] in (1, 3, 4) and min(shape[1:]) > 4:
        return f"its shape is {shape}, but colours go last: array.transpose(1, 2, 0)"
    if len(shape) == 4:
        return f"its shape is {shape}: pass one image, such as array[0]"
    if (
        len(shape) not in (2, 3)
        or 0 in shape
        or shape[2:] not in ((), (1,), (3,), (4,))
    ):
        return f"its shape is {shape}, not (height, width), with 3 or 4 colours or none"
    if kind in ("uint8", "bool"):
        return None
    scale = "(array * 255).round()" if kind.startswith("float") else "array"
    return f"its numbers are {kind}, not uint8 from 0 to 255: {scale}.astype('uint8')"
