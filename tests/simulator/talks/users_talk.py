"""A talk on a server with several users: what each may do with another's things."""

from __future__ import annotations

import json
from typing import Any

from talks.conversation import Conversation, png
from talks.library_talks import send

PASSWORD = "Secret123!"
V1 = "/api/v1"


def _token(c: Conversation, name: str) -> dict[str, str]:
    body = {"email": f"{name}@talk.example", "password": PASSWORD}
    reply = c.ask("", "POST", f"{V1}/auth/login", body, record=False)
    return {"Authorization": f"Bearer {reply['token']}"}


def _people(c: Conversation) -> dict[str, dict[str, str]]:
    """An administrator and two users, new or known; their headers."""
    first = {"email": "admin@talk.example", "password": PASSWORD, "display_name": "x"}
    c.ask("", "POST", f"{V1}/auth/setup", first, record=False)
    admin = _token(c, "admin")
    for name in ("a", "b"):
        account = {**first, "email": f"{name}@talk.example", "is_admin": False}
        path = f"{V1}/auth/users"
        c.ask("", "POST", path, account, headers=admin, record=False)
    return {"admin": admin, "a": _token(c, "a"), "b": _token(c, "b")}


def _things(c: Conversation, a: dict[str, str]) -> dict[str, str]:
    """What the first user makes: ids by kind."""

    def make(path: str, body: Any) -> Any:
        return c.ask(f"a makes {path}", "POST", f"{V1}/{path}", body, headers=a)

    workflow = {
        "name": "n", "author": "", "description": "", "version": "", "contact": "",
        "tags": "of a", "notes": "", "exposedFields": [], "nodes": [], "edges": [],
        "meta": {"version": "3.0.0", "category": "user"},
    }  # fmt: skip
    preset = {"name": "p", "positive_prompt": "", "negative_prompt": "", "type": "user"}
    data = {"data": json.dumps(preset)}
    path = f"{V1}/style_presets/"
    sent = {"workflow": make("workflows/", {"workflow": workflow})["workflow_id"]}
    sent["prompt"] = make("system_prompts/", {"name": "n", "content": "c"})["id"]
    sent["preset"] = send(c, "a makes a preset", "POST", path, data, headers=a)["id"]
    query = "?image_category=user&is_intermediate=false"
    picture = ("x.png", png(), "image/png")
    path = f"{V1}/images/upload{query}"
    image = send(c, "a uploads", "POST", path, {}, headers=a, file=picture)
    return {**sent, "image": image["image_name"]}


def _requests(things: dict[str, str]) -> list[tuple[str, str, Any]]:
    """Everything that is tried, in this order."""
    workflow = f"{V1}/workflows/i/{things['workflow']}"
    prompt = f"{V1}/system_prompts/i/{things['prompt']}"
    preset = f"{V1}/style_presets/i/{things['preset']}"
    packs, app = "/api/v2/custom_nodes", f"{V1}/app"
    describe = {"image_name": things["image"], "model_key": "none"}
    return [
        ("GET", workflow, None),
        ("PUT", f"{workflow}/opened_at", None),
        ("PATCH", f"{workflow}/is_public", {"is_public": False}),
        ("DELETE", f"{workflow}/thumbnail", None),
        ("GET", f"{V1}/workflows/?categories=user", None),
        ("GET", f"{V1}/workflows/tags?categories=user", None),
        ("GET", f"{V1}/workflows/counts_by_tag?tags=of%20a", None),
        ("GET", f"{V1}/workflows/counts_by_category?categories=user", None),
        ("GET", prompt, None),
        ("PATCH", prompt, {"content": "d"}),
        ("GET", preset, None),
        ("GET", f"{preset}/image", None),
        ("POST", f"{V1}/client_state/x/set_by_key?key=k", "v"),
        ("POST", f"{V1}/utilities/image-to-prompt", describe),
        ("GET", f"{V1}/utilities/fonts", None),
        ("GET", f"{packs}/", None),
        ("POST", f"{packs}/reload", None),
        ("GET", f"{app}/app_deps", None),
        ("GET", f"{app}/patchmatch_status", None),
        ("GET", f"{app}/generation_device_options", None),
        ("GET", f"{app}/runtime_config", None),
        ("GET", f"{app}/external_providers/status", None),
        ("GET", f"{app}/external_providers/config", None),
        ("GET", f"{app}/logging", None),
        ("GET", f"{app}/invocation_cache/status", None),
        ("GET", f"{V1}/image_moves/status", None),
    ]


def talk_between_users(c: Conversation) -> None:
    """Presets, prompts, workflows, settings: of others, and without a login."""
    people = _people(c)
    things = _things(c, people["a"])

    def all_ask(who: str, headers: dict[str, str]) -> None:
        for number, (method, path, body) in enumerate(_requests(things)):
            label = f"{who}: {number} {method}"
            reply = c.ask(label, method, path, body, headers=headers)
            if path.endswith("app_deps") and "InvokeAI" in reply:
                # Which packages there are is another matter.
                c.answers.pop()
            elif path.endswith(("counts_by_tag?tags=of%20a", "get_by_key?key=k")):
                c.note(label, reply)
            if isinstance(reply, dict) and "latest_job" in reply:
                # Whether there is one depends on the server's past.
                c.answers.pop()
                c.note(label, sorted(reply))

    for who in ("b", "admin", "a"):
        all_ask(who, people[who])
    all_ask("nobody", {})
    shared = {"is_public": True}
    workflow = f"{V1}/workflows/i/{things['workflow']}"
    c.ask("share", "PATCH", f"{workflow}/is_public", shared, headers=people["a"])
    prompt = f"{V1}/system_prompts/i/{things['prompt']}"
    c.ask("publish", "PATCH", prompt, shared, headers=people["a"])
    open_preset = {
        "name": "p", "positive_prompt": "", "negative_prompt": "", "type": "user",
        "is_public": True,
    }  # fmt: skip
    preset = f"{V1}/style_presets/i/{things['preset']}"
    data = {"data": json.dumps(open_preset)}
    send(c, "open", "PATCH", preset, data, headers=people["a"])
    send(c, "b changes", "PATCH", preset, data, headers=people["b"])
    shipped = {"data": json.dumps({**open_preset, "type": "default"})}
    path = f"{V1}/style_presets/"
    send(c, "b makes a default", "POST", path, shipped, headers=people["b"])
    presets = c.ask("presets of b", "GET", path, headers=people["b"])
    default = next(one["id"] for one in presets if one["type"] == "default")
    there = f"{V1}/style_presets/i/{default}"
    c.ask("b deletes a default", "DELETE", there, headers=people["b"])
    all_ask("b of what is shared", people["b"])
    for who in ("b", "a"):
        for path in (workflow, prompt, preset, f"{V1}/images/i/{things['image']}"):
            c.ask(f"{who} deletes", "DELETE", path, headers=people[who])
