"""One tree of errors: whatever an argument is, what comes is an `InvokeAIError`.

Every sample call of the API with each of its arguments, and each of its options that it
does not give, replaced by every kind of wrong value; and every public method of the
objects that users hold. A wrong argument may also be harmless; then nothing is raised.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from paths import PORTRAIT

from contract.api_schema import api_schema
from contract.calls import Call, all_calls, clients, perform, perform_async
from invokeai_py_client import (
    Board,
    InvokeAIClient,
    InvokeAIError,
    LocalServer,
    NodeCatalog,
    WorkflowDefinition,
    field_registry,
    ivk_fields,
    register_output_type,
)
from invokeai_py_client._core.server_events import parse_event
from invokeai_py_client.simulator import SimulatedServer

VALUES = {"model": "Simulated SD 1.5", "width": 64, "height": 64, "steps": 2}


class Foreign:
    """An object that this library knows nothing of."""


def bottomless() -> list[Any]:
    deep: list[Any] = []
    for _ in range(3000):
        deep = [deep]
    return deep


OTHER = InvokeAIClient("http://other")
WRONG: dict[str, Any] = {
    "None": None,
    "an object": Foreign(),
    "a class": Foreign,
    "a function": lambda: 1,
    "below zero": -1,
    "huge": 10**5000,
    "no float": 10**400,
    "nan": math.nan,
    "infinite": math.inf,
    "a fraction": 1.5,
    "a bool": True,
    "half a character": "\ud800",
    "bytes": b"bytes",
    "empty text": "",
    "a number as text": "5",
    "digits": "9" * 5000,
    "a null character": "a\0b",
    "a path upwards": "../x",
    "long text": "x" * 100_000,
    "objects": [Foreign()] * 3,
    "an odd mapping": {1: Foreign()},
    "an empty list": [],
    "an empty mapping": {},
    "bottomless": bottomless(),
    "a set": {1},
    "a tuple": (1, 2, 3),
    "another client": OTHER,
    "another client's repository": OTHER.board_repo,
    "a board of another server": Board(board_id="b", board_name="B"),
    "a path that cannot be": "/etc/hostname/x",
    "a folder": "/",
}
POSITIONAL_ONLY = inspect.Parameter.POSITIONAL_ONLY
VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Files that a wrong argument makes are made where they do no harm."""
    monkeypatch.chdir(tmp_path)


CALLS = {call.method: call for call in all_calls() if call.raises is None}


def spoilt(call: Call) -> Iterator[Call]:
    """The call with each argument, given or not, replaced by each wrong value."""
    client, _ = clients(False, api_schema(), call)
    parameters = inspect.signature(call.target(client)).parameters.values()
    names = [item.name for item in parameters if item.kind not in VARIABLE]
    given = names[: len(call.args)]
    for value in WRONG.values():
        for index in range(len(call.args)):
            args = (*call.args[:index], value, *call.args[index + 1 :])
            yield call.but(args=args)
        for item in parameters:
            if item.kind not in (*VARIABLE, POSITIONAL_ONLY) and item.name not in given:
                yield call.but(kwargs={**call.kwargs, item.name: value})


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_every_call_ends_with_an_error_of_ours(call, tmp_path):
    document = api_schema()
    for wrong in spoilt(call):
        attempt = wrong.but(raises=InvokeAIError, errors=[], first=call.first or 1)
        # Both raise what is not an error of ours.
        assert perform(attempt, document, tmp_path) is not None
        assert await perform_async(attempt, document, tmp_path) is not None


# -- the objects that users hold -----------------------------------------------------


def try_all(what: str, call: Callable[[Any], Any], odd: list[str]) -> None:
    for name, value in WRONG.items():
        try:
            outcome = call(value)
            if inspect.isgenerator(outcome):
                next(outcome, None)
                outcome.close()
        except InvokeAIError:
            pass
        except Exception as error:  # noqa: BLE001  it is what is judged
            odd.append(f"{what} with {name}: {type(error).__name__}: {error!s:.100}")


# What a method needs besides the argument that is wrong.
RIGHT = {
    "node": "denoise_latents",
    "field_name": "steps",
    "value": 3,
    "name": "x",
    "timeout": 5,
    "method": "GET",
    "path": "x",
    "detect_fn": lambda info: False,
    "build_fn": lambda info: None,
    "content": b"{}",
    "text": "{}",
    "document": {},
    "openapi": {},
}


