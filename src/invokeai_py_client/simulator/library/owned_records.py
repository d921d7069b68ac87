"""Records that users own and may publish: style presets and system prompts."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Optional

from PIL import Image

from ..base.database import Database, Row, timestamp
from ..media.resizing import thumbnail_of

# The simulator's own. The real server comes with eighteen and eight others.
_PRESETS = (
    ("Charcoal", "{prompt}, drawn with charcoal on rough paper", "colour", "#444"),
    ("Postcard", "a faded postcard of {prompt}", "modern, digital", "#b98"),
    ("Blueprint", "a technical blueprint of {prompt}", "photo", "#236"),
)
_PROMPTS = (
    ("Default", "Write a vivid image prompt from the idea. Answer with it alone."),
    ("Keywords", "Turn the idea into a list of keywords, the most important first."),
)
_IMAGE_SIDE = 256
_SEEDED = "system_prompts_seeded"


class OwnedRecords:
    """The records of one table."""

    def __init__(self, database: Database, table: str) -> None:
        self._database = database
        self._table = table

    def create(self, columns: Mapping[str, Any]) -> Row:
        """Create a record with a new id."""
        record_id = str(uuid.uuid4())
        self._database.insert(self._table, {"id": record_id, **columns})
        return self.row(record_id)

    def row(self, record_id: str) -> Row:
        """The row of a record."""
        row = self._database.one(
            f"SELECT * FROM {self._table} WHERE id = ?", (record_id,)
        )
        if row is None:
            raise LookupError(record_id)
        return row

    def visible(self, user_id: Optional[str]) -> Iterable[Row]:
        """The records that a user may see, by name; all of them for None."""
        return self._database.all(
            f"SELECT * FROM {self._table} WHERE ? IS NULL OR is_public "
            "OR user_id IN (?, 'system') ORDER BY LOWER(name)",
            (user_id, user_id),
        )

    def update(self, record_id: str, columns: Mapping[str, Any]) -> Row:
        """Change some of the columns."""
        self._database.update(self._table, columns, id=record_id)
        return self.row(record_id)

    def delete(self, record_id: str) -> None:
        """Delete a record."""
        self._database.run(f"DELETE FROM {self._table} WHERE id = ?", (record_id,))


def style_presets(database: Database) -> OwnedRecords:
    """The presets; those of the server get new ids at every start."""
    presets = OwnedRecords(database, "style_presets")
    database.run("DELETE FROM style_presets WHERE type = 'default'")
    for name, positive, negative, color in _PRESETS:
        texts = {"positive_prompt": positive, "negative_prompt": negative}
        preset = {"name": name, **texts, "image": _shipped_image(color)}
        owner = {"user_id": "system", "type": "default", "is_public": 0}
        presets.create({**preset, **owner})
    return presets


def system_prompts(database: Database) -> OwnedRecords:
    """The prompts; those of the server are created once and can be deleted."""
    prompts = OwnedRecords(database, "system_prompts")
    if not database.setting(_SEEDED):
        for name, content in _PROMPTS:
            times = {"created_at": timestamp(), "updated_at": timestamp()}
            owner = {"user_id": "system", "is_public": 1}
            prompts.create({"name": name, "content": content, **owner, **times})
        database.keep_setting(_SEEDED, "yes")
    return prompts


@cache
def _shipped_image(color: str) -> bytes:
    # Kept for the next server: encoding takes as long as the rest of a start.
    return thumbnail_of(Image.new("RGB", (_IMAGE_SIDE, _IMAGE_SIDE), color))
