# Generated from workflow/workflow_handle.py by scripts/generate_async.py; do not edit.
"""`AsyncWorkflowHandle`: a workflow with its current values, which can be run."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Optional

from invokeai_py_client._aio.image_handle import AsyncIvkImage
from invokeai_py_client._aio.submission import AsyncSubmission
from invokeai_py_client._aio.video_handle import AsyncIvkVideo
from invokeai_py_client._arguments import (
    Name,
    Seconds,
    Tag,
    checks_arguments,
)
from invokeai_py_client._exports import set_module
from invokeai_py_client._io.runner import AsyncRunner
from invokeai_py_client.image.board_flows import board_target
from invokeai_py_client.workflow.compiling.compiled_workflow import CompiledWorkflow
from invokeai_py_client.workflow.inputs.base_handle import Seed
from invokeai_py_client.workflow.inputs.outputs import (
    is_output_capable as is_output_capable,  # what `list_outputs` asks
)
from invokeai_py_client.workflow.jobs.submission_record import SubmissionRecord
from invokeai_py_client.workflow.results.build_result import MediaFactory
from invokeai_py_client.workflow.results.run_result import OutputMapping, RunResult
from invokeai_py_client.workflow.submitting import prepare_flows
from invokeai_py_client.workflow.submitting.enqueue_options import OnFull
from invokeai_py_client.workflow.submitting.prepare_flows import (
    BoardOption,
    Runs,
)
from invokeai_py_client.workflow.submitting.submitting_handle import SubmittingHandle
from invokeai_py_client.workflow.waiting import wait_flows
from invokeai_py_client.workflow.waiting.wait_flows import OnProgress

if TYPE_CHECKING:
    from invokeai_py_client._aio.sweep_plan import AsyncSweepPlan


@checks_arguments
@set_module("invokeai_py_client")
class AsyncWorkflowHandle(
    SubmittingHandle[AsyncSubmission, AsyncIvkImage, AsyncIvkVideo]
):
    """A workflow with its current values: set its inputs, run it, any number of times.

    The values of one call (``run(steps=30)``) are for that call; the handle's own
    change only by `set_inputs`, ``handle["steps"] = 30`` and the like. One handle may
    have any number of submissions at the same time.
    """

    _runner: AsyncRunner

    async def run(
        self,
        inputs: Optional[Mapping[Any, Any]] = None,
        /,
        *,
        runs: Runs = 1,
        seed: Seed = "keep",
        board: BoardOption = None,
        create: bool = False,
        tag: Tag = "ivk",
        timeout: Optional[Seconds] = None,
        on_progress: Optional[OnProgress] = None,
        check: bool = True,
        **values: Any,
    ) -> RunResult[AsyncIvkImage, AsyncIvkVideo]:
        """Submit, wait without a limit by default, and return the results of the jobs.

        Interrupted (Ctrl-C, a cancelled task), it cancels its own jobs; a timeout
        cancels nothing.

        Args:
            inputs: Values by anything that `get_input` takes, for this call only; the
                empty cells (NaN) of a table's row are not given.
            runs: How often to run; see `seed`.
            seed: ``"keep"`` leaves seeds as they are in the handle, ``"random"``
                draws one for each run, a number sets every seed that can be set.
            board: Name or id of the board, or the board itself, that outputs left
                on "auto" go to; None for no board.
            create: Create a board of the name `board`, which must be given, if there
                is none.
            tag: Marks the jobs as yours: `queue_repo.cancel_tagged` and `count_tagged`
                find them by it.
            timeout: Seconds for everything: preparing, submitting and waiting.
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
            JobTimeoutError: The timeout expired; the jobs go on, if any were submitted.
            APIError: The server cannot be reached, or refuses.
        """
        return await self._runner.run(
            self._run_flow(
                inputs,
                values,
                runs=runs,
                seed=seed,
                board=board,
                create=create,
                tag=tag,
                timeout=timeout,
                on_progress=on_progress,
                check=check,
            )
        )

    async def submit(
        self,
        inputs: Optional[Mapping[Any, Any]] = None,
        /,
        *,
        runs: Runs = 1,
        seed: Seed = "keep",
        board: BoardOption = None,
        create: bool = False,
        tag: Tag = "ivk",
        key: Optional[Name] = None,
        prepend: bool = False,
        on_full: OnFull = "error",
        **values: Any,
    ) -> AsyncSubmission:
        """Put the workflow into the queue with its current values, exactly once.

        Args:
            inputs: Values by anything that `get_input` takes, for this call only; the
                empty cells (NaN) of a table's row are not given.
            runs: How often to run; see `seed`.
            seed: ``"keep"`` leaves seeds as they are in the handle, ``"random"``
                draws one for each run, a number sets every seed that can be set.
            board: Name or id of the board, or the board itself, that outputs left
                on "auto" go to; None for no board.
            create: Create a board of the name `board`, which must be given, if there
                is none.
            tag: Marks the jobs as yours: `queue_repo.cancel_tagged` and `count_tagged`
                find them by it.
            key: Makes it idempotent: what was submitted under this key before, by any
                client of this server, is returned instead of submitted again, as long
                as the queue still knows it. Missing jobs are added, second copies
                removed, and `AsyncSubmission.warnings` say so.
            prepend: Put the jobs at the front of the queue.
            on_full: What to do when the queue takes only a part: ``"error"`` takes
                the part back and raises, ``"partial"`` is content with it,
                ``"wait"`` adds the rest as room appears and returns when all are in.
            **values: Values by name, for this call only.

        Raises:
            InputNotFoundError: A key means no input, or several.
            FieldValidationError: Values would be refused; nothing was sent.
            KeyConflictError: The key belongs to a submission of other values.
            QueueFullError: The queue took fewer jobs; they were taken back.
            SubmissionUnknownError: A reply was lost and could not be settled.
            APIError: The server cannot be reached, or refuses.
        """
        return await self._runner.run(
            self._submit_flow(
                inputs,
                values,
                runs=runs,
                seed=seed,
                board=board,
                create=create,
                tag=tag,
                key=key,
                prepend=prepend,
                on_full=on_full,
            )
        )

    def sweep(
        self,
        *,
        product: Optional[Mapping[Any, Any]] = None,
        zip: Optional[Mapping[Any, Any]] = None,
        rows: Any = None,
        runs: Runs = 1,
        key: Optional[Name] = None,
        seed: Seed = "keep",
        board: BoardOption = None,
    ) -> AsyncSweepPlan:
        """Plan runs with different values; nothing is sent before the plan is run.

        `rows` and `zip` are one axis each, every entry of `product` is one, `runs` the
        last. All are multiplied, and the first varies slowest. Inputs are meant by
        anything that `get_input` takes, and by ``"node.field"`` beyond the form. A
        value may be a function of the item's other values. What the plan does not set
        keeps the value that this handle has now.

        Args:
            product: Values by input; all combinations are made.
            zip: Values by input, side by side: all of one length.
            rows: A table whose columns are inputs: a file (CSV, JSON, JSON lines), a
                list of mappings, a data frame. An empty cell sets nothing.
            runs: How often everything is repeated.
            key: Template of the items' names, which must differ, such as
                ``"{positive_prompt:slug}-{seed}"``; digests of their values by default.
            seed: ``"keep"`` leaves seeds as they are in the handle, ``"random"`` draws
                one for each item and records it, a number sets every seed.
            board: Name or id of the board, or the board itself, that outputs left on
                "auto" go to; None for no board.

        Raises:
            ArgumentError: An axis is empty, or lists of `zip` have different lengths.
            InputNotFoundError: A column means no input, or several.
            FieldValidationError: An input cannot be set, or is set twice. What is wrong
                with values is in `problems` of the plan.
        """
        # Imported here: a script may never need one.
        from invokeai_py_client._aio.sweep_plan import AsyncSweepPlan
        from invokeai_py_client.sweep.chunks.plan_request import PlanRequest

        request = PlanRequest(
            copy.copy(self),
            product=product,
            zip=zip,
            rows=rows,
            runs=runs,
            key=key,
            seed=seed,
            board=board_target(board, create=False),
        )
        return AsyncSweepPlan(request, runner=self._runner, server=self._server)

    async def preview(
        self,
        inputs: Optional[Mapping[Any, Any]] = None,
        /,
        *,
        runs: Runs = 1,
        seed: Seed = "keep",
        board: BoardOption = None,
        **values: Any,
    ) -> CompiledWorkflow:
        """What `submit` would enqueue now, with names resolved; nothing is enqueued.

        It asks the server for its node types, models, boards and the like, and uploads
        local images, which it would need names for. `compile` asks nobody.

        Args:
            inputs: Values by anything that `get_input` takes, for this call only; the
                empty cells (NaN) of a table's row are not given.
            runs: How often to run.
            seed: As in `submit`; ``"random"`` draws others than `submit` will.
            board: Name or id of the board, or the board itself, that "auto" means.
            **values: Values by name, for this call only.

        Returns:
            Graph, batch data and warnings; `problems` has what would be refused.

        Raises:
            InputNotFoundError: A key means no input, or several.
            FieldValidationError: A model, board or image does not exist.
            APIError: The server cannot be reached, or refuses.
        """
        request = self._request(inputs, values, runs=runs, seed=seed, board=board)
        return await self._runner.run(prepare_flows.preview(self._context(), request))

    async def wait_for_completion(
        self,
        submission: Optional[AsyncSubmission] = None,
        *,
        timeout: Optional[Seconds] = None,
        check: bool = True,
        on_progress: Optional[OnProgress] = None,
    ) -> RunResult[AsyncIvkImage, AsyncIvkVideo]:
        """Wait for a submission of this handle, without a limit by default.

        Args:
            submission: Which one; None for the only one that is not finished, else
                for the latest.
            timeout: Seconds for the whole wait.
            check: Raise when a job did not complete; False returns the result.
            on_progress: Called with a `RunProgress` whenever something happens.

        Raises:
            WorkflowError: Nothing was submitted, or several submissions are not
                finished.
            JobError: As `AsyncSubmission.wait`.
        """
        chosen = self._only_submission() if submission is None else submission
        return await self._runner.run(
            wait_flows.wait(
                chosen._record,
                self._read,
                timeout=timeout,
                check=check,
                on_progress=on_progress,
                on_over=self._forget,
            )
        )

    def map_outputs(
        self, result: RunResult[AsyncIvkImage, AsyncIvkVideo]
    ) -> list[OutputMapping[AsyncIvkImage]]:
        """The images of each output node, in the file's order; see `list_outputs`.

        A node without an image (its job failed, or it ran in another workflow) has an
        empty tuple.
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

    @property
    def _read(self) -> MediaFactory[AsyncIvkImage, AsyncIvkVideo]:
        runner = self._runner
        return MediaFactory(
            AsyncIvkImage.bound_to(runner), AsyncIvkVideo.bound_to(runner)
        )

    def _new_submission(self, record: SubmissionRecord) -> AsyncSubmission:
        return AsyncSubmission(self._runner, record, self._forget)
