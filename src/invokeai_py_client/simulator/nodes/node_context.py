"""What one node may use while it runs."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Mapping
from typing import Any, Optional

from PIL import Image

from ..base.database import Row
from ..graphs.node_schema import Node, NodeSchemas
from ..media.images import ImageRecordNotFoundException
from ..media.media_store import MediaOrigin, MediaStore
from ..media.mp4 import VideoFacts
from ..media.videos import VideoRecordNotFoundException, bundled_video
from ..session.session_state import SessionState
from .services import Services

_MAX_STAND_INS = 4096
_OF_ITEM = (
    "queue_id", "item_id", "batch_id", "origin", "destination", "user_id", "session_id",
)  # fmt: skip
_GONE = {"image": ImageRecordNotFoundException, "video": VideoRecordNotFoundException}


class CanceledError(Exception):
    """The job was cancelled while a node ran; ends the session without an error."""


def invocation_event(row: Row, session: SessionState, node: Node) -> dict[str, Any]:
    """What every event about a node carries."""
    invocation = node.model_dump(mode="json")
    if node.type in ("iterate", "collect"):
        invocation["collection"] = []  # the server leaves these lists out of events
    return {
        **{key: row[key] for key in _OF_ITEM},
        "invocation": invocation,
        "invocation_source_id": session.prepared_source[node.id],
    }


class Context:
    """What one node may use while it runs."""

    def __init__(
        self,
        services: Services,
        canceled: threading.Event,
        row: Row,
        session: SessionState,
        node: Node,
    ) -> None:
        self._services = services
        self._canceled = canceled
        self._row = row
        self._session = session
        self._node = node

    @property
    def schemas(self) -> NodeSchemas:
        """The server's node types."""
        return self._services.schemas

    def open_image(self, reference: Any, mode: Optional[str] = None) -> Image.Image:
        """A copy of a stored image, converted to a mode if one is given."""
        self._check_reading(self._services.images, reference.image_name)
        image = self._services.images.open(reference.image_name)
        return image.convert(mode) if mode and mode != image.mode else image

    def image_fields(self, reference: Any) -> dict[str, Any]:
        """The fields of `image_output` for an image that exists."""
        self._check_reading(self._services.images, reference.image_name)
        return _fields(self._services.images.dto(reference.image_name))

    def _check_reading(self, store: MediaStore, name: str) -> None:
        """Refuse what is not there, or what the user of the job may not see."""
        try:
            row: Optional[Row] = store.record(name)
        except store.not_found:
            row = None
        if not self._may_read(row):
            raise PermissionError(
                f"Queue user is not authorized to access this {store.kind}"
            )
        if row is None:
            raise _GONE[store.kind]

    def _may_read(self, media: Optional[Row]) -> bool:
        users, user_id = self._services.users, self._row["user_id"]
        if not users.multiuser:
            return True
        user = users.record(user_id)
        if user is None or not user["is_active"]:
            return False
        if user["is_admin"] or media is None:
            return bool(user["is_admin"])
        board_id = media["board_id"]
        return media["user_id"] == user_id or self._services.boards.is_shown(board_id)

    def _check_saving(self, kind: str, board_id: Optional[str]) -> None:
        """Refuse to put something on a board of somebody else."""
        users, user_id = self._services.users, self._row["user_id"]
        if not users.multiuser:
            return
        user = users.record(user_id)
        if user is None or not user["is_active"]:
            raise PermissionError(f"Queue user is not authorized to save {kind}s")
        if board_id is None:
            return
        is_open = self._services.boards.is_open(board_id, user_id)
        if not user["is_admin"] and not is_open:
            raise PermissionError(
                f"Queue user is not authorized to save {kind}s to this board"
            )

    def _output(self, kind: str, category: str) -> MediaOrigin:
        """What is stored with an output, which the node may have to put on a board."""
        metadata = getattr(self._node, "metadata", None)
        board = getattr(self._node, "board", None)
        board_id = board.board_id if board else None
        self._check_saving(kind, board_id)
        return MediaOrigin(
            origin="internal",
            category=category,
            is_intermediate=self._node.is_intermediate,
            board_id=board_id,
            session_id=self._row["session_id"],
            node_id=self._node.id,
            metadata=json.dumps(metadata.model_dump()) if metadata else None,
            workflow=self._row["workflow"],
            graph=self._session.graph.model_dump_json(),
            user_id=self._row["user_id"],
        )

    def save_image(
        self, image: Image.Image, category: str = "general"
    ) -> dict[str, Any]:
        """Store an image as the node's output; returns the fields of `image_output`."""
        self.progress("Saving image")
        source = self._output("image", category)
        return _fields(self._services.images.create(image, source))

    def video_fields(self, reference: Any) -> dict[str, Any]:
        """The fields of `video_output` for a video that exists."""
        self._check_reading(self._services.videos, reference.video_name)
        return _video_fields(self._services.videos.dto(reference.video_name))

    def save_video(
        self, size: tuple[int, int], frames: int, fps: float
    ) -> dict[str, Any]:
        """Store a stand-in for a video; returns the fields of `video_output`."""
        self.progress("Saving video")
        source = self._output("video", "general")
        facts = VideoFacts(*size, frames / fps, fps)
        made = self._services.videos.create(bundled_video(), facts, source)
        return _video_fields(made)

    def model_config(self, reference: Any) -> Mapping[str, Any]:
        """The configuration of an installed model; only the key is looked up."""
        config = self._services.models.find(reference.key)
        if config is None:
            # The class of the real server's error is plain `Exception`.
            raise Exception(f"Unknown model {reference.key}")
        return config

    def load_model(self, reference: Any) -> None:
        """Tell clients that a model is loaded, as happens before it is used."""
        config = self.model_config(reference)
        submodel = reference.submodel_type
        payload = {
            "config": config,
            "submodel_type": getattr(submodel, "value", submodel),
            "user_id": self._row["user_id"],
        }
        self.progress(f"Loading model {config['name']}")
        self._services.emit("model_load_started", payload)
        self._services.emit("model_load_complete", payload)

    def progress(
        self,
        message: str,
        percentage: Optional[float] = None,
        image: Optional[Image.Image] = None,
        size: Optional[tuple[int, int]] = None,
    ) -> None:
        """Send a progress event."""
        if self._canceled.is_set():
            raise CanceledError
        self._services.emit(
            "invocation_progress",
            {
                **invocation_event(self._row, self._session, self._node),
                "message": message,
                "percentage": percentage,
                "image": None if image is None else _preview(image, size),
                "device": None,
            },
        )

    def pause_for_step(self) -> None:
        """Wait as long as one denoising step is configured to take."""
        self._canceled.wait(self._services.settings.step_delay)

    def remember(self, name: str, value: Any) -> None:
        """Keep a stand-in for a tensor under its name."""
        known = self._services.stand_ins
        known[name] = value
        if len(known) > _MAX_STAND_INS:
            known.popitem(last=False)

    def recall(self, name: str) -> Any:
        """The stand-in that was kept under a name; None if there is none."""
        return self._services.stand_ins.get(name)


def _fields(dto: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "image": {"image_name": dto["image_name"]},
        "width": dto["width"],
        "height": dto["height"],
    }


def _video_fields(dto: Mapping[str, Any]) -> dict[str, Any]:
    fps = dto["fps"] or 0.0
    return {
        "video": {"video_name": dto["video_name"]},
        "width": dto["width"],
        "height": dto["height"],
        "num_frames": round(dto["duration"] * fps),
        "fps": fps,
        "duration": dto["duration"],
    }


def _preview(image: Image.Image, size: Optional[tuple[int, int]]) -> dict[str, Any]:
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "JPEG")
    encoded = base64.b64encode(buffer.getvalue()).decode("ascii")
    width, height = size or image.size
    return {
        "width": width,
        "height": height,
        "dataURL": f"data:image/jpeg;base64,{encoded}",
    }
