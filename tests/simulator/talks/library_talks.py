"""Talks about what a server keeps besides images and jobs, and about itself."""

from __future__ import annotations

import json
from typing import Any, Optional
from urllib.parse import quote

from talks.conversation import Conversation, png

APP = "/api/v1/app"
UTILITIES = "/api/v1/utilities"
Part = tuple[str, bytes, str]


def send(
    c: Conversation,
    label: str,
    method: str,
    path: str,
    fields: dict[str, str],
    headers: Optional[dict[str, str]] = None,
    **files: Part,
) -> Any:
    """A form as the web interface sends it; a file is name, bytes and media type."""
    boundary = "----parts"
    head = f"--{boundary}\r\nContent-Disposition: form-data; name="
    lines = [f'{head}"{k}"\r\n\r\n{v}\r\n'.encode() for k, v in fields.items()]
    lines += [
        f'{head}"{key}"; filename="{name}"\r\nContent-Type: {kind}\r\n\r\n'.encode()
        + data
        + b"\r\n"
        for key, (name, data, kind) in files.items()
    ]
    return c.ask(
        label,
        method,
        path,
        content=b"".join(lines) + f"--{boundary}--\r\n".encode(),
        headers={
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            **(headers or {}),
        },
    )


def talk_about_presets(c: Conversation) -> None:
    """Style presets, their pictures and files."""
    presets = "/api/v1/style_presets"
    good = {"name": "Aaa", "positive_prompt": "{prompt}", "negative_prompt": ""}
    data = {"data": json.dumps({**good, "type": "user"})}
    picture = ("x.png", png(size=(300, 20)), "image/png")
    c.ask("presets", "GET", f"{presets}/")
    bare = send(c, "preset", "POST", f"{presets}/", data)
    shown = send(c, "preset with picture", "POST", f"{presets}/", data, image=picture)
    send(c, "preset no data", "POST", f"{presets}/", {"x": "y"})
    c.ask("preset no form", "POST", f"{presets}/", {"name": "x"})
    for label, text in (
        ("broken", "{"),
        ("short", '{"name": "x"}'),
        ("bad type", json.dumps({**good, "type": "other"})),
        ("more", json.dumps({**good, "type": "user", "is_public": True, "x": 1})),
    ):
        made = send(c, f"preset {label}", "POST", f"{presets}/", {"data": text})
        if "id" in made:
            c.ask("preset more delete", "DELETE", f"{presets}/i/{made['id']}")
    text = ("x.txt", b"hello", "text/plain")
    send(c, "preset text", "POST", f"{presets}/", data, image=text)
    junk = ("x.png", b"hello", "image/png")
    send(c, "preset junk", "POST", f"{presets}/", data, image=junk)
    for label, preset in (("bare", bare), ("shown", shown)):
        path = f"{presets}/i/{preset['id']}"
        c.ask(f"{label} get", "GET", path)
        c.ask(f"{label} picture", "GET", f"{path}/image")
    path = f"{presets}/i/{shown['id']}"
    send(c, "patch no data", "PATCH", path, {"x": "y"})
    send(c, "patch broken", "PATCH", path, {"data": "{"})
    send(c, "patch junk", "PATCH", path, data, image=junk)
    send(c, "patch keeps picture", "PATCH", path, data, image=picture)
    send(c, "patch drops picture", "PATCH", path, data)
    c.ask("patched picture", "GET", f"{path}/image")
    for method in ("GET", "DELETE"):
        c.ask(f"no preset {method}", method, f"{presets}/i/nope")
    c.ask("no preset picture", "GET", f"{presets}/i/nope/image")
    send(c, "no preset patch", "PATCH", f"{presets}/i/nope", data)
    for preset in (bare, shown):
        c.ask("preset delete", "DELETE", f"{presets}/i/{preset['id']}")


