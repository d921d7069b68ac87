"""One grammar for every public method: its name, its signature, its wrong arguments."""

from __future__ import annotations

import inspect

import pytest

from contract.api_schema import api_schema
from contract.calls import Call, all_calls, perform, perform_async
from contract.calls.workflow_jobs import handle
from invokeai_py_client import (
    ArgumentError,
    AsyncSubmission,
    AsyncWorkflowHandle,
    Board,
    InvokeAIError,
    Submission,
    WorkflowHandle,
)
from invokeai_py_client._aio.client import AsyncInvokeAIClient
from invokeai_py_client.client import InvokeAIClient
from invokeai_py_client.workflow.jobs.submission_record import SubmissionRecord

# What a method's name promises of its result.
RETURNS = {
    "list": ("list[",),
    "search": ("list[",),
    "iter": ("Iterator[", "AsyncIterator["),
    "find": ("Optional[",),
}
# Methods with two operands, neither of which is an option of the other.
TWO_OPERANDS = {
    "create_user": "credentials",
    "download_image": "what and where to",
    "download_images": "what and where to",
    "download_images_as_zip": "what and where to",
    "download_video": "what and where to",
    "log_in": "credentials",
    "move_image_to": "what and where to",
    "pull_workflow": "what and where to",
    "relate_models": "a pair",
    "request": "as every HTTP library has it",
    "get_node_field": "a node and its field",
    "set_cover_image": "what and its value",
    "set_node_value": "a node, its field and the value",
    "set_up_admin": "credentials",
    "set_value": "a key and its value",
    "set_workflow_public": "what and its value",
    "set_workflow_thumbnail": "what and its value",
    "unrelate_models": "a pair",
    "update_workflow": "what and its content",
}
POSITIONAL = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
)


def classes():
    """The clients, their repositories, and what these give to run."""
    for client in (InvokeAIClient("http://host"), AsyncInvokeAIClient("http://host")):
        yield type(client)
        for name in dir(type(client)):
            if name.endswith("_repo"):
                yield type(getattr(client, name))
    yield from (WorkflowHandle, AsyncWorkflowHandle, Submission, AsyncSubmission)


METHODS = [
    pytest.param(name, function, id=f"{cls.__name__}.{name}")
    for cls in classes()
    for name, function in inspect.getmembers(cls, inspect.isfunction)
    if not name.startswith("_")
]


@pytest.mark.parametrize(("name", "function"), METHODS)
def test_a_name_says_what_is_returned(name, function):
    returns = str(inspect.signature(function).return_annotation)
    prefix = name.split("_")[0]
    if prefix in RETURNS:
        assert returns.startswith(RETURNS[prefix])
    if prefix == "get":
        assert not returns.startswith("Optional[")


@pytest.mark.parametrize(("name", "function"), METHODS)
def test_what_follows_the_subject_is_given_by_name(name, function):
    parameters = list(inspect.signature(function).parameters.values())[1:]
    positional = [item.name for item in parameters if item.kind in POSITIONAL]
    allowed = 3 if name == "set_node_value" else 2 if name in TWO_OPERANDS else 1
    assert len(positional) <= allowed


class Foreign:
    """An object that this library knows nothing of."""


WRONG = (
    None,
    Foreign(),
    -1,
    10**5000,
    float("nan"),
    "\ud800",
    b"bytes",
    "",
    [Foreign()] * 100,
    {1: Foreign()},
)
CALLS = {
    call.method: call
    for call in all_calls()
    if call.raises is None and not call.method.startswith("WorkflowHandle.")
}


def spoilt(call):
    """The call with each of its arguments replaced by each wrong value."""
    for value in WRONG:
        for index in range(len(call.args)):
            args = (*call.args[:index], value, *call.args[index + 1 :])
            yield call.but(args=args)
        for name in call.kwargs:
            yield call.but(kwargs={**call.kwargs, name: value})


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_a_wrong_argument_is_refused_before_anything_is_sent(call, tmp_path):
    document = api_schema()
    for wrong in spoilt(call):
        for way in ("blocking", "asyncio"):
            attempt = wrong.but(raises=InvokeAIError, errors=[], first=call.first or 1)
            if way == "blocking":
                recorder = perform(attempt, document, tmp_path)
            else:
                recorder = await perform_async(attempt, document, tmp_path)
            refused = [e for e in attempt.errors if isinstance(e, ArgumentError)]
            assert not (refused and recorder.requests), (wrong.args, wrong.kwargs)


