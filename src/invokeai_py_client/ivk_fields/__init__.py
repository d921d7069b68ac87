"""Typed values of workflow inputs, and the registry that chooses their class."""

from __future__ import annotations

from invokeai_py_client._exports import set_module as _set_module
from invokeai_py_client.ivk_fields.base import (
    IvkField as IvkField,
)
from invokeai_py_client.ivk_fields.color import (
    IvkColorField as IvkColorField,
)
from invokeai_py_client.ivk_fields.enum import (
    IvkEnumField as IvkEnumField,
    IvkSchedulerField as IvkSchedulerField,
    canonical_scheduler as canonical_scheduler,
)
from invokeai_py_client.ivk_fields.generator import (
    FloatArithmeticSequence as FloatArithmeticSequence,
    FloatLinearDistribution as FloatLinearDistribution,
    FloatParseString as FloatParseString,
    FloatRandomUniform as FloatRandomUniform,
    GeneratorConfig as GeneratorConfig,
    ImagesFromBoard as ImagesFromBoard,
    IntegerArithmeticSequence as IntegerArithmeticSequence,
    IntegerLinearDistribution as IntegerLinearDistribution,
    IntegerParseString as IntegerParseString,
    IntegerRandomUniform as IntegerRandomUniform,
    IvkFloatGeneratorField as IvkFloatGeneratorField,
    IvkImageGeneratorField as IvkImageGeneratorField,
    IvkIntegerGeneratorField as IvkIntegerGeneratorField,
    IvkStringGeneratorField as IvkStringGeneratorField,
    StringDynamicPromptsCombinatorial as StringDynamicPromptsCombinatorial,
    StringDynamicPromptsRandom as StringDynamicPromptsRandom,
    StringParseString as StringParseString,
)
from invokeai_py_client.ivk_fields.media import (
    IvkImageCollectionField as IvkImageCollectionField,
    IvkImageField as IvkImageField,
    IvkVideoCollectionField as IvkVideoCollectionField,
    IvkVideoField as IvkVideoField,
)
from invokeai_py_client.ivk_fields.model import (
    IvkLoRAField as IvkLoRAField,
    IvkModelIdentifierField as IvkModelIdentifierField,
)
from invokeai_py_client.ivk_fields.references import (
    BoardReference as BoardReference,
    ImageReference as ImageReference,
    ModelReference as ModelReference,
    Reference as Reference,
    StylePresetReference as StylePresetReference,
    SystemPromptReference as SystemPromptReference,
    VideoReference as VideoReference,
    WorkflowReference as WorkflowReference,
    find_references as find_references,
    replace_references as replace_references,
)
from invokeai_py_client.ivk_fields.registry import (
    FieldRegistry as FieldRegistry,
    field_registry as field_registry,
)
from invokeai_py_client.ivk_fields.resource import (
    IvkBoardField as IvkBoardField,
    IvkSavedWorkflowField as IvkSavedWorkflowField,
    IvkStylePresetField as IvkStylePresetField,
    IvkSystemPromptField as IvkSystemPromptField,
)
from invokeai_py_client.ivk_fields.scalar import (
    IvkBooleanCollectionField as IvkBooleanCollectionField,
    IvkBooleanField as IvkBooleanField,
    IvkFloatCollectionField as IvkFloatCollectionField,
    IvkFloatField as IvkFloatField,
    IvkIntegerCollectionField as IvkIntegerCollectionField,
    IvkIntegerField as IvkIntegerField,
    IvkStringCollectionField as IvkStringCollectionField,
    IvkStringField as IvkStringField,
)
from invokeai_py_client.ivk_fields.template_field import (
    IvkRawField as IvkRawField,
    IvkUnknownField as IvkUnknownField,
)

__all__ = sorted(
    name
    for name, value in vars().items()
    if not name.startswith("_")
    and getattr(value, "__module__", "").startswith("invokeai_py_client")
)

for _name in __all__:
    _kind = globals()[_name]
    if isinstance(_kind, type) and _kind.__module__.startswith(__name__):
        _set_module(__name__)(_kind)
