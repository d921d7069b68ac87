"""Whether two images show the same."""

from __future__ import annotations

from typing import Optional

from invokeai_py_client.exceptions import ImageError
from invokeai_py_client.image.sources import decode_pil
from invokeai_py_client.workflow.document.png_metadata import png_chunks


def same_pixels(first: bytes, second: bytes) -> Optional[bool]:
    """Whether two image files have the same pixels; what they carry does not count.

    Two PNG files that one program wrote are compared as they are. None when that does
    not tell, and Pillow, which reads pixels, is missing or cannot read one of them.
    """
    if _packed(first) == _packed(second) != b"":
        return True
    try:
        one, other = decode_pil(first), decode_pil(second)
    except ImageError:
        return None
    is_alike = (one.size, one.mode) == (other.size, other.mode)
    return is_alike and one.tobytes() == other.tobytes()


def _packed(content: bytes) -> bytes:
    """How a PNG is made and its packed pixels; empty when there are none."""
    kinds = (b"IHDR", b"PLTE", b"tRNS", b"IDAT")
    return b"".join(data for kind, data in png_chunks(content) if kind in kinds)
