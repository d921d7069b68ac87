"""What users install: the library and its data, nothing else."""

from __future__ import annotations

import subprocess
import sys
import zipfile

import pytest
from paths import REPOSITORY

pytest.importorskip("hatchling", reason="installed by `make dev-setup`")

LARGEST = 1_350_000
PACKAGE = "invokeai_py_client"
# By folder, what is not code.
DATA = {
    "": {"py.typed"},
    "_core": {"since.json"},
    "ivk_fields": {"css_colors.json"},
    "nodes/data": {"README.md", "nodes-6.14.2.json.gz"},
    "sweep/display": {"gallery.html", "gallery.js"},
    "simulator/data": {
        "README.md",
        "fixed-answers.json",
        "model-schemas-6.14.2.json.gz",
        "node-schemas-6.14.2.json.gz",
        "sample-workflows.json",
        "video.mp4",
    },
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel"]
    subprocess.run([*command, "-d", str(folder)], cwd=REPOSITORY, check=True)
    (path,) = folder.glob("*.whl")
    return path


def names(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_has_the_package_its_data_and_the_licence(wheel):
    inside = {name for name in names(wheel) if ".dist-info/" not in name}
    data = {
        "/".join(filter(None, (PACKAGE, folder, name)))
        for folder, files in DATA.items()
        for name in files
    }
    assert {name for name in inside if not name.endswith(".py")} == data
    source = REPOSITORY / "src"
    code = {path.relative_to(source).as_posix() for path in source.rglob("*.py")}
    assert {name for name in inside if name.endswith(".py")} == code
    assert any(name.endswith("licenses/LICENSE") for name in names(wheel))


def test_the_wheel_has_no_tools_of_developers(wheel):
    folders = {name.split("/")[0] for name in names(wheel)}
    assert {name for name in folders if not name.endswith(".dist-info")} == {PACKAGE}
    tools = ("/tests/", "/scripts/", "/conftest", "/test_")
    assert not [name for name in names(wheel) if any(tool in name for tool in tools)]


def test_the_wheel_is_small(wheel):
    assert wheel.stat().st_size < LARGEST


def test_the_wheel_names_its_command_and_its_pytest_plugin(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (path,) = [name for name in archive.namelist() if "entry_points" in name]
        text = archive.read(path).decode()
    assert "ivk = invokeai_py_client.cli:main" in text
    assert f"{PACKAGE}.pytest_plugin = {PACKAGE}.pytest_plugin" in text
