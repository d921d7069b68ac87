"""Images, boards, models and jobs on a real server, through both clients."""

from __future__ import annotations

import io
import json
import uuid

import pytest
from paths import NO_SUCH_ID
from PIL import Image

from invokeai_py_client.client import InvokeAIClient
from invokeai_py_client.exceptions import (
    ArgumentError,
    BoardError,
    ImageError,
    ImageFileNotFoundError,
    ModelError,
    NotFoundError,
    QueueError,
    UnprocessableEntityError,
)
from invokeai_py_client.models import AsyncIvkImage, IvkImage, JobStatus

from ..noun_calls import done, enqueue

pytestmark = pytest.mark.live


def picture(color="red", size=(8, 6), form="PNG", mode="RGB"):
    sink = io.BytesIO()
    Image.new(mode, size, color).save(sink, form)
    return sink.getvalue()


# -- images --------------------------------------------------------------------


async def test_an_image_goes_up_and_comes_down_the_same(client, board, tmp_path):
    path = tmp_path / "bild ä.png"
    path.write_bytes(picture("blue"))
    image = await done(board.upload_image_file(path, metadata={"prompt": "Ärger"}))
    kind = IvkImage if isinstance(client, InvokeAIClient) else AsyncIvkImage
    assert type(image) is kind
    assert (image.width, image.height, image.board_id) == (8, 6, board.board_id)
    assert image.is_asset

    saved = await done(image.save(tmp_path / "out" / "copy.png"))
    assert Image.open(saved).getpixel((0, 0)) == (0, 0, 255)
    again = await done(board.download_image(image, tmp_path))
    assert again == tmp_path / image.image_name
    assert again.read_bytes() == saved.read_bytes() == await done(image.bytes())
    assert (await done(image.pil())).size == (8, 6)
    small = await done(image.thumbnail())
    assert Image.open(io.BytesIO(small)).format == "WEBP"
    assert await done(image.metadata()) == {"prompt": "Ärger"}
    assert await done(client.image_repo.get_image(image.image_name)) == image


@pytest.mark.parametrize("form", ["JPEG", "WEBP", "GIF", "BMP", "TIFF"])
async def test_common_formats_are_accepted_under_any_file_name(
    client, board, tmp_path, form
):
    path = tmp_path / "picture.bin"
    path.write_bytes(picture(form=form))
    assert (await done(board.upload_image_file(path))).width == 8


async def test_bytes_and_pillow_images_can_be_sent(client, board):
    image = await done(
        board.upload_image_data(Image.new("CMYK", (40, 20)), resize_to=(10, 5))
    )
    assert (image.width, image.height) == (10, 5)
    loose = await done(client.image_repo.upload_image(picture(), board="none"))
    assert loose.board_id is None
    await done(client.image_repo.delete_image(loose))


async def test_unreadable_images_are_named(client, tmp_path):
    upload = client.image_repo.upload_image
    with pytest.raises(ImageFileNotFoundError, match="missing"):
        await done(upload(tmp_path / "missing.png"))
    with pytest.raises(ImageError, match="not an image"):
        await done(upload(b"hello"))
    noise = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(noise, "PNG")
    with pytest.raises(ImageError, match="is damaged"):
        await done(upload(noise.getvalue()[:300]))
    # The server would not take its colours: they are converted.
    image = await done(upload(picture((0, 0, 0, 0), form="JPEG", mode="CMYK")))
    await done(client.image_repo.delete_image(image))
    with pytest.raises(NotFoundError, match=r"[Bb]oard"):
        await done(upload(picture(), board=NO_SUCH_ID))


async def test_unknown_images_are_not_found_by_every_verb(client, tmp_path):
    images, name = client.image_repo, "no-such-image.png"
    for verb in (
        images.get_image,
        images.get_image_bytes,
        images.get_image_thumbnail,
        images.find_image_metadata,
        images.find_image_workflow,
        images.delete_image,
        lambda image: images.download_image(image, tmp_path),
        lambda image: images.update_image(image, starred=True),
    ):
        with pytest.raises(NotFoundError):
            await done(verb(name))
    assert list(tmp_path.iterdir()) == []
    assert (await done(images.star_images([name]))).skipped == [name]
    assert (await done(images.delete_images([name]))).skipped == [name]
    with pytest.raises(ImageError, match="no-such"):
        await done(images.get_images([name]))


