"""Templates of file names: what they make, what they refuse, and what they promise."""

from __future__ import annotations

import datetime
import enum
import os
import pickle
import unicodedata
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given, settings, strategies as st

from invokeai_py_client._file_names import FileNameTemplate, TakenNames, file_slug
from invokeai_py_client.exceptions import ArgumentError

VALUES = {
    "index": 7,
    "seed": 123456,
    "positive_prompt": "A lighthouse, at DAWN; très beau!",
    "steps": 20.0,
    "cfg_scale": 7.5,
    "model": {"name": "Juggernaut XL", "key": "1234", "type": "main"},
    "date": datetime.datetime(2026, 3, 4, 5, 6, 7),
    "none": None,
    "flag": True,
    "node.field": "beyond",
    "several": (1, 2),
}


class Colour(enum.Enum):
    RED = "red"


def made(text, values=VALUES, **more):
    return FileNameTemplate.parse(text).format(values, **more)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (
            "out/{index:05d}-{seed}-{positive_prompt:slug:20}.png",
            "out/00007-123456-a-lighthouse-at-dawn.png",
        ),
        ("{positive_prompt:slug}.png", "a-lighthouse-at-dawn-tres-beau.png"),
        ("{positive_prompt:.5}.png", "A lig.png"),
        ("{steps:03d}-{cfg_scale:.2f}", "020-7.50"),
        ("{index:>5}|".replace("|", ""), "7"),
        ("{index:x>5}", "xxxx7"),
        ("{model}.png", "Juggernaut XL.png"),
        ("{model:slug}.png", "juggernaut-xl.png"),
        ("{date}.png", "2026-03-04.png"),
        ("{date:%H.%M.%S}.png", "05.06.07.png"),
        ("{date:%H:%M}.png", "05_06.png"),
        ("{none}-{none:05d}.png", "none-none.png"),
        ("{flag}.png", "true.png"),
        ("{node.field}.png", "beyond.png"),
        ("{several:03d}.png", "001-002.png"),
        ("{{{index}}}.png", "{7}.png"),
        ("a//b\\{index}", "a/b/7"),
        (".cache/{index}", ".cache/7"),
        ("{cfg_scale:.0%}.png", "750%.png"),
    ],
)
def test_a_template_makes_a_name(text, name):
    assert made(text) == name


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Path("in/cat.final.png"), "cat.final"),
        ({"$file": "C:\\in\\cat.png", "sha256": "00"}, "cat"),
        ({"$image": "ab.png"}, "ab.png"),
        ({"$model": {"name": "A", "base": "sdxl"}}, "A"),
        ({"$model": "A"}, "A"),
        ({"$model": {"text": "A", "type": "main"}}, "A"),
        ({"$style_preset": "Photo"}, "Photo"),
        ({"$json": {"r": 1}}, "r=1"),
        ({"$board": {"board_name": "Cats"}}, "Cats"),
        ({"r": 1, "g": 2}, "r=1-g=2"),
        ([{"lora": {"name": "x"}, "weight": 1}], "lora=x-weight=1"),
        (Colour.RED, "red"),
        ("", "_"),
        ("..", "_"),
        (".hidden", "_.hidden"),
        ("a/b\\c", "a_b_c"),
        ("C:evil", "C_evil"),
        ("con", "_con"),
        ("x. . ", "x"),
        ("a\u202egnp.exe", "a_gnp.exe"),
        ("\ud800", "_"),
    ],
)
def test_a_value_is_called_as_a_person_would_and_stays_in_its_place(value, text):
    assert made("{it}", {"it": value}) == text


