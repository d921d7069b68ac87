"""Status, shape and wording of answers, as recorded from a real 6.14.2."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from accounts_talk import talk_about_accounts
from conversation import Conversation
from talks import TALKS
from users_talk import talk_between_users

from invokeai_py_client.simulator import SimulatedServer

RECORDED = json.loads(
    Path(__file__).with_name("answers-6.14.2.json").read_text("utf-8")
)


def plain(value: Any) -> Any:
    return json.loads(json.dumps(value, sort_keys=True))


def assert_recorded(conversation: Conversation, name: str) -> None:
    ours = [
        [a.label, a.status, a.media_type, plain(a.shape)] for a in conversation.answers
    ]
    theirs = RECORDED[name]
    assert [a[0] for a in ours] == [a[0] for a in theirs]
    different = [(a, b) for a, b in zip(ours, theirs) if a != b]
    assert not different


@pytest.mark.parametrize("talk", TALKS, ids=lambda talk: talk.__name__)
def test_answers_are_those_of_the_real_server(
    talk: Any, simulated: SimulatedServer
) -> None:
    conversation = Conversation(simulated.url)
    talk(conversation)
    assert_recorded(conversation, talk.__name__)


def test_users_are_told_what_the_real_server_tells_them() -> None:
    with SimulatedServer(multiuser=True) as server:
        conversation = Conversation(server.url)
        talk_between_users(conversation)
    assert_recorded(conversation, talk_between_users.__name__)


def test_accounts_are_those_of_the_real_server() -> None:
    with SimulatedServer(multiuser=True, strict_passwords=True) as server:
        conversation = Conversation(server.url)
        talk_about_accounts(conversation)
    assert_recorded(conversation, talk_about_accounts.__name__)