async def test_limit_offset_order_category_and_search_are_obeyed(client, board):
    word = f"word{uuid.uuid4().hex}"
    names = []
    for number in range(5):
        image = await done(
            board.upload_image_data(
                picture(),
                category="general" if number == 0 else "user",
                metadata={"tag": word} if number < 2 else None,
            )
        )
        names.append(image.image_name)

    async def listed(**options):
        found = await done(board.list_images(**options))
        return [image.image_name for image in found]

    assert await listed() == names[::-1]
    assert await listed(newest_first=False) == names
    assert await listed(limit=2) == names[::-1][:2]
    assert await listed(limit=2, offset=1) == names[::-1][1:3]
    assert await listed(limit=0) == []
    assert await listed(categories="general") == names[:1]
    assert await listed(search=word) == names[:2][::-1]
    await done(board.star_image(names[1]))
    assert (await listed(starred_first=True))[0] == names[1]
    assert await done(board.count_images()) == 5
    now = await done(board.get_board())
    assert (now.image_count, now.asset_count) == (1, 4)
    everything = await done(client.image_repo.list_image_names(board=board))
    assert everything == names[::-1]
    found = await done(client.image_repo.get_images(names))
    assert [image.image_name for image in found] == names


async def test_a_filter_the_server_does_not_know_is_refused(client):
    with pytest.raises(ArgumentError, match="general"):
        await done(client.image_repo.list_images(categories="pictures"))


async def test_images_are_starred_and_updated(client, board):
    image = await done(board.upload_image_data(picture()))
    await done(board.star_image(image))
    assert (await done(image.refresh())).starred
    await done(board.unstar_image(image))
    changes = await done(client.image_repo.star_images([image, "unknown.png"]))
    assert changes.changed == [image.image_name]
    assert changes.skipped == ["unknown.png"]
    changed = await done(
        client.image_repo.update_image(image, category="mask", is_intermediate=True)
    )
    assert (changed.image_category, changed.is_intermediate) == ("mask", True)
    assert await done(board.list_images()) == []
    assert len(await done(board.list_images(is_intermediate=None))) == 1


async def test_a_generated_image_holds_its_graph(client, own_destination):
    queued = await enqueue(client, destination=own_destination)
    await done(client.queue_repo.wait_until_queue_idle(60))
    job = await done(client.queue_repo.get_job(queued["item_ids"][0]))
    (output,) = job.session["results"].values()
    name = output["image"]["image_name"]
    graph = await done(client.image_repo.find_image_graph(name))
    assert graph["nodes"]["blank"]["type"] == "blank_image"
    assert await done(client.image_repo.find_image_workflow(name)) is None
    await done(client.image_repo.delete_image(name))


# -- boards --------------------------------------------------------------------


async def test_moving_to_a_missing_board_raises_and_moves_nothing(client, board):
    image = await done(board.upload_image_data(picture()))
    with pytest.raises(NotFoundError):
        await done(board.move_image_to(image, NO_SUCH_ID))
    with pytest.raises(NotFoundError):
        await done(client.image_repo.move_images([image], board=NO_SUCH_ID))
    assert (await done(image.refresh())).board_id == board.board_id


async def test_images_move_between_boards_and_off_them(client, board):
    other = await done(client.board_repo.create_board("test other"))
    image = await done(board.upload_image_data(picture()))
    await done(board.move_image_to(image, other))
    assert (await done(image.refresh())).board_id == other.board_id
    with pytest.raises(BoardError, match="not on board"):
        await done(board.remove_image(image))
    await done(other.remove_image(image))
    assert (await done(image.refresh())).board_id is None
    nowhere = await done(client.board_repo.get_board_handle("none"))
    names = [item.image_name for item in await done(nowhere.list_images())]
    assert image.image_name in names
    assert await done(nowhere.count_images()) == len(names)
    await done(nowhere.delete_image(image))
    with pytest.raises(NotFoundError):
        await done(image.refresh())
    await done(client.board_repo.delete_board(other))


