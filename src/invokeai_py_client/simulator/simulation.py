"""One simulated server without its transport: state, worker, events."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Optional

from invokeai_py_client._exports import set_module

from .base.database import Database
from .base.events import Emit
from .base.faults import Faults
from .base.settings import Settings
from .graphs.node_schema import NodeSchemas, bundled_schemas
from .library.owned_records import style_presets, system_prompts
from .library.workflows import Workflows
from .media.boards import Boards
from .media.bulk_download import BulkDownloads
from .media.gallery import Gallery
from .media.images import Images
from .media.media_store import MediaFiles
from .media.videos import Videos
from .models.model_folder import ModelFolder
from .models.model_install import InstallJobs
from .models.models_inventory import Models
from .nodes import all_nodes  # noqa: F401 -- registers the node implementations
from .nodes.services import Services
from .program.auth import Users
from .queue.invocation_cache import InvocationCache
from .queue.queue_operations import QueueOperations
from .queue.queue_state import QueueState
from .queue.receipts import Receipts
from .queue.worker import Workers

NEXT_VERSION = "7.0.0"
"""What a server with the rules of 7 says it is: clients must not take it for a 6."""


@set_module("invokeai_py_client.simulator")
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
        is_next = settings.rules == "7" and schemas is None
        self.version = NEXT_VERSION if is_next else self.schemas.version
        self.faults = Faults()
        self.cache = InvocationCache()
        self._listeners: list[Emit] = []
        root = settings.root
        if root is not None:
            root.mkdir(parents=True, exist_ok=True)
        self.database = Database(root / "simulator.db" if root else None)
        self.users = Users(
            self.database,
            multiuser=settings.multiuser,
            strict_passwords=settings.strict_passwords,
        )
        hooks = (self.cache.forget_image, self.faults.before_image_save)
        images = MediaFiles(root / "images" if root else None)
        videos = MediaFiles(root / "videos" if root else None)
        self.images = Images(self.database, images, *hooks)
        self.videos = Videos(self.database, videos, *hooks)
        self.gallery = Gallery(self.database)
        self.boards = Boards(self.database)
        self.models = Models(self.database, settings.models)
        self.model_folder = ModelFolder(root / "models" if root else None)
        self.workflows = Workflows(self.database, self.emit, self.schemas)
        self.style_presets = style_presets(self.database)
        self.system_prompts = system_prompts(self.database)
        self.client_state: defaultdict[str, dict[str, str]] = defaultdict(dict)
        self.downloads = BulkDownloads(self.images, self.boards, self.emit)
        self.installs = InstallJobs(self.models, self.model_folder, self.emit)
        self.queue = QueueState(
            self.database,
            self.emit,
            max_queue_size=settings.max_queue_size,
            round_robin=settings.multiuser,
            receipts=Receipts(self.database) if settings.rules == "7" else None,
        )
        self.operations = QueueOperations(self.queue)
        self.stand_ins: OrderedDict[str, Any] = OrderedDict()
        parts = {part.name: getattr(self, part.name) for part in fields(Services)}
        self.workers = Workers(
            [device["device"] for device in self.devices],
            Services(**parts),
            self.queue,
            self.operations,
            self.cache,
        )
        self.listen(self.workers.on_event)
        self.queue.cancel_interrupted()

    @property
    def devices(self) -> list[dict[str, str]]:
        """What jobs run on: the processor, or several graphics cards."""
        count = self.settings.devices
        if count == 1:
            return [{"device": "cpu", "name": "CPU"}]
        return [{"device": f"cuda:{n}", "name": "Simulated GPU"} for n in range(count)]

    def listen(self, listener: Emit) -> None:
        """Call a function with every event, in order; it must not block."""
        self._listeners.append(listener)

    def emit(self, event: str, payload: Mapping[str, Any]) -> None:
        """Send an event to every listener."""
        with self.database.lock:
            for listener in self._listeners:
                listener(event, payload)

    def start(self) -> None:
        """Start running jobs."""
        self.workers.start()

    def stop(self) -> None:
        """Stop running jobs; what is stored stays."""
        self.workers.stop()
        self.downloads.stop()
        self.installs.stop()
        self.model_folder.close()
        self.database.close()
