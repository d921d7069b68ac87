"""From values to jobs: prepare, then enqueue, exactly once.

Every request is prepared before the first is sent; a server that refuses what was
compiled with node types from our cache is asked for its own once. A caller who is
interrupted will never learn of the jobs, so they are taken back.
"""

from __future__ import annotations

import logging
import reprlib
import uuid
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Optional, TypeVar

from invokeai_py_client._core.flow import Flow, gather, now, on_interrupt
from invokeai_py_client._core.messages import Mailbox
from invokeai_py_client._core.wait_loop import within
from invokeai_py_client.exceptions import (
    APIError,
    APITimeoutError,
    InvokeAIError,
    JobTimeoutError,
    KeyConflictError,
    SubmissionUnknownError,
    UnprocessableEntityError,
)
from invokeai_py_client.nodes.template import UNSET
from invokeai_py_client.queue import requests as queue_requests
from invokeai_py_client.workflow.jobs.batch_request import BatchRequest
from invokeai_py_client.workflow.jobs.result_names import ResultNames
from invokeai_py_client.workflow.jobs.submission_record import (
    SubmissionRecord,
    SubmittedJob,
)
from invokeai_py_client.workflow.lookup.catalog_flows import fetch_catalog
from invokeai_py_client.workflow.submitting.enqueue_flows import (
    EnqueueAttempt,
    settle,
)
from invokeai_py_client.workflow.submitting.enqueue_options import (
    EnqueueOptions,
    EnqueueOutcome,
)
from invokeai_py_client.workflow.submitting.find_submission_flows import (
    result_names_of,
)
from invokeai_py_client.workflow.submitting.match_jobs import Difference
from invokeai_py_client.workflow.submitting.prepare_flows import (
    PreparedSubmission,
    SubmitContext,
    SubmitRequest,
    prepare,
)
from invokeai_py_client.workflow.submitting.refused_values import raise_refused
from invokeai_py_client.workflow.submitting.take_back_flows import take_back
from invokeai_py_client.workflow.waiting.watch_flows import listen_early

ResultT = TypeVar("ResultT")
SubmissionT = TypeVar("SubmissionT")
MakeSettle = Callable[[Callable[[], Flow[SubmissionRecord]]], Callable[[], Any]]
"""Makes the `settle()` of an error of the flow that settles one submission."""

logger = logging.getLogger("invokeai_py_client")

# A fixed namespace: a key always has the same batch id.
KEYS = uuid.UUID("5b1c1d0e-6f0c-5c7e-9a55-8d6f1f3b6a10")


def batch_id_of(key: Optional[str], queue_id: str) -> str:
    """A batch id: always the same for the same key, new without one."""
    if key is None:
        return str(uuid.uuid4())
    return str(uuid.uuid5(KEYS, f"{queue_id}\n{key}"))


def submit(
    context: SubmitContext, request: SubmitRequest[SubmissionT]
) -> Flow[SubmissionT]:
    """Put one request into the queue; see `WorkflowHandle.submit`."""
    prepared = yield from prepare(context, request)
    record = yield from _enqueue(context, prepared, _settle_one(context, request))
    return request.remember(record)


def submit_all(
    context: SubmitContext, requests: Sequence[SubmitRequest[Any]]
) -> Flow[list[Any]]:
    """Put several requests into the queue, in order; all are checked first.

    When one cannot be enqueued, those before it are taken back, unless it is not
    known what became of it: then they stay, and `settle()` of the error gives all.
    """
    batch: list[PreparedSubmission] = []
    # Two that make the same board must not do it at the same moment.
    limit = 1 if any(request.board.create for request in requests) else 4
    # One alone first: what it asks the server for, the others need not ask as well.
    for part in (requests[:1], requests[1:]):
        batch += yield from gather(
            [_prepare_and_look(context, request) for request in part], limit=limit
        )
    return (yield from _enqueue_all(context, batch, []))


