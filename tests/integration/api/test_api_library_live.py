"""The workflow library, presets, prompts and the rest.

What concerns everything on a server is tried on one of this module's own.
"""

from __future__ import annotations

import io
import json
import re
import uuid

import pytest
from PIL import Image

from invokeai_py_client.exceptions import (
    APIStatusError,
    ArgumentError,
    ImageError,
    NotFoundError,
    WorkflowError,
)

from ..noun_calls import done, either_client
from .test_api_videos_live import TINY

pytestmark = pytest.mark.live

NODE = {
    "id": "n",
    "type": "invocation",
    "position": {"x": 0, "y": 0},
    "data": {
        "id": "n",
        "type": "blank_image",
        "version": "1.2.2",
        "label": "",
        "notes": "",
        "isOpen": True,
        "isIntermediate": False,
        "useCache": True,
        "inputs": {"width": {"name": "width", "label": "Width", "value": 64}},
    },
}
FILE = {
    "name": "tiny",
    "meta": {"version": "3.0.0", "category": "user"},
    "tags": "apia, tiny",
    "exposedFields": [{"nodeId": "n", "fieldName": "width"}],
    "nodes": [NODE],
    "edges": [],
}


@pytest.fixture(params=["blocking", "asyncio"])
async def owner(request, own_server):
    """Either client of this module's own server."""
    async for made in either_client(request.param, own_server.url):
        yield made


@pytest.fixture
async def saved(client):
    """A workflow of this test alone in the library."""
    name = f"test ä/{uuid.uuid4().hex}"
    record = await done(client.workflow_repo.save_workflow(FILE, name=name))
    yield record
    if await done(client.workflow_repo.find_workflow(record.workflow_id)):
        await done(client.workflow_repo.delete_workflow(record))


def picture(color="red"):
    sink = io.BytesIO()
    Image.new("RGB", (8, 6), color).save(sink, "PNG")
    return sink.getvalue()


# -- the workflow library --------------------------------------------------------


async def test_a_saved_workflow_is_found_loaded_and_replaced(client, saved):
    library = client.workflow_repo
    assert (saved.category, saved.tags) == ("user", "apia, tiny")
    found = await done(library.get_workflow_record(saved.name))
    assert (found.workflow_id, found.is_public) == (saved.workflow_id, True)
    handle = await done(library.load(saved.name))
    assert [item.name for item in handle.list_inputs()] == ["width"]
    changed = {**FILE, "description": "new"}
    again = await done(library.update_workflow(saved.name, changed, name=saved.name))
    assert (again.workflow_id, again.description) == (saved.workflow_id, "new")
    pushed = await done(library.push_workflow(FILE, name=saved.name))
    assert pushed.workflow_id == saved.workflow_id
    assert (await done(library.get_workflow_record(saved))).description == ""


async def test_pushing_a_new_name_saves_it(client):
    name = f"pushed {uuid.uuid4().hex}"
    record = await done(client.workflow_repo.push_workflow(FILE, name=name))
    assert await done(client.workflow_repo.find_workflow(name)) is not None
    twin = await done(client.workflow_repo.save_workflow(FILE, name=name))
    with pytest.raises(WorkflowError, match="2 workflows"):
        await done(client.workflow_repo.push_workflow(FILE, name=name))
    for item in (record, twin):
        await done(client.workflow_repo.delete_workflow(item))


async def test_two_workflows_of_one_name_are_two_files(client, tmp_path):
    name = f"twins {uuid.uuid4().hex}"
    twins = [
        await done(client.workflow_repo.save_workflow(FILE, name=name))
        for _ in range(2)
    ]
    paths = {
        await done(client.workflow_repo.pull_workflow(twin, tmp_path)) for twin in twins
    }
    # The same one once more is the same file.
    paths.add(await done(client.workflow_repo.pull_workflow(twins[0], tmp_path)))
    assert len(paths) == 2
    for twin in twins:
        await done(client.workflow_repo.delete_workflow(twin))


async def test_a_pulled_file_can_be_loaded_and_stays_in_its_folder(
    client, saved, tmp_path
):
    path = await done(client.workflow_repo.pull_workflow(saved, tmp_path))
    assert path.parent == tmp_path
    assert path.suffix == ".json"
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["name"] == saved.name
    assert "id" not in document
    copy = await done(client.workflow_repo.save_workflow(path, name="copy"))
    await done(client.workflow_repo.delete_workflow(copy))
    with pytest.raises(FileExistsError):
        await done(client.workflow_repo.pull_workflow(saved, tmp_path, overwrite=False))