def test_numbers_of_numpy_are_numbers():
    numpy = pytest.importorskip("numpy")
    values = {"a": numpy.int64(7), "b": numpy.float32(1.5), "c": numpy.float64(3)}
    assert made("{a:03d}-{b:.2f}-{c:02d}", values) == "007-1.50-03"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "empty"),
        ("/out/{index}", "relative"),
        ("\\\\server\\{index}", "relative"),
        ("C:{index}", "':'"),
        ("../{index}", "'..'"),
        ("out/../{index}", "'..'"),
        ("./{index}", "'.'"),
        ("out/{index}/", "ends in a folder"),
        ("{index", "brace"),
        ("index}", "brace"),
        ("{}", "needs a name"),
        ("{index!r}", "not a format"),
        ("{index:{seed}}", "not a format"),
        ("{index:5q}", "not a format"),
        ("{index:slug:0}", "not a format"),
        ("{index:slug:x}", "not a format"),
        ("{index:slug:9999}", "above 200"),
        ("{index:0999d}", "above 200"),
        ("{index:.99999999999d}", "not a format"),
        ("{date:%99999999Y}", "not a format"),
        ("a\nb{index}", "cannot have"),
        ("what?{index}", "cannot have"),
    ],
)
def test_a_wrong_template_is_refused_when_it_is_read(text, hint):
    with pytest.raises(ArgumentError) as caught:
        FileNameTemplate.parse(text, argument="out")
    assert caught.value.argument == "out"
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("{positive_prompt:05d}", "does not fit a value of str"),
        ("{cfg_scale:d}", "does not fit a value of float"),
        ("{date:05d}", "not a format of dates"),
        ("{index:%Y}", "does not fit"),
    ],
)
def test_a_format_that_does_not_fit_names_the_field(text, hint):
    with pytest.raises(ArgumentError, match=hint):
        made(text)


def test_an_unknown_field_lists_what_there_is_and_what_was_meant():
    with pytest.raises(ArgumentError) as caught:
        made("{promt}.png", {"prompt": 1, "seed": 2})
    assert "'prompt', 'seed'" in caught.value.allowed
    assert caught.value.hint == "there is no field 'promt'; did you mean 'prompt'?"
    with pytest.raises(ArgumentError, match="no field 'index'"):
        FileNameTemplate.parse("{index}").require(["seed"])


def test_fields_reach_no_attribute_and_no_item():
    for text in ("{index.__class__}", "{index[0]}"):
        with pytest.raises(ArgumentError, match="no field"):
            made(text)


def test_a_template_knows_its_fields_and_its_suffix():
    template = FileNameTemplate.parse("{a}/{b:slug}-{a}.png")
    assert (template.fields, template.suffix) == (("a", "b"), ".png")
    assert FileNameTemplate.parse("{a}").suffix == ""
    assert pickle.loads(pickle.dumps(template)) == template


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("{it}", "v1.5.png"),
        ("{it}.jpg", "v1.5.jpg"),
        ("{name}", "ab.PNG"),
        ("{name}-x", "ab.PNG-x.png"),
    ],
)
def test_a_suffix_is_added_where_the_template_has_none(text, name):
    assert made(text, {"it": "v1.5", "name": "ab.PNG"}, suffix=".png") == name


# -- promises ------------------------------------------------------------------------

nasty = st.text(
    st.one_of(
        st.sampled_from("/\\.:~ aAéE\u0301<>|?*\0\n\u202eß漢ि🎨\ud800"), st.characters()
    ),
    max_size=400,
)
values = st.one_of(
    nasty,
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.none(),
    st.booleans(),
    st.lists(nasty, max_size=3),
    st.dictionaries(nasty, nasty, max_size=2),
    st.dates(min_value=datetime.date(1000, 1, 1)),
)
fields = st.sampled_from(
    ["{a}", "{b}", "{a:slug}", "{b:slug:9}", "-", "x", "/", ".", " ", "con", "é" * 99]
)


def parsed(text):
    try:
        return FileNameTemplate.parse(text)
    except ArgumentError:
        return None


