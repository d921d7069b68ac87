"""A call of the asyncio client that is not awaited: what Python says of it."""

from __future__ import annotations

import asyncio
import gc
import inspect
from unittest import mock

import pytest

from invokeai_py_client import AsyncInvokeAIClient

NEVER_AWAITED = "coroutine 'AsyncBoardRepository.list_boards' was never awaited"


def forget(boards, use):
    made = boards.list_boards()
    with pytest.raises((TypeError, AttributeError), match="coroutine"):
        use(made)
    del made
    gc.collect()


async def test_the_warning_names_the_method_that_was_not_awaited():
    async with AsyncInvokeAIClient("http://127.0.0.1:9") as client:
        for use in (lambda made: made[0], list, len, lambda made: made.name):
            with pytest.warns(RuntimeWarning, match=NEVER_AWAITED):
                forget(client.board_repo, use)


async def test_frameworks_see_that_a_call_is_to_be_awaited():
    async with AsyncInvokeAIClient("http://127.0.0.1:9") as client:
        for method in (
            client.request,
            client.board_repo.list_boards,
            client.workflow_repo.load,
            client.queue_repo.cancel_job,
        ):
            assert inspect.iscoroutinefunction(method)
        double = mock.create_autospec(client.board_repo)
        assert isinstance(double.list_boards, mock.AsyncMock)
        called = client.board_repo.list_boards()
        assert asyncio.iscoroutine(called)
        called.close()
