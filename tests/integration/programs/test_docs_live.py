"""Every Python block of the pages for users runs on a real server, page by page."""

from __future__ import annotations

import pytest

from docs.pages import ADDRESS, MODEL, PAGES, blocks_of, lay_out, make_small, run_page

pytestmark = pytest.mark.live


@pytest.mark.parametrize(
    "page", [page for page in PAGES if blocks_of(page)], ids=lambda page: page.stem
)
def test_a_page_does_what_it_says(page, tmp_path, monkeypatch, live_url, tiny_models):
    lay_out(tmp_path)
    monkeypatch.chdir(tmp_path)
    make_small(tmp_path)
    replace = {
        ADDRESS: live_url,
        MODEL: "tiny-sd1",
        "=512": "=64",
        "=30,": "=2,",
        "=20)": "=2)",
    }
    assert run_page(page, replace, live=True) == len(blocks_of(page))
