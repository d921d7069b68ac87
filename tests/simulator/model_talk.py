"""What is said about models: the files of one machine, told to two servers.

A server that is spoken to must not have models of other tests under these names.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from conversation import Conversation, png
from event_script import Ear

import model_files as files

_M = "/api/v2/models"
_R = "/api/v1/model_relationships"
# What models are ordered by, and the field to look at; sizes depend on the disk.
_FIELDS = {
    "type": "type",
    "base": "base",
    "name": "name",
    "format": "format",
    "size": "name",
}
_ENDED = ("completed", "error", "cancelled")


class Installer:
    """Installs into the server of a conversation, and notes what came of it."""

    def __init__(self, conversation: Conversation, heard: list[Any]) -> None:
        self._conversation = conversation
        self._heard = heard

    def install(
        self,
        label: str,
        source: Any,
        config: Any = None,
        inplace: bool = True,
        said: bool = False,
    ) -> Any:
        """Install and wait; the job is recorded, its events are noted."""
        query = urlencode({"source": str(source), "inplace": str(inplace).lower()})
        # What is said at once depends on how fast the server is.
        path, c = f"{_M}/install?{query}", self._conversation
        job = c.ask(label, "POST", path, config or {}, record=said)
        deadline = time.monotonic() + 30
        while job["status"] not in _ENDED:
            assert time.monotonic() < deadline, job
            time.sleep(0.02)
            job = c.ask("", "GET", f"{_M}/install/{job['id']}", record=False)
        c.ask(label, "GET", f"{_M}/install/{job['id']}")
        model = job["config_out"] or {}
        kind = [model.get(key) for key in ("type", "format", "base", "variant")]
        outcome = [job["status"], job["error_reason"], *kind, model.get("name")]
        c.note(f"{label}: outcome", outcome)
        c.note(f"{label}: events", self._events(job["id"]))
        return job

    def _events(self, job_id: int) -> list[Any]:
        """The names and keys of a job's events, once the last has come."""
        deadline = time.monotonic() + 10
        ends = ("model_install_complete", "model_install_error")
        while True:
            mine = [event for event in self._heard if event[1].get("id") == job_id]
            if mine and mine[-1][0] in ends:
                return [[name, sorted(data)] for name, data in mine]
            assert time.monotonic() < deadline, mine
            time.sleep(0.02)


@contextmanager
def installer(conversation: Conversation) -> Iterator[Installer]:
    """An installer that hears the server's events."""
    ear = Ear(conversation.url)
    try:
        yield Installer(conversation, ear.heard)
    finally:
        ear.close()


def talk_about_models(c: Conversation) -> None:
    """Installing, looking up, changing and removing models."""
    with tempfile.TemporaryDirectory() as name, installer(c) as hands:
        folder = Path(name).resolve()
        keys = _installing(c, hands, folder)
        _records(c, keys)
        _relations(c, keys)
        _upkeep(c, folder)
        _removing(c, keys)


