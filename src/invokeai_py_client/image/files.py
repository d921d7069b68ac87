"""Where a file of ours goes: it appears when it is complete.

Everything here is local and may block; flows call it through `RunBlocking`.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from invokeai_py_client._arguments import PathLike
from invokeai_py_client._file_names import safe_file_name
from invokeai_py_client._target_path import file_in
from invokeai_py_client.image.media import IMAGE, Media


def plan_target(
    target: PathLike, name: str, overwrite: bool, media: Media[Any] = IMAGE
) -> Path:
    """Where the file goes: `target` itself, or a file of its own name inside.

    An existing folder, or a path that ends with a separator, is a folder. Missing
    folders are made.
    """
    own_name = safe_file_name(name)
    return plan_file(file_in(target, own_name), own_name, overwrite, media)


def plan_file(
    path: Path, own_name: str, overwrite: bool, media: Media[Any] = IMAGE
) -> Path:
    """Look whether `path` can be written, and make missing folders.

    Args:
        path: Where the file goes.
        own_name: What the server calls the file.
        overwrite: Whether it may replace another.
        media: What it is.
    """
    suffix = path.suffix.lower()
    if suffix in media.other_suffixes and not own_name.lower().endswith(suffix):
        hint = f"name it {path.with_suffix(media.suffix).name}"
        if media is IMAGE:
            hint += ", or convert with image.pil().save(...)"
        raise media.error(
            f"{path.name} would hold {media.suffix[1:].upper()} data: {media.noun}s "
            "are saved as the server has them",
            hint=hint,
        )
    if path.exists():
        if not path.is_file():
            raise media.error(f"{path} is not a file that could be replaced")
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

    Attributes:
        temporary: Where the bytes are meanwhile.
    """

    def __init__(self, path: Path, overwrite: bool = True) -> None:
        self.path = path
        self._overwrite = overwrite
        self._is_renamed = False
        # Not tempfile: its files are private regardless of the umask.
        self.temporary = path.parent / f".{uuid.uuid4().hex}.part"
        try:
            self.sink: BinaryIO = self.temporary.open("x+b")
        except OSError as error:
            # What the caller knows is the file's own name.
            error.filename = str(path)
            raise

    def restart(self) -> None:
        """Forget what was written, to download once more."""
        self.sink.seek(0)
        self.sink.truncate()

    def take(self, source: Path) -> None:
        """Have the bytes of a file of the same disk, which is gone from its place."""
        self.sink.close()
        os.replace(source, self.temporary)
        self.sink = self.temporary.open("r+b")

    def commit(self) -> Path:
        """Make the bytes durable and visible under the final name."""
        self.sink.flush()
        os.fsync(self.sink.fileno())
        self.sink.close()
        if self._overwrite:
            os.replace(self.temporary, self.path)
            self._is_renamed = True
        else:
            self._appear()
        return self.path

    def _appear(self) -> None:
        """Take the final name unless somebody has it: of several, one gets it."""
        try:
            os.link(self.temporary, self.path)
        except FileExistsError:
            raise FileExistsError(f"{self.path} exists") from None
        except OSError:
            # A file system without links: what is left is to look once more.
            if self.path.exists():
                raise FileExistsError(f"{self.path} exists") from None
            os.replace(self.temporary, self.path)

    def discard(self) -> None:
        """Remove the temporary file, if it is still there."""
        if self._is_renamed:
            return
        # Closing writes what did not fit once more, from Python 3.14 on.
        with suppress(OSError):
            self.sink.close()
        self.temporary.unlink(missing_ok=True)


@contextmanager
def whole_file(path: Path, overwrite: bool = True) -> Iterator[BinaryIO]:
    """Write a file that takes its name when all of it is on the disk.

    Args:
        path: Its name.
        overwrite: Replace a file of that name, also one that appears meanwhile.

    Raises:
        FileExistsError: `overwrite` is False, and there is one.
        OSError: The disk is full or cannot be written; `filename` is the path, and the
            file of before is still there.
    """
    with naming(path):
        file = PartialFile(path, overwrite)
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
