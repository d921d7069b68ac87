"""The worker: takes jobs off the queue and runs their sessions, one at a time."""

from __future__ import annotations

import logging
import threading
import traceback
from typing import TYPE_CHECKING, Any, Optional

from pydantic import ValidationError

from .database import Row
from .execution import CanceledError, check_required, implementation_of
from .fallback import stand_in_output
from .node_context import NodeContext
from .node_schema import Node, Output
from .processor_events import invocation_event
from .queue_state import TERMINAL, ItemNotFoundError
from .session import NodeInputError, Session

if TYPE_CHECKING:
    from .simulation import Simulation

logger = logging.getLogger("invokeai_py_client.simulator")

# A session that cannot be read makes the real worker try again every second.
_BLOCKED_RETRY = 0.05


class ProcessorDiedError(Exception):
    """The worker met what kills the real server's worker for good."""


class Processor:
    """Runs the jobs of a simulation in a thread.

    Args:
        simulation: The server whose jobs to run.
    """

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
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

    def stop(self) -> None:
        """Stop after the node that runs; what is left stays in the queue."""
        self._stopping.set()
        self.canceled.set()
        self._resumed.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def pause(self) -> None:
        """Take no further job; the running one goes on."""
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
        """Notice events that concern the worker itself."""
        if event == "queue_item_status_changed":
            if (
                payload["item_id"] == self.current_item
                and payload["status"] in TERMINAL
            ):
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
            if self._simulation.queue.item(item_id)["user_id"] == user_id:
                self._simulation.operations.cancel(item_id)
        except ItemNotFoundError:
            logger.debug("queue item %s was deleted before its user was", item_id)

    def _loop(self) -> None:
        while not self._stopping.is_set():
            self._resumed.wait()
            self._wake.clear()
            if self._stopping.is_set():
                return
            row = self._simulation.queue.next_pending()
            if row is None:
                self._wake.wait(1.0)
                continue
            try:
                session = self._simulation.load_session(row)
            except ValidationError as error:
                logger.error("Error in session processor: %s", error)
                self._stopping.wait(_BLOCKED_RETRY)
                continue
            try:
                self._run_item(row, session)
            except ProcessorDiedError as error:
                logger.error("Fatal Error in session processor: %s", error)
                return

    def _run_item(self, row: Row, session: Session) -> None:
        queue, item_id = self._simulation.queue, int(row["item_id"])
        self.canceled.clear()
        self.current_item = item_id
        try:
            if not self._simulation.users.is_served(row["user_id"]):
                self._simulation.operations.cancel(item_id)
            # It may have been cancelled or deleted since it was looked up.
            if queue.set_status(item_id, "in_progress", device="cpu"):
                self._run_session(queue.item(item_id), session)
        except ItemNotFoundError:
            logger.debug("queue item %s was deleted while it ran", item_id)
        finally:
            self.current_item = None

    def _run_session(self, row: Row, session: Session) -> None:
        queue, item_id = self._simulation.queue, int(row["item_id"])
        self._pause(self._simulation.settings.job_delay)
        while not self.canceled.is_set():
            try:
                node = session.next_node()
                if node is not None and self._simulation.settings.poison == "refuse":
                    session.refuse_unreadable(node)
            except NodeInputError as error:
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
        finished = queue.item(item_id)["status"] in TERMINAL
        if not finished and session.is_complete():
            queue.set_status(item_id, "completed")
        self._simulation.calls.after_session(item_id, session)

    def _run_node(self, row: Row, session: Session, node: Node) -> None:
        event = invocation_event(row, session, node)
        try:
            self._simulation.emit("invocation_started", event)
            self._pause(self._simulation.settings.node_delays.get(node.type, 0.0))
            failure = self._simulation.faults.take_node_failure(node.type)
            if failure is not None:
                raise failure
            if node.type == "call_saved_workflow":
                self._simulation.calls.begin(row, session, node)
                return
            output = self._invoke(row, session, node)
            session.complete(node.id, output)
            result = output.model_dump(mode="json")
            self._simulation.emit("invocation_complete", {**event, "result": result})
        except CanceledError:
            logger.debug("node %s was cancelled", node.id)
        except Exception as error:  # noqa: BLE001 -- any error of a node fails its job
            self._fail(row, session, node, error)

    def _invoke(self, row: Row, session: Session, node: Node) -> Output:
        simulation = self._simulation
        check_required(node, simulation.schemas)
        key = simulation.cache.key(node) if node.use_cache else None
        if key is not None:
            remembered = simulation.cache.get(key)
            if remembered is not None:
                return remembered
        context = NodeContext(simulation, self, row, session, node)
        implementation = implementation_of(node.type)
        if implementation is None:
            fields = stand_in_output(node, context)
        else:
            fields = implementation(node, context)
        output = simulation.schemas.output_class_of(node.type)(**fields)
        if key is not None:
            simulation.cache.save(key, output)
        return output

    def _save(self, item_id: int, session: Session) -> None:
        """Store a session.

        An edge may bring a node into a state that its class refuses as a whole (a
        `range` that starts behind its end). The real server stores that, cannot read
        it again and loses its worker: nothing runs until it is restarted.

        Raises:
            ProcessorDiedError: This happened, and is to be imitated.
        """
        self._simulation.queue.save_session(item_id, session)
        if self._simulation.settings.poison == "imitate":
            try:
                session.check_readable()
            except ValidationError as error:
                raise ProcessorDiedError(str(error)) from error

    def _fail(
        self, row: Row, session: Session, node: Node, error: BaseException
    ) -> None:
        kind, message = type(error).__name__, str(error)
        trace = "".join(
            traceback.format_exception(type(error), error, error.__traceback__)
        )
        session.errors[node.id] = f"{kind}: {message}"
        self._save(int(row["item_id"]), session)
        # The status event leaves before the node's error event, as on the real server.
        self._simulation.queue.set_status(
            int(row["item_id"]), "failed", error=(kind, message, trace)
        )
        self._simulation.emit(
            "invocation_error",
            {
                **invocation_event(row, session, node),
                "error_type": kind,
                "error_message": message,
                "error_traceback": trace,
            },
        )

    def _pause(self, seconds: float) -> None:
        if seconds > 0:
            self.canceled.wait(seconds)

    def pause_for_step(self) -> None:
        """Take the time of one denoising step."""
        self._pause(self._simulation.settings.step_delay)
