"""Workers of a Dask cluster for sweeps; needs the extra `dask`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from functools import partial
from typing import Any, Optional

from invokeai_py_client._exports import set_module
from invokeai_py_client._version import extra_hint
from invokeai_py_client.exceptions import ArgumentError

try:
    import distributed
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"sweeps on Dask need {error.name}: {extra_hint('dask')}", name=error.name
    ) from None

__all__ = ["DaskExecutor"]

Resources = Mapping[str, float]


@set_module("invokeai_py_client.sweep.dask")
class DaskExecutor(Executor):
    """Gives the batches of a sweep to the workers of a Dask cluster.

    The key of a task is the id of its batch. Dask runs a task again when its worker
    dies, and the second run takes over the jobs of the first. Results of earlier tasks
    are never reused, and each is released when it has arrived.

    Closing it, or shutting it down, leaves the cluster and its client as they are.

    Example:
        ```python
        with DaskExecutor(distributed.Client("tcp://scheduler:8786")) as executor:
            plan.run("/shared/runs/lighthouse", servers=urls, executor=executor)
        ```
    """

    def __init__(
        self,
        client: distributed.Client,
        *,
        resources: Optional[Mapping[str, Resources]] = None,
        retries: int = 0,
    ) -> None:
        """Use a cluster.

        Args:
            client: A client of the cluster, one that blocks.
            resources: What a worker needs to have for the batches of a server, by the
                server's address: ``{"http://gpu1:9090": {"gpu1": 1}}`` has them done
                by workers that were started with ``--resources gpu1=2``, near it, at
                most two at a time.
            retries: How often Dask itself tries again what a worker failed at for
                reasons of its own. What a server refuses is not tried again.

        Raises:
            ArgumentError: The client is an asynchronous one.
        """
        if not isinstance(client, distributed.Client) or client.asynchronous:
            raise ArgumentError("client", client, "a distributed.Client that blocks")
        self._client = client
        self._resources = {
            url.rstrip("/"): dict(needed) for url, needed in (resources or {}).items()
        }
        # It waits for all results at the same time: one that was lost with its worker,
        # and is made again, holds up no other. It releases what has arrived.
        self._executor = client.get_executor(pure=False, retries=retries)
        self._is_shut = False

    def __repr__(self) -> str:
        return f"DaskExecutor({self._client!r})"

    def submit(
        self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> Future[Any]:
        """Have a function called by a worker.

        Args:
            fn: The function.
            args: Its arguments; the first may be a batch, which has a key and a server.
            kwargs: More of them.

        Raises:
            RuntimeError: It was shut down, or the client was closed.
        """
        if self._is_shut or self._client.status == "closed":
            raise RuntimeError("the executor was shut down, or its client is closed")
        task = args[0] if args else None
        future: Future[Any] = self._executor.submit(
            partial(fn, **kwargs),
            *args,
            key=getattr(task, "key", None),
            resources=self._resources.get(getattr(task, "server", "")),
        )
        return future

    def shutdown(self, *_: Any, **__: Any) -> None:
        """Take no more tasks; the cluster goes on with those that it has."""
        self._is_shut = True
