"""What a simulated server keeps besides jobs and images, over its own end."""

from __future__ import annotations

import http.client
import io
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from conversation import Conversation, graph, png
from event_script import Ear
from library_talks import send
from PIL import ImageFont

from invokeai_py_client.simulator import SimulatedServer, model_record
from invokeai_py_client.simulator.fonts import list_fonts

V1 = "/api/v1"
PRESETS = f"{V1}/style_presets"
PACKS = "/api/v2/custom_nodes"
CONFIG = f"{V1}/app/runtime_config"
NODE = """
import missing_module

@invocation("{type}", title="T", category="c", version="1.0.0")
class Node(BaseInvocation):
    pass

class NotANode:
    @invocation
    def method(self): ...
"""


def get(c: Conversation, path: str) -> Any:
    return c.ask("", "GET", path)


def test_everything_is_there_after_a_kill(tmp_path: Path) -> None:
    with SimulatedServer(root=tmp_path) as server:
        c = Conversation(server.url)
        texts = {"name": "Own", "positive_prompt": "p", "negative_prompt": ""}
        data = {"data": json.dumps({**texts, "type": "user"})}
        picture = ("x.png", png(), "image/png")
        own = send(c, "", "POST", f"{PRESETS}/", data, image=picture)
        prompts = get(c, f"{V1}/system_prompts/")
        c.ask("", "DELETE", f"{V1}/system_prompts/i/{prompts[0]['id']}")
        c.ask("", "POST", f"{V1}/client_state/x/set_by_key?key=k", "ä")
        c.ask("", "POST", f"{V1}/recall/default", {"seed": 3})
        c.ask("", "PATCH", CONFIG, {"image_subfolder_strategy": "hash"})
        provider = f"{V1}/app/external_providers/config/gemini"
        c.ask("", "POST", provider, {"api_key": "k"})
        c.ask("", "POST", f"{V1}/app/logging", 50)
        pack = tmp_path / "nodes" / "pack"
        pack.mkdir(parents=True)
        (pack / "__init__.py").write_text(NODE.format(type="mine"))
        before = get(c, f"{PRESETS}/")
        server.restart()
        after = get(c, f"{PRESETS}/")
        assert [one["name"] for one in after] == [one["name"] for one in before]
        assert own["id"] in [one["id"] for one in after]
        # What comes with the server is made anew at every start.
        assert {one["id"] for one in before} & {one["id"] for one in after} == {
            own["id"]
        }
        assert get(c, f"{PRESETS}/i/{own['id']}/image").startswith(b"RIFF")
        assert get(c, f"{V1}/system_prompts/") == prompts[1:]
        assert get(c, f"{V1}/client_state/x/get_by_key?key=k") == "ä"
        assert get(c, f"{V1}/client_state/x/get_by_key?key=recall_seed") == "3"
        config = get(c, CONFIG)
        assert config["config"]["image_subfolder_strategy"] == "hash"
        assert config["config"]["external_gemini_api_key"] == "*" * 10
        assert "image_subfolder_strategy" in config["set_fields"]
        assert get(c, f"{V1}/app/logging") == 20
        (found,) = get(c, f"{PACKS}/")["node_packs"]
        assert found["node_types"] == ["mine"]


def test_moves_wait_for_the_queue_and_are_remembered(tmp_path: Path) -> None:
    with SimulatedServer(root=tmp_path) as server:
        c = Conversation(server.url)
        query = "?image_category=user&is_intermediate=false"
        name = c.upload("", query, png(), "image/png")["image_name"]
        c.ask("", "PATCH", CONFIG, {"image_subfolder_strategy": "type"})
        moves, queue = f"{V1}/image_moves", f"{V1}/queue/default"
        c.ask("", "PUT", f"{queue}/processor/pause")
        batch = {"graph": graph(a={"type": "add"})}
        c.ask("", "POST", f"{queue}/enqueue_batch", {"batch": batch})
        refused = c.ask("", "POST", f"{moves}/start")
        assert refused["detail"].startswith("Cannot start image move")
        c.ask("", "PUT", f"{queue}/clear")
        c.ask("", "PUT", f"{queue}/processor/resume")
        assert c.ask("", "POST", f"{moves}/start")["needs_move_count"] == 1
        server.restart()
        status = get(c, f"{moves}/status")
        assert (status["latest_job"]["id"], status["needs_move_count"]) == (1, 0)
        assert get(c, f"{V1}/images/i/{name}")["image_subfolder"] == "user"
        assert get(c, f"{V1}/images/i/{name}/full").startswith(b"\x89PNG")


