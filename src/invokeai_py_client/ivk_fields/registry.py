"""Which class a field gets: a list of rules, the newest first.

```python
undo = field_registry.register(
    lambda info: info.get("type") == "CustomField",
    lambda info: IvkCustomField(value=info.get("value", "")),
)
```

A `field_info` has these keys: ``type`` (the template's type name), ``name``, ``value``
(absent when unset), ``label``, ``node_type``, ``cardinality``, ``required`` and
``template`` (an `InputTemplate`; None for a field that nothing is known of). Where
known it also has ``node_id`` and ``input_index``, which error messages then name.

Packages add rules through the entry point group ``invokeai_py_client.fields``: each
entry point is a callable that is given the registry, once, before it first builds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import metadata
from typing import Any, Optional

from invokeai_py_client.exceptions import FieldValidationError
from invokeai_py_client.ivk_fields.base import IvkField
from invokeai_py_client.ivk_fields.board import IvkBoardField
from invokeai_py_client.ivk_fields.choice import IvkEnumField
from invokeai_py_client.ivk_fields.collection import (
    IvkBooleanCollectionField,
    IvkFloatCollectionField,
    IvkIntegerCollectionField,
    IvkStringCollectionField,
)
from invokeai_py_client.ivk_fields.color import IvkColorField
from invokeai_py_client.ivk_fields.generator import (
    IvkFloatGeneratorField,
    IvkImageGeneratorField,
    IvkIntegerGeneratorField,
    IvkStringGeneratorField,
)
from invokeai_py_client.ivk_fields.lora import IvkLoRAField
from invokeai_py_client.ivk_fields.media import (
    IvkImageCollectionField,
    IvkImageField,
    IvkVideoCollectionField,
    IvkVideoField,
)
from invokeai_py_client.ivk_fields.model import IvkModelIdentifierField
from invokeai_py_client.ivk_fields.number import IvkFloatField, IvkIntegerField
from invokeai_py_client.ivk_fields.raw import IvkRawField, IvkUnknownField
from invokeai_py_client.ivk_fields.resource import (
    IvkSavedWorkflowField,
    IvkStylePresetField,
    IvkSystemPromptField,
)
from invokeai_py_client.ivk_fields.scheduler import IvkSchedulerField
from invokeai_py_client.ivk_fields.template_field import TemplateField
from invokeai_py_client.ivk_fields.text import IvkBooleanField, IvkStringField

FieldInfo = Mapping[str, Any]
Detect = Callable[[FieldInfo], bool]
Build = Callable[[FieldInfo], IvkField[Any]]

ENTRY_POINT_GROUP = "invokeai_py_client.fields"

SINGLE: Mapping[str, type[TemplateField[Any]]] = {
    "BoardField": IvkBoardField,
    "BooleanField": IvkBooleanField,
    "ColorField": IvkColorField,
    "EnumField": IvkEnumField,
    "FloatField": IvkFloatField,
    "FloatGeneratorField": IvkFloatGeneratorField,
    "ImageField": IvkImageField,
    "ImageGeneratorField": IvkImageGeneratorField,
    "IntegerField": IvkIntegerField,
    "IntegerGeneratorField": IvkIntegerGeneratorField,
    "LoRAField": IvkLoRAField,
    "ModelIdentifierField": IvkModelIdentifierField,
    "SavedWorkflowField": IvkSavedWorkflowField,
    "SchedulerField": IvkSchedulerField,
    "StringField": IvkStringField,
    "StringGeneratorField": IvkStringGeneratorField,
    "StylePresetField": IvkStylePresetField,
    "SystemPromptField": IvkSystemPromptField,
    "VideoField": IvkVideoField,
    "MetadataExtraField": IvkRawField,
}
COLLECTION: Mapping[str, type[TemplateField[Any]]] = {
    "BooleanField": IvkBooleanCollectionField,
    "FloatField": IvkFloatCollectionField,
    "ImageField": IvkImageCollectionField,
    "IntegerField": IvkIntegerCollectionField,
    "LoRAField": IvkLoRAField,
    "StringField": IvkStringCollectionField,
    "VideoField": IvkVideoCollectionField,
    "ControlNetMetadataField": IvkRawField,
    "IPAdapterMetadataField": IvkRawField,
    "LoRAMetadataField": IvkRawField,
    "T2IAdapterMetadataField": IvkRawField,
}


def builtin_class(
    type_name: Optional[str], cardinality: str = "SINGLE"
) -> type[TemplateField[Any]]:
    """The built-in class of a type; `IvkUnknownField` for what takes no value."""
    table = COLLECTION if cardinality == "COLLECTION" else SINGLE
    return table.get(type_name or "", IvkUnknownField)


def build_builtin(info: FieldInfo) -> IvkField[Any]:
    """The built-in field of a `field_info`; its value is kept as it is."""
    template = info.get("template")
    kind = builtin_class(info.get("type"), info.get("cardinality") or "SINGLE")
    # An edge only, whatever the type: a value would never be looked at.
    if template is not None and template.input == "connection":
        kind = IvkUnknownField
    return kind.from_info(info)


class FieldRegistry:
    """Rules that choose a field's class, the newest first, the built-in ones last."""

    def __init__(self) -> None:
        self._rules: list[tuple[Detect, Build]] = []
        self._pending_entry_points = False

    def register(self, detect_fn: Detect, build_fn: Build) -> Callable[[], None]:
        """Add a rule that goes before all others.

        Args:
            detect_fn: True for a `field_info` that `build_fn` is for. What it raises
                is not caught.
            build_fn: Makes the field. A value that the field refuses is kept raw.

        Returns:
            A function that takes the rule back; calling it again does nothing.

        Raises:
            TypeError: One of them cannot be called.
        """
        for role, function in (("detect_fn", detect_fn), ("build_fn", build_fn)):
            if not callable(function):
                raise TypeError(f"{role} must be a function, got {function!r}")
        # A plug-in's rules are older than those of the program that uses it.
        self._load_entry_points()
        rule = (detect_fn, build_fn)
        self._rules.insert(0, rule)

        def undo() -> None:
            self._rules = [other for other in self._rules if other is not rule]

        return undo

    def build(self, field_info: FieldInfo) -> IvkField[Any]:
        """The field of an input, bound to its place.

        A value that the field would refuse does not raise: it is kept and shows in
        the field's `problems()`.

        Raises:
            TypeError: The rule's `build_fn` gave something that is no `IvkField`.
        """
        self._load_entry_points()
        build_fn: Build = build_builtin
        for detect_fn, candidate in self._rules:
            if detect_fn(field_info):
                build_fn = candidate
                break
        field = _built(build_fn, field_info)
        if not isinstance(field, IvkField):
            raise TypeError(
                f"build_fn must give an IvkField, but for {field_info.get('name')!r} "
                f"({field_info.get('type')}) it gave {field!r}"
            )
        field.bind(
            node_id=field_info.get("node_id"),
            field_name=field_info.get("name"),
            input_index=field_info.get("input_index"),
            label=field_info.get("label") or None,
            template=field_info.get("template"),
            type_name=field_info.get("type"),
        )
        return field

    def copy(self) -> FieldRegistry:
        """An independent registry with the same rules, for tests."""
        self._load_entry_points()
        other = FieldRegistry()
        other._rules = list(self._rules)
        return other

    def load_entry_points_later(self) -> FieldRegistry:
        """Let installed packages add rules before the first use; returns itself."""
        self._pending_entry_points = True
        return self

    def _load_entry_points(self) -> None:
        if not self._pending_entry_points:
            return
        # Off before loading: a package may register while it is imported.
        self._pending_entry_points = False
        for entry_point in _entry_points():
            entry_point.load()(self)


def _built(build_fn: Build, info: FieldInfo) -> IvkField[Any]:
    try:
        return build_fn(info)
    except FieldValidationError:
        if "value" not in info:
            raise
    # The file's value is refused: the field without it, holding the raw value.
    without = {key: value for key, value in info.items() if key != "value"}
    try:
        kind = type(build_fn(without))
    except FieldValidationError:
        return IvkRawField.from_info(info)
    return kind.holding(info["value"])


def _entry_points() -> tuple[metadata.EntryPoint, ...]:
    if sys.version_info >= (3, 10):
        return tuple(metadata.entry_points(group=ENTRY_POINT_GROUP))
    else:
        return tuple(metadata.entry_points().get(ENTRY_POINT_GROUP, ()))


field_registry: FieldRegistry = FieldRegistry().load_entry_points_later()
