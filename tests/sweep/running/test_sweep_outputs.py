"""Outputs of a sweep that go to a file system of fsspec, and its faults."""

from __future__ import annotations

import builtins
import csv
import errno
import json
import traceback
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from sweep_rig import blank, counts, jobs_made, png_size, run_sweep, size_of, sizes

from invokeai_py_client import AsyncInvokeAIClient, InvokeAIClient
from invokeai_py_client.exceptions import (
    ArgumentError,
    SweepChangedError,
    SweepError,
)
from invokeai_py_client.simulator import SimulatedServer
from invokeai_py_client.sweep import Sweep, grid
from invokeai_py_client.sweep.folder import outputs as outputs_module

SECRET = "wJalrXUtnFEMI-K7MDENG"


class FaultyFileSystem(MemoryFileSystem):
    """A file system that does to a file what the test has in `faults`."""

    protocol = "faulty"
    store: ClassVar[dict] = {}
    pseudo_dirs: ClassVar[list] = [""]
    faults: ClassVar[list] = []
    puts = 0

    def __init__(self, secret=None, **options):
        super().__init__(**options)
        self.secret = secret

    def put_file(self, lpath, rpath, **options):
        type(self).puts += 1
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, Exception):
            raise fault
        super().put_file(lpath, rpath, **options)
        if fault == "half":
            content = self.cat_file(rpath)
            self.pipe_file(rpath, content[: len(content) // 2])


@pytest.fixture(scope="module")
def server():
    with SimulatedServer() as running:
        yield running


@pytest.fixture
def faulty(monkeypatch):
    """A fresh file system, and pauses that are none."""
    fsspec.register_implementation("faulty", FaultyFileSystem, clobber=True)
    for name, value in (("store", {}), ("pseudo_dirs", [""]), ("faults", [])):
        monkeypatch.setattr(FaultyFileSystem, name, value)
    monkeypatch.setattr(FaultyFileSystem, "puts", 0)
    monkeypatch.setattr(outputs_module, "PAUSES", (0.0, 0.0, 0.0))
    return FaultyFileSystem


@pytest.fixture
def memory():
    """The URL of a place in memory that nobody else has."""
    return f"memory://{uuid.uuid4().hex}/deep"


def files_of(url):
    """Names and contents of the files of items in a target."""
    fs, root = fsspec.url_to_fs(url)
    found = fs.find(root)
    return {
        path.removeprefix(root).lstrip("/"): fs.cat_file(path)
        for path in found
        if not path.endswith("ivk-sweep.json")
    }


def check_exact(folder, url, count):
    """Every item is done, and its own image is in the target; none is in the folder."""
    assert (counts(folder).done, counts(folder).total) == (count, count)
    files = files_of(url)
    assert len(files) == count
    for index in range(count):
        assert png_size(files[f"images/00000/{index:05d}.png"]) == size_of(index)
    assert not list(folder.rglob("*.png"))
    assert not list(folder.rglob("*.part"))


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_images_go_to_the_target_and_the_ledger_stays(kind, server, memory, tmp_path):
    url = memory if kind == "memory" else (tmp_path / "o[x]").as_uri()
    url = url.replace("%5B", "[").replace("%5D", "]")
    run_sweep(server.url, tmp_path / "s", 30, outputs=url)
    check_exact(tmp_path / "s", url, 30)
    again = run_sweep(server.url, tmp_path / "s", 40, outputs=f"{url}/")
    check_exact(tmp_path / "s", url, 40)
    assert again.progress.done == 40
    assert run_sweep(server.url, tmp_path / "s", 40, outputs=url).requests == 0


async def test_the_asyncio_client_does_the_same(server, memory, tmp_path):
    async with AsyncInvokeAIClient(server.url) as client:
        workflow = client.workflow_repo.create_workflow(blank())
        plan = workflow.sweep(zip=sizes(20))
        stream = plan.stream(tmp_path / "s", outputs=memory)
        seen = [item async for item in stream]
        assert {str(path) for item in seen for path in item.paths} == {
            f"{memory}/{name}" for name in files_of(memory)
        }
        result = await Sweep.open(tmp_path / "s").resume(client)
    assert result.progress.done == 20
    check_exact(tmp_path / "s", memory, 20)


def test_an_interrupted_run_goes_on_in_the_same_target(server, memory, tmp_path):
    before = jobs_made(server)
    with InvokeAIClient(server.url) as client:
        workflow = client.workflow_repo.create_workflow(blank())
        for _ in workflow.sweep(zip=sizes(120)).stream(tmp_path / "s", outputs=memory):
            break
        # What a process that was killed leaves.
        fs, root = fsspec.url_to_fs(memory)
        fs.pipe_file(f"{root}/.parts/{'0' * 32}.part", b"half")
        assert Sweep.open(tmp_path / "s").resume(client).progress.done == 120
    check_exact(tmp_path / "s", memory, 120)
    assert jobs_made(server) - before == 120 + counts(tmp_path / "s").reruns


@pytest.mark.parametrize(
    "fault",
    [OSError(errno.ECONNRESET, "reset"), RuntimeError("throttled"), "half"],
    ids=["reset", "throttled", "half"],
)
def test_what_may_pass_is_tried_again(fault, server, faulty, tmp_path):
    faulty.faults = [fault, fault, None, fault, fault, fault]
    run_sweep(server.url, tmp_path / "s", 10, outputs="faulty://o")
    check_exact(tmp_path / "s", "faulty://o", 10)
    assert faulty.puts == 15
    assert counts(tmp_path / "s").reruns == 0


@pytest.mark.parametrize(
    ("fault", "tries", "said"),
    [
        (OSError(errno.ECONNRESET, "reset by peer"), 4, "reset by peer"),
        ("half", 4, "bytes arrived"),
        (OSError(errno.ENOSPC, "no space left"), 1, "no space left"),
        (PermissionError(errno.EACCES, "access denied"), 1, "access denied"),
    ],
    ids=["reset", "half", "full", "denied"],
)
def test_what_stays_ends_the_run_and_loses_nothing(
    fault, tries, said, server, faulty, tmp_path
):
    before = jobs_made(server)
    faulty.faults = [None] * 3 + [fault] * 100
    with pytest.raises(SweepError, match=said) as told:
        run_sweep(server.url, tmp_path / "s", 10, outputs="faulty://o")
    assert "faulty://o/images/00000/0" in told.value.message
    # Others may have been under way with the one that ended the run.
    assert 3 + tries <= faulty.puts <= 3 + 7 * tries
    # Not one file is half, under whatever name it will have.
    names = [name for name in files_of("faulty://o") if name.startswith("images")]
    assert len(names) == 3
    faulty.faults = []
    run_sweep(server.url, tmp_path / "s", 10, outputs="faulty://o")
    check_exact(tmp_path / "s", "faulty://o", 10)
    assert jobs_made(server) - before == 10


def test_one_image_of_the_cache_is_uploaded_once(server, faulty, tmp_path):
    with InvokeAIClient(server.url) as client:
        workflow = client.workflow_repo.create_workflow(blank(use_cache=True))
        plan = workflow.sweep(product={"width": [100]}, runs=120)
        plan.run(tmp_path / "s", outputs="faulty://o")
    files = files_of("faulty://o")
    assert len(files) == 120
    assert len(set(files.values())) == 1
    # The others of the group it came with are uploads, too; later ones are copies.
    assert faulty.puts < 120


def test_workers_of_an_executor_leave_the_upload_to_the_driver(
    server, memory, tmp_path
):
    with ThreadPoolExecutor(2) as executor:
        run_sweep(server.url, tmp_path / "s", 20, outputs=memory, executor=executor)
    check_exact(tmp_path / "s", memory, 20)


def test_another_target_is_refused(server, memory, tmp_path):
    run_sweep(server.url, tmp_path / "s", 3, outputs=memory)
    for url in (None, f"{memory}2"):
        with pytest.raises(SweepChangedError, match="outputs is memory://"):
            run_sweep(server.url, tmp_path / "s", 3, outputs=url)
    with pytest.raises(SweepError, match="outputs of another sweep"):
        run_sweep(server.url, tmp_path / "t", 3, outputs=memory)
    with pytest.raises(SweepError, match="not those of a sweep: deep"):
        run_sweep(server.url, tmp_path / "t", 3, outputs=memory.rpartition("/")[0])
    # Nothing was made: the right one is taken.
    run_sweep(server.url, tmp_path / "t", 3, outputs=f"{memory}2")
    check_exact(tmp_path / "t", f"{memory}2", 3)


@pytest.mark.parametrize(
    "url",
    ["folder", "s3:/b", "://x", "s3://", "sftp://me:secret@h/x", "az://a/b?sig=s"],
)
def test_what_is_no_url_or_has_credentials_is_refused(url, server, tmp_path):
    with pytest.raises(ArgumentError, match="outputs") as told:
        run_sweep(server.url, tmp_path / "s", 3, outputs=url)
    assert "secret" not in str(told.value)
    assert not (tmp_path / "s").exists()


def test_credentials_are_not_recorded_and_not_shown(server, faulty, tmp_path, caplog):
    options = {"secret": SECRET}
    faulty.faults = [None, *[RuntimeError(f"bad signature of {SECRET}")] * 12]
    with pytest.raises(SweepError) as told:
        run_sweep(
            server.url,
            tmp_path / "s",
            4,
            outputs="faulty://o",
            storage_options={**options, "no_such": {"deep": [SECRET]}},
        )
    shown = traceback.format_exception(None, told.value, told.value.__traceback__)
    assert SECRET not in "".join(shown)
    faulty.faults = []
    run_sweep(
        server.url, tmp_path / "s", 4, outputs="faulty://o", storage_options=options
    )
    assert "bad signature of …" in caplog.text
    sweep = Sweep.open(tmp_path / "s", storage_options=options)
    sweep.gallery()
    shown = [repr(sweep), sweep.report(), repr(list(sweep.items())), caplog.text]
    assert not [text for text in shown if SECRET in text]
    for path in (tmp_path / "s").rglob("*"):
        assert path.is_dir() or SECRET.encode() not in path.read_bytes(), path


def test_tables_and_pictures_of_remote_outputs_say_the_url(server, memory, tmp_path):
    folder = tmp_path / "s"
    run_sweep(server.url, folder, 4, outputs=memory)
    expected = [f"{memory}/images/00000/{index:05d}.png" for index in range(4)]
    sweep = Sweep.open(folder)
    paths = [path for item in sweep.items() for path in item.paths]
    assert [str(path) for path in paths] == expected
    assert paths[3].name == "00003.png"
    assert paths[0].read_bytes() == files_of(memory)["images/00000/00000.png"]
    with (folder / "manifest.csv").open(newline="") as file:
        assert [row["path"] for row in csv.DictReader(file)] == expected
    for name, key in (("manifest.jsonl", "path"), ("metadata.jsonl", "file_name")):
        lines = (folder / name).read_text("utf-8").splitlines()
        assert [json.loads(line)[key] for line in lines] == expected
    local = [({"width": 8 + n}, path.read_bytes()) for n, path in enumerate(paths)]
    assert sweep.grid("width").tobytes() == grid(local, "width").tobytes()
    page = sweep.gallery().read_text("utf-8")
    assert all(url in page for url in expected)
    assert len(list((folder / "previews").rglob("*.webp"))) == 4
    # An image that is gone is told where it would be.
    fsspec.filesystem("memory").rm(expected[0])
    assert (
        "cannot be read" in sweep.gallery(tmp_path / "o.html", embed=True).read_text()
    )


def test_reading_the_folder_needs_no_fsspec(server, memory, tmp_path, monkeypatch):
    run_sweep(server.url, tmp_path / "s", 2, outputs=memory)
    real = builtins.__import__

    def without_fsspec(name, *rest):
        if name.startswith("fsspec"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_fsspec)
    sweep = Sweep.open(tmp_path / "s")
    assert sweep.status().done == 2
    (path,) = next(sweep.items()).paths
    with pytest.raises(SweepError, match="fsspec") as told:
        path.read_bytes()
    assert 'extra "remote"' in told.value.hint
    with pytest.raises(SweepError, match="needs fsspec"):
        run_sweep(server.url, tmp_path / "t", 2, outputs=memory)
