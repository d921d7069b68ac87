"""Names that a server chooses become names of files."""

from __future__ import annotations

import os
import unicodedata

import pytest
from hypothesis import given, strategies as st

from invokeai_py_client import _file_names as files


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
    # What had to be changed has a tag, so that it is like no other name.
    own = safe if name == safe else f"{safe[:-4]}-{files.tag(name)}.png"
    assert files.safe_file_name(name) == own


@given(st.lists(st.text("aAéE\u0301:?/.png ", min_size=1), unique=True))
def test_no_two_names_share_a_file(names):
    own = files.distinct_file_names(names)
    folded = {unicodedata.normalize("NFC", name).casefold() for name in own.values()}
    assert len(folded) == len(names)
