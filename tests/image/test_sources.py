"""What can be uploaded as an image, and what of it is sent."""

from __future__ import annotations

import base64
import io
import logging
import sys

import numpy as np
import pytest
from flow_play import Play, scripted
from media_files import MP4, PNG, png, png_chunk
from paths import DATA
from PIL import Image

from invokeai_py_client.exceptions import ArgumentError, ImageError
from invokeai_py_client.image import flows
from invokeai_py_client.image.image_repo import ImageRepository
from invokeai_py_client.image.sources import open_upload
from invokeai_py_client.models import IvkImage

TURNED = DATA / "exif_orientation6.jpg"
CMYK = DATA / "cmyk.jpg"


def sent(source):
    """What an upload of `source` sends, as a Pillow image."""
    upload = open_upload(source)
    try:
        content = upload.content
        data = content if isinstance(content, bytes) else content.read()
    finally:
        upload.close()
    image = Image.open(io.BytesIO(data))
    image.load()
    assert upload.content_type == Image.MIME[image.format]
    return image


@pytest.fixture
def no_pillow(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "PIL"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "PIL", None)


# -- what is given ---------------------------------------------------------------


def test_open_files_and_data_urls_are_content(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    written = io.BytesIO()
    written.write(PNG)
    with path.open("rb") as file:
        for source in (io.BytesIO(PNG), written, file, memoryview(PNG)):
            assert sent(source).size == (1, 1)
    url = "data:image/png;base64," + base64.b64encode(PNG).decode()
    assert sent(url).size == (1, 1)


@pytest.mark.parametrize(
    ("source", "advice"),
    [
        ("https://example.com/a.png", "download it first"),
        ("s3://bucket/a.png", "download it first"),
        ("data:image/png;base64", "no comma"),
        (io.StringIO("x"), "binary mode"),
        (np.zeros((4, 4)), "astype('uint8')"),
        (7, "NumPy array"),
    ],
)
def test_what_cannot_be_sent_says_what_to_do_at_the_call(source, advice):
    play = Play(scripted())
    with pytest.raises(ArgumentError) as caught:
        ImageRepository(play).upload_image(source)
    assert advice in str(caught.value)
    assert play.requests == []


@pytest.mark.parametrize(
    ("shape", "mode"),
    [((3, 2), "L"), ((3, 2, 1), "L"), ((3, 2, 3), "RGB"), ((3, 2, 4), "RGBA")],
)
def test_an_array_is_sent_as_it_is_without_pillow(shape, mode):
    array = np.arange(np.prod(shape), dtype="uint8").reshape(shape)
    image = sent(array)
    assert image.mode == mode
    assert np.array_equal(np.asarray(image), array.reshape(np.asarray(image).shape))
    # Neither contiguous nor in the order of C.
    assert np.array_equal(np.asarray(sent(array[::-1])), np.asarray(image)[::-1])


def test_an_array_of_bools_is_black_and_white():
    assert np.asarray(sent(np.eye(2, dtype=bool))).tolist() == [[255, 0], [0, 255]]


def test_an_image_of_another_server_is_fetched_there():
    there = IvkImage.bound_to(Play(lambda request: (200, PNG)))({"image_name": "a.png"})
    here = Play(scripted((201, {"image_name": "b.png"})))
    assert ImageRepository(here).upload_image(there).image_name == "b.png"
    assert here.requests[0].files[0].content == PNG


# -- every mode of Pillow ----------------------------------------------------------


def test_numbers_of_16_bits_stay_what_they_are():
    image = Image.new("I", (2, 1))
    image.putdata([0, 65535])
    found = sent(image)
    assert found.mode in ("I;16", "I")  # Pillow before 10.3 reads both as I.
    assert found.getextrema() == (0, 65535)


@pytest.mark.parametrize(("mode", "value"), [("F", 0.5), ("I", 70_000), ("I", -1)])
def test_a_mode_without_a_white_is_refused_with_what_to_use(mode, value):
    with pytest.raises(ImageError, match=r"convert\(\"L\"\)"):
        open_upload(Image.new(mode, (2, 2), value))


def test_a_pillow_image_of_a_cut_file_is_an_image_error():
    with pytest.raises(ImageError, match="Pillow"):
        open_upload(Image.open(io.BytesIO(png(40, 40)[:48])))


# -- photos and print --------------------------------------------------------------


def test_a_turned_photo_is_sent_upright():
    with Image.open(TURNED) as photo:
        width, height = photo.size
    for source in (TURNED, TURNED.read_bytes(), Image.open(TURNED)):
        image = sent(source)
        assert image.size == (height, width)
        assert not image.getexif().get(0x0112)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_of_every_kind_is_seen(form, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    sink = io.BytesIO()
    Image.new("RGB", (3, 2)).save(sink, form, exif=exif)
    assert sent(sink.getvalue()).size == ((2, 3) if orientation > 4 else (3, 2))


def test_pixels_that_a_program_worked_on_are_not_turned_again():
    with Image.open(TURNED) as photo:
        part = photo.crop((0, 0, 4, 2))
    assert sent(part).size == (4, 2)


def test_without_pillow_a_turned_photo_is_warned_of(no_pillow, caplog):
    with caplog.at_level(logging.WARNING, "invokeai_py_client"):
        upload = open_upload(TURNED)
    assert upload.content.read() == TURNED.read_bytes()
    upload.close()
    assert "EXIF orientation 6" in caplog.text


def test_colours_of_print_are_converted(tmp_path):
    image = Image.new("CMYK", (2, 2), (0, 255, 255, 0))
    image.save(tmp_path / "a.tif")
    for source in (CMYK, CMYK.read_bytes(), image, tmp_path / "a.tif"):
        assert sent(source).mode == "RGB"
    red, green, blue = sent(tmp_path / "a.tif").getpixel((0, 0))
    assert red > 150 > max(green, blue)


def test_a_profile_of_print_is_not_left_on_the_colours_of_a_screen():
    image = Image.new("CMYK", (2, 2))
    image.info["icc_profile"] = b"no profile"
    assert "icc_profile" not in sent(image).info
    assert image.info["icc_profile"] == b"no profile"


def test_without_pillow_colours_of_print_are_refused(no_pillow):
    with pytest.raises(ImageError, match=r"CMYK.*extra"):
        open_upload(CMYK)


# -- what the server could not read -------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"<html>", "is not an image"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 40, "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic" + b"\0" * 40, "HEIC"),
        (MP4, "is not an image"),
        (png(40, 40)[:70], "cut off"),
        (PNG.replace(b"IDAT", b"IDAX"), "checksum"),
        (PNG[:33] + png_chunk(b"IEND"), "no pixels"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_apart(content, words):
    with pytest.raises(ImageError, match=words):
        open_upload(content)


def test_a_cut_jpeg_is_told_when_the_server_refuses_it():
    play = Play(scripted((500, {"detail": "Failed to create image"})))
    sink = io.BytesIO()
    Image.effect_noise((32, 32), 50).save(sink, "JPEG")
    with pytest.raises(ImageError, match="cut off"):
        play.run(flows.upload_image(dict, sink.getvalue()[:-40]))
    with pytest.raises(ImageError, match="the given data"):
        open_upload(TURNED.read_bytes()[:-40])


def test_avif_is_told_by_its_other_brands():
    head = b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif" + b"\0" * 40
    assert open_upload(head).content_type == "image/avif"
