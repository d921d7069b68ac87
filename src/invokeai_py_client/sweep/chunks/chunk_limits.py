"""How many items one batch takes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from invokeai_py_client.sweep.chunks.prepare_chunk import ChunkItem
from invokeai_py_client.sweep.planning.plain_values import canonical_json
from invokeai_py_client.workflow.checking.edge_values import MAX_JOBS, MAX_RESULTS
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle

# Around each value of a list: a comma, and the two limits that pin a seed.
_AROUND = 8


@dataclass(frozen=True)
class ChunkLimits:
    """The most of one batch.

    Attributes:
        items: What is lost at most with one batch.
        jobs: As many as are calculated one by one when they are checked; a server's
            queue takes ten times as many.
        payload: Bytes of the request: the server's proxy may refuse larger ones, and
            the ledger keeps it.
    """

    items: int = 200
    jobs: int = MAX_JOBS
    payload: int = 4 << 20


def fitting(
    handle: BaseWorkflowHandle,
    items: Sequence[ChunkItem],
    limits: ChunkLimits,
    jobs_per_item: int = 1,
) -> int:
    """How many of the items, from the first on, go into one batch; at least one.

    Args:
        handle: The workflow, which is sent twice: as graph, and to be embedded.
        items: Items of one part.
        limits: The most of one batch.
        jobs_per_item: As the last chunk had it; `PreparedChunk.jobs_per_item`.
    """
    # Beyond these, what edges bring is not calculated any more.
    jobs = min(limits.jobs, MAX_RESULTS // max(len(handle._loaded.nodes), 1))
    most = max(min(len(items), limits.items, jobs // max(jobs_per_item, 1)), 1)
    room = limits.payload - 2 * len(canonical_json(handle.definition.document).encode())
    for count, item in enumerate(items[:most]):
        cells = [canonical_json(value).encode() for value in item.values.values()]
        # A pinned seed is two values.
        room -= sum(2 * len(cell) + _AROUND for cell in cells)
        if room < 0:
            return max(count, 1)
    return most
