"""Accounts: who the client is after a log-in, a log-out and a new password."""

from __future__ import annotations

import pytest
from both_drivers import DRIVERS, Driven, make_settings
from flow_play import Play, scripted

from invokeai_py_client._arguments import KnownId
from invokeai_py_client._core.flow import set_credentials
from invokeai_py_client._core.messages import SetCredentials
from invokeai_py_client.admin import user as flows
from invokeai_py_client.admin.user import UserRepository
from invokeai_py_client.exceptions import AuthenticationError

USER = {"user_id": "u", "email": "a@host.org"}
TOKEN = {"token": "t", "user": USER, "expires_in": 86400}


def test_a_log_in_is_what_the_client_is_from_then_on():
    play = Play(scripted((200, TOKEN)))
    user = UserRepository(play).log_in("a@host.org", "Secret12")
    assert user.user_id == "u"
    assert play.identity == SetCredentials("t", "a@host.org", "Secret12")
    assert play.requests[0].anonymous
    assert play.requests[0].json["remember_me"] is True


def test_a_refused_log_in_changes_nothing():
    play = Play(scripted((401, {"detail": "Incorrect email or password"})))
    with pytest.raises(AuthenticationError):
        UserRepository(play).log_in("a@host.org", "wrong")
    assert play.identity is None


def test_the_first_account_is_logged_in():
    play = Play(scripted((200, {"success": True, "user": USER}), (200, TOKEN)))
    UserRepository(play).set_up_admin("a@host.org", "Secret12")
    assert play.lines == ["POST /api/v1/auth/setup", "POST /api/v1/auth/login"]
    assert play.identity.token == "t"


def test_a_log_out_forgets_everything():
    play = Play(scripted((200, {"success": True})))
    UserRepository(play).log_out()
    assert play.identity == SetCredentials(None, None, None)


def test_a_new_password_is_remembered_for_later_log_ins():
    play = Play(scripted((200, USER), (200, TOKEN)))
    UserRepository(play).update_me(current_password="old", new_password="new")
    assert play.identity.password == "new"
    play = Play(scripted((200, USER)))
    UserRepository(play).update_me(display_name="x")
    assert play.identity is None


@pytest.mark.parametrize(("me", "again"), [("u", True), ("other", False)])
def test_whoever_changes_their_own_password_as_administrator_stays(me, again):
    answers = [(200, {**USER, "user_id": me}), (200, USER), (200, TOKEN)]
    play = Play(scripted(*answers))
    UserRepository(play).update_user(KnownId("u"), password="new")
    assert (play.identity is not None) == again


def test_nothing_to_change_is_refused_before_anything_is_sent():
    play = Play(scripted())
    users = UserRepository(play)
    with pytest.raises(ValueError, match="something to change"):
        users.update_me()
    with pytest.raises(ValueError, match="something to change"):
        users.update_user(KnownId("u"))
    with pytest.raises(ValueError, match="together with"):
        users.update_me(new_password="x")
    assert play.requests == []


def test_secrets_are_shown_by_nothing():
    who = SetCredentials("token-1", "a@host.org", "Secret12")
    assert "token-1" not in repr(who)
    assert "Secret12" not in repr(who)
    play = Play(scripted((200, TOKEN)))
    play.run(flows.log_in_flow("a@host.org", "Secret12", True))
    assert "Secret12" not in repr(play.requests)


@pytest.mark.parametrize("kind", DRIVERS)
def test_drivers_send_what_they_were_told(kind):
    driven = Driven(kind, make_settings("http://127.0.0.1:9"))
    driven.run(set_credentials("t", "a@host.org", "Secret12"))
    credentials = driven.settings.credentials
    assert (credentials.token, credentials.email) == ("t", "a@host.org")
    driven.run(set_credentials(None, None, None))
    assert credentials.token is None
    assert not credentials.needs_log_in
    driven.close()
