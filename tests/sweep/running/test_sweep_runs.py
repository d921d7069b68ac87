"""A plan run in a folder: every item once, and the same call again goes on."""

from __future__ import annotations

import asyncio
import json
import re

import pytest
from ledger_rig import items as planned_items
from sweep_rig import (
    blank,
    check_exact,
    counts,
    file_size,
    jobs_made,
    run_sweep,
    size_of,
    sizes,
)

from invokeai_py_client import AsyncInvokeAIClient, InvokeAIClient
from invokeai_py_client.exceptions import (
    ArgumentError,
    BoardError,
    FieldValidationError,
    LocalFileNotFoundError,
    SweepChangedError,
    SweepError,
    UnprocessableEntityError,
)
from invokeai_py_client.simulator import RequestFault, SimulatedServer
from invokeai_py_client.sweep import Sweep
from invokeai_py_client.sweep.batches.harvest_flows import LONGEST_WAIT
from invokeai_py_client.sweep.folder.sweep_folder import SweepFolder
from invokeai_py_client.sweep.ledger.said_values import difference
from invokeai_py_client.sweep.running import run_flows

# What waits ask: how the jobs of a batch are, and why none of them moves.
POLL = re.compile("/queue/.*/(status|item_summaries_by_ids|next)$")


@pytest.fixture
def server():
    with SimulatedServer() as running:
        yield running


@pytest.fixture
def workflow(server):
    with InvokeAIClient(server.url, settle_time=0.5) as client:
        yield client.workflow_repo.create_workflow(blank())


def test_each_item_gets_its_own_file(server, tmp_path):
    result = run_sweep(server.url, tmp_path / "s", 130)
    assert (result.progress.done, result.progress.failed) == (130, 0)
    check_exact(tmp_path / "s", 130)
    assert jobs_made(server) == 130


def test_the_asyncio_client_runs_the_same_sweep(server, tmp_path):
    async def run():
        async with AsyncInvokeAIClient(server.url) as client:
            plan = client.workflow_repo.create_workflow(blank()).sweep(zip=sizes(70))
            items = [item async for item in plan.stream(tmp_path / "s")]
            return items, await plan.run(tmp_path / "s")

    items, result = asyncio.run(run())
    assert sorted(item.index for item in items) == list(range(70))
    assert result.progress.done == 70
    check_exact(tmp_path / "s", 70)
    # What one client began, the other one finds done.
    assert run_sweep(server.url, tmp_path / "s", 70).progress.done == 70
    assert jobs_made(server) == 70


def test_a_stream_gives_each_item_as_it_ends(workflow, tmp_path):
    plan = workflow.sweep(zip=sizes(12))
    items = {item.index: item for item in plan.stream(tmp_path / "s")}
    assert sorted(items) == list(range(12))
    for index, item in items.items():
        assert item.status == "done"
        assert item.key == plan[index].key
        assert item.values == dict(zip(("width", "height"), size_of(index)))
        assert [file_size(path) for path in item.paths] == [size_of(index)]
    assert list(plan.stream(tmp_path / "s")) == []


def test_a_stream_that_is_left_goes_on_with_the_next_run(server, workflow, tmp_path):
    plan = workflow.sweep(zip=sizes(150))
    for _ in plan.stream(tmp_path / "s"):
        break
    assert plan.run(tmp_path / "s").progress.done == 150
    check_exact(tmp_path / "s", 150)
    assert jobs_made(server) == 150


def test_a_sweep_of_a_thousand_asks_little(server, tmp_path):
    sent, mailboxes = [], []
    hooks = {"event_hooks": {"request": [lambda request: sent.append(request.url)]}}
    with InvokeAIClient(server.url, http_options=hooks) as client:
        plan = client.workflow_repo.create_workflow(blank()).sweep(zip=sizes(1000))
        sent.clear()
        result = plan.run(
            tmp_path / "s",
            on_progress=lambda _: mailboxes.append(len(client._hub._mailboxes)),
        )
    # Each of two slots listens to its batch, and to none that is over.
    assert max(mailboxes) <= 2
    downloads = [url for url in sent if url.path.endswith("/full")]
    assert len(downloads) == 1000
    # How often a wait polls depends on how fast the machine is; how many seconds are
    # between two polls is tested where waits are. Where it is slow, each of two slots
    # reads what there is every so often.
    polls = [url for url in sent if POLL.search(url.path)]
    most = 0.05 * 1000 + 2 * result.seconds / LONGEST_WAIT
    assert len(sent) - len(downloads) - len(polls) <= most
    check_exact(tmp_path / "s", 1000)


