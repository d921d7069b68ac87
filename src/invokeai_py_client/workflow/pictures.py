"""The workflow that a picture carries in its text chunks.

InvokeAI writes the workflow of a PNG into the chunk with the keyword
``invokeai_workflow``; pictures without one (uploads, thumbnails, other formats) carry
none.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Optional

from invokeai_py_client.exceptions import WorkflowFormatError

__all__ = ["is_picture", "workflow_text"]

_PNG = b"\x89PNG\r\n\x1a\n"
_KEYWORD = b"invokeai_workflow"
_TEXT_CHUNKS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
# A workflow of thousands of nodes is a few megabytes; a bomb is not a workflow.
_MAX_TEXT_BYTES = 64 * 1024 * 1024


def is_picture(content: bytes) -> bool:
    """Whether the bytes begin like a PNG, JPEG, WebP or GIF picture."""
    return content.startswith((_PNG, b"\xff\xd8\xff", b"GIF8")) or (
        content[:4] == b"RIFF" and content[8:12] == b"WEBP"
    )


def workflow_text(content: bytes, source: str) -> str:
    """The workflow JSON that a picture carries.

    Raises:
        WorkflowFormatError: The picture is no PNG, is damaged, or carries no
            workflow.
    """
    if not content.startswith(_PNG):
        raise WorkflowFormatError(
            f"{source} is a picture of a kind that carries no workflow",
            hint="use the full-size PNG as InvokeAI saved it",
        )
    for kind, data in _chunks(content):
        if kind in _TEXT_CHUNKS:
            text = _text_of(kind, data, source)
            if text is not None:
                return text
    raise WorkflowFormatError(
        f"{source} carries no workflow",
        hint="only pictures made by a workflow carry one, and editors drop it",
    )


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and data of each chunk up to the first damaged one."""
    position = len(_PNG)
    while position + 8 <= len(content):
        length = int.from_bytes(content[position : position + 4], "big")
        kind = content[position + 4 : position + 8]
        data = content[position + 8 : position + 8 + length]
        if len(data) < length:
            return
        yield kind, data
        position += 12 + length


def _text_of(kind: bytes, data: bytes, source: str) -> Optional[str]:
    """The text of a chunk with our keyword; None for another keyword."""
    keyword, separator, rest = data.partition(b"\0")
    if keyword != _KEYWORD or not separator:
        return None
    if kind == b"tEXt":
        return rest.decode("latin-1") if not _is_utf8(rest) else rest.decode("utf-8")
    if kind == b"zTXt":
        return _inflate(rest[1:], source).decode("latin-1")
    # iTXt: compression flag, method, language and translated keyword, then UTF-8.
    compressed = rest[:1] == b"\1"
    parts = rest[2:].split(b"\0", 2)
    if len(parts) < 3:
        raise WorkflowFormatError(f"the workflow in {source} is damaged")
    body = _inflate(parts[2], source) if compressed else parts[2]
    return body.decode("utf-8", "replace")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _inflate(data: bytes, source: str) -> bytes:
    inflater = zlib.decompressobj()
    try:
        text = inflater.decompress(data, _MAX_TEXT_BYTES)
    except zlib.error as error:
        raise WorkflowFormatError(f"the workflow in {source} is damaged") from error
    if inflater.unconsumed_tail:
        raise WorkflowFormatError(f"the workflow in {source} is too large")
    return text