WAIT_OPTIONS = {
    "timeout": (-1, True, "5", float("nan")),
    "check": (None, 1, "no"),
    "on_progress": (True, "bar", 5),
}
SUBMIT_OPTIONS = {
    "runs": (0, -1, True, 1.5, "2", None, 10**5000),
    "seed": ("x", "7", "Random", -1, 4294967296, 1.5, True, None, b"keep"),
    "board": (5, "\ud800", b"board"),
    "create": (True, None, 1, "yes"),
}
KEY_OPTIONS = {
    "key": ("", 5, b"x", True, "\ud800"),
    "prepend": (None, 1),
    "on_full": ("discard", None),
}
OPTIONS = {
    "WorkflowHandle.run": {**SUBMIT_OPTIONS, **WAIT_OPTIONS},
    "WorkflowHandle.submit": {**SUBMIT_OPTIONS, **KEY_OPTIONS},
    "WorkflowHandle.preview": {k: SUBMIT_OPTIONS[k] for k in ("runs", "seed", "board")},
    "WorkflowHandle.wait_for_completion": {**WAIT_OPTIONS, "submission": (5, "id")},
    "Submission.wait": WAIT_OPTIONS,
    "submit_many": {"workflows": (None, 5, "w", [{}], [None], [({}, {})])},
    "workflow_repo.submit_many": {"workflows": (5, [{}], [("w", {})])},
}
OPTION_CALLS = [
    pytest.param(method, name, value, id=f"{method}-{name}-{index}")
    for method, options in OPTIONS.items()
    for name, values in options.items()
    for index, value in enumerate(values)
]


def submission(client):
    asynchronous = isinstance(client, AsyncInvokeAIClient)
    kind = AsyncSubmission if asynchronous else Submission
    return kind(client._runner, SubmissionRecord("id", "default", (), 0))


async def refused(call, tmp_path):
    """The errors of both clients, neither of which sent anything."""
    call = call.but(raises=ArgumentError, errors=[])
    document = api_schema()
    assert perform(call, document, tmp_path).requests == []
    assert (await perform_async(call, document, tmp_path)).requests == []
    assert len(call.errors) == 2
    return call.errors


@pytest.mark.parametrize(("method", "name", "value"), OPTION_CALLS)
async def test_a_wrong_option_of_running_is_named_and_sends_nothing(
    method, name, value, tmp_path
):
    makers = {"WorkflowHandle": handle, "Submission": submission}
    call = Call(method, kwargs={name: value}, on=makers.get(method.split(".")[0]))
    for error in await refused(call, tmp_path):
        assert error.argument == name


@pytest.mark.parametrize("name", ["runs", "seed", "board", "create", "key", "on_full"])
async def test_submit_many_refuses_the_options_that_submit_refuses(name, tmp_path):
    values = {**SUBMIT_OPTIONS, **KEY_OPTIONS}[name]

    def many(client):
        class Many:
            @staticmethod
            def submit(options):
                return client.submit_many([(handle(client), options)])

        return Many

    for value in values:
        call = Call("Many.submit", ({name: value},), on=many)
        for error in await refused(call, tmp_path):
            assert error.argument == name


@pytest.mark.parametrize("method", ["run", "submit"])
@pytest.mark.parametrize(
    "board", [None, "auto", "none", Board(board_id="id", board_name="Mine")], ids=str
)
async def test_creating_a_board_takes_its_name(method, board, tmp_path):
    call = Call(
        f"WorkflowHandle.{method}", kwargs={"board": board, "create": True}, on=handle
    )
    for error in await refused(call, tmp_path):
        assert error.argument == "create"


async def test_submit_many_says_which_item_is_not_a_workflow(tmp_path):
    def many(client):
        class Many:
            @staticmethod
            def submit():
                return client.submit_many([handle(client), {}])

        return Many

    for error in await refused(Call("Many.submit", on=many), tmp_path):
        assert "item 1 is not" in str(error)
