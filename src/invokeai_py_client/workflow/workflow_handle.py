"""`WorkflowHandle`: a workflow with its current values, which can be run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Optional

from invokeai_py_client._core.flow import Flow
from invokeai_py_client._io.runner import Runner
from invokeai_py_client.exceptions import WorkflowError
from invokeai_py_client.image.image_handle import IvkImage
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.video.video_handle import IvkVideo
from invokeai_py_client.workflow import prepare_flows, submit_flows, wait_flows
from invokeai_py_client.workflow.base_handle import BaseWorkflowHandle, Seed
from invokeai_py_client.workflow.calls import BoardOption, Call, Desk
from invokeai_py_client.workflow.compiled import CompiledWorkflow
from invokeai_py_client.workflow.definition import WorkflowDefinition
from invokeai_py_client.workflow.enqueue_flows import OnFull
from invokeai_py_client.workflow.facts import Facts
from invokeai_py_client.workflow.known_server import KnownServer
from invokeai_py_client.workflow.media_reader import MediaReader
from invokeai_py_client.workflow.outputs import is_output_capable
from invokeai_py_client.workflow.results import OutputMapping, RunResult
from invokeai_py_client.workflow.submission import Submission
from invokeai_py_client.workflow.ticket import Ticket
from invokeai_py_client.workflow.wait_flows import OnProgress

__all__ = ["WorkflowHandle", "is_output_capable"]


class WorkflowHandle(BaseWorkflowHandle):
    """A workflow with its current values: set its inputs, run it, any number of times.

    The values of one call (``run(steps=30)``) are for that call; the handle's own
    change only by `set_inputs`, ``handle["steps"] = 30`` and the like. One handle may
    have any number of submissions at the same time.
    """

    def __init__(
        self,
        definition: WorkflowDefinition,
        catalog: NodeCatalog,
        *,
        runner: Runner,
        server: KnownServer,
        facts: Optional[Facts] = None,
    ) -> None:
        """Made by `WorkflowRepository`; sends nothing."""
        super().__init__(definition, catalog, facts=facts)
        self._runner = runner
        self._server = server
        self._read = MediaReader(IvkImage.bound_to(runner), IvkVideo.bound_to(runner))
        self._latest: Optional[Submission] = None
        self._unfinished: dict[str, Submission] = {}

    def run(
        self,
        inputs: Optional[Mapping[Any, Any]] = None,
        /,
        *,
        runs: int = 1,
        seed: Seed = "keep",
        board: BoardOption = None,
        timeout: Optional[float] = None,
        on_progress: Optional[OnProgress] = None,
        check: bool = True,
        **values: Any,
    ) -> RunResult[IvkImage, IvkVideo]:
        """Submit, wait for ever by default, and return what the jobs gave.

        Interrupted (Ctrl-C, a cancelled task), it cancels its own jobs; a timeout
        cancels nothing.

        Args:
            inputs: Values by anything that `get_input` takes, for this call only.
            runs: How often to run; see `seed`.
            seed: ``"keep"`` leaves seeds as they are in the handle, ``"random"``
                draws one for each run, a number sets every seed that can be set.
            board: Name or id of the board, or the board itself, that outputs left
                on "auto" go to; None for no board.
            timeout: Seconds for the wait.
            on_progress: Called with a `RunProgress` whenever something happens. An
                error that it raises ends the call and cancels nothing:
                `wait_for_completion` finds the jobs again.
            check: Raise when a job did not complete; False returns the result.
            **values: Values by name, for this call only.

        Raises:
            InputNotFoundError: A key means no input, or several.
            FieldValidationError: Values would be refused; nothing was sent.
            QueueFullError: The queue took fewer jobs; they were taken back.
            SubmissionUnknownError: A reply was lost and could not be settled.
            JobFailedError: A job failed; `.result` has everything that succeeded.
            JobCanceledError: A job was cancelled, deleted or lost.
            JobTimeoutError: The time was over first; the jobs go on.
            APIError: The server cannot be reached, or refuses.
        """
        wait_flows.checked_timeout(timeout)
        call = self._call(inputs, values, runs=runs, seed=seed, board=board)

        def follow(ticket: Ticket) -> Flow[RunResult[IvkImage, IvkVideo]]:
            self._remember(ticket)
            return wait_flows.wait(
                ticket,
                self._read,
                timeout=timeout,
                check=check,
                on_progress=on_progress,
                on_over=self._forget,
            )

        return self._runner.run(submit_flows.run(self._desk(), call, follow))

    def submit(
        self,
        inputs: Optional[Mapping[Any, Any]] = None,
        /,
        *,
        runs: int = 1,
        seed: Seed = "keep",
        board: BoardOption = None,
        key: Optional[str] = None,
        prepend: bool = False,
        on_full: OnFull = "error",
        **values: Any,
    ) -> Submission:
        """Put the workflow into the queue with its current values, exactly once.

        Args:
            inputs: Values by anything that `get_input` takes, for this call only.
            runs: How often to run; see `seed`.
            seed: ``"keep"`` leaves seeds as they are in the handle, ``"random"``
                draws one for each run, a number sets every seed that can be set.
            board: Name or id of the board, or the board itself, that outputs left
                on "auto" go to; None for no board.
            key: Makes it idempotent: whatever was submitted under this key before,
                by anybody on this server, is returned instead of being submitted
                again, as long as the queue still knows it.
            prepend: Put the jobs at the front of the queue.
            on_full: What to do when the queue takes only a part: ``"error"`` takes
                the part back and raises, ``"partial"`` is content with it,
                ``"wait"`` adds the rest as room appears and returns when all are in.
            **values: Values by name, for this call only.

        Raises:
            InputNotFoundError: A key means no input, or several.
            FieldValidationError: Values would be refused; nothing was sent.
            QueueFullError: The queue took fewer jobs; they were taken back.
            SubmissionUnknownError: A reply was lost and could not be settled.
            APIError: The server cannot be reached, or refuses.
        """
        call = self._call(
            inputs,
            values,
            runs=runs,
            seed=seed,
            board=board,
            key=key,
            prepend=prepend,
            on_full=on_full,
        )
        return self._redeem(submit_flows.submit(self._desk(), call))

    submit_sync = submit  # blocking only

    def preview(
        self,
        inputs: Optional[Mapping[Any, Any]] = None,
        /,
        *,
        runs: int = 1,
        seed: Seed = "keep",
        board: BoardOption = None,
        **values: Any,
    ) -> CompiledWorkflow:
        """What `submit` would enqueue now, with names resolved; nothing is enqueued.

        It asks the server for its node types, models, boards and the like, and uploads
        local pictures, which it would need names for. `compile` asks nobody.

        Args:
            inputs: Values by anything that `get_input` takes, for this call only.
            runs: How often to run.
            seed: As in `submit`; ``"random"`` draws others than `submit` will.
            board: Name or id of the board, or the board itself, that "auto" means.
            **values: Values by name, for this call only.

        Returns:
            Graph, batch data and warnings; `problems` has what would be refused.

        Raises:
            InputNotFoundError: A key means no input, or several.
            FieldValidationError: A model, board or picture does not exist.
            APIError: The server cannot be reached, or refuses.
        """
        call = self._call(inputs, values, runs=runs, seed=seed, board=board)
        return self._runner.run(prepare_flows.preview(self._desk(), call))

    def wait_for_completion(
        self,
        submission: Optional[Submission] = None,
        timeout: Optional[float] = None,
        check: bool = True,
        on_progress: Optional[OnProgress] = None,
    ) -> RunResult[IvkImage, IvkVideo]:
        """Wait for a submission of this handle, for ever by default.

        Args:
            submission: Which one; None for the only one that is not finished, else
                for the latest.
            timeout: Seconds for the whole wait.
            check: Raise when a job did not complete; False returns the result.
            on_progress: Called with a `RunProgress` whenever something happens.

        Raises:
            WorkflowError: Nothing was submitted, or several submissions are not
                finished.
            JobError: As `Submission.wait`.
        """
        chosen = submission or self._only_submission()
        return self._runner.run(
            wait_flows.wait(
                chosen._ticket,
                self._read,
                timeout=timeout,
                check=check,
                on_progress=on_progress,
                on_over=self._forget,
            )
        )

    wait_for_completion_sync = wait_for_completion  # blocking only

    def map_outputs(
        self, result: RunResult[IvkImage, IvkVideo]
    ) -> list[OutputMapping[IvkImage]]:
        """The images of each output node, in the file's order; see `list_outputs`.

        A node that gave no image (its job failed, or it ran in another workflow) has
        none here.
        """
        outputs = result.outputs
        found = []
        for output in self.list_outputs():
            given = outputs.get(output.node_id)
            images = given.images if given is not None else ()
            name = given.name if given is not None else output.name
            label = output.label or output.name
            found.append(OutputMapping(output.node_id, name, label, images))
        return found

    map_outputs_to_images = map_outputs

    def _call(
        self,
        inputs: Optional[Mapping[Any, Any]],
        values: Mapping[str, Any],
        *,
        runs: int = 1,
        seed: Seed = "keep",
        board: BoardOption = None,
        key: Optional[str] = None,
        prepend: bool = False,
        on_full: OnFull = "error",
    ) -> Call:
        return Call(
            handle=self,
            values=self._with_call_values(inputs, values, seed),
            batch_id=submit_flows.batch_id_of(key, self._server.queue_id),
            runs=runs,
            seed=seed,
            board=board,
            prepend=prepend,
            on_full=on_full,
            keyed=key is not None,
        )

    def _desk(self) -> Desk:
        return Desk(self._server, self._runner, self._redeem)

    def _redeem(self, flow: Flow[Ticket]) -> Submission:
        return self._remember(self._runner.run(flow))

    def _remember(self, ticket: Ticket) -> Submission:
        submission = Submission(self._runner, ticket, self._forget)
        self._latest = self._unfinished[ticket.id] = submission
        return submission

    def _forget(self, submission_id: str) -> None:
        self._unfinished.pop(submission_id, None)

    def _only_submission(self) -> Submission:
        unfinished: Sequence[Submission] = list(self._unfinished.values())
        if len(unfinished) > 1:
            ids = ", ".join(submission.id for submission in unfinished)
            raise WorkflowError(
                f"{len(unfinished)} submissions of this handle are not finished: {ids}",
                hint="say which one: wait_for_completion(submission)",
            )
        chosen = unfinished[0] if unfinished else self._latest
        if chosen is None:
            raise WorkflowError("nothing was submitted yet", hint="call submit() first")
        return chosen

    def _copied(self) -> WorkflowHandle:
        other = super()._copied()
        other._latest, other._unfinished = None, {}
        return other
