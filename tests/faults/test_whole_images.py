"""An image that was saved is whole; one that could not be saved is not there."""

from __future__ import annotations

import errno
import io
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import pytest

from faults.rig.places import half_files, soon
from faults.rig.proxy import FaultProxy, RandomSchedule
from faults.rig.workflows import blank
from invokeai_py_client.client import InvokeAIClient
from invokeai_py_client.exceptions import APIError, ImageError
from invokeai_py_client.image.files import PartialFile
from invokeai_py_client.simulator import SimulatedServer

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture(scope="module")
def server():
    with SimulatedServer() as running:
        yield running


@pytest.fixture(scope="module")
def image(server):
    with InvokeAIClient(server.url) as client:
        handle = client.workflow_repo.create_workflow(blank())
        made = handle.run(width=512, height=512).image
        yield made.image_name, made.bytes()


OLD = b"what was there before"


def test_a_file_is_whole_after_any_outcome_of_its_download(
    server, image, tmp_path, outcomes
):
    name, content = image

    def save(seed):
        target = tmp_path / f"{seed}.png"
        target.write_bytes(OLD)
        with FaultProxy(server.url) as proxy, InvokeAIClient(proxy.url) as client:
            found = client.image_repo.get_image(name)
            proxy.schedule = RandomSchedule(seed, rate=0.8, path="/full")
            wanted = content
            try:
                found.save(target)
            except APIError:
                wanted = OLD
            assert target.read_bytes() == wanted
            return proxy.done

    with ThreadPoolExecutor(6) as pool:
        faults = list(pool.map(save, range(40)))
    assert half_files(tmp_path) == []
    whole = "a saved image is whole, or the file that was there before is"
    outcomes.tried(whole, "downloads under random faults", len(faults))
    outcomes.tried(whole, "faults met by them", sum(sum(f.values()) for f in faults))
    outcomes.tried(whole, "kinds of fault among these", len(set().union(*faults)))


class FullDisk(io.FileIO):
    def write(self, data):
        if self.tell() + len(data) > 100:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)


def test_a_full_disk_is_an_error_and_leaves_nothing(
    server, image, tmp_path, monkeypatch
):
    make = PartialFile.__init__

    def full(self, path, overwrite):
        make(self, path, overwrite)
        self.sink.close()
        self.sink = FullDisk(self.temporary, "r+")

    monkeypatch.setattr(PartialFile, "__init__", full)
    with InvokeAIClient(server.url) as client:
        with pytest.raises(OSError, match="No space left"):
            client.image_repo.get_image(image[0]).save(tmp_path / "a.png")
        # The connection is not spoilt for what comes next.
        assert client.image_repo.get_image(image[0]).bytes() == image[1]
    assert list(tmp_path.iterdir()) == []


SAVE = textwrap.dedent(
    """
    import sys
    from invokeai_py_client.client import InvokeAIClient
    url, name, target = sys.argv[1:]
    with InvokeAIClient(url) as client:
        client.image_repo.get_image(name).save(target)
    """
)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs POSIX limits")
def test_a_limit_on_file_sizes_leaves_nothing(server, image, tmp_path):
    script = (
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n" + SAVE
    )
    target = tmp_path / "a.png"
    done = subprocess.run(
        [sys.executable, "-c", script, server.url, image[0], str(target)],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert b"File too large" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_a_process_killed_while_saving_leaves_the_old_file(server, image, tmp_path):
    target = tmp_path / "a.png"
    target.write_bytes(OLD)
    with FaultProxy(server.url) as proxy:
        proxy.next("drip", path="/full", seconds=30, times=None)
        process = subprocess.Popen(
            [sys.executable, "-c", SAVE, proxy.url, image[0], str(target)]
        )
        assert soon(lambda: half_files(tmp_path), 30)
        process.send_signal(signal.SIGKILL)
        process.wait(20)
    assert target.read_bytes() == OLD


@pytest.mark.parametrize("target", ["fifo", "device"])
def test_a_download_never_replaces_a_special_file(server, image, tmp_path, target):
    place = tmp_path / "x.png"
    if not hasattr(os, "mkfifo"):
        pytest.skip("needs POSIX")
    if target == "fifo":
        os.mkfifo(place)
    else:
        place.symlink_to(os.devnull)
    before = place.stat()
    with (
        InvokeAIClient(server.url) as client,
        pytest.raises(ImageError, match="not a file that could be replaced"),
    ):
        client.image_repo.download_image(image[0], place)
    assert place.stat().st_ino == before.st_ino
    assert half_files(tmp_path) == []


@pytest.mark.parametrize("has_links", [True, False])
def test_of_many_who_may_not_overwrite_one_gets_the_name(
    server, image, tmp_path, monkeypatch, has_links
):
    if not has_links:
        monkeypatch.setattr(os, "link", no_links)
    target = tmp_path / "a.png"
    with InvokeAIClient(server.url) as client:
        found = client.image_repo.get_image(image[0])

        def save(_):
            try:
                return found.save(target, overwrite=False)
            except FileExistsError as error:
                return str(error)

        with ThreadPoolExecutor(8) as pool:
            ends = list(pool.map(save, range(8)))
    if has_links:
        assert ends.count(target) == 1
        assert ends.count(f"{target} exists") == 7
    assert target.read_bytes() == image[1]
    assert os.listdir(tmp_path) == ["a.png"]


def no_links(*_):
    raise OSError(errno.EPERM, "Operation not permitted")


def test_many_who_save_under_one_name_leave_one_whole_file(server, image, tmp_path):
    with InvokeAIClient(server.url) as client:
        found = client.image_repo.get_image(image[0])
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: found.save(tmp_path / "a.png"), range(16)))
    assert (tmp_path / "a.png").read_bytes() == image[1]
    assert os.listdir(tmp_path) == ["a.png"]


@pytest.mark.parametrize("name", ["bär 日本 🎨.png", "ü" * 120 + ".png"])
def test_names_of_any_script_are_kept(server, image, tmp_path, name):
    with InvokeAIClient(server.url) as client:
        saved = client.image_repo.download_image(image[0], tmp_path / name)
    assert saved.name == name
    assert os.listdir(tmp_path) == [name]


def test_a_folder_that_goes_away_is_an_error_and_leaves_nothing(
    server, image, tmp_path
):
    folder = tmp_path / "gone"
    with FaultProxy(server.url) as proxy, InvokeAIClient(proxy.url) as client:
        found = client.image_repo.get_image(image[0])
        proxy.next("drip", path="/full", seconds=1.0)
        with ThreadPoolExecutor(1) as pool:
            saving = pool.submit(found.save, folder / "a.png")
            assert soon(lambda: folder.exists() and half_files(folder))
            shutil.rmtree(folder)
            with pytest.raises(OSError, match="No such file"):
                saving.result(30)
        # A file where a folder would have to be.
        (tmp_path / "file").write_bytes(OLD)
        for target in (tmp_path / "file" / "a.png", f"{tmp_path / 'file'}{os.sep}"):
            with pytest.raises(OSError, match=r"exists|directory"):
                found.save(target)
        assert (tmp_path / "file").read_bytes() == OLD
        # The client is none the worse for it.
        assert found.bytes() == image[1]
    assert os.listdir(tmp_path) == ["file"]
