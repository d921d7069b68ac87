"""Every talk: what is compared with a real server.

    PYTHONPATH=tests/simulator:tests/support python tests/simulator/talks/all_talks.py

records the answers anew, with real servers that it starts. Each talk is held twice: a
value that is the same both times is one that the request determines.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from talks import conversation, library_talks, media_talks
from talks.accounts_talk import talk_about_accounts
from talks.conversation import Answer, Conversation, leaves
from talks.model_talk import talk_about_models
from talks.users_talk import talk_between_users

Talk = Callable[[Conversation], None]

TALKS: tuple[Talk, ...] = (
    *conversation.TALKS,
    *library_talks.TALKS,
    *media_talks.TALKS,
    talk_about_models,
)
# Values that are not compared: others on purpose, or of the server's past.
DIFFERENT = {
    r"\w+: unknown type: /detail/0/(msg|ctx/expected_tags)": "a set of node types",
    r".*/session/executed/\d+": "a set of ids",
    r".*/trigger_phrases/\d+": "a set of texts",
    r"talk_about_models: .*/hash": "another function",
    r"talk_about_models: .*/file_size": "with the size of folders, which differs",
    r".*/error_traceback": "lines of code",
    r"talk_about_the_rest: cache: /(hits|misses|size)": "what ran before",
    r"\w+: presets( of b)?: (#|/\d+/(name|preset_data/.*))": "of the real server",
    r"\w+: presets( of b)?: /([2-9]|\d\d)/.*": "of the real server",
    r"talk_about_texts: prompts: (#|/\d+/(name|content))": "of the real server",
    r"talk_about_texts: prompts: /[2-9]/.*": "of the real server",
    r"talk_about_texts: keys( of case)?: /\d": "those of one millisecond",
    r".*: /config/(log_format|multiuser|port)": "of that server",
    r".*: /set_fields(#|/\d)": "of that machine",
    r".*: /custom_nodes_path": "of that machine",
    r"\w+: days: /0/(asset|image)_count": "what was there before",
    r"\w+: (days|.*/by_date\?): /\d+/(board_name|date|virtual_board_id)": "the day",
    r"\w+: (image|item)_names \w+: /(image_names|items)[#/].*": "what was there before",
    r"\w+: (image|item)_names \w+: /(total|starred)_count": "what was there before",
}
ANSWERS = Path(__file__).with_name("answers-6.14.2.json")


def recorded() -> dict[str, list[Any]]:
    """By talk: label, status, media type, shape and determined values of answers."""
    found: dict[str, list[Any]] = json.loads(ANSWERS.read_text("utf-8"))
    return found


def _hold(talk: Talk, url: str) -> list[Answer]:
    c = Conversation(url)
    talk(c)
    return c.answers


def is_compared(talk: str, label: str, at: str) -> bool:
    """Whether the value at a place of an answer is compared."""
    return not any(re.fullmatch(what, f"{talk}: {label}: {at}") for what in DIFFERENT)


def _entries(
    talk: str, first: Iterable[Answer], second: Iterable[Answer]
) -> Iterator[list[Any]]:
    for one, other in zip(first, second):
        again = dict(leaves(other.body)) if one == other else {}
        same = {
            at: value
            for at, value in leaves(one.body)
            if again.get(at, ...) == value and is_compared(talk, one.label, at)
        }
        yield [one.label, one.status, one.media_type, one.shape, same]


def _keep(talk: Talk, first: list[Answer], second: list[Answer]) -> None:
    entries = list(_entries(talk.__name__, first, second))
    found = {**recorded(), talk.__name__: entries}
    text = json.dumps(found, separators=(",", ":"), sort_keys=True)
    ANSWERS.write_text(text + "\n", "utf-8")


def _record() -> None:
    from invokeai_py_client.server import LocalServer

    with LocalServer() as real:
        for talk in TALKS:
            _keep(talk, _hold(talk, real.url), _hold(talk, real.url))
    talk = talk_between_users
    with LocalServer(multiuser=True) as real:
        _keep(talk, _hold(talk, real.url), _hold(talk, real.url))
    new = []
    for _ in range(2):
        settings = {"strict_password_checking": True}
        with LocalServer(multiuser=True, settings=settings) as real:
            new.append(_hold(talk_about_accounts, real.url))
    _keep(talk_about_accounts, *new)


if __name__ == "__main__":
    _record()
