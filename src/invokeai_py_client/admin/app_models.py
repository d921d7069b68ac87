"""What the server says about itself: frozen snapshots."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, ClassVar, Optional

from pydantic import Field

from invokeai_py_client._exports import set_module
from invokeai_py_client._snapshot import Snapshot


@set_module("invokeai_py_client.admin")
class LogLevel(IntEnum):
    """How much the server writes into its log, as Python's `logging` counts."""

    NOTSET = 0
    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40
    CRITICAL = 50


@set_module("invokeai_py_client.admin")
class RuntimeConfig(Snapshot):
    """The server's settings.

    Attributes:
        config: Every setting with its value, secrets masked by the server.
        set_fields: Names of those that do not come from the defaults.
    """

    _SET: ClassVar[str] = "app_repo.update_runtime_config(…) changes it on the server"

    config: dict[str, Any] = Field(default_factory=dict)
    set_fields: list[str] = Field(default_factory=list)


@set_module("invokeai_py_client.admin")
class GenerationDevice(Snapshot):
    """Something jobs can run on.

    Attributes:
        device: Such as ``"cuda:0"``, ``"mps"`` or ``"cpu"``.
        name: What its maker calls it.
    """

    device: str
    name: str = ""


@set_module("invokeai_py_client.admin")
class ExternalProviderStatus(Snapshot):
    """A paid service that makes images, and whether the server has a key for it."""

    provider_id: str
    configured: bool = False
    message: Optional[str] = None


@set_module("invokeai_py_client.admin")
class ExternalProvider(Snapshot):
    """How the server reaches a paid service; without the key.

    Attributes:
        base_url: Its address; None for the service's own.
    """

    provider_id: str
    api_key_configured: bool = False
    base_url: Optional[str] = None


@set_module("invokeai_py_client.admin")
class InvocationCache(Snapshot):
    """The cache of node results, which lets equal nodes reuse a result.

    Attributes:
        size: Results in it.
        max_size: Results it may hold; 0 when the server was started without it.
    """

    size: int = 0
    hits: int = 0
    misses: int = 0
    enabled: bool = False
    max_size: int = 0


@set_module("invokeai_py_client.admin")
class FontFace(Snapshot):
    """One file of a font.

    Attributes:
        path: What `get_font` takes.
        weight: From 1 to 1000; 400 is regular, 700 bold.
        style: ``"normal"`` or ``"italic"``.
    """

    path: str
    url: str = ""
    weight: int = 400
    style: str = "normal"


@set_module("invokeai_py_client.admin")
class Font(Snapshot):
    """A font in the server's fonts folder.

    Attributes:
        path: Of its most regular face.
    """

    id: str
    family: str = ""
    label: str = ""
    path: str = ""
    url: str = ""
    faces: list[FontFace] = Field(default_factory=list)
