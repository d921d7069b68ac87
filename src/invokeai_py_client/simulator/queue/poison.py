"""Batch values that their field cannot take.

The real server stores them and then cannot read the session again: the item stays
pending and blocks everything behind it. A dry run should report it earlier.
"""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from ..base.errors import ApiError, error_details
from ..graphs.batch import Batch
from ..graphs.node_schema import NodeSchemas
from ..session.batch_expansion import combinations


def refuse_poison(batch: Batch, schemas: NodeSchemas) -> None:
    """Check what every job would put into its graph."""
    if not batch.data:
        return
    nodes = {
        node_id: node.model_dump(mode="json", exclude_none=True)
        for node_id, node in batch.graph.nodes.items()
    }
    seen: set[str] = set()
    problems: list[dict[str, Any]] = []
    for values in combinations(batch.model_copy(update={"runs": 1})):
        changed: dict[str, dict[str, Any]] = {}
        for value in values:
            fields = changed.setdefault(value["node_path"], {})
            fields[value["field_name"]] = value["value"]
        for node_id, fields in changed.items():
            identity = repr((node_id, fields))
            if identity not in seen:
                seen.add(identity)
                problems += _problems(schemas, nodes[node_id], node_id, fields)
    if problems:
        raise ApiError(422, problems)


def _problems(
    schemas: NodeSchemas, node: dict[str, Any], node_id: str, fields: dict[str, Any]
) -> list[dict[str, Any]]:
    place = ("body", "batch", "data", node_id)
    for key in ("id", "type"):
        if key in fields and fields[key] != node[key]:
            return [
                {
                    "type": "simulator_poison",
                    "loc": [*place, key],
                    "msg": f"a batch value for '{key}' makes the job unreadable",
                    "input": fields[key],
                }
            ]
    try:
        schemas.node_class(node["type"]).model_validate({**node, **fields})
    except ValidationError as error:
        return error_details(error, place)
    return []
