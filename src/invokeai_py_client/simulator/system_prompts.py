"""System prompts: instructions for the models that write prompts."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Optional

from .database import Database, Row, timestamp

# The simulator's own; the real server brings eight others. They are made once: who
# deletes one is rid of it.
_SHIPPED = (
    ("Default", "Write a vivid picture prompt from the idea. Answer with it alone."),
    ("Keywords", "Turn the idea into a list of keywords, the most important first."),
)
_SEEDED = "system_prompts_seeded"


class SystemPromptNotFoundError(LookupError):
    """No system prompt has this id."""


class SystemPrompts:
    """The system prompts of one server."""

    def __init__(self, database: Database) -> None:
        self._database = database
        if database.setting(_SEEDED):
            return
        for name, content in _SHIPPED:
            self.create(name, content, "system", public=True)
        database.keep_setting(_SEEDED, "yes")

    def create(
        self, name: str, content: str, user_id: str, *, public: bool
    ) -> dict[str, Any]:
        """Make a prompt."""
        prompt_id, now = str(uuid.uuid4()), timestamp()
        self._database.insert(
            "system_prompts",
            {
                "id": prompt_id,
                "name": name,
                "content": content,
                "user_id": user_id,
                "is_public": int(public),
                "created_at": now,
                "updated_at": now,
            },
        )
        return self.record(prompt_id)

    def record(self, prompt_id: str) -> dict[str, Any]:
        """A prompt as the API shows it.

        Raises:
            SystemPromptNotFoundError: There is none.
        """
        row = self._database.one(
            "SELECT * FROM system_prompts WHERE id = ?", (prompt_id,)
        )
        if row is None:
            raise SystemPromptNotFoundError(prompt_id)
        return _dto(row)

    def visible(self, user_id: Optional[str]) -> list[dict[str, Any]]:
        """The prompts a user sees by name; None sees everybody's."""
        rows = self._database.all(
            "SELECT * FROM system_prompts WHERE ? IS NULL OR user_id = ? OR is_public "
            "ORDER BY LOWER(name)",
            (user_id, user_id),
        )
        return [_dto(row) for row in rows]

    def update(self, prompt_id: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Change name, content or publicity; None changes nothing."""
        for key, value in changes.items():
            if value is not None:
                self._database.run(
                    f"UPDATE system_prompts SET {key} = ?, updated_at = ? WHERE id = ?",
                    (value, timestamp(), prompt_id),
                )
        return self.record(prompt_id)

    def delete(self, prompt_id: str) -> None:
        """Forget a prompt."""
        self._database.run("DELETE FROM system_prompts WHERE id = ?", (prompt_id,))


def _dto(row: Row) -> dict[str, Any]:
    return {
        "name": row["name"],
        "content": row["content"],
        "id": row["id"],
        "user_id": row["user_id"],
        "is_public": bool(row["is_public"]),
        "created_at": datetime.fromisoformat(row["created_at"]).isoformat(),
        "updated_at": datetime.fromisoformat(row["updated_at"]).isoformat(),
    }
