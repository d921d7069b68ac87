"""Images: names, files, uploads and listings, without a server."""

from __future__ import annotations

import io
import json
import sys
import time

import pytest
from flow_play import Play, scripted
from hypothesis import given, settings, strategies as st
from media_files import PNG, png_chunk
from PIL import Image

from invokeai_py_client._arguments import KnownId
from invokeai_py_client.exceptions import (
    APIConnectionError,
    APIResponseError,
    ArgumentError,
    ImageError,
    ImageFileNotFoundError,
    InvokeAIError,
    NotFoundError,
)
from invokeai_py_client.image import (
    bulk_flows,
    change_flows,
    flows,
    media_flows,
    sources,
)
from invokeai_py_client.image.board_flows import BoardTarget
from invokeai_py_client.image.image_file import image_damage
from invokeai_py_client.image.image_repo import ImageRepository
from invokeai_py_client.image.media import IMAGE
from invokeai_py_client.image.query import Order, image_query
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


def on(board):
    return BoardTarget(KnownId(board))


# -- files ---------------------------------------------------------------------


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
    upload = sources.open_upload(path)
    try:
        assert upload.content_type == kind
        assert upload.content.tell() == 0
    finally:
        upload.close()


def test_a_missing_file_is_both_an_image_error_and_file_not_found(tmp_path):
    with pytest.raises(ImageFileNotFoundError, match=r"gone\.png") as caught:
        sources.open_upload(tmp_path / "gone.png")
    assert isinstance(caught.value, FileNotFoundError)
    assert isinstance(caught.value, ImageError)


@pytest.mark.parametrize("content", [b"", b"<svg/>", b"hello world"])
def test_content_that_is_not_an_image_is_refused_before_sending(content, tmp_path):
    path = tmp_path / "x.png"
    path.write_bytes(content)
    with pytest.raises(ImageError, match="PNG, JPEG"):
        sources.open_upload(path)
    with pytest.raises(ImageError):
        sources.open_upload(content)


@pytest.mark.parametrize(
    "mode",
    [
        "1",
        "L",
        "LA",
        "La",
        "P",
        "PA",
        "RGB",
        "RGBA",
        "RGBX",
        "RGBa",
        "CMYK",
        "YCbCr",
        "LAB",
        "HSV",
        "I",
        "I;16",
        "I;16B",
        "I;16L",
        "I;16N",
    ],
)
def test_any_pillow_image_can_be_sent(mode):
    upload = sources.open_upload(Image.new(mode, (3, 2)))
    assert upload.content_type == "image/png"
    assert Image.open(io.BytesIO(upload.content)).size == (3, 2)


def test_nonsense_to_upload_is_an_argument_error():
    with pytest.raises(ArgumentError, match="Pillow"):
        sources.open_upload(7)


# -- saving --------------------------------------------------------------------


def saving(content=PNG):
    return Play(lambda request: (200, content))


def test_a_folder_gets_the_images_own_name(tmp_path):
    path = saving().run(bulk_flows.save_file(IMAGE, "a.png", tmp_path))
    assert path == tmp_path / "a.png"
    assert path.read_bytes() == PNG


def test_missing_folders_are_made(tmp_path):
    target = f"{tmp_path}/new/folder/"
    assert (
        saving().run(bulk_flows.save_file(IMAGE, "a.png", target)).parent.name
        == "folder"
    )
    path = tmp_path / "other" / "b.png"
    assert saving().run(bulk_flows.save_file(IMAGE, "a.png", path)) == path


