"""Reading a finished job: what its session says about outputs, values and seeds.

The session is the truth about a job. It holds two graphs: the one that was sent (with
the batch's values) and the prepared one, in which nodes inside a loop appear once per
iteration under new ids and every input holds the value that the node really used, also
where an edge supplied it. Results are stored by prepared id.

Pure: a JSON object in, frozen records out. Everything in the object is optional,
because a session may be redacted (another user's job), empty (cancelled while
pending) or written by another version.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from invokeai_py_client._core.events import mapping
from invokeai_py_client._core.tracker import REDACTED
from invokeai_py_client.workflow.jobs.batch_request import FieldValues, known_values
from invokeai_py_client.workflow.jobs.result_names import NamedPlace, ResultNames
from invokeai_py_client.workflow.results.iteration_paths import iteration_paths

IMAGE, VIDEO = "image_name", "video_name"

# Most of what JSON holds, and nothing that could name an image in its depth.
_LEAVES = (str, int, float, type(None))


@dataclass(frozen=True)
class NodeRun:
    """One execution of a node: nodes inside a loop run once per iteration.

    Attributes:
        path: Place in the loops around it: ``(0,)``, nested ``(0, 2)``, else empty.
    """

    node_id: str
    node_type: str
    path: tuple[int, ...]
    result: Mapping[str, Any]


@dataclass(frozen=True)
class JobRecord:
    """A job as its session describes it, before its images are looked up.

    Attributes:
        runs: Executions that have a result, nodes in the order in which they first
            ran, iterations in loop order.
        values: What the inputs were, by name; a tuple where iterations differ.
        given: Images and videos that the graph itself names: not made by this job.
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
    given: frozenset[str] = frozenset()
    final_nodes: Sequence[str] = ()


class _Session:
    """Typed look-ups into a session's JSON."""

    def __init__(self, data: Any) -> None:
        session = mapping(data)
        self.id = session.get("id")
        self.nodes = mapping(mapping(session.get("graph")).get("nodes"))
        self.edges = mapping(session.get("graph")).get("edges")
        execution = mapping(session.get("execution_graph"))
        self.prepared = mapping(execution.get("nodes"))
        self.results = mapping(session.get("results"))
        self.errors = mapping(session.get("errors"))
        self.source_of = mapping(session.get("prepared_source_mapping"))
        told = session.get("prepared_iteration_paths")
        if told is None and self.prepared:
            told = iteration_paths(
                self.prepared,
                _links(execution.get("edges")),
                self.nodes,
                _links(self.edges),
                self.source_of,
            )
        self._paths = mapping(told)

    def path(self, prepared_id: str) -> tuple[int, ...]:
        """The node's place in its loops; empty outside of loops."""
        path = self._paths.get(prepared_id)
        if not isinstance(path, (list, tuple)):
            return ()
        return tuple(step for step in path if isinstance(step, int))

    def in_loop_order(self, prepared_ids: Iterable[str]) -> list[str]:
        """Iterations in order: by their paths, else as the server prepared them."""
        place = {prepared_id: index for index, prepared_id in enumerate(self.prepared)}
        return sorted(
            prepared_ids, key=lambda key: (self.path(key), place.get(key, len(place)))
        )

    def source(self, prepared_id: str) -> str:
        """The workflow's node behind a prepared one."""
        return str(self.source_of.get(prepared_id, prepared_id))

    def type_of(self, node_id: str) -> str:
        """The node's invocation type; empty when unknown."""
        return str(mapping(self.nodes.get(node_id)).get("type") or "")

    def iterations(self, node_id: str) -> list[str]:
        """The prepared ids of a node, in loop order."""
        return self.in_loop_order(
            key for key, source in self.source_of.items() if source == node_id
        )


def read_job(item: Mapping[str, Any], result_names: ResultNames) -> JobRecord:
    """Read a whole queue item, as ``GET i/{id}`` returns it."""
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
        values=_values(session, result_names, field_values),
        seeds=dict(_named(session, result_names.seeds)),
        given=frozenset(
            name for key in (IMAGE, VIDEO) for name in media_names(session.nodes, key)
        ),
        final_nodes=list(_final_nodes(session)),
    )


def media_names(value: Any, key: str) -> Iterator[str]:
    """What `key` names in a value, at any depth, in order: images or videos."""
    # By hand: a hostile answer may be nested deeper than Python calls itself.
    rest = [value]
    while rest:
        value = rest.pop()
        if isinstance(value, Mapping):
            name = value.get(key)
            if isinstance(name, str):
                yield name
            else:
                rest.extend(_branches(value.values()))
        elif isinstance(value, (list, tuple)):
            rest.extend(_branches(value))


def _branches(values: Iterable[Any]) -> list[Any]:
    return [value for value in values if not isinstance(value, _LEAVES)][::-1]


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
                result=mapping(session.results[prepared_id]),
            )


def _final_nodes(session: _Session) -> Iterator[str]:
    edges = session.edges if isinstance(session.edges, list) else []
    feeding = {mapping(mapping(edge).get("source")).get("node_id") for edge in edges}
    ran = dict.fromkeys(session.source(prepared_id) for prepared_id in session.results)
    return (node_id for node_id in ran if node_id not in feeding)


def _values(
    session: _Session, result_names: ResultNames, field_values: FieldValues
) -> dict[str, Any]:
    if result_names.inputs:
        return dict(_named(session, result_names.inputs))
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
        mapping(session.prepared.get(key)) for key in session.iterations(place.node_id)
    ]
    ran = [node for node in iterations if place.field_name in node]
    for node in ran or [mapping(session.nodes.get(place.node_id))]:
        if place.field_name in node:
            yield node[place.field_name]


def _first_error(session: _Session) -> Optional[str]:
    error = next(iter(session.errors.values()), None)
    return error if isinstance(error, str) else None


def _links(edges: Any) -> list[tuple[str, str]]:
    """The edges of a graph, as pairs of node ids."""
    pairs = (
        (
            mapping(mapping(edge).get("source")).get("node_id"),
            mapping(mapping(edge).get("destination")).get("node_id"),
        )
        for edge in (edges if isinstance(edges, list) else [])
    )
    return [(start, end) for start, end in pairs if start and end]
