"""A real InvokeAI on this machine: installed, set up, started and stopped.

```python
from invokeai_py_client.server import LocalServer

with LocalServer() as server:
    server.install_tiny_models()
    client = InvokeAIClient.from_url(server.url)
```

The first start installs InvokeAI into a cache folder (see `cache_dir`), which takes
minutes and 7 GB; later starts take about ten seconds. A server needs 1.4 GB of memory.
It listens on 127.0.0.1 only.
"""

from __future__ import annotations

import atexit
import logging
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Optional, Union

from invokeai_py_client._arguments import PATH
from invokeai_py_client._local_server.background import (
    start_background_server,
    stop_background_server,
)
from invokeai_py_client._local_server.install import (
    Installation,
    Report,
    find_installation,
    install_server,
    log_tail,
    require_installation,
)
from invokeai_py_client._local_server.paths import DEFAULT_VERSION, cache_dir
from invokeai_py_client._local_server.process import (
    boot,
    end_child,
    free_port,
    write_config,
)
from invokeai_py_client._local_server.records import RunningServer, running_servers
from invokeai_py_client._local_server.rest import ask
from invokeai_py_client._local_server.tiny_models import (
    install_models,
    make_tiny_models,
)
from invokeai_py_client.exceptions import ArgumentError, LocalServerError

__all__ = [
    "DEFAULT_VERSION",
    "Installation",
    "LocalServer",
    "RunningServer",
    "cache_dir",
    "find_installation",
    "install_server",
    "install_tiny_models",
    "running_servers",
    "start_background_server",
    "stop_background_server",
]

log = logging.getLogger("invokeai_py_client")


