"""The enumerations of the API: a refused value is reported with all its members."""

from __future__ import annotations

from enum import Enum

ImageCategory = Enum("ImageCategory", {
    "GENERAL": "general", "MASK": "mask", "CONTROL": "control", "USER": "user",
    "OTHER": "other",
}, type=str)  # fmt: skip
Origin = Enum("Origin", {"INTERNAL": "internal", "EXTERNAL": "external"}, type=str)
Direction = Enum("Direction", {"ASC": "ASC", "DESC": "DESC"}, type=str)
BoardOrder = Enum(
    "BoardOrder", {"CREATED_AT": "created_at", "BOARD_NAME": "board_name"}, type=str
)
Visibility = Enum("Visibility", {
    "PRIVATE": "private", "SHARED": "shared", "PUBLIC": "public",
}, type=str)  # fmt: skip
WorkflowCategory = Enum(
    "WorkflowCategory", {"USER": "user", "DEFAULT": "default"}, type=str
)
WorkflowOrder = Enum("WorkflowOrder", {
    "CREATED_AT": "created_at", "UPDATED_AT": "updated_at", "OPENED_AT": "opened_at",
    "NAME": "name", "IS_PUBLIC": "is_public",
}, type=str)  # fmt: skip
ModelOrder = Enum("ModelOrder", {
    "DEFAULT": "default", "TYPE": "type", "BASE": "base", "NAME": "name",
    "FORMAT": "format", "SIZE": "size", "CREATED_AT": "created_at",
    "UPDATED_AT": "updated_at", "PATH": "path",
}, type=str)  # fmt: skip