def talk_about_texts(c: Conversation) -> None:
    """System prompts and the web interface's state."""
    prompts = "/api/v1/system_prompts"
    c.ask("prompts", "GET", f"{prompts}/")
    one = {"name": "a", "content": "b"}
    made = c.ask("prompt", "POST", f"{prompts}/", one)
    c.ask("prompt blank", "POST", f"{prompts}/", {"name": "", "content": ""})
    c.ask("prompt more", "POST", f"{prompts}/", {**one, "x": 1})
    c.ask("prompt nothing", "POST", f"{prompts}/")
    path = f"{prompts}/i/{made['id']}"
    c.ask("prompt get", "GET", path)
    c.ask("prompt patch", "PATCH", path, {"content": "c", "is_public": False})
    c.ask("prompt patch blank", "PATCH", path, {"name": ""})
    c.ask("prompt patch empty", "PATCH", path, {})
    c.ask("prompt patch more", "PATCH", path, {"x": 1})
    for label in ("prompt delete", "prompt delete again"):
        c.ask(label, "DELETE", path)
    c.ask("prompt none", "GET", path)
    c.ask("prompt none patch", "PATCH", path, {"name": "z"})
    state = "/api/v1/client_state/anything"
    for key in ("talk_a", "talk_b", "talkXc"):
        c.ask(f"set {key}", "POST", f"{state}/set_by_key?key={key}", "v")
    c.ask("set a number", "POST", f"{state}/set_by_key?key=talk_a", 1)
    c.ask("set keyless", "POST", f"{state}/set_by_key", "v")
    for label, prefix in (("keys", "talk_"), ("keys of case", "TALK_"), ("some", "%")):
        found = c.ask(
            label, "GET", f"{state}/get_keys_by_prefix?prefix={quote(prefix)}"
        )
        c.note(f"{label} are", sorted(found))
    c.ask("keys of nothing", "GET", f"{state}/get_keys_by_prefix")
    for key in ("talk_a", "talk_b", "talkXc", "talkXc"):
        c.ask(f"delete {key}", "POST", f"{state}/delete_by_key?key={key}")
    c.ask("get deleted", "GET", f"{state}/get_by_key?key=talk_a")


def talk_about_settings(c: Conversation) -> None:
    """The program, its settings and services, as a fresh server has them."""
    c.ask("patchmatch", "GET", f"{APP}/patchmatch_status")
    c.ask("devices", "GET", f"{APP}/generation_device_options")
    config = c.ask("config", "GET", f"{APP}/runtime_config")["config"]
    own = ("port", "device", "precision", "multiuser", "log_format")
    c.note("defaults", {k: v for k, v in config.items() if k not in own})
    c.note("level", c.ask("log level", "GET", f"{APP}/logging"))
    providers = f"{APP}/external_providers"
    c.note("providers are", c.ask("providers", "GET", f"{providers}/config"))
    c.note("statuses are", c.ask("statuses", "GET", f"{providers}/status"))


def talk_about_extensions(c: Conversation) -> None:
    """Fonts, node packs, texts by models."""
    c.ask("fonts", "GET", f"{UTILITIES}/fonts")
    packs = "/api/v2/custom_nodes"
    c.ask("packs", "GET", f"{packs}/")
    c.note("reload says", c.ask("reload", "POST", f"{packs}/reload"))
    expand = f"{UTILITIES}/expand-prompt"
    c.ask("expand", "POST", expand, {"prompt": "x", "model_key": "nope"})
    c.ask("expand short", "POST", expand, {"prompt": "x"})
    numbers = {"prompt": "x", "model_key": "y", "max_tokens": 0, "seed": -1}
    c.ask("expand numbers", "POST", expand, numbers)
    describe = f"{UTILITIES}/image-to-prompt"
    c.ask("describe", "POST", describe, {"image_name": "x", "model_key": "nope"})
    c.ask("describe short", "POST", describe, {})


def talk_about_days(c: Conversation) -> None:
    """The gallery by the day."""
    days = "/api/v1/virtual_boards/by_date"
    needed = "?image_category=general&is_intermediate=false"
    made = c.upload("upload", needed, png(), "image/png")
    date, name = made["created_at"][:10], made["image_name"]
    (today,) = [day for day in c.ask("days", "GET", days) if day["date"] == date]
    c.note("cover", today["cover_image_name"] == name)
    for kind in ("image_names", "item_names"):
        for label, query in (
            ("all", ""),
            ("sorted", "?order_dir=ASC&starred_first=false"),
            ("chosen", "?categories=general&search_term=zzz"),
            ("odd", "?order_dir=UP"),
            ("odd category", "?categories=x"),
        ):
            c.ask(f"{kind} {label}", "GET", f"{days}/{date}/{kind}{query}")
        c.ask(f"{kind} of no day", "GET", f"{days}/yesterday/{kind}")
    c.ask("image away", "DELETE", f"/api/v1/images/i/{name}")