def _installing(c: Conversation, hands: Installer, folder: Path) -> dict[str, str]:
    c.ask("", "DELETE", f"{_M}/install", record=False)  # those of other talks
    jobs = {
        name: hands.install(name, source, config)
        for name, source, config in (
            ("main", files.pipeline(folder / "talk-main"), None),
            ("xl", files.pipeline(folder / "talk-xl", width=2048), None),
            ("fill", files.pipeline(folder / "talk-fill", channels=9), None),
            ("vae", files.diffusers_vae(folder / "talk-vae"), None),
            ("one-file vae", files.checkpoint_vae(folder / "v.safetensors"), None),
            ("lora", files.lora(folder / "talk-lora.safetensors"), {"description": ""}),
            (
                "embedding",
                files.embedding(folder / "talk-emb.safetensors"),
                {"name": "Talk", "description": "d", "source_url": "http://x.y"},
            ),
            ("junk", files.junk(folder / "talk-junk.safetensors"), None),
            (
                "other base",
                files.embedding(folder / "b.safetensors"),
                {"base": "sd-2", "trigger_phrases": ["t"]},
            ),
            ("variant", files.embedding(folder / "w.safetensors"), {"variant": "dev"}),
            ("own key", files.embedding(folder / "k.safetensors"), {"key": "talk-k"}),
        )
    }
    moved = files.embedding(folder / "talk-moved.safetensors")
    jobs["moved"] = hands.install("moved", moved, inplace=False)
    (folder / "empty").mkdir()
    hands.install("empty folder", folder / "empty")
    hands.install("text file", files.junk(folder / "a.txt"))
    hands.install("again", folder / "talk-emb.safetensors")
    again = files.embedding(folder / "k2.safetensors")
    hands.install("key taken", again, {"key": "talk-k"}, inplace=False)
    hands.install("format", files.junk(folder / "f.bin"), {"format": "zz"})
    hands.install("private address", "http://127.0.0.1:9/x.safetensors")
    hands.install("nothing of one's own", "external://talk/model", said=False)
    path = f"{_M}/install"
    for label, source in (
        ("no such path", "/no/such/path"),
        ("repository", "owner/no-such-name"),
        ("half external", "external://x"),
    ):
        c.ask(label, "POST", f"{path}?{urlencode({'source': source})}", {})
    c.ask("no source", "POST", path, {})
    c.ask("no config", "POST", f"{path}?source=x")
    c.ask("bad base", "POST", f"{path}?source=x", {"base": "zz"})
    c.ask("bad url", "POST", f"{path}?source=x", {"source_url": "zz"})
    c.ask("bad key", "POST", f"{path}?source=x", {"key": "../a"})
    _jobs(c, jobs["embedding"]["id"])
    return {name: job["config_out"]["key"] for name, job in jobs.items()}


def _jobs(c: Conversation, done: int) -> None:
    path = f"{_M}/install"
    for verb in ("pause", "resume", "restart_failed"):
        c.ask(verb, "POST", f"{path}/{done}/{verb}")
        c.ask(f"{verb} nothing", "POST", f"{path}/9999/{verb}")
    for label, url in (("file", "http://x.y/z"), ("no address", "zz")):
        c.ask(label, "POST", f"{path}/{done}/restart_file", url)
        c.ask(f"{label} of nothing", "POST", f"{path}/9999/restart_file", url)
    c.ask("no file", "POST", f"{path}/{done}/restart_file")
    c.ask("odd number", "GET", f"{path}/x")
    c.ask("jobs", "GET", path)
    c.ask("cancel what is done", "DELETE", f"{path}/{done}")
    job = c.ask("cancelled", "GET", f"{path}/{done}")
    c.note("status", job["status"])
    c.ask("prune", "DELETE", path)
    c.ask("pruned", "GET", f"{path}/{done}")
    c.ask("page", "GET", f"{path}/huggingface?source=owner/no-such-name")