def _enqueue_all(
    context: SubmitContext,
    batch: Sequence[PreparedSubmission],
    records: list[SubmissionRecord],
) -> Flow[list[Any]]:
    """Enqueue those that come after `records`; the submissions of all."""

    def make_settle(make: Callable[[], Flow[SubmissionRecord]]) -> Callable[[], Any]:
        return lambda: context.runner.run(go_on(make()))

    def go_on(settling: Flow[SubmissionRecord]) -> Flow[list[Any]]:
        known = [*records]
        try:
            known.append((yield from settling))
        except InvokeAIError as error:
            error.submissions = _submissions(batch, known)
            raise
        return (yield from _enqueue_all(context, batch, known))

    try:
        for item in batch[len(records) :]:
            record = yield from _enqueue(context, item, make_settle, records)
            records.append(record)
    except InvokeAIError as error:
        error.submissions = _submissions(batch, records)
        if not isinstance(error, SubmissionUnknownError):
            yield from _take_back(records)
        raise
    return list(_submissions(batch, records))


def _submissions(
    batch: Sequence[PreparedSubmission], records: Sequence[SubmissionRecord]
) -> tuple[Any, ...]:
    return tuple(item.request.remember(record) for item, record in zip(batch, records))


def run(
    context: SubmitContext,
    request: SubmitRequest[Any],
    follow: Callable[
        [SubmissionRecord, Optional[Mailbox], Optional[float]], Flow[ResultT]
    ],
    timeout: Optional[float],
) -> Flow[ResultT]:
    """Submit and wait; an interrupted caller's jobs are cancelled.

    Args:
        context: Where to submit.
        request: What to submit.
        follow: The wait for what was submitted, with the events heard since before,
            and until when.
        timeout: Seconds for everything.
    """
    end = None if timeout is None else (yield from now()) + timeout
    try:
        prepared = yield from within(prepare(context, request), end)
        early = listen_early(context.server.queue_id, request.batch_id)
        mailbox = yield from within(early, end)
        settle_one = _settle_one(context, request)
        record = yield from within(_enqueue(context, prepared, settle_one), end)
    except APITimeoutError as error:
        if end is None or (yield from now()) < end:
            raise
        raise JobTimeoutError(
            f"timed out after {timeout:g} s before anything was submitted: "
            f"{error.message}"
        ) from error
    # It hears nothing of a batch whose id was replaced.
    is_heard = record.batch_ids == (request.batch_id,)
    result = yield from follow(record, mailbox if is_heard else None, end)
    yield from on_interrupt(None)
    return result


def _settle_one(context: SubmitContext, request: SubmitRequest[Any]) -> MakeSettle:
    def settled(make: Callable[[], Flow[SubmissionRecord]]) -> Flow[Any]:
        return request.remember((yield from make()))

    return lambda make: lambda: context.runner.run(settled(make))


def _take_back(records: Sequence[SubmissionRecord]) -> Flow[None]:
    """Cancel what the caller will never learn of, but not what was there before."""
    for record in records:
        if record.adopted:
            continue
        try:
            yield from queue_requests.cancel_batches(record.queue_id, record.batch_ids)
        except APIError as error:
            text = "submission %s could not be taken back: %s"
            logger.warning(text, record.id, error)


def _prepare_and_look(
    context: SubmitContext, request: SubmitRequest[Any]
) -> Flow[PreparedSubmission]:
    prepared = yield from prepare(context, request)
    if prepared.batch.keyed:
        # It sends nothing, so there is nothing to settle.
        options = _options(context, prepared, _settle_one(context, request))
        yield from EnqueueAttempt(prepared.batch, options).match()
    return prepared


def _enqueue(
    context: SubmitContext,
    item: PreparedSubmission,
    make_settle: MakeSettle,
    before: Sequence[SubmissionRecord] = (),
) -> Flow[SubmissionRecord]:
    """Enqueue one; an interrupted caller's jobs and those of `before` are taken back.

    Raises:
        FieldValidationError: The server refuses values that the checks let pass.
        KeyConflictError: The key has jobs of other values.
        QueueFullError: The queue took fewer jobs; they were taken back.
        SubmissionUnknownError: A reply was lost and could not be settled.
    """

    def undo(batch: BatchRequest) -> Flow[None]:
        yield from take_back(batch)
        yield from _take_back(before)

    # Before anything is sent: the reply may be what is being waited for.
    attempt = EnqueueAttempt(item.batch, _options(context, item, make_settle))
    yield from on_interrupt(lambda: undo(attempt.request))
    try:
        outcome = yield from attempt.enqueue()
    except UnprocessableEntityError as error:
        again = yield from _with_fresh_catalog(context, item)
        if again is None:
            raise_refused(error, item)
        item = again
        attempt = EnqueueAttempt(item.batch, _options(context, item, make_settle))
        try:
            outcome = yield from attempt.enqueue()
        except UnprocessableEntityError as second:
            raise_refused(second, item)
    return _record(item, outcome)


