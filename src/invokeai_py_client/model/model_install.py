"""`ModelInstallJob`: a model that is being installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Optional

from invokeai_py_client._io.runner import Runner
from invokeai_py_client.model import install_flows as flows
from invokeai_py_client.model.models import ModelInstall, ModelRecord

__all__ = ["ModelInstallJob"]


class ModelInstallJob:
    """An installation to wait for: an identity and verbs, no state of its own.

    Args:
        runner: What runs the flows: the client's.
        install: The installation as it was read.
    """

    def __init__(self, runner: Runner, install: ModelInstall) -> None:
        self._runner = runner
        self._install = install

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.job_id})"

    @property
    def job_id(self) -> int:
        """The server's number; it starts at 0 again when the server restarts."""
        return self._install.id

    def get_status(self) -> ModelInstall:
        """Read how far it is.

        Raises:
            ModelError: The server does not know it (any more).
        """
        return self._runner.run(flows.get_install(self.job_id))

    def wait(
        self,
        timeout: Optional[float] = None,
        *,
        on_progress: Optional[Callable[[ModelInstall], Any]] = None,
    ) -> ModelRecord:
        """Wait until the model is installed. Giving up cancels nothing.

        Args:
            timeout: Seconds for the whole wait; None waits for ever.
            on_progress: Called with each new state.

        Returns:
            The installed model.

        Raises:
            ModelError: It failed, was cancelled, was forgotten by a restart of the
                server, or is nothing the server knows.
            JobTimeoutError: The time is over; the installation goes on.
        """
        return self._runner.run(flows.wait_install(self.job_id, timeout, on_progress))

    def watch(self, timeout: Optional[float] = None) -> Iterator[ModelInstall]:
        """Iterate over its states until it has ended, however it ended.

        Args:
            timeout: Seconds for the whole wait; None waits for ever.

        Raises:
            ModelError: The server does not know it (any more).
            JobTimeoutError: The time is over; the installation goes on.
        """
        return self._runner.stream(flows.watch_install(self.job_id, timeout))

    def pause(self) -> ModelInstall:
        """Pause its downloads; a local installation cannot be paused.

        Returns:
            Its state, which may still say `downloading` for a moment.

        Raises:
            ModelError: The server does not know it (any more).
            UnsupportedVersionError: The server is older than 6.12.
        """
        return self._runner.run(flows.control_install(self.job_id, "pause"))

    def resume(self) -> ModelInstall:
        """Go on with its downloads where they were paused.

        Raises:
            ModelError: The server does not know it (any more).
            UnsupportedVersionError: The server is older than 6.12.
        """
        return self._runner.run(flows.control_install(self.job_id, "resume"))

    def restart_failed(self) -> ModelInstall:
        """Download the files again that failed or cannot be resumed.

        Raises:
            ModelError: The server does not know it (any more).
            UnsupportedVersionError: The server is older than 6.12.
        """
        return self._runner.run(flows.control_install(self.job_id, "restart_failed"))

    def restart_file(self, url: str) -> ModelInstall:
        """Download one of its files again, from the beginning.

        Args:
            url: The `source` of one of `download_parts`.

        Raises:
            ModelError: The server does not know the installation (any more).
            UnprocessableEntityError: It is no URL.
            UnsupportedVersionError: The server is older than 6.12.
        """
        return self._runner.run(flows.restart_file(self.job_id, url))

    def cancel(self) -> None:
        """Stop the installation.

        Raises:
            ModelError: The server does not know it (any more).
        """
        return self._runner.run(flows.cancel_install(self.job_id))
