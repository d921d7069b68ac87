"""Prompts on the server: style presets, system prompts, variants, recall."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invokeai_py_client._exports import lazy_exports

if TYPE_CHECKING:
    from invokeai_py_client._aio.prompt import (
        AsyncPromptRepository as AsyncPromptRepository,
    )
    from invokeai_py_client._aio.recall import (
        AsyncRecallRepository as AsyncRecallRepository,
    )
    from invokeai_py_client._aio.style_preset import (
        AsyncStylePresetRepository as AsyncStylePresetRepository,
    )
    from invokeai_py_client._aio.system_prompt import (
        AsyncSystemPromptRepository as AsyncSystemPromptRepository,
    )
    from invokeai_py_client.prompts.prompt import (
        DynamicPrompts as DynamicPrompts,
        ExpandedPrompt as ExpandedPrompt,
        PromptRepository as PromptRepository,
    )
    from invokeai_py_client.prompts.recall import (
        RecallControlLayer as RecallControlLayer,
        RecallIPAdapter as RecallIPAdapter,
        RecallLoRA as RecallLoRA,
        RecallParameters as RecallParameters,
        RecallReferenceImage as RecallReferenceImage,
        RecallRepository as RecallRepository,
        RecallResult as RecallResult,
    )
    from invokeai_py_client.prompts.style_preset import (
        PresetPrompts as PresetPrompts,
        StylePreset as StylePreset,
        StylePresetRepository as StylePresetRepository,
        StylePresetType as StylePresetType,
    )
    from invokeai_py_client.prompts.system_prompt import (
        SystemPrompt as SystemPrompt,
        SystemPromptRepository as SystemPromptRepository,
    )
else:
    _HOMES = {
        "_aio.prompt": "AsyncPromptRepository",
        "_aio.recall": "AsyncRecallRepository",
        "_aio.style_preset": "AsyncStylePresetRepository",
        "_aio.system_prompt": "AsyncSystemPromptRepository",
        "prompts.prompt": "DynamicPrompts ExpandedPrompt PromptRepository",
        "prompts.recall": (
            "RecallControlLayer RecallIPAdapter RecallLoRA RecallParameters "
            "RecallReferenceImage RecallRepository RecallResult"
        ),
        "prompts.style_preset": (
            "PresetPrompts StylePreset StylePresetRepository StylePresetType"
        ),
        "prompts.system_prompt": "SystemPrompt SystemPromptRepository",
    }
    __getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
