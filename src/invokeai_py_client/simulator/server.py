"""`SimulatedServer`: a simulated InvokeAI on a port of this machine."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Optional, Union, get_args

import uvicorn

from invokeai_py_client._exports import set_module

from .app import SimulatorApp
from .base.faults import Faults
from .base.settings import Rules, Settings
from .graphs.node_schema import NodeSchemas
from .simulation import Simulation
from .snapshot import load_snapshot

_START_TIMEOUT = 20.0


@set_module("invokeai_py_client.simulator")
class SimulatorStartError(RuntimeError):
    """The simulated server could not be started; the message says why."""


@set_module("invokeai_py_client.simulator")
class SimulatedServer:
    """A simulated InvokeAI 6.14.2 for tests, demonstrations and dry runs.

    Speaks HTTP and Socket.IO on 127.0.0.1, in a thread of this process. Nodes that need
    no model are computed; the others pass typed stand-ins on, and decoders draw a
    labelled placeholder.

    ```python
    with SimulatedServer() as server:
        client = InvokeAIClient.from_url(server.url)
    ```

    Args:
        port: Where to listen; 0 takes a free one.
        root: A folder for what must survive a restart; None keeps all in memory, until
            the object itself is gone.
        multiuser: Demand a login.
        strict_passwords: Refuse weak passwords, as a real server configured with
            `strict_password_checking: true`.
        poison: What to do with batch values that their field cannot take: `refuse` them
            with a 422, or `imitate` the real server, whose queue they block.
        models: Model records to offer, made by `model_record`; None for a default set.
        max_queue_size: Pending jobs of one queue above which enqueueing is cut short.
        job_delay: Seconds every job takes at least; the real server needs about 0.6.
        node_delays: Seconds that nodes of a type take at least, by type.
        step_delay: Seconds of one denoising step.
        devices: How many jobs run at a time, each on a device of its own.
        max_pixels: Nodes of a larger width times height run out of memory.
        rules: ``"7"`` takes batches as the next major version does (batch ids that are
            taken are replaced; idempotency keys and receipts), and calls itself 7.0.0.
        schemas: Node types, for servers other than 6.14.2.
        snapshot: A file made by `ivk server snapshot`: the node types and models of a
            real server, unless `schemas` and `models` say otherwise.

    Raises:
        OSError: The snapshot cannot be read.
        ValueError: The snapshot is not one, or there are no such rules.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        root: Union[str, Path, None] = None,
        multiuser: bool = False,
        strict_passwords: bool = False,
        poison: Literal["refuse", "imitate"] = "refuse",
        models: Optional[Sequence[Mapping[str, Any]]] = None,
        max_queue_size: int = 10_000,
        job_delay: float = 0.0,
        node_delays: Optional[Mapping[str, float]] = None,
        step_delay: float = 0.0,
        devices: int = 1,
        max_pixels: Optional[int] = None,
        rules: Rules = "6",
        schemas: Optional[NodeSchemas] = None,
        snapshot: Union[str, Path, None] = None,
    ) -> None:
        if rules not in get_args(Rules):
            raise ValueError(f"rules is {rules!r}, not one of {get_args(Rules)}")
        if devices < 1:
            raise ValueError(f"devices is {devices}, but a server has at least one")
        if snapshot is not None:
            its_schemas, its_models = load_snapshot(Path(snapshot))
            models = its_models if models is None else models
            schemas = schemas or its_schemas
        self.settings = Settings(
            root=None if root is None else Path(root),
            multiuser=multiuser,
            strict_passwords=strict_passwords,
            poison=poison,
            models=models,
            max_queue_size=max_queue_size,
            job_delay=job_delay,
            node_delays=dict(node_delays or {}),
            step_delay=step_delay,
            devices=devices,
            max_pixels=max_pixels,
            rules=rules,
        )
        self._schemas = schemas
        self._port = port
        self._simulation: Optional[Simulation] = None
        self._app: Optional[SimulatorApp] = None
        self._uvicorn: Optional[uvicorn.Server] = None
        self._thread: Optional[threading.Thread] = None
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._socket: Optional[socket.socket] = None

    def __enter__(self) -> SimulatedServer:
        self.start()
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port; known once the server was started."""
        return self._port

    @property
    def url(self) -> str:
        """The address to give to a client."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def simulation(self) -> Simulation:
        """The running simulation's state.

        Raises:
            SimulatorStartError: The server is not running.
        """
        if self._simulation is None:
            raise SimulatorStartError("the simulated server is not running")
        return self._simulation

    @property
    def faults(self) -> Faults:
        """What is to go wrong; see `Faults`."""
        return self.simulation.faults

    def fail_next(
        self,
        node_type: Optional[str] = None,
        error: str = "OutOfMemoryError",
        message: Optional[str] = None,
        times: Optional[int] = 1,
    ) -> None:
        """Make the next nodes of a type fail; see `Faults.fail_next`."""
        self.faults.fail_next(node_type, error, message, times)

    def start(self) -> None:
        """Start listening; returns when the server answers.

        Raises:
            SimulatorStartError: The port is taken, or the server did not come up.
        """
        if self._thread is not None:
            raise SimulatorStartError("the simulated server is running already")
        self._socket = self._bind()
        self._port = self._socket.getsockname()[1]
        self._simulation = Simulation(self.settings, self._schemas)
        self._app = SimulatorApp(self._simulation)
        config = uvicorn.Config(
            self._app,
            log_level="critical",
            access_log=False,
            lifespan="on",
            ws="websockets-sansio",
            timeout_keep_alive=5,
            timeout_graceful_shutdown=1,
        )
        self._uvicorn = uvicorn.Server(config)
        started = threading.Event()
        self._thread = threading.Thread(
            target=self._serve, args=(started,), name="simulated-server", daemon=True
        )
        self._thread.start()
        if not started.wait(_START_TIMEOUT):
            self.stop()
            raise SimulatorStartError("the simulated server did not come up")
        self._simulation.start()

    def _bind(self) -> socket.socket:
        # asyncio turns Nagle's algorithm off only where the protocol says TCP; with
        # it, each answer on a kept connection waits 40 ms for the other side.
        kind = socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP
        listener = socket.socket(*kind)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", self._port))
            listener.listen(512)
        except OSError as error:
            listener.close()
            raise SimulatorStartError(
                f"port {self._port} is not free: {error.strerror}"
            ) from error
        return listener

    def _serve(self, started: threading.Event) -> None:
        server, listener = self._uvicorn, self._socket
        assert server is not None
        assert listener is not None

        async def main() -> None:
            self._loop = asyncio.get_running_loop()
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            while not server.started and not serving.done():
                await asyncio.sleep(0.005)
            started.set()
            await serving
            # Whoever has not hung up yet is cut off, as when a process ends.
            for connection in list(server.server_state.connections):
                connection.transport.abort()
            await asyncio.sleep(0)

        asyncio.run(main())

    def stop(self) -> None:
        """Stop as if the process were killed: a running job is found cancelled later.

        What is in `root` stays; without one everything is forgotten.
        """
        if self._simulation is not None:
            self._simulation.workers.stop()
        if self._uvicorn is not None and self._app is not None:
            self._run_in_loop(self._app.sockets.detach)
            self._uvicorn.should_exit = True
        if self._thread is not None:
            self._thread.join(timeout=10)
        if self._socket is not None:
            self._socket.close()
        if self._simulation is not None:
            self._simulation.stop()
        self._simulation = self._app = self._uvicorn = None
        self._thread = self._loop = self._socket = None

    def _run_in_loop(self, action: Callable[[], Coroutine[Any, Any, None]]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            asyncio.run_coroutine_threadsafe(action(), self._loop).result(timeout=30)

    def restart(self) -> None:
        """Stop and start again on the same port, as after a crash."""
        self.stop()
        self.start()

    def drop_sockets(self) -> None:
        """Close every event socket; clients may connect again at once."""
        if self._app is not None:
            self._run_in_loop(self._app.sockets.drop_all)