async def test_what_comes_with_the_server_stays_as_it_is(client):
    library = client.workflow_repo
    default = (await done(library.list_workflows(categories=["default"])))[0]
    with pytest.raises(WorkflowError, match="comes with the server"):
        await done(library.update_workflow(default, FILE))
    with pytest.raises(WorkflowError, match="comes with the server"):
        await done(library.delete_workflow(default))
    definition = await done(library.get_workflow(default.workflow_id))
    copy = await done(library.save_workflow(definition, name="copy"))
    assert copy.category == "user"
    await done(library.delete_workflow(copy))


async def test_a_deleted_workflow_is_gone(client, saved):
    await done(client.workflow_repo.delete_workflow(saved))
    with pytest.raises(NotFoundError):
        await done(client.workflow_repo.delete_workflow(saved))
    with pytest.raises(WorkflowError, match="no workflow"):
        await done(client.workflow_repo.delete_workflow(saved.name))


async def test_thumbnails(client, saved):
    library = client.workflow_repo
    assert await done(library.find_workflow_thumbnail(saved)) is None
    await done(library.delete_workflow_thumbnail(saved))
    await done(library.set_workflow_thumbnail(saved, picture()))
    content = await done(library.find_workflow_thumbnail(saved))
    assert Image.open(io.BytesIO(content)).size[0] > 0
    await done(library.delete_workflow_thumbnail(saved))
    assert await done(library.find_workflow_thumbnail(saved)) is None
    with pytest.raises(ImageError, match="is damaged"):
        await done(library.set_workflow_thumbnail(saved, picture()[:20]))


async def test_filters_tags_and_counts(client, saved):
    library = client.workflow_repo
    hidden = await done(library.set_workflow_public(saved, False))
    assert hidden.is_public is False

    async def listed(**filters):
        records = await done(library.list_workflows(**filters))
        return [record.workflow_id for record in records]

    assert saved.workflow_id in await listed(is_public=False, categories=["user"])
    assert saved.workflow_id not in await listed(is_public=True)
    assert saved.workflow_id in await listed(has_been_opened=False)
    await done(library.mark_workflow_opened(saved))
    assert (await done(library.get_workflow_record(saved))).opened_at is not None
    assert (await listed(order_by="opened_at", descending=True))[0] == saved.workflow_id
    assert saved.workflow_id not in await listed(is_callable=True)
    assert await listed(query=saved.name) == [saved.workflow_id]
    assert "tiny" in await done(library.list_workflow_tags(categories=["user"]))
    counts = await done(library.count_workflows_by_tag(["tiny", "no such tag"]))
    assert counts["tiny"] >= 1
    assert counts["no such tag"] == 0
    kinds = await done(library.count_workflows_by_category())
    assert kinds["user"] >= 1
    assert kinds["default"] >= 1
    with pytest.raises(ArgumentError, match="order_by"):
        await listed(order_by="colour")


# -- style presets ----------------------------------------------------------------


async def test_a_preset_keeps_its_image_until_told_otherwise(client):
    presets = client.style_preset_repo
    preset = await done(
        presets.create_preset(
            "test Öl", positive_prompt="{prompt}, oil", image=picture()
        )
    )
    bare = await done(presets.create_preset("test bare"))
    assert await done(presets.find_preset_image(bare)) is None
    content = await done(presets.find_preset_image(preset))
    renamed = await done(presets.update_preset(preset, name="test Ink"))
    assert (renamed.name, renamed.positive_prompt) == ("test Ink", "{prompt}, oil")
    assert await done(presets.find_preset_image(preset)) == content
    assert (await done(presets.update_preset(bare, image=picture()))).image
    gone = await done(presets.update_preset(preset, remove_image=True))
    assert gone.image is None
    assert await done(presets.find_preset_image(preset)) is None
    assert [item.id for item in await done(presets.search_presets("TEST ink"))] == [
        preset.id
    ]
    for item in (preset, bare):
        await done(presets.delete_preset(item))
    for read in (presets.get_preset, presets.find_preset_image, presets.delete_preset):
        with pytest.raises(NotFoundError):
            await done(read(preset))
    with pytest.raises(ImageError, match="is damaged"):
        await done(presets.create_preset("x", image=picture()[:20]))


