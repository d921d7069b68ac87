"""Boards: named sets of images. An image is on one board or on none."""

from __future__ import annotations

import uuid
from typing import Any, Optional

from ..base.database import Database, Row, timestamp

_VISIBLE = "(user_id = ? OR board_visibility IN ('shared', 'public'))"


class BoardNotFoundError(LookupError):
    """No board has this id."""


class Boards:
    """The boards of one server."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, name: str, user_id: str) -> dict[str, Any]:
        """Create a board; names may repeat and may be empty."""
        now = timestamp()
        board_id = str(uuid.uuid4())
        self._database.insert(
            "boards",
            {
                "board_id": board_id,
                "board_name": name,
                "user_id": user_id,
                "created_at": now,
                "updated_at": now,
            },
        )
        return self.dto(board_id)

    def record(self, board_id: str) -> Row:
        """The row of a board. `none` is not a board."""
        row = self._database.one("SELECT * FROM boards WHERE board_id = ?", (board_id,))
        if row is None:
            raise BoardNotFoundError(board_id)
        return row

    def dto(self, board_id: str) -> dict[str, Any]:
        """A board as the API shows it."""
        # The server names the owner in lists only.
        return {**self._shown(self.record(board_id)), "owner_username": None}

    def _shown(self, row: Row) -> dict[str, Any]:
        board_id = row["board_id"]
        counts = self._database.one(
            "SELECT SUM(image_category = 'general') AS images, "
            "SUM(image_category <> 'general') AS assets "
            "FROM images WHERE board_id = ? AND NOT is_intermediate",
            (board_id,),
        )
        videos = self._database.value(
            "SELECT count(*) FROM videos WHERE board_id = ? AND NOT is_intermediate",
            (board_id,),
        )
        cover = self._cover(board_id)
        owner = self._database.one(
            "SELECT display_name, email FROM users WHERE user_id = ?", (row["user_id"],)
        )
        return {
            **row,
            "archived": bool(row["archived"]),
            "deleted_at": None,
            "cover_image_name": cover.get("image"),
            "cover_video_name": cover.get("video"),
            "image_count": (counts or {}).get("images") or 0,
            "video_count": videos,
            "asset_count": (counts or {}).get("assets") or 0,
            "owner_username": owner and (owner["display_name"] or owner["email"]),
        }

    def _cover(self, board_id: str) -> dict[str, str]:
        """The newest item, by kind. A cover that was set is stored but never shown."""
        columns = "starred, created_at, rowid AS number"
        row = self._database.one(
            f"SELECT 'image' AS kind, image_name AS name, {columns} FROM images "
            "WHERE board_id = ? AND NOT is_intermediate UNION ALL "
            f"SELECT 'video' AS kind, video_name AS name, {columns} FROM videos "
            "WHERE board_id = ? AND NOT is_intermediate "
            "ORDER BY starred DESC, created_at DESC, kind DESC, number DESC LIMIT 1",
            (board_id, board_id),
        )
        return {} if row is None else {row["kind"]: row["name"]}

    def is_shown(self, board_id: Optional[str]) -> bool:
        """Whether everybody may see what is on a board; False without a board.

        Raises:
            BoardNotFoundError: There is no such board.
        """
        if board_id is None:
            return False
        board = self.record(board_id)
        return bool(board["board_visibility"] != "private")

    def is_open(self, board_id: Optional[str], user_id: str) -> bool:
        """Whether a user may change what is on a board: its own, or a public one."""
        if board_id is None:
            return False
        board = self.record(board_id)
        is_public = bool(board["board_visibility"] == "public")
        return is_public or user_id == str(board["user_id"])

    def list(
        self,
        *,
        user_id: Optional[str],
        order_by: str = "created_at",
        ascending: bool = False,
        include_archived: bool = False,
        offset: int = 0,
        limit: int = -1,
    ) -> list[dict[str, Any]]:
        """The boards a user sees; None sees all."""
        where = "1 = 1" if include_archived else "NOT archived"
        parameters: list[Any] = []
        if user_id is not None:
            where += f" AND {_VISIBLE}"
            parameters.append(user_id)
        column = "board_name COLLATE NOCASE" if order_by == "board_name" else order_by
        direction = "ASC" if ascending else "DESC"
        rows = self._database.all(
            f"SELECT * FROM boards WHERE {where} "
            f"ORDER BY {column} {direction}, rowid {direction} LIMIT ? OFFSET ?",
            (*parameters, limit, offset),
        )
        return [self._shown(row) for row in rows]

    def update(self, board_id: str, changes: dict[str, Any]) -> dict[str, Any]:
        """Change name, cover, archived flag or visibility; a cover must exist."""
        self.record(board_id)
        cover = changes.get("cover_image_name")
        if cover is not None and not self._database.value(
            "SELECT count(*) FROM images WHERE image_name = ?", (cover,)
        ):
            raise ValueError(f"no image {cover}")
        given = {key: value for key, value in changes.items() if value is not None}
        if given:
            given["updated_at"] = timestamp()
        self._database.update("boards", given, board_id=board_id)
        return self.dto(board_id)

    def delete(self, board_id: str) -> None:
        """Remove a board; its images and videos stay, on no board."""
        for table in ("images", "videos"):
            self._database.run(
                f"UPDATE {table} SET board_id = NULL WHERE board_id = ?", (board_id,)
            )
        self._database.run("DELETE FROM boards WHERE board_id = ?", (board_id,))

    def place(self, image_name: str, board_id: Optional[str]) -> Optional[str]:
        """Put an image on a board, or on none; returns the board it was on."""
        if board_id is not None:
            self.record(board_id)
        row = self._database.one(
            "SELECT board_id FROM images WHERE image_name = ?", (image_name,)
        )
        if row is None:
            raise LookupError(image_name)
        self._database.update("images", {"board_id": board_id}, image_name=image_name)
        return row["board_id"]  # type: ignore[no-any-return]
