"""What an image carries in its text chunks: its workflow, its graph, its metadata.

InvokeAI writes the workflow of a PNG into the chunk with the keyword
``invokeai_workflow``, the graph that ran into ``invokeai_graph``. Images of the GUI's
Generate tab have no workflow; uploads, thumbnails and other formats have neither.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator
from typing import Optional

from invokeai_py_client.exceptions import WorkflowFormatError
from invokeai_py_client.workflow.document.unwrap import PNG_TEXTS

_PNG = b"\x89PNG\r\n\x1a\n"
_TEXT_CHUNKS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
# A workflow of thousands of nodes is a few megabytes; a bomb is not a workflow.
_MAX_TEXT_BYTES = 16 * 1024 * 1024


def is_image(content: bytes) -> bool:
    """Whether the bytes begin like a PNG, JPEG, WebP or GIF image."""
    return content.startswith((_PNG, b"\xff\xd8\xff", b"GIF8")) or (
        content[:4] == b"RIFF" and content[8:12] == b"WEBP"
    )


def png_texts(content: bytes, source: str) -> dict[str, str]:
    """The workflow, graph and metadata of a PNG, those that it has, as JSON text."""
    if not content.startswith(_PNG):
        raise WorkflowFormatError(
            f"{source} is an image of a kind that carries no workflow",
            hint="use the full-size PNG as InvokeAI saved it",
        )
    found = read_texts(content, PNG_TEXTS, source)
    if not found.keys() & {"invokeai_workflow", "invokeai_graph"}:
        raise nothing_carried(source)
    return found


def read_texts(
    content: bytes, keywords: Collection[str], source: str
) -> dict[str, str]:
    """The texts of a PNG that have one of these keywords; none of another file."""
    found: dict[str, str] = {}
    for kind, data in png_chunks(content):
        if kind not in _TEXT_CHUNKS:
            continue
        keyword = data.partition(b"\0")[0].decode("latin-1")
        if keyword in keywords and keyword not in found:
            found[keyword] = _text_of(kind, data, source)
    return found


def png_size(content: bytes) -> Optional[tuple[int, int]]:
    """Width and height of a PNG; None of another file."""
    kind, data = next(png_chunks(content), (b"", b""))
    if kind != b"IHDR" or len(data) < 8:
        return None
    return int.from_bytes(data[:4], "big"), int.from_bytes(data[4:8], "big")


def nothing_carried(source: str) -> WorkflowFormatError:
    """The error for an image in which there is neither a workflow nor a graph."""
    return WorkflowFormatError(
        f"{source} carries no workflow",
        hint="only images that InvokeAI made carry one, and editors drop it",
    )


def png_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and data of each chunk up to the first damaged one; none of other files."""
    position = len(_PNG) if content.startswith(_PNG) else len(content)
    while position + 8 <= len(content):
        length = int.from_bytes(content[position : position + 4], "big")
        kind = content[position + 4 : position + 8]
        data = content[position + 8 : position + 8 + length]
        if len(data) < length:
            return
        yield kind, data
        position += 12 + length


def _text_of(kind: bytes, data: bytes, source: str) -> str:
    rest = data.partition(b"\0")[2]
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
