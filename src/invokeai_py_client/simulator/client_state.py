"""What the web interface keeps on the server: texts by key, for each user."""

from __future__ import annotations

from typing import Optional

from .database import Database, timestamp


class ClientState:
    """The texts of one server's users."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def set(self, user_id: str, key: str, value: str) -> None:
        """Keep a text, in place of an older one."""
        self._database.run(
            "INSERT OR REPLACE INTO client_state (user_id, key, value, updated_at) "
            "VALUES (?, ?, ?, ?)",
            (user_id, key, value, timestamp()),
        )

    def find(self, user_id: str, key: str) -> Optional[str]:
        """A text; None if there is none."""
        value = self._database.value(
            "SELECT value FROM client_state WHERE user_id = ? AND key = ?",
            (user_id, key),
        )
        return None if value is None else str(value)

    def keys(self, user_id: str, prefix: str) -> list[str]:
        """The keys that begin so, the last changed first; A to Z equal a to z."""
        escaped = prefix
        for special in "\\%_":
            escaped = escaped.replace(special, f"\\{special}")
        rows = self._database.all(
            "SELECT key FROM client_state WHERE user_id = ? AND key LIKE ? "
            "ESCAPE '\\' ORDER BY updated_at DESC",
            (user_id, f"{escaped}%"),
        )
        return [row["key"] for row in rows]

    def delete(self, user_id: str, key: Optional[str] = None) -> None:
        """Forget one text of a user, or all."""
        self._database.run(
            "DELETE FROM client_state WHERE user_id = ? AND (? IS NULL OR key = ?)",
            (user_id, key, key),
        )
