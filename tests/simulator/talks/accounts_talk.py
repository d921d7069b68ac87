"""What is said about accounts: on a new server with users, strict about passwords."""

from __future__ import annotations

import json
from typing import Any

from talks.conversation import Answer, Conversation
from talks.media_talks import note_headers, parts, upload, video_part

_A = "/api/v1/auth"
_V = "/api/v1/videos"
_UPLOAD = f"{_V}/upload?video_category=user&is_intermediate=false"
_STRONG = "Secret12x"
_ADDRESSES = ("", "no address")


def bearing(token: str) -> dict[str, str]:
    """The headers of who has a token."""
    return {"Authorization": f"Bearer {token}"}


def _log_in(c: Conversation, label: str, email: str, password: str) -> dict[str, str]:
    body = {"email": email, "password": password}
    return bearing(c.ask(label, "POST", f"{_A}/login", body)["token"])


def _renewed(c: Conversation, label: str) -> None:
    """Compare whether the latest answer brought a token and a cookie."""
    cookie = c.headers.get("set-cookie", "")
    told = [part.split("=")[0].strip().lower() for part in cookie.split(";") if part]
    fresh = "x-refreshed-token" in c.headers
    asks = c.headers.get("www-authenticate")
    c.answers.append(Answer(f"tokens of {label}", 0, "", [fresh, sorted(told), asks]))


def _talk_about_setup(c: Conversation) -> dict[str, str]:
    c.ask("status before", "GET", f"{_A}/status")
    c.ask("me before", "GET", f"{_A}/me")
    _renewed(c, "me before")
    setup = f"{_A}/setup"
    for password in (
        "",
        "weak",
        "longenough",
        "LongEnough",
        "longenough1",
        "1234567Ab",
    ):
        if password != "1234567Ab":
            body = {"email": "boss@host.org", "password": password}
            c.ask(f"setup {password}", "POST", setup, body)
    c.ask("setup half", "POST", setup, {"email": "boss@host.org"})
    c.ask("setup nobody", "POST", setup, {"email": "boss", "password": _STRONG})
    body = {"email": "Boss@Host.ORG", "password": _STRONG, "display_name": "Boss"}
    made = c.ask("setup", "POST", setup, body)
    c.answers.append(Answer("address", 0, "", made["user"]["email"]))
    c.ask("setup again", "POST", setup, body)
    c.ask("status", "GET", f"{_A}/status")
    c.ask("wrong", "POST", f"{_A}/login", {**body, "password": "x"})
    _renewed(c, "wrong")
    c.ask("other case", "POST", f"{_A}/login", {**body, "email": "boss@host.org"})
    c.ask("system", "POST", f"{_A}/login", {**body, "email": "system@system.invokeai"})
    c.ask("login half", "POST", f"{_A}/login", {"email": "x"})
    remembered = {**body, "remember_me": True}
    reply = c.ask("remembered", "POST", f"{_A}/login", remembered)
    c.answers.append(Answer("lasts", 0, "", reply["expires_in"]))
    _renewed(c, "remembered")
    return _log_in(c, "login", "Boss@host.org", _STRONG)


