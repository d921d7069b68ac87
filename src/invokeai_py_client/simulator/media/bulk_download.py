"""Zip files of images, made in the background and deleted when downloaded."""

from __future__ import annotations

import io
import threading
import uuid
import zipfile
from collections.abc import Sequence
from typing import Optional

from ..base.events import Emit
from .boards import Boards
from .images import ImageNotFoundError, Images
from .media_filter import MediaFilter


class BulkDownloads:
    """The zips of one server.

    As on the real server, a zip that is requested too early is empty, and every
    download deletes it.
    """

    def __init__(self, images: Images, boards: Boards, emit: Emit) -> None:
        self._images = images
        self._boards = boards
        self._emit = emit
        self._ready: dict[str, bytes] = {}
        self._owners: dict[str, str] = {}
        self._threads: list[threading.Thread] = []

    def stop(self) -> None:
        """Wait for zips that are being made."""
        for thread in self._threads:
            thread.join(timeout=5)

    def begin(
        self,
        image_names: Optional[Sequence[str]],
        board_id: Optional[str],
        user_id: str,
    ) -> str:
        """Start to make a zip and return its file name."""
        item_id = str(uuid.uuid4())
        if board_id is not None:
            name = "Uncategorized"
            if board_id != "none":
                name = _safe(self._boards.record(board_id)["board_name"])
            item_id = f"{name}_{item_id}"
        file_name = f"{item_id}.zip"
        self._ready[file_name] = b""
        self._owners[file_name] = user_id
        about = (item_id, image_names, board_id, user_id)
        thread = threading.Thread(target=self._make, args=about, daemon=True)
        self._threads = [t for t in self._threads if t.is_alive()] + [thread]
        thread.start()
        return file_name

    def _make(
        self,
        item_id: str,
        image_names: Optional[Sequence[str]],
        board_id: Optional[str],
        user_id: str,
    ) -> None:
        event = {
            "bulk_download_id": "default",
            "bulk_download_item_id": item_id,
            "bulk_download_item_name": f"{item_id}.zip",
            "user_id": user_id,
        }
        self._emit("bulk_download_started", event)
        try:
            data = self._zip(image_names, board_id)
        except ImageNotFoundError:
            self._ready.pop(f"{item_id}.zip", None)
            message = "Image record not found"
            self._emit("bulk_download_error", {**event, "error": message})
            return
        if f"{item_id}.zip" in self._ready:
            self._ready[f"{item_id}.zip"] = data
        self._emit("bulk_download_complete", event)

    def _zip(
        self, image_names: Optional[Sequence[str]], board_id: Optional[str]
    ) -> bytes:
        if not image_names:
            chosen = MediaFilter(board_id=board_id, is_intermediate=False)
            image_names = [row["image_name"] for row in self._images.rows(chosen)]
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            for name in image_names:
                category = self._images.record(name)["image_category"]
                archive.writestr(f"{category}/{name}", self._images.full(name))
        return buffer.getvalue()

    def owner(self, file_name: str) -> Optional[str]:
        """The user who requested a zip."""
        return self._owners.get(file_name)

    def take(self, file_name: str) -> bytes:
        """The zip, which is gone afterwards; empty when it was not ready."""
        try:
            return self._ready.pop(file_name)
        except KeyError:
            raise ImageNotFoundError(file_name) from None


def _safe(name: str) -> str:
    """A board's name as part of a file name."""
    kept = (c for c in name if c.isalpha() or c.isdigit() or c in " _-")
    return "".join(kept).rstrip()
