"""`create=True`: the board that results go to is made when there is none."""

from __future__ import annotations

import pytest
from paths import PORTRAIT

from invokeai_py_client import BoardError, FieldValidationError, InvokeAIClient
from invokeai_py_client.simulator import SimulatedServer

VALUES = {"model": "Simulated SD 1.5", "width": 64, "height": 64, "steps": 2}


@pytest.fixture
def client():
    with SimulatedServer() as server, InvokeAIClient(server.url) as made:
        yield made


@pytest.fixture
def handle(client):
    return client.workflow_repo.load(PORTRAIT)


def names(client):
    return [board.board_name for board in client.board_repo.list_boards()]


def test_the_board_is_made_once_and_used_again(client, handle):
    with pytest.raises(BoardError):
        handle.run(VALUES, board="New")
    for _ in range(2):
        result = handle.run(VALUES, board="New", create=True)
        assert names(client) == ["New"]
        board = client.board_repo.list_boards()[0]
        assert result.image.board_id == board.board_id


def test_an_unknown_board_is_told_with_the_other_problems(client, handle):
    wrong = {**VALUES, "model": "nonsense"}
    with pytest.raises(FieldValidationError) as caught:
        handle.submit(wrong, board="Nwe")
    kinds = [problem.kind for problem in caught.value.problems]
    assert kinds == ["board", "unresolved"]
    assert "board='Nwe'" in str(caught.value)
    # Also with what only compiling finds, here a width that only the graph has.
    handle.set_node_value("denoise_latents", "cfg_scale", 0.5)
    for call in (handle.submit, handle.run):
        with pytest.raises(FieldValidationError) as caught:
            call(VALUES, board="Nwe")
        kinds = [problem.kind for problem in caught.value.problems]
        assert kinds[0] == "board"
        assert len(kinds) == 2
    assert client.queue_repo.list_jobs() == []


def test_refused_values_leave_no_board_behind(client, handle):
    with pytest.raises(FieldValidationError):
        handle.submit({**VALUES, "model": "nonsense"}, board="New", create=True)
    assert names(client) == []


def test_several_workflows_make_one_board(client, handle):
    options = {**VALUES, "board": "New", "create": True}
    client.submit_many([(handle, options)] * 4)
    assert names(client) == ["New"]
