"""The labelled grid: what is where, what labels say, and what it refuses."""

from __future__ import annotations

import builtins
import tracemalloc

import pytest
from hypothesis import given, strategies as st
from PIL import Image

from invokeai_py_client.exceptions import ArgumentError, ImageError
from invokeai_py_client.models import IvkImage
from invokeai_py_client.sweep.display.grid_image import grid, small_image
from invokeai_py_client.sweep.display.grid_layout import layout, shortened
from invokeai_py_client.sweep.display.shown_item import ShownItem, items_of

RED, BLUE, GREEN = (255, 0, 0), (0, 0, 255), (0, 128, 0)


def plain(colour, size=(64, 64)):
    return Image.new("RGB", size, colour)


def colours(image):
    counted = image.getcolors(image.width * image.height)
    return {colour: count for count, colour in counted}


def labels(items, *axes):
    found = layout(items_of(items), axes)
    return found.columns.labels, found.rows.labels, found.blocks.labels


def test_each_image_is_where_its_values_say():
    items = [
        ({"steps": 30, "model": "A"}, plain(RED)),
        ({"steps": 20, "model": "B"}, plain(BLUE)),
        ({"steps": 20, "model": "A"}, plain(GREEN)),
    ]
    image = grid(items, "steps", "model", cell=64)
    at = {colour: [] for colour in (RED, BLUE, GREEN)}
    for x in range(image.width):
        for y in range(image.height):
            if image.getpixel((x, y)) in at:
                at[image.getpixel((x, y))].append((x, y))
    corners = {colour: min(places) for colour, places in at.items()}
    assert all(len(places) == 64 * 64 for places in at.values())
    # 20 is left of 30, A above B, and nothing is where 30 and B meet.
    assert corners[GREEN][0] == corners[BLUE][0] < corners[RED][0]
    assert corners[GREEN][1] == corners[RED][1] < corners[BLUE][1]


def test_numbers_are_sorted_and_other_values_stay_in_their_order():
    values = [(30, "b"), (5.0, "a"), (20, "b"), (5, "c")]
    items = [({"n": n, "word": word}, None) for n, word in values]
    assert labels(items, "n", "word") == (("5", "20", "30"), ("b", "a", "c"), ("",))


def test_items_of_several_sweeps_stay_in_the_order_they_are_given():
    items = [ShownItem(n, {"model": m}) for m in ("b", "a", "c") for n in (1, 0)]
    assert labels(items, "model") == (("b", "a", "c"), ("",), ("",))
    assert labels([ShownItem(9, {"m": "z"}), ShownItem(2, {"m": "y"})], "m")[0] == (
        "y",
        "z",
    )


def test_a_value_is_labelled_as_a_person_calls_it():
    items = [
        ({"model": {"name": "SD", "base": "sd-1"}, "loras": []}, None),
        ({"model": {"name": "SD", "base": "sdxl"}, "loras": ["x", "y"]}, None),
        ({"model": None, "loras": ""}, None),
    ]
    assert labels(items, "model", "loras")[:2] == (
        ("SD", "SD (2)", "none"),
        ("none", "x, y", "(empty)"),
    )


def test_seed_and_server_are_axes_too():
    items = [
        ShownItem(n, {"p": "x"}, seed=n * 10, server=f"http://gpu{n}") for n in (1, 2)
    ]
    assert labels(items, "seed", "server")[:2] == (
        ("10", "20"),
        ("http://gpu1", "http://gpu2"),
    )


def test_a_result_is_a_source(invokeai_client):
    from workflow_builder import document, node

    from invokeai_py_client import WorkflowDefinition

    blank = node("b", "blank_image", {"width": 24, "height": 16})
    blank["data"]["isIntermediate"] = False
    wf = invokeai_client.workflow_repo.create_workflow(
        WorkflowDefinition.from_dict(document([blank], form=[("b", "width")]))
    )
    results = [wf.run(width=width) for width in (24, 48)]
    image = grid([job for result in results for job in result], "width", cell=48)
    assert image.width > 96
    assert grid(results[0], "width", cell=48).height == image.height


def test_the_image_of_an_asyncio_client_is_told_what_to_do():
    class Later:
        async def pil(self):
            raise AssertionError

    with pytest.raises(ImageError, match="asyncio client"):
        small_image(Later(), 10)


