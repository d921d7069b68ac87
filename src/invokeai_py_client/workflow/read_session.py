"""Reading a finished job: what its session says about outputs, values and seeds.

The session is the truth about a job. It holds two graphs: the one that was sent (with
the batch's values) and the prepared one, in which nodes inside a loop appear once per
iteration under new ids and every input holds what the node really got, also where an
edge supplied it. Results are filed under prepared ids.

Pure: a JSON object in, frozen records out. Everything in the object is optional,
because a session may be redacted (another user's job), empty (cancelled while
pending) or written by another version.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from invokeai_py_client.workflow.iteration_paths import iteration_paths
from invokeai_py_client.workflow.legend import Legend, NamedPlace
from invokeai_py_client.workflow.orders import FieldValues

__all__ = [
    "JobRecord",
    "NodeRun",
    "image_names",
    "known_values",
    "read_job",
    "video_names",
]

REDACTED = "redacted"


@dataclass(frozen=True)
class NodeRun:
    """One execution of a node: nodes inside a loop run once per iteration.

    Attributes:
        node_id: The workflow's node.
        node_type: Its invocation type; ``""`` when unknown.
        path: Place in the loops around it: ``(0,)``, nested ``(0, 2)``, else empty.
        result: The output object as the server has it.
    """

    node_id: str
    node_type: str
    path: tuple[int, ...]
    result: Mapping[str, Any]


@dataclass(frozen=True)
class JobRecord:
    """A job as its session tells it, before its images are looked up.

    Attributes:
        runs: Executions that gave a result, nodes in the order in which they first
            ran, iterations in loop order.
        values: What the inputs were, by name; a tuple where iterations differ.
        seeds: What the seeds were, likewise.
        given_images: Image names that the graph itself holds: not made by this job.
        given_videos: Video names likewise.
        final_nodes: Nodes whose output no other node takes, in the order they ran.
    """

    item_id: int
    status: str
    field_values: FieldValues = ()
    session_id: Optional[str] = None
    error_type: Optional[str] = None
    error_message: Optional[str] = None
    error_traceback: Optional[str] = None
    failed_node: Optional[str] = None
    failed_type: Optional[str] = None
    runs: Sequence[NodeRun] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    seeds: Mapping[str, Any] = field(default_factory=dict)
    given_images: frozenset[str] = frozenset()
    given_videos: frozenset[str] = frozenset()
    final_nodes: Sequence[str] = ()


class _Session:
    """Typed look-ups into a session's JSON."""

    def __init__(self, data: Any) -> None:
        session = _mapping(data)
        self.id = session.get("id")
        self.nodes = _mapping(_mapping(session.get("graph")).get("nodes"))
        self.edges = _mapping(session.get("graph")).get("edges")
        execution = _mapping(session.get("execution_graph"))
        self.prepared = _mapping(execution.get("nodes"))
        self.results = _mapping(session.get("results"))
        self.errors = _mapping(session.get("errors"))
        self.source_of = _mapping(session.get("prepared_source_mapping"))
        told = session.get("prepared_iteration_paths")
        if told is None and self.prepared:
            told = iteration_paths(
                self.prepared,
                _links(execution.get("edges")),
                self.nodes,
                _links(self.edges),
                self.source_of,
            )
        self._paths = _mapping(told)

    def path(self, prepared_id: str) -> tuple[int, ...]:
        """The node's place in its loops; empty outside of loops."""
        path = self._paths.get(prepared_id)
        if not isinstance(path, (list, tuple)):
            return ()
        return tuple(step for step in path if isinstance(step, int))

    def in_loop_order(self, prepared_ids: Iterable[str]) -> list[str]:
        """Iterations in order: by their paths, else as the server prepared them.

        The mapping from a node to its iterations is a set and has no order.
        """
        place = {prepared_id: index for index, prepared_id in enumerate(self.prepared)}
        return sorted(
            prepared_ids, key=lambda key: (self.path(key), place.get(key, len(place)))
        )

    def source(self, prepared_id: str) -> str:
        """The workflow's node behind a prepared one."""
        return str(self.source_of.get(prepared_id, prepared_id))

    def type_of(self, node_id: str) -> str:
        """The node's invocation type; empty when unknown."""
        return str(_mapping(self.nodes.get(node_id)).get("type") or "")

    def iterations(self, node_id: str) -> list[str]:
        """The prepared ids of a node, in loop order."""
        return self.in_loop_order(
            key for key, source in self.source_of.items() if source == node_id
        )