def test_what_is_appended_extends_the_sweep(server, workflow, tmp_path):
    workflow.sweep(zip=sizes(20)).run(tmp_path / "s")
    workflow.sweep(zip=sizes(25)).run(tmp_path / "s")
    check_exact(tmp_path / "s", 25)
    assert jobs_made(server) == 25


def test_another_value_is_refused_and_named(server, workflow, tmp_path):
    workflow.sweep(zip=sizes(5)).run(tmp_path / "s")
    other = sizes(5)
    other["width"][3] = 99
    with pytest.raises(SweepChangedError, match=r"item 3.*width.*99"):
        workflow.sweep(zip=other).run(tmp_path / "s")
    with pytest.raises(SweepChangedError, match="5 items"):
        workflow.sweep(zip=sizes(4)).run(tmp_path / "s")
    assert jobs_made(server) == 5


def test_other_values_of_the_handle_are_refused_and_named(workflow, tmp_path):
    workflow.sweep(product={"width": [8, 9]}).run(tmp_path / "s")
    workflow["height"] = 77
    with pytest.raises(
        SweepChangedError, match=r"height is the workflow's own.*77 here"
    ):
        workflow.sweep(product={"width": [8, 9]}).run(tmp_path / "s")


def test_models_and_files_are_named_as_people_name_them():
    model = {"text": "", "name": "Juggernaut", "base": "sdxl", "type": "main"}
    other = {"$model": {**model, "name": "Dreamshaper 8"}}
    text = "model is 'Juggernaut' in the folder and 'Dreamshaper 8' here"
    assert difference("model", {"$model": model}, other) == text
    again = {"$model": {**model, "base": "sd-1"}}
    text = "model is 'Juggernaut', but not the one of that name in the folder"
    assert difference("model", {"$model": model}, again) == text
    file = {"$file": "/data/cat.png", "sha256": "ab" * 32}
    text = "image is 'cat.png' in the folder and 'dog.png' here"
    assert difference("image", file, {"$image": "dog.png"}) == text


def test_a_plan_of_which_nothing_was_sent_is_replaced(server, workflow, tmp_path):
    server.faults.add_request(
        RequestFault("status", path="enqueue_batch", status=422, times=1)
    )
    workflow["height"] = 77
    with pytest.raises(UnprocessableEntityError):
        workflow.sweep(product={"width": [8, 9]}).run(tmp_path / "s")
    assert counts(tmp_path / "s").todo == 2
    other = blank(use_cache=True)
    with InvokeAIClient(server.url) as client:
        plan = client.workflow_repo.create_workflow(other).sweep(zip=sizes(3))
        assert plan.run(tmp_path / "s").progress.done == 3
    check_exact(tmp_path / "s", 3)
    kept = (tmp_path / "s" / "workflow.json").read_text()
    assert json.loads(kept) == json.loads(other.to_json())


def test_a_plan_that_is_replaced_is_whole_or_not_there(tmp_path):
    """An interruption in between leaves nothing that could be taken for the new one."""
    with SweepFolder.open_or_create(tmp_path / "s") as folder:
        ledger = folder.create_ledger(b"{}", {"name": "old"})
        ledger.add_items(planned_items(3))
        ledger.begin_again({"name": "new"})
        ledger.close()
    with pytest.raises(SweepError, match="interrupted before"):
        Sweep.open(tmp_path / "s")


def test_another_workflow_is_refused(workflow, server, tmp_path):
    workflow.sweep(product={"width": [8]}).run(tmp_path / "s")
    with InvokeAIClient(server.url) as client:
        other = client.workflow_repo.create_workflow(blank(use_cache=True))
        with pytest.raises(SweepChangedError, match="the workflow"):
            other.sweep(product={"width": [8]}).run(tmp_path / "s")


def test_a_refused_value_is_named_before_anything_is_sent(server, workflow, tmp_path):
    values = sizes(500)
    values["width"][312] = "wide"
    plan = workflow.sweep(zip=values)
    with pytest.raises(FieldValidationError, match=r"313.*width|width.*313"):
        plan.run(tmp_path / "s")
    assert jobs_made(server) == 0
    assert not (tmp_path / "s").exists()


