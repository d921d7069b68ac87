"""Run by the server's own Python: what becomes of a job that only calculates.

Reads a JSON list of graphs on standard input, runs each as the worker does, and prints
a list of verdicts: ``deadly`` (the finished job cannot be read again, which ends the
worker), ``fails``, ``stalls`` (nothing is left that can run), ``runs``.
"""

import importlib
import json
import logging
import pkgutil
import sys
import warnings

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)

from invokeai.app import invocations  # noqa: E402
from invokeai.app.services.shared.graph import (  # noqa: E402
    Graph,
    GraphExecutionState,
)


def run(session: GraphExecutionState) -> str:
    """Run every node that calculates; its verdict unless it cannot be read again."""
    while True:
        try:
            node = session.next()
            if node is None:
                return "runs" if session.is_complete() else "stalls"
            output = node.invoke(None)
            session.complete(node.id, output)
        except Exception as error:  # noqa: BLE001  as the worker does
            failed = getattr(error, "node", None) or node
            session.set_node_error(failed.id, str(error))
            return "fails"


def judge(graph: dict) -> str:
    """The verdict about one graph."""
    session = GraphExecutionState(graph=Graph.model_validate(graph))
    verdict = run(session)
    try:
        stored = session.model_dump_json(warnings=False, exclude_none=True)
        GraphExecutionState.model_validate_json(stored)
    except Exception:  # noqa: BLE001  whatever it is, it ends the worker
        return "deadly"
    return verdict


for module in pkgutil.iter_modules(invocations.__path__):
    if module.name != "custom_nodes":
        importlib.import_module(f"{invocations.__name__}.{module.name}")
output = sys.stdout
sys.stdout = sys.stderr  # Nodes that are imported may print.
json.dump([judge(graph) for graph in json.load(sys.stdin)], output)
