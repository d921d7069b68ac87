"""The models of a simulated server: those it pretends to have, and installed ones."""

from __future__ import annotations

import json
import sqlite3
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from pydantic import BaseModel

from ..base.database import Database
from .model_kinds import bundled_kinds

Config = dict[str, Any]

# Where the files of a model are.
_NO_FILES, IN_PLACE, COPIED = range(3)

# Variants that are part of a kind, or more common than the first that the kind has.
_VARIANTS = {("any", "clip_embed"): "large", ("flux", "main"): "dev"}


def model_record(
    name: str,
    *,
    base: str,
    type: str,
    format: str = "diffusers",
    key: Optional[str] = None,
    **extra: Any,
) -> Config:
    """A model record as the API shows it.

    Args:
        name: What users call it.
        base: Such as `sd-1`, `sdxl`, `flux`.
        type: Such as `main`, `vae`, `lora`.
        format: Such as `diffusers`, `checkpoint`, `lycoris`.
        key: Its id; by default one that is the same for the same name, base and type.
        **extra: Further fields, or other values for those above.

    Returns:
        The record, for `SimulatedServer(models=[...])`.
    """
    identity = uuid.uuid5(uuid.NAMESPACE_URL, f"simulated/{base}/{type}/{name}")
    slug = name.lower().replace(" ", "-")
    record: Config = {
        "key": key or str(identity),
        "hash": f"blake3:{identity.hex}{identity.hex}",
        "path": f"{base}/{type}/{slug}",
        "file_size": 1_048_576,
        "name": name,
        "description": f"Simulated {type} model",
        "source": f"/models/{slug}",
        "source_type": "path",
        "source_api_response": None,
        "source_url": None,
        "cover_image": None,
        "trigger_phrases": None,
        "default_settings": None,
        "type": type,
        "format": format,
        "base": base,
    }
    if (base, type) in _VARIANTS:
        record["variant"] = _VARIANTS[base, type]
    record.update(extra)
    return {**bundled_kinds().complete(record), **extra}


# Name, base, type and format of the models of a server that was given none.
_DEFAULTS = (
    ("Simulated SD 1.5", "sd-1", "main", "diffusers"),
    ("Simulated SDXL", "sdxl", "main", "diffusers"),
    ("Simulated FLUX", "flux", "main", "checkpoint"),
    ("Simulated SD VAE", "sd-1", "vae", "diffusers"),
    ("Simulated SDXL VAE", "sdxl", "vae", "diffusers"),
    ("Simulated FLUX VAE", "flux", "vae", "checkpoint"),
    ("Simulated Style", "sd-1", "lora", "lycoris"),
    ("Simulated XL Style", "sdxl", "lora", "lycoris"),
    ("Simulated Canny", "sd-1", "controlnet", "diffusers"),
    ("Simulated Upscaler", "any", "spandrel_image_to_image", "checkpoint"),
    ("Simulated CLIP-L", "any", "clip_embed", "diffusers"),
    ("Simulated T5", "any", "t5_encoder", "t5_encoder"),
)


def default_models() -> list[Config]:
    """The models of a simulated server that was given none."""
    return [
        model_record(name, base=base, type=kind, format=form)
        for name, base, kind, form in _DEFAULTS
    ]


class DuplicateModelError(ValueError):
    """A key or path that another model has; the text is the server's."""

    kind = "DuplicateModelException"


# What each order compares; the server ignores case in some columns only.
_ORDERS = {
    "default": lambda c: (c["type"], *_folded(c, "base", "name"), c["format"]),
    "type": lambda c: c["type"],
    "base": lambda c: _folded(c, "base"),
    "name": lambda c: _folded(c, "name"),
    "format": lambda c: c["format"],
    "size": lambda c: c["file_size"] or 0,
    "path": lambda c: c["path"],
}


def _folded(config: Config, *fields: str) -> tuple[str, ...]:
    return tuple(config[field].lower() for field in fields)


