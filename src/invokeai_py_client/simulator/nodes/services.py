"""What jobs and their nodes use of the server."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from ..base.events import Emit
from ..base.faults import Faults
from ..base.settings import Settings
from ..graphs.node_schema import NodeSchemas
from ..media.boards import Boards
from ..media.images import Images
from ..media.videos import Videos
from ..models.models_inventory import Models
from ..program.auth import Users


@dataclass(frozen=True)
class Services:
    """The parts of the server that jobs use.

    Attributes:
        stand_ins: What is known of tensors that were never computed, by their names.
    """

    settings: Settings
    schemas: NodeSchemas
    faults: Faults
    emit: Emit
    users: Users
    images: Images
    videos: Videos
    boards: Boards
    models: Models
    stand_ins: OrderedDict[str, Any]