@given(st.lists(fields, min_size=1, max_size=8).map("".join), values, values)
@settings(max_examples=400)
def test_no_name_leaves_its_folder(text, a, b):
    template = parsed(text)
    if template is None:
        return
    name = template.format({"a": a, "b": b}, suffix=".png")
    parts = name.split("/")
    for part in parts:
        assert part.strip(". ")
        assert len(part.encode()) <= 255
        assert not set(part) & set('\\:*?"<>|\0\n\u202e')
        assert part == part.rstrip(". ")
        assert part.partition(".")[0].strip().lower() != "con"
    assert len(parts) == len([piece for piece in text.split("/") if piece])
    for kind in (PurePosixPath, PureWindowsPath):
        folder = kind("C:/folder")
        assert (folder / name).parts[: len(folder.parts)] == folder.parts
        assert not kind(name).is_absolute()
        assert ".." not in kind(name).parts
    assert Path(os.path.normpath(Path("/folder", name))).parts[1] == "folder"


@given(
    st.sampled_from(
        ["{index}-{a}", "{a}-{index:05d}", "{a:slug}/{index}.png", "{index}{a}"]
    ),
    st.lists(nasty, min_size=2, max_size=20),
)
def test_names_with_the_index_are_distinct(text, prompts):
    template, taken = FileNameTemplate.parse(text), TakenNames()
    own, claimed = [], []
    for index, prompt in enumerate(prompts):
        name = template.format({"index": index, "a": prompt}, suffix=".png")
        own.append(folded(name))
        claimed.append(folded(taken.claim(name, str(index))))
    assert len(set(claimed)) == len(prompts)
    if text != "{index}{a}":
        assert len(set(own)) == len(prompts)


def folded(name):
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


@given(st.text(min_size=300), st.text(max_size=5))
def test_long_values_that_begin_alike_stay_apart(text, end):
    names = {made("{a}", {"a": text + more}) for more in ("1", "2" + end)}
    assert len(names) == 2


@given(st.lists(st.sampled_from(["a.png", "A.png", "b/é.png", "b/e\u0301.png"])))
def test_a_taken_name_gets_a_tag_that_depends_on_what_it_is_for(names):
    taken = TakenNames()
    own = [taken.claim(name, f"item {index}") for index, name in enumerate(names)]
    assert len({folded(name) for name in own}) == len(names)


def test_a_tag_is_the_same_in_another_order():
    first, second = TakenNames(["a.png"]), TakenNames(["a.png", "b.png"])
    second.claim("a.png", "another")
    assert first.claim("A.png", "mine") == second.claim("A.png", "mine")


# -- slugs ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "most", "slug"),
    [
        ("A cat", 80, "a-cat"),
        ("Über Straße, œuvre: Łódź Ørsted", 80, "uber-strasse-oeuvre-lodz-orsted"),
        ("snake_case and/or (dots...)", 80, "snake-case-and-or-dots"),
        ("--help", 80, "help"),
        ("灯塔,黎明", 80, "灯塔-黎明"),
        ("Маяк на рассвете", 80, "маяк-на-рассвете"),
        ("\uff46ull\u3000wid\uff54h \u2460", 80, "full-width-1"),
        ("हिन्दी चित्र", 80, "हिन्दी-चित्र"),
        ("등대", 80, "등대"),
        ("x\u0302y", 80, "xy"),
        ("🎨!?", 80, "untitled"),
        ("", 80, "untitled"),
        ("a lighthouse at dawn", 12, "a-lighthouse"),
        ("a lighthouse at dawn", 14, "a-lighthouse"),
        ("a lighthouse at dawn", 8, "a-lighth"),
        ("abcdef", 3, "abc"),
        ("a\u202eb\x00c", 80, "a-b-c"),
    ],
)
def test_a_slug_has_words_of_any_script(text, most, slug):
    assert file_slug(text, most) == slug


@given(st.text(), st.integers(1, 40))
def test_a_slug_is_short_and_plain(text, most):
    slug = file_slug(text, most)
    assert 0 < len(slug) <= max(most, len("untitled"))
    assert slug == unicodedata.normalize("NFC", slug) == slug.strip("-")
    assert "--" not in slug
    assert all(
        letter.isalnum() or letter == "-" or unicodedata.category(letter)[0] == "M"
        for letter in slug
    )


def test_a_slug_of_a_book_takes_no_time():
    assert file_slug("word " * 1_000_000, 20) == "word-word-word-word"