def read_job(item: Mapping[str, Any], legend: Legend) -> JobRecord:
    """Read a whole queue item, as ``GET i/{id}`` gives it."""
    session = _Session(item.get("session"))
    failed = next(iter(session.errors), None)
    failed_node = session.source(failed) if failed is not None else None
    field_values = known_values(item.get("field_values")) or ()
    return JobRecord(
        item_id=item["item_id"],
        status=str(item.get("status")),
        field_values=field_values,
        session_id=session.id if session.id != REDACTED else None,
        error_type=item.get("error_type"),
        error_message=item.get("error_message") or _first_error(session),
        error_traceback=item.get("error_traceback"),
        failed_node=failed_node,
        failed_type=session.type_of(failed_node) if failed_node else None,
        runs=list(_runs(session)),
        values=_values(session, legend, field_values),
        seeds=dict(_named(session, legend.seeds)),
        given_images=frozenset(
            name for node in session.nodes.values() for name in image_names(node)
        ),
        given_videos=frozenset(
            name for node in session.nodes.values() for name in video_names(node)
        ),
        final_nodes=list(_final_nodes(session)),
    )


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


def image_names(value: Any) -> Iterator[str]:
    """Names of all images in a value, at any depth, in order."""
    return _media_names(value, "image_name")


def video_names(value: Any) -> Iterator[str]:
    """Names of all videos in a value, at any depth, in order."""
    return _media_names(value, "video_name")


def _media_names(value: Any, key: str) -> Iterator[str]:
    # By hand: a hostile answer may be nested deeper than Python calls itself.
    rest = [value]
    while rest:
        value = rest.pop()
        if isinstance(value, Mapping):
            name = value.get(key)
            if isinstance(name, str):
                yield name
            else:
                rest.extend(reversed(list(value.values())))
        elif isinstance(value, (list, tuple)):
            rest.extend(reversed(value))


def _runs(session: _Session) -> Iterator[NodeRun]:
    by_node: dict[str, list[str]] = {}
    for prepared_id in session.results:
        by_node.setdefault(session.source(prepared_id), []).append(prepared_id)
    for node_id, prepared_ids in by_node.items():
        for prepared_id in session.in_loop_order(prepared_ids):
            yield NodeRun(
                node_id=node_id,
                node_type=session.type_of(node_id),
                path=session.path(prepared_id),
                result=_mapping(session.results[prepared_id]),
            )


def _final_nodes(session: _Session) -> Iterator[str]:
    edges = session.edges if isinstance(session.edges, list) else []
    feeding = {_mapping(_mapping(edge).get("source")).get("node_id") for edge in edges}
    ran = dict.fromkeys(session.source(prepared_id) for prepared_id in session.results)
    return (node_id for node_id in ran if node_id not in feeding)


def _values(
    session: _Session, legend: Legend, field_values: FieldValues
) -> dict[str, Any]:
    if legend.inputs:
        return dict(_named(session, legend.inputs))
    # The workflow is not known: at least what varied between the jobs.
    places = [
        NamedPlace(
            f"{value['node_path']}.{value['field_name']}",
            value["node_path"],
            value["field_name"],
        )
        for value in field_values
    ]
    return dict(_named(session, places))


def _named(
    session: _Session, places: Sequence[NamedPlace]
) -> Iterator[tuple[str, Any]]:
    for place in places:
        values = list(_executed(session, place))
        if values:
            same = all(value == values[0] for value in values)
            yield place.name, values[0] if same else tuple(values)


def _executed(session: _Session, place: NamedPlace) -> Iterator[Any]:
    """What a field was in each execution of its node; the sent literal if none ran."""
    iterations = [
        _mapping(session.prepared.get(key)) for key in session.iterations(place.node_id)
    ]
    ran = [node for node in iterations if place.field_name in node]
    for node in ran or [_mapping(session.nodes.get(place.node_id))]:
        if place.field_name in node:
            yield node[place.field_name]


def _first_error(session: _Session) -> Optional[str]:
    error = next(iter(session.errors.values()), None)
    return error if isinstance(error, str) else None


def _links(edges: Any) -> list[tuple[str, str]]:
    """The edges of a graph, as pairs of node ids."""
    pairs = (
        (
            _mapping(_mapping(edge).get("source")).get("node_id"),
            _mapping(_mapping(edge).get("destination")).get("node_id"),
        )
        for edge in (edges if isinstance(edges, list) else [])
    )
    return [(start, end) for start, end in pairs if start and end]


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
