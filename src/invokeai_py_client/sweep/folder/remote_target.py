"""A target that fsspec reaches: an object store, a file server.

File systems raise errors of any class, which may quote what they were given. They
become `RemoteTargetError`s that show no value of the storage options.
"""

from __future__ import annotations

import errno
import json
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Optional
from urllib.parse import urlsplit

from invokeai_py_client._exports import one_line, set_module
from invokeai_py_client._version import extra_hint
from invokeai_py_client.exceptions import ArgumentError, SweepError

MARK = "ivk-sweep.json"
"""Says which sweep has the target."""
PARTS = ".parts"

# Object stores, where a file is there once all of it is.
_WHOLE_PUTS = {
    *("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss"),
    *("oci", "oss", "obs", "tos"),
}
_FINAL = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM),
    *(errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG),
}


class RemoteTargetError(SweepError):
    """The target cannot be reached, read or written.

    Attributes:
        may_pass: Whether it could be different soon.
    """

    def __init__(
        self, message: str, *, may_pass: bool = False, hint: Optional[str] = None
    ) -> None:
        self.may_pass = may_pass
        super().__init__(message, hint=hint)


def target_url(text: str) -> str:
    """A URL as it is recorded: one without credentials.

    Raises:
        ArgumentError: It is none, or has credentials.
    """
    allowed = "a URL of a folder, such as 's3://bucket/folder'"
    scheme, found, rest = text.partition("://")
    if not found or not rest or "::" in scheme or not scheme.islower():
        raise ArgumentError("outputs", text, allowed)
    try:
        parts = urlsplit(text)
        has_secret = bool(parts.password or parts.query or parts.fragment)
    except ValueError:
        raise ArgumentError("outputs", text, allowed) from None
    if has_secret:
        raise ArgumentError(
            "outputs",
            f"{scheme}://…",
            "a URL without a password or a query",
            hint="give credentials as storage_options=, or as fsspec finds them",
        )
    return text.rstrip("/")


