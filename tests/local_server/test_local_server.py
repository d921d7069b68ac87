"""`LocalServer` without InvokeAI: a stand-in program that behaves like it at start.

The real one is in `integration/test_local_server_live.py`.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from invokeai_py_client._local_server import install as installing, process, pythons
from invokeai_py_client._local_server.lock import exclusive
from invokeai_py_client._local_server.paths import cache_dir, server_dir
from invokeai_py_client._local_server.process import (
    birth_mark,
    end_group,
    free_port,
    is_alive,
    write_config,
)
from invokeai_py_client._local_server.records import RunningServer, forget, remember
from invokeai_py_client._local_server.rest import ask
from invokeai_py_client.exceptions import LocalServerError
from invokeai_py_client.server import (
    LocalServer,
    find_installation,
    install_server,
    running_servers,
    start_background_server,
    stop_background_server,
)

pytestmark = pytest.mark.skipif(os.name == "nt", reason="stand-ins are POSIX scripts")

VERSION = "9.9.9"

# Serves the version where its invokeai.yaml says, or on the next port when that is
# taken, and says so in its log, as InvokeAI does.
STAND_IN = """
import json, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer
root = sys.argv[sys.argv.index("--root") + 1]
settings = {}
for line in open(root + "/invokeai.yaml"):
    key, _, value = line.partition(": ")
    settings[key] = json.loads(value)
mode = settings.get("mode", "good")
if mode == "dies":
    print("the database is locked")
    sys.exit(3)
if mode.startswith("races"):
    # Loses as often as the mode says.
    with open(root + "/starts", "a+") as starts:
        starts.write("x")
        starts.seek(0)
        if len(starts.read()) <= int(mode[5:]):
            time.sleep(settings.get("start_seconds", 0))
            print("sqlite3.OperationalError: cannot VACUUM from within a transaction")
            sys.exit(3)
if mode == "hangs":
    time.sleep(600)

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"version": "9.9.9"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass

port = settings["port"]
while True:
    try:
        server = HTTPServer(("127.0.0.1", port), Handler)
        break
    except OSError:
        port += 1
address = f"http://127.0.0.1:{port}"
print(f"[x]::[InvokeAI]::INFO --> Invoke running on {address}", flush=True)
server.serve_forever()
"""


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("INVOKEAI_PY_CLIENT_CACHE", str(folder))
    return folder


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text).lstrip())
    path.chmod(0o755)
    return path


@pytest.fixture
def stand_in(cache, tmp_path) -> Path:
    """An installed version whose Python runs the stand-in."""
    script = tmp_path / "stand_in.py"
    script.write_text(STAND_IN)
    run = f'#!/bin/sh\nexec "{sys.executable}" "{script}" "$@"\n'
    folder = server_dir(VERSION)
    program(folder / "venv" / "bin" / "python", run)
    program(folder / "venv" / "bin" / "invokeai-web", run)
    (folder / "installed.json").write_text(json.dumps({"version": VERSION}))
    return folder


# -- where things are ----------------------------------------------------------------


def test_the_cache_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("INVOKEAI_PY_CLIENT_CACHE", str(tmp_path / "own"))
    assert cache_dir() == tmp_path / "own"
    monkeypatch.delenv("INVOKEAI_PY_CLIENT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_dir() == tmp_path / "xdg" / "invokeai-py-client"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_dir() == tmp_path / ".cache" / "invokeai-py-client"


# -- finding a Python ----------------------------------------------------------------


def fake_python(path: Path, version: str) -> Path:
    """Answers the probe, and makes "environments" whose programs are scripts."""
    return program(path, f'#!/bin/sh\n[ "$1" = -c ] && echo {version}\n')


def test_a_named_python_of_another_version_is_refused(tmp_path):
    python = fake_python(tmp_path / "python", "3.13")
    with pytest.raises(LocalServerError, match=r"it is Python 3\.13") as caught:
        pythons.find_server_python(str(python))
    assert "3.11 or 3.12" in str(caught.value)


def test_a_named_python_that_does_not_run_is_refused(tmp_path):
    with pytest.raises(LocalServerError, match="no Python that has venv"):
        pythons.find_server_python(str(tmp_path / "absent"))


def test_without_a_fitting_python_the_error_says_which_are_wanted(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(pythons.PYTHON_VARIABLE, raising=False)
    monkeypatch.setattr(pythons.sys, "executable", str(tmp_path / "absent"))
    with pytest.raises(LocalServerError, match=r"no Python 3\.11 or 3\.12"):
        pythons.find_server_python()


def test_a_pyenv_python_is_found_and_one_without_venv_is_passed_over(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.delenv(pythons.PYTHON_VARIABLE, raising=False)
    monkeypatch.setattr(pythons.sys, "executable", str(tmp_path / "absent"))
    broken = tmp_path / "pyenv" / "versions" / "3.11.9" / "bin" / "python"
    program(broken, "#!/bin/sh\nexit 1\n")
    good = tmp_path / "pyenv" / "versions" / "3.12.1" / "bin" / "python"
    fake_python(good, "3.12")
    assert pythons.find_server_python() == [str(good)]


# -- installing ----------------------------------------------------------------------

# Makes an environment of scripts; `pip install uv` and `uv pip install` write down
# what they were asked and do what the test's files in `control` say.
INSTALLER = """\
#!/bin/sh
control={control}
echo "$(basename "$0") $*" | tr '\\n' ' ' >> "$control/calls"; echo >> "$control/calls"
case "$*" in
  -c*) [ -e "$control/adoptable" ] || [ "$0" = "$control/python" ] || exit 1
       echo 3.11; exit 0;;
  "-m venv "*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; exit 0;;
  *"pip install uv") [ -e "$control/no-uv" ] && exit 1
       cp "$0" "$(dirname "$0")/uv"; exit 0;;