class LocalServer:
    """A real InvokeAI server, as a child of this process.

    It ends with the `with` block, with `stop()`, at the exit of the interpreter, and
    also when this process is killed. Ctrl-C reaches this process only, so the server
    is stopped in order and never halfway.

    Attributes:
        version: InvokeAI's version, such as "6.14.2".
        root: Its root folder while it runs or is kept; None before the first start
            of a server with a temporary root, and after its stop.
    """

    def __init__(
        self,
        version: str = DEFAULT_VERSION,
        *,
        root: Union[str, Path, None] = None,
        port: Optional[int] = None,
        multiuser: bool = False,
        settings: Optional[Mapping[str, Any]] = None,
        install: bool = True,
        python: Optional[str] = None,
        log_file: Union[str, Path, None] = None,
        timeout: float = 180.0,
        report: Report = log.info,
    ) -> None:
        """Decide how to run; nothing happens before `start()` or `with`.

        Args:
            version: The InvokeAI version to run.
            root: Root folder; None makes a temporary one that `stop()` removes.
            port: The wanted port; None takes a free one. When it is busy, InvokeAI
                takes the next free one, and `url` says which.
            multiuser: Accounts and tokens; see `set_up_admin`.
            settings: More keys of `invokeai.yaml`.
            install: Install the version when it is missing; False raises instead.
            python: A Python 3.11 or 3.12 to install with; None looks for one.
            log_file: Where the server's output goes; None means a file in the root.
            timeout: Seconds that a start may take.
            report: Called with a line whenever something that takes time begins.
        """
        self.version = version
        if root is not None:
            root = PATH.read("root", root)
        if log_file is not None:
            log_file = PATH.read("log_file", log_file)
        if settings is not None and not isinstance(settings, Mapping):
            raise ArgumentError("settings", settings, "a mapping of settings")
        self.root = Path(root).absolute() if root is not None else None
        self._temporary = root is None
        self._port = port
        self._multiuser = multiuser
        self._settings = dict(settings or {})
        self._install = install
        self._python = python
        self._log_file = Path(log_file).absolute() if log_file is not None else None
        self._timeout = timeout
        self._report = report
        self._child: Optional[subprocess.Popen[bytes]] = None
        self._url: Optional[str] = None
        self._token: Optional[str] = None

    def __repr__(self) -> str:
        state = self._url if self.is_running else "stopped"
        return f"<LocalServer {self.version} {state}>"

    @property
    def is_running(self) -> bool:
        """True between a start and the end of the process, however it ended."""
        return self._child is not None and self._child.poll() is None

    @property
    def url(self) -> str:
        """The server's address, without a slash at the end.

        Raises:
            LocalServerError: It was never started.
        """
        if self._url is None:
            raise LocalServerError("the server is not started", hint="call start()")
        return self._url

    @property
    def pid(self) -> int:
        """The server's process id.

        Raises:
            LocalServerError: It is not running.
        """
        if self._child is None:
            raise LocalServerError("the server is not running", hint="call start()")
        return self._child.pid

    @property
    def log_file(self) -> Path:
        """Where the server's output goes.

        Raises:
            LocalServerError: A temporary root does not exist yet, or no more.
        """
        if self._log_file is not None:
            return self._log_file
        if self.root is None:
            raise LocalServerError("the server has no log yet", hint="call start()")
        return self.root / "server.log"

    def log_tail(self, lines: int = 20) -> str:
        """The last lines of the server's log; empty when there is none yet."""
        return log_tail(self.log_file, lines)

    def start(self) -> LocalServer:
        """Start the server and wait until it answers; returns itself.

        A server that was stopped or killed starts again on the same port, and with
        the same root unless that was temporary and removed.

        Raises:
            LocalServerError: It is not installed (`install=False`), cannot be
                installed, or did not come up; the message has the end of the log.
        """
        if self.is_running:
            return self
        installation = self._installation()
        if self.root is None:
            self.root = Path(tempfile.mkdtemp(prefix="invokeai-root-"))
        port = self._port or free_port()
        write_config(
            self.root, port, multiuser=self._multiuser, settings=self._settings
        )
        self._report(f"starting InvokeAI {self.version}: about ten seconds")
        atexit.register(self.stop)
        try:
            self._child, self._url, _ = boot(
                installation,
                self.root,
                self.log_file,
                timeout=self._timeout,
                leashed=True,
                temporary=self._temporary,
            )
        except BaseException:
            self.stop()
            raise
        # A restart listens where its clients know it.
        self._port = int(self._url.rpartition(":")[2])
        return self

    def stop(self) -> None:
        """Stop the server and remove its root if that was temporary.

        Stopping twice is fine.
        """
        self._end(grace=15.0)
        if self._temporary and self.root is not None:
            shutil.rmtree(self.root, ignore_errors=True)
            self.root = None

    def kill(self) -> None:
        """End the process at once, as a crash would; the root stays for `start()`."""
        self._end(grace=0.0)

    def restart(self) -> LocalServer:
        """Stop and start again on the same port and root."""
        self._end(grace=15.0)
        return self.start()

    def install_tiny_models(self) -> tuple[str, ...]:
        """Install tiny SD-1 and SDXL models (and an SDXL VAE) with random weights.

        They are made once per machine (20 seconds); installing takes a second.

        Returns:
            Their names: "tiny-sd1", "tiny-sdxl" and "tiny-sdxl-vae".

        Raises:
            LocalServerError: The server is not running, or refused them.
        """
        self._installation()
        return install_tiny_models(
            self.url, version=self.version, token=self._token, report=self._report
        )

    def set_up_admin(self, email: str, password: str) -> str:
        """Make the first account of a multi-user server and log in as it.

        Args:
            email: The administrator's address.
            password: At least eight characters with upper and lower case and a digit.

        Returns:
            A token, which `install_tiny_models` uses from now on too.

        Raises:
            LocalServerError: The server has an administrator already, refuses the
                password, or is not multi-user.
        """
        auth = f"{self.url}/api/v1/auth"
        account = {"email": email, "password": password, "display_name": "Admin"}
        ask("POST", f"{auth}/setup", account)
        login = {"email": email, "password": password, "remember_me": False}
        answer = ask("POST", f"{auth}/login", login)
        self._token = str(answer["token"])
        return self._token

    def __enter__(self) -> LocalServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _installation(self) -> Installation:
        return require_installation(
            self.version, self._install, self._python, self._report
        )

    def _end(self, grace: float) -> None:
        child, self._child = self._child, None
        atexit.unregister(self.stop)
        if child is not None:
            end_child(child, grace)


def install_tiny_models(
    url: str,
    *,
    version: str = DEFAULT_VERSION,
    token: Optional[str] = None,
    report: Report = log.info,
) -> tuple[str, ...]:
    """Install the tiny models into any server that runs on this machine.

    Args:
        url: The server's address.
        version: The installed InvokeAI whose libraries make the models.
        token: An administrator's token on a multi-user server.
        report: Called with a line whenever something that takes time begins.

    Returns:
        Their names: "tiny-sd1", "tiny-sdxl" and "tiny-sdxl-vae".

    Raises:
        LocalServerError: That version is not installed, or the server refused them.
    """
    installation = require_installation(version, False, None, report)
    folder = make_tiny_models(installation, report)
    return install_models(url.rstrip("/"), folder, token)
