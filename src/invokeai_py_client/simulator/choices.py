"""Values of which the API takes only some, as the enumerations the server has."""

from __future__ import annotations

from enum import Enum


class ImageCategory(str, Enum):
    """What an image is to the gallery."""

    GENERAL = "general"
    MASK = "mask"
    CONTROL = "control"
    USER = "user"
    OTHER = "other"


class Origin(str, Enum):
    """Who made an image."""

    INTERNAL = "internal"
    EXTERNAL = "external"


class Direction(str, Enum):
    """The order of a list."""

    ASC = "ASC"
    DESC = "DESC"


class BoardOrder(str, Enum):
    """By what boards are ordered."""

    CREATED_AT = "created_at"
    BOARD_NAME = "board_name"


class Visibility(str, Enum):
    """Who sees a board."""

    PRIVATE = "private"
    SHARED = "shared"
    PUBLIC = "public"


class WorkflowCategory(str, Enum):
    """Whether a workflow is the user's or came with the server."""

    USER = "user"
    DEFAULT = "default"


class WorkflowOrder(str, Enum):
    """By what workflows are ordered."""

    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"
    OPENED_AT = "opened_at"
    NAME = "name"
    IS_PUBLIC = "is_public"


class ModelOrder(str, Enum):
    """By what models are ordered."""

    DEFAULT = "default"
    TYPE = "type"
    BASE = "base"
    NAME = "name"
    FORMAT = "format"
    SIZE = "size"
    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"
    PATH = "path"
