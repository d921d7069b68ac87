"""Images are found by what made them, by an index that is made once."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from paths import PORTRAIT

from invokeai_py_client import ArgumentError, InvokeAIClient
from invokeai_py_client.recipe.image_index import (
    ImageIndex,
    IndexedImage,
    Wanted,
    facts_of,
    index_file,
)
from invokeai_py_client.recipe.read_recipe import Known, read_values
from invokeai_py_client.simulator import SimulatedServer

SMALL = {"model": "Simulated SD 1.5", "width": 64, "height": 64, "steps": 2}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "invokeai-py-client"


@pytest.fixture(scope="module")
def server():
    with SimulatedServer() as running:
        yield running


@pytest.fixture
def client(server):
    with InvokeAIClient(server.url) as made:
        yield made
        made.image_repo.delete_uncategorized_images()


@pytest.fixture
def images(client):
    """A fox and two owls, the second with another seed."""
    workflow = client.workflow_repo.load(PORTRAIT)
    return [
        workflow.run(positive_prompt=prompt, seed=seed, **SMALL).image
        for prompt, seed in (("a red FOX", 1), ("an owl", 1), ("an owl", 2))
    ]


def test_images_are_found_by_each_of_their_values(client, images):
    search = client.image_repo.search_images
    fox, owl, other = images
    assert search() == [other, owl, fox]
    assert search(prompt="Red fox") == [fox]
    assert search(prompt="owl", seed=2) == [other]
    assert search(seed=1) == [owl, fox]
    assert search(model="simulated sd", limit=2) == [other, owl]
    model = client.model_repo.get_model("Simulated SD 1.5")
    assert len(search(model=model)) == len(search(model=model.key)) == 3
    assert search(model="dreamshaper") == search(prompt="%") == search(seed=11) == []


def test_images_are_found_by_board_and_time(client, images):
    search = client.image_repo.search_images
    fox, owl, _ = images
    board = client.board_repo.create_board("Search")
    client.image_repo.move_images([fox, owl], board=board)
    assert [str(i) for i in search(board=board, seed=1)] == [str(owl), str(fox)]
    assert [str(i) for i in search(board="Search", prompt="owl")] == [str(owl)]
    assert len(search(board="none")) == 1
    now = datetime.now(timezone.utc)
    assert len(search(since=now - timedelta(hours=1))) == 3
    assert len(search(since=str(now.date() - timedelta(days=1)))) == 3
    assert search(since=now + timedelta(hours=1)) == []
    assert search(since=date(2999, 1, 1)) == search(since="2999-01-01T10:00Z") == []
    client.board_repo.delete_board(board, delete_images=True)


@pytest.mark.parametrize(
    "wrong", [{"since": "soon"}, {"since": 5}, {"model": 5}, {"limit": -1}]
)
def test_a_wrong_argument_is_refused_at_once(client, wrong):
    with pytest.raises(ArgumentError, match=next(iter(wrong))):
        client.image_repo.search_images(**wrong)


def test_each_image_is_read_once_and_deleted_ones_are_forgotten(
    client, images, server, monkeypatch, cache
):
    client.image_repo.search_images(prompt="owl")
    asked: list[str] = []
    send = client._runner._http.send
    monkeypatch.setattr(
        client._runner._http,
        "send",
        lambda request, *rest: asked.append(request.path) or send(request, *rest),
    )
    client.image_repo.search_images(prompt="fox")
    assert asked
    assert not [path for path in asked if path.endswith(("/metadata", "/workflow"))]
    client.image_repo.delete_image(images[0])
    assert client.image_repo.search_images(prompt="fox") == []
    with closing(ImageIndex(index_file(cache, server.url))) as index:
        assert index.names() == {str(image) for image in images[1:]}


@pytest.mark.parametrize("content", [b"not a database " * 100, b""])
def test_a_damaged_index_is_made_anew(client, images, server, cache, content):
    path = index_file(cache, server.url)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert client.image_repo.search_images(prompt="fox") == [images[0]]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM image").fetchone() == (3,)


def test_an_index_that_is_damaged_behind_its_head_is_made_anew(
    client, images, server, cache
):
    client.image_repo.search_images()
    path = index_file(cache, server.url)
    content = path.read_bytes()
    path.write_bytes(content[:4096] + bytes(len(content) - 4096))
    assert client.image_repo.search_images(prompt="fox") == [images[0]]
    with closing(ImageIndex(path)) as index:
        assert index.names() == set(map(str, images))


def test_an_index_that_fails_later_is_kept_and_one_in_memory_is_used(
    client, images, server, cache, caplog
):
    path = index_file(cache, server.url)
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 1")
    content = path.read_bytes()
    assert client.image_repo.search_images(prompt="fox") == [images[0]]
    assert "cannot be used" in caplog.text
    assert path.read_bytes() == content


def test_without_a_place_for_it_the_index_is_in_memory(client, images, cache, caplog):
    cache.parent.mkdir(exist_ok=True)
    cache.write_text("a file where the folder would be")
    assert client.image_repo.search_images(prompt="fox") == [images[0]]
    assert "cannot be used" in caplog.text


def test_an_index_of_another_version_is_made_anew(tmp_path):
    path = tmp_path / "index.sqlite"
    with closing(ImageIndex(path)) as index:
        index.add([IndexedImage("a.png", 1.0, (("seed", "1"),))])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with closing(ImageIndex(path)) as index:
        assert index.names() == set()


def test_where_nodes_differ_each_value_is_found():
    lora = {"name": "Foxes", "key": "k", "hash": "h", "base": "sd-1", "type": "lora"}
    metadata = {
        "seed": 7,
        "positive_prompt": "Straße",
        "model": {"model_name": "Old", "base_model": "sd-1", "model_type": "main"},
        "loras": [{"model": lora, "weight": 1}],
    }
    assert set(facts_of(read_values(Known(metadata=metadata)))) == {
        ("seed", "7"),
        ("prompt", "strasse"),
        ("model", "old"),
        ("model", "foxes"),
        ("model id", "k"),
        ("model id", "h"),
    }


WORD = st.sampled_from(["fox", "Owl", "%", "_", "'", "ß", ""])
IMAGES = st.lists(
    st.tuples(WORD, WORD, st.integers(0, 2), st.integers(0, 3)), max_size=6
)


@settings(max_examples=50)
@given(
    IMAGES,
    st.none() | WORD,
    st.none() | WORD,
    st.none() | st.integers(0, 2),
    st.none() | st.integers(0, 3),
)
def test_the_index_finds_what_a_look_at_each_image_finds(
    made, prompt, model, seed, since
):
    with closing(ImageIndex(None)) as index:
        rows = []
        for number, (words, name, own_seed, created) in enumerate(made):
            facts = [("prompt", words), ("model", name), ("seed", str(own_seed))]
            folded = tuple((kind, text.casefold()) for kind, text in facts)
            rows.append(IndexedImage(f"{number}", float(created), folded))
        index.add(rows)
        index.add(rows)
        expected = [
            str(number)
            for number, (words, name, own_seed, created) in enumerate(made)
            if (prompt is None or prompt.casefold() in words.casefold())
            and (model is None or model.casefold() in name.casefold())
            and seed in (None, own_seed)
            and (since is None or created >= since)
        ]
        found = index.find(Wanted(prompt, model, seed, since))
        assert sorted(found) == sorted(expected)
        ages = [made[int(name)][3] for name in found]
        assert ages == sorted(ages, reverse=True)
        index.remove(found)
        assert index.find(Wanted(prompt, model, seed, since)) == []
