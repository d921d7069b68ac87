"""A run or a submission on the server of a pool that is free first.

What could not be put into the queue of one server is given to the next, but only
when it is certain that nothing of it arrived.
"""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Optional, TypeVar

from invokeai_py_client._core.flow import Flow, elsewhere, gather, now
from invokeai_py_client._core.retry import is_passing
from invokeai_py_client._core.wait_loop import bounded
from invokeai_py_client.exceptions import APIError, FieldValidationError
from invokeai_py_client.queue import requests as queue_requests
from invokeai_py_client.queue.wait_flows import read_status
from invokeai_py_client.sweep.pool.enqueue_watch import EnqueueWatch
from invokeai_py_client.sweep.pool.pool_load import PoolLoad, ServerLoad
from invokeai_py_client.sweep.running.engine_flows import with_server
from invokeai_py_client.sweep.running.traits_flows import learn_traits
from invokeai_py_client.workflow.submitting.prepare_flows import SubmitContext
from invokeai_py_client.workflow.submitting.submit_flows import batch_id_of

logger = logging.getLogger("invokeai_py_client")

T = TypeVar("T")

STATUS_SECONDS = 5.0
"""Longest wait for what a server says of its queue, before a run is given out."""


class PoolServers:
    """The servers of a pool, and what they have to do."""

    def __init__(self, contexts: Sequence[SubmitContext]) -> None:
        self.contexts = {context.server.address: context for context in contexts}
        self.load = PoolLoad(list(self.contexts))

    def at(self, address: str, flow: Flow[T]) -> Flow[T]:
        """Run a flow by the client of a server."""
        return elsewhere(self.contexts[address].runner, flow)


def run_on_free(
    servers: PoolServers,
    jobs: int,
    make: Callable[[SubmitContext, Optional[float]], Flow[T]],
    *,
    timeout: Optional[float] = None,
    key: Optional[str] = None,
) -> Flow[T]:
    """Run a flow that submits so many jobs, on the server that is free first.

    Args:
        servers: Where.
        jobs: How many jobs it submits.
        make: Makes the flow for one server, given the seconds that are left for it.
        timeout: Seconds for everything.
        key: The key of the submission, which belongs to one server.

    Raises:
        APIError: As `make`; when no server can be reached, that of the last one.
    """
    load, tried = servers.load, set[str]()
    failure: Optional[APIError] = None
    end = math.inf if timeout is None else (yield from now()) + timeout
    if key is not None:
        home = yield from _home_of(servers, key)
        tried.update(servers.contexts.keys() - {home})
    while True:
        yield from _ask(servers, end)
        moment = yield from now()
        address = load.take(jobs, moment, tried)
        if address is None:
            assert failure is not None
            raise failure
        watch = EnqueueWatch()
        left = None if timeout is None else max(end - moment, 0.0)
        flow = make(servers.contexts[address], left)
        try:
            return (yield from servers.at(address, watch.follow(flow)))
        except FieldValidationError as error:
            if len(servers.contexts) == 1:
                raise
            raise with_server(error, address) from error
        except APIError as error:
            if watch.may_have_sent or not is_passing(error):
                raise
            failure = error
            tried.add(address)
            load.set_aside(address, (yield from now()))
            logger.warning("%s cannot be reached: %s", address, error.message)
        finally:
            load.free(address, jobs)


def _ask(servers: PoolServers, end: float) -> Flow[None]:
    """Learn how long the queues are that are not known well enough."""
    addresses = servers.load.to_ask((yield from now()))
    if len(servers.contexts) > 1 and addresses:
        asking = [servers.at(it, _ask_one(servers, it, end)) for it in addresses]
        yield from gather(asking, limit=len(asking))


def learn_devices(load: ServerLoad, end: float) -> Flow[None]:
    """Ask a server once how many jobs it runs at a time, until a moment.

    Raises:
        APIError: It does not answer.
    """
    if not load.is_known:
        traits = yield from bounded(learn_traits(), end)
        load.devices, load.is_known = traits.devices, True


def _ask_one(servers: PoolServers, address: str, end: float) -> Flow[None]:
    queue_id = servers.contexts[address].server.queue_id
    moment = yield from now()
    try:
        soon = min(moment + STATUS_SECONDS, end)
        yield from learn_devices(servers.load[address], soon)
        status = yield from bounded(read_status(queue_id), soon)
    except APIError as error:
        # What else is wrong the run itself will meet.
        if is_passing(error):
            logger.info("%s does not answer: %s", address, error.message)
            servers.load.set_aside(address, moment)
        return
    servers.load.note_queue(address, status.queue.unfinished)


def _home_of(servers: PoolServers, key: str) -> Flow[str]:
    """The server of a key: that which has jobs of it, else always the same one.

    Raises:
        APIError: A server cannot be asked, which may have them.
    """
    asking = [
        servers.at(address, _has_jobs(context, key))
        for address, context in servers.contexts.items()
    ]
    found = yield from gather(asking, limit=len(asking))
    for address, has_jobs in zip(servers.contexts, found):
        if has_jobs:
            return address
    return max(servers.contexts, key=partial(_affinity, key))


def _has_jobs(context: SubmitContext, key: str) -> Flow[bool]:
    queue_id = context.server.queue_id
    batch_id = batch_id_of(key, queue_id)
    status = yield from bounded(
        queue_requests.batch_status(queue_id, batch_id), math.inf
    )
    if status["total"]:
        return True
    return (yield from queue_requests.find_receipt(queue_id, batch_id)) is not None


def _affinity(key: str, address: str) -> bytes:
    return hashlib.sha256(f"{address}\n{key}".encode()).digest()
