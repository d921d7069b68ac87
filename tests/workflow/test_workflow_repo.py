"""Where workflows come from: files, images, dicts and the server's library."""

from __future__ import annotations

import json

import pytest
from queue_double import QueueDouble, drive, reply
from workflow_builder import definition, document, node

from invokeai_py_client.exceptions import (
    QueueError,
    WorkflowError,
    WorkflowFormatError,
    WorkflowNotFoundError,
)
from invokeai_py_client.queue.queue_repo import QueueRepository
from invokeai_py_client.workflow.workflow_repo import WorkflowRepository

LIBRARY = [
    {"workflow_id": "default_1", "name": "Portrait", "category": "default"},
    {"workflow_id": "own_1", "name": "Portrait", "category": "user"},
    {"workflow_id": "own_2", "name": "Twin", "category": "user"},
    {"workflow_id": "own_3", "name": "Twin", "category": "user"},
    {"workflow_id": "own_4", "name": "Caller", "category": "user"},
]


def blank(width=8):
    made = node("b", "blank_image", {"width": width}, is_intermediate=False)
    return document([made], form=[("b", "width")])


class LibraryDouble:
    """A library in memory."""

    def __init__(self):
        self.queue = QueueDouble()
        self.params = []
        self.workflows = {"own_1": blank(16), "default_1": blank(24)}
        self.queue.extra_routes["/api/v1/workflows/i/"] = self.saved
        self.queue.extra_routes["/api/v1/workflows/"] = self.listing
        self.queue.extra_routes["/api/v1/app/version"] = lambda request: {
            "version": "6.14.2"
        }

    def saved(self, request):
        found = self.workflows.get(request.path.split("/")[-1])
        if found is None:
            return reply(request, 404, b'{"detail": "Workflow not found"}')
        return {"workflow_id": "x", "name": "x", "workflow": found}

    def listing(self, request):
        self.params.append(dict(request.params))
        return {"items": LIBRARY, "total": len(LIBRARY)}

    def run(self, flow):
        return drive(flow, self.queue)


@pytest.fixture
def server():
    return LibraryDouble()


@pytest.fixture
def repo(server, tmp_path):
    return WorkflowRepository(server, "http://server", cache_dir=tmp_path / "cache")


def test_a_file_a_definition_and_a_dict_need_no_server(server, repo, tmp_path):
    path = tmp_path / "blank.json"
    path.write_text(json.dumps(blank()))
    sources = [path, str(path), definition([node("b", "blank_image")]), blank()]
    for source in sources:
        assert repo.load(source)._loaded.nodes["b"].type == "blank_image"
    assert server.queue.requests == []


def test_a_name_of_the_library_prefers_the_user_s_own(repo):
    assert repo.load("Portrait")["width"] == 16
    assert repo.load("portrait")["width"] == 16
    assert repo.load("default_1")["width"] == 24


def test_a_name_that_several_have_asks_for_an_id(repo):
    with pytest.raises(WorkflowError, match="own_2, own_3"):
        repo.load("Twin")


def test_an_unknown_name_suggests_near_ones(repo):
    with pytest.raises(WorkflowError, match="did you mean 'Portrait'"):
        repo.load("Portrat")


@pytest.mark.parametrize("source", [None, 7, ["portrait.json"]])
def test_what_can_be_no_workflow_is_told_by_its_type(repo, source):
    with pytest.raises(WorkflowFormatError, match=f"a {type(source).__name__} "):
        repo.load(source)


def test_a_missing_file_is_not_looked_up_in_the_library(server, repo):
    with pytest.raises((WorkflowFormatError, FileNotFoundError)):
        repo.load("portrait.json")
    assert server.queue.requests == []


def test_the_library_is_listed_with_its_filters(server, repo):
    records = repo.list_workflows(categories=["user"], tags=["a"], query="por")
    assert [record.name for record in records][:2] == ["Portrait", "Portrait"]
    assert server.params == [
        {
            "categories": ["user"],
            "tags": ["a"],
            "query": "por",
            "order_by": "name",
            "direction": "ASC",
        }
    ]
    assert repo.find_workflow("own_2").name == "Twin"
    assert repo.find_workflow("nothing") is None
    with pytest.raises(WorkflowNotFoundError, match="own_9"):
        repo.get_workflow("own_9")


def test_inputs_of_a_called_workflow_are_there_after_loading(server, repo):
    server.workflows["own_4"] = document(
        [node("c", "call_saved_workflow", {"workflow_id": "own_1"})]
    )
    handle = repo.load("own_4")
    fields = handle._loaded.nodes["c"].dynamic_inputs
    assert list(fields) == ["saved_workflow_input::b::width"]


def test_a_submission_found_again_knows_the_names_of_its_workflow(server, repo):
    finder = repo._submission_flow
    queue_repo = QueueRepository(server, find_submission=finder)
    item = server.queue.add("batch-1", workflow=blank())
    server.queue.rows[item]["session"] = {
        "id": "s",
        "graph": {"nodes": {"b": {"id": "b", "type": "blank_image", "width": 8}}},
    }
    server.queue.move(item, "completed")
    found = queue_repo.get_submission("batch-1")
    assert [job.item_id for job in found.jobs] == [item]
    assert found.wait().jobs[0].values == {"width": 8}
    with pytest.raises(QueueError, match="no jobs of a submission 'batch-2'"):
        queue_repo.get_submission("batch-2")


@pytest.mark.parametrize("workflow", [None, {"nodes": 7}, "text"])
def test_a_submission_without_a_readable_workflow_is_found_too(server, repo, workflow):
    item = server.queue.add("batch-1", workflow=workflow)
    server.queue.move(item, "completed")
    queue_repo = QueueRepository(server, find_submission=repo._submission_flow)
    assert queue_repo.get_submission("batch-1").wait().jobs[0].values == {}