class Models:
    """The model records of one server."""

    def __init__(
        self, database: Database, given: Optional[Sequence[Mapping[str, Any]]]
    ) -> None:
        self._database = database
        if not self._database.value("SELECT count(*) FROM models"):
            for config in default_models() if given is None else given:
                self.add(config)

    def add(self, config: Mapping[str, Any]) -> Config:
        """Add a model without files; it replaces one with the same key."""
        stored = dict(config)
        stored.setdefault("key", str(uuid.uuid4()))
        with self._database.transaction():
            self._database.run("DELETE FROM models WHERE key = ?", (stored["key"],))
            self._insert(stored, _NO_FILES)
        return stored

    def register(self, config: Config, files: int) -> None:
        """Add the record of a model whose files are `COPIED` or `IN_PLACE`."""
        with self._database.transaction():
            if any(one["path"] == config["path"] for one in self.all()):
                raise DuplicateModelError(
                    f"A model with path '{config['path']}' is already installed"
                )
            try:
                self._insert(config, files)
            except sqlite3.IntegrityError:
                raise DuplicateModelError(
                    f"A model with key '{config['key']}' is already installed"
                ) from None

    def _insert(self, config: Config, files: int) -> None:
        last = self._database.value("SELECT coalesce(max(position), -1) FROM models")
        row = {"config": json.dumps(config), "position": last + 1}
        self._database.insert("models", {"key": config["key"], **row})
        self._note_change(config["key"], files)

    def _note_change(self, key: str, files: int) -> None:
        self._database.run(
            "INSERT OR REPLACE INTO model_changes VALUES (?, ?, ?)",
            (key, files, time.time()),
        )

    def _files(self, key: str) -> int:
        query = "SELECT files FROM model_changes WHERE key = ?"
        return self._database.value(query, (key,)) or _NO_FILES

    def has_files(self, key: str) -> bool:
        """Whether the model was installed; a model that was given has no files."""
        return self._files(key) != _NO_FILES

    def is_copy(self, key: str) -> bool:
        """Whether its files are the server's own, and go with it."""
        return self._files(key) == COPIED

    def all(self) -> list[Config]:
        """Every record, in the order of installation."""
        rows = self._database.all("SELECT config FROM models ORDER BY position")
        return [json.loads(row["config"]) for row in rows]

    def ordered(
        self, configs: Sequence[Config], order: str, *, descending: bool
    ) -> list[Config]:
        """Records in one of the server's orders."""
        key: Any = _ORDERS.get(order)
        if order == "created_at":
            return list(reversed(configs)) if descending else list(configs)
        if order == "updated_at":
            rows = self._database.all("SELECT key, changed_at FROM model_changes")
            times = {row["key"]: row["changed_at"] for row in rows}

            def key(config: Config) -> float:
                return float(times.get(config["key"], 0))

        return sorted(configs, key=key, reverse=descending)

    def find(self, key: str) -> Optional[Config]:
        """The record with a key; None if there is none."""
        text = self._database.value("SELECT config FROM models WHERE key = ?", (key,))
        return None if text is None else json.loads(text)

    def matching(self, **wanted: Any) -> list[Config]:
        """The records whose fields have these values; None and empty match all."""
        return [
            config
            for config in self.all()
            if all(
                config.get(key) in (value if isinstance(value, list) else [value])
                for key, value in wanted.items()
                if value
            )
        ]

    def change(self, config: Config, changes: BaseModel) -> Config:
        """Change a record."""
        given = changes.model_dump(mode="json", exclude_unset=True, warnings=False)
        record, key = bundled_kinds().read({**config, **given}), config["key"]
        with self._database.transaction():
            if any(c["path"] == record["path"] and c["key"] != key for c in self.all()):
                raise DuplicateModelError(f"the path {record['path']} is taken")
            self._database.update("models", {"config": json.dumps(record)}, key=key)
            self._note_change(key, self._files(key))
        return record

    def remove(self, key: str) -> bool:
        """Remove a model; False if there was none."""
        with self._database.transaction():
            self._database.run("DELETE FROM model_changes WHERE key = ?", (key,))
            return self._database.run("DELETE FROM models WHERE key = ?", (key,)) > 0