def _with_fresh_catalog(
    context: SubmitContext, prepared: PreparedSubmission
) -> Flow[Optional[PreparedSubmission]]:
    """The request compiled anew when the server's nodes are not those we knew."""
    if context.server.catalog_is_fresh:
        return None
    logger.info("the server refused the batch: reading its node types again")
    catalog = yield from fetch_catalog(context.server)
    again = yield from prepare(context, prepared.request, catalog)
    before = {**prepared.batch.graph, "id": again.batch.graph["id"]}
    return None if again.batch.graph == before else again


def _options(
    context: SubmitContext,
    prepared: PreparedSubmission,
    make_settle: MakeSettle,
) -> EnqueueOptions:
    def settler(placed: Sequence[SubmittedJob]) -> Callable[[], Any]:
        return make_settle(lambda: settled(placed))

    def settled(placed: Sequence[SubmittedJob]) -> Flow[SubmissionRecord]:
        options = _options(context, prepared, make_settle)
        return _record(prepared, (yield from settle(prepared.batch, options, placed)))

    return EnqueueOptions(
        context.server.settle_time,
        prepared.request.on_full,
        settler,
        partial(_default_of, prepared),
        partial(_conflict, prepared),
        context.server.unacknowledged,
    )


def _default_of(prepared: PreparedSubmission, node_id: str, field_name: str) -> Any:
    node = prepared.compiled.loaded.nodes.get(node_id)
    template = node.template_of(field_name) if node else None
    return UNSET if template is None else template.default


def _conflict(
    prepared: PreparedSubmission, differences: Sequence[Difference]
) -> KeyConflictError:
    request, names = prepared.request, _result_names(prepared)
    inputs = {(place.node_id, place.field_name): place.name for place in names.inputs}
    lines = []
    for found in differences:
        node = names.title(found.node_id).label
        where = f"{node}.{found.field_name}" if found.field_name else f"node {node}"
        place = (found.node_id, found.field_name)
        name = inputs.get(place, where if found.node_id else found.field_name)
        lines.append(
            f"{name} is {_shown(found.there)} there, {_shown(found.here)} here"
        )
    if not lines:
        return KeyConflictError(
            f"the key {request.key!r} belongs to a submission whose jobs are gone from "
            "the queue, and the server does not take a key twice",
            key=str(request.key),
            batch_id=request.batch_id,
            differences=(),
        )
    more = f"; and {len(lines) - 5} more" if len(lines) > 5 else ""
    return KeyConflictError(
        f"the key {request.key!r} belongs to a submission of other values: "
        + "; ".join(lines[:5])
        + more,
        key=str(request.key),
        batch_id=request.batch_id,
        differences=lines,
    )


def _shown(value: Any) -> str:
    return "not set" if value is None else reprlib.repr(value)


def _result_names(prepared: PreparedSubmission) -> ResultNames:
    return result_names_of(prepared.request.handle, prepared.compiled)


def _record(prepared: PreparedSubmission, outcome: EnqueueOutcome) -> SubmissionRecord:
    batch, jobs = prepared.batch, outcome.jobs
    warnings = prepared.warnings + outcome.warnings
    if len(jobs) < outcome.requested:
        warnings += (f"the queue took {len(jobs)} of {outcome.requested} jobs",)
    return SubmissionRecord(
        id=outcome.batch_id,
        queue_id=batch.queue_id,
        jobs=jobs,
        requested=outcome.requested,
        result_names=_result_names(prepared),
        node_count=len(batch.graph["nodes"]),
        adopted=outcome.adopted,
        warnings=warnings,
    )