class RemoteTarget:
    """A folder of a file system; threads may share it.

    Nothing is asked, and fsspec is not imported, before a file is read or written.

    Args:
        url: As `target_url` returns it.
        options: What fsspec's file system takes, such as credentials.
    """

    def __init__(self, url: str, options: Optional[Mapping[str, Any]] = None) -> None:
        self.url = url
        self._options = dict(options or {})
        self._opened: Optional[tuple[Any, str]] = None
        self._opening = threading.Lock()
        self._in_turn: Any = nullcontext()
        self._renames = False
        self._made: set[str] = set()

    def __repr__(self) -> str:
        return one_line(f"<RemoteTarget {self.url}>")

    def claim(self, sweep_id: str, *, has_items: bool) -> None:
        """Make the target that of a sweep, and remove what interrupted runs left.

        Args:
            sweep_id: The sweep.
            has_items: It has begun, so that there may be files.

        Raises:
            SweepError: It has files of something else, or cannot be written.
        """
        with self._asking() as (fs, root):
            fs.invalidate_cache()
            mark = f"{root}/{MARK}"
            try:
                said = fs.cat_file(mark)
            except FileNotFoundError:
                said = None
            if said is not None:
                self._check_mark(said, sweep_id)
            else:
                if not has_items:
                    self._check_is_empty(fs, root)
                self._make_folder(fs, root)
                content = json.dumps({"sweep": sweep_id}) + "\n"
                fs.pipe_file(mark, content.encode())
            if not self._puts_whole and fs.exists(f"{root}/{PARTS}"):
                fs.rm(f"{root}/{PARTS}", recursive=True)
                self._made.clear()

    def _check_mark(self, said: bytes, sweep_id: str) -> None:
        try:
            is_ours = json.loads(said)["sweep"] == sweep_id
        except (ValueError, KeyError, TypeError):
            is_ours = False
        if not is_ours:
            raise SweepError(
                f"{self.url} has the outputs of another sweep", hint=_CHOOSE_ANOTHER
            )

    def _check_is_empty(self, fs: Any, root: str) -> None:
        try:
            found = fs.ls(root, detail=False)
        except FileNotFoundError:
            return
        names = sorted({str(name).rstrip("/").rpartition("/")[2] for name in found})
        names = [name for name in names if name not in ("", PARTS)]
        if names:
            shown = ", ".join(names[:3])
            raise SweepError(
                f"{self.url} has files that are not those of a sweep: {shown}",
                hint=_CHOOSE_ANOTHER,
            )

    def read(self, name: str) -> bytes:
        """The content of a file."""
        with self._asking(name) as (fs, root):
            return bytes(fs.cat_file(f"{root}/{name}"))

    def put(self, source: Path, size: int, name: str) -> None:
        """Put a local file of so many bytes under a name, where it appears whole."""
        with self._asking(name) as (fs, root), self._whole(fs, root, size, name) as at:
            fs.put_file(str(source), at)

    def copy(self, source: str, size: int, name: str) -> None:
        """Copy a file that is there; the copy appears whole."""
        with self._asking(name) as (fs, root), self._whole(fs, root, size, name) as at:
            fs.cp_file(f"{root}/{source}", at)

    @contextmanager
    def _whole(self, fs: Any, root: str, size: int, name: str) -> Iterator[str]:
        """Where to write a file that gets its name when it has so many bytes."""
        path = f"{root}/{name}"
        if self._puts_whole:
            yield path
        else:
            part = f"{root}/{PARTS}/{uuid.uuid4().hex}.part"
            for place in (part, path):
                self._make_folder(fs, place.rpartition("/")[0])
            yield part
            try:
                self._check_size(fs, part, size, name)
            except RemoteTargetError:
                fs.rm_file(part)
                raise
            _move(fs, part, path, renames=self._renames)
        self._check_size(fs, path, size, name)

    def _check_size(self, fs: Any, path: str, size: int, name: str) -> None:
        fs.invalidate_cache(path.rpartition("/")[0])
        found = fs.info(path).get("size")
        if found is not None and found != size:
            raise RemoteTargetError(
                f"{self.url}/{name}: {found} of {size} bytes arrived",
                may_pass=True,
                hint=_GO_ON,
            )

    def _make_folder(self, fs: Any, path: str) -> None:
        # Object stores have no folders, and would make a bucket.
        if not self._puts_whole and path not in self._made:
            fs.makedirs(path, exist_ok=True)
            self._made.add(path)

    @property
    def _puts_whole(self) -> bool:
        return self.url.partition("://")[0] in _WHOLE_PUTS

    # -- the file system ----------------------------------------------------------

    @contextmanager
    def _asking(self, name: str = "") -> Iterator[tuple[Any, str]]:
        """The file system and the folder in it; errors get a name and no secrets."""
        try:
            fs, root = self._file_system()
            with self._in_turn:
                yield fs, root
        except SweepError:
            raise
        except Exception as error:  # noqa: BLE001  file systems raise what they like
            raise self._error(error, name) from None

    def _file_system(self) -> tuple[Any, str]:
        with self._opening:
            if self._opened is None:
                try:
                    import fsspec  # type: ignore[import-not-found,import-untyped,unused-ignore]
                except ImportError:
                    raise SweepError(
                        f"{self.url} needs fsspec, which is not installed",
                        hint=extra_hint("remote"),
                    ) from None
                fs, root = fsspec.url_to_fs(self.url, **self._options)
                self._renames = type(fs).mv is not fsspec.AbstractFileSystem.mv
                if not fs.async_impl:
                    # Many of these have one connection.
                    self._in_turn = threading.Lock()
                self._opened = fs, root.rstrip("/")
            return self._opened

    def _error(self, error: Exception, name: str) -> RemoteTargetError:
        text = str(error) or type(error).__name__
        if isinstance(error, OSError) and error.strerror:
            text = error.strerror
        for secret in sorted(_texts(self._options), key=len, reverse=True):
            text = text.replace(secret, "…")
        place = f"{self.url}/{name}" if name else self.url
        is_local = isinstance(error, (ImportError, ValueError, TypeError))
        is_final = isinstance(error, OSError) and error.errno in _FINAL
        is_final = is_final or isinstance(error, (FileNotFoundError, PermissionError))
        return RemoteTargetError(
            f"{place}: {' '.join(text.split())} ({type(error).__name__})",
            may_pass=not (is_local or is_final),
            hint=None if is_local else _GO_ON,
        )


def _move(fs: Any, part: str, path: str, *, renames: bool) -> None:
    if not renames:
        # Its `mv` takes patterns, which names may look like.
        fs.cp_file(part, path)
        fs.rm_file(part)
        return
    try:
        fs.mv(part, path)
    except OSError:
        # Some rename to a new name only. An interrupted run left the old file.
        if not fs.exists(path):
            raise
        fs.rm_file(path)
        fs.mv(part, path)


def _texts(value: Any) -> Iterator[str]:
    """Every string within options; short ones are words, not secrets."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str) and len(value) > 3:
        yield value


_GO_ON = "what is done is recorded; run the sweep again to go on"
_CHOOSE_ANOTHER = "choose a new folder there, or an empty one"


@set_module("invokeai_py_client.sweep")
class RemoteFile:
    """A file of a sweep whose outputs are not in its folder.

    Attributes:
        url: Where it is; also its `str`.
    """

    def __init__(self, target: RemoteTarget, path: str) -> None:
        """Made by `Sweep.items` and `SweepPlan.stream`."""
        self._target = target
        self._path = path
        self.url = f"{target.url}/{path}"

    @property
    def name(self) -> str:
        """The last part of its path, such as ``"00007.png"``."""
        return self._path.rpartition("/")[2]

    def read_bytes(self) -> bytes:
        """Fetch the content.

        Raises:
            SweepError: It is not there, or cannot be read; or fsspec is missing.
        """
        return self._target.read(self._path)

    def __str__(self) -> str:
        return self.url

    def __repr__(self) -> str:
        return one_line(f"<RemoteFile {self.url}>")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RemoteFile) and self.url == other.url

    def __hash__(self) -> int:
        return hash(self.url)
