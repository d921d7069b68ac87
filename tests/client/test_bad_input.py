"""What goes wrong between a user and a client: a typed error that says what to do.

One table of what people really do: wrong addresses, wrong servers, wrong values, wrong
files. Each error is of its class, and its words hold what the user needs to act on.
What only a real server can show is in `tests/integration/test_faults_live.py`.
"""

from __future__ import annotations

import inspect
import json
import socket
import threading
from pathlib import Path

import pytest
from paths import REPOSITORY
from scripted_server import Answer, DroppedError, ScriptedServer, as_json
from workflow_builder import text_to_image

from invokeai_py_client import exceptions
from invokeai_py_client._aio.client import AsyncInvokeAIClient
from invokeai_py_client.client import InvokeAIClient
from invokeai_py_client.exceptions import (
    APIConnectionError,
    APIResponseError,
    APITimeoutError,
    ArgumentError,
    AuthenticationError,
    FieldValidationError,
    ImageFileNotFoundError,
    InputNotFoundError,
    InternalServerError,
    InvokeAIError,
    NotFoundError,
    PermissionDeniedError,
    UnprocessableEntityError,
    WorkflowError,
    WorkflowFormatError,
)
from invokeai_py_client.workflow.document.definition import WorkflowDefinition

PAGE = Answer(b"<!DOCTYPE html><html>nginx</html>", kind="text/html")


async def done(outcome):
    return await outcome if inspect.isawaitable(outcome) else outcome


@pytest.fixture(params=[InvokeAIClient, AsyncInvokeAIClient])
def connect(request):
    """Make a client of either class; it is closed at the end of `async with`."""

    class Connected:
        def __init__(self, url, **options):
            self.client = request.param(url, **options)

        async def __aenter__(self):
            return self.client

        async def __aexit__(self, *_):
            await done(getattr(self.client, "aclose", self.client.close)())

    return Connected


async def refusal(connect, answer, kind):
    """The error of listing boards when the server answers like that."""
    with ScriptedServer(lambda request: answer) as server:
        async with connect(server.url) as client:
            with pytest.raises(kind) as caught:
                await done(client.board_repo.list_boards())
    assert isinstance(caught.value, InvokeAIError)
    return caught.value


# -- the server -----------------------------------------------------------------------


async def test_nobody_listens_at_the_address(connect):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with connect(f"http://127.0.0.1:{port}") as client:
        with pytest.raises(APIConnectionError, match=str(port)) as caught:
            await done(client.server_version())
    assert not caught.value.sent


async def test_something_that_speaks_no_http_listens(connect):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def greet() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(4096):
                        pass

        thread = threading.Thread(target=greet)
        thread.start()
        port = listener.getsockname()[1]
        async with connect(f"http://127.0.0.1:{port}") as client:
            with pytest.raises(APIConnectionError, match=str(port)):
                await done(client.server_version())
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(60)


async def test_a_host_that_does_not_exist_is_told_from_one_that_is_down(
    connect, monkeypatch
):
    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    async with connect("http://no-such-host.invalid:9090") as client:
        with pytest.raises(APIConnectionError, match="no host of this name"):
            await done(client.server_version())


async def test_a_server_that_never_answers_is_a_timeout(connect):
    waiting = threading.Event()

    def never(request):
        waiting.wait(20)
        raise DroppedError

    with ScriptedServer(never) as server:
        async with connect(server.url, request_timeout=0.2) as client:
            with pytest.raises(APITimeoutError) as caught:
                await done(client.request("POST", "/api/v1/boards/"))
        waiting.set()
    assert "0.2" in str(caught.value)


async def test_a_proxy_answers_with_its_own_page(connect):
    error = await refusal(connect, PAGE, APIResponseError)
    assert "text/html" in str(error)
    assert "proxy" in str(error)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, AuthenticationError),
        (403, PermissionDeniedError),
        (404, NotFoundError),
        (500, InternalServerError),
    ],
)
async def test_a_refusal_has_its_class_and_the_servers_words(connect, status, kind):
    answer = as_json({"detail": "the words of the server"}, status)
    error = await refusal(connect, answer, kind)
    assert error.status_code == status
    assert "the words of the server" in str(error)
    assert "/api/v1/boards/" in str(error)


async def test_a_422_says_which_part_of_the_request_was_wrong(connect):
    problem = {"loc": ["body", "width"], "msg": "must be above 0", "input": -1}
    answer = as_json({"detail": [problem]}, 422)
    error = await refusal(connect, answer, UnprocessableEntityError)
    assert "width" in str(error)
    assert "must be above 0" in str(error)
    assert error.detail


async def test_a_plain_text_500_and_its_dropped_connection_harm_nothing_else(connect):
    broken = Answer(b"Internal Server Error", 500, "text/plain", drop_after=True)
    answers = iter([broken, as_json({"version": "6.14.2"})])
    with ScriptedServer(lambda request: next(answers)) as server:
        async with connect(server.url) as client:
            with pytest.raises(InternalServerError, match="log"):
                await done(client.board_repo.list_boards())
            assert await done(client.server_version()) == "6.14.2"


# -- values ---------------------------------------------------------------------------


