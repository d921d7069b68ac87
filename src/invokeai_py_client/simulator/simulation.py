"""One simulated server without its transport: state, worker, events."""

from __future__ import annotations

import json
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Optional

from . import nodes  # noqa: F401 -- registers the node implementations
from .app_config import AppConfig
from .auth import Users
from .boards import Boards
from .bulk_download import BulkDownloads
from .client_state import ClientState
from .database import Database, Row
from .faults import Faults
from .gallery import Gallery
from .graph import stored_graph
from .image_moves import ImageMoves
from .images import Images
from .invocation_cache import InvocationCache
from .media_store import MediaFiles
from .model_folder import ModelFolder
from .model_install import InstallJobs
from .models_inventory import Models
from .node_packs import NodePacks
from .node_schema import NodeSchemas, bundled_schemas
from .processor import Processor
from .queue_operations import QueueOperations
from .queue_state import QueueState
from .session import Session
from .settings import Settings
from .style_presets import StylePresets
from .system_prompts import SystemPrompts
from .videos import Videos
from .workflow_calls import WorkflowCalls
from .workflows import Workflows

Listener = Callable[[str, Mapping[str, Any]], None]


class StandIns:
    """What is known behind the names of tensors that were never computed."""

    def __init__(self, limit: int = 4096) -> None:
        self._limit = limit
        self._values: OrderedDict[str, Any] = OrderedDict()

    def keep(self, name: str, value: Any) -> None:
        """Remember; the oldest is forgotten beyond the limit."""
        self._values[name] = value
        while len(self._values) > self._limit:
            self._values.popitem(last=False)

    def find(self, name: str) -> Any:
        """What was remembered; None if nothing was."""
        return self._values.get(name)


class Simulation:
    """Everything a server knows and does, apart from HTTP and Socket.IO.

    Args:
        settings: How it behaves.
        schemas: Its node types; those of InvokeAI 6.14.2 by default.
    """

    def __init__(
        self, settings: Settings, schemas: Optional[NodeSchemas] = None
    ) -> None:
        self.settings = settings
        self.schemas = schemas or bundled_schemas()
        self.faults = Faults()
        self.cache = InvocationCache(settings.cache_size)
        self.stand_ins = StandIns()
        self._listeners: list[Listener] = []
        self._emitting = threading.RLock()
        root = settings.root
        if root is not None:
            root.mkdir(parents=True, exist_ok=True)
        self.database = Database(root / "simulator.db" if root else None)
        self.users = Users(
            self.database,
            multiuser=settings.multiuser,
            strict_passwords=settings.strict_passwords,
        )
        self.config = AppConfig(self.database, settings)

        def strategy() -> str:
            return str(self.config.value("image_subfolder_strategy"))

        self.image_moves = ImageMoves(self.database, strategy)
        self.images = Images(
            self.database,
            MediaFiles(root / "images" if root else None),
            self.cache.forget_image,
            self.faults.before_image_save,
            strategy,
        )
        self.videos = Videos(
            self.database,
            MediaFiles(root / "videos" if root else None),
            self.cache.forget_image,
            self.faults.before_image_save,
            strategy,
        )
        self.gallery = Gallery(self.database)
        self.boards = Boards(self.database)
        self.models = Models(self.database, settings.models)
        self.model_folder = ModelFolder(root / "models" if root else None)
        self.workflows = Workflows(self.database, self.emit, self.schemas)
        self.log_level = logging.INFO
        self.style_presets = StylePresets(self.database)
        self.system_prompts = SystemPrompts(self.database)
        self.client_state = ClientState(self.database)
        self._temporary: Optional[TemporaryDirectory[str]] = None
        self.node_packs = NodePacks(self)
        self.downloads = BulkDownloads(self)
        self.installs = InstallJobs(self)
        self.queue = QueueState(
            self.database,
            self.emit,
            max_queue_size=settings.max_queue_size,
            round_robin=settings.multiuser,
        )
        self.operations = QueueOperations(self.queue)
        self.calls = WorkflowCalls(self)
        self.processor = Processor(self)
        self.listen(self.processor.on_event)
        self.queue.cancel_interrupted()
        kept = self.config.value("max_queue_history")
        if kept is not None:
            self.operations.keep_newest("default", kept)

    @property
    def folder(self) -> Path:
        """Where fonts and node packs are put; a temporary one without a root."""
        if self.settings.root is not None:
            return self.settings.root.absolute()
        if self._temporary is None:
            self._temporary = TemporaryDirectory(prefix="simulated-invokeai-")
        return Path(self._temporary.name)

    def listen(self, listener: Listener) -> None:
        """Call a function with every event, in order; it must not block."""
        self._listeners.append(listener)

    def emit(self, event: str, payload: Mapping[str, Any]) -> None:
        """Send an event to whoever listens."""
        with self._emitting:
            for listener in self._listeners:
                listener(event, payload)

    def load_session(self, row: Row) -> Session:
        """The session of a queue row.

        Raises:
            pydantic.ValidationError: It holds a value its field cannot take; the real
                server cannot read such a session either.
        """
        data = json.loads(row["session"])
        return Session.load(data, self.schemas, stored_graph(data, self.schemas))

    def start(self) -> None:
        """Begin to work on the queue."""
        self.processor.start()

    def stop(self) -> None:
        """Stop working; what is stored stays."""
        self.processor.stop()
        self.downloads.stop()
        self.installs.stop()
        self.model_folder.close()
        self.database.close()
        if self._temporary is not None:
            self._temporary.cleanup()