async def test_boards_are_listed_beyond_a_page_with_and_without_archived(client):
    boards = client.board_repo
    prefix = uuid.uuid4().hex
    made = [await done(boards.create_board(f"{prefix} {n}")) for n in range(12)]
    archived = await done(boards.update_board(made[0], archived=True))
    assert archived.archived

    async def names(**options):
        found = await done(boards.list_boards(**options))
        return [item.board_name for item in found if item.board_name.startswith(prefix)]

    assert len(await names()) == 11
    assert len(await names(include_archived=True)) == 12
    by_name = await names(order_by="board_name", newest_first=False)
    assert by_name == sorted(by_name)
    for item in made:
        await done(boards.delete_board(item))
    assert await names(include_archived=True) == []


async def test_boards_are_found_by_name(client):
    boards = client.board_repo
    name = f"Böard {uuid.uuid4().hex}"
    first = await done(boards.create_board(name))
    assert (await done(boards.get_board_handle(name))).board_id == (first.board_id)
    assert (await done(boards.find_board(name.upper()))).board_name == name
    with pytest.raises(BoardError, match="did you mean"):
        await done(boards.get_board_handle(name[:-1]))
    second = await done(boards.create_board(name))
    with pytest.raises(BoardError, match="2 boards"):
        await done(boards.get_board_handle(name))
    assert len(await done(boards.search_boards(name))) == 2
    for item in (first, second):
        await done(boards.delete_board(item))
    assert await done(boards.find_board(name)) is None


@pytest.mark.needs_server("6.13", "the visibility of boards")
async def test_visibility_is_really_set(client):
    boards = client.board_repo
    handle = await done(boards.create_board("test shared", visibility="shared"))
    assert (await done(handle.get_board())).board_visibility == "shared"
    private = await done(boards.update_board(handle, visibility="private"))
    assert private.board_visibility == "private"
    await done(boards.delete_board(handle))


async def test_covers_and_names_are_changed_or_refused(client, board):
    boards = client.board_repo
    first = await done(board.upload_image_data(picture()))
    await done(board.upload_image_data(picture()))
    # The server stores a cover and shows the newest image all the same.
    with pytest.raises(BoardError, match="star"):
        await done(boards.update_board(board, cover_image=first))
    await done(board.star_image(first))
    changed = await done(boards.update_board(board, name="new", cover_image=first))
    assert (changed.board_name, changed.cover_image_name) == ("new", first.image_name)
    with pytest.raises(NotFoundError):
        await done(boards.update_board(board, cover_image="no-such-image.png"))
    with pytest.raises(UnprocessableEntityError, match="300"):
        await done(boards.update_board(board, name="x" * 301))


async def test_deleted_boards_are_gone_and_say_what_became_of_images(client):
    boards = client.board_repo
    handle = await done(boards.create_board("test"))
    image = await done(handle.upload_image_data(picture()))
    gone = await done(boards.delete_board(handle))
    assert gone.deleted_board_images == [image.image_name]
    assert (await done(image.refresh())).board_id is None
    await done(client.image_repo.delete_image(image))
    for verb in (
        handle.get_board,
        handle.count_images,
        lambda: boards.delete_board(handle),
        lambda: boards.update_board(handle, name="x"),
        lambda: handle.upload_image_data(picture()),
    ):
        with pytest.raises(NotFoundError):
            await done(verb())
    with pytest.raises(NotFoundError):
        await done(handle.list_images())
    with pytest.raises(NotFoundError):
        await done(client.image_repo.count_images(board=handle))


# -- models --------------------------------------------------------------------


async def test_models_are_found_by_name_key_hash_base_and_type(client, tiny_models):
    models = client.model_repo
    everything = await done(models.list_models())
    sd1 = await done(models.get_model(tiny_models[0], type="main"))
    assert sd1 in everything
    assert await done(models.get_model(sd1.key)) == sd1
    assert await done(models.get_model(sd1.key)) == sd1
    assert await done(models.get_model(sd1.hash)) == sd1
    assert await done(models.get_model(sd1.name.upper())) == sd1
    assert await done(models.get_model(sd1.identifier())) == sd1
    assert sd1 in await done(models.search_models(sd1.name[:4], base=sd1.base))
    only = await done(models.list_models(base="sd-1", type="main"))
    assert {(model.base, model.type) for model in only} == {("sd-1", "main")}
    assert await done(models.find_model("no such model")) is None