def _talk_about_users(c: Conversation, boss: dict[str, str]) -> str:
    users = f"{_A}/users"
    for address in _ADDRESSES:
        body = {"email": address, "password": _STRONG}
        c.ask(f"address {address!r}", "POST", users, body, headers=boss)
    for password in ("", "weak", "longenough", "12345678"):
        body = {"email": "x@host.org", "password": password}
        c.ask(f"password {password}", "POST", users, body, headers=boss)
    body = {"email": "bob@Host.Local", "password": _STRONG, "display_name": "Bob"}
    bob = c.ask("create", "POST", users, body, headers=boss)
    _renewed(c, "create")
    c.answers.append(Answer("bob", 0, "", bob["email"]))
    same = {**body, "email": "bob@host.local"}
    c.ask("create again", "POST", users, same, headers=boss)
    found = c.ask("users", "GET", users, headers=boss)
    c.answers.append(Answer("order", 0, "", [user["email"] for user in found]))
    c.ask("nobody", "GET", f"{users}/nobody", headers=boss)
    me = c.ask("me", "GET", f"{_A}/me", headers=boss)["user_id"]
    for key, name in ((bob["user_id"], "bob"), (me, "boss"), ("system", "system")):
        c.ask(f"get {name}", "GET", f"{users}/{key}", headers=boss)
        for label, changes in (
            ("nothing", {}),
            ("unknown", {"nope": 1}),
            ("weak", {"password": "weak"}),
            ("empty", {"password": ""}),
            ("bad", {"is_admin": "maybe", "display_name": 1}),
            ("name", {"display_name": "N"}),
        ):
            path = f"{users}/{key}"
            c.ask(f"{name}: {label}", "PATCH", path, changes, headers=boss)
    for key, name in ((me, "boss"), ("system", "system"), ("nobody", "nobody")):
        for changes in ({"is_admin": False}, {"is_active": False}):
            label = f"{name} loses {next(iter(changes))}"
            c.ask(label, "PATCH", f"{users}/{key}", changes, headers=boss)
        c.ask(f"delete {name}", "DELETE", f"{users}/{key}", headers=boss)
    for changes in ({"is_admin": True}, {"password": _STRONG}):
        c.ask(f"system: {changes}", "PATCH", f"{users}/system", changes, headers=boss)
    c.ask("a password", "GET", f"{_A}/generate-password", headers=boss)
    return str(bob["user_id"])


def _talk_about_oneself(c: Conversation, boss: dict[str, str], key: str) -> None:
    bob = _log_in(c, "bob", "bob@host.local", _STRONG)
    for method, path in (
        ("GET", f"{_A}/users"),
        ("POST", f"{_A}/users"),
        ("GET", f"{_A}/users/{key}"),
        ("PATCH", f"{_A}/users/{key}"),
        ("DELETE", f"{_A}/users/{key}"),
    ):
        c.ask(f"bob may not {method}", method, path, {}, headers=bob)
    for label, changes in (
        ("name", {"display_name": "B"}),
        ("no current", {"new_password": _STRONG}),
        ("wrong current", {"new_password": _STRONG, "current_password": "x"}),
        ("weak", {"new_password": "weak", "current_password": _STRONG}),
        ("only current", {"current_password": "x"}),
        ("nothing", {}),
    ):
        c.ask(f"own {label}", "PATCH", f"{_A}/me", changes, headers=bob)
        _renewed(c, f"own {label}")
    for method, path in (
        ("POST", f"{_A}/media-cookie"),
        ("POST", f"{_A}/logout"),
        ("GET", f"{_A}/me"),
    ):
        c.ask(f"bob {path}", method, path, headers=bob)
        _renewed(c, f"bob {path}")
        c.ask(f"nobody {path}", method, path)
        _renewed(c, f"nobody {path}")
    other = _log_in(c, "bob again", "bob@host.local", _STRONG)
    new = {"new_password": "Secret34x", "current_password": _STRONG}
    c.ask("own password", "PATCH", f"{_A}/me", new, headers=bob)
    _renewed(c, "own password")
    bob = bearing(c.headers["x-refreshed-token"])
    for name, headers in (("old", other), ("new", bob), ("forged", bearing("a.b.c"))):
        c.ask(f"{name} token", "GET", f"{_A}/me", headers=headers)
        _renewed(c, f"{name} token")
        c.ask(
            f"{name} token elsewhere", "GET", "/api/v1/boards/?all=1", headers=headers
        )
        _renewed(c, f"{name} token elsewhere")
    users = f"{_A}/users"
    disabled = {"is_active": False}
    c.ask("disable", "PATCH", f"{users}/{key}", disabled, headers=boss)
    c.ask("disabled", "GET", f"{_A}/me", headers=bob)
    body = {"email": "bob@host.local", "password": "Secret34x"}
    c.ask("disabled login", "POST", f"{_A}/login", body)
    c.ask("enable", "PATCH", f"{users}/{key}", {"is_active": True}, headers=boss)
    c.ask("enabled", "GET", f"{_A}/me", headers=bob)
    c.ask("promote", "PATCH", f"{users}/{key}", {"is_admin": True}, headers=boss)
    c.ask("promoted", "GET", users, headers=bob)
    c.ask("reset own", "PATCH", f"{users}/{key}", {"password": _STRONG}, headers=bob)
    _renewed(c, "reset own")
    c.ask("demote", "PATCH", f"{users}/{key}", {"is_admin": False}, headers=boss)


