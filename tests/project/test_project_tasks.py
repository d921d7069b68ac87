"""The ways to run a task agree: make, pixi, CI, pre-commit and the documents."""

from __future__ import annotations

import re
import sys

import pytest
from paths import REPOSITORY

import invokeai_py_client
from invokeai_py_client._version import extra_hint

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomli")


def read(name: str) -> str:
    return (REPOSITORY / name).read_text("utf-8")


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads(read("pyproject.toml"))


def make_targets() -> dict[str, str]:
    """Documented targets and their help texts."""
    return dict(re.findall(r"^([a-z-]+):.*## (.+)$", read("Makefile"), re.M))


def test_every_phony_target_is_documented_and_the_promised_ones_exist():
    phony = set(re.findall(r"^\.PHONY: (\S+)$", read("Makefile"), re.M))
    assert phony == set(make_targets())
    assert phony >= {
        "help", "dev-setup", "demo", "test", "test-slow", "test-live", "test-all",
        "test-lowest", "test-cov", "quality", "format", "generate", "clean",
    }  # fmt: skip


def test_pixi_tasks_only_call_the_make_target_of_their_name(project):
    tasks = project["tool"]["pixi"]["tasks"]
    assert set(tasks) == {"dev-setup", "test", "test-cov", "quality"}
    assert tasks == {name: f"make {name}" for name in tasks}
    assert set(tasks) <= set(make_targets())


def test_the_github_workflow_runs_nothing_but_make_targets():
    commands = re.findall(r"^\s*- run: (.+)$", read(".github/workflows/ci.yml"), re.M)
    assert commands
    assert all(re.fullmatch(r"make [a-z-]+", command) for command in commands)
    targets = {command.split()[1] for command in commands}
    assert targets <= set(make_targets())
    assert "run:" not in read(".github/workflows/ci.yml").replace("- run:", "")


def test_ci_run_and_the_github_workflow_check_the_same_things():
    steps = set(re.findall(r"^(?:step|if_time) (\S+)$", read(".ci/run"), re.M))
    commands = re.findall(r"- run: make (\S+)", read(".github/workflows/ci.yml"))
    assert (
        steps
        == set(commands)
        == {
            "test",
            "test-slow",
            "quality",
            "docs",
            "test-live",
            "test-all",
            "test-lowest",
        }
    )


def test_pre_commit_uses_the_tools_of_the_active_environment(project):
    extra = " ".join(project["project"]["optional-dependencies"]["dev"])
    text = read(".pre-commit-config.yaml")
    hooks = re.findall(r"- id: ", text)
    assert hooks
    assert text.count("language: system") == len(hooks)
    assert "repo: http" not in text
    for entry in re.findall(r"entry: (\S+)", text):
        assert entry == "python" or f"{entry}>=" in extra
    assert "pre-commit>=" in extra


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_documents_name_only_make_targets_that_exist(name):
    named = set(re.findall(r"(?:`|^\s*)make ([a-z][a-z-]+)", read(name), re.M))
    assert named
    assert named <= set(make_targets())


def test_python_versions_agree(project):
    listed = re.findall(r"Python :: (3\.\d+)", str(project["project"]["classifiers"]))
    supported = re.search(r"SUPPORTED = \((.*?)\)", read("scripts/test_all.py")).group(
        1
    )
    assert listed == re.findall(r"3\.\d+", supported)
    assert project["project"]["requires-python"] == f">={listed[0]}"
    assert project["tool"]["ruff"]["target-version"] == "py39"


def test_the_version_is_told_alike_everywhere(project):
    version = project["project"]["version"]
    assert invokeai_py_client.__version__ == version
    released = version.partition(".dev")[0]
    heading = f"Unreleased ({released})" if ".dev" in version else f"[{version}]"
    assert re.search(rf"^## {re.escape(heading)}", read("CHANGELOG.md"), re.M)


OLD_PACKAGE = re.compile(r"install\s+(-\S+\s+)*[\"'`]*invokeai[-_]py[-_]client", re.I)


def test_nothing_says_to_install_from_the_index_which_has_an_older_library():
    folders = ("src", "docs", "examples", "scripts", "tests", ".github")
    files = [path for name in folders for path in (REPOSITORY / name).rglob("*")]
    files += REPOSITORY.glob("*.*")
    texts = [p for p in files if p.suffix in {".py", ".md", ".toml", ".yml", ".ipynb"}]
    assert len(texts) > 300
    assert [p for p in texts if OLD_PACKAGE.search(p.read_text("utf-8"))] == []


def test_every_message_about_an_extra_points_to_the_page_that_lists_them(project):
    extras = set(project["project"]["optional-dependencies"]) - {"dev", "docs"}
    page, _, anchor = extra_hint("cli").rpartition("see ")[2].partition("#")
    section = read(page).partition(f"## {anchor.title()}\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.M)) == extras
    sources = [p for p in (REPOSITORY / "src").rglob("*.py") if p.name != "_version.py"]
    text = "".join(path.read_text("utf-8") for path in sources)
    assert set(re.findall(r"extra_hint\([\"'](\w+)", text)) <= extras
    assert 'pip install "' not in text
