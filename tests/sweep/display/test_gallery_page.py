"""The gallery: a page that holds data of strangers and needs nothing but a browser."""

from __future__ import annotations

import base64
import hashlib
import html.parser
import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image

from invokeai_py_client.exceptions import ArgumentError
from invokeai_py_client.sweep.display import gallery as module
from invokeai_py_client.sweep.display.gallery import gallery
from invokeai_py_client.sweep.display.shown_item import ShownItem

EVIL = (
    "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    "@SCRIPT@ @DATA@ & \u2028"
)


class Reader(html.parser.HTMLParser):
    """The elements of a page, and the text of its scripts."""

    def __init__(self):
        super().__init__()
        self.tags, self.scripts, self._in = [], [], False

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")
            self._in = True

    def handle_endtag(self, tag):
        self._in = self._in and tag != "script"

    def handle_data(self, data):
        if self._in:
            self.scripts[-1] += data


def read(path):
    reader = Reader()
    reader.feed(path.read_text("utf-8"))
    assert len(reader.scripts) == 2
    return json.loads(reader.scripts[0]), reader


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "images" / "a b#1.png"
    path.parent.mkdir()
    Image.new("RGB", (400, 300), "teal").save(path)
    return path


def test_the_page_has_values_files_and_previews(tmp_path, image):
    items = [
        ShownItem(0, {"prompt": "a", "steps": 20}, (image,), seed=7, server="s"),
        ShownItem(1, {"prompt": "b"}, status="failed", error="out of memory"),
    ]
    page = gallery(items, tmp_path, title="Mine")
    assert page == tmp_path / "index.html"
    data, _ = read(page)
    assert data["columns"] == ["prompt", "steps", "seed", "server"]
    first, second = data["items"]
    assert first[:3] == [0, "done", ["a", "20", "7", "s"]]
    assert first[4] == "images/a%20b%231.png"
    with Image.open(tmp_path / first[3]) as preview:
        assert (preview.format, preview.size) == ("WEBP", (256, 192))
    assert second[1:3] == ["failed", ["b", "", "", ""]]
    assert second[3:] == ["", "", "out of memory"]


def test_a_caption_begins_with_what_is_short_and_leaves_out_times(tmp_path):
    items = [
        ShownItem(
            n,
            {"prompt": f"a lighthouse at dawn, after a storm, {n}", "steps": n},
            seconds=n / 7,
        )
        for n in range(3)
    ]
    data, _ = read(gallery(items, tmp_path))
    names = [data["columns"][place] for place in data["varying"]]
    assert names == ["steps", "prompt"]
    assert [data["columns"][place] for place in data["measured"]] == ["seconds"]


def test_previews_are_made_once_and_again_when_the_file_changes(
    tmp_path, image, monkeypatch
):
    made = []
    real = module._webp
    monkeypatch.setattr(module, "_webp", lambda *args: made.append(args) or real(*args))
    for _ in range(2):
        gallery([({"a": 1}, image)], tmp_path)
    assert len(made) == 1
    Image.new("RGB", (90, 90)).save(image)
    gallery([({"a": 1}, image)], tmp_path)
    assert len(made) == 2


def test_a_page_to_send_has_its_previews_within(tmp_path, image):
    page = gallery([({"a": 1}, image)], tmp_path / "x.html", embed=True)
    data, _ = read(page)
    assert data["items"][0][3].startswith("data:image/webp;base64,")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["images", "x.html"]
    data, _ = read(gallery([({"a": 1}, Image.new("RGB", (9, 9)))], page))
    assert data["items"][0][3].startswith("data:image/webp;base64,")


def test_values_of_strangers_stay_text(tmp_path):
    items = [ShownItem(0, {EVIL: EVIL, "m": {"name": EVIL}}, error=EVIL)]
    page = gallery(items, tmp_path / "x.html", title=EVIL)
    data, reader = read(page)
    assert data["columns"][0] == EVIL
    assert data["items"][0][2][0] == EVIL
    assert not [tag for tag, _ in reader.tags if tag == "img"]
    assert not [a for _, attrs in reader.tags for a in attrs if a.startswith("on")]


@given(st.text(), st.text(), st.text())
@settings(max_examples=60)
def test_any_text_arrives_as_it_is(tmp_path_factory, name, value, title):
    page = tmp_path_factory.mktemp("g") / "x.html"
    data, _ = read(gallery([ShownItem(0, {name: value})], page, title=title))
    sent = value.encode("utf-8", "replace").decode()
    assert data["items"][0][2][0] == sent


def test_the_page_may_run_one_script_and_ask_nobody(tmp_path):
    page = gallery([({"a": 1}, None)], tmp_path / "x.html")
    _, reader = read(page)
    (policy,) = [
        attrs["content"]
        for tag, attrs in reader.tags
        if attrs.get("http-equiv") == "Content-Security-Policy"
    ]
    digest = hashlib.sha256(reader.scripts[1].encode()).digest()
    assert f"script-src 'sha256-{base64.b64encode(digest).decode()}'" in policy
    assert policy.startswith("default-src 'none'")
    text = page.read_text("utf-8")
    assert "http:" not in text
    assert "https:" not in text
    assert "innerHTML" not in text


def test_everything_that_can_be_used_has_a_name():
    text = (Path(module.__file__).parent / "gallery.html").read_text("utf-8")
    for button in re.findall(r"<button.*?</button>", text):
        words = re.sub(r"<.*?>", "", button)
        named = "aria-label=" in button or "title=" in button
        assert named or re.search("[A-Za-z]", words), button
    assert 'lang="en"' in text
    assert 'role="status"' in text


def test_a_page_is_replaced_when_it_is_complete(tmp_path, monkeypatch):
    page = gallery([({"a": 1}, None)], tmp_path / "x.html")
    before = page.read_bytes()

    def fail(*_):
        raise OSError("full")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="full"):
        gallery([({"a": 2}, None)], page)
    assert page.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["x.html"]


def test_what_cannot_be_read_is_said_on_its_card(tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"not a PNG")
    items = [({"a": 1}, bad), ({"a": 2}, tmp_path / "gone.png"), ({"a": 3}, b"zzz")]
    data, _ = read(gallery(items, tmp_path))
    assert all("cannot be read" in row[5] for row in data["items"])


def test_without_pillow_the_images_themselves_are_shown(tmp_path, image, monkeypatch):
    monkeypatch.setattr(module, "_has_pillow", lambda: False)
    data, _ = read(gallery([({"a": 1}, image)], tmp_path))
    assert data["items"][0][3] == data["items"][0][4] == "images/a%20b%231.png"


def test_a_video_is_shown_by_itself(tmp_path):
    video = tmp_path / "v.mp4"
    video.write_bytes(b"")
    data, _ = read(gallery([({"a": 1}, video)], tmp_path))
    assert data["items"][0][3] == "v.mp4"


def test_too_many_items_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_ITEMS", 2)
    with pytest.raises(ArgumentError, match="at most 2"):
        gallery([({"a": 1}, None)] * 3, tmp_path)
    assert list(tmp_path.iterdir()) == []
