"""What the queue holds under a batch id, compared with what was asked for. Pure.

Several copies of a batch can be in the queue: a lost reply made us send it twice, a
proxy delivered it late, or several people used one key at the same moment. All who
look have to come to the same choice, or they would remove each other's jobs. So the
copy with the lowest job number has the key, and every other copy is surplus.

A copy is told by the id of its graph, which the server keeps in each job's session:
`graph_id` makes it, and it says how many jobs the copy has. So a part of a copy, of
which the rest is missing, differs from a whole copy of a smaller batch.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from invokeai_py_client._core.events import mapping
from invokeai_py_client._job import IvkJob, JobStatus
from invokeai_py_client.nodes.template import UNSET
from invokeai_py_client.workflow.editor.loaded_workflow import FieldKey
from invokeai_py_client.workflow.jobs.batch_request import BatchRequest, known_values

Names = Mapping[str, str]
DefaultOf = Callable[[str, str], Any]
"""What a field of a node is where it is not given; `UNSET` when that is unknown."""


def no_default(*_: str) -> Any:
    """A `DefaultOf` that knows nothing."""
    return UNSET


def graph_id(own_id: str, requested: int) -> str:
    """The id of the graph of a batch that has a key."""
    return f"{own_id}:{requested}"


def _requested(found_id: Optional[str]) -> Optional[int]:
    number = (found_id or "").rpartition(":")[2]
    return int(number) if number.isdecimal() and len(number) < 10 else None


@dataclass(frozen=True)
class FoundJob:
    """A job under the batch id.

    Attributes:
        job: The job, with or without its session.
        graph: What was sent, with batch values in it; empty where it was not read.
    """

    job: IvkJob
    graph: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def copy(self) -> Optional[str]:
        """What the jobs of one copy have in common; None when it was not read."""
        found = self.graph.get("id")
        return found if isinstance(found, str) else None

    def values(self) -> Optional[dict[FieldKey, Any]]:
        """The batch values; None when another user may not see them."""
        return _by_place(known_values(self.job.field_values))


@dataclass(frozen=True)
class Difference:
    """A value that the jobs in the queue have, and the one that was asked for."""

    node_id: str
    field_name: str
    there: Any
    here: Any


@dataclass(frozen=True)
class Match:
    """The jobs that are there, sorted by what was asked for.

    Attributes:
        kept: Jobs by their place in the expansion.
        surplus: Jobs to remove.
        known: The numbers of those that stay, whether they count or not.
        copy: The copy that the kept jobs belong to; None when there is none.
        differences: Why the jobs are not those that were asked for.
        is_unseen: True when the values could not be compared.
    """

    kept: Mapping[int, FoundJob]
    surplus: tuple[FoundJob, ...] = ()
    known: frozenset[int] = frozenset()
    copy: Optional[str] = None
    differences: tuple[Difference, ...] = ()
    is_unseen: bool = False


def match_jobs(
    request: BatchRequest,
    found: Sequence[FoundJob],
    default_of: DefaultOf,
    same_media: Names,
) -> Match:
    """Compare what is in the queue with what was asked for.

    Args:
        request: What was asked for.
        found: The jobs under its batch id by their number, but for those it knows.
        default_of: What fields are that were not given.
        same_media: Images and videos of the request, by their names, and the names
            under which the same content is in the jobs that were found.
    """
    copies: dict[Optional[str], list[FoundJob]] = {}
    for item in found:
        # A retried job repeats one that is there.
        if item.job.retried_from_item_id is None:
            copies.setdefault(item.copy, []).append(item)
    live = [
        (copy, jobs)
        for copy, jobs in copies.items()
        if not _was_taken_back(jobs, _requested(copy) or request.requested)
    ]
    known = frozenset(item.job.item_id for item in found)
    if not live:
        return Match({}, known=known)
    copy, jobs = live[0]
    kept, left, odd = _Matching(request, jobs, same_media).assign()
    differences = [
        *_graph_differences(request, jobs[0], default_of, same_media),
        *odd,
    ]
    is_unseen = request.keyed and (copy is None or jobs[0].values() is None)
    # Of what cannot be seen nothing is added and nothing removed.
    there = len(jobs) if is_unseen else _requested(copy)
    if there not in (None, request.requested):
        differences.append(Difference("", "jobs", there, request.requested))
    surplus = (*left, *(item for _, others in live[1:] for item in others))
    return Match(
        kept=kept,
        surplus=surplus,
        known=known - {item.job.item_id for item in surplus},
        copy=copy,
        differences=tuple(differences),
        is_unseen=is_unseen,
    )


def _was_taken_back(jobs: Sequence[FoundJob], requested: int) -> bool:
    """True for a part that found the queue full and was cancelled: it never ran."""
    is_canceled = all(item.job.status is JobStatus.CANCELED for item in jobs)
    return is_canceled and len(jobs) < requested


class _Matching:
    """The jobs of one copy and the places of the expansion."""

    def __init__(
        self, request: BatchRequest, jobs: Sequence[FoundJob], same_media: Names
    ) -> None:
        self._request = request
        self._jobs = jobs
        self._same_media = same_media
        self._wanted = [_by_place(row) or {} for row in request.expansion()]
        places = {place for row in self._wanted[:1] for place in row}
        for item in jobs:
            places.update(item.values() or {})
        self._places = sorted(places - request.drawn)

    def assign(self) -> tuple[dict[int, FoundJob], list[FoundJob], list[Difference]]:
        """Jobs by place, those left over, and how the first odd one differs."""
        free: dict[str, deque[int]] = {}
        wanted = [self._key(self._request.graph, row) for row in self._wanted]
        for index, key in enumerate(wanted):
            free.setdefault(key, deque()).append(index)
        kept: dict[int, FoundJob] = {}
        left: list[FoundJob] = []
        differences: list[Difference] = []
        for item in self._jobs:
            values = item.values()
            key = "" if values is None else self._key(item.graph, values)
            if values is None:
                # Not to be seen: by its place.
                key = next((key for key in wanted if free[key]), "")
            if free.get(key):
                kept[free[key].popleft()] = item
                continue
            left.append(item)
            if key not in free and not differences:
                place = min(len(kept), len(wanted) - 1)
                differences = list(self._differ(item, self._wanted[place]))
        return dict(sorted(kept.items())), left, differences

    def _key(self, graph: Mapping[str, Any], row: Mapping[FieldKey, Any]) -> str:
        values = [_value_at(graph, row, place) for place in self._places]
        return json.dumps(_plain(values, self._same_media), sort_keys=True)

    def _differ(
        self, item: FoundJob, wanted: Mapping[FieldKey, Any]
    ) -> Iterator[Difference]:
        for place in self._places:
            there = _value_at(item.graph, item.values() or {}, place)
            here = _value_at(self._request.graph, wanted, place)
            if not _same(there, here, self._same_media):
                yield Difference(*place, there, here)


def _graph_differences(
    request: BatchRequest,
    item: FoundJob,
    default_of: DefaultOf,
    same_media: Names,
) -> Iterator[Difference]:
    """How a job's graph differs, but for what batch data puts into it."""
    graphs = (item.graph, request.graph)
    there, here = (mapping(graph.get("nodes")) for graph in graphs)
    if not there:
        return
    for node_id in dict.fromkeys([*here, *there]):
        if node_id not in there or node_id not in here:
            types = (mapping(a.get(node_id)).get("type") for a in (there, here))
            yield Difference(node_id, "", *types)
    edges_there, edges_here = _edges(item.graph), _edges(request.graph)
    for place in dict.fromkeys([*edges_here, *edges_there]):
        if edges_there.get(place) != edges_here.get(place):
            yield Difference(*place, edges_there.get(place), edges_here.get(place))
    row = _by_place(next(iter(request.expansion()), ())) or {}
    passed_over = {*row, *(item.values() or {}), *request.drawn, *edges_here}
    for node_id in (key for key in here if key in there):
        given, sent = here[node_id], mapping(there[node_id])
        # A field that the server does not show is one that it does not have.
        for name in sent:
            wanted = given.get(name, default_of(node_id, name))
            if (node_id, name) in passed_over or name == "id" or wanted is UNSET:
                continue
            is_left_out = name not in given and sent[name] is None
            if not is_left_out and not _same(sent[name], wanted, same_media):
                yield Difference(node_id, name, sent[name], given.get(name))


