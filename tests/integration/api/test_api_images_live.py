"""Zips, folders and what else images and boards can, on a real server."""

from __future__ import annotations

import io
import uuid
import zipfile

import pytest
from PIL import Image

from invokeai_py_client.exceptions import ImageError, LocalFileError, NotFoundError

from ..noun_calls import done

pytestmark = pytest.mark.live


@pytest.fixture
async def board(client):
    """A board of this test alone, with a name that no file could have."""
    name = f"../test: ä {uuid.uuid4().hex}"
    handle = await done(client.board_repo.create_board(name))
    yield handle
    await done(client.board_repo.delete_board(handle, delete_images=True))


def picture(number=0):
    sink = io.BytesIO()
    Image.new("RGB", (8, 6), (number, 0, 0)).save(sink, "PNG")
    return sink.getvalue()


async def uploaded(board, count):
    return [await done(board.upload_image_data(picture(i))) for i in range(count)]


def entries(path):
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


async def test_a_zip_holds_every_image_as_it_is(client, board, tmp_path):
    images = await uploaded(board, 12)
    repository = client.image_repo
    path = await done(
        repository.download_images_as_zip(images[:10], tmp_path / "new" / "x.zip")
    )
    found = entries(path)
    assert list(found) == [f"user/{image}" for image in images[:10]]
    assert found[f"user/{images[3]}"] == await done(images[3].bytes())
    whole = await done(board.download_images_as_zip(tmp_path))
    assert len(entries(whole)) == 12
    assert [item for item in tmp_path.iterdir() if item.is_file()] == [whole]


async def test_zips_of_two_boards_go_to_one_folder(client, board, tmp_path):
    twin = await done(client.board_repo.create_board(board.board_name))
    await uploaded(board, 1)
    await uploaded(twin, 2)
    sizes = [
        len(entries(await done(each.download_images_as_zip(tmp_path))))
        for each in (board, twin)
    ]
    await done(client.board_repo.delete_board(twin, delete_images=True))
    assert sizes == [1, 2]
    assert len(list(tmp_path.iterdir())) == 2


async def test_an_empty_board_gives_an_empty_zip(client, board, tmp_path):
    assert entries(await done(board.download_images_as_zip(tmp_path))) == {}


async def test_zips_of_several_callers_do_not_mix(client, board, tmp_path):
    images = await uploaded(board, 4)
    for number, image in enumerate(images):
        path = tmp_path / f"{number}.zip"
        await done(client.image_repo.download_images_as_zip(image, path))
        assert list(entries(path)) == [f"user/{image}"]


async def test_what_cannot_be_zipped_leaves_no_file(client, board, tmp_path):
    (image,) = await uploaded(board, 1)
    names = [image.image_name, "gone.png"]
    # A server with several users answers 404 at once.
    with pytest.raises((ImageError, NotFoundError), match=r"gone|not found"):
        await done(client.image_repo.download_images_as_zip(names, tmp_path / "x.zip"))
    await done(client.board_repo.delete_board(board, delete_images=True))
    with pytest.raises(NotFoundError):
        await done(board.download_images_as_zip(tmp_path / "y.zip"))
    assert list(tmp_path.iterdir()) == []
    # The fixture deletes the board once more.
    board._board = (await done(client.board_repo.create_board("x"))).board


async def test_a_folder_of_images(client, board, tmp_path):
    images = await uploaded(board, 5)
    paths = await done(client.image_repo.download_images(images, tmp_path / "a"))
    assert paths == [tmp_path / "a" / image.image_name for image in images]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)
    with pytest.raises(FileExistsError):
        await done(
            client.image_repo.download_images(images, tmp_path / "a", overwrite=False)
        )
    with pytest.raises(LocalFileError):
        await done(client.image_repo.download_images(images, paths[0]))


async def test_existence_and_addresses(client, board):
    (image,) = await uploaded(board, 1)
    repository = client.image_repo
    assert await done(repository.image_exists(image))
    assert not await done(repository.image_exists("gone.png"))
    urls = await done(repository.get_image_urls(image))
    assert urls.image_url.endswith(f"{image}/full")
    assert not urls.thumbnail_url.startswith("/")
    with pytest.raises(NotFoundError):
        await done(repository.get_image_urls("gone.png"))


async def test_names_of_a_board(client, board):
    images = await uploaded(board, 3)
    names = [image.image_name for image in images]
    assert sorted(await done(board.list_image_names())) == sorted(names)
    assert await done(board.list_image_names(categories="general")) == []
    found = await done(board.list_image_names(categories=["user", "control"]))
    assert len(found) == 3
    await done(board.remove_image(images[0]))
    nowhere = await done(client.board_repo.get_board_handle("none"))
    assert names[0] in await done(nowhere.list_image_names())
    assert names[0] not in await done(board.list_image_names())
    await done(client.image_repo.delete_image(names[0]))


async def test_moving_an_image_that_is_gone_is_not_found(client, board):
    (image,) = await uploaded(board, 1)
    other = await done(client.board_repo.create_board("other"))
    await done(board.move_image_to(image, other))
    assert (await done(image.refresh())).board_id == other.board_id
    await done(client.board_repo.delete_board(other, delete_images=True))
    with pytest.raises(NotFoundError):
        await done(board.remove_image(image))


async def test_intermediate_images_are_counted_and_hidden(client, board):
    before = await done(client.image_repo.count_intermediate_images())
    image = await done(board.upload_image_data(picture(), is_intermediate=True))
    assert await done(client.image_repo.count_intermediate_images()) == before + 1
    assert await done(board.list_images()) == []
    shown = await done(board.list_images(is_intermediate=None))
    assert shown == [image]
