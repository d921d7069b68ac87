"""The two kinds of server that the integration tests run on, with the same verbs."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Optional

from invokeai_py_client._server.rest import ask
from invokeai_py_client.simulator import SimulatedServer, model_record

TINY_MODELS = ("tiny-sd1", "tiny-sdxl", "tiny-sdxl-vae")


def tiny_models() -> list[dict[str, Any]]:
    """Records of the models that `LocalServer.install_tiny_models` installs."""
    return [
        model_record("tiny-sd1", base="sd-1", type="main"),
        model_record("tiny-sdxl", base="sdxl", type="main"),
        model_record("tiny-sdxl-vae", base="sdxl", type="vae"),
    ]


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
        if self._temporary and self.root is not None:
            shutil.rmtree(self.root, ignore_errors=True)

    def install_tiny_models(self) -> tuple[str, ...]:
        """Offer the tiny models."""
        for record in tiny_models():
            self._server.simulation.models.add(record)
        return TINY_MODELS

    def set_up_admin(self, email: str, password: str) -> None:
        """Make the first account."""
        account = {"email": email, "password": password, "display_name": "Admin"}
        ask("POST", f"{self.url}/api/v1/auth/setup", account)

    def __enter__(self) -> SimulatedLocalServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
