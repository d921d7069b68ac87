"""One batch as it is sent, and what its jobs must look like in the queue.

The server expands a batch as run by run, then the product of the groups with the last
group varying fastest, and inside a group the lists side by side
(docs/dev/running.md). Knowing that order identifies a job by its place.
"""

from __future__ import annotations

import itertools
import math
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Optional

# A fixed namespace: the parts of a batch always have the same ids.
_PARTS = uuid.UUID("0f5d4c7c-3d53-5f0e-8a4e-6d1f5f0c9b21")

FieldValues = tuple[Mapping[str, Any], ...]
"""One mapping of ``node_path``, ``field_name`` and ``value`` for each value."""


def next_part(batch_id: str, parts: Collection[str]) -> str:
    """The id of a batch's next part, which follows from its own id.

    Args:
        batch_id: The id of the whole.
        parts: Those that there are; other ids among them do not matter.
    """
    ids = (str(uuid.uuid5(_PARTS, f"{batch_id} {n}")) for n in itertools.count(1))
    return next(part for part in ids if part not in parts)


def known_values(stored: Any) -> Optional[FieldValues]:
    """A job's batch values as the queue lists them; None when it does not say."""
    if not isinstance(stored, list):
        return None
    return tuple(
        value
        for value in stored
        if isinstance(value, Mapping)
        and isinstance(value.get("node_path"), str)
        and isinstance(value.get("field_name"), str)
        and "value" in value
    )


@dataclass(frozen=True)
class BatchRequest:
    """A batch with the id under which its jobs will be found again.

    Attributes:
        batch_id: Made by the client, so that it is known even if no reply comes.
        known: Jobs that had this batch id before; never taken for ours.
        keyed: The batch id was made of the caller's key: jobs may be there already,
            and others may use it at the same moment.
        drawn: The (node, field) whose values were drawn at random, not asked for.
        idempotency_key: Sent where the server's batches have one: the same key never
            enqueues twice.
        parts: Ids of further batches that may have jobs of this one: on a server where
            no two batches share an id, what is sent later has another.
        tag: Origin and destination of the jobs. Those of the GUI would make it take
            the jobs for its own.
    """

    batch_id: str
    graph: Mapping[str, Any] = field(repr=False)
    data: Sequence[Sequence[Mapping[str, Any]]] = field(default=(), repr=False)
    runs: int = 1
    workflow: Optional[Mapping[str, Any]] = field(default=None, repr=False)
    prepend: bool = False
    queue_id: str = "default"
    known: frozenset[int] = frozenset()
    keyed: bool = False
    drawn: frozenset[tuple[str, str]] = frozenset()
    tag: str = "ivk"
    idempotency_key: Optional[str] = None
    parts: tuple[str, ...] = ()

    @property
    def batch_ids(self) -> tuple[str, ...]:
        """Every batch that has jobs of this one."""
        return (self.batch_id, *self.parts)

    @property
    def requested(self) -> int:
        """How many jobs the server will make of it."""
        return self.runs * math.prod(_length(group) for group in self.data)

    def body(self) -> dict[str, Any]:
        """The body of ``enqueue_batch``: the GUI's, but for ids and tag."""
        batch: dict[str, Any] = {
            "batch_id": self.batch_id,
            "graph": self.graph,
            "workflow": self.workflow,
            "runs": self.runs,
            "origin": self.tag,
            "destination": self.tag,
            "data": self.data,
        }
        if self.idempotency_key is not None:
            batch["idempotency_key"] = self.idempotency_key
        return {"prepend": self.prepend, "batch": batch}

    def expansion(self) -> list[FieldValues]:
        """The batch values of every job, in the order of their item ids."""
        groups = [_rows(group) for group in self.data]
        once = [
            tuple(itertools.chain.from_iterable(rows))
            for rows in itertools.product(*groups)
        ]
        return once * self.runs

    def rest(
        self, indices: Sequence[int], known: Iterable[int], graph_id: str
    ) -> BatchRequest:
        """The jobs of the batch at these places of the expansion, in this order.

        A part of a product is in general no product, so it is written as one zipped
        group; a batch without data is only a number of runs. Where batches have keys,
        it is a batch of its own: its key is not that of the whole.

        Args:
            indices: The places.
            known: Jobs that have the batch id already.
            graph_id: Marks the jobs as part of the same copy.
        """
        expansion = self.expansion()
        rows = [expansion[index] for index in indices]
        graph = {**self.graph, "id": graph_id}
        part = replace(self, graph=graph, known=self.known | frozenset(known))
        if self.idempotency_key is not None:
            own = next_part(self.batch_id, self.parts)
            part = replace(part, batch_id=own, idempotency_key=own, parts=())
        if not any(rows):
            return replace(part, runs=len(rows))
        columns = [
            {
                "node_path": value["node_path"],
                "field_name": value["field_name"],
                "items": [row[column]["value"] for row in rows],
            }
            for column, value in enumerate(rows[0])
        ]
        return replace(part, data=[columns], runs=1)


def _length(group: Sequence[Mapping[str, Any]]) -> int:
    return min((len(datum["items"]) for datum in group), default=0)


def _rows(group: Sequence[Mapping[str, Any]]) -> list[FieldValues]:
    return [
        tuple(
            {
                "node_path": datum["node_path"],
                "field_name": datum["field_name"],
                "value": datum["items"][row],
            }
            for datum in group
        )
        for row in range(_length(group))
    ]
