"""Images: names, files, uploads and listings, without a server."""

from __future__ import annotations

import io
import json
import os
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from flow_play import Play, scripted
from invokeai_py_client.exceptions import (
    APIConnectionError,
    APIResponseError,
    ImageError,
    ImageFileNotFoundError,
    InvokeAIError,
    NotFoundError,
)
from invokeai_py_client.image import change_flows, files, flows, media_flows
from invokeai_py_client.image.image_repo import ImageRepository
from invokeai_py_client.image.media import IMAGE
from invokeai_py_client.image.models import image_name_of
from invokeai_py_client.image.query import image_query
from invokeai_py_client.models import IvkImage

WEB_PAGE = (200, b"<!DOCTYPE html>")


def png(color="red", size=(4, 4), mode="RGB"):
    sink = io.BytesIO()
    Image.new(mode, size, color).save(sink, "PNG")
    return sink.getvalue()


def record(name, **more):
    return {"image_name": name, "image_category": "user", **more}


def read(data):
    return IvkImage.model_validate(data)


# -- files ---------------------------------------------------------------------


@given(st.text())
def test_no_name_from_a_server_leaves_the_folder(name):
    safe = files.safe_file_name(name)
    assert safe not in ("", ".", "..")
    assert not set(safe) & set('/\\\0:*?"<>|')
    assert os.path.basename(safe) == safe
    assert len(safe.encode("utf-8", "surrogatepass")) <= 201


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a.png", "a.png"),
        ("../../etc/passwd", "passwd.png"),
        ("C:\\temp\\x.png", "x.png"),
        ("..", "image.png"),
        ("NUL.png", "_NUL.png"),
        ("con .png", "_con .png"),
        ("COM¹.png", "_COM¹.png"),
        ("CONIN$.tar.png", "_CONIN$.tar.png"),
        ("console.png", "console.png"),
        ("com1 x.png", "com1 x.png"),
        ("a\x00b.png", "a_b.png"),
    ],
)
def test_names_of_a_server_become_plain_file_names(name, safe):
    assert files.safe_file_name(name) == safe


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ("PNG", "image/png"),
        ("JPEG", "image/jpeg"),
        ("WEBP", "image/webp"),
        ("GIF", "image/gif"),
        ("BMP", "image/bmp"),
        ("TIFF", "image/tiff"),
    ],
)
def test_the_content_decides_the_declared_type(form, kind, tmp_path):
    path = tmp_path / "lies.txt"
    Image.new("RGB", (4, 4)).save(path, form)
    upload = files.open_upload(path)
    try:
        assert upload.content_type == kind
        assert upload.content.tell() == 0
    finally:
        upload.close()


def test_a_missing_file_is_both_an_image_error_and_file_not_found(tmp_path):
    with pytest.raises(ImageFileNotFoundError, match=r"gone\.png") as caught:
        files.open_upload(tmp_path / "gone.png")
    assert isinstance(caught.value, FileNotFoundError)
    assert isinstance(caught.value, ImageError)


@pytest.mark.parametrize("content", [b"", b"<svg/>", b"hello world"])
def test_what_is_no_picture_is_refused_before_sending(content, tmp_path):
    path = tmp_path / "x.png"
    path.write_bytes(content)
    with pytest.raises(ImageError, match="PNG, JPEG"):
        files.open_upload(path)
    with pytest.raises(ImageError):
        files.open_upload(content)


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "F", "RGBA", "P", "I;16"])
def test_any_pillow_image_can_be_sent(mode):
    upload = files.open_upload(Image.new(mode, (3, 2)))
    assert upload.content_type == "image/png"
    assert Image.open(io.BytesIO(upload.content)).size == (3, 2)


def test_nonsense_to_upload_is_a_type_error():
    with pytest.raises(TypeError, match="int"):
        files.open_upload(7)


# -- saving --------------------------------------------------------------------


def saving(content=b"\x89PNG data"):
    return Play(lambda request: (200, content))


def test_a_folder_gets_the_images_own_name(tmp_path):
    path = saving().run(flows.save_image("../a.png", tmp_path))
    assert path == tmp_path / "a.png"
    assert path.read_bytes() == b"\x89PNG data"


def test_missing_folders_are_made(tmp_path):
    target = f"{tmp_path}/new/folder/"
    assert saving().run(flows.save_image("a.png", target)).parent.name == "folder"
    path = tmp_path / "other" / "b.png"
    assert saving().run(flows.save_image("a.png", path)) == path


