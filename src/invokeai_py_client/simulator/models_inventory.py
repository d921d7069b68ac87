"""The models of a simulated server: those it pretends to have, and installed ones."""

from __future__ import annotations

import json
import sqlite3
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from pydantic import BaseModel

from .database import Database
from .model_kinds import RecordError, bundled_kinds

Config = dict[str, Any]

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


def default_models() -> list[Config]:
    """The models of a simulated server that was given none."""
    return [
        model_record("Simulated SD 1.5", base="sd-1", type="main"),
        model_record("Simulated SDXL", base="sdxl", type="main"),
        model_record("Simulated FLUX", base="flux", type="main", format="checkpoint"),
        model_record("Simulated SD VAE", base="sd-1", type="vae"),
        model_record("Simulated SDXL VAE", base="sdxl", type="vae"),
        model_record(
            "Simulated FLUX VAE", base="flux", type="vae", format="checkpoint"
        ),
        model_record("Simulated Style", base="sd-1", type="lora", format="lycoris"),
        model_record("Simulated XL Style", base="sdxl", type="lora", format="lycoris"),
        model_record("Simulated Canny", base="sd-1", type="controlnet"),
        model_record(
            "Simulated Upscaler",
            base="any",
            type="spandrel_image_to_image",
            format="checkpoint",
        ),
        model_record("Simulated CLIP-L", base="any", type="clip_embed"),
        model_record(
            "Simulated T5", base="any", type="t5_encoder", format="t5_encoder"
        ),
    ]


class DuplicateModelError(ValueError):
    """A key or path that another model has; the text is the server's."""


# What an order compares; the server's database ignores case only here and there.
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
    """The model records of one server.

    Args:
        database: Where they are kept.
        given: What the server pretends to have; None for a default set.
    """

    def __init__(
        self, database: Database, given: Optional[Sequence[Mapping[str, Any]]]
    ) -> None:
        self._database = database
        if not self._database.value("SELECT count(*) FROM models"):
            for config in default_models() if given is None else given:
                self.add(config)

    def add(self, config: Mapping[str, Any]) -> Config:
        """Pretend to have a model; one with the same key is replaced."""
        stored = dict(config)
        stored.setdefault("key", str(uuid.uuid4()))
        with self._database.transaction():
            self._database.run("DELETE FROM models WHERE key = ?", (stored["key"],))
            self._insert(stored, has_files=False)
        return stored

    def register(self, config: Config) -> None:
        """Add the record of a model that has files.

        Raises:
            DuplicateModelError: The key or the path is taken.
        """
        with self._database.transaction():
            if any(one["path"] == config["path"] for one in self.all()):
                raise DuplicateModelError(
                    f"A model with path '{config['path']}' is already installed"
                )
            try:
                self._insert(config, has_files=True)
            except sqlite3.IntegrityError:
                raise DuplicateModelError(
                    f"A model with key '{config['key']}' is already installed"
                ) from None

    def _insert(self, config: Config, *, has_files: bool) -> None:
        last = self._database.value("SELECT coalesce(max(position), -1) FROM models")
        row = {"config": json.dumps(config), "position": last + 1}
        self._database.insert("models", {"key": config["key"], **row})
        self._note_change(config["key"], has_files)

    def _note_change(self, key: str, has_files: bool) -> None:
        self._database.run(
            "INSERT OR REPLACE INTO model_changes VALUES (?, ?, ?)",
            (key, has_files, time.time()),
        )

    def has_files(self, key: str) -> bool:
        """Whether it was installed; a model that was given is nowhere."""
        return bool(
            self._database.value(
                "SELECT has_files FROM model_changes WHERE key = ?", (key,)
            )
        )

    def all(self) -> list[Config]:
        """Every record, in the order of installation."""
        rows = self._database.all("SELECT config FROM models ORDER BY position")
        return [json.loads(row["config"]) for row in rows]

    def ordered(
        self, configs: Sequence[Config], order: str, *, descending: bool
    ) -> list[Config]:
        """Records in one of the server's orders.

        Args:
            configs: In the order of installation.
            order: Such as `name`.
            descending: The other way round; what is equal keeps its order.
        """
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
        """Change a record; its kind may become another one.

        Args:
            config: The record as it is.
            changes: A `ModelRecordChanges`; what it was not given stays.

        Raises:
            RecordError: No kind of model has such fields.
            DuplicateModelError: Another model has this path.
        """
        given = {name: getattr(changes, name) for name in changes.model_fields_set}
        fields = {**config, **given}
        kinds = bundled_kinds()
        try:
            record = kinds.read(fields)
        except RecordError:
            new_type = given.get("type")
            if new_type is None or new_type.value == config["type"]:
                raise
            for stale in {"format", "variant"} - given.keys():
                fields.pop(stale, None)
            record = kinds.read_as_type(new_type.value, fields)
        self.replace(config["key"], record)
        return record

    def replace(self, key: str, record: Config) -> None:
        """Write a record anew.

        Raises:
            DuplicateModelError: Another model has its path.
        """
        with self._database.transaction():
            if any(c["path"] == record["path"] and c["key"] != key for c in self.all()):
                raise DuplicateModelError(f"the path {record['path']} is taken")
            self._database.run(
                "UPDATE models SET config = ? WHERE key = ?", (json.dumps(record), key)
            )
            self._note_change(key, self.has_files(key))

    def remove(self, key: str) -> bool:
        """Forget a model; False when there was none."""
        with self._database.transaction():
            self._database.run("DELETE FROM model_changes WHERE key = ?", (key,))
            self._database.run(
                "DELETE FROM model_relationships WHERE key_1 = ? OR key_2 = ?",
                (key, key),
            )
            return self._database.run("DELETE FROM models WHERE key = ?", (key,)) > 0

    def relate(self, first: str, second: str) -> None:
        """Note that two models go together; once more changes nothing.

        Raises:
            LookupError: One of them does not exist.
        """
        for key in (first, second):
            if self.find(key) is None:
                raise LookupError(key)
        self._database.run(
            "INSERT OR IGNORE INTO model_relationships VALUES (?, ?)",
            sorted((first, second)),
        )

    def unrelate(self, first: str, second: str) -> None:
        """Take back that two models go together, if they do."""
        self._database.run(
            "DELETE FROM model_relationships WHERE key_1 = ? AND key_2 = ?",
            sorted((first, second)),
        )

    def related(self, key: str) -> list[str]:
        """The keys of the models that go with one."""
        rows = self._database.all(
            "SELECT key_2 AS key FROM model_relationships WHERE key_1 = ? UNION "
            "SELECT key_1 FROM model_relationships WHERE key_2 = ?",
            (key, key),
        )
        return [row["key"] for row in rows]
