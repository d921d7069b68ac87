"""Tags: whose jobs these are, told to the server as origin and destination."""

from __future__ import annotations

import pytest
from paths import REPOSITORY

from invokeai_py_client import ArgumentError, InvokeAIClient
from invokeai_py_client.simulator import SimulatedServer


@pytest.fixture(scope="module")
def client():
    with SimulatedServer() as server, InvokeAIClient(server.url) as client:
        client.queue_repo.pause_processor()
        yield client


@pytest.fixture
def blank(client):
    client.queue_repo.clear_queue()
    return client.workflow_repo.load(
        REPOSITORY / "examples" / "workflows" / "blank.json"
    )


def test_a_tag_is_origin_and_destination_of_the_jobs(client, blank):
    blank.submit()
    blank.submit(tag="mine", runs=2)
    client.workflow_repo.submit_many([(blank, {"tag": "many"})])
    found = client.queue_repo.list_jobs(newest_first=False)
    labels = [(job.origin, job.destination) for job in found]
    assert labels == [(tag, tag) for tag in ("ivk", "mine", "mine", "many")]


def test_what_has_a_tag_is_counted_and_cancelled_and_nothing_else(client, blank):
    blank.submit(tag="mine", runs=2)
    blank.submit(tag="yours")
    blank.submit()
    repo = client.queue_repo
    assert (repo.count_tagged("mine").pending, repo.count_tagged().pending) == (2, 1)
    assert repo.cancel_tagged("mine") == 2
    assert repo.count_tagged("mine").canceled == 2
    assert repo.count_tagged("yours").pending == 1
    assert repo.cancel_tagged() == 1
    assert repo.cancel_tagged("nobody") == 0


@pytest.mark.parametrize("tag", ["", "a/b", ".", "..", 5, None, "\udc80"])
def test_a_bad_tag_is_refused_before_anything_is_sent(client, blank, tag):
    for use in (
        lambda: blank.run(tag=tag),
        lambda: blank.submit(tag=tag),
        lambda: client.workflow_repo.submit_many([(blank, {"tag": tag})]),
        lambda: client.queue_repo.cancel_tagged(tag),
        lambda: client.queue_repo.count_tagged(tag),
    ):
        with pytest.raises(ArgumentError) as caught:
            use()
        assert caught.value.argument == "tag"
    assert client.queue_repo.list_jobs() == []
