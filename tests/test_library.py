"""The workflow library, presets and the rarely used rest, without a server."""

from __future__ import annotations

import datetime
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_play import Play, scripted
from invokeai_py_client._core import paging
from invokeai_py_client.client_state import flows as state_flows
from invokeai_py_client.exceptions import (
    JobTimeoutError,
    UnsupportedVersionError,
    WorkflowError,
    WorkflowFormatError,
)
from invokeai_py_client.gallery import flows as gallery_flows
from invokeai_py_client.image.query import image_query
from invokeai_py_client.image_move import flows as move_flows
from invokeai_py_client.recall import flows as recall_flows
from invokeai_py_client.recall.models import recall_parameters, unresolved
from invokeai_py_client.style_preset import flows as preset_flows
from invokeai_py_client.workflow import library_change_flows as library
from invokeai_py_client.workflow import library_flows
from invokeai_py_client.workflow.library_flows import WorkflowRecord
from invokeai_py_client.workflow.reading import HEAD_TEXTS

FILE = {"name": "Portrait", "nodes": [], "edges": [], "meta": {"version": "3.0.0"}}
OWN = WorkflowRecord(workflow_id="w", name="Portrait")
PNG = b"\x89PNG\r\n\x1a\n"


def saved(category="user", **more):
    meta = {"version": "3.0.0", "category": category}
    return {"workflow_id": "w", "workflow": {**FILE, "meta": meta}, **more}


# -- the workflow library --------------------------------------------------------


def test_what_is_saved_has_every_text_and_belongs_to_the_user():
    document = {**FILE, "id": "x", "notes": None, "meta": {"category": "default"}}
    content = library.content_of(document, "New")
    assert content["name"] == "New"
    assert all(isinstance(content[key], str) for key in HEAD_TEXTS)
    assert content["meta"] == {"version": "3.0.0", "category": "user"}
    assert "id" not in content
    assert document["meta"] == {"category": "default"}


def test_what_is_no_workflow_is_refused_before_anything_is_sent(tmp_path):
    path = tmp_path / "x.json"
    path.write_text("[]")
    play = Play(scripted())
    for flow in (library.save(path, None), library.replace("w", path)):
        with pytest.raises(WorkflowFormatError):
            play.run(flow)
    assert play.requests == []


def test_a_default_workflow_is_neither_changed_nor_deleted():
    for flow in (library.replace(OWN, FILE), library.remove(OWN)):
        play = Play(scripted((200, saved("default"))))
        with pytest.raises(WorkflowError, match="comes with the server"):
            play.run(flow)
        assert play.lines == ["GET /api/v1/workflows/i/w"]


def test_a_replacement_carries_the_id_that_decides():
    play = Play(scripted((200, saved()), (200, saved())))
    record = play.run(library.replace(OWN, {**FILE, "id": "other"}))
    assert play.requests[1].json["workflow"]["id"] == "w"
    assert (record.workflow_id, record.name, record.category) == (
        "w",
        "Portrait",
        "user",
    )


def test_pushing_makes_or_replaces_by_the_name():
    listed = {"workflow_id": "w", "name": "Portrait"}
    play = Play(scripted((200, {"items": []}), (200, saved())))
    play.run(library.push(FILE, None))
    assert play.lines[-1] == "POST /api/v1/workflows/"
    play = Play(scripted((200, {"items": [listed]}), (200, saved()), (200, saved())))
    play.run(library.push(FILE, None))
    assert play.lines[-1] == "PATCH /api/v1/workflows/i/w"
    play = Play(scripted((200, {"items": [listed, {**listed, "workflow_id": "v"}]})))
    with pytest.raises(WorkflowError, match="2 workflows"):
        play.run(library.push(FILE, None))


@given(name=st.text(max_size=40))
def test_no_name_of_a_workflow_leaves_the_folder(tmp_path_factory, name):
    folder = tmp_path_factory.mktemp("pull")
    record = saved()
    record["workflow"]["name"] = name
    path = Play(scripted((200, record))).run(library.pull(OWN, folder, True))
    assert path.parent == folder
    assert path.suffix == ".json"
    assert json.loads(path.read_text(encoding="utf-8"))["name"] == name


def test_a_thumbnail_that_is_not_there_is_not_asked_for():
    for flow in (library.find_thumbnail(OWN), library.delete_thumbnail(OWN)):
        play = Play(scripted((200, saved(thumbnail_url=None))))
        assert play.run(flow) is None
        assert play.lines == ["GET /api/v1/workflows/i/w"]


@pytest.mark.parametrize(
    ("filters", "version"),
    [({"is_public": True}, "6.12.0"), ({"is_callable": False}, "6.13.9")],
)
def test_a_filter_that_an_older_server_ignores_is_an_error(filters, version):
    play = Play(scripted())
    play.knowledge.version = version
    with pytest.raises(UnsupportedVersionError, match="the filter"):
        play.run(library_flows.filters(categories=(), **filters))
    assert play.run(
        library_flows.filters(categories=["user"], has_been_opened=True)
    ) == {
        "categories": ["user"],
        "has_been_opened": "true",
    }


