"""The pytest plugin in a project of its own; the page about testing, as it stands."""

from __future__ import annotations

import json
import re
import shutil
import sys
from importlib import metadata

import pytest
from paths import REPOSITORY

from invokeai_py_client.simulator import SimulatedServer, model_record

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.slow  # Each runs a pytest of its own.

BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# As its entry point names it, for installations that are older than it.
PLUGIN = ("-p", "invokeai_py_client.pytest_plugin", "-p", "no:cacheprovider")


@pytest.fixture
def project(pytester):
    """A folder with the workflow files that the page names."""
    for source in (REPOSITORY / "examples" / "workflows").glob("*.json"):
        shutil.copy(source, pytester.path)
    return pytester


def test_the_tests_of_the_page_pass_as_they_stand(project):
    blocks = BLOCK.findall((REPOSITORY / "docs" / "testing.md").read_text("utf-8"))
    tests = [block for block in blocks if "SimulatedServer()" not in block]
    project.makepyfile("\n\n".join(tests))
    scope = "asyncio_default_fixture_loop_scope=function"  # or pytest-asyncio warns
    strict = ("--strict-markers", "-W", "error", "-o", scope)
    outcome = project.runpytest_subprocess(*PLUGIN, *strict)
    outcome.assert_outcomes(passed=sum(block.count("def test_") for block in tests))
    assert len(tests) >= 5


def test_a_named_server_takes_the_place_of_the_simulated_one(project):
    project.makepyfile(
        """
        def test_address(invokeai_url, invokeai_client, request):
            assert invokeai_url == request.config.getoption("--invokeai-url")
            assert invokeai_client.model_repo.find_model("Named") is not None

        def test_faults(invokeai_server):
            raise AssertionError("never runs")
        """
    )
    models = [model_record("Named", base="sd-1", type="main")]
    with SimulatedServer(models=models) as server:
        outcome = project.runpytest_subprocess(*PLUGIN, "--invokeai-url", server.url)
    outcome.assert_outcomes(passed=1, skipped=1)


def test_snapshots_options_and_markers_add_up(project):
    from invokeai_py_client.simulator.graphs.node_schema import bundled_schemas
    from invokeai_py_client.simulator.snapshot import make_snapshot

    openapi = {"components": {"schemas": dict(bundled_schemas().components)}}
    models = [model_record("Farm", base="sd-1", type="main")]
    snapshot = make_snapshot(openapi, "6.14.2", models)
    (project.path / "farm.json").write_text(json.dumps(snapshot), "utf-8")
    project.makeini("[pytest]\ninvokeai_snapshot = farm.json")
    project.makepyfile(
        """
        import pytest

        pytestmark = pytest.mark.invokeai(job_delay=0.5, max_queue_size=9)

        @pytest.mark.invokeai(job_delay=0.25)
        def test_all(invokeai_server, invokeai_client):
            settings = invokeai_server.settings
            assert (settings.job_delay, settings.max_queue_size) == (0.25, 9)
            [model] = invokeai_client.model_repo.list_models()
            assert model.name == "Farm"
        """
    )
    project.runpytest_subprocess(*PLUGIN).assert_outcomes(passed=1)


@pytest.mark.skipif(sys.version_info < (3, 10), reason="entry points by group")
def test_the_plugin_is_found_by_its_entry_point_and_named_only_once(project):
    names = {entry.name for entry in metadata.entry_points(group="pytest11")}
    name = "invokeai_py_client.pytest_plugin"
    assert name in names, "run `make dev-setup` again"
    project.makeconftest(f"pytest_plugins = ['{name}']")
    project.makepyfile("def test_it(invokeai_server): assert invokeai_server.url")
    project.runpytest_subprocess().assert_outcomes(passed=1)
