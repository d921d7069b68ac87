"""Programs frozen by PyInstaller have our data, and what is imported by name."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from paths import REPOSITORY

import invokeai_py_client
from invokeai_py_client._pyinstaller import get_hook_dirs

pytest.importorskip("PyInstaller")

SOURCE = Path(invokeai_py_client.__file__).parent.parent
WORKFLOW = REPOSITORY / "examples" / "workflows" / "blank.json"
PROGRAM = """
import sys
from invokeai_py_client import InvokeAIClient, NodeCatalog, WorkflowDefinition
from invokeai_py_client.prompts import RecallLoRA

client = InvokeAIClient(sys.argv[2])
definition = WorkflowDefinition.from_file(sys.argv[1])
workflow = client.workflow_repo.create_workflow(definition)
print(len(NodeCatalog.bundled()), *workflow.inputs.names)
print(workflow.run(width=64, height=64).image.width)
"""


@pytest.mark.skipif(not WORKFLOW.exists(), reason="not run from a clone")
def test_the_hook_is_registered():
    text = (REPOSITORY / "pyproject.toml").read_text("utf-8")
    [entry] = re.findall(r"\.pyinstaller40\]\nhook-dirs = \"(.+)\"", text)
    assert entry == f"{get_hook_dirs.__module__}:{get_hook_dirs.__name__}"


def test_the_hook_collects_data_and_modules():
    [folder] = get_hook_dirs()
    found = runpy.run_path(str(Path(folder) / "hook-invokeai_py_client.py"))
    data = {Path(source).name for source, _ in found["datas"]}
    assert {"nodes-6.14.2.json.gz", "since.json", "py.typed"} <= data
    modules = set(found["hiddenimports"])
    assert "invokeai_py_client._aio.workflow_handle" in modules
    rooms = {f"{name}.".split(".")[1] for name in modules}
    assert not rooms & {"simulator", "cli", "pytest_plugin"}


@pytest.mark.slow
@pytest.mark.skipif(not WORKFLOW.exists(), reason="not run from a clone")
def test_a_frozen_program_runs_a_workflow(tmp_path):
    from invokeai_py_client.simulator import SimulatedServer

    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    options = ["--paths", SOURCE, "--additional-hooks-dir", *get_hook_dirs()]
    words = ["-m", "PyInstaller", "--noconfirm", "--log-level", "ERROR", *options]
    subprocess.run([sys.executable, *words, program], cwd=tmp_path, check=True)
    frozen = tmp_path / "dist" / "program" / "program"
    with SimulatedServer() as server:
        done = subprocess.run(
            [frozen, WORKFLOW, server.url],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.stdout == "309 colour width height board_\n64\n", done.stderr
