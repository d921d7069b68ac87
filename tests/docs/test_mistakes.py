"""docs/dev/mistakes.md has what is said today of the mistakes that it lists."""

from __future__ import annotations

import re

import pytest

from docs.mistakes import MISTAKES, PAGE, run_all, sections, unwrapped

pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="not run from a clone")


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What is said today of each mistake."""
    return run_all(tmp_path_factory.mktemp("mistakes"))


def test_the_page_lists_every_mistake():
    text = PAGE.read_text("utf-8")
    listed = [(title, code) for title, code, _, _ in sections(text)]
    assert listed == list(MISTAKES)
    assert len(listed) == 50


def test_the_page_has_the_messages_of_today(said):
    found = sections(PAGE.read_text("utf-8"))
    for (title, _, _, now), message in zip(found, said):
        assert now == re.sub(r"\s+\Z", "", now)
        assert unwrapped(message) == unwrapped(now), title


def test_no_mistake_ends_in_something_internal(said):
    internal = r"object has no attribute|unexpected keyword|not iterable|Traceback"
    for (title, code), message in zip(MISTAKES, said):
        assert message != "(nothing)", title
        assert not re.search(internal, message), (title, code, message)
