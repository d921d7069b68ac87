"""What a file is that holds no workflow, told by how it begins."""

from __future__ import annotations

import re
from typing import Optional

from invokeai_py_client.exceptions import WorkflowFormatError

_UNPACK = "unpack it, and load the workflow inside"
_SIGNATURES: tuple[tuple[bytes, str, str], ...] = (
    (b"PK\x03\x04", "a zip archive", _UNPACK),
    (b"\x1f\x8b", "a gzip archive", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (b"Rar!", "a RAR archive", _UNPACK),
    (b"BZh", "a bzip2 archive", _UNPACK),
    (b"\xfd7zXZ", "an xz archive", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a zstd archive", _UNPACK),
    (b"%PDF", "a PDF file", "load the workflow's JSON file, or an image made by it"),
    (
        b"version https://git-lfs.github.com",
        "a Git LFS pointer, not the file that it means",
        "fetch the file: git lfs pull",
    ),
)
_WEB_PAGE = re.compile(
    rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype|html|\?xml|svg|head)", re.I | re.S
)
_SETTINGS = re.compile(
    r"\s*(?:[#;][^\n]*\n\s*)*(?:[\w.-]+[ \t]*[:=]|\[[\w. -]+\]\s*\n|---)"
)
# Of what follows the length of a safetensors header.
_HEADER = 100_000_000


def refuse_other_files(content: bytes, source: str) -> None:
    """Raise for a file that is known to be something else.

    Raises:
        WorkflowFormatError: It names what the file is.
    """
    for start, kind, hint in _SIGNATURES:
        if content.startswith(start):
            raise WorkflowFormatError(f"{source} is {kind}", hint=hint)
    if content[257:262] == b"ustar":
        raise WorkflowFormatError(f"{source} is a tar archive", hint=_UNPACK)
    if _WEB_PAGE.match(content[:2000].lstrip(b"\xef\xbb\xbf")):
        raise WorkflowFormatError(
            f"{source} is a web page",
            hint="download the file itself, not the page that shows it",
        )
    is_model = content[8:9] == b"{" and content[7:8] == b"\0"
    if is_model and int.from_bytes(content[:8], "little") < _HEADER:
        raise WorkflowFormatError(f"{source} is a model file (safetensors)")
    if content[4:8] == b"ftyp":
        raise WorkflowFormatError(f"{source} is a video, which carries no workflow")


def settings_kind(text: str) -> Optional[str]:
    """Words for text that looks like settings rather than JSON; None for other text."""
    return "it looks like a settings file" if _SETTINGS.match(text) else None