def test_old_jobs_go_at_the_start_where_the_settings_say_so(tmp_path: Path) -> None:
    with SimulatedServer(root=tmp_path) as server:
        c = Conversation(server.url)
        queue = f"{V1}/queue/default"
        batch = {"graph": graph(a={"type": "add"}), "runs": 3}
        reply = c.ask("", "POST", f"{queue}/enqueue_batch", {"batch": batch})
        ids = sorted(reply["item_ids"])
        for item_id in ids:
            c.finished(item_id)
        c.ask("", "PATCH", CONFIG, {"max_queue_history": 1})
        server.restart()
        assert get(c, f"{queue}/item_ids")["item_ids"] == ids[-1:]
        c.ask("", "PATCH", CONFIG, {"max_queue_history": None})
        server.restart()
        assert get(c, CONFIG)["config"]["max_queue_history"] is None


def test_a_pack_with_workflows_is_installed_from_a_repository_of_this_machine(
    simulated: SimulatedServer, tmp_path: Path
) -> None:
    c = Conversation(simulated.url)
    pack = tmp_path / "my pack" / "shout"
    (pack / ".git").mkdir(parents=True)
    (pack / "parts").mkdir()
    (pack / "__init__.py").write_text(NODE.format(type="one"))
    (pack / "parts" / "two.py").write_text(NODE.format(type="two"))
    (pack / "parts" / "broken.py").write_text("def (")
    texts = ("author", "description", "version", "contact", "notes")
    workflow = {
        "name": "of the pack", "tags": "a", "exposedFields": [], "nodes": [],
        "edges": [], "id": "no", **dict.fromkeys(texts, ""),
    }  # fmt: skip
    (pack / "w.json").write_text(json.dumps(workflow))
    (pack / "other.json").write_text('{"nodes": [], "edges": []}')
    (pack / "pyproject.toml").write_text("")
    source = pack.as_uri()
    reply = c.ask("", "POST", f"{PACKS}/install", {"source": source})
    assert reply["success"], reply
    assert (reply["workflows_imported"], reply["dependency_file"]) == (
        1,
        "pyproject.toml",
    )
    (found,) = get(c, f"{PACKS}/")["node_packs"]
    assert (found["node_count"], found["node_types"]) == (2, ["one", "two"])
    (saved,) = get(c, f"{V1}/workflows/?tags=node-pack:shout")["items"]
    assert (saved["name"], saved["tags"]) == ("of the pack", "a, node-pack:shout")
    again = c.ask("", "POST", f"{PACKS}/install", {"source": source})
    assert "already exists" in again["message"]
    gone = c.ask("", "DELETE", f"{PACKS}/shout")
    assert gone["message"].endswith("Removed 1 workflow(s).")
    assert get(c, f"{V1}/workflows/?tags=node-pack:shout")["items"] == []
    assert (pack / "__init__.py").exists()


def a_font() -> bytes:
    """The font that comes with Pillow."""
    found = ImageFont.load_default(size=10)
    assert isinstance(found, ImageFont.FreeTypeFont)
    return bytes(found.font_bytes)


def test_faces_of_a_family_are_listed_the_plain_one_first(tmp_path: Path) -> None:
    plain = a_font()
    # In the table OS/2 the weight is at byte 4 and the flags at byte 62.
    entry = plain.index(b"OS/2")
    start = int.from_bytes(plain[entry + 8 : entry + 12], "big")
    bold = bytearray(plain)
    bold[start + 4 : start + 6] = (800).to_bytes(2, "big")
    slanted = bytearray(plain)
    slanted[start + 63] |= 1
    for name, data in (("b", bold), ("a b/i", slanted), ("r", plain), ("rr", plain)):
        file = tmp_path / f"{name}.ttf"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(data)
    (tmp_path / "junk.ttf").write_bytes(b"junk")
    (tmp_path / "cut.otf").write_bytes(plain[:200])
    (tmp_path / "link.ttf").symlink_to(tmp_path / "r.ttf")
    (family,) = list_fonts(tmp_path)
    assert family["path"] == "r.ttf"
    assert [face["path"] for face in family["faces"]] == ["r.ttf", "b.ttf", "a b/i.ttf"]
    assert [face["style"] for face in family["faces"]][-1] == "italic"
    assert family["faces"][1]["weight"] == 800
    assert family["faces"][2]["url"].endswith("/fonts/a%20b/i.ttf")


@pytest.mark.parametrize(
    ("path", "status"),
    [("r.ttf", 200), ("link.ttf", 400), ("%2e%2e/x", 400), ("x.txt", 400), ("x", 404)],
)
def test_only_fonts_of_the_folder_are_delivered(
    tmp_path: Path, path: str, status: int
) -> None:
    (tmp_path / "fonts").mkdir()
    for name in ("r.ttf", "x.txt"):
        (tmp_path / "fonts" / name).write_bytes(b"font")
    (tmp_path / "fonts" / "link.ttf").symlink_to(tmp_path / "fonts" / "r.ttf")
    with SimulatedServer(root=tmp_path) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        connection.request("GET", f"{V1}/utilities/fonts/{path}")
        reply = connection.getresponse()
        assert reply.status == status
        kind = "font/ttf" if status == 200 else "application/json"
        assert reply.getheader("content-type") == kind
        connection.close()