def test_cells_without_an_image_say_why(monkeypatch):
    said = []
    drawn = "invokeai_py_client.sweep.display.grid_image._Drawing._draw_note"
    monkeypatch.setattr(drawn, lambda self, draw, place, note, size: said.append(note))
    items = [
        ShownItem(0, {"a": 1}, status="failed", error="out of memory"),
        ShownItem(1, {"a": 2}, status="todo"),
        ShownItem(2, {"a": 3}, (b"no image",)),
        ShownItem(3, {"a": 4}, ("/gone.png",)),
    ]
    grid(items, "a")
    assert said[:2] == ["out of memory", "todo"]
    assert all(note.startswith("cannot be read: ") for note in said[2:])


def test_several_images_of_one_cell_are_tiles():
    images = [plain(RED), plain(BLUE), plain(GREEN)] + [plain("white")] * 20
    shown = grid([({"a": 1}, images)], "a", cell=120)
    count = colours(shown)
    assert count[RED] == count[BLUE] == count[GREEN]
    assert 30 * 30 < count[RED] < 40 * 40


def test_images_keep_their_shape_and_are_not_enlarged(tmp_path):
    path = tmp_path / "wide.png"
    plain(RED, (400, 100)).save(path)
    assert small_image(path, 200).size == (200, 50)
    assert small_image(plain(RED, (20, 10)), 200).size == (20, 10)
    given = plain(RED, (400, 100))
    small_image(given, 50)
    assert given.size == (400, 100)
    assert small_image(Image.new("P", (9, 9)), 5).size == (5, 5)
    alpha = small_image(Image.new("LA", (9, 9)), 5)
    assert alpha.mode == "RGBA"


@pytest.mark.parametrize(
    ("items", "axes", "said"),
    [
        ([({"steps": 1}, None)], ("stps",), "did you mean 'steps'"),
        ([({"steps": 1}, None)], ("steps", "steps"), "different names"),
        ([({"steps": 1}, None)], (), "one to three"),
        ([], ("steps",), "at least one item"),
        (["a.png"], ("steps",), "item 0 is not"),
        ("a.png", ("steps",), "allowed: a list"),
        (7, ("steps",), "allowed: a list"),
    ],
)
def test_wrong_arguments_say_what_is_allowed(items, axes, said):
    with pytest.raises(ArgumentError, match=said):
        grid(items, *axes)


def test_a_grid_that_is_too_large_is_refused_before_an_image_is_opened():
    items = [({"a": a, "b": b}, "/gone.png") for a in range(100) for b in range(100)]
    with pytest.raises(ArgumentError, match="100 x 100 x 1 cells"):
        grid(items, "a", "b", max_pixels=1_000_000)
    with pytest.raises(ArgumentError, match="font"):
        grid(items[:1], "a", font="/gone.ttf")


def test_the_grid_keeps_to_its_pixels_and_to_memory(tmp_path):
    path = tmp_path / "a.png"
    plain(RED, (512, 512)).save(path)
    items = [({"a": a, "b": b}, path) for a in range(20) for b in range(20)]
    tracemalloc.start()
    image = grid(items, "a", "b", max_pixels=4_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert image.width * image.height <= 4_400_000
    assert peak < 40_000_000


def test_without_pillow_it_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **more):
        if name.partition(".")[0] == "PIL":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImageError, match="images"):
        grid([({"a": 1}, None)], "a")


@given(
    st.lists(st.text("ab cö漢\n", max_size=60), min_size=1, max_size=6, unique=True),
    st.integers(8, 40),
)
def test_labels_are_short(texts, most):
    short = shortened(texts, most)
    assert all(len(label) <= most + 1 for label in short)
    assert len(short) == len(texts)


def test_labels_that_begin_alike_stay_different():
    start = "a photo of an astronaut riding a horse on the moon, "
    first, second = shortened([f"{start}oil on canvas", f"{start}pencil"], 24)
    assert (first, second) == ("… oil on canvas", "… pencil")
    ends = shortened([f"{end} {start} {end}" for end in ("1", "2")], 24)
    assert len(set(ends)) == 2


def test_odd_labels_can_be_drawn():
    words = ["", "\x00", "a\nb", "\u202eabc", "漢" * 300, "x" * 5000, "\ud800"]
    items = [({"w": word, "v": word}, None) for word in words]
    assert grid(items, "w", "v", cell=48).width > 0


def test_an_image_without_a_connection_is_marked():
    image = IvkImage(image_name="a.png")
    assert grid([({"a": 1}, image)], "a", cell=64).width > 64