@pytest.mark.real_server("the simulator exports and imports no presets")
async def test_presets_travel_as_files(client, tmp_path):
    presets = client.style_preset_repo
    name = f"test {uuid.uuid4().hex}"
    path = tmp_path / "in.json"
    one = {"name": name, "prompt": "a, ä", "negative_prompt": "b"}
    path.write_text(json.dumps([one]), encoding="utf-8")
    (made,) = await done(presets.import_presets(path))
    assert (made.positive_prompt, made.negative_prompt) == ("a, ä", "b")
    exported = await done(presets.export_presets(tmp_path))
    assert exported.parent == tmp_path
    assert re.fullmatch(r"style_presets-[0-9a-f]{8}\.csv", exported.name)
    assert name in exported.read_text(encoding="utf-8")
    before = {preset.id for preset in await done(presets.list_presets())}
    again = await done(presets.import_presets(exported))
    assert made.name in [preset.name for preset in again]
    assert not before & {preset.id for preset in again}
    for preset in (made, *again):
        await done(presets.delete_preset(preset))
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(APIStatusError, match="Invalid CSV"):
        await done(presets.import_presets(tmp_path / "bad.csv"))
    with pytest.raises(ValueError, match=r"\.csv or a \.json"):
        await done(presets.import_presets(tmp_path / "bad.txt"))


# -- system prompts ----------------------------------------------------------------


async def test_system_prompts(client):
    prompts = client.system_prompt_repo
    prompt = await done(prompts.create_prompt("test", content="Expand."))
    assert await done(prompts.get_prompt(prompt)) == prompt
    changed = await done(prompts.update_prompt(prompt, content="Shorten."))
    assert (changed.name, changed.content) == ("test", "Shorten.")
    assert prompt.id in [item.id for item in await done(prompts.list_prompts())]
    await done(prompts.delete_prompt(prompt))
    for read in (prompts.get_prompt, prompts.delete_prompt):
        with pytest.raises(NotFoundError):
            await done(read(prompt))
    with pytest.raises(ArgumentError, match="name"):
        await done(prompts.create_prompt("", content="x"))


# -- the rest -----------------------------------------------------------------------


async def test_the_client_state_keeps_texts(client):
    state, key = client.client_state_repo, f"test:{uuid.uuid4().hex}"
    assert await done(state.find_value(key)) is None
    await done(state.set_value(key, '{"ä": "\\n"}'))
    assert await done(state.find_value(key)) == '{"ä": "\\n"}'
    assert await done(state.list_keys("test:")) == [key]
    await done(state.delete_value(key))
    await done(state.delete_value(key))
    assert await done(state.find_value(key)) is None


async def test_the_client_state_can_be_cleared(owner):
    state = owner.client_state_repo
    await done(state.set_value("a", "1"))
    await done(state.clear_values())
    assert await done(state.list_keys()) == []


@pytest.mark.real_server("the simulator has no web interface to tell")
async def test_recall_tells_what_the_server_left_out(owner):
    recall = owner.recall_repo
    result = await done(
        recall.send_parameters(
            {"steps": 9, "model": "no such", "loras": [{"model_name": "no such"}]}
        )
    )
    assert result.parameters["steps"] == 9
    assert [item.partition(":")[0] for item in result.unresolved] == ["model", "loras"]
    assert (
        await done(recall.send_parameters({"seed": 1}, strict=True))
    ).unresolved == []
    assert (await done(recall.get_recall_status()))["status"] == "success"
    with pytest.raises(ValueError, match="stepz"):
        await done(recall.send_parameters({"stepz": 9}))
    with pytest.raises(ValueError, match="strict"):
        await done(recall.send_parameters({"seed": 1}, strict=True, append=True))


@pytest.mark.real_server("the simulator moves no image files")
async def test_image_files_are_moved_on_request(owner):
    moves = owner.image_move_repo
    await done(moves.start_image_move())
    done_moving = await done(moves.wait_for_image_move(timeout=60))
    assert (done_moving.is_running, done_moving.needs_move_count) == (False, 0)
    await done(moves.recover_image_move())
    assert not (await done(moves.wait_for_image_move(timeout=60))).is_running


async def test_what_is_on_no_board_can_be_deleted_as_a_whole(owner):
    board = await done(owner.board_repo.create_board("kept"))
    kept = await done(board.upload_image_data(picture()))
    image = await done(owner.image_repo.upload_image(picture()))
    hidden = await done(owner.image_repo.upload_image(picture(), is_intermediate=True))
    video = await done(owner.video_repo.upload_video(TINY))
    gone = await done(owner.image_repo.delete_uncategorized_images())
    assert set(gone.changed) == {image.image_name, hidden.image_name}
    films = await done(owner.video_repo.delete_uncategorized_videos())
    assert films.changed == [video.video_name]
    assert await done(owner.image_repo.image_exists(kept))


async def test_intermediate_images_can_be_cleared(owner):
    hidden = await done(owner.image_repo.upload_image(picture(), is_intermediate=True))
    assert await done(owner.image_repo.delete_intermediate_images()) >= 1
    assert not await done(owner.image_repo.image_exists(hidden))
    assert await done(owner.image_repo.count_intermediate_images()) == 0
