"""The folder of models, and the size and hash of model files."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Optional

# The files that the server accepts as models.
MODEL_SUFFIXES = (".bin", ".ckpt", ".gguf", ".onnx", ".pt", ".pth", ".safetensors")


class ModelFolder:
    """The server's own folder of models; a temporary one if no path is given."""

    def __init__(self, path: Optional[Path] = None) -> None:
        self._path = path
        self._temporary = path is None

    @property
    def path(self) -> Path:
        """The folder; exists."""
        if self._path is None:
            self._path = Path(tempfile.mkdtemp(prefix="simulated-models-"))
        self._path.mkdir(parents=True, exist_ok=True)
        return self._path.resolve()

    def close(self) -> None:
        """Remove a temporary folder with everything in it."""
        if self._temporary and self._path is not None:
            shutil.rmtree(self._path, ignore_errors=True)
            self._path = None

    def locate(self, path: str) -> Path:
        """Where the path of a record points; a relative one is inside the folder."""
        return self.path / path

    def recorded(self, path: Path) -> str:
        """How a record names a path: relative when it is inside the folder."""
        whole = path.resolve()
        if self.path in whole.parents:
            whole = whole.relative_to(self.path)
        return whole.as_posix()

    def adopt(self, path: Path, key: str) -> Path:
        """Copy a model here, into a folder of its own.

        The real server moves it. The simulator does not: it deletes a temporary
        folder when it stops.
        """
        folder = self.path / key
        if path.is_dir():
            shutil.copytree(path, folder)
            return folder
        folder.mkdir()
        return Path(shutil.copy2(path, folder))

    def discard(self, key: str) -> None:
        """Delete the copy of a model."""
        shutil.rmtree(self.path / key, ignore_errors=True)


def files_of(path: Path) -> list[Path]:
    """The file at a path, or all files below it, in a fixed order."""
    found = [path] if path.is_file() else path.rglob("*")
    return sorted(part for part in found if part.is_file())


def hash_of(path: Path) -> str:
    """A hash of a model's files. The server uses BLAKE3, which Python does not have."""
    found = hashlib.blake2b(digest_size=32)
    for file in files_of(path):
        found.update(file.read_bytes())
    return f"blake3:{found.hexdigest()}"


def size_of(path: Path) -> int:
    """The total size of a model's files in bytes."""
    return sum(file.stat().st_size for file in files_of(path))
