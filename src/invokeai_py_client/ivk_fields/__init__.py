"""Typed values of workflow inputs, and the registry that chooses their class."""

from __future__ import annotations

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
from invokeai_py_client.ivk_fields.generator_configs import (
    FloatArithmeticSequence,
    FloatLinearDistribution,
    FloatParseString,
    FloatRandomUniform,
    ImagesFromBoard,
    IntegerArithmeticSequence,
    IntegerLinearDistribution,
    IntegerParseString,
    IntegerRandomUniform,
    StringDynamicPromptsCombinatorial,
    StringDynamicPromptsRandom,
    StringParseString,
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
from invokeai_py_client.ivk_fields.references import (
    BoardReference,
    ImageReference,
    ModelReference,
    Reference,
    StylePresetReference,
    SystemPromptReference,
    VideoReference,
    WorkflowReference,
    find_references,
    replace_references,
)
from invokeai_py_client.ivk_fields.registry import FieldRegistry, field_registry
from invokeai_py_client.ivk_fields.resource import (
    IvkSavedWorkflowField,
    IvkStylePresetField,
    IvkSystemPromptField,
)
from invokeai_py_client.ivk_fields.scheduler import (
    IvkSchedulerField,
    canonical_scheduler,
)
from invokeai_py_client.ivk_fields.text import IvkBooleanField, IvkStringField

__all__ = [
    "BoardReference",
    "FieldRegistry",
    "FloatArithmeticSequence",
    "FloatLinearDistribution",
    "FloatParseString",
    "FloatRandomUniform",
    "ImageReference",
    "ImagesFromBoard",
    "IntegerArithmeticSequence",
    "IntegerLinearDistribution",
    "IntegerParseString",
    "IntegerRandomUniform",
    "IvkBoardField",
    "IvkBooleanCollectionField",
    "IvkBooleanField",
    "IvkColorField",
    "IvkEnumField",
    "IvkField",
    "IvkFloatCollectionField",
    "IvkFloatField",
    "IvkFloatGeneratorField",
    "IvkImageCollectionField",
    "IvkImageField",
    "IvkImageGeneratorField",
    "IvkIntegerCollectionField",
    "IvkIntegerField",
    "IvkIntegerGeneratorField",
    "IvkLoRAField",
    "IvkModelIdentifierField",
    "IvkRawField",
    "IvkSavedWorkflowField",
    "IvkSchedulerField",
    "IvkStringCollectionField",
    "IvkStringField",
    "IvkStringGeneratorField",
    "IvkStylePresetField",
    "IvkSystemPromptField",
    "IvkUnknownField",
    "IvkVideoCollectionField",
    "IvkVideoField",
    "ModelReference",
    "Reference",
    "StringDynamicPromptsCombinatorial",
    "StringDynamicPromptsRandom",
    "StringParseString",
    "StylePresetReference",
    "SystemPromptReference",
    "VideoReference",
    "WorkflowReference",
    "canonical_scheduler",
    "field_registry",
    "find_references",
    "replace_references",
]
