"""What made the images of one server, in an SQLite file of this machine.

The server's own search does not look into prompts, models and seeds of graphs. Images
never change what made them: each is read once. This file has all SQL of the index.
"""

from __future__ import annotations

import hashlib
import logging
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

from invokeai_py_client.recipe.values import RecipeValue

logger = logging.getLogger("invokeai_py_client")

# Raised when what is kept changes: an index of another number is made anew.
_VERSION = 1
_TABLES = """
CREATE TABLE image (name TEXT PRIMARY KEY, created REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE fact (
    image TEXT NOT NULL REFERENCES image (name) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    value TEXT NOT NULL
);
CREATE INDEX facts_of_image ON fact (image, kind);
"""
_HAS_PROMPT = "kind = 'prompt' AND instr(value, ?)"
_HAS_SEED = "kind = 'seed' AND value = ?"
_HAS_MODEL = "(kind = 'model' AND instr(value, ?) OR kind = 'model id' AND value = ?)"
_WITH = "EXISTS (SELECT 1 FROM fact WHERE fact.image = image.name AND {})"
_SECONDS = 30


@dataclass(frozen=True)
class IndexedImage:
    """What the index keeps of an image: kinds of facts, and their values."""

    name: str
    created: float
    facts: tuple[tuple[str, str], ...] = field(default=())


@dataclass(frozen=True)
class Wanted:
    """What to search for; None for anything.

    Attributes:
        prompt: Part of the prompt, in any letter case.
        model: Part of the name of a model or LoRA, or a key or hash.
        seed: The seed.
        since: The earliest time of creation, in seconds since 1970.
    """

    prompt: Optional[str] = None
    model: Optional[str] = None
    seed: Optional[int] = None
    since: Optional[float] = None


def facts_of(values: Mapping[str, RecipeValue]) -> tuple[tuple[str, str], ...]:
    """What is searched for, out of a recipe: where nodes differ, what each has."""
    found: dict[tuple[str, str], None] = {}
    for name in ("prompt", "seed", "model", "loras", "vae"):
        value = values.get(name)
        for each in (value, *value.candidates) if value is not None else ():
            found.update(dict.fromkeys(_facts(name, each.value)))
    return tuple(found)


def _facts(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if name == "loras" and isinstance(value, list):
        for lora in value:
            model = lora.get("model", lora.get("lora")) if _is_dict(lora) else None
            yield from _facts("model", model)
    elif name in ("model", "vae") and _is_dict(value):
        for key in ("name", "model_name"):
            if isinstance(value.get(key), str):
                yield "model", value[key].casefold()
        for key in ("key", "hash"):
            if isinstance(value.get(key), str):
                yield "model id", value[key]
    elif isinstance(value, str):
        yield ("prompt" if name == "prompt" else "model"), value.casefold()
    elif name == "seed" and type(value) is int:
        yield "seed", str(value)


def _is_dict(value: Any) -> bool:
    return isinstance(value, Mapping)


def index_file(cache_dir: Path, address: str) -> Path:
    """Where the index of a server is kept."""
    key = hashlib.sha256(address.encode()).hexdigest()[:16]
    return cache_dir / "images" / f"{key}.sqlite"


class ImageIndex:
    """The index of one server.

    Args:
        path: Its file, made if it is missing; None for one in memory.

    Making it and every method may raise `sqlite3.Error`; see `path_after`.
    """

    def __init__(self, path: Optional[Path]) -> None:
        if path is not None:
            # Without a folder, SQLite says that it cannot open the file.
            with suppress(OSError):
                path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = _connect(":memory:" if path is None else str(path))

    def names(self) -> set[str]:
        """The images that it knows."""
        return {name for (name,) in self._connection.execute("SELECT name FROM image")}

    def add(self, images: Iterable[IndexedImage]) -> None:
        """Add images, all or none."""
        with self._connection as connection:
            for image in images:
                connection.execute(
                    "INSERT OR IGNORE INTO image VALUES (?, ?)",
                    (image.name, image.created),
                )
                connection.execute("DELETE FROM fact WHERE image = ?", (image.name,))
                connection.executemany(
                    "INSERT INTO fact VALUES (?, ?, ?)",
                    [(image.name, kind, value) for kind, value in image.facts],
                )

    def remove(self, names: Collection[str]) -> None:
        """Forget images that the server deleted."""
        with self._connection as connection:
            connection.executemany(
                "DELETE FROM image WHERE name = ?", [(name,) for name in names]
            )

    def find(self, wanted: Wanted) -> list[str]:
        """The names of the images that fit, newest first."""
        tests: list[str] = []
        given: list[Any] = []
        if wanted.prompt is not None:
            tests.append(_WITH.format(_HAS_PROMPT))
            given.append(wanted.prompt.casefold())
        if wanted.model is not None:
            tests.append(_WITH.format(_HAS_MODEL))
            given += [wanted.model.casefold(), wanted.model]
        if wanted.seed is not None:
            tests.append(_WITH.format(_HAS_SEED))
            given.append(str(wanted.seed))
        if wanted.since is not None:
            tests.append("created >= ?")
            given.append(wanted.since)
        query = (
            f"SELECT name FROM image WHERE {' AND '.join(tests) or '1'}"
            " ORDER BY created DESC, name"
        )
        return [name for (name,) in self._connection.execute(query, given)]

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def path_after(error: sqlite3.Error, path: Path) -> Optional[Path]:
    """Where to make an index anew after an error: a damaged one in its own place.

    One that is locked, or has no room, may be of use later: it is not deleted.
    """
    if not isinstance(error, sqlite3.OperationalError):
        with suppress(OSError):
            path.unlink()
            logger.info("the index of images %s is damaged: %s", path, error)
            return path
    text = "the index of images %s cannot be used, and is made anew: %s"
    logger.warning(text, path, error)
    return None


def _connect(path: str) -> sqlite3.Connection:
    # Flows run their local calls in any thread, one after the other.
    connection = sqlite3.connect(path, timeout=_SECONDS, check_same_thread=False)
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version != _VERSION:
            connection.executescript(
                "BEGIN IMMEDIATE; DROP TABLE IF EXISTS fact;"
                f"DROP TABLE IF EXISTS image; {_TABLES}"
                f"PRAGMA user_version = {_VERSION}; COMMIT;"
            )
    except sqlite3.Error:
        connection.close()
        raise
    return connection
