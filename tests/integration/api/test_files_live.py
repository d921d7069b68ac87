"""Files that people have and files that a server has: sent upright, saved whole."""

from __future__ import annotations

import base64
import io
import uuid
from pathlib import Path

import numpy as np
import pytest
from media_files import PNG, png
from paths import DATA
from PIL import Image

from invokeai_py_client.client import InvokeAIClient
from invokeai_py_client.exceptions import (
    APIResponseError,
    ArgumentError,
    BoardError,
    FieldValidationError,
    ImageError,
)
from invokeai_py_client.workflow.document.definition import WorkflowDefinition

from ..noun_calls import done, either_client

pytestmark = pytest.mark.live

MODES = "1 L LA La P PA RGB RGBA RGBX RGBa CMYK YCbCr LAB HSV I I;16 I;16B I;16L"


# -- sent ---------------------------------------------------------------------------


async def size_of(image):
    return Image.open(io.BytesIO(await done(image.bytes()))).size


async def test_all_kinds_of_source_are_uploaded(client, board, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(png(3, 2))
    array = np.arange(6, dtype="uint8").reshape(2, 3)
    url = "data:image/png;base64," + base64.b64encode(png(3, 2)).decode()
    with path.open("rb") as file:
        sources = [
            path, str(path), png(3, 2), io.BytesIO(png(3, 2)), file, url, array,
            np.dstack([array] * 3), np.dstack([array] * 4), array > 2,
            Image.new("RGB", (3, 2)),
        ]  # fmt: skip
        for source in sources:
            image = await done(client.image_repo.upload_image(source, board=board))
            assert (image.width, image.height) == (3, 2)
            assert await size_of(image) == (3, 2)
    copy = await done(board.upload_image_data(image))
    assert copy.image_name != image.image_name
    assert await size_of(copy) == (3, 2)


@pytest.mark.parametrize("mode", MODES.split())
async def test_every_mode_of_pillow_is_uploaded(client, board, mode):
    image = await done(board.upload_image_data(Image.new(mode, (3, 2))))
    assert await size_of(image) == (3, 2)


async def test_photos_are_upright_and_print_is_converted(client, board):
    path = DATA / "exif_orientation6.jpg"
    with Image.open(path) as photo:
        upright = photo.size[::-1]
    for send in (board.upload_image_file, board.upload_image_data):
        assert await size_of(await done(send(path))) == upright
    image = await done(board.upload_image_file(DATA / "cmyk.jpg"))
    assert (await done(image.pil())).mode == "RGB"


async def test_what_cannot_be_sent_is_told_apart(client, board):
    with pytest.raises(ArgumentError, match="download it first"):
        await done(board.upload_image_file("http://example.com/a.png"))
    for content, words in (
        (png(40, 40)[:60], "cut off"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 40, "HEIC"),
        (b"<html>", "not an image"),
    ):
        with pytest.raises(ImageError, match=words):
            await done(board.upload_image_data(content))


# -- saved --------------------------------------------------------------------------


@pytest.fixture
async def own_client(client, own_server):
    """A client of another server, of the same kind as `client`."""
    kind = "blocking" if isinstance(client, InvokeAIClient) else "asyncio"
    async for made in either_client(kind, own_server.url):
        yield made


def file_of(server, image) -> Path:
    """The file of an image in the server's own folder."""
    (path,) = Path(server.root).rglob(str(image))
    return path


@pytest.mark.parametrize("content", ["half", "web page", "one byte", "zeros"])
async def test_a_damaged_image_is_never_a_success(
    own_server, own_client, tmp_path, content
):
    noise = Image.effect_noise((64, 64), 90)
    image = await done(own_client.image_repo.upload_image(noise))
    whole = await done(own_client.image_repo.upload_image(noise))
    path = file_of(own_server, image)
    data = path.read_bytes()
    kinds = {
        "half": data[: len(data) // 2],
        "web page": b"<!doctype html><html></html>",
        "one byte": b"\x89",
        "zeros": data[:-200] + bytes(200),
    }
    path.write_bytes(kinds[content])
    names = [whole, image]
    for ask in (
        lambda: image.save(tmp_path / "a.png"),
        image.bytes,
        image.pil,
        lambda: own_client.image_repo.download_image(image),
        lambda: own_client.image_repo.download_images(names[1:], tmp_path),
        lambda: own_client.image_repo.download_images_as_zip(names, tmp_path),
    ):
        with pytest.raises((APIResponseError, ImageError), match="damaged"):
            await done(ask())
    assert list(tmp_path.iterdir()) == []
    assert await done(whole.bytes())


@pytest.mark.needs_server("6.14", "videos")
async def test_a_cut_video_is_never_a_success(own_server, own_client, tmp_path):
    video = await done(own_client.video_repo.upload_video(DATA / "tiny.mp4"))
    path = file_of(own_server, video)
    path.write_bytes(path.read_bytes()[:-100])
    for ask in (lambda: video.save(tmp_path / "a.mp4"), video.bytes):
        with pytest.raises(APIResponseError, match="cut off"):
            await done(ask())
    assert list(tmp_path.iterdir()) == []


async def test_a_download_without_a_path_is_the_content(client, board, tmp_path):
    image = await done(board.upload_image_data(PNG))
    content = await done(board.download_image(image))
    assert content == await done(image.bytes())
    assert content == await done(client.image_repo.download_image(image.image_name))
    path = await done(board.download_image(image, tmp_path))
    assert path.read_bytes() == content


# -- boards -------------------------------------------------------------------------


async def test_boards_are_named_in_any_letter_case_and_no_board_in_many_words(client):
    name = f"Test Ä {uuid.uuid4().hex}"
    board = await done(client.board_repo.create_board(name))
    images = client.image_repo
    try:
        image = await done(images.upload_image(PNG, board=name.swapcase()))
        assert image.board_id == board.board_id
        assert await done(images.count_images(board=name.lower())) == 1
        for word in (None, "", "none", "Uncategorized", "NONE", "uncategorized"):
            await done(images.move_images(image, board=name))
            await done(images.move_images(image, board=word))
            assert await done(board.count_images()) == 0
            handle = await done(client.board_repo.get_board_handle(word))
            assert handle.is_uncategorized
            loose = await done(images.upload_image(PNG, board=word))
            assert loose.board_id is None
            if word is not None:
                listed = await done(images.list_image_names(board=word))
                assert loose.image_name in listed
                with pytest.raises(ArgumentError):
                    await done(images.upload_image(PNG, board=word, create=True))
                with pytest.raises(BoardError, match="no board"):
                    await done(client.board_repo.delete_board(word))
            await done(images.delete_images([loose]))
        with pytest.raises(BoardError, match="there is no board"):
            await done(images.list_images(board="no such board"))
    finally:
        await done(client.board_repo.delete_board(board, delete_images=True))


async def test_a_board_that_is_called_so_goes_before_no_board(own_client):
    board = await done(own_client.board_repo.create_board("Uncategorized"))
    image = await done(own_client.image_repo.upload_image(PNG, board="uncategorized"))
    assert image.board_id == board.board_id
    await done(own_client.board_repo.delete_board(board, delete_images=True))


# -- inputs of workflows ---------------------------------------------------------------

RESIZE = {
    "name": "resize",
    "nodes": [
        {
            "id": "resize",
            "type": "invocation",
            "data": {
                "id": "resize",
                "type": "img_resize",
                "version": "1.2.2",
                "label": "",
                "notes": "",
                "isOpen": True,
                "isIntermediate": False,
                "useCache": True,
                "inputs": {
                    name: {"name": name, "label": "", "value": value}
                    for name, value in (
                        ("image", None), ("width", 64), ("height", 64), ("board", None)
                    )
                },
            },
            "position": {"x": 0, "y": 0},
        }
    ],
    "edges": [],
    "exposedFields": [
        {"nodeId": "resize", "fieldName": "image"},
        {"nodeId": "resize", "fieldName": "board"},
    ],
    "meta": {"version": "3.0.0", "category": "user"},
}  # fmt: skip


async def test_inputs_take_what_uploads_take_and_boards_in_any_words(
    client, own_client, board
):
    definition = WorkflowDefinition.from_dict(RESIZE)
    handle = client.workflow_repo.create_workflow(definition)
    there = await done(own_client.image_repo.upload_image(png(5, 4)))
    array = np.zeros((4, 5, 3), "uint8")
    for source in (array, io.BytesIO(png(5, 4)), there):
        result = await done(
            handle.run(image=source, board=board.board_name.upper(), timeout=60)
        )
        assert result.image.board_id == board.board_id
    for word in ("Uncategorized", "", "none"):
        handle["board_" if "board_" in handle else "board"] = word
        result = await done(handle.run(image=array, timeout=60))
        assert result.image.board_id is None


async def test_an_image_deleted_meanwhile_is_found_before_submitting(
    client, own_client
):
    definition = WorkflowDefinition.from_dict(RESIZE)
    handle = client.workflow_repo.create_workflow(definition)
    for repository in (client.image_repo, own_client.image_repo):
        image = await done(repository.upload_image(png(5, 4, grey=9)))
        await done(repository.delete_image(image))
        with pytest.raises(FieldValidationError, match=image.image_name) as caught:
            await done(handle.submit(image=image))
        assert "deleted" in str(caught.value)
        (problem,) = caught.value.problems
        assert problem.node_id == "resize"
        assert problem.field_name == "image"
