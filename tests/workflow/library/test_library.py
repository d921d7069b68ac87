"""The workflow library, presets and the rarely used rest, without a server."""

from __future__ import annotations

import datetime
import json

import pytest
from flow_play import Play, scripted
from hypothesis import given, strategies as st
from media_files import PNG

from invokeai_py_client._arguments import KnownId
from invokeai_py_client._core import paging
from invokeai_py_client.admin import image_move as move_flows
from invokeai_py_client.admin.client_state import ClientStateRepository
from invokeai_py_client.exceptions import (
    ArgumentError,
    JobTimeoutError,
    UnsupportedVersionError,
    WorkflowError,
    WorkflowFormatError,
)
from invokeai_py_client.gallery import flows as gallery_flows
from invokeai_py_client.image.query import image_query
from invokeai_py_client.prompts import style_preset as preset_flows
from invokeai_py_client.prompts.recall import (
    RecallRepository,
    recall_parameters,
    unresolved,
)
from invokeai_py_client.prompts.style_preset import StylePresetRepository
from invokeai_py_client.workflow.library import (
    library_change_flows as library,
    library_flows,
)
from invokeai_py_client.workflow.library.library_flows import WorkflowRecord
from invokeai_py_client.workflow.loading.read_document import HEAD_TEXTS

FILE = {"name": "Portrait", "nodes": [], "edges": [], "meta": {"version": "3.0.0"}}
OWN = WorkflowRecord(workflow_id="w", name="Portrait")


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


def test_a_document_that_is_not_a_workflow_is_refused_before_sending(tmp_path):
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
    play.shared.version = version
    with pytest.raises(UnsupportedVersionError, match="the filter"):
        play.run(library_flows.filter_params(categories=(), **filters))
    assert play.run(
        library_flows.filter_params(categories=["user"], has_been_opened=True)
    ) == {
        "categories": ["user"],
        "has_been_opened": "true",
    }


# -- style presets ----------------------------------------------------------------


def preset(**more):
    data = {"positive_prompt": "{prompt}, oil", "negative_prompt": "x"}
    return {"id": "p", "name": "Oil", "preset_data": data, "image": None, **more}


def test_what_is_not_changed_of_a_preset_is_sent_again_with_its_image():
    now = preset(image="api/v1/style_presets/i/p/image", is_public=True)
    play = Play(scripted((200, now), (200, PNG), (200, now), (200, now)))
    play.run(
        preset_flows.update_preset_flow(KnownId("p"), {"name": "Ink"}, None, False)
    )
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


def test_an_image_is_only_removed_when_asked_for():
    now = preset(image="api/v1/style_presets/i/p/image")
    play = Play(scripted((200, now), (200, preset()), (200, preset())))
    play.run(preset_flows.update_preset_flow(KnownId("p"), {}, None, True))
    assert play.requests[1].files == []
    presets = StylePresetRepository(play)
    with pytest.raises(ArgumentError, match="together with an image"):
        presets.update_preset(KnownId("p"), image=PNG, remove_image=True)
    with pytest.raises(ArgumentError, match="something to change"):
        presets.update_preset(KnownId("p"))


def test_only_csv_and_json_are_imported(tmp_path):
    play = Play(scripted((200, [preset()])))
    with pytest.raises(ValueError, match="notes.txt"):  # noqa: RUF043
        play.run(preset_flows.import_presets_flow(tmp_path / "notes.txt"))
    with pytest.raises(FileNotFoundError):
        play.run(preset_flows.import_presets_flow(tmp_path / "no.csv"))
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
    assert gallery_flows.DAY_KIND.read("day", day) == text


@pytest.mark.parametrize("day", ["yesterday", "2026-02-30", "../x"])
def test_no_other_text_is_a_day(day):
    with pytest.raises(ArgumentError, match="2026-03-18"):
        gallery_flows.DAY_KIND.read("day", day)


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
        with pytest.raises(ArgumentError, match=rf"\({next(iter(wrong))}"):
            recall_parameters(wrong)
    play = Play(scripted())
    with pytest.raises(ArgumentError, match="strict=True"):
        RecallRepository(play).send_parameters({"steps": 9}, strict=True, append=True)
    assert play.requests == []


def test_recall_tells_what_was_left_out():
    sent = {"model": "a", "steps": 1, "loras": [1, 2], "ip_adapters": [1]}
    received = {"steps": 1, "loras": [{}]}
    assert unresolved(sent, received) == [
        "model: a",
        "loras: 1 of 2",
        "ip_adapters: 1 of 1",
    ]
    assert unresolved(sent, sent) == []


def test_only_texts_are_kept_as_client_state():
    play = Play(scripted())
    with pytest.raises(ArgumentError, match="a string"):
        ClientStateRepository(play).set_value("key", {})
    assert play.requests == []


def test_waiting_for_image_files_ends_in_time():
    running = {"is_running": True, "needs_move_count": 3}
    play = Play(lambda request: (200, running))
    with pytest.raises(JobTimeoutError, match="10 s"):
        play.run(move_flows.wait_flow(10))
    assert 10 <= play.time < 20