def test_a_written_prompt_is_followed_by_events() -> None:
    models = [
        model_record("writer", base="any", type="text_llm"),
        model_record("painter", base="sd-1", type="main"),
    ]
    with SimulatedServer(models=models) as server:
        c = Conversation(server.url)
        keys = {m["name"]: m["key"] for m in get(c, "/api/v2/models/")["models"]}
        ear = Ear(server.url)
        path = f"{V1}/utilities/expand-prompt"
        asked = {"prompt": "a cat", "task_id": "t", "max_tokens": 7, "seed": 5}
        body = {**asked, "model_key": keys["writer"]}
        reply = c.ask("", "POST", path, body)
        assert (reply["seed"], reply["error"]) == (5, None)
        assert "a cat" in reply["expanded_prompt"]
        ear.wait_for("llm_task_complete")
        wrong = c.ask("", "POST", path, {**body, "model_key": keys["painter"]})
        assert wrong["detail"].endswith("not a TextLLM model (got ModelType.Main)")
        ear.wait_for("llm_task_error")
        ear.close()
    heard = [data for name, data in ear.heard if name.startswith("llm_task_")]
    assert {data["task_id"] for data in heard} == {"t"}
    phases = [data["phase"] for data in heard if "phase" in data]
    assert phases == ["loading_model", "generating"]
    assert heard[-1]["error"] == wrong["detail"]


def test_recalled_models_are_told_by_their_keys() -> None:
    kinds = {"m": "main", "l": "lora", "t": "t2i_adapter", "r": "flux_redux"}
    models = [model_record(name, base="sd-1", type=kinds[name]) for name in kinds]
    with SimulatedServer(models=models) as server:
        c = Conversation(server.url)
        keys = {m["name"]: m["key"] for m in get(c, "/api/v2/models/")["models"]}
        query = "?image_category=user&is_intermediate=false"
        image = c.upload("", query, png(size=(9, 7)), "image/png")["image_name"]
        ear = Ear(server.url)
        sent = {
            "model": "m",
            "loras": [{"model_name": "l", "weight": 2}, {"model_name": "m"}],
            "control_layers": [
                {"model_name": "t", "image_name": image, "end_step_percent": 0.5}
            ],
            "ip_adapters": [
                {"model_name": "r", "image_name": "none", "image_influence": "low"}
            ],
        }
        told = c.ask("", "POST", f"{V1}/recall/default", sent)["parameters"]
        ear.wait_for("recall_parameters_updated")
        ear.close()
    size = {"image_name": image, "width": 9, "height": 7}
    assert told == {
        "model": keys["m"],
        "loras": [{"model_key": keys["l"], "weight": 2.0, "is_enabled": True}],
        "control_layers": [
            {
                "model_key": keys["t"],
                "weight": 1.0,
                "image": size,
                "end_step_percent": 0.5,
            }
        ],
        "ip_adapters": [
            {"model_key": keys["r"], "weight": 1.0, "image_influence": "low"}
        ],
    }
    (event,) = [d for name, d in ear.heard if name == "recall_parameters_updated"]
    assert event["parameters"] == told


def test_an_exported_file_of_presets_can_be_imported(
    simulated: SimulatedServer,
) -> None:
    c = Conversation(simulated.url)
    rows = [{"name": 'a "b"', "prompt": "x,\ny", "negative_prompt": "ä"}]
    part = ("x.json", json.dumps(rows).encode(), "application/json")
    send(c, "", "POST", f"{PRESETS}/import", {}, file=part)
    exported = get(c, f"{PRESETS}/export")
    send(c, "", "POST", f"{PRESETS}/import", {}, file=("x", exported, "text/csv"))
    twice = [one for one in get(c, f"{PRESETS}/") if one["type"] == "user"]
    assert [one["name"] for one in twice] == ['a "b"'] * 2
    assert len({json.dumps(one["preset_data"]) for one in twice}) == 1
    assert io.BytesIO(exported).readline() == b"name,prompt,negative_prompt\r\n"


def test_a_picture_of_too_many_pixels_is_no_picture(
    simulated: SimulatedServer,
) -> None:
    c = Conversation(simulated.url)
    size = struct.pack(">II", 30_000, 30_000)
    head = b"IHDR" + size + bytes([8, 2, 0, 0, 0])
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head
    data += struct.pack(">I", zlib.crc32(head)) + png()[33:]
    texts = {"name": "Own", "positive_prompt": "p", "negative_prompt": ""}
    preset = {"data": json.dumps({**texts, "type": "user"})}
    answer = send(
        c, "", "POST", f"{PRESETS}/", preset, image=("x.png", data, "image/png")
    )
    assert answer == {"detail": "Failed to read image"}
    assert "Own" not in [one["name"] for one in get(c, f"{PRESETS}/")]
