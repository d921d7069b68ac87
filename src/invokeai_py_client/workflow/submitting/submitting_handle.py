"""What both workflow handles do to submit, and remember of it; nothing here waits."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Generic, Optional, TypeVar, Union

from invokeai_py_client._arguments import Name, Tag, checked, checks_arguments
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.messages import Mailbox
from invokeai_py_client.exceptions import ArgumentError, WorkflowError
from invokeai_py_client.image.board_flows import board_target
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.workflow.document.definition import WorkflowDefinition
from invokeai_py_client.workflow.editor.loaded_workflow import LoadedWorkflow
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle, Seed
from invokeai_py_client.workflow.inputs.python_script import python_script
from invokeai_py_client.workflow.jobs.submission_record import SubmissionRecord
from invokeai_py_client.workflow.locking.workflow_lock import WorkflowLock
from invokeai_py_client.workflow.lookup.known_server import KnownServer
from invokeai_py_client.workflow.results.build_result import MediaFactory
from invokeai_py_client.workflow.results.run_result import (
    ImageT,
    RunResult,
    VideoT,
)
from invokeai_py_client.workflow.submitting import submit_flows
from invokeai_py_client.workflow.submitting.enqueue_options import OnFull
from invokeai_py_client.workflow.submitting.prepare_flows import (
    BoardOption,
    Runs,
    SubmissionT,
    SubmitContext,
    SubmitRequest,
)
from invokeai_py_client.workflow.waiting import wait_flows
from invokeai_py_client.workflow.waiting.wait_flows import OnProgress

H = TypeVar("H", bound="SubmittingHandle[Any, Any, Any]")


@checks_arguments
class SubmittingHandle(BaseWorkflowHandle, Generic[SubmissionT, ImageT, VideoT]):
    """A workflow on a server, with the flows of running it.

    `WorkflowHandle` and its mirror run them.
    """

    def __init__(
        self,
        source: Union[WorkflowDefinition, LoadedWorkflow],
        catalog: NodeCatalog,
        *,
        runner: Any,
        server: KnownServer,
        lock: Optional[WorkflowLock] = None,
    ) -> None:
        """Made by `WorkflowRepository`; sends nothing."""
        super().__init__(source, catalog, lock=lock)
        self._runner = runner
        self._server = server
        self._latest: Optional[SubmissionT] = None
        self._unfinished: dict[str, SubmissionT] = {}

    def to_python(self, *, source: Optional[Name] = None) -> str:
        """Write the Python script that runs the workflow with its current values.

        It runs as it is, with the blocking client and without credentials. Models are
        given by name, images by name or file.

        Args:
            source: What the script loads: a file, an image's name, a name in the
                library; what this one was loaded from by default.

        Raises:
            ArgumentError: It was loaded from memory, and `source` is not given.
            WorkflowError: A value cannot be written down: an image that is only in
                memory.
        """
        chosen = source or self.definition.loaded_from
        if chosen is None:
            allowed = "a file, an image's name or a name in the library"
            hint = "the workflow was not loaded from any: say which one to load"
            raise ArgumentError("source", source, allowed, hint=hint)
        return python_script(self, chosen, self._server.address)

    @property
    def _read(self) -> MediaFactory[ImageT, VideoT]:
        """What makes the images and videos of results."""
        raise NotImplementedError

    def _new_submission(self, record: SubmissionRecord) -> SubmissionT:
        """The submission of what was put into the queue."""
        raise NotImplementedError

    def _run_flow(
        self,
        inputs: Optional[Mapping[Any, Any]],
        values: Mapping[str, Any],
        *,
        timeout: Optional[float],
        on_progress: Optional[OnProgress],
        check: bool,
        **options: Any,
    ) -> Flow[RunResult[ImageT, VideoT]]:
        """The flow of `run`."""
        request = self._request(inputs, values, **options)

        def follow(
            record: SubmissionRecord,
            mailbox: Optional[Mailbox],
            deadline: Optional[float],
        ) -> Flow[RunResult[ImageT, VideoT]]:
            self._remember(record)
            return wait_flows.wait(
                record,
                self._read,
                timeout=timeout,
                deadline=deadline,
                check=check,
                on_progress=on_progress,
                on_over=self._forget,
                mailbox=mailbox,
            )

        return submit_flows.run(self._context(), request, follow, timeout)

    def _submit_flow(
        self,
        inputs: Optional[Mapping[Any, Any]],
        values: Mapping[str, Any],
        **options: Any,
    ) -> Flow[SubmissionT]:
        """The flow of `submit`."""
        request = self._request(inputs, values, **options)
        return submit_flows.submit(self._context(), request)

    def _at(self: H, context: SubmitContext) -> H:
        """The same workflow, with its values, on another server."""
        other = copy.copy(self)
        other._runner, other._server = context.runner, context.server
        return other

    @checked
    def _request(
        self,
        inputs: Optional[Mapping[Any, Any]],
        values: Mapping[str, Any],
        *,
        runs: Runs = 1,
        seed: Seed = "keep",
        board: BoardOption = None,
        create: bool = False,
        tag: Tag = "ivk",
        key: Optional[Name] = None,
        prepend: bool = False,
        on_full: OnFull = "error",
    ) -> SubmitRequest[SubmissionT]:
        drawn_from: Optional[str] = None
        if key is None and self._server.names is not None:
            key = drawn_from = self._server.names.next_key()
        return SubmitRequest(
            handle=self,
            values=self._with_call_values(inputs, values, seed, drawn_from),
            batch_id=submit_flows.batch_id_of(key, self._server.queue_id),
            remember=self._remember,
            runs=runs,
            seed=seed,
            board=board_target(board, create),
            prepend=prepend,
            on_full=on_full,
            key=key,
            tag=tag,
            drawn_from=drawn_from,
        )

    def _context(self) -> SubmitContext:
        return SubmitContext(self._server, self._runner)

    def _remember(self, record: SubmissionRecord) -> SubmissionT:
        submission = self._new_submission(record)
        self._latest = self._unfinished[record.id] = submission
        return submission

    def _forget(self, submission_id: str) -> None:
        self._unfinished.pop(submission_id, None)

    def _only_submission(self) -> SubmissionT:
        if len(self._unfinished) > 1:
            raise WorkflowError(
                f"{len(self._unfinished)} submissions of this handle are not finished: "
                f"{', '.join(self._unfinished)}",
                hint="say which one: wait_for_completion(submission)",
            )
        chosen = next(iter(self._unfinished.values()), self._latest)
        if chosen is None:
            raise WorkflowError("nothing was submitted yet", hint="call submit() first")
        return chosen

    def __copy__(self: H) -> H:
        other = super().__copy__()
        other._latest, other._unfinished = None, {}
        return other