def test_a_file_is_replaced_unless_told_not_to(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    play = saving()
    with pytest.raises(FileExistsError):
        play.run(bulk_flows.save_file(IMAGE, "x", path, overwrite=False))
    assert path.read_bytes() == b"old"
    assert play.requests == []
    play.run(bulk_flows.save_file(IMAGE, "x", path))
    assert path.read_bytes() == PNG


@pytest.mark.parametrize(
    "answer",
    [APIConnectionError("cut"), (404, {"detail": "Not Found"}), WEB_PAGE],
)
def test_a_failed_download_leaves_what_was_there(answer, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    with pytest.raises(InvokeAIError):
        Play(lambda request: answer).run(bulk_flows.save_file(IMAGE, "x", path))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_download_that_is_left_leaves_nothing_behind(tmp_path):
    flow = bulk_flows.save_file(IMAGE, "x", tmp_path / "a.png")
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

    play = Cut(lambda request: (200, PNG))
    path = play.run(bulk_flows.save_file(IMAGE, "x", tmp_path / "a.png"))
    assert path.read_bytes() == PNG
    assert len(play.requests) == 2


def test_another_format_is_refused_with_the_way_to_convert(tmp_path):
    play = saving()
    with pytest.raises(ImageError, match=r"pil\(\)\.save"):
        play.run(bulk_flows.save_file(IMAGE, "x.png", tmp_path / "a.jpg"))
    assert play.requests == []


@pytest.mark.skipif(sys.platform == "win32", reason="file modes of Unix")
def test_a_saved_file_is_as_readable_as_any_other(tmp_path):
    other = tmp_path / "other"
    other.write_bytes(b"")
    path = saving().run(bulk_flows.save_file(IMAGE, "x", tmp_path / "a.png"))
    assert path.stat().st_mode == other.stat().st_mode


def written(form, image=None, **options):
    sink = io.BytesIO()
    (image or Image.effect_noise((48, 48), 90)).save(sink, form, **options)
    return sink.getvalue()


WHOLE = {
    "PNG": written("PNG"),
    "JPEG": written("JPEG"),
    "progressive": written("JPEG", progressive=True, quality=90),
    "restarts": written("JPEG", restart_marker_blocks=2),
    "WEBP": written("WEBP", lossless=True),
    "WEBP animated": written(
        "WEBP", save_all=True, append_images=[Image.effect_noise((48, 48), 5)]
    ),
    "with more behind": PNG + b"a video of a phone",
}


@pytest.mark.parametrize("content", WHOLE.values(), ids=WHOLE)
def test_a_whole_image_is_taken_for_one(content):
    assert image_damage(io.BytesIO(content)) is None
    play = Play(lambda request: (200, content))
    assert play.run(media_flows.get_thumbnail(IMAGE, "a.png")) == content


@pytest.mark.parametrize("name", [name for name in WHOLE if "more" not in name])
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_every_cut_of_an_image_is_seen(name, data):
    content = WHOLE[name]
    size = data.draw(st.integers(0, len(content) - 2))
    cut = content[:size]
    assert image_damage(io.BytesIO(cut)), size
    for flow in (
        media_flows.get_bytes(IMAGE, "a.png"),
        media_flows.get_thumbnail(IMAGE, "a.png"),
    ):
        with pytest.raises(APIResponseError, match="damaged"):
            Play(lambda request: (200, cut)).run(flow)


@given(
    st.binary(max_size=80), st.sampled_from([b"", *(c[:60] for c in WHOLE.values())])
)
def test_no_bytes_make_the_look_at_an_image_fail(tail, head):
    assert image_damage(io.BytesIO(head + tail))


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xd8" + b"\xff" * 4_000_000,
        b"\xff\xd8" + b"\xff\xff\x00" * 1_000_000,
        b"\xff\xd8\xff" + b"\xff\xe1\x00\x02" * 200_000,
        b"\x89PNG\r\n\x1a\n" + png_chunk(b"tEXt") * 200_000,
        b"RIFF\xff\xff\xff\x7fWEBP" + b"JUNK\0\0\0\0" * 200_000,
    ],
    ids=["fill", "stuffing", "segments", "chunks", "junk"],
)
def test_a_hostile_file_is_read_once(content):
    began = time.process_time()
    assert image_damage(io.BytesIO(content))
    assert time.process_time() - began < 5