def talk_about_the_library(c: Conversation) -> None:
    """Pictures, tags and filters of saved workflows."""
    library = "/api/v1/workflows"
    workflow = {
        "name": "talk", "author": "", "description": "Zebra", "version": "",
        "contact": "", "tags": "talk one,  Talk two ,", "notes": "",
        "exposedFields": [], "meta": {"version": "3.0.0", "category": "user"},
        "nodes": [], "edges": [],
    }  # fmt: skip
    saved = c.ask("workflow", "POST", f"{library}/", {"workflow": workflow})
    path = f"{library}/i/{saved['workflow_id']}"
    picture = ("x.png", png(size=(300, 20)), "image/png")
    c.ask("no picture yet", "DELETE", f"{path}/thumbnail")
    send(c, "picture", "PUT", f"{path}/thumbnail", {}, image=picture)
    c.ask("picture get", "GET", f"{path}/thumbnail")
    c.ask("with picture", "GET", path)
    send(c, "picture no part", "PUT", f"{path}/thumbnail", {"x": "y"})
    text = ("x.txt", b"hello", "text/plain")
    send(c, "picture text", "PUT", f"{path}/thumbnail", {}, image=text)
    junk = ("x.png", b"hello", "image/png")
    send(c, "picture junk", "PUT", f"{path}/thumbnail", {}, image=junk)
    cut = ("x.png", png(size=(200, 200))[:90], "image/png")
    send(c, "picture cut", "PUT", f"{path}/thumbnail", {}, image=cut)
    c.ask("picture away", "DELETE", f"{path}/thumbnail")
    send(c, "no workflow", "PUT", f"{library}/i/no/thumbnail", {}, image=picture)
    c.ask("no workflow's picture", "DELETE", f"{library}/i/nope/thumbnail")
    for label, query in (
        ("tag", "tags=talk%20one"),
        ("half a tag", "tags=alk%20on"),
        ("tag of case", "tags=TALK%20ONE"),
        ("tags", "tags=talk%20one&tags=zzz"),
        ("text", "query=zebra"),
        ("text in tags", "query=talk%20two"),
        ("text nowhere", "query=zzzz"),
        ("unopened", "has_been_opened=false&query=zebra"),
        ("opened", "has_been_opened=true&query=zebra"),
        ("public", "is_public=true&query=zebra"),
        ("private", "is_public=false&query=zebra"),
        ("callable", "callable=true&query=zebra"),
        ("uncallable", "callable=false&query=zebra&per_page=5"),
        ("newest", "order_by=opened_at&direction=DESC&query=zebra"),
        ("by publicity", "order_by=is_public&query=zebra"),
        ("odd category", "categories=x"),
        ("odd direction", "direction=UP"),
    ):
        found = c.ask(f"workflows {label}", "GET", f"{library}/?{query}")
        if "items" in found:
            paging = {key: found[key] for key in ("page", "pages", "total", "per_page")}
            c.note(f"{label}: page", paging)
    c.note("tags are", c.ask("tags", "GET", f"{library}/tags?categories=user"))
    c.ask("tags odd", "GET", f"{library}/tags?categories=x")
    counts = f"{library}/counts_by_tag"
    asked = "tags=talk%20one&tags=Talk%20two&tags=talk&tags=zzz&categories=user"
    c.note("counts are", c.ask("counts", "GET", f"{counts}?{asked}"))
    c.ask("counts of nothing", "GET", counts)
    c.ask("categories of nothing", "GET", f"{library}/counts_by_category")
    opened = f"{library}/counts_by_category?categories=user&has_been_opened=true"
    c.ask("categories opened", "GET", opened)
    c.ask("share", "PATCH", f"{path}/is_public", {"is_public": False})
    c.ask("share bare", "PATCH", f"{path}/is_public", False)
    c.ask("share odd", "PATCH", f"{path}/is_public", {"is_public": "perhaps"})
    c.ask("share none", "PATCH", f"{library}/i/nope/is_public", {"is_public": True})
    c.ask("open none", "PUT", f"{library}/i/nope/opened_at")
    c.ask("workflow away", "DELETE", path)


TALKS = (
    talk_about_presets,
    talk_about_texts,
    talk_about_settings,
    talk_about_extensions,
    talk_about_days,
    talk_about_the_library,
)
