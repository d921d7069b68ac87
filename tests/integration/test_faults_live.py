"""What goes wrong between a user and a real server: each a typed error, no wait hangs.

What needs no server is in `tests/test_bad_input.py`. Clearing, killing and restarting
happen on a server of these tests alone.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time

import pytest

from faults.proxy import FaultProxy
from invokeai_py_client.async_client import AsyncInvokeAIClient
from invokeai_py_client.client import InvokeAIClient
from invokeai_py_client.exceptions import (
    APIConnectionError,
    APIResponseError,
    AuthenticationError,
    InternalServerError,
    JobCanceledError,
    JobTimeoutError,
    NotFoundError,
    PermissionDeniedError,
    UnprocessableEntityError,
)
from workflow_builder import definition, node

from .noun_calls import done

pytestmark = pytest.mark.live


@pytest.fixture(params=[InvokeAIClient, AsyncInvokeAIClient])
def kind(request):
    """Either class of client."""
    return request.param


@pytest.fixture
async def client(kind, live_url):
    """Either client of the shared server."""
    async with closing(kind.from_url(live_url)) as client:
        yield client


class closing:  # noqa: N801 - reads like contextlib's
    """Closes either client at the end of an `async with`."""

    def __init__(self, client) -> None:
        self.client = client

    async def __aenter__(self):
        return self.client

    async def __aexit__(self, *_: object) -> None:
        await done(getattr(self.client, "aclose", self.client.close)())


def blank(repo):
    """A handle of one small picture that no cache serves."""
    made = node("b", "blank_image", {"width": 16, "height": 16}, is_intermediate=False)
    made["data"]["useCache"] = False
    return repo.create_workflow(definition([made], form=[("b", "width")]))


# -- answers of a real server ---------------------------------------------------------


async def test_what_the_server_refuses_is_an_error_of_its_status(client):
    with pytest.raises(NotFoundError, match=r"GET http.*/images/i/nope: 404"):
        await done(client.image_repo.get_image("nope"))
    with pytest.raises(UnprocessableEntityError, match="name") as caught:
        await done(client.request("POST", "/api/v1/boards/", json={}))
    assert caught.value.detail
    # Plain text, after which the server drops the connection.
    workflow = {
        **dict.fromkeys(("name", "author", "description", "version"), ""),
        **dict.fromkeys(("contact", "tags", "notes"), ""),
        "exposedFields": [],
        "meta": {"version": "3.0.0", "category": "default"},
        "nodes": [],
        "edges": [],
    }
    with pytest.raises(InternalServerError, match="log"):
        await done(
            client.request("POST", "/api/v1/workflows/", json={"workflow": workflow})
        )
    assert await done(client.server_version())


async def test_a_wrong_path_of_the_right_server_is_no_invokeai(kind, live_url):
    async with closing(kind.from_url(f"{live_url}/elsewhere")) as client:
        with pytest.raises((APIResponseError, NotFoundError)) as caught:
            await done(client.server_version())
    assert "elsewhere" in str(caught.value)


@pytest.fixture(scope="module")
def accounts(start_server):
    """A server with accounts: its address, and a board of its administrator."""
    with start_server(multiuser=True) as server:
        server.set_up_admin("admin@example.com", "Lighthouse1")
        admin = {"email": "admin@example.com", "password": "Lighthouse1"}
        with InvokeAIClient.from_url(server.url, **admin) as client:
            account = {
                "email": "user@example.com",
                "password": "Lighthouse2",
                "display_name": "User",
            }
            client.request("POST", "/api/v1/auth/users", json=account)
            board = client.board_repo.create_board("of the administrator")
        yield server.url, board.board_id


async def test_accounts_tokens_and_other_peoples_things(kind, accounts):
    url, board_id = accounts
    user = {"email": "user@example.com", "password": "Lighthouse2"}
    async with closing(kind.from_url(url, token="stale")) as client:
        with pytest.raises(AuthenticationError, match="401"):
            await done(client.board_repo.list_boards())
    async with closing(kind.from_url(url, **{**user, "password": "Wrong1234"})) as bad:
        with pytest.raises(AuthenticationError) as caught:
            await done(bad.board_repo.list_boards())
    assert "Wrong1234" not in str(caught.value)
    async with closing(kind.from_url(url, **user)) as client:
        with pytest.raises(PermissionDeniedError, match="403"):
            await done(client.board_repo.update_board(board_id, name="mine"))
        # The log-in is good for the socket as well: a run ends by its events.
        result = await done(blank(client.workflow_repo).run(timeout=60))
        assert result.image.width == 16


# -- waits ----------------------------------------------------------------------------


class NoSocketProxy(FaultProxy):
    """Lets requests through and event sockets not."""

    async def _tunnel(self, request, reader, writer) -> None:
        writer.transport.abort()


async def test_without_an_event_socket_a_wait_ends_all_the_same(kind, live_url):
    with NoSocketProxy(live_url) as proxy:
        async with closing(kind.from_url(proxy.url)) as client:
            result = await done(blank(client.workflow_repo).run(runs=2, timeout=60))
    assert len(result.images) == 2


async def test_a_socket_cut_in_the_middle_costs_no_picture_and_no_event(kind, live_url):
    with FaultProxy(live_url) as proxy:
        async with closing(kind.from_url(proxy.url)) as client:
            cuts = []

            def cut(progress) -> None:
                if progress.finished > len(cuts):
                    cuts.append(progress.finished)
                    proxy.drop_sockets()

            handle = blank(client.workflow_repo)
            result = await done(handle.run(runs=5, timeout=90, on_progress=cut))
    assert len(cuts) >= 2
    assert len({image.image_name for image in result.images}) == 5


async def test_a_network_away_for_seconds_is_waited_out(kind, live_url):
    with FaultProxy(live_url) as proxy:
        async with closing(kind.from_url(proxy.url)) as client:
            submission = await done(blank(client.workflow_repo).submit(runs=3))
            proxy.refuse()
            back = threading.Timer(3.0, proxy.accept)
            back.start()
            result = await done(submission.wait(timeout=90))
            back.join()
    assert len(result.images) == 3


async def test_a_job_that_is_over_before_the_wait_needs_no_event(client):
    submission = await done(blank(client.workflow_repo).submit())
    while not (await done(submission.status())).is_done:
        await asyncio.sleep(0.2)
    begun = time.monotonic()
    result = await done(submission.wait(timeout=20))
    assert time.monotonic() - begun < 5
    assert result.image.width == 16


async def test_a_job_cancelled_by_somebody_else_ends_the_wait(client, live_url):
    submission = await done(blank(client.workflow_repo).submit(runs=20))
    with InvokeAIClient.from_url(live_url) as other:
        other.queue_repo.cancel_batch(submission.id)
    with pytest.raises(JobCanceledError, match="cancel") as caught:
        await done(submission.wait(timeout=60))
    assert len(caught.value.result.jobs) == 20


# -- a server that is cleared, killed, restarted --------------------------------------


@pytest.fixture
async def own_client(kind, own_server):
    """Either client of a server that may be disturbed."""
    async with closing(kind.from_url(own_server.url)) as client:
        yield client


async def test_an_idle_server_has_no_current_job(own_client):
    await done(own_client.queue_repo.wait_until_idle(60))
    assert await done(own_client.queue_repo.find_current_job()) is None


async def test_a_cleared_queue_ends_the_wait(own_client, own_server):
    submission = await done(blank(own_client.workflow_repo).submit(runs=30))

    def clear() -> None:
        with InvokeAIClient.from_url(own_server.url) as other:
            other.queue_repo.clear()

    clearing = threading.Timer(1.0, clear)
    clearing.start()
    with pytest.raises(JobCanceledError) as caught:
        await done(submission.wait(timeout=60))
    clearing.join()
    assert len(caught.value.result.jobs) == 30
    assert "deleted" in str(caught.value)


async def test_a_server_killed_and_started_again_ends_the_wait(own_client, own_server):
    handle = blank(own_client.workflow_repo)
    submission = await done(handle.submit(runs=12))

    def crash() -> None:
        own_server.kill()
        own_server.start()

    crashing = threading.Timer(1.5, crash)
    crashing.start()
    # What ran when it died is cancelled by the server; the rest it takes up again.
    result = await done(submission.wait(timeout=100, check=False))
    crashing.join()
    states = [str(job.status) for job in result.jobs]
    assert len(states) == 12
    assert set(states) <= {"completed", "canceled"}
    assert states.count("completed") >= 8
    assert (await done(handle.run(timeout=60))).image


def test_a_server_that_is_not_there_is_named_with_its_address():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with (
        InvokeAIClient.from_url(url) as client,
        pytest.raises(APIConnectionError, match=url),
    ):
        blank(client.workflow_repo).run(timeout=5)


def test_a_server_that_went_away_ends_a_wait_in_the_users_time(live_url):
    with FaultProxy(live_url) as proxy, InvokeAIClient.from_url(proxy.url) as client:
        submission = blank(client.workflow_repo).submit()
        proxy.refuse()
        begun = time.monotonic()
        with pytest.raises(JobTimeoutError) as caught:
            submission.wait(timeout=3)
        assert time.monotonic() - begun < 10
    assert "the server does not answer" in str(caught.value)
