"""From a batch to its sessions: every run, every combination of values."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from itertools import chain, islice, product
from typing import Any

from ..graphs.batch import Batch
from .session_state import blank_session

FieldValue = dict[str, Any]


def requested_count(batch: Batch) -> int:
    """How many sessions the batch asks for."""
    count = batch.runs
    for group in batch.data or ():
        count *= len(group[0].items) if group else 0
    return count


def combinations(batch: Batch) -> Iterator[list[FieldValue]]:
    """The field values of each session, in the order of the sessions.

    Runs are outermost, the last group varies fastest, and the fields of one group
    advance together.
    """
    groups = []
    for group in batch.data or ():
        fields = []
        for datum in group:
            place = {"node_path": datum.node_path, "field_name": datum.field_name}
            fields.append([{**place, "value": _plain(item)} for item in datum.items])
        groups.append(list(zip(*fields)))
    for _ in range(batch.runs):
        for combination in product(*groups):
            yield list(chain.from_iterable(combination))


def _plain(item: Any) -> Any:
    if isinstance(item, list):
        return [_plain(part) for part in item]
    return item.model_dump() if hasattr(item, "model_dump") else item


def expand(
    batch: Batch, maximum: int
) -> Iterator[tuple[dict[str, Any], list[FieldValue]]]:
    """The stored sessions of a batch with their field values, at most `maximum`.

    Each session dictionary is valid only until the next one is yielded.
    """
    graph = batch.graph.model_dump(mode="json", exclude_none=True)
    for values in islice(combinations(batch), max(maximum, 0)):
        for value in values:
            graph["nodes"][value["node_path"]][value["field_name"]] = value["value"]
        yield blank_session(str(uuid.uuid4()), graph), values
