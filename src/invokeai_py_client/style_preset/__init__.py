"""Style presets, which the GUI calls prompt templates."""

from __future__ import annotations

from invokeai_py_client.style_preset.async_style_preset_repo import (
    AsyncStylePresetRepository,
)
from invokeai_py_client.style_preset.models import (
    PresetPrompts,
    StylePreset,
    StylePresetType,
)
from invokeai_py_client.style_preset.style_preset_repo import StylePresetRepository

__all__ = [
    "AsyncStylePresetRepository",
    "PresetPrompts",
    "StylePreset",
    "StylePresetRepository",
    "StylePresetType",
]
