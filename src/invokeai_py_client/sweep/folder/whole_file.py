"""Files that appear whole, and errors that name them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from invokeai_py_client.image.files import PartialFile


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Write a file that takes its name when all of it is on the disk.

    Raises:
        OSError: The disk is full or cannot be written; `filename` is the path, and the
            file of before is still there.
    """
    with naming(path):
        file = PartialFile(path)
        try:
            yield file.sink
            file.commit()
        finally:
            file.discard()


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Give errors of files that name none the path."""
    try:
        yield
    except OSError as error:
        # What writes to an open file does not know how it is called. An error without
        # a number would show the path in place of its text.
        if error.filename is None and error.errno is not None:
            error.filename = os.fspath(path)
        raise
