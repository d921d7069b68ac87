"""Items of a plan: one set of values each, which makes one image or more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from invokeai_py_client._exports import set_module


@set_module("invokeai_py_client.sweep")
@dataclass(frozen=True)
class SweepItem:
    """One item of a plan.

    Attributes:
        index: Its place in the plan, from 0.
        key: Its identity, unique in the plan and the same each time it is planned.
        values: The values that it sets, by the inputs' names; ``node.field`` beyond
            the form, ``seed`` for a seed that every node gets.
    """

    index: int
    key: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class PlannedItem:
    """One item as the ledger keeps it.

    Attributes:
        index: Its place in the plan, from 0.
        key: Its identity.
        values: Canonical JSON of its plain values; see `plain_values`.
        part: Digest of what cannot be batch data: only items of the same part can
            be sent in one batch.
    """

    index: int
    key: str
    values: str
    part: str
