"""Multi-user mode: logins, tokens, and what users see of each other."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from typing import Any, Optional

import pytest
import socketio.exceptions
from talks.conversation import graph
from talks.event_script import Ear

from invokeai_py_client.simulator import SimulatedServer

QUEUE = "/api/v1/queue/default"
ADD = {"batch": {"graph": graph(a={"type": "add"})}}


class Person:
    """Someone who speaks to a server, with or without a token."""

    def __init__(self, port: int, token: Optional[str] = None) -> None:
        self.port = port
        self.token = token
        self.headers: dict[str, str] = {}

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        content = None if body is None else json.dumps(body)
        try:
            connection.request(method, path, content, headers)
            reply = connection.getresponse()
            data = reply.read()
            self.headers = {k.lower(): v for k, v in reply.getheaders()}
        finally:
            connection.close()
        try:
            return reply.status, json.loads(data)
        except ValueError:
            return reply.status, data

    def login(self, email: str, password: str) -> None:
        body = {"email": email, "password": password}
        status, reply = self.ask("POST", "/api/v1/auth/login", body)
        assert status == 200, reply
        self.token = reply["token"]


@pytest.fixture
def farm() -> Iterator[SimulatedServer]:
    with SimulatedServer(multiuser=True) as server:
        yield server


@pytest.fixture
def admin(farm: SimulatedServer) -> Person:
    person = Person(farm.port)
    body = {"email": "root@farm.local", "display_name": "Root", "password": "Secret-1"}
    assert person.ask("POST", "/api/v1/auth/setup", body)[0] == 200
    assert person.ask("POST", "/api/v1/auth/setup", body)[0] == 400
    person.login("root@farm.local", "Secret-1")
    return person


@pytest.fixture
def user(farm: SimulatedServer, admin: Person) -> Person:
    body = {"email": "u@farm.local", "password": "Secret-2", "display_name": "U"}
    assert admin.ask("POST", "/api/v1/auth/users", body)[0] == 201
    person = Person(farm.port)
    person.login("u@farm.local", "Secret-2")
    return person


def test_nothing_but_the_version_is_open(farm: SimulatedServer) -> None:
    nobody = Person(farm.port)
    assert nobody.ask("GET", "/api/v1/app/version")[0] == 200
    assert nobody.ask("GET", "/api/v1/auth/status")[1]["setup_required"] is True
    status, reply = nobody.ask("GET", f"{QUEUE}/status")
    assert (status, reply) == (401, {"detail": "Authentication required"})
    forged = Person(farm.port, "a.b.c")
    status, reply = forged.ask("GET", f"{QUEUE}/status")
    assert (status, reply) == (401, {"detail": "Invalid or expired token"})


def test_a_change_renews_the_token_and_a_look_does_not(user: Person) -> None:
    user.ask("GET", "/api/v1/boards/?all=true")
    assert "x-refreshed-token" not in user.headers
    assert user.ask("POST", "/api/v1/boards/?board_name=x")[0] == 201
    user.token = user.headers["x-refreshed-token"]
    assert user.ask("GET", "/api/v1/auth/me")[1]["email"] == "u@farm.local"


def test_a_new_password_voids_old_tokens(farm: SimulatedServer, user: Person) -> None:
    old = Person(farm.port, user.token)
    body = {"current_password": "Secret-2", "new_password": "Secret-3"}
    assert user.ask("PATCH", "/api/v1/auth/me", body)[0] == 200
    assert old.ask("GET", f"{QUEUE}/status")[0] == 401
    user.token = user.headers["x-refreshed-token"]
    assert user.ask("GET", f"{QUEUE}/status")[0] == 200


def test_some_calls_are_for_administrators(admin: Person, user: Person) -> None:
    status, reply = user.ask("PUT", f"{QUEUE}/processor/pause")
    assert (status, reply) == (403, {"detail": "Admin privileges required"})
    assert user.ask("GET", "/api/v1/auth/users")[0] == 403
    assert admin.ask("PUT", f"{QUEUE}/processor/pause")[0] == 200


def test_users_see_that_others_work_but_not_on_what(
    admin: Person, user: Person
) -> None:
    admin.ask("PUT", f"{QUEUE}/processor/pause")
    item_id = admin.ask("POST", f"{QUEUE}/enqueue_batch", ADD)[1]["item_ids"][0]
    seen = user.ask("GET", f"{QUEUE}/i/{item_id}")[1]
    assert (seen["user_id"], seen["batch_id"]) == ("redacted", "redacted")
    assert seen["session"]["id"] == "redacted"
    assert seen["session"]["graph"]["nodes"] == {}
    assert "field_values" not in seen
    assert user.ask("PUT", f"{QUEUE}/i/{item_id}/cancel")[0] == 403
    assert user.ask("DELETE", f"{QUEUE}/i/{item_id}")[0] == 403
    status = user.ask("GET", f"{QUEUE}/status")[1]["queue"]
    assert (status["pending"], status["user_pending"]) == (1, 0)
    assert user.ask("PUT", f"{QUEUE}/clear")[1] == {"deleted": 0}


def test_boards_are_private(admin: Person, user: Person) -> None:
    board = admin.ask("POST", "/api/v1/boards/?board_name=mine")[1]["board_id"]
    assert user.ask("GET", f"/api/v1/boards/{board}")[0] == 403
    assert user.ask("GET", "/api/v1/boards/?all=true")[1] == []
    admin.ask("PATCH", f"/api/v1/boards/{board}", {"board_visibility": "shared"})
    assert user.ask("GET", f"/api/v1/boards/{board}")[0] == 200
    assert user.ask("DELETE", f"/api/v1/boards/{board}")[0] == 403


def test_users_are_served_in_turn(admin: Person, user: Person) -> None:
    admin.ask("PUT", f"{QUEUE}/processor/pause")
    runs = {"batch": {**ADD["batch"], "runs": 3}}
    first = sorted(admin.ask("POST", f"{QUEUE}/enqueue_batch", runs)[1]["item_ids"])
    second = sorted(user.ask("POST", f"{QUEUE}/enqueue_batch", runs)[1]["item_ids"])
    ear = Ear(f"http://127.0.0.1:{admin.port}", auth={"token": admin.token})
    admin.ask("PUT", f"{QUEUE}/processor/resume")
    ear.wait_for("queue_item_status_changed", 6, status="completed")
    ear.close()
    order = [
        data["item_id"]
        for event, data in ear.heard
        if event == "queue_item_status_changed" and data["status"] == "in_progress"
    ]
    assert order == [i for pair in zip(first, second) for i in pair]


def test_sockets_need_a_token_and_hear_others_redacted(
    farm: SimulatedServer, admin: Person, user: Person
) -> None:
    with pytest.raises(socketio.exceptions.ConnectionError, match="failed to connect"):
        Ear(farm.url)
    stranger = Ear(farm.url, auth={"token": user.token})
    stranger.subscribe()
    owner = Ear(farm.url, headers={"Authorization": f"Bearer {admin.token}"})
    admin.ask("POST", f"{QUEUE}/enqueue_batch", ADD)
    owner.wait_for("queue_item_status_changed", status="completed")
    stranger.wait_for("queue_item_status_changed", status="completed")
    owner.close()
    stranger.close()
    assert {event for event, _ in stranger.heard} == {
        "batch_enqueued",
        "queue_item_status_changed",
    }
    assert {data["user_id"] for _, data in stranger.heard} == {"redacted"}
    own = [data for event, data in owner.heard if event == "invocation_complete"]
    assert own
    assert own[0]["user_id"] != "redacted"


def test_jobs_of_a_disabled_account_are_cancelled(
    farm: SimulatedServer, admin: Person, user: Person
) -> None:
    farm.settings.node_delays["sub"] = 30
    slow = {"batch": {"graph": graph(a={"type": "sub"})}}
    jobs = [
        user.ask("POST", f"{QUEUE}/enqueue_batch", body)[1]["item_ids"][0]
        for body in (slow, ADD)
    ]
    key = user.ask("GET", "/api/v1/auth/me")[1]["user_id"]

    def wait_for(job: int, *wanted: str) -> None:
        deadline = time.monotonic() + 60
        while admin.ask("GET", f"{QUEUE}/i/{job}")[1]["status"] not in wanted:
            assert time.monotonic() < deadline

    wait_for(jobs[0], "in_progress")
    account = f"/api/v1/auth/users/{key}"
    assert admin.ask("PATCH", account, {"is_active": False})[0] == 200
    for job in jobs:
        wait_for(job, "canceled")


def test_a_socket_outlives_a_change_of_rights_but_not_of_the_password(
    farm: SimulatedServer, admin: Person, user: Person
) -> None:
    key = user.ask("GET", "/api/v1/auth/me")[1]["user_id"]
    boss = admin.ask("GET", "/api/v1/auth/me")[1]["user_id"]
    account = f"/api/v1/auth/users/{key}"
    ear = Ear(farm.url, auth={"token": user.token})
    ear.subscribe()
    for rights, seen in ((True, boss), (False, "redacted")):
        assert admin.ask("PATCH", account, {"is_admin": rights})[0] == 200
        admin.ask("POST", f"{QUEUE}/enqueue_batch", ADD)
        ear.wait_for("batch_enqueued", user_id=seen)
    admin.ask("PATCH", account, {"password": "Secret-9"})
    deadline = time.monotonic() + 60
    while ear.socket.connected:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_nodes_may_what_the_user_of_the_job_may(admin: Person, user: Person) -> None:
    def error_of(person: Person, wanted: Any) -> Any:
        body = {"batch": {"graph": wanted}}
        job = person.ask("POST", f"{QUEUE}/enqueue_batch", body)[1]["item_ids"][0]
        deadline = time.monotonic() + 60
        while True:
            item = admin.ask("GET", f"{QUEUE}/i/{job}")[1]
            if item["status"] in ("completed", "failed"):
                break
            assert time.monotonic() < deadline
        results = item["session"]["results"].values()
        made.extend(r["image"]["image_name"] for r in results if "image" in r)
        return item.get("error_type"), item.get("error_message")

    made: list[str] = []
    board = admin.ask("POST", "/api/v1/boards/?board_name=b")[1]["board_id"]
    onto = {"type": "blank_image", "board": {"board_id": board}, "use_cache": False}
    assert error_of(admin, graph(a=onto)) == (None, None)
    image = made[0]
    look = graph(a={"type": "image", "image": {"image_name": image}})
    says = "Queue user is not authorized to"
    seeing = ("PermissionError", f"{says} access this image")
    saving = ("PermissionError", f"{says} save images to this board")
    assert (error_of(user, look), error_of(user, graph(a=onto))) == (seeing, saving)
    path = f"/api/v1/boards/{board}"
    admin.ask("PATCH", path, {"board_visibility": "shared"})
    assert (error_of(user, look), error_of(user, graph(a=onto))) == (
        (None,) * 2,
        saving,
    )
    admin.ask("PATCH", path, {"board_visibility": "public"})
    assert error_of(user, graph(a=onto)) == (None, None)
