"""What is not imported: a start pays only for what it needs.

By the modules that a fresh interpreter has loaded, not by time, which depends on the
machine. docs/dev/performance.md has what each of them costs.
"""

from __future__ import annotations

import subprocess
import sys

import pytest
from paths import REPOSITORY

WORKFLOW = REPOSITORY / "examples" / "workflows" / "blank.json"

HTTP = {"httpx", "httpx2"}
# python-socketio imports requests where that is installed, for what we never do.
EVENTS = {"socketio", "engineio", "websocket", "requests", "aiohttp"}
# httpx, which Python 3.9 gets, imports rich wherever that is installed.
TERMINAL = {"typer"} | ({"rich"} if sys.version_info >= (3, 10) else set())
# Only whoever makes or looks at pictures, or plays the server.
EXTRAS = {"PIL", "numpy", "starlette", "uvicorn", "invokeai_py_client.simulator"}
NOTHING_ELSE = HTTP | EVENTS | TERMINAL | EXTRAS | {"pydantic", "importlib.metadata"}

MAKE_CLIENT = "from invokeai_py_client import {0} as C; client = C('http://localhost')"


def loaded_by(code: str) -> set[str]:
    """The modules that a fresh interpreter has after running `code`."""
    report = "import sys; print('\\n'.join(sys.modules), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stderr.split())


def command(*words: str) -> str:
    """Code that runs a command line, which has to succeed."""
    return (
        f"from invokeai_py_client.cli import main\nassert main({list(words)!r}) == 0\n"
    )


def test_the_package_alone_loads_nothing_but_itself() -> None:
    loaded = loaded_by("import invokeai_py_client")
    assert not loaded & NOTHING_ELSE
    own = {name for name in loaded if name.startswith("invokeai_py_client")}
    shown = {f"_shown{part}" for part in ("", ".log", ".readable")}
    others = {f"invokeai_py_client.{part}" for part in {"_exports", *shown}}
    assert own == {"invokeai_py_client"} | others


def test_a_name_that_needs_no_server_loads_no_way_to_one() -> None:
    loaded = loaded_by("from invokeai_py_client import WorkflowDefinition, NodeCatalog")
    assert not loaded & (HTTP | EVENTS | TERMINAL | EXTRAS)


@pytest.mark.parametrize("kind", ["InvokeAIClient", "AsyncInvokeAIClient"])
def test_a_client_loads_neither_the_event_socket_nor_a_repository(kind: str) -> None:
    loaded = loaded_by(MAKE_CLIENT.format(kind))
    assert not loaded & (EVENTS | TERMINAL | EXTRAS)
    assert not {name for name in loaded if name.endswith("_repo")}


@pytest.mark.parametrize("noun", ["board", "queue"])
def test_a_repository_of_one_noun_does_not_load_workflows(noun: str) -> None:
    code = MAKE_CLIENT.format("InvokeAIClient") + f"; client.{noun}_repo"
    loaded = loaded_by(code)
    assert f"invokeai_py_client.{noun}.{noun}_repo" in loaded
    assert not loaded & EVENTS
    own = {name for name in loaded if name.startswith("invokeai_py_client.")}
    others = ("async_", "model.", "video", "workflow")
    assert not {name for name in own if name.split(".", 1)[1].startswith(others)}


def test_blocking_workflows_do_not_load_the_asyncio_ones() -> None:
    loaded = loaded_by(MAKE_CLIENT.format("InvokeAIClient") + "; client.workflow_repo")
    assert "invokeai_py_client.workflow.workflow_handle" in loaded
    assert not loaded & (EVENTS | TERMINAL | EXTRAS)
    mirrors = ("invokeai_py_client.workflow.async_", "invokeai_py_client._io.async_")
    assert not {name for name in loaded if name.startswith(mirrors)}


@pytest.mark.parametrize(
    "words", [["--help"], ["workflow", "run", "--help"], ["queue", "--help"]]
)
def test_help_loads_no_client(words: list[str]) -> None:
    pytest.importorskip("typer")
    loaded = loaded_by(command(*words))
    assert not loaded & (HTTP | EVENTS | EXTRAS | {"rich"})
    assert not {name for name in loaded if name.startswith("invokeai_py_client.work")}


@pytest.mark.skipif(not WORKFLOW.exists(), reason="not run from a clone")
def test_compiling_offline_loads_no_way_to_a_server() -> None:
    pytest.importorskip("typer")
    words = ["workflow", "compile", str(WORKFLOW), "--offline", "--json"]
    loaded = loaded_by(command(*words))
    assert "invokeai_py_client.workflow.compiling.compile_workflow" in loaded
    assert not loaded & (HTTP | EVENTS | EXTRAS | {"rich"})
    own = {name for name in loaded if name.startswith("invokeai_py_client.")}
    assert not {name for name in own if name.split(".")[1] in ("_io", "client")}
    flows = {name for name in own if name.endswith(("_flows", ".flows", "_repo"))}
    assert not flows


@pytest.mark.parametrize("missing", ["uvicorn", "starlette", "numpy", "PIL"])
def test_without_its_extra_the_simulator_says_which_one(missing: str) -> None:
    code = f"""import sys
sys.modules[{missing!r}] = None
try:
    import invokeai_py_client.simulator
except ModuleNotFoundError as error:
    assert error.name.split(".")[0] == {missing!r}, error.name
    assert 'install the extra "simulator"' in str(error), error
else:
    raise SystemExit("it is not needed")
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
