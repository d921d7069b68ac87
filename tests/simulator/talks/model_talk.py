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

import model_files as files
from talks.conversation import Conversation
from talks.event_script import Ear

_M = "/api/v2/models"
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
            ("junk", files.junk(folder / "talk-junk.safetensors"), None),
        )
    }
    (folder / "empty").mkdir()
    hands.install("empty folder", folder / "empty")
    hands.install("text file", files.junk(folder / "a.txt"))
    hands.install("again", folder / "talk-vae")
    path = f"{_M}/install"
    query = urlencode({"source": "/no/such/path"})
    c.ask("no such path", "POST", f"{path}?{query}", {})
    c.ask("no source", "POST", path, {})
    c.ask("no config", "POST", f"{path}?source=x")
    c.ask("bad base", "POST", f"{path}?source=x", {"base": "zz"})
    c.ask("bad url", "POST", f"{path}?source=x", {"source_url": "zz"})
    c.ask("bad key", "POST", f"{path}?source=x", {"key": "../a"})
    _jobs(c, jobs["vae"]["id"])
    return {name: job["config_out"]["key"] for name, job in jobs.items()}


def _jobs(c: Conversation, done: int) -> None:
    path = f"{_M}/install"
    c.ask("odd number", "GET", f"{path}/x")
    c.ask("jobs", "GET", path)
    c.ask("cancel what is done", "DELETE", f"{path}/{done}")
    job = c.ask("", "GET", f"{path}/{done}", record=False)
    c.note("status", job["status"])
    c.ask("prune", "DELETE", path)
    c.ask("pruned", "GET", f"{path}/{done}")


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
        ("settings", {"default_settings": {"width": 512, "steps": 3}}),
        ("bad weights", {"default_settings": {"weight": 1, "weight_min": 4}}),
        ("unknown settings", {"default_settings": {"nope": 1}}),
        ("variant", {"variant": "inpaint"}),
        ("no variant", {"variant": "zz"}),
        ("address", {"source_url": "https://x.y"}),
        ("bad address", {"source_url": "x"}),
        ("bad name", {"name": 7}),
        ("other type", {"type": "vae", "base": "sd-1"}),
        ("key", {"key": "zz"}),
        ("no key", {"key": None}),
        ("same key", {"key": keys["main"]}),
        ("cpu", {"cpu_only": True}),
    ):
        c.ask(f"change: {label}", "PATCH", main, change)
    c.ask("change without body", "PATCH", main)
    c.ask("change a vae", "PATCH", vae, {"trigger_phrases": ["x"]})
    c.ask("change nothing", "PATCH", f"{_M}/i/nope", {"name": "x"})
    other = c.ask("", "GET", vae, record=False)["path"]
    c.ask("path of another", "PATCH", main, {"path": other})
    _lists(c)


def _lists(c: Conversation) -> None:
    c.ask("bad order", "GET", f"{_M}/?order_by=zz&direction=zz")
    c.ask("bad filters", "GET", f"{_M}/?base_models=zz&model_type=zz&model_format=zz")


def _removing(c: Conversation, keys: dict[str, str]) -> None:
    gone = keys["junk"]
    path = c.ask("", "GET", f"{_M}/i/{gone}", record=False)["path"]
    Path(path).unlink()
    found = c.ask("missing", "GET", f"{_M}/missing")["models"]
    c.note("missing", gone in [model["key"] for model in found])
    c.ask("delete no keys", "POST", f"{_M}/i/bulk_delete")
    c.ask("delete one", "DELETE", f"{_M}/i/{keys['vae']}")
    c.ask("delete it again", "DELETE", f"{_M}/i/{keys['vae']}")
    everything = [*keys.values(), "talk-model", "nope"]
    c.ask("delete all", "POST", f"{_M}/i/bulk_delete", {"keys": everything})
