"""What an older server lacks: said with its version, or done another way.

Selected with `--live --server-version 6.8.1` (`make test-live-old`) only.
"""

from __future__ import annotations

import uuid

import pytest
from paths import NO_SUCH_ID
from workflow_builder import definition, node

from invokeai_py_client.exceptions import (
    FieldValidationError,
    JobCanceledError,
    NotFoundError,
    UnsupportedVersionError,
)
from invokeai_py_client.nodes.catalog import NodeCatalog

from .noun_calls import collected, done

pytestmark = [pytest.mark.live, pytest.mark.before_server("6.9")]

NEWER = {
    "gallery": ("6.14", lambda client: client.gallery_repo.list_items()),
    "videos": ("6.14", lambda client: client.video_repo.list_videos()),
    "virtual boards": ("6.13", lambda client: client.gallery_repo.list_days()),
    "node packs": ("6.13", lambda client: client.node_pack_repo.get_node_packs()),
    "system prompts": ("6.14", lambda client: client.system_prompt_repo.list_prompts()),
    "image moves": (
        "6.14",
        lambda client: client.image_move_repo.get_image_move_status(),
    ),
    "recall": ("6.12", lambda client: client.recall_repo.get_recall_status()),
    "users": ("6.12", lambda client: client.user_repo.list_users()),
    "devices": ("6.14", lambda client: client.app_repo.list_devices()),
    "missing models": ("6.12", lambda client: client.model_repo.list_missing_models()),
    "orphans": ("6.12", lambda client: client.model_repo.list_orphaned_models()),
    "visibility": (
        "6.13",
        lambda client: client.board_repo.create_board("x", visibility="shared"),
    ),
}


@pytest.mark.parametrize("name", NEWER)
async def test_what_it_lacks_is_said_with_the_version_that_has_it(client, name):
    wanted, ask = NEWER[name]
    with pytest.raises(UnsupportedVersionError) as caught:
        await _answer(ask(client))
    assert f"needs InvokeAI >= {wanted}, this is 6.8" in str(caught.value)


async def _answer(outcome):
    lazy = hasattr(outcome, "__aiter__") or hasattr(outcome, "__next__")
    return await (collected(outcome) if lazy else done(outcome))


async def test_the_check_of_a_server_for_one_user(client, server_version):
    found = await done(client.check())
    assert (found.version, found.is_multiuser) == (server_version, None)
    assert found.has_events


async def test_the_node_catalog_is_the_servers_own(client, server_version):
    catalog = await done(client.workflow_repo.refresh_catalog())
    assert catalog.version == server_version
    newer = set(NodeCatalog.bundled()) - set(catalog)
    assert {"if", "call_saved_workflow"} <= newer


async def test_a_newer_node_is_refused_and_nothing_is_enqueued(client):
    nodes = [node("choice", "if", label="Choice"), node("b", "blank_image")]
    handle = client.workflow_repo.create_workflow(definition(nodes))
    before = (await done(client.queue_repo.get_queue_status())).queue.total
    with pytest.raises(FieldValidationError, match=r"'Choice'.* no nodes of type if"):
        await done(handle.run())
    assert (await done(client.queue_repo.get_queue_status())).queue.total == before


async def test_cancelled_in_bulk_is_noticed_although_no_event_says_so(client):
    made = node("b", "blank_image", {"width": 16, "height": 16})
    made["data"]["useCache"] = False
    handle = client.workflow_repo.create_workflow(definition([made]))
    submission = await done(handle.submit(runs=12))
    await done(client.queue_repo.cancel_batch(submission.id))
    with pytest.raises(JobCanceledError) as caught:
        await done(submission.wait(timeout=60))
    assert len(caught.value.result.jobs) == 12


async def test_jobs_have_no_status_sequence_and_other_queues_none_of_them(client):
    handle = client.workflow_repo.create_workflow(definition([node("a", "add")]))
    submission = await done(handle.submit())
    result = await done(submission.wait(timeout=60))
    assert result.is_complete
    job = await done(client.queue_repo.get_job(submission.jobs[0].item_id))
    assert job.status_sequence is None
    assert job.session["prepared_source_mapping"]
    other = client.queue_repo.with_queue("other")
    # The server itself would cancel and delete it.
    for verb in (other.cancel, other.delete_job):
        with pytest.raises(NotFoundError):
            await done(verb(job))
    assert (await done(client.queue_repo.get_job(job.item_id))) == job


async def test_nested_loops_come_in_loop_order(client):
    """The server lists iterations in the order of a set."""
    nodes = [
        node("rows", "range", {"start": 16, "stop": 33, "step": 8}),
        node("row", "iterate"),
        node("cells", "range", {"start": 8, "step": 8}),
        node("cell", "iterate"),
        node("sum", "add", {"b": 0}, label=f"Sum {uuid.uuid4().hex}"),
    ]
    edges = [
        "rows.collection -> row.collection",
        "row.item -> cells.stop",
        "cells.collection -> cell.collection",
        "cell.item -> sum.a",
    ]
    handle = client.workflow_repo.create_workflow(definition(nodes, edges))
    result = await done(handle.run(timeout=90))
    rows = [value["item"] for value in result.outputs["row"].values]
    assert rows == [16, 24, 32]
    assert [value["item"] for value in result.outputs["cell"].values] == [
        8, 8, 16, 8, 16, 24,
    ]  # fmt: skip


async def test_a_board_that_is_not_there_is_not_found(client):
    boards = client.board_repo
    for verb in (
        lambda: boards.delete_board(NO_SUCH_ID),
        lambda: boards.update_board(NO_SUCH_ID, name="x"),
    ):
        with pytest.raises(NotFoundError):
            await done(verb())
