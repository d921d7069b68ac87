"""The services behind `execution.Context`, bound to one running node."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Optional

from PIL import Image

from .database import Row
from .execution import CanceledError
from .images import ImageNotFoundError, ImageRecordNotFoundException
from .media_store import MediaOrigin, MediaStore
from .mp4 import VideoFacts
from .node_rights import check_reading, check_saving
from .node_schema import Node, NodeSchemas
from .processor_events import invocation_event
from .session import Session
from .still_video import still_video
from .videos import VideoNotFoundError, VideoRecordNotFoundException

if TYPE_CHECKING:
    from .processor import Processor
    from .simulation import Simulation


class NodeContext:
    """What one node may use while it runs."""

    def __init__(
        self,
        simulation: Simulation,
        processor: Processor,
        row: Row,
        session: Session,
        node: Node,
    ) -> None:
        self._simulation = simulation
        self._processor = processor
        self._row = row
        self._session = session
        self._node = node

    @property
    def schemas(self) -> NodeSchemas:
        """The server's node types."""
        return self._simulation.schemas

    def open_image(self, reference: Any, mode: Optional[str] = None) -> Image.Image:
        """A copy of a stored image, converted to a mode if one is given."""
        self._check_reading(self._simulation.images, reference.image_name)
        try:
            image = self._simulation.images.open(reference.image_name)
        except ImageNotFoundError:
            raise ImageRecordNotFoundException from None
        return image.convert(mode) if mode and mode != image.mode else image

    def image_fields(self, reference: Any) -> dict[str, Any]:
        """The fields of `image_output` for an image that exists."""
        self._check_reading(self._simulation.images, reference.image_name)
        try:
            return _fields(self._simulation.images.dto(reference.image_name))
        except ImageNotFoundError:
            raise ImageRecordNotFoundException from None

    def _check_reading(self, store: MediaStore, name: str) -> None:
        try:
            row: Optional[Row] = store.record(name)
        except store.not_found:
            row = None
        check_reading(self._simulation, self._row["user_id"], store.kind, row)

    def _output(self, kind: str, category: str) -> MediaOrigin:
        """What is stored with an output, which the node may have to put on a board."""
        metadata = getattr(self._node, "metadata", None)
        board = getattr(self._node, "board", None)
        board_id = board.board_id if board else None
        check_saving(self._simulation, self._row["user_id"], kind, board_id)
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
        return _fields(self._simulation.images.create(image, source))

    def open_video(self, reference: Any) -> bytes:
        """The file of a stored video."""
        self._check_reading(self._simulation.videos, reference.video_name)
        try:
            return self._simulation.videos.full(reference.video_name)
        except VideoNotFoundError:
            raise VideoRecordNotFoundException from None

    def video_fields(self, reference: Any) -> dict[str, Any]:
        """The fields of `video_output` for a video that exists."""
        self._check_reading(self._simulation.videos, reference.video_name)
        try:
            return _video_fields(self._simulation.videos.dto(reference.video_name))
        except VideoNotFoundError:
            raise VideoRecordNotFoundException from None

    def save_video(
        self, picture: Image.Image, frames: int, fps: float
    ) -> dict[str, Any]:
        """Store a video of one picture; returns the fields of `video_output`."""
        data = still_video(picture, frames, fps)
        self.progress("Saving video")
        source = self._output("video", "general")
        facts = VideoFacts(picture.width, picture.height, frames / fps, fps, frames)
        return _video_fields(self._simulation.videos.create(data, facts, source))

    def model_config(self, reference: Any) -> Mapping[str, Any]:
        """The configuration of an installed model; only the key is looked up."""
        config = self._simulation.models.find(reference.key)
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
        self._simulation.emit("model_load_started", payload)
        self._simulation.emit("model_load_complete", payload)

    def progress(
        self,
        message: str,
        percentage: Optional[float] = None,
        image: Optional[Image.Image] = None,
        size: Optional[tuple[int, int]] = None,
    ) -> None:
        """Send a progress event.

        Raises:
            CanceledError: The job was cancelled.
        """
        if self._processor.canceled.is_set():
            raise CanceledError
        self._simulation.emit(
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
        self._processor.pause_for_step()

    def remember(self, name: str, value: Any) -> None:
        """Keep a stand-in for a tensor under its name."""
        self._simulation.stand_ins.keep(name, value)

    def recall(self, name: str) -> Any:
        """The stand-in that was kept under a name; None if there is none."""
        return self._simulation.stand_ins.find(name)


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
