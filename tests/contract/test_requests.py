"""Both clients build the same requests, and the OpenAPI document allows each."""

from __future__ import annotations

import pytest

from contract.api_schema import api_schema
from contract.calls import all_calls, perform, perform_async

CALLS = all_calls()


def names():
    seen = {}
    for call in CALLS:
        seen[call.method] = seen.get(call.method, 0) + 1
        count = seen[call.method]
        yield call.method if count == 1 else f"{call.method}-{count}"


@pytest.mark.parametrize("kind", ["blocking", "asyncio"])
@pytest.mark.parametrize("call", CALLS, ids=list(names()))
async def test_every_request_is_what_the_server_documents(call, kind, tmp_path):
    document = api_schema()
    run = perform(call, document, tmp_path) if kind == "blocking" else None
    recorder = run or await perform_async(call, document, tmp_path)
    problems = []
    for request, name in zip(recorder.requests, recorder.operations):
        operation = document.operations.get(name)
        if operation is None:
            if name not in call.outside:
                problems.append(f"{name}: the server has no such operation")
            continue
        problems += [f"{name}: {problem}" for problem in operation.problems(request)]
    assert problems == []