def _records(c: Conversation, keys: dict[str, str]) -> None:
    main, vae = (f"{_M}/i/{keys[name]}" for name in ("main", "vae"))
    record = c.ask("record", "GET", main)
    for label, query in (
        ("by attributes", {"name": "talk-main", "type": "main", "base": "sd-1"}),
        ("attributes of none", {"name": "talk-main", "type": "vae", "base": "sd-1"}),
        ("bad attributes", {"name": "talk-main", "type": "zz"}),
    ):
        c.ask(label, "GET", f"{_M}/get_by_attrs?{urlencode(query)}")
    c.ask("by hash", "GET", f"{_M}/get_by_hash?{urlencode({'hash': record['hash']})}")
    for label, change in (
        ("texts", {"description": "d", "trigger_phrases": ["a", "b"]}),
        ("nothing", {}),
        ("unknown field", {"nope": 1}),
        ("other base", {"base": "sdxl"}),
        ("base without variant", {"base": "flux"}),
        ("base without class", {"base": "any"}),
        ("settings", {"default_settings": {"width": 512, "steps": 3}}),
        ("settings of others", {"default_settings": {"width": 8}}),
        ("settings of loras", {"default_settings": {"weight": 1}}),
        ("bad weights", {"default_settings": {"weight": 1, "weight_min": 4}}),
        ("unknown settings", {"default_settings": {"nope": 1}}),
        ("variant", {"variant": "inpaint"}),
        ("variant of others", {"variant": "turbo"}),
        ("no variant", {"variant": "zz"}),
        ("address", {"source_url": "https://x.y"}),
        ("bad address", {"source_url": "x"}),
        ("no name", {"name": None}),
        ("bad name", {"name": 7}),
        ("format", {"format": "zz"}),
        ("other type", {"type": "vae", "base": "sd-1"}),
        ("type without base", {"type": "siglip"}),
        ("key", {"key": "zz"}),
        ("no key", {"key": None}),
        ("same key", {"key": keys["main"]}),
        ("cpu", {"cpu_only": True}),
    ):
        c.ask(f"change: {label}", "PATCH", main, change)
    c.ask("change without body", "PATCH", main)
    c.ask("identify again", "POST", f"{main}/reidentify")
    c.ask("change a vae", "PATCH", vae, {"trigger_phrases": ["x"]})
    c.ask("change nothing", "PATCH", f"{_M}/i/nope", {"name": "x"})
    other = c.ask("", "GET", vae, record=False)["path"]
    c.ask("path of another", "PATCH", main, {"path": other})
    c.ask("identify nothing", "POST", f"{_M}/i/nope/reidentify")
    c.ask("identify", "POST", f"{_M}/i/bulk_reidentify", {"keys": [keys["main"], "x"]})
    c.ask("identify no keys", "POST", f"{_M}/i/bulk_reidentify")
    c.ask("convert", "PUT", f"{_M}/convert/{keys['main']}")
    c.ask("convert nothing", "PUT", f"{_M}/convert/nope")
    _lists(c)
    _covers(c, main)


def _lists(c: Conversation) -> None:
    for order in ("default", *_FIELDS):
        for direction in ("ASC", "DESC"):
            query = urlencode({"order_by": order, "direction": direction})
            found = c.ask("", "GET", f"{_M}/?{query}", record=False)["models"]
            mine = [m for m in found if m["name"].lower().startswith("talk")]
            # What is equal in this regard comes in any order.
            told = ["name"] if order in ("default", "name") else [_FIELDS[order]]
            seen = [[model[field] for field in told] for model in mine]
            c.note(f"by {order} {direction}", seen if order != "size" else len(seen))
    c.ask("bad order", "GET", f"{_M}/?order_by=zz&direction=zz")
    c.ask("bad filters", "GET", f"{_M}/?base_models=zz&model_type=zz&model_format=zz")
    query = "base_models=sdxl&base_models=sd-1&model_type=main"
    found = c.ask("", "GET", f"{_M}/?{query}", record=False)
    names = [m["name"] for m in found["models"] if m["name"].startswith("talk")]
    c.note("two bases", names)


def _covers(c: Conversation, main: str) -> None:
    path = f"{main}/image"
    picture = png(size=(60, 30))
    c.ask("no cover", "GET", path)
    c.ask("no cover to delete", "DELETE", path)
    for label, target, data, kind, field in (
        ("set cover", path, picture, "image/png", "image"),
        ("cover of nothing", f"{_M}/i/nope/image", picture, "image/png", "image"),
        ("cover of text", path, b"text", "image/png", "image"),
        ("cover said text", path, picture, "text/plain", "image"),
        ("cut cover", path, picture[:60], "image/png", "image"),
        ("no cover in it", path, picture, "image/png", "other"),
    ):
        boundary = "----parts"
        content = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; '
            f'filename="x.png"\r\nContent-Type: {kind}\r\n\r\n'
        ).encode() + data
        content += f"\r\n--{boundary}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        c.ask(label, "PATCH", target, content=content, headers=headers)
    c.ask("cover", "GET", path)
    c.ask("record with cover", "GET", main)
    c.ask("delete cover", "DELETE", path)


