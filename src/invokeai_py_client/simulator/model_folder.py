"""The folder of models, and what is to be known of model files wherever they are."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Optional

# What the server takes for the file of a model, and which of these it hashes.
MODEL_SUFFIXES = (".bin", ".ckpt", ".gguf", ".onnx", ".pt", ".pth", ".safetensors")
_HASHED = (".bin", ".ckpt", ".pt", ".pth", ".safetensors")
_FOUND = (".bin", ".ckpt", ".gguf", ".pt", ".pth", ".safetensors")
# A folder with one of these is one model.
_MARKERS = {
    "config.json",
    "model_index.json",
    "learned_embeds.bin",
    "pytorch_lora_weights.bin",
    "image_encoder.txt",
}
_SCRATCH = ".convert_tmp"
_NO_ORPHANS = {".download_cache", ".convert_cache", _SCRATCH, "__pycache__", ".git"}
_DEEPEST = 20


class ModelFolder:
    """The server's own folder of models.

    Args:
        path: Where it is; None makes a temporary one when it is needed.
    """

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
        """Move a model here, into a folder of its own.

        Raises:
            FileExistsError: There is a folder of this name.
        """
        folder = self.path / key
        folder.mkdir()
        if path.is_file():
            shutil.move(str(path), str(folder / path.name))
            return folder / path.name
        for part in list(path.iterdir()):
            shutil.move(str(part), str(folder / part.name))
        return folder

    def discard(self, path: str) -> None:
        """Delete the files of a record, unless they are outside of the folder."""
        whole = self.locate(path)
        if self.path not in whole.parents:
            return
        if whole.is_file() or whole.is_symlink():
            whole.unlink()
            if whole.parent != self.path and not any(whole.parent.iterdir()):
                whole.parent.rmdir()
        elif whole.is_dir():
            shutil.rmtree(whole)

    def orphans(self, recorded: Iterable[str]) -> list[dict[str, Any]]:
        """What is in the folder without a record, by its first folder.

        Args:
            recorded: The paths of all records.
        """
        used = {self._first(self.locate(path).resolve()) for path in recorded}
        lost: dict[Path, list[Path]] = {}
        for path in sorted(self.path.rglob("*")):
            if path.suffix.lower() not in MODEL_SUFFIXES or not path.is_file():
                continue
            first = self._first(path.resolve())
            if first not in used and not _NO_ORPHANS.intersection(path.parts):
                lost.setdefault(first, []).append(path)
        return [
            {
                "path": str(first.relative_to(self.path)),
                "absolute_path": str(first),
                "files": [str(path.relative_to(first)) for path in paths],
                "size_bytes": sum(path.stat().st_size for path in paths),
            }
            for first, paths in lost.items()
        ]

    def _first(self, path: Path) -> Path:
        if self.path not in path.parents:
            return path
        return self.path / path.relative_to(self.path).parts[0]

    def delete_orphan(self, path: str) -> Optional[str]:
        """Delete a folder in the folder, orphan or not; says why it could not."""
        whole = (self.path / path).resolve()
        if whole != self.path and self.path not in whole.parents:
            return "error: path is not under models directory"
        if self.path / _SCRATCH in (whole, *whole.parents):
            return "error: path is reserved for active conversion"
        if not whole.exists():
            return "error: path does not exist"
        try:
            shutil.rmtree(whole)
        except OSError as error:
            return f"error: {error}"
        return None

    def has_cover(self, key: str) -> bool:
        """Whether a model has a cover image; makes no folder to find out."""
        return self._path is not None and self.cover(key).exists()

    def cover(self, key: str) -> Path:
        """The file of a model's cover image, which need not exist."""
        return self.path / "model_images" / f"{key}.webp"


def hash_of(path: Path) -> str:
    """A hash of a model's weights, whatever they are called.

    The server uses BLAKE3, which Python does not have.
    """
    if path.is_file():
        return f"blake3:{_digest(path)}"
    weights = sorted(part for part in path.rglob("*") if part.suffix in _HASHED)
    together = hashlib.blake2b(digest_size=32)
    for part in weights:
        together.update(_digest(part).encode())
    return f"blake3:{together.hexdigest()}"


def _digest(path: Path) -> str:
    found = hashlib.blake2b(digest_size=32)
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            found.update(block)
    return found.hexdigest()


def size_of(path: Path) -> int:
    """The size that a record has: folders inside a folder count as well."""
    if path.is_file():
        return path.stat().st_size
    return sum(part.stat().st_size for part in path.rglob("*"))


def bytes_of(path: Path) -> int:
    """The size that an installation has: that of the files alone."""
    if path.is_file():
        return path.stat().st_size
    return sum(part.stat().st_size for part in path.rglob("*") if part.is_file())


def models_below(folder: Path) -> Iterator[Path]:
    """Everything in a folder that looks like a model."""
    return _below(folder.resolve(), 0)


def _below(folder: Path, depth: int) -> Iterator[Path]:
    if depth > _DEEPEST:
        return
    entries = [e for e in os.scandir(folder) if not e.name.startswith(".")]
    files = [entry.name for entry in entries if entry.is_file()]
    if _MARKERS.intersection(files):
        yield folder
        return
    yield from (folder / name for name in files if name.endswith(_FOUND))
    for entry in entries:
        if entry.is_dir():
            yield from _below(folder / entry.name, depth + 1)