def walk(thing: Any, odd: list[str], *, without: tuple[str, ...] = ()) -> None:
    """Every public method of a thing, each of its arguments wrong once."""
    label = getattr(thing, "__name__", type(thing).__name__)
    for name in dir(type(thing) if not inspect.isclass(thing) else thing):
        static = inspect.getattr_static(thing, name)
        is_method = inspect.isfunction(static) and not inspect.isclass(thing)
        is_ours = (is_method or isinstance(static, classmethod)) and str(
            getattr(thing, name).__module__
        ).startswith("invokeai_py_client")
        if name.startswith("_") or name in without or not is_ours:
            continue
        method = getattr(thing, name)
        parameters = [
            item
            for item in inspect.signature(method).parameters.values()
            if item.kind not in VARIABLE
        ]
        for item in parameters:
            needed = [
                other
                for other in parameters
                if other is item or other.default is inspect.Parameter.empty
            ]

            def call(
                value: Any, method: Any = method, item: Any = item, needed: Any = needed
            ) -> Any:
                args, kwargs = [], {}
                for other in needed:
                    given = value if other is item else RIGHT.get(other.name, "x")
                    if other.kind is inspect.Parameter.KEYWORD_ONLY:
                        kwargs[other.name] = given
                    else:
                        args.append(given)
                return method(*args, **kwargs)

            # A positional argument comes after those before it that have defaults.
            positions = [p for p in parameters if p.kind is not p.KEYWORD_ONLY]
            if item in positions and any(
                p not in needed for p in positions[: positions.index(item)]
            ):
                continue
            try_all(f"{label}.{name}({item.name})", call, odd)


@pytest.fixture(scope="module")
def server():
    with SimulatedServer() as running:
        yield running


@pytest.fixture(scope="module")
def client(server):
    with InvokeAIClient(server.url) as made:
        yield made


@pytest.mark.skipif(not PORTRAIT.exists(), reason="not run from a clone")
def test_handles_submissions_and_results_raise_errors_of_ours(client):
    handle = client.workflow_repo.load(PORTRAIT)
    result, submission = handle.run(VALUES), handle.submit(VALUES)
    odd: list[str] = []
    for thing in (handle, submission, result, result.jobs[0], result.image):
        walk(thing, odd)
    walk(client.board_repo.create_board("B"), odd)
    walk(client, odd, without=("close", "events", "with_options"))
    for key in ("steps", "model", "positive_prompt"):

        def assign(value: Any, key: str = key) -> None:
            handle[key] = value

        try_all(f"handle[{key}]", assign, odd)
        try_all(f"preview({key})", lambda v, k=key: handle.preview(**{k: v}), odd)
    for what, look in {
        "handle[…]": lambda key: handle[key],
        "… in handle": lambda key: key in handle,
        "inputs[…]": lambda key: handle.inputs[key],
        "outputs[…]": lambda key: result.outputs[key],
        "job.outputs[…]": lambda key: result.jobs[0].outputs[key],
        "key=": lambda key: handle.submit(VALUES, key=key),
    }.items():
        try_all(what, look, odd)
    assert odd == []


@pytest.mark.skipif(not PORTRAIT.exists(), reason="not run from a clone")
def test_documents_catalogs_and_fields_raise_errors_of_ours(monkeypatch):
    odd: list[str] = []
    definition = WorkflowDefinition.from_file(PORTRAIT)
    for thing in (WorkflowDefinition, definition, NodeCatalog, NodeCatalog.bundled()):
        walk(thing, odd)
    # Among the wrong values are functions, which may be registered.
    monkeypatch.setattr(field_registry, "_rules", list(field_registry._rules))
    walk(field_registry, odd)
    try_all("register_output_type", lambda kind: register_output_type(kind)(), odd)
    for kind in vars(ivk_fields).values():
        if inspect.isclass(kind) and issubclass(kind, ivk_fields.IvkField):
            name = kind.__name__
            try_all(f"{name}(value)", lambda v, kind=kind: kind(value=v), odd)
            try_all(f"{name}.from_api_format", kind.from_api_format, odd)
    assert odd == []


def test_options_of_clients_and_servers_raise_errors_of_ours(client):
    odd: list[str] = []
    for kind in (InvokeAIClient, LocalServer):
        for item in inspect.signature(kind.__init__).parameters.values():
            if item.kind is inspect.Parameter.KEYWORD_ONLY:

                def make(value: Any, kind: Any = kind, name: str = item.name) -> None:
                    made = kind(**{name: value})
                    getattr(made, "close", lambda: None)()

                try_all(f"{kind.__name__}({item.name})", make, odd)
    try_all("from_url", lambda url: InvokeAIClient.from_url(url).close(), odd)
    for name in inspect.signature(InvokeAIClient.__init__).parameters:
        if name not in ("self", "url", "unknown"):
            try_all(
                f"with_options({name})",
                lambda value, name=name: client.with_options(**{name: value}).close(),
                odd,
            )
    assert odd == []


# -- what a server may say -----------------------------------------------------------


@pytest.mark.parametrize("number", [True, 1.0, "1", None, [1], {"a": 1}])
def test_an_event_about_an_odd_job_number_is_about_no_job(number):
    payload = {"item_id": number, "status": "completed", "batch_id": "b"}
    event = parse_event("queue_item_status_changed", payload)
    assert event.item_id is None


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 10**400, True, "1"])
def test_progress_is_never_an_odd_number(number):
    event = parse_event("invocation_progress", {"item_id": 1, "percentage": number})
    assert event.percentage is None