@given(st.integers(8, len(PNG) - 1), st.integers(1, 255))
def test_every_changed_byte_of_a_png_is_seen(place, change):
    changed = bytearray(PNG)
    changed[place] ^= change
    assert image_damage(io.BytesIO(bytes(changed)))


# -- uploads -------------------------------------------------------------------


def test_an_upload_says_what_it_is_and_is_never_repeated(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(png())
    play = Play(scripted((201, record("n.png", board_id="b"))))
    image = play.run(flows.upload_image(read, path, board=on("b")))
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
    play.run(flows.upload_image(read, png(), board=on("none")))
    assert play.requests[0].params["board_id"] is None


@pytest.mark.parametrize(
    ("status", "words"),
    [(415, "Failed to read image"), (500, "Failed to create image")],
)
def test_an_image_the_server_cannot_read_is_an_image_error(status, words):
    play = Play(scripted((status, {"detail": words})))
    with pytest.raises(ImageError, match=words):
        play.run(flows.upload_image(read, png()))


def test_a_missing_board_stays_a_not_found_error():
    play = Play(scripted((404, {"detail": "Board not found"})))
    with pytest.raises(NotFoundError):
        play.run(flows.upload_image(read, png(), board=on("gone")))


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
    query = image_query(board=KnownId("gone"))
    for flow in (
        flows.list_images(read, query, 5),
        media_flows.list_names(IMAGE, query),
        media_flows.count(IMAGE, query),
    ):
        with pytest.raises(NotFoundError):
            play.run(flow)
    assert play.lines == ["GET /api/v1/boards/gone"] * 3


@pytest.mark.parametrize("method", ["list_images", "iter_images"])
@pytest.mark.parametrize("wrong", [{"limit": -1}, {"offset": -1}, {"limit": 1.5}])
def test_wrong_limits_are_refused_at_the_call(method, wrong):
    play = Play(Gallery(1))
    with pytest.raises(ArgumentError, match="whole number from 0 on"):
        getattr(ImageRepository(play), method)(**wrong)
    assert play.requests == []


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
        order=Order(newest_first=False),
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
    changes = play.run(change_flows.star(IMAGE, ["a", "b", "c"], True))
    assert changes.changed == ["a"]
    assert changes.failed == ["b"]
    assert changes.skipped == ["c"]


def test_changes_of_thousands_are_sent_in_parts():
    def answer(request):
        names = request.json["image_names"]
        assert len(names) <= 100
        return 201, {"added_images": names, "affected_boards": ["b", "none"]}

    names = [str(number) for number in range(2001)]
    play = Play(answer)
    changes = play.run(change_flows.move_images(names, on("b")))
    assert changes.changed == names
    assert changes.affected_boards == ["b", "none"]
    assert len(play.requests) == 21


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
        play.run(change_flows.update(IMAGE, read, "gone", starred=True))


def test_a_delete_repeated_after_a_lost_reply_is_done():
    play = Play(scripted(APIConnectionError("cut"), (404, {"detail": "x"})))
    play.run(change_flows.delete_image("a"))
    with pytest.raises(NotFoundError):
        Play(scripted((404, {"detail": "x"}))).run(change_flows.delete_image("a"))


@pytest.mark.parametrize("name", ["", "a/b.png", "a\\b.png"])
def test_a_path_is_not_an_image_name(name):
    with pytest.raises(ArgumentError, match="upload"):
        ImageRepository(Play(scripted())).get_image(name)
    with pytest.raises(ArgumentError):
        ImageRepository(Play(scripted())).get_image(7)


def test_one_name_is_one_image_not_its_letters():
    play = Play(lambda request: (200, {"starred_images": ["abc"]}))
    assert ImageRepository(play).star_images("abc").skipped == []
    assert play.requests[0].json == {"image_names": ["abc"]}
