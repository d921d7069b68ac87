"""Workers: each takes jobs off the queue and runs their sessions, one at a time."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Sequence
from typing import Any, Optional

from ..base.database import Row
from ..base.faults import node_failure
from ..graphs.node_schema import Node, Output
from ..nodes.node_api import IMPLEMENTATIONS, check_required
from ..nodes.node_context import CanceledError, Context, invocation_event
from ..nodes.services import Services
from ..nodes.stand_ins import stand_in_output
from ..session.if_branches import SkippedConditionError
from ..session.session import NodeInputError, Session
from .invocation_cache import InvocationCache
from .queue_operations import QueueOperations
from .queue_state import TERMINAL, ItemNotFoundError, QueueState, load_session

logger = logging.getLogger("invokeai_py_client.simulator")

# A session that cannot be read makes the real worker try again every second.
_BLOCKED_RETRY = 0.05


class WorkerDiedError(Exception):
    """An error that stops the real server's worker until a restart."""


class Worker:
    """Runs the jobs of one device in a thread.

    Args:
        device: What jobs say they ran on.
        claiming: Held by the worker that takes a job, of all that share the queue.
        services: The rest of the server.
        queue: Where the jobs are.
        operations: What users do with the queue.
        cache: The outputs that are remembered.
    """

    def __init__(
        self,
        device: str,
        claiming: threading.Lock,
        services: Services,
        queue: QueueState,
        operations: QueueOperations,
        cache: InvocationCache,
    ) -> None:
        self._device = device
        self._claiming = claiming
        self._services = services
        self._queue = queue
        self._operations = operations
        self._cache = cache
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._resumed = threading.Event()
        self._resumed.set()
        self.canceled = threading.Event()
        self.current_item: Optional[int] = None
        self._thread: Optional[threading.Thread] = None

    def start(self) -> None:
        """Begin to take jobs."""
        self._thread = threading.Thread(
            target=self._loop, name="simulated-processor", daemon=True
        )
        self._thread.start()

    def tell_to_stop(self) -> None:
        """Have the thread end after the node that runs."""
        self._stopping.set()
        self.canceled.set()
        self._resumed.set()
        self._wake.set()

    def join(self) -> None:
        """Wait for the end of the thread."""
        if self._thread is not None:
            self._thread.join(timeout=10)

    def pause(self) -> None:
        """Take no further jobs; the running one continues."""
        self._resumed.clear()

    def resume(self) -> None:
        """Take jobs again."""
        self._resumed.set()
        self._wake.set()

    def status(self) -> dict[str, bool]:
        """The reply of the pause and resume calls."""
        return {
            "is_started": self._resumed.is_set(),
            "is_processing": self.current_item is not None,
        }

    def on_event(self, event: str, payload: Any) -> None:
        """Apply events that concern the worker."""
        if event == "queue_item_status_changed":
            is_current = payload["item_id"] == self.current_item
            if is_current and payload["status"] in TERMINAL:
                self.canceled.set()
            self._wake.set()
        elif event in ("batch_enqueued", "queue_items_retried", "queue_items_canceled"):
            self._wake.set()
        elif event == "user_access_changed" and not payload["is_active"]:
            self._stop_serving(payload["user_id"])

    def _stop_serving(self, user_id: str) -> None:
        """Cancel the running job of an account that was disabled or deleted."""
        item_id = self.current_item
        if item_id is None:
            return
        try:
            if self._queue.item(item_id)["user_id"] == user_id:
                self._operations.cancel(item_id)
        except ItemNotFoundError:
            logger.debug("queue item %s was deleted before its user was", item_id)

    def _loop(self) -> None:
        while not self._stopping.is_set():
            self._resumed.wait()
            self._wake.clear()
            if self._stopping.is_set():
                return
            try:
                with self._claiming:
                    session = self._claim()
            except ValueError as error:
                logger.error("Error in session processor: %s", error)
                self._stopping.wait(_BLOCKED_RETRY)
                continue
            if self.current_item is None:
                self._wake.wait(1.0)
                continue
            try:
                if session is not None:
                    self._run_session(self._queue.item(self.current_item), session)
            except ItemNotFoundError:
                logger.debug("job %s was deleted while it ran", self.current_item)
            except WorkerDiedError as error:
                logger.error("Fatal Error in session processor: %s", error)
                return
            finally:
                self.current_item = None

    def _claim(self) -> Optional[Session]:
        """Take the next job, if there is one; its session, if it is to run.

        Raises:
            ValueError: It cannot be read, and blocks the queue.
        """
        row = self._queue.next_pending()
        if row is None:
            return None
        session = load_session(row, self._services.schemas)
        item_id = int(row["item_id"])
        self.canceled.clear()
        self.current_item = item_id
        try:
            if not self._services.users.is_served(row["user_id"]):
                self._operations.cancel(item_id)
            # It may have been cancelled or deleted since it was looked up.
            if self._queue.set_status(item_id, "in_progress", device=self._device):
                return session
        except ItemNotFoundError:
            logger.debug("job %s was deleted before it ran", item_id)
        return None

    def _run_session(self, row: Row, session: Session) -> None:
        item_id = int(row["item_id"])
        session.refuses_poison = self._services.settings.poison == "refuse"
        self.canceled.wait(self._services.settings.job_delay)
        while not self.canceled.is_set():
            try:
                node = session.next_node()
                if node is not None and session.refuses_poison:
                    session.refuse_unreadable(node)
            except (NodeInputError, SkippedConditionError) as error:
                self._fail(row, session, error.node, error)
                break
            if node is None or self.canceled.is_set():
                break
            self._run_node(row, session, node)
            if session.is_complete():
                break
        if self._stopping.is_set():
            return  # as if killed: the item is found in_progress at the next start
        self._save(item_id, session)
        finished = self._queue.item(item_id)["status"] in TERMINAL
        if not finished and session.is_complete():
            self._queue.set_status(item_id, "completed")

    def _run_node(self, row: Row, session: Session, node: Node) -> None:
        event = invocation_event(row, session, node)
        try:
            self._services.emit("invocation_started", event)
            self.canceled.wait(self._services.settings.node_delays.get(node.type, 0.0))
            failure = self._failure_of(node)
            if failure is not None:
                raise failure
            output = self._invoke(row, session, node)
            session.complete(node.id, output)
            result = output.model_dump(mode="json")
            self._services.emit("invocation_complete", {**event, "result": result})
        except CanceledError:
            logger.debug("node %s was cancelled", node.id)
        except Exception as error:  # noqa: BLE001 -- any error of a node fails its job
            self._fail(row, session, node, error)

    def _failure_of(self, node: Node) -> Optional[Exception]:
        failure = self._services.faults.take_node_failure(node.type)
        if failure is not None:
            return failure
        most = self._services.settings.max_pixels
        width, height = getattr(node, "width", 0), getattr(node, "height", 0)
        if most is not None and (width or 0) * (height or 0) > most:
            return node_failure("OutOfMemoryError")
        return None

    def _invoke(self, row: Row, session: Session, node: Node) -> Output:
        services = self._services
        check_required(node, services.schemas)
        key = self._cache.key(node) if node.use_cache else None
        if key is not None:
            remembered = self._cache.get(key)
            if remembered is not None:
                return remembered
        context = Context(services, self.canceled, row, session, node)
        implementation = IMPLEMENTATIONS.get(node.type)
        if implementation is None:
            fields = stand_in_output(node, context)
        else:
            fields = implementation(node, context)
        output = services.schemas.output_class_of(node.type)(**fields)
        if session.refuses_poison:
            session.refuse_result(node, output)
        if key is not None:
            self._cache.save(key, output)
        return output

    def _save(self, item_id: int, session: Session) -> None:
        # An edge may bring a value that the class of its node refuses (a `range` that
        # starts after its end), and a result may be infinite. The real server stores
        # it, cannot read it again and loses its worker.
        self._queue.save_session(item_id, session)
        if self._services.settings.poison == "imitate":
            try:
                session.check_readable()
            except ValueError as error:
                raise WorkerDiedError(str(error)) from error

    def _fail(
        self, row: Row, session: Session, node: Node, error: BaseException
    ) -> None:
        kind, message = type(error).__name__, str(error)
        trace = "".join(
            traceback.format_exception(type(error), error, error.__traceback__)
        )
        session.errors[node.id] = f"{kind}: {message}"
        self._save(int(row["item_id"]), session)
        self._queue.fail(row, session, node, (kind, message, trace))


class Workers:
    """The workers of a server, one for each device."""

    def __init__(
        self,
        devices: Sequence[str],
        services: Services,
        queue: QueueState,
        operations: QueueOperations,
        cache: InvocationCache,
    ) -> None:
        claiming = threading.Lock()
        self._workers = [
            Worker(device, claiming, services, queue, operations, cache)
            for device in devices
        ]

    def start(self) -> None:
        """Begin to take jobs."""
        for worker in self._workers:
            worker.start()

    def stop(self) -> None:
        """Stop after the nodes that run; what is left stays in the queue."""
        for worker in self._workers:
            worker.tell_to_stop()
        for worker in self._workers:
            worker.join()

    def pause(self) -> None:
        """Take no further jobs; those that run continue."""
        for worker in self._workers:
            worker.pause()

    def resume(self) -> None:
        """Take jobs again."""
        for worker in self._workers:
            worker.resume()

    def status(self) -> dict[str, bool]:
        """The reply of the pause and resume calls."""
        states = [worker.status() for worker in self._workers]
        return {key: any(state[key] for state in states) for key in states[0]}

    def on_event(self, event: str, payload: Any) -> None:
        """Apply events that concern a worker."""
        for worker in self._workers:
            worker.on_event(event, payload)
