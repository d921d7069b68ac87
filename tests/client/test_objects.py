"""The objects that users hold: true, closed, copied and pickled as one expects."""

from __future__ import annotations

import copy
import pickle
import traceback

import pytest
from paths import PORTRAIT

import invokeai_py_client
from invokeai_py_client import (
    AsyncInvokeAIClient,
    FieldValidationError,
    InvokeAIClient,
    InvokeAIError,
    JobFailedError,
)
from invokeai_py_client.simulator import SimulatedServer

VALUES = {"model": "Simulated SD 1.5", "width": 64, "height": 64, "steps": 2}


@pytest.fixture(scope="module")
def server():
    with SimulatedServer() as running:
        yield running


@pytest.fixture(scope="module")
def client(server):
    with InvokeAIClient(server.url) as made:
        yield made


@pytest.fixture
def handle(client):
    return client.workflow_repo.load(PORTRAIT)


@pytest.fixture(scope="module")
def result(client):
    return client.workflow_repo.load(PORTRAIT).run(VALUES, runs=2, seed="random")


@pytest.fixture
def board(client):
    return client.board_repo.create_board("Objects")


# -- true, and agreeing with themselves ----------------------------------------------


def test_handles_submissions_and_results_are_true(client, handle, result, board):
    empty = handle.submit(VALUES)
    object.__setattr__(empty, "_record", copy.copy(empty._record))
    object.__setattr__(empty._record, "jobs", ())
    assert len(empty) == 0
    for thing in (client, handle, result, board, empty, type(result)("id", ())):
        assert thing


def test_a_submission_without_jobs_is_not_taken_for_another_one(handle):
    handle.submit(VALUES)
    empty = handle.submit(VALUES)
    object.__setattr__(empty, "_record", copy.copy(empty._record))
    object.__setattr__(empty._record, "jobs", ())
    assert handle.wait_for_completion(empty, timeout=30).jobs == ()


@pytest.mark.parametrize(
    "key",
    [
        "steps", "Positive Prompt", "positive prompt", 3, ("noise", "seed"), "prompt",
        "nonsense", 99, -1, None, ("noise", "nope"), 1.5, ["steps"], "",
    ],
    ids=repr,
)  # fmt: skip
def test_in_and_brackets_agree(handle, key):
    for mapping in (handle, handle.inputs):
        try:
            mapping[key]
        except KeyError:
            assert key not in mapping
        else:
            assert key in mapping


def test_a_result_is_iterable_over_its_jobs_and_sized(result):
    assert list(result) == list(result.jobs)
    assert len(result) == 2


# -- closed ----------------------------------------------------------------------------


def test_an_unknown_attribute_is_refused_and_says_what_to_write(handle, client, board):
    with pytest.raises(AttributeError, match=r'write handle\["steps"\] = '):
        handle.steps = 3
    with pytest.raises(AttributeError, match=r"InvokeAIClient\(url, timeout=…\)"):
        client.timeout = 3
    with pytest.raises(AttributeError, match="no attribute 'name' to set"):
        board.name = "x"
    with pytest.raises(AttributeError):
        handle.submit(VALUES).key = "x"


async def test_an_unknown_attribute_is_refused_on_asyncio_too(server):
    async with AsyncInvokeAIClient(server.url) as client:
        with pytest.raises(AttributeError, match="no attribute 'timeout' to set"):
            client.timeout = 3
        handle = await client.workflow_repo.load(PORTRAIT)
        with pytest.raises(AttributeError, match=r'handle\["steps"\]'):
            handle.steps = 3


@pytest.mark.parametrize("kind", [InvokeAIClient, AsyncInvokeAIClient])
def test_a_repository_names_its_server_and_is_closed(kind):
    client = kind("http://host:9090/prefix", token="s3cr3t")
    names = [name for name in dir(kind) if name.endswith("_repo")]
    assert len(names) > 10
    for name in names:
        repository = getattr(client, name)
        title = type(repository).__name__
        assert repr(repository) == f"<{title} of http://host:9090/prefix>"
        assert repository
        with pytest.raises(AttributeError, match=f"{title} has no attribute 'limit'"):
            repository.limit = 3


# -- copied and pickled ----------------------------------------------------------------


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copied_handle_has_values_of_its_own(handle, copied):
    handle["steps"] = 5
    other = copied(handle)
    other["steps"] = 6
    assert (handle["steps"], other["steps"]) == (5, 6)
    assert other.submit(VALUES).wait(timeout=30).is_complete


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_copies_of_other_handles_work(handle, board, copied):
    assert copied(board).get_board().board_id == board.board_id
    submission = handle.submit(VALUES)
    assert copied(submission).wait(timeout=30).is_complete


