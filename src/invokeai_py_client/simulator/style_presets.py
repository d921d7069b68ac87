"""Style presets: prompt templates with a small picture."""

from __future__ import annotations

import csv
import io
import json
import uuid
from collections.abc import Sequence
from functools import cache
from typing import Any, Optional

from PIL import Image
from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
)

from .database import Database, Row
from .resizing import small_picture

_SIDE = 256

# The simulator's own; the real server brings eighteen others.
_SHIPPED = (
    ("Charcoal", "{prompt}, drawn with charcoal on rough paper", "colour", "#444"),
    ("Postcard", "a faded postcard of {prompt}", "modern, digital", "#b98"),
    ("Blueprint", "a technical blueprint of {prompt}", "photo", "#236"),
)


class PresetNotFoundError(LookupError):
    """No style preset has this id."""


class PresetFileError(ValueError):
    """A file of presets says something else than it must; the message says what."""


class _ImportedPreset(BaseModel):
    model_config = ConfigDict(str_strip_whitespace=True, extra="forbid")

    name: str = Field(min_length=1)
    positive_prompt: str = Field(
        default="", validation_alias=AliasChoices("positive_prompt", "prompt")
    )
    negative_prompt: str = ""


_IMPORTED = TypeAdapter(list[_ImportedPreset])


class StylePresets:
    """The style presets of one server.

    Those that come with it are made anew, under new ids, at every start.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        database.run("DELETE FROM style_presets WHERE type = 'default'")
        for name, positive, negative, colour in _SHIPPED:
            preset_id = self.create(name, positive, negative, "default", "system")
            self._store_image(preset_id, _shipped_picture(colour))

    def create(
        self,
        name: str,
        positive_prompt: str,
        negative_prompt: str,
        type: str,
        user_id: str,
        *,
        public: bool = False,
    ) -> str:
        """Make a preset without a picture; returns its id."""
        preset_id = str(uuid.uuid4())
        self._database.insert(
            "style_presets",
            {
                "id": preset_id,
                "name": name,
                "positive_prompt": positive_prompt,
                "negative_prompt": negative_prompt,
                "type": type,
                "user_id": user_id,
                "is_public": int(public),
            },
        )
        return preset_id

    def row(self, preset_id: str) -> Row:
        """The row of a preset.

        Raises:
            PresetNotFoundError: There is none.
        """
        row = self._database.one(
            "SELECT * FROM style_presets WHERE id = ?", (preset_id,)
        )
        if row is None:
            raise PresetNotFoundError(preset_id)
        return row

    def record(self, preset_id: str) -> dict[str, Any]:
        """A preset as the API shows it."""
        return preset_dto(self.row(preset_id))

    def visible(self, user_id: Optional[str]) -> list[dict[str, Any]]:
        """The presets a user sees by name; None sees everybody's."""
        rows = self._database.all(
            "SELECT * FROM style_presets WHERE ? IS NULL OR user_id = ? OR is_public "
            "OR type = 'default' ORDER BY LOWER(name)",
            (user_id, user_id),
        )
        return [preset_dto(row) for row in rows]

    def update(
        self,
        preset_id: str,
        name: str,
        positive_prompt: str,
        negative_prompt: str,
        *,
        public: bool,
    ) -> dict[str, Any]:
        """Replace everything but the type, which stays what it was."""
        self._database.run(
            "UPDATE style_presets SET name = ?, positive_prompt = ?, "
            "negative_prompt = ?, is_public = ? WHERE id = ?",
            (name, positive_prompt, negative_prompt, int(public), preset_id),
        )
        return self.record(preset_id)

    def delete(self, preset_id: str) -> None:
        """Forget a preset and its picture."""
        self._database.run("DELETE FROM style_presets WHERE id = ?", (preset_id,))

    def set_image(self, preset_id: str, image: Optional[Image.Image]) -> None:
        """Set or remove the picture.

        Raises:
            OSError: The image cannot be decoded.
        """
        self._store_image(preset_id, None if image is None else small_picture(image))

    def _store_image(self, preset_id: str, data: Optional[bytes]) -> None:
        self._database.run(
            "UPDATE style_presets SET image = ? WHERE id = ?", (data, preset_id)
        )

    def exported(self) -> str:
        """Everybody's own presets as CSV."""
        sink = io.StringIO()
        writer = csv.writer(sink)
        writer.writerow(["name", "prompt", "negative_prompt"])
        for item in self.visible(None):
            if item["type"] == "user":
                writer.writerow([item["name"], *item["preset_data"].values()])
        return sink.getvalue()

    def import_file(self, data: bytes, media_type: str, user_id: str) -> None:
        """Make the presets of a CSV or JSON file.

        Raises:
            PresetFileError: It is not such a file; none is made.
            UnicodeDecodeError: It is not UTF-8.
        """
        for item in _read(data, media_type):
            self.create(
                item.name, item.positive_prompt, item.negative_prompt, "user", user_id
            )


def _read(data: bytes, media_type: str) -> Sequence[_ImportedPreset]:
    text = data.decode("utf-8")
    try:
        if media_type == "text/csv":
            found: Any = list(csv.DictReader(io.StringIO(text, newline="")))
        else:
            found = json.loads(text)
        return _IMPORTED.validate_python(found)
    except (json.JSONDecodeError, ValidationError) as error:
        if media_type == "text/csv":
            message = "Invalid CSV format: must include columns "
        else:
            message = "Invalid JSON format: must be a list of objects with keys "
        raise PresetFileError(
            f"{message}'name', 'prompt', and 'negative_prompt' and name cannot be blank"
        ) from error


@cache
def _shipped_picture(colour: str) -> bytes:
    # Kept for the next server: encoding takes as long as the rest of a simulation.
    return small_picture(Image.new("RGB", (_SIDE, _SIDE), colour))


def preset_dto(row: Row) -> dict[str, Any]:
    """A row of `style_presets` as the API shows it.

    The address of the picture ends in a new random text each time, against caches.
    """
    url = f"api/v1/style_presets/i/{row['id']}/image?{uuid.uuid4()}"
    return {
        "name": row["name"],
        "preset_data": {
            "positive_prompt": row["positive_prompt"],
            "negative_prompt": row["negative_prompt"],
        },
        "type": row["type"],
        "is_public": bool(row["is_public"]),
        "id": row["id"],
        "user_id": row["user_id"],
        "image": None if row["image"] is None else url,
    }
