"""Jobs that no workflow of ours made: of the GUI's Generate tab, or a graph alone."""

from __future__ import annotations

import uuid

import pytest

pytestmark = pytest.mark.live

NOISE = {"type": "noise", "width": 64, "height": 64, "use_cache": False}
BLANK = {
    "id": "blank",
    "type": "blank_image",
    "width": 24,
    "height": 8,
    "use_cache": False,
    "is_intermediate": False,
}


def edge(source, destination):
    ends = zip(("source", "destination"), (source, destination))
    return {end: {"node_id": node, "field": name} for end, (node, name) in ends}


def submitted(client, nodes, edges=(), **more):
    graph = {
        "id": str(uuid.uuid4()),
        "nodes": {node["id"]: node for node in nodes},
        "edges": list(edges),
    }
    batch = {"batch_id": str(uuid.uuid4()), "graph": graph, "runs": 1, **more}
    client.request("post", "/api/v1/queue/default/enqueue_batch", json={"batch": batch})
    return client.queue_repo.get_submission(batch["batch_id"])


def test_values_and_seeds_are_those_of_the_graph_that_ran(live_client):
    nodes = [BLANK, {**NOISE, "id": "noise", "seed": 7}]
    result = submitted(live_client, nodes).wait(timeout=60)
    assert result.seeds == (7,)
    (job,) = result.jobs
    assert job.seeds == {"noise.seed": 7}
    assert (job.values["blank.width"], job.values["blank.height"]) == (24, 8)
    assert "blank.id" not in job.values


def test_batch_values_and_what_edges_bring_are_told_as_they_were(live_client):
    nodes = [
        {"id": "random", "type": "rand_int", "low": 5, "high": 6, "use_cache": False},
        {**NOISE, "id": "fed", "seed": 1},
        {**NOISE, "id": "listed", "seed": 2},
    ]
    data = [[{"node_path": "listed", "field_name": "seed", "items": [11, 12]}]]
    edges = [edge(("random", "value"), ("fed", "seed"))]
    result = submitted(live_client, nodes, edges, data=data).wait(timeout=60)
    assert [job.seeds for job in result] == [
        {"fed.seed": 5, "listed.seed": 11},
        {"fed.seed": 5, "listed.seed": 12},
    ]
    assert [job.values["listed.seed"] for job in result] == [11, 12]
