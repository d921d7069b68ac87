"""Every Python block of the pages for users runs, and prints what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .pages import PAGES, REPOSITORY, blocks_of, lay_out, run_page

WITH_CODE = [page for page in PAGES if blocks_of(page)]


@pytest.mark.parametrize(
    "page",
    [page for page in WITH_CODE if not all(b.is_live for b in blocks_of(page))],
    ids=lambda page: page.stem,
)
def test_what_needs_no_server_runs_without_one(page, tmp_path, monkeypatch):
    lay_out(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert run_page(page, {}, live=False) == sum(
        not block.is_live for block in blocks_of(page)
    )


def test_every_block_of_python_is_one_that_these_tests_see():
    for page in PAGES:
        fences = re.findall(r"^\s*[`~]{3,}\s*(?:python|py)\b", page.read_text(), re.M)
        assert len(fences) == len(blocks_of(page)), page.name


DOCUMENTS = [
    *REPOSITORY.glob("*.md"),
    *(REPOSITORY / "examples").glob("*.md"),
    *(REPOSITORY / "docs").rglob("*.md"),
]
LINK = re.compile(r"\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]+))?\)")


@pytest.mark.parametrize(
    "page", DOCUMENTS, ids=lambda page: str(page.relative_to(REPOSITORY))
)
def test_links_and_images_lead_to_files_and_headings_that_exist(page):
    for target, anchor in LINK.findall(without_code(page.read_text("utf-8"))):
        file = page.parent / target if target else page
        assert file.exists(), target
        if anchor and file.suffix == ".md":
            assert anchor in anchors_of(file), f"{target}#{anchor}"


BLOCKS = re.compile(r"^( *)```.*?^\1```$", re.M | re.S)


def without_code(text: str) -> str:
    """A page without its blocks, and without code in its lines."""
    return re.sub(r"`[^`\n]*`", "", BLOCKS.sub("", text))


def anchors_of(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and the site both make them."""
    headings = re.findall(r"^#+ (.+)$", BLOCKS.sub("", page.read_text("utf-8")), re.M)
    words = [re.sub(r"[^\w\s-]", "", heading).strip().lower() for heading in headings]
    return {re.sub(r"\s", "-", heading) for heading in words}


def test_the_navigation_names_files_that_exist():
    navigation = (REPOSITORY / "mkdocs.yml").read_text().partition("\nnav:\n")[2]
    named = re.findall(r": (\S+\.md)$", navigation, re.M)
    assert len(named) == len(set(named)) > 40
    assert [name for name in named if not (REPOSITORY / "docs" / name).exists()] == []


def test_every_page_for_users_is_in_the_navigation_and_in_the_index():
    navigation = (REPOSITORY / "mkdocs.yml").read_text()
    index = (REPOSITORY / "docs" / "index.md").read_text()
    for page in (REPOSITORY / "docs").glob("*.md"):
        assert f" {page.name}\n" in navigation, page.name
        assert page.name == "index.md" or f"]({page.name})" in index, page.name


def test_the_examples_are_listed_and_their_workflows_are_used():
    folder = REPOSITORY / "examples"
    listed = (folder / "README.md").read_text()
    for script in folder.glob("*.py"):
        assert f"`{script.name}`" in listed
    scripts = "".join(path.read_text() for path in folder.glob("*.py"))
    for workflow in (folder / "workflows").glob("*.json"):
        assert workflow.name in scripts
