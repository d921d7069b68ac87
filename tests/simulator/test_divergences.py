"""Where the simulator differs is known, and written down for people."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from invokeai_py_client.simulator.divergences import DIVERGENCES

PAGE = Path(__file__).parents[2] / "docs" / "dev" / "simulator.md"


@pytest.mark.skipif(not PAGE.exists(), reason="not run from a clone")
def test_the_page_lists_every_known_difference_in_the_words_of_the_code():
    text = PAGE.read_text(encoding="utf-8")
    table = text[text.index("| where | the real server |") :]
    rows = re.findall(r"^\| (.+) \| (.+) \| (.+) \|$", table, re.M)[2:]
    listed = [(item.what, item.real, item.simulated) for item in DIVERGENCES]
    assert rows[: len(listed)] == listed