def _relations(c: Conversation, keys: dict[str, str]) -> None:
    def pair(first: str, second: str) -> dict[str, str]:
        return {"model_key_1": keys.get(first, first), "model_key_2": keys[second]}

    c.ask("relate", "POST", f"{_R}/", pair("main", "vae"))
    c.ask("relate again", "POST", f"{_R}/", pair("vae", "main"))
    c.ask("relate to itself", "POST", f"{_R}/", pair("main", "main"))
    c.ask("relate nothing", "POST", f"{_R}/", pair("nope", "main"))
    c.ask("relate no pair", "POST", f"{_R}/", {})
    c.ask("related", "GET", f"{_R}/i/{keys['main']}")
    c.ask("related to nothing", "GET", f"{_R}/i/nope")
    c.ask("batch", "POST", f"{_R}/batch", {"model_keys": [keys["main"], "nope"]})
    c.ask("no batch", "POST", f"{_R}/batch", {})
    c.ask("unrelate itself", "DELETE", f"{_R}/", pair("vae", "vae"))
    c.ask("unrelate", "DELETE", f"{_R}/", pair("vae", "main"))
    c.ask("unrelate again", "DELETE", f"{_R}/", pair("vae", "main"))
    c.ask("relate to be forgotten", "POST", f"{_R}/", pair("main", "vae"))


def _upkeep(c: Conversation, folder: Path) -> None:
    found = c.ask("scan", "GET", f"{_M}/scan_folder?{urlencode({'scan_path': folder})}")
    told = {Path(m["path"]).name: m["is_installed"] for m in found}
    c.note("scanned", sorted(told.items()))
    c.ask("scan nothing", "GET", f"{_M}/scan_folder?scan_path=/no/such/folder")
    c.ask("scan what", "GET", f"{_M}/scan_folder")
    c.ask("repository", "GET", f"{_M}/hugging_face?hugging_face_repo=owner/nope")
    starters = c.ask("starters", "GET", f"{_M}/starter_models")
    c.note("starters", len(starters["starter_models"]))
    c.ask("empty cache", "POST", f"{_M}/empty_model_cache")
    c.ask("token", "GET", f"{_M}/hf_login")
    c.ask("no token", "POST", f"{_M}/hf_login", {})
    # Files whose key was taken when they were to be moved in.
    found = c.ask("orphans", "GET", f"{_M}/sync/orphaned")
    mine = [o for o in found if o["path"] == "talk-k"]
    c.note("orphan", [o["files"] for o in mine])
    paths = ["talk-k", "no-such-folder", "../x"]
    result = c.ask("delete", "DELETE", f"{_M}/sync/orphaned", {"paths": paths})
    c.note("deleted", result)
    c.ask("delete no orphans", "DELETE", f"{_M}/sync/orphaned")


def _removing(c: Conversation, keys: dict[str, str]) -> None:
    gone = keys["junk"]
    path = c.ask("", "GET", f"{_M}/i/{gone}", record=False)["path"]
    Path(path).unlink()
    found = c.ask("missing", "GET", f"{_M}/missing")["models"]
    c.note("missing", gone in [model["key"] for model in found])
    c.ask("identify what is gone", "POST", f"{_M}/i/{gone}/reidentify")
    c.ask("and many", "POST", f"{_M}/i/bulk_reidentify", {"keys": [gone]})
    c.ask("delete no keys", "POST", f"{_M}/i/bulk_delete")
    c.ask("delete one", "DELETE", f"{_M}/i/{keys['vae']}")
    c.ask("related to what was", "GET", f"{_R}/i/{keys['main']}")
    c.ask("delete it again", "DELETE", f"{_M}/i/{keys['vae']}")
    everything = [*keys.values(), "talk-model", "nope"]
    result = c.ask("delete all", "POST", f"{_M}/i/bulk_delete", {"keys": everything})
    c.note("deleted all", [len(result["deleted"]), len(result["failed"])])
