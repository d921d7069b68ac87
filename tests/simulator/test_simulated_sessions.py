"""Sessions of the simulator end as those of the real server do."""

from __future__ import annotations

from typing import Any

import pytest
from edge_cases import EDGE_CASES

from invokeai_py_client.simulator.graphs.node_schema import bundled_schemas
from invokeai_py_client.simulator.nodes.node_api import (
    IMPLEMENTATIONS,
    check_required,
)
from invokeai_py_client.simulator.session.if_branches import SkippedConditionError
from invokeai_py_client.simulator.session.session import NodeInputError, Session
from invokeai_py_client.simulator.session.session_state import blank_session

SCHEMAS = bundled_schemas()


def ended(session: Session) -> str:
    """Run every node as the worker does; how the job ends."""
    while True:
        try:
            node = session.next_node()
            if node is None:
                return "runs" if session.is_complete() else "stalls"
            if session.refuses_poison:
                session.refuse_unreadable(node)
        except (NodeInputError, SkippedConditionError) as error:
            session.errors[error.node.id] = str(error)
            return "fails"
        try:
            check_required(node, SCHEMAS)
            fields = IMPLEMENTATIONS[node.type](node, None)
            output = SCHEMAS.output_class_of(node.type)(**fields)
            if session.refuses_poison:
                session.refuse_result(node, output)
            session.complete(node.id, output)
        except Exception as error:  # noqa: BLE001 -- any error of a node fails its job
            session.errors[node.id] = repr(error)
            return "fails"


CALCULATED = [
    name
    for name, (_, graph) in EDGE_CASES.items()
    if all(node["type"] in IMPLEMENTATIONS for node in graph["nodes"].values())
]


def load(graph: dict[str, Any]) -> Session:
    return Session.load(blank_session("session", graph), SCHEMAS)


@pytest.mark.parametrize("case", CALCULATED)
def test_a_job_ends_as_on_the_real_server(case: str) -> None:
    verdict, graph = EDGE_CASES[case]
    session = load(graph)
    found = ended(session)
    if verdict == "deadly":
        with pytest.raises(ValueError, match=r"condition|valid|required|digits"):
            session.check_readable()
    else:
        session.check_readable()
        assert found == verdict


@pytest.mark.parametrize("case", CALCULATED)
def test_what_would_end_the_worker_fails_its_job_unless_imitated(case: str) -> None:
    verdict, graph = EDGE_CASES[case]
    session = load(graph)
    session.refuses_poison = True
    found = ended(session)
    session.check_readable()
    assert found == ("fails" if verdict == "deadly" else verdict)
