"""The two kinds of server that the integration tests run on, with the same verbs."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Optional, Union

from model_files import diffusers_vae, pipeline

from invokeai_py_client._local_server.rest import ask
from invokeai_py_client._local_server.tiny_models import install_models
from invokeai_py_client.server import LocalServer
from invokeai_py_client.simulator import SimulatedServer

TINY_MODELS = ("tiny-sd1", "tiny-sdxl", "tiny-sdxl-vae")


def make_tiny_models(folder: Path) -> None:
    """What a server needs to see of the models that `LocalServer` installs.

    The simulator loads none, so their weights are a few zeros.
    """
    pipeline(folder / "tiny-sd1")
    pipeline(folder / "tiny-sdxl", width=2048)
    diffusers_vae(folder / "tiny-sdxl-vae")


class SimulatedLocalServer:
    """A simulated server with the verbs of `LocalServer`: killed, started again."""

    def __init__(
        self,
        *,
        root: Optional[Path] = None,
        multiuser: bool = False,
        job_delay: float = 0.0,
        durable: bool = True,
        settings: Optional[Mapping[str, Any]] = None,
    ) -> None:
        """Decide how to run; nothing happens before `start()` or `with`.

        Without `durable` all is in memory, and an end forgets it. `settings` are keys
        of `invokeai.yaml`, as far as the simulator has them.
        """
        configured = dict(settings or {})
        strict = configured.pop("strict_password_checking", False)
        if configured:
            raise ValueError(f"the simulator has no settings {sorted(configured)}")
        self._temporary = root is None and durable
        if self._temporary:
            root = Path(tempfile.mkdtemp(prefix="simulated-root-"))
        self.root = root
        self._tiny_models: Optional[Path] = None
        self._token: Optional[str] = None
        self._server = SimulatedServer(
            root=self.root,
            multiuser=multiuser,
            strict_passwords=strict,
            poison="imitate",
            models=[],
            job_delay=job_delay,
        )

    @property
    def url(self) -> str:
        """The server's address."""
        return self._server.url

    def start(self) -> SimulatedLocalServer:
        """Start, also after an end: the root and the port stay."""
        self._server.start()
        return self

    def kill(self) -> None:
        """End at once."""
        self._server.stop()

    def restart(self) -> SimulatedLocalServer:
        """Stop and start again."""
        self._server.restart()
        return self

    def stop(self) -> None:
        """Stop, and remove a temporary root."""
        self._server.stop()
        for folder in (self.root if self._temporary else None, self._tiny_models):
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
        self._tiny_models = None

    def install_tiny_models(self) -> tuple[str, ...]:
        """Install the tiny models, in place."""
        if self._tiny_models is None:
            self._tiny_models = Path(tempfile.mkdtemp(prefix="tiny-models-"))
            make_tiny_models(self._tiny_models)
        return install_models(self.url, self._tiny_models, self._token)

    @property
    def models_folder(self) -> Path:
        """The server's own folder of models."""
        return self._server.simulation.model_folder.path

    def set_up_admin(self, email: str, password: str) -> None:
        """Make the first account, whose models `install_tiny_models` installs."""
        account = {"email": email, "password": password, "display_name": "Admin"}
        ask("POST", f"{self.url}/api/v1/auth/setup", account)
        answer = ask("POST", f"{self.url}/api/v1/auth/login", account)
        self._token = answer["token"]

    def __enter__(self) -> SimulatedLocalServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def models_folder(server: Union[LocalServer, SimulatedLocalServer]) -> Path:
    """The own folder of models of a server that the tests started."""
    if isinstance(server, SimulatedLocalServer):
        return server.models_folder
    return Path(server.root) / "models"
