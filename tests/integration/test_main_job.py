"""The main job on a server: a workflow in, its images, values and seeds out."""

from __future__ import annotations

import asyncio
import io
import uuid

import pytest
from PIL import Image
from workflow_builder import definition, node

from faults.rig.proxy import FaultProxy
from invokeai_py_client._aio.client import AsyncInvokeAIClient
from invokeai_py_client.client import InvokeAIClient
from invokeai_py_client.exceptions import (
    FieldValidationError,
    JobCanceledError,
    JobFailedError,
    JobTimeoutError,
    KeyConflictError,
    QueueError,
    WorkflowError,
)

from .noun_calls import done

pytestmark = pytest.mark.live

TEXT_TO_IMAGE = "Text to Image - SD1.5"


@pytest.fixture
def blocking(live_url):
    with InvokeAIClient.from_url(live_url) as client:
        yield client


@pytest.fixture
async def asynchronous(live_url):
    async with AsyncInvokeAIClient.from_url(live_url) as client:
        yield client


async def text_to_image(client):
    """The server's default workflow, made small."""
    handle = await done(client.workflow_repo.load(TEXT_TO_IMAGE))
    handle.set_inputs(model="tiny-sd1", width=64, height=64)
    handle.set_node_value("denoise_latents", "steps", 2)
    return handle


def blank(**options):
    """One blank image, which no cache serves."""
    made = node(
        "b",
        "blank_image",
        {"width": 16, "height": 16},
        label="Blank",
        is_intermediate=False,
    )
    made["data"]["useCache"] = False
    return definition(
        [made], form=[("b", "color"), ("b", "width"), ("b", "height")], **options
    )


def looped():
    """Blank images of widths 8, 16, 24 and 32, made in a loop and collected."""
    nodes = [
        node("range", "range", {"start": 8, "stop": 40, "step": 8}),
        node("each", "iterate"),
        node("b", "blank_image", label="Blank", is_intermediate=False),
        node("all", "collect"),
    ]
    nodes[2]["data"]["useCache"] = False
    edges = [
        "range.collection -> each.collection",
        "each.item -> b.width",
        "b.image -> all.item",
    ]
    return definition(nodes, edges, [("b", "height"), ("b", "width")])


def dividing():
    """Four divided by an input, beside a blank image that always works."""
    divide = node("half", "div", {"a": 4, "b": 0}, label="Half")
    divide["data"]["useCache"] = False
    return definition([divide], form=[("half", "b"), ("half", "a")])


def picture_of(color):
    sink = io.BytesIO()
    Image.new("RGB", (24, 16), color).save(sink, "PNG")
    return sink.getvalue()