# -- style presets ----------------------------------------------------------------


def preset(**more):
    data = {"positive_prompt": "{prompt}, oil", "negative_prompt": "x"}
    return {"id": "p", "name": "Oil", "preset_data": data, "image": None, **more}


def test_what_is_not_changed_of_a_preset_is_sent_again_with_its_picture():
    now = preset(image="api/v1/style_presets/i/p/image", is_public=True)
    play = Play(scripted((200, now), (200, PNG), (200, now), (200, now)))
    play.run(preset_flows.update_preset("p", name="Ink"))
    request = play.requests[2]
    assert request.method == "PATCH"
    assert json.loads(request.form["data"]) == {
        "name": "Ink",
        "positive_prompt": "{prompt}, oil",
        "negative_prompt": "x",
        "is_public": True,
        "type": "user",
    }
    assert request.files[0].content == PNG


def test_a_picture_is_only_removed_when_asked_for():
    now = preset(image="api/v1/style_presets/i/p/image")
    play = Play(scripted((200, now), (200, preset()), (200, preset())))
    play.run(preset_flows.update_preset("p", remove_image=True))
    assert play.requests[1].files == []
    with pytest.raises(ValueError, match="exclude"):
        play.run(preset_flows.update_preset("p", image=PNG, remove_image=True))
    with pytest.raises(ValueError, match="something to change"):
        Play(scripted((200, now))).run(preset_flows.update_preset("p"))


def test_only_csv_and_json_are_imported(tmp_path):
    play = Play(scripted((200, [preset()])))
    with pytest.raises(ValueError, match="notes.txt"):  # noqa: RUF043
        play.run(preset_flows.import_presets(tmp_path / "notes.txt"))
    with pytest.raises(FileNotFoundError):
        play.run(preset_flows.import_presets(tmp_path / "no.csv"))
    assert play.lines == ["GET /api/v1/style_presets/"]


# -- the rest ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "text"),
    [
        ("2026-03-18", "2026-03-18"),
        (datetime.date(2026, 3, 18), "2026-03-18"),
        (
            datetime.datetime(
                2026, 3, 18, 23, tzinfo=datetime.timezone(-datetime.timedelta(hours=5))
            ),
            "2026-03-19",
        ),
    ],
)
def test_days_are_days_of_utc(day, text):
    assert gallery_flows.day_text(day) == text


@pytest.mark.parametrize("day", ["yesterday", "2026-02-30", "../x"])
def test_no_other_text_is_a_day(day):
    with pytest.raises(ValueError, match=r"isoformat|day is out"):
        gallery_flows.day_text(day)


def test_the_gallery_is_read_page_after_page(monkeypatch):
    monkeypatch.setattr(paging, "CHUNK", 2)
    item = {
        "kind": "video",
        "name": "a.mp4",
        "full_url": "f",
        "thumbnail_url": "t",
        "width": 1,
        "height": 1,
        "category": "user",
    }
    play = Play(scripted((200, {"items": [item, item]}), (200, {"items": [item]})))
    query = image_query(origin="external")
    assert len(play.stream(gallery_flows.list_items(query, None))) == 3
    assert play.requests[1].params["offset"] == 2
    assert play.requests[0].params["origin"] == "external"


def test_recall_refuses_what_the_server_would_refuse():
    for wrong in ({"stepz": 1}, {"width": 8}, {"loras": [{"weight": 1}]}):
        with pytest.raises(
            ValueError, match=f"cannot be recalled: {next(iter(wrong))}"
        ):
            recall_parameters(wrong)
    wanted = recall_parameters({"steps": 9})
    with pytest.raises(ValueError, match="exclude"):
        Play(scripted()).run(
            recall_flows.send_parameters("q", wanted, strict=True, append=True)
        )


def test_recall_tells_what_was_left_out():
    sent = {"model": "a", "steps": 1, "loras": [1, 2], "ip_adapters": [1]}
    told = {"steps": 1, "loras": [{}]}
    assert unresolved(sent, told) == [
        "model: a",
        "loras: 1 of 2",
        "ip_adapters: 1 of 1",
    ]
    assert unresolved(sent, sent) == []


def test_only_texts_are_kept_as_client_state():
    play = Play(scripted())
    with pytest.raises(TypeError, match="dict"):
        play.run(state_flows.set_value("key", {}))
    assert play.requests == []


def test_waiting_for_image_files_ends_in_time():
    running = {"is_running": True, "needs_move_count": 3}
    play = Play(lambda request: (200, running))
    with pytest.raises(JobTimeoutError, match="10 s"):
        play.run(move_flows.wait(10))
    assert 10 <= play.time < 20
