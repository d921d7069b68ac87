"""Things of the server that a node names: style presets, system prompts, workflows.

A text shaped like an id is taken for one; any other is a name and looked up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from invokeai_py_client.ivk_fields.faults import Fault, shown, text_faults
from invokeai_py_client.ivk_fields.references import (
    Reference,
    StylePresetReference,
    SystemPromptReference,
    WorkflowReference,
)
from invokeai_py_client.ivk_fields.template_field import RefusedError, TemplateField

# The server's ids are UUIDs; those of workflows that come with it have a prefix.
ID = re.compile(
    r"(default_)?[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}",
    re.IGNORECASE,
)


def _text_of(value: Any, key: str, allowed: str) -> str:
    """The id or name in a text, a mapping or an object."""
    text = value
    if isinstance(value, Mapping):
        text = value.get(key, value.get("id"))
    elif not isinstance(value, str):
        text = getattr(value, key, None)
    if not isinstance(text, str) or not text.strip():
        raise RefusedError("type", f"must be {allowed}, got {shown(value)}", allowed)
    return text.strip()


class _ResourceField(TemplateField[Any]):
    KEY: ClassVar[str]
    REFERENCE: ClassVar[Callable[[str], Reference]]
    ALLOWED: ClassVar[str]

    def _accept(self, value: Any) -> Any:
        if isinstance(value, Reference):
            return value
        text = _text_of(value, self.KEY, self.ALLOWED)
        if isinstance(value, str) and not ID.fullmatch(text):
            return type(self).REFERENCE(text)
        return {self.KEY: text}

    def _wire_faults(self, value: Any) -> Iterator[Fault]:
        if isinstance(value, Reference):
            return
        text = value.get(self.KEY) if isinstance(value, Mapping) else None
        if not isinstance(text, str) or not text.strip():
            yield Fault("type", f"must have {self.KEY}, got {shown(value)}")

    @property
    def allowed(self) -> str:
        """What is taken."""
        return self.ALLOWED


class IvkStylePresetField(_ResourceField):
    """A style preset by id, name or record."""

    TYPE: ClassVar[str] = "StylePresetField"
    KEY: ClassVar[str] = "style_preset_id"
    REFERENCE: ClassVar[Callable[[str], Reference]] = StylePresetReference
    ALLOWED: ClassVar[str] = "a style preset's id or name"


class IvkSystemPromptField(_ResourceField):
    """A system prompt by id, name or record."""

    TYPE: ClassVar[str] = "SystemPromptField"
    KEY: ClassVar[str] = "system_prompt_id"
    REFERENCE: ClassVar[Callable[[str], Reference]] = SystemPromptReference
    ALLOWED: ClassVar[str] = "a system prompt's id or name"


class IvkSavedWorkflowField(TemplateField[Any]):
    """A workflow of the server's library by id, name or record.

    The wire has the id alone; ``""``, the value of a fresh node, names none.
    """

    TYPE: ClassVar[str] = "SavedWorkflowField"

    def _accept(self, value: Any) -> Any:
        if value == "" or isinstance(value, Reference):
            return value
        text = _text_of(value, "workflow_id", self.allowed)
        if isinstance(value, str) and not ID.fullmatch(text):
            return WorkflowReference(text)
        return text

    def _wire_faults(self, value: Any) -> Iterator[Fault]:
        if not isinstance(value, Reference):
            yield from text_faults(value, self.limits)

    @property
    def allowed(self) -> str:
        """What is taken."""
        return "a saved workflow's id or name"