async def test_the_default_workflow_runs_and_reports_what_it_used(client, tiny_models):
    handle = await text_to_image(client)
    prompt, seen = f"a lighthouse {uuid.uuid4().hex}", []
    result = await done(
        handle.run(positive_prompt=prompt, seed=7, on_progress=seen.append, timeout=120)
    )
    image = result.image
    assert (image.width, image.height) == (64, 64)
    assert (await done(image.bytes())).startswith(b"\x89PNG")
    assert result.seeds == (7,)
    assert result.jobs[0].values["positive_prompt"] == prompt
    assert result.jobs[0].values["model"]["name"] == "tiny-sd1"
    (mapping,) = handle.map_outputs_to_images(result)
    assert mapping.images == result.images
    assert [output.node_id for output in handle.list_outputs()] == [mapping.node_id]
    fractions = [step.fraction for step in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert any(step.preview and step.preview.content for step in seen)


async def test_seeds_7_8_7_produce_images_a_b_a(client, tiny_models):
    handle = await text_to_image(client)
    prompt = uuid.uuid4().hex
    pictures, seeds = [], []
    for seed in (7, 8, 7):
        result = await done(handle.run(positive_prompt=prompt, seed=seed))
        pictures.append(await done(result.image.bytes()))
        seeds += result.seeds
    assert seeds == [7, 8, 7]
    assert pictures[0] == pictures[2]
    assert pictures[0] != pictures[1]
    (output,) = (out for out in result.outputs.values() if out.images)
    assert output.cached, "the third picture is the first one, and says so"


async def test_runs_with_random_seeds_differ_and_report_them(client, tiny_models):
    handle = await text_to_image(client)
    result = await done(handle.run(runs=3, seed="random", timeout=120))
    assert len(set(result.seeds)) == 3
    assert len({image.image_name for image in result.images}) == 3


async def test_twenty_at_once_each_get_their_own_image(asynchronous):
    handle = asynchronous.workflow_repo.create_workflow(blank())
    colors = [(n * 12, 255 - n, n, 255) for n in range(20)]

    async def one(color):
        red, green, blue, alpha = color
        submission = await handle.submit(
            color={"r": red, "g": green, "b": blue, "a": alpha}
        )
        result = await submission.wait(timeout=100)
        pixels = await result.image.pil()
        return pixels.convert("RGB").getpixel((3, 3)), result.image.image_name

    outcomes = await asyncio.gather(*[one(color) for color in colors])
    assert [pixel for pixel, _ in outcomes] == [color[:3] for color in colors]
    assert len({name for _, name in outcomes}) == 20


async def test_iterated_nodes_come_in_loop_order(client):
    handle = client.workflow_repo.create_workflow(looped())
    result = await done(handle.run(height=24, timeout=60))
    assert [(image.width, image.height) for image in result.images] == [
        (8, 24),
        (16, 24),
        (24, 24),
        (32, 24),
    ]
    values = result.jobs[0].values
    assert values == {"blank_height": 24, "blank_width": (8, 16, 24, 32)}
    (mapping,) = handle.map_outputs(result)
    assert mapping.images == result.images


async def test_a_failed_job_names_its_node_and_error(client):
    handle = client.workflow_repo.create_workflow(dividing())
    with pytest.raises(JobFailedError) as caught:
        await done(handle.run(timeout=60))
    error = caught.value
    assert (error.node_id, error.node_type) == ("half", "div")
    assert error.error_type == "ZeroDivisionError"
    assert "'Half'" in str(error)
    assert "ZeroDivisionError" in error.traceback
    result = await done(handle.run(timeout=60, check=False))
    assert result.jobs[0].status == "failed"
    assert (await done(handle.run(half_b=2))).outputs["Half"].value == 2


async def test_a_key_is_submitted_once_and_found_from_elsewhere(client):
    key = uuid.uuid4().hex
    handle = client.workflow_repo.create_workflow(blank())
    first = await done(handle.submit(key=key, width=24))
    again = await done(handle.submit(key=key, width=24))
    assert again.adopted
    assert [job.item_id for job in again.jobs] == [job.item_id for job in first.jobs]
    await done(first.wait(timeout=60))
    found = await done(client.queue_repo.get_submission(first.id))
    result = await done(found.wait(timeout=60))
    assert result.image.width == 24
    assert result.jobs[0].values["blank_width"] == 24
    with pytest.raises(QueueError, match="no jobs of a submission"):
        await done(client.queue_repo.get_submission("nobody"))
    with pytest.raises(KeyConflictError, match="blank_width is 24 there, 32 here"):
        await done(handle.submit(key=key, width=32))


def test_events_tell_the_whole_story_of_one_submission(blocking):
    handle = blocking.workflow_repo.create_workflow(blank())
    other = handle.submit()
    submission = handle.submit()
    events = list(submission.events())
    assert {event.item_id for event in events} == {submission.jobs[0].item_id}
    statuses = [
        event.status for event in events if event.name == "queue_item_status_changed"
    ]
    assert statuses[-1] == "completed"
    assert len(statuses) == len(set(statuses))
    complete = [event for event in events if event.name == "invocation_complete"]
    assert [event.node_id for event in complete] == ["b"]
    assert other.wait(timeout=60).image


async def test_cancelling_ends_the_wait(client):
    handle = client.workflow_repo.create_workflow(blank())
    submission = await done(handle.submit(runs=10))
    await done(submission.cancel())
    with pytest.raises(JobCanceledError) as caught:
        await done(submission.wait(timeout=60))
    assert len(caught.value.result.jobs) == 10
    status = await done(submission.status())
    assert status.is_done


async def test_a_deleted_job_ends_the_wait(client):
    handle = client.workflow_repo.create_workflow(blank())
    submission = await done(handle.submit(runs=3))
    last = submission.jobs[-1].item_id
    await done(client.queue_repo.delete_job(last))
    result = await done(submission.wait(timeout=60, check=False))
    assert [str(job.status) for job in result.jobs[:2]] == ["completed"] * 2
    assert "deleted" in str(result.jobs[2].error)


async def test_a_timeout_cancels_nothing_and_keeps_what_is_done(client):
    handle = client.workflow_repo.create_workflow(blank())
    submission = await done(handle.submit(runs=8))
    with pytest.raises(JobTimeoutError) as caught:
        await done(submission.wait(timeout=0.5))
    assert len(caught.value.result.images) < 8
    result = await done(submission.wait(timeout=60))
    assert len(result.images) == 8


async def test_a_cancelled_task_cancels_its_own_jobs_only(asynchronous):
    handle = asynchronous.workflow_repo.create_workflow(blank())
    other = await handle.submit(runs=2)
    moving = asyncio.Event()
    run = asyncio.create_task(handle.run(runs=30, on_progress=lambda _: moving.set()))
    await asyncio.wait_for(moving.wait(), 60)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    (unfinished,) = [key for key in handle._unfinished if key != other.id]
    mine = await asynchronous.queue_repo.get_submission(unfinished)
    result = await mine.wait(timeout=30, check=False)
    statuses = [str(job.status) for job in result.jobs]
    assert statuses.count("canceled") >= 20
    assert (await other.wait(timeout=60)).is_complete


async def test_images_are_accepted_as_files_bytes_and_results(client, tmp_path):
    resize = node("r", "img_resize", {"width": 8, "height": 8}, is_intermediate=False)
    handle = client.workflow_repo.create_workflow(
        definition([resize], form=[("r", "image")])
    )
    path = tmp_path / "rot.png"
    path.write_bytes(picture_of("red"))
    first = await done(handle.run(image=path, timeout=60))
    second = await done(handle.run(image=path.read_bytes(), timeout=60))
    used = [run.jobs[0].values["image"]["image_name"] for run in (first, second)]
    assert used[0] == used[1], "the same content is uploaded once"
    pixels = await done(first.image.pil())
    assert pixels.convert("RGB").getpixel((2, 2)) == (255, 0, 0)
    chained = await done(handle.run(image=first.image, timeout=60))
    assert chained.jobs[0].values["image"]["image_name"] == first.image.image_name


async def test_bad_values_are_refused_before_anything_is_sent(client, tiny_models):
    handle = await text_to_image(client)
    before = (await done(client.queue_repo.get_queue_status())).queue.total
    with pytest.raises(FieldValidationError, match="width"):
        await done(handle.run(width=65))
    with pytest.raises(FieldValidationError, match="did you mean 'tiny-sd1'"):
        await done(handle.run(model="tiny-sd2"))
    with pytest.raises(WorkflowError, match="neither a file nor a workflow"):
        await done(client.workflow_repo.load("Text to Imagge - SD1.5"))
    assert (await done(client.queue_repo.get_queue_status())).queue.total == before


async def test_many_workflows_go_out_together(client):
    divide = client.workflow_repo.create_workflow(dividing())
    image = client.workflow_repo.create_workflow(blank())
    submissions = await done(
        client.submit_many([(divide, {"half_b": 1}), image, (divide, {"half_b": 4})])
    )
    results = [await done(item.wait(timeout=60)) for item in submissions]
    assert results[0].outputs["half"].value == 4
    assert results[1].image.width == 16
    assert results[2].outputs["half"].value == 1


async def test_the_sdxl_default_workflow_runs(client, tiny_models):
    handle = await done(client.workflow_repo.load("Text to Image - SDXL"))
    handle.set_inputs({3: "tiny-sdxl-vae"}, model="tiny-sdxl")
    handle.set_node_value("noise", "width", 64)
    handle.set_node_value("noise", "height", 64)
    handle.set_node_value("denoise_latents", "steps", 2)
    prompt = f"a lighthouse {uuid.uuid4().hex}"
    result = await done(handle.run(positive_prompt=prompt, seed=11, timeout=120))
    assert (result.image.width, result.image.height) == (64, 64)
    assert result.seeds == (11,)
    (mapping,) = handle.map_outputs(result)
    assert mapping.images == result.images


@pytest.mark.needs_server("6.14", "26 default workflows; 6.8 has 14")
def test_every_default_workflow_loads_with_its_inputs(blocking, simulated):
    records = blocking.workflow_repo.list_workflows(categories=["default"])
    assert len(records) >= (4 if simulated else 26)
    for record in records:
        handle = blocking.workflow_repo.load(record.workflow_id)
        assert handle.list_inputs(), record.name
        kinds = {problem.kind for problem in handle.compile().problems}
        assert kinds <= {"missing_input"}, record.name
    definition = blocking.workflow_repo.get_workflow(records[0].workflow_id)
    assert definition.name == records[0].name
    assert blocking.workflow_repo.find_workflow("no such workflow") is None


@pytest.mark.parametrize("kind", ["reset_before", "reset_after"])
def test_a_lost_reply_never_doubles_the_jobs(live_url, kind):
    proxy = FaultProxy(live_url)
    proxy.next(kind, path="enqueue_batch")
    # Jobs that are there are found at once; for others the whole time is waited.
    settle_time = 3.0 if kind == "reset_before" else 30.0
    with proxy, InvokeAIClient.from_url(proxy.url, settle_time=settle_time) as client:
        handle = client.workflow_repo.create_workflow(blank())
        submission = handle.submit(runs=4)
        assert proxy.done == {kind: 1}
        result = submission.wait(timeout=60)
    assert len(result.images) == 4
    with InvokeAIClient.from_url(live_url) as client:
        found = client.queue_repo.get_submission(submission.id)
        assert [job.item_id for job in found.jobs] == [
            job.item_id for job in submission.jobs
        ]


async def test_one_image_for_many_jobs_is_uploaded_once(asynchronous):
    resize = node("r", "img_resize", {"width": 8, "height": 8}, is_intermediate=False)
    handle = asynchronous.workflow_repo.create_workflow(
        definition([resize], form=[("r", "image")])
    )
    content = picture_of((1, 2, 3))
    submissions = await asyncio.gather(
        *[handle.submit(image=content) for _ in range(5)]
    )
    results = [await submission.wait(timeout=60) for submission in submissions]
    used = {result.jobs[0].values["image"]["image_name"] for result in results}
    assert len(used) == 1
