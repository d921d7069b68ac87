"""What the server says about its models: frozen snapshots."""

from __future__ import annotations

from typing import Any, Optional

from pydantic import Field

from invokeai_py_client._snapshot import OpenEnum, Snapshot

__all__ = ["InstallStatus", "ModelInstall", "ModelRecord"]


class ModelRecord(Snapshot):
    """A model installed on the server.

    Base, type and format are plain text, because every release of the server adds
    some. Settings that only some kinds of model have are kept in `model_extra`.

    Attributes:
        key: The server's id, the only thing by which a job finds its model.
        hash: Of the files; the same files may be installed twice.
        name: Need not be unique, not even for one base and type.
        base: Architecture, such as ``"sd-1"`` or ``"sdxl"``; ``"any"`` fits all.
        type: What it is, such as ``"main"``, ``"vae"`` or ``"lora"``.
        format: How it is stored, such as ``"diffusers"`` or ``"checkpoint"``.
        path: On the server; relative paths are inside its models folder.
        file_size: Bytes.
        trigger_phrases: Words that a prompt needs for it to work.
    """

    key: str = Field(min_length=1)
    hash: str = ""
    name: str = ""
    base: str = "unknown"
    type: str = "unknown"
    format: Optional[str] = None
    path: Optional[str] = None
    description: Optional[str] = None
    file_size: Optional[int] = None
    source: Optional[str] = None
    source_type: Optional[str] = None
    cover_image: Optional[str] = None
    variant: Optional[str] = None
    prediction_type: Optional[str] = None
    trigger_phrases: Optional[list[str]] = None
    default_settings: Optional[dict[str, Any]] = None

    def identifier(self) -> dict[str, str]:
        """The model as a workflow's model input holds it."""
        return {
            "key": self.key,
            "hash": self.hash,
            "name": self.name,
            "base": self.base,
            "type": self.type,
        }

    def describe(self) -> str:
        """Name, base, type and key in one line, for messages."""
        return f"{self.name!r} ({self.base} {self.type}, key {self.key})"


class InstallStatus(OpenEnum):
    """Where an installation stands; values unknown today are not terminal."""

    WAITING = "waiting"
    DOWNLOADING = "downloading"
    DOWNLOADS_DONE = "downloads_done"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    ERROR = "error"
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        """True when the installation will not go on by itself."""
        return self in _ENDED


_ENDED = frozenset(
    {InstallStatus.COMPLETED, InstallStatus.ERROR, InstallStatus.CANCELLED}
)


class ModelInstall(Snapshot):
    """An installation at the moment it was read.

    Attributes:
        id: The server's number; numbers start at 0 again when it restarts, which
            also forgets the installations.
        bytes: Downloaded so far.
        total_bytes: To download; 0 when unknown.
        error_reason: The server's exception class; None unless it failed.
        error: The server's words; None unless it failed.
        config_out: The model's record once the installation has completed.
    """

    id: int
    status: InstallStatus = InstallStatus.WAITING
    bytes: int = 0
    total_bytes: int = 0
    error_reason: Optional[str] = None
    error: Optional[str] = None
    error_traceback: Optional[str] = None
    local_path: Optional[str] = None
    source: Optional[dict[str, Any]] = None
    config_out: Optional[dict[str, Any]] = None
