"""The fixtures that users get for their own tests."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.slow  # Each runs a pytest of its own.

BODY = """
import pytest

def test_runs(invokeai_client):
    wf = invokeai_client.workflow_repo.load("Colour Tiles")
    wf["width"] = 64
    assert wf.run(seed=3).image.width == 64

async def test_runs_async(async_invokeai_client):
    wf = await async_invokeai_client.workflow_repo.load("Colour Tiles")
    assert (await wf.run(seed=3)).image.width == 256

def test_fails(invokeai_server, invokeai_client):
    from invokeai_py_client import JobFailedError
    invokeai_server.fail_next("img_noise", "OutOfMemoryError")
    with pytest.raises(JobFailedError) as caught:
        invokeai_client.workflow_repo.load("Colour Tiles").run(seed=3)
    assert caught.value.out_of_memory

@pytest.mark.invokeai(models=[])
def test_options(invokeai_client):
    assert list(invokeai_client.model_repo.list_models()) == []
"""


def test_users_tests_run_on_a_simulated_server(pytester: pytest.Pytester) -> None:
    pytester.makeconftest('pytest_plugins = ["invokeai_py_client.pytest_plugin"]')
    pytester.makepyfile(BODY)
    options = ("-o", "asyncio_mode=auto", "-p", "no:cacheprovider")
    result = pytester.runpytest_subprocess(*options)
    result.assert_outcomes(passed=4)


def test_what_steers_the_simulator_is_skipped_on_a_real_server(
    pytester: pytest.Pytester,
) -> None:
    pytester.makeconftest('pytest_plugins = ["invokeai_py_client.pytest_plugin"]')
    pytester.makepyfile(
        """
        def test_steers(invokeai_server):
            assert False

        def test_names(invokeai_url):
            assert invokeai_url == "http://127.0.0.1:9"
        """
    )
    url = "--invokeai-url=http://127.0.0.1:9/"
    result = pytester.runpytest_subprocess(url, "-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, skipped=1)


def test_the_plugin_loads_where_pytest_asyncio_is_missing():
    code = (
        "import sys; sys.modules['pytest_asyncio'] = None; "
        "import invokeai_py_client.pytest_plugin as plugin; "
        "assert plugin.async_invokeai_client"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == 0