def _same(there: Any, here: Any, same_media: Names) -> bool:
    """Whether the server's value is the one that was sent, which it may complete."""
    if isinstance(here, Mapping) and isinstance(there, Mapping):
        return all(_same(there.get(key), here[key], same_media) for key in here)
    if isinstance(here, (list, tuple)) and isinstance(there, (list, tuple)):
        return len(there) == len(here) and all(
            _same(*pair, same_media) for pair in zip(there, here)
        )
    if isinstance(here, str):
        return bool(there == same_media.get(here, here))
    return bool(there == here)


def _plain(value: Any, same_media: Names) -> Any:
    """A value so that equal ones look alike: 1.0 as 1, nothing for None."""
    if isinstance(value, Mapping):
        items = value.items()
        return {
            str(key): _plain(item, same_media)
            for key, item in items
            if item is not None
        }
    if isinstance(value, (list, tuple)):
        return [_plain(item, same_media) for item in value]
    if isinstance(value, bool) or (isinstance(value, float) and value.is_integer()):
        return int(value)
    return same_media.get(value, value) if isinstance(value, str) else value


def _value_at(
    graph: Mapping[str, Any], row: Mapping[FieldKey, Any], place: FieldKey
) -> Any:
    if place in row:
        return row[place]
    return mapping(mapping(graph.get("nodes")).get(place[0])).get(place[1])


def _by_place(values: Any) -> Optional[dict[FieldKey, Any]]:
    if values is None:
        return None
    return {(item["node_path"], item["field_name"]): item["value"] for item in values}


def _edges(graph: Mapping[str, Any]) -> dict[FieldKey, str]:
    """What feeds each field: in a collector several do."""
    found: dict[FieldKey, list[str]] = {}
    for edge in graph.get("edges") or ():
        ends = (mapping(mapping(edge).get(end)) for end in ("source", "destination"))
        source, target = ((str(e.get("node_id")), str(e.get("field"))) for e in ends)
        found.setdefault(target, []).append(".".join(source))
    return {place: ", ".join(sorted(sources)) for place, sources in found.items()}