def test_a_file_is_replaced_unless_told_not_to(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    play = saving()
    with pytest.raises(FileExistsError):
        play.run(flows.save_image("x", path, overwrite=False))
    assert path.read_bytes() == b"old"
    assert play.requests == []
    play.run(flows.save_image("x", path))
    assert path.read_bytes() == b"\x89PNG data"


@pytest.mark.parametrize(
    "answer",
    [APIConnectionError("cut"), (404, {"detail": "Not Found"}), WEB_PAGE],
)
def test_a_failed_download_leaves_what_was_there(answer, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    with pytest.raises(InvokeAIError):
        Play(lambda request: answer).run(flows.save_image("x", path))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_download_that_is_left_leaves_nothing_behind(tmp_path):
    flow = flows.save_image("x", tmp_path / "a.png")
    message = flow.send(None)
    while not hasattr(message, "sink"):
        message = flow.send(message.call())
    flow.close()
    assert list(tmp_path.iterdir()) == []


def test_a_repeated_download_starts_the_file_again(tmp_path):
    class Cut(Play):
        def _perform(self, message):
            if hasattr(message, "sink") and not self.requests:
                self.requests.append(message.request)
                message.sink.write(b"half of")
                raise APIConnectionError("cut")
            return super()._perform(message)

    play = Cut(lambda request: (200, b"\x89PNG"))
    path = play.run(flows.save_image("x", tmp_path / "a.png"))
    assert path.read_bytes() == b"\x89PNG"
    assert len(play.requests) == 2


def test_another_format_is_refused_with_the_way_to_convert(tmp_path):
    play = saving()
    with pytest.raises(ImageError, match=r"pil\(\)\.save"):
        play.run(flows.save_image("x.png", tmp_path / "a.jpg"))
    assert play.requests == []


@pytest.mark.skipif(sys.platform == "win32", reason="file modes of Unix")
def test_a_saved_file_is_as_readable_as_any_other(tmp_path):
    other = tmp_path / "other"
    other.write_bytes(b"")
    path = saving().run(flows.save_image("x", tmp_path / "a.png"))
    assert path.stat().st_mode == other.stat().st_mode


# -- uploads -------------------------------------------------------------------


def test_an_upload_says_what_it_is_and_is_never_repeated(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(png())
    play = Play(scripted((201, record("n.png", board_id="b"))))
    image = play.run(flows.upload_image(read, path, board_id="b"))
    assert image.image_name == "n.png"
    (request,) = play.requests
    assert request.params["image_category"] == "user"
    assert request.params["board_id"] == "b"
    assert request.params["is_intermediate"] == "false"
    assert request.files[0].content_type == "image/png"
    assert request.files[0].content.closed

    play = Play(lambda request: APIConnectionError("cut"))
    with pytest.raises(APIConnectionError):
        play.run(flows.upload_image(read, png()))
    assert len(play.requests) == 1


def test_the_word_none_is_never_sent_as_a_board():
    play = Play(scripted((201, record("n.png"))))
    play.run(flows.upload_image(read, png(), board_id="none"))
    assert play.requests[0].params["board_id"] is None


@pytest.mark.parametrize(
    ("status", "words"),
    [(415, "Failed to read image"), (500, "Failed to create image")],
)
def test_a_picture_the_server_cannot_read_is_an_image_error(status, words):
    play = Play(scripted((status, {"detail": words})))
    with pytest.raises(ImageError, match=words):
        play.run(flows.upload_image(read, png()))


def test_a_missing_board_stays_a_not_found_error():
    play = Play(scripted((404, {"detail": "Board not found"})))
    with pytest.raises(NotFoundError):
        play.run(flows.upload_image(read, png(), board_id="gone"))


def test_metadata_is_sent_as_readable_text_and_checked():
    form = flows.upload_form({"prompt": "Lüneburg"}, (16, 8))
    assert "ü" in form["metadata"]
    assert json.loads(form["resize_to"]) == {"width": 16, "height": 8}
    for bad in (["a"], "text", {"x": object()}, {"x": "y" * 1024 * 1024}):
        with pytest.raises(ImageError):
            flows.upload_form(bad, None)
    for size in ((0, 8), (5000, 5000), (1.5, 2), (True, 2)):
        with pytest.raises(ImageError):
            flows.upload_form(None, size)


# -- listings ------------------------------------------------------------------


class Gallery:
    """Answers the listing routes from a list of names that a test may change."""

    def __init__(self, count, has_names=True):
        self.names = [f"{number}.png" for number in range(count)]
        self.has_names = has_names

    def __call__(self, request):
        if request.path == "/api/v1/app/version":
            return 200, {"version": "6.14.2" if self.has_names else "5.15.0"}
        if request.path.endswith("/names"):
            if not self.has_names:
                return WEB_PAGE
            return 200, {"image_names": list(self.names)}
        if request.path.endswith("/images_by_names"):
            asked = request.json["image_names"]
            assert len(asked) <= 1000
            return 200, [record(name) for name in asked if name in self.names]
        start, limit = request.params["offset"], request.params["limit"]
        items = [record(name) for name in self.names[start : start + limit]]
        return 200, {"items": items, "total": len(self.names)}


@pytest.mark.parametrize("has_names", [True, False])
@settings(deadline=None, max_examples=30)
@given(
    count=st.integers(0, 2500),
    limit=st.none() | st.integers(0, 2600),
    offset=st.integers(0, 30),
)
def test_a_listing_gives_each_image_once_in_order(has_names, count, limit, offset):
    gallery = Gallery(count, has_names)
    found = Play(gallery).stream(flows.list_images(read, image_query(), limit, offset))
    end = None if limit is None else offset + limit
    assert [image.image_name for image in found] == gallery.names[offset:end]


def test_listing_a_missing_board_is_an_error_not_an_empty_list():
    play = Play(lambda request: (404, {"detail": "Board not found"}))
    query = image_query(board="gone")
    for flow in (
        flows.list_images(read, query, 5),
        media_flows.list_names(IMAGE, query),
        media_flows.count(IMAGE, query),
    ):
        with pytest.raises(NotFoundError):
            play.run(flow)
    assert play.lines == ["GET /api/v1/boards/gone"] * 3


@pytest.mark.parametrize(("limit", "offset"), [(-1, 0), (None, -1)])
def test_negative_limits_are_refused(limit, offset):
    with pytest.raises(ValueError, match="negative"):
        Play(Gallery(1)).run(flows.list_images(read, image_query(), limit, offset))


def test_deleting_while_listing_neither_skips_nor_repeats():
    gallery = Gallery(2500)
    before = list(gallery.names)
    seen = []

    class Deleting(Play):
        def _perform(self, message):
            if hasattr(message, "value"):
                seen.append(message.value.image_name)
                gallery.names.remove(message.value.image_name)
            return super()._perform(message)

    Deleting(gallery).run(flows.list_images(read, image_query(), None))
    assert seen == before


def test_filters_go_to_the_server():
    params = image_query(
        categories="general",
        origin="internal",
        is_intermediate=None,
        board="none",
        search="cat",
        newest_first=False,
    ).params()
    assert params == {
        "categories": ["general"],
        "image_origin": "internal",
        "board_id": "none",
        "search_term": "cat",
        "starred_first": "false",
        "order_dir": "ASC",
    }


def test_many_records_keep_their_order_and_name_what_is_missing():
    gallery = Gallery(1500)
    wanted = list(reversed(gallery.names))
    found = Play(gallery).run(flows.get_images(read, wanted))
    assert [image.image_name for image in found] == wanted
    with pytest.raises(ImageError, match=r"gone\.png"):
        Play(gallery).run(flows.get_images(read, ["1.png", "gone.png"]))


# -- content and changes -------------------------------------------------------


def test_embedded_documents_are_decoded():
    answer = {"workflow": '{"nodes": []}', "graph": None}
    play = Play(lambda request: (200, answer))
    assert play.run(media_flows.get_embedded(IMAGE, "x", "workflow")) == {"nodes": []}
    assert play.run(media_flows.get_embedded(IMAGE, "x", "graph")) is None
    answer["graph"] = "{broken"
    with pytest.raises(APIResponseError):
        play.run(media_flows.get_embedded(IMAGE, "x", "graph"))


def test_changes_of_many_tell_what_was_skipped():
    play = Play(
        scripted(
            (
                200,
                {
                    "starred_images": ["a"],
                    "failed_images": ["b"],
                    "affected_boards": ["none"],
                },
            )
        )
    )
    changes = play.run(media_flows.star(IMAGE, ["a", "b", "c"], True))
    assert changes.changed == ["a"]
    assert changes.failed == ["b"]
    assert changes.skipped == ["c"]


def test_changes_of_thousands_are_sent_in_parts():
    def answer(request):
        names = request.json["image_names"]
        assert len(names) <= 1000
        return 201, {"added_images": names, "affected_boards": ["b", "none"]}

    names = [str(number) for number in range(2001)]
    play = Play(answer)
    changes = play.run(change_flows.move_images(names, "b"))
    assert changes.changed == names
    assert changes.affected_boards == ["b", "none"]
    assert len(play.requests) == 3


def test_starring_one_unknown_image_raises():
    play = Play(
        scripted(
            (200, {"starred_images": [], "affected_boards": []}),
            (404, {"detail": "Not Found"}),
        )
    )
    with pytest.raises(NotFoundError):
        play.run(change_flows.star_image("gone", True))


def test_an_update_answered_with_400_means_not_found():
    play = Play(
        scripted(
            (400, {"detail": "Failed to update image"}), (404, {"detail": "Not Found"})
        )
    )
    with pytest.raises(NotFoundError):
        play.run(media_flows.update(IMAGE, read, "gone", starred=True))


def test_a_delete_repeated_after_a_lost_reply_is_done():
    play = Play(scripted(APIConnectionError("cut"), (404, {"detail": "x"})))
    play.run(change_flows.delete_image("a"))
    with pytest.raises(NotFoundError):
        Play(scripted((404, {"detail": "x"}))).run(change_flows.delete_image("a"))


@pytest.mark.parametrize("name", ["", "a/b.png", "a\\b.png"])
def test_a_path_is_no_image_name(name):
    with pytest.raises(ImageError, match="upload"):
        image_name_of(name)
    with pytest.raises(TypeError):
        image_name_of(7)


def test_one_name_is_one_image_not_its_letters():
    play = Play(lambda request: (200, {"starred_images": ["abc"]}))
    assert ImageRepository(play).star("abc").skipped == []
    assert play.requests[0].json == {"image_names": ["abc"]}