@pytest.fixture
async def handle(connect):
    """Text to image; nothing answers, so nothing can be asked or sent."""
    async with connect("http://127.0.0.1:9") as client:
        yield client.workflow_repo.create_workflow(text_to_image())


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("steps", "30", ["input 3", "'30'", "an integer"]),
        ("steps", True, ["input 3", "an integer"]),
        ("steps", 0, ["input 3", "greater than 0", "got 0"]),
        ("width", 65, ["input 6", "a multiple of 8", "65"]),
        ("scheduler", "eulr", ["input 4", "'eulr'", "euler"]),
        ("positive_prompt", 5, ["input 1", "a string"]),
        ("model", 7, ["input 0", "model"]),
    ],
)
async def test_a_bad_value_is_refused_when_set_and_the_old_one_stays(
    handle, name, value, words
):
    before = handle[name]
    with pytest.raises(FieldValidationError) as caught:
        handle[name] = value
    for word in words:
        assert word in str(caught.value)
    assert handle[name] == before
    (problem,) = caught.value.problems
    assert problem.input_index == handle.get_input(name).input_index
    assert problem.value == value
    assert problem.allowed


async def test_an_unknown_name_suggests_and_an_ambiguous_one_lists(handle):
    with pytest.raises(InputNotFoundError, match="did you mean") as caught:
        handle["positve_prompt"] = "a"
    assert caught.value.candidates[0] == "positive_prompt"
    with pytest.raises(InputNotFoundError) as caught:
        handle["prompt"] = "a"
    assert set(caught.value.candidates) >= {"positive_prompt", "negative_prompt"}


async def test_a_connected_input_names_the_node_that_feeds_it(handle):
    with pytest.raises(FieldValidationError, match=r"Random Integer\.value"):
        await done(handle.run(seed_=7))


async def test_a_connected_seed_is_set_by_the_option_and_the_error_says_so(handle):
    with pytest.raises(FieldValidationError, match="use seed= of run"):
        handle["seed_"] = 7


async def test_a_misspelt_option_is_told_from_an_input(handle):
    with pytest.raises(
        InputNotFoundError, match="did you mean the option timeout= of run"
    ):
        await done(handle.run(time_out=3))


@pytest.mark.parametrize("timeout", ["3", True, float("nan"), -1])
async def test_a_timeout_that_is_not_seconds_is_refused_before_anything_is_sent(
    handle, timeout
):
    with pytest.raises(ArgumentError, match="seconds from 0 on or None"):
        await done(handle.run(timeout=timeout))


async def test_what_is_missing_is_told_by_its_name_and_what_it_takes(handle):
    handle["model"] = None
    (problem,) = handle.check()
    assert problem.message.startswith("input 0 'model' (")
    assert problem.allowed == "a model of base sd-1 or sd-2 and type main"
    assert problem.allowed in problem.message
    assert handle.get_input("model").allowed == problem.allowed


async def test_a_missing_image_is_named_before_anything_is_sent(connect, tmp_path):
    async with connect("http://127.0.0.1:9") as client:
        missing = tmp_path / "gone.png"
        with pytest.raises(ImageFileNotFoundError, match=r"gone\.png"):
            await done(client.image_repo.upload_image(missing))
        file = REPOSITORY / "examples" / "workflows" / "upscale.json"
        upscale = await done(client.workflow_repo.load(file))
        with pytest.raises((ImageFileNotFoundError, FieldValidationError)) as caught:
            await done(upscale.run(image=missing))
    assert "gone.png" in str(caught.value)


# -- files ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "not JSON"),
        ("not json at all", "not JSON"),
        ("[1, 2]", "JSON object"),
        (json.dumps({"prompt": "a"}), "nodes"),
        (json.dumps({"3": {"class_type": "KSampler", "inputs": {}}}), "ComfyUI"),
        (json.dumps({"nodes": {"a": {}}, "edges": []}), "graph"),
    ],
)
async def test_a_file_that_is_not_a_workflow_is_described(
    connect, tmp_path, content, words
):
    file = tmp_path / "portrait.json"
    file.write_text(content)
    async with connect("http://127.0.0.1:9") as client:
        with pytest.raises(WorkflowFormatError, match=words) as caught:
            await done(client.workflow_repo.load(file))
    assert "portrait.json" in str(caught.value)


async def test_a_missing_file_is_not_looked_up_on_the_server(connect):
    async with connect("http://127.0.0.1:9") as client:
        for path in (Path("no/such.json"), "no/such.json"):
            with pytest.raises(WorkflowError, match=r"such\.json"):
                await done(client.workflow_repo.load(path))
    with pytest.raises(WorkflowFormatError, match=r"no.such\.json") as caught:
        WorkflowDefinition.from_file("no/such.json")
    assert str(Path.cwd()) in caught.value.message


# -- all of them ----------------------------------------------------------------------


def test_every_error_has_one_base_and_standard_ones_where_python_has_them():
    kinds = [getattr(exceptions, name) for name in exceptions.__all__]
    errors = [kind for kind in kinds if issubclass(kind, Exception)]
    assert all(issubclass(kind, InvokeAIError) for kind in errors)
    assert issubclass(FieldValidationError, ValueError)
    assert issubclass(InputNotFoundError, KeyError)
    assert issubclass(ImageFileNotFoundError, FileNotFoundError)
    assert issubclass(exceptions.JobTimeoutError, TimeoutError)