def test_what_cannot_be_copied_or_pickled_says_so_and_why(client, handle, board):
    for copied in (copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be copied: it owns connections"):
            copied(client)
    for thing in (client, handle, board, handle.submit(VALUES)):
        with pytest.raises(TypeError, match="connected to a server; pickle its"):
            pickle.dumps(thing)
    with pytest.raises(TypeError, match="connected to a server"):
        pickle.dumps(client.board_repo)


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))]
)
def test_a_copied_result_is_equal_to_it(result, copied):
    assert copied(result) == result
    assert copied(result).images == result.images


def test_an_unpickled_image_says_that_it_has_no_connection(result, tmp_path):
    thawed = pickle.loads(pickle.dumps(result))
    with pytest.raises(InvokeAIError, match="not connected to a server"):
        thawed.images[0].save(tmp_path)


# -- frozen ----------------------------------------------------------------------------


def raised(result):
    with pytest.raises(JobFailedError) as caught:
        result.raise_for_status()
    return caught.value


@pytest.mark.parametrize("runs", [1, 2])
def test_a_result_raises_the_same_error_each_time(client, server, handle, runs):
    server.faults.fail_next("denoise_latents", times=None)
    result = handle.submit(VALUES, runs=runs).wait(timeout=30, check=False)
    server.faults.clear()
    shown = str(result.jobs[0].error)
    first, second = raised(result), raised(result)
    assert first is not second
    assert (str(first), first.hint) == (str(second), second.hint)
    assert first.result is second.result is result
    frames = [traceback.extract_tb(error.__traceback__) for error in (first, second)]
    assert len(frames[0]) == len(frames[1])
    assert str(result.jobs[0].error) == shown
    assert result.jobs[0].error.__traceback__ is None
    assert str(raised(pickle.loads(pickle.dumps(result)))) == str(first)


# -- nothing given is dropped ----------------------------------------------------------


@pytest.mark.parametrize(
    ("inputs", "values", "told"),
    [
        (None, {"seed": 6, "seed_": 5}, "given twice by seed= too"),
        (None, {"seed": "random", "seed_": 5}, "given twice by seed= too"),
        ({"steps": 3}, {"steps": 3}, "given twice"),
        ({5: 3}, {"steps": 4}, "given twice"),
        (None, {"positive_prompt": None}, "None is not a value"),
        ({"steps": None}, {}, "None is not a value"),
    ],
)
def test_what_would_be_dropped_is_refused(handle, inputs, values, told):
    with pytest.raises(FieldValidationError, match=told):
        handle.submit(inputs, **{**{"model": VALUES["model"]}, **values})


# -- in notebooks ----------------------------------------------------------------------


def test_notebooks_get_tables_whose_texts_are_escaped(client, handle, result):
    handle["positive_prompt"] = "<script>&"
    item = handle.get_input("positive_prompt")
    job = client.queue_repo.get_job(result.jobs[0].item_id)
    for thing in (client, handle, handle.inputs, item, job, result):
        shown = thing._repr_html_()
        assert shown.startswith("<table>")
        assert "<script>" not in shown
    assert "&lt;script&gt;&amp;" in item._repr_html_()


# -- names that do not exist ---------------------------------------------------------


@pytest.mark.parametrize(
    ("find", "advice"),
    [
        (lambda c, h: c.boards, "'board_repo'"),
        (lambda c, h: c.image, "'image_repo'"),
        (lambda c, h: h.submit(VALUES).image, "wait() returns the result"),
        (lambda c, h: h.submit(VALUES).job, "'jobs'"),
        (lambda c, h: h.steps, 'handle["steps"]'),
        (lambda c, h: h.inptus, "'inputs'"),
        (lambda c, h: c.board_repo.list, "'list_boards'"),
        (lambda c, h: invokeai_py_client.InvokAIClient, "'InvokeAIClient'"),
    ],
)
def test_an_attribute_that_does_not_exist_says_what_may_be_meant(
    client, handle, find, advice
):
    with pytest.raises(AttributeError) as caught:
        find(client, handle)
    assert advice in str(caught.value)
    assert not hasattr(client, "nothing_like_it")


def test_an_error_inside_a_property_is_not_hidden(client):
    class Broken(type(client)):
        @property
        def broken(self):
            return self.board_repo.missing_inside

    with Broken(client.url) as broken, pytest.raises(AttributeError, match="_inside"):
        _ = broken.broken
