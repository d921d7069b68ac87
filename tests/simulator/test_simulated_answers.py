"""Answers have the status, shape, wording and values of a real 6.14.2."""

from __future__ import annotations

import json
from typing import Any

import pytest
from talks.accounts_talk import talk_about_accounts
from talks.all_talks import TALKS, recorded
from talks.conversation import Conversation, leaves
from talks.users_talk import talk_between_users

from invokeai_py_client.simulator import SimulatedServer

RECORDED = recorded()


def plain(value: Any) -> Any:
    return json.loads(json.dumps(value, sort_keys=True))


def assert_recorded(conversation: Conversation, name: str) -> None:
    answers, theirs = conversation.answers, RECORDED[name]
    assert [a.label for a in answers] == [entry[0] for entry in theirs]
    for ours, (label, *rest, determined) in zip(answers, theirs):
        assert [ours.status, ours.media_type, plain(ours.shape)] == rest, label
        values = dict(leaves(ours.body))
        wrong = {
            at: (values.get(at, ...), value)
            for at, value in determined.items()
            if values.get(at, ...) != value
        }
        assert not wrong, (label, wrong)


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
