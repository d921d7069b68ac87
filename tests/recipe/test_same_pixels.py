"""Images are compared by what they show, not by what they carry."""

from __future__ import annotations

import io
import sys

import pytest
from media_files import png, png_chunk

from invokeai_py_client.recipe.same_pixels import same_pixels


def test_texts_do_not_count() -> None:
    assert same_pixels(png(), png(1, 1, png_chunk(b"tEXt", b"a\0b"))) is True


def test_without_pillow_nothing_is_said_of_files_that_differ(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert same_pixels(png(), png(grey=9)) is None
    assert same_pixels(png(), png()) is True


def test_pixels_are_compared_however_they_are_packed() -> None:
    image = pytest.importorskip("PIL.Image").effect_noise((64, 64), 50)
    packed = []
    for level in (0, 9):
        sink = io.BytesIO()
        image.save(sink, "PNG", compress_level=level)
        packed.append(sink.getvalue())
    assert packed[0] != packed[1]
    assert same_pixels(*packed) is True
    assert same_pixels(packed[0], png()) is False
    assert same_pixels(png(), png(grey=9)) is False
    assert same_pixels(b"", b"") is None
