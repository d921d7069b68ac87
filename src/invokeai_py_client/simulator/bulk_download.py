"""Zip files of images, made in the background and good for one download."""

from __future__ import annotations

import io
import threading
import uuid
import zipfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, Optional

from .images import ImageNotFoundError
from .media_filter import MediaFilter

if TYPE_CHECKING:
    from .simulation import Simulation


class BulkDownloads:
    """The zips of one server.

    As on the real server a zip that is asked for too early is delivered empty, and
    every download deletes it.
    """

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
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
        """Start to make a zip; returns its file name."""
        item_id = str(uuid.uuid4())
        if board_id is not None:
            name = "Uncategorized"
            if board_id != "none":
                name = _safe(self._simulation.boards.record(board_id)["board_name"])
            item_id = f"{name}_{item_id}"
        file_name = f"{item_id}.zip"
        self._ready[file_name] = b""
        self._owners[file_name] = user_id
        thread = threading.Thread(
            target=self._make,
            args=(item_id, image_names, board_id, user_id),
            daemon=True,
        )
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
        self._simulation.emit("bulk_download_started", event)
        try:
            data = self._zip(image_names, board_id)
        except ImageNotFoundError:
            self._ready.pop(f"{item_id}.zip", None)
            message = "Image record not found"
            self._simulation.emit("bulk_download_error", {**event, "error": message})
            return
        if f"{item_id}.zip" in self._ready:
            self._ready[f"{item_id}.zip"] = data
        self._simulation.emit("bulk_download_complete", event)

    def _zip(
        self, image_names: Optional[Sequence[str]], board_id: Optional[str]
    ) -> bytes:
        images = self._simulation.images
        if not image_names:
            chosen = MediaFilter(board_id=board_id, is_intermediate=False)
            image_names = [row["image_name"] for row in images.rows(chosen)]
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            for name in image_names:
                category = images.record(name)["image_category"]
                archive.writestr(f"{category}/{name}", images.full(name))
        return buffer.getvalue()

    def owner(self, file_name: str) -> Optional[str]:
        """Who asked for a zip."""
        return self._owners.get(file_name)

    def take(self, file_name: str) -> bytes:
        """The zip, which is gone afterwards; empty when it was not ready.

        Raises:
            ImageNotFoundError: There is no such zip.
        """
        try:
            return self._ready.pop(file_name)
        except KeyError:
            raise ImageNotFoundError(file_name) from None


def _safe(name: str) -> str:
    """A board's name as part of a file name."""
    kept = (c for c in name if c.isalpha() or c.isdigit() or c in " _-")
    return "".join(kept).rstrip()