async def test_near_misses_of_models_are_suggested(client, tiny_models):
    models = client.model_repo
    with pytest.raises(ModelError, match="did you mean") as caught:
        await done(models.get_model(tiny_models[0] + "x"))
    assert tiny_models[0] in caught.value.candidates
    with pytest.raises(ModelError, match="is not of the kind 'sdxl'"):
        await done(models.get_model(tiny_models[0], base="sdxl"))
    with pytest.raises(UnprocessableEntityError, match="sdxl"):
        await done(models.list_models(base="sdx"))
    with pytest.raises(NotFoundError):
        await done(models.get_model(NO_SUCH_ID))


# -- queue ---------------------------------------------------------------------


async def test_jobs_are_listed_read_and_counted(client, own_destination):
    queue = client.queue_repo
    queued = await enqueue(client, runs=3, destination=own_destination)
    ids = sorted(queued["item_ids"])
    listed = await done(queue.list_jobs(destination=own_destination))
    assert [job.item_id for job in listed] == ids[::-1]
    two = await done(
        queue.list_jobs(destination=own_destination, newest_first=False, limit=2)
    )
    assert [job.item_id for job in two] == ids[:2]
    status = await done(queue.wait_until_queue_idle(60))
    assert status.is_idle
    assert status.why is None
    job = await done(queue.get_job(ids[0]))
    assert job.status is JobStatus.COMPLETED
    assert job.session["results"]
    batch = await done(queue.get_batch_status(queued["batch"]["batch_id"]))
    assert (batch.completed, batch.unfinished) == (3, 0)
    counts = await done(queue.get_destination_counts(own_destination))
    assert counts.total == 3
    await done(queue.delete_job(job))
    assert await done(queue.find_job(ids[0])) is None
    with pytest.raises(NotFoundError):
        await done(queue.delete_job(job))


async def test_unknown_jobs_and_wrong_queues_are_not_found(client, own_destination):
    queue = client.queue_repo
    queued = await enqueue(client, destination=own_destination)
    item_id = queued["item_ids"][0]
    other = queue.with_queue("other")
    for repository, item in ((queue, 10**9), (other, item_id)):
        for verb in (repository.get_job, repository.cancel_job, repository.retry_jobs):
            with pytest.raises(NotFoundError):
                await done(verb(item))
        assert await done(repository.find_job(item)) is None
    assert (await done(queue.get_destination_counts("no/such"))).total == 0
    assert (await done(queue.get_batch_status("no-such"))).total == 0
    assert await done(other.find_current_job()) is None
    assert await done(other.find_next_job()) is None
    await done(queue.wait_until_queue_idle(60))


async def test_cancelled_jobs_are_retried_as_new_ones(client, own_destination):
    queue = client.queue_repo
    queued = await enqueue(client, runs=4, destination=own_destination)
    last = await done(queue.cancel_job(max(queued["item_ids"])))
    assert last.status is JobStatus.CANCELED
    assert await done(queue.cancel_job(last)) == last
    (new,) = await done(queue.retry_jobs(last))
    assert new.item_id > last.item_id
    assert (new.retried_from_item_id, new.batch_id) == (last.item_id, last.batch_id)
    await done(queue.wait_until_queue_idle(60))
    assert (await done(queue.get_job(new.item_id))).status is JobStatus.COMPLETED
    with pytest.raises(QueueError, match="completed"):
        await done(queue.retry_jobs(new.item_id))


async def test_a_batch_is_cancelled_by_its_id_or_destination(client, own_destination):
    queue = client.queue_repo
    queued = await enqueue(client, runs=5, destination=own_destination)
    batch_id = queued["batch"]["batch_id"]
    assert await done(queue.cancel_batch(batch_id)) >= 4
    assert await done(queue.cancel_batch([batch_id, "no-such"])) == 0
    await enqueue(client, runs=5, destination=f"{own_destination}/x")
    assert await done(queue.cancel_jobs_by_destination(f"{own_destination}/x")) >= 4
    await done(queue.wait_until_queue_idle(60))


async def test_snapshots_survive_json(client, board):
    image = await done(board.upload_image_data(picture()))
    data = json.loads(image.model_dump_json())
    assert IvkImage.model_validate(data) == image