esac
[ -e "$control/slow" ] && sleep 0.5
if [ "$(basename "$0")" = uv ] && [ -e "$control/uv-fails" ]; then exit 2; fi
if [ -e "$control/all-fail" ]; then echo "no space left on device"; exit 2; fi
cp "$0" "$(dirname "$0")/invokeai-web"
"""


@pytest.fixture
def installer(cache, tmp_path) -> Path:
    control = tmp_path / "control"
    control.mkdir()
    program(control / "python", INSTALLER.format(control=control))
    return control


def calls(control: Path) -> list[str]:
    return [line.rstrip() for line in (control / "calls").read_text().splitlines()]


def test_install_uses_uv_and_leaves_a_marker_last(installer):
    lines: list[str] = []
    found = install_server(
        VERSION, python=str(installer / "python"), report=lines.append
    )
    assert found == find_installation(VERSION)
    assert installing.installed_versions() == [VERSION]
    assert any(f"invokeai=={VERSION}" in call for call in calls(installer))
    assert calls(installer)[-1].startswith("uv pip install")
    assert lines[-1].startswith(f"InvokeAI {VERSION} is installed")


@pytest.mark.parametrize("why", ["no-uv", "uv-fails"])
def test_pip_takes_over_where_uv_cannot(installer, why):
    (installer / why).touch()
    install_server(VERSION, python=str(installer / "python"))
    assert calls(installer)[-1] == f"python -m pip install invokeai=={VERSION}"
    assert find_installation(VERSION)


def test_a_failed_install_shows_why_and_is_not_taken_for_a_good_one(installer):
    (installer / "all-fail").touch()
    with pytest.raises(LocalServerError, match=r"(?s)failed with code 2.*no space"):
        install_server(VERSION, python=str(installer / "python"))
    assert find_installation(VERSION) is None
    (installer / "all-fail").unlink()
    assert install_server(VERSION, python=str(installer / "python"))


def test_an_interrupted_install_starts_over(installer):
    leftovers = server_dir(VERSION) / "venv" / "bin"
    program(leftovers / "invokeai-web", "#!/bin/sh\n")
    program(leftovers / "python", "#!/bin/sh\nexit 1\n")
    (leftovers / "leftover").touch()
    assert find_installation(VERSION) is None
    install_server(VERSION, python=str(installer / "python"))
    assert not (leftovers / "leftover").exists()


def test_an_environment_made_by_hand_is_adopted_when_it_proves_whole(installer):
    (installer / "adoptable").touch()
    venv = server_dir(VERSION) / "venv"
    program(venv / "bin" / "invokeai-web", "#!/bin/sh\n")
    program(venv / "bin" / "python", (installer / "python").read_text())
    assert install_server(VERSION, python=str(installer / "python")).venv == venv
    assert all(call.startswith("python -c") for call in calls(installer))


def test_two_installs_at_once_install_once(installer):
    (installer / "slow").touch()
    threads = [
        threading.Thread(
            target=install_server,
            args=(VERSION,),
            kwargs={"python": str(installer / "python")},
        )
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made = [call for call in calls(installer) if "-m venv" in call]
    assert len(made) == 1


def test_a_version_that_is_none_is_refused_before_anything_is_made(cache):
    with pytest.raises(LocalServerError, match="not an InvokeAI version"):
        install_server("../evil")
    assert not cache.exists()


def test_without_install_a_missing_version_is_an_error_that_says_how(cache):
    with pytest.raises(LocalServerError, match="not installed") as caught:
        LocalServer(VERSION, install=False).start()
    assert "ivk server install" in str(caught.value)


def test_the_lock_is_free_again_when_its_holder_was_killed(tmp_path):
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from invokeai_py_client._local_server.lock import exclusive\n"
        "with exclusive(Path(sys.argv[1])):\n"
        "    print('held', flush=True)\n"
        "    time.sleep(600)\n"
    )
    lock = tmp_path / "a.lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(lock)], stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout.readline() == "held\n"
        holder.kill()
    with exclusive(lock):
        pass


# -- configuration -------------------------------------------------------------------


def test_the_config_holds_what_was_asked_for(tmp_path):
    write_config(tmp_path, 1234, multiuser=True, settings={"max_queue_size": 7})
    text = (tmp_path / "invokeai.yaml").read_text()
    assert 'host: "127.0.0.1"\n' in text
    assert "port: 1234\n" in text
    assert "multiuser: true\n" in text
    assert "max_queue_size: 7\n" in text


@pytest.mark.parametrize("key", ["host", "port", "log_level"])
def test_settings_that_would_hide_the_server_are_refused(tmp_path, key):
    with pytest.raises(LocalServerError, match=key):
        write_config(tmp_path, 1, multiuser=False, settings={key: "x"})


# -- running -------------------------------------------------------------------------


def test_a_server_starts_answers_and_stops(stand_in):
    with LocalServer(VERSION) as server:
        assert ask("GET", f"{server.url}/api/v1/app/version") == {"version": VERSION}
        pid, root = server.pid, server.root
        assert server.is_running
        assert root.is_dir()
        assert "Invoke running on" in server.log_tail()
    assert not is_alive(pid)
    assert not root.exists()
    assert not server.is_running


def test_a_taken_port_leads_to_the_server_that_is_ours(stand_in):
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        taken = squatter.getsockname()[1]
        with LocalServer(VERSION, port=taken) as server:
            assert server.url != f"http://127.0.0.1:{taken}"
            assert ask("GET", f"{server.url}/api/v1/app/version")


def test_a_killed_server_starts_again_with_its_root_and_port(stand_in):
    server = LocalServer(VERSION).start()
    try:
        url, root = server.url, server.root
        (root / "kept").touch()
        server.kill()
        assert not server.is_running
        assert server.start().url == url
        assert (root / "kept").exists()
    finally:
        server.stop()
    assert not root.exists()


def test_a_server_that_dies_at_start_shows_its_log(stand_in, tmp_path):
    server = LocalServer(VERSION, root=tmp_path / "root", settings={"mode": "dies"})
    with pytest.raises(LocalServerError, match=r"(?s)code 3.*database is locked"):
        server.start()
    assert not server.is_running
    assert (tmp_path / "root").is_dir(), "a given root is kept"


def test_a_start_that_lost_the_race_for_its_database_is_repeated(stand_in, tmp_path):
    root = tmp_path / "root"
    with LocalServer(VERSION, root=root, settings={"mode": "races8"}) as server:
        assert ask("GET", f"{server.url}/api/v1/app/version")
    assert (root / "starts").read_text() == "x" * 9


def test_a_start_that_loses_its_race_until_the_timeout_is_an_error(stand_in, tmp_path):
    root = tmp_path / "root"
    settings = {"mode": "races99", "start_seconds": 0.2}
    server = LocalServer(VERSION, root=root, settings=settings, timeout=1)
    with pytest.raises(LocalServerError, match="cannot VACUUM"):
        server.start()
    assert 1 <= len((root / "starts").read_text()) < 99


def test_a_server_that_never_answers_is_ended_after_the_timeout(stand_in):
    server = LocalServer(VERSION, settings={"mode": "hangs"}, timeout=0.5)
    with pytest.raises(LocalServerError, match=r"did not answer within 0\.5 seconds"):
        server.start()
    assert not server.is_running
    assert server.root is None


def test_an_old_log_is_not_read_for_the_address(stand_in, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (root / "server.log").write_text("Invoke running on http://127.0.0.1:1\n")
    with LocalServer(VERSION, root=root) as server:
        assert not server.url.endswith(":1")


def test_url_and_pid_before_the_start_are_errors():
    server = LocalServer(VERSION)
    with pytest.raises(LocalServerError, match="not started"):
        _ = server.url
    with pytest.raises(LocalServerError, match="not running"):
        _ = server.pid
    server.stop()


def test_a_server_ends_with_the_interpreter_that_forgot_it(stand_in, tmp_path):
    code = (
        "from invokeai_py_client.server import LocalServer\n"
        f"print(LocalServer({VERSION!r}).start().pid)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not is_alive(int(done.stdout))


# -- in the background ---------------------------------------------------------------


def test_a_background_server_outlives_its_starter_and_is_stopped_by_another(stand_in):
    code = (
        "from invokeai_py_client.server import start_background_server\n"
        f"start_background_server({VERSION!r}, port={free_port()})\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    [server] = running_servers()
    try:
        assert ask("GET", f"{server.url}/api/v1/app/version")
        again = start_background_server(VERSION)
        assert again == server, "one server per root"
        other_name = Path(server.root) / ".." / Path(server.root).name
        again = start_background_server(VERSION, root=other_name)
        assert again == server, "by whatever path"
    finally:
        stop_background_server(server)
    assert running_servers() == []
    assert Path(server.root).is_dir()


def test_records_of_processes_that_are_gone_or_others_by_now_are_dropped(cache):
    mine = os.getpid()
    record = RunningServer(mine, "another birth", "http://x", VERSION, "r", "l")
    remember(record)
    (cache / "running" / "garbage.json").write_text("{}")
    assert running_servers() == []
    assert list((cache / "running").iterdir()) == []
    remember(RunningServer(mine, birth_mark(mine), "http://x", VERSION, "r", "l"))
    assert [server.pid for server in running_servers()] == [mine]
    forget(mine)
    assert running_servers() == []


def test_a_process_that_ignores_the_polite_signal_is_ended(tmp_path):
    code = (
        "import signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('ready', flush=True)\n"
        "time.sleep(600)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    with child:
        child.stdout.readline()
        end_group(child.pid, child, grace=0.2)
        assert child.returncode == -9


@pytest.mark.parametrize(
    ("listing", "alive"),
    [
        ('"python.exe","4711","Console","1","20,000 K"\n', True),
        ("INFO: No tasks are running which match the specified criteria.\n", False),
    ],
)
def test_windows_is_asked_for_its_list_of_processes(monkeypatch, listing, alive):
    def run(command, **_):
        assert command[0] == "tasklist"
        return subprocess.CompletedProcess(command, 0, listing, "")

    monkeypatch.setattr(subprocess, "run", run)
    assert process._windows_lists(4711) is alive


def test_tiny_models_need_a_server_that_runs(stand_in):
    server = LocalServer(VERSION)
    with pytest.raises(LocalServerError, match="not started"):
        server.install_tiny_models()