def test_drawn_seeds_are_drawn_once(server, tmp_path):
    from faults.rig.workflows import drawn

    with InvokeAIClient(server.url) as client:
        workflow = client.workflow_repo.create_workflow(drawn())
        first = workflow.sweep(product={"height": [8, 9, 10]}, seed="keep")
        first.run(tmp_path / "s")
        assert counts(tmp_path / "s").done == 3


def test_the_template_of_the_names_is_read_at_the_call(workflow, tmp_path):
    plan = workflow.sweep(product={"width": [8]})
    with pytest.raises(ArgumentError, match="name"):
        plan.stream(tmp_path / "s", name="{index")
    with pytest.raises(ArgumentError, match="heigth"):
        plan.run(tmp_path / "s", name="{heigth}.png")
    with pytest.raises(ArgumentError, match="does not fit"):
        plan.run(tmp_path / "s", name="{width:%Y}.png")
    assert not (tmp_path / "s").exists()


def test_names_that_would_be_the_same_are_told_apart(workflow, tmp_path):
    plan = workflow.sweep(product={"width": [8, 9]}, runs=3)
    plan.run(tmp_path / "s", name="of width {width}.png")
    files = sorted((tmp_path / "s" / "images").rglob("*.png"))
    assert len(files) == 6
    assert {file_size(path)[0] for path in files} == {8, 9}


def test_the_folder_says_how_far_it_is_while_it_runs(workflow, tmp_path, monkeypatch):
    monkeypatch.setattr(run_flows, "STATUS_EVERY", 0.0)
    for number, _ in enumerate(workflow.sweep(zip=sizes(300)).stream(tmp_path / "s")):
        if number == 150:
            status = json.loads((tmp_path / "s" / "status.json").read_text())
            break
    assert status["total"] == 300
    assert 0 < status["done"] <= 300


def test_progress_is_told_and_ends_with_everything_done(workflow, tmp_path):
    told = []
    workflow.sweep(zip=sizes(120)).run(tmp_path / "s", on_progress=told.append)
    assert [progress.done for progress in told] == sorted(p.done for p in told)
    assert told[-1].is_complete
    assert all(progress.total == 120 for progress in told)


def test_a_long_run_says_in_the_log_how_far_it_is(
    workflow, tmp_path, monkeypatch, caplog
):
    monkeypatch.setattr(run_flows, "STATUS_EVERY", 0.0)
    monkeypatch.setattr(run_flows, "LOG_EVERY", 0.0)
    caplog.set_level("INFO", "invokeai_py_client")
    workflow.sweep(zip=sizes(60)).run(tmp_path / "s")
    assert f"{tmp_path / 's'}: 60 of 60 done" in caplog.text


def test_only_failures_of_a_kind_that_there_is_are_opened_again(workflow, tmp_path):
    folder = tmp_path / "s"
    workflow.sweep(product={"width": [32]}).run(folder)
    assert Sweep.open(folder).retry("out_of_memory") == 0
    assert Sweep.open(folder).retry("input_gone") == 0
    with pytest.raises(ArgumentError, match="'out_of_memory', 'node_error'"):
        Sweep.open(folder).retry("oom")


def test_a_board_that_is_missing_is_to_be_made_first(workflow, tmp_path):
    plan = workflow.sweep(product={"width": [32]}, board="Ships")
    with pytest.raises(BoardError, match=r"board_repo\.create_board\('Ships'\)"):
        plan.run(tmp_path / "s")


def test_a_folder_that_is_missing_is_named(tmp_path):
    with pytest.raises(LocalFileNotFoundError, match="nowhere: No such file"):
        Sweep.open(tmp_path / "nowhere")


def test_too_many_failures_end_the_run_and_are_recorded(server, workflow, tmp_path):
    server.fail_next("blank_image", "ValueError", "odd", times=10)
    with pytest.raises(SweepError, match="max_failures=3"):
        workflow.sweep(zip=sizes(60)).run(tmp_path / "s", max_failures=3)
    found = counts(tmp_path / "s")
    assert found.failed == 10
    workflow.sweep(zip=sizes(60)).run(tmp_path / "s")
    assert counts(tmp_path / "s").done == 50
    assert jobs_made(server) == 60
