"""Recall: parameters for the GUI's generation panel."""

from __future__ import annotations

from invokeai_py_client.recall.async_recall_repo import AsyncRecallRepository
from invokeai_py_client.recall.models import (
    RecallControlLayer,
    RecallIPAdapter,
    RecallLoRA,
    RecallParameters,
    RecallReferenceImage,
    RecallResult,
)
from invokeai_py_client.recall.recall_repo import RecallRepository

__all__ = [
    "AsyncRecallRepository",
    "RecallControlLayer",
    "RecallIPAdapter",
    "RecallLoRA",
    "RecallParameters",
    "RecallReferenceImage",
    "RecallRepository",
    "RecallResult",
]