def _talk_about_their_videos(c: Conversation, boss: dict[str, str]) -> None:
    """What a user may do with the video of another, by where it lies."""
    bob = _log_in(c, "bob for videos", "bob@host.local", _STRONG)
    whole = parts(video_part())
    name = upload(c, "of the boss", whole, headers=boss)["video_name"]
    upload(c, "of nobody", whole)
    board = c.ask("board", "POST", "/api/v1/boards/?board_name=b", headers=boss)
    board_id = board["board_id"]
    onto = f"{_UPLOAD}&board_id={board_id}"
    placed = upload(c, "onto it", whole, onto, headers=boss)["video_name"]
    many = {"video_names": [name, placed, "gone"]}
    for visibility in ("private", "shared", "public"):
        c.ask(
            visibility, "PATCH", f"/api/v1/boards/{board_id}",
            {"board_visibility": visibility}, headers=boss,
        )  # fmt: skip
        upload(c, f"bob onto {visibility}", whole, onto, headers=bob)
        for at, label in ((name, "loose"), (placed, "placed"), ("gone", "gone")):
            said = f"{visibility} {label}"
            for what in ("", "/full", "/thumbnail", "/metadata", "/workflow", "/urls"):
                path = f"{_V}/i/{at}{what}"
                c.ask(f"{said} {what}", "GET", path, headers=bob)
            change = {"starred": False}
            c.ask(f"{said} change", "PATCH", f"{_V}/i/{at}", change, headers=bob)
            move = {"board_id": board_id, "video_name": at}
            c.ask(f"{said} move", "POST", f"{_V}/board", move, headers=bob)
        c.ask(f"{visibility} star", "POST", f"{_V}/star", many, headers=bob)
        for where in (
            f"{_V}/?", f"{_V}/?board_id={board_id}", f"{_V}/names?board_id={board_id}",
            f"/api/v1/gallery/items/?board_id={board_id}",
            "/api/v1/gallery/item_names?", "/api/v1/virtual_boards/by_date?",
            f"{_V}/?board_id=nope",
        ):  # fmt: skip
            label = where.replace(board_id, "<board>")
            c.ask(f"{visibility} {label}", "GET", where, headers=bob)
    note_headers(c, "the last list")
    for headers, who in ((bob, "bob"), ({}, "nobody"), (boss, "boss")):
        c.ask(f"{who} sees", "GET", f"{_V}/i/{placed}/full", headers=headers)
        note_headers(c, f"{who} sees", placed)
    gone = {"video_name": placed}
    c.ask("off a public board", "DELETE", f"{_V}/board", gone, headers=bob)
    c.ask("off no board", "DELETE", f"{_V}/board", gone, headers=bob)
    c.ask("delete others'", "POST", f"{_V}/delete", many, headers=bob)
    c.ask("delete another's", "DELETE", f"{_V}/i/{name}", headers=bob)
    c.ask("delete missing", "DELETE", f"{_V}/i/gone", headers=bob)
    path = f"/api/v1/boards/{board_id}?include_images=true"
    c.ask("delete board", "DELETE", path, headers=boss)
    c.ask("all of bob's", "DELETE", f"{_V}/uncategorized", headers=bob)
    c.ask("all the rest", "DELETE", f"{_V}/uncategorized", headers=boss)


def talk_about_accounts(c: Conversation) -> None:
    """Setup, users, one's own account, tokens, and whose videos are whose."""
    boss = _talk_about_setup(c)
    key = _talk_about_users(c, boss)
    _talk_about_oneself(c, boss, key)
    _talk_about_their_videos(c, boss)
    c.ask("delete bob", "DELETE", f"{_A}/users/{key}", headers=boss)
    c.ask("delete bob again", "DELETE", f"{_A}/users/{key}", headers=boss)
    last: list[Any] = c.ask("users at last", "GET", f"{_A}/users", headers=boss)
    c.answers.append(Answer("how many", 0, "", json.loads(json.dumps(len(last)))))
