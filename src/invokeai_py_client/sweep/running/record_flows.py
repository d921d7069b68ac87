"""What became of a batch's items, written into the ledger: the driver's part of it.

A file is on the disk under its name before its item is done.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Union

from invokeai_py_client._core.flow import Flow, emit, gather, pause, run_blocking
from invokeai_py_client.sweep.batches.harvest_flows import Found
from invokeai_py_client.sweep.batches.outcomes import (
    INPUT_GONE,
    OUT_OF_MEMORY,
    MediaName,
    Outcome,
    with_limits,
)
from invokeai_py_client.sweep.batches.payloads import jobs_of
from invokeai_py_client.sweep.batches.save_flows import DOWNLOADS
from invokeai_py_client.sweep.folder.saved_file import SavedFile
from invokeai_py_client.sweep.ledger.records import BatchItem, OutputRow
from invokeai_py_client.sweep.running.sweep_run import (
    FinishedItem,
    SweepRun,
    SweepServer,
)
from invokeai_py_client.workflow.submitting.enqueue_options import EnqueueOutcome

logger = logging.getLogger("invokeai_py_client")

CLAIM_PAUSE = 0.1
"""Seconds until another is asked again whether it has put an item's files in place."""

Note = Callable[[int, int], Flow[None]]
"""Told how many items of a chunk are over, and how many are to do again."""
Saved = tuple[BatchItem, Outcome, list[OutputRow]]
Deliver = Callable[[MediaName, Sequence[str]], Flow[Union[SavedFile, Outcome]]]
"""Puts a file under each of the names, or says what becomes of its items without it."""


class BatchRecorder:
    """Records what is found out of one batch.

    Args:
        run: The run.
        server: The batch's server.
        batch_id: The id that was intended.
        note: Told what is over.
        deliver: Puts files where they belong.
    """

    def __init__(
        self,
        run: SweepRun,
        server: SweepServer,
        batch_id: str,
        note: Note,
        deliver: Deliver,
    ) -> None:
        self._run = run
        self._server = server
        self._batch_id = batch_id
        self._note = note
        self._deliver = deliver

    def record(self, found: Sequence[Found]) -> Flow[None]:
        """Fetch what items made, and write down what became of each."""
        ledger, batch_id = self._run.ledger, self._batch_id
        if not (yield from run_blocking(partial(ledger.is_batch_open, batch_id))):
            # The server was given up meanwhile: others make these, at the same paths.
            return
        found = [(item, self._second_look(item, outcome)) for item, outcome in found]
        made = [(item, outcome) for item, outcome in found if outcome.verdict == "done"]
        claims, indices = self._run.claims, [item.item.index for item, _ in made]
        while not claims.take(indices):
            yield from pause(CLAIM_PAUSE)
        try:
            is_late = yield from run_blocking(partial(ledger.are_done, indices))
            late: list[Saved] = []
            if is_late:
                # Another server was first: the names are those of its files.
                late = [(*pair, []) for pair in made if pair[0].item.index in is_late]
                made = [pair for pair in made if pair[0].item.index not in is_late]
            saved, others = yield from self._save(made)
            others += [pair for pair in found if pair[1].verdict != "done"]
            others = yield from run_blocking(partial(self._second_chances, others))
            write = partial(self._write_all, [*saved, *late], others)
            finished = yield from run_blocking(write)
        finally:
            claims.release(indices)
        back = sum(outcome.verdict == "again" for _, outcome in others)
        yield from self._note(len(found) - back, back)
        for item in finished:
            self._run.count(item)
            yield from emit(item)
        yield from self._run.report()
        self._run.check_failures()

    def _second_look(self, item: BatchItem, outcome: Outcome) -> Outcome:
        """The outcome, but for an upload that somebody deleted: it goes there again."""
        context = self._server.context
        if outcome.kind != INPUT_GONE or not context.server.uploads:
            return outcome
        # Preparing the item asks for its files again.
        context.lists.seen.clear()
        return with_limits(replace(outcome, verdict="again"), item.attempt)

    def finish(self, jobless: Sequence[int]) -> Flow[None]:
        """Close the batch.

        Args:
            jobless: Positions of items that the server never made a job of.
        """
        ledger, batch_id = self._run.ledger, self._batch_id
        if jobless:
            why = "the server made no job of it"
            send_back = partial(ledger.back_to_todo, batch_id, jobless, why)
            yield from run_blocking(send_back)
            yield from self._note(0, len(jobless))
        if (yield from run_blocking(partial(ledger.is_batch_open, batch_id))):
            yield from run_blocking(partial(ledger.mark_over, batch_id))

    def _save(self, made: Sequence[Found]) -> Flow[tuple[list[Saved], list[Found]]]:
        """Download what items made; those whose files cannot be had come back."""
        paths = {
            item.position: self._run.name_files(
                item.item, [file.kind for file in outcome.made], _executed(outcome)
            )
            for item, outcome in made
        }
        # The server's cache may give several items one image.
        wanted: dict[MediaName, list[str]] = {}
        for item, outcome in made:
            for file, path in zip(outcome.made, paths[item.position]):
                wanted.setdefault(file, []).append(path)
        saving = [self._deliver(file, names) for file, names in wanted.items()]
        saved = dict(zip(wanted, (yield from gather(saving, limit=DOWNLOADS))))
        saved_names = [name for names in wanted.values() for name in names]
        yield from run_blocking(partial(self._run.outputs.sync, saved_names))
        done, others = [], []
        for item, outcome in made:
            failure = next(
                (saved[f] for f in outcome.made if isinstance(saved[f], Outcome)), None
            )
            if isinstance(failure, Outcome):
                others.append((item, with_limits(failure, item.attempt)))
                continue
            rows = [
                _output_row(ordinal, file.name, path, saved[file])
                for ordinal, (file, path) in enumerate(
                    zip(outcome.made, paths[item.position])
                )
            ]
            done.append((item, outcome, rows))
        return done, others

    def _second_chances(self, found: Sequence[Found]) -> list[Found]:
        """What ran out of memory is made again where there is more of it, once."""
        judged = []
        for item, outcome in found:
            if outcome.verdict == "failed" and outcome.kind == OUT_OF_MEMORY:
                told = item.item.index, self._server.url, outcome.text
                if self._run.may_move(*told):
                    outcome = replace(outcome, verdict="again")
            judged.append((item, outcome))
        return judged

    def _write_all(
        self, saved: Sequence[Saved], others: Sequence[Found]
    ) -> list[FinishedItem]:
        """Write verdicts into the ledger; those that count come back."""
        with self._run.ledger.group():
            return self._write(saved, others)

    def _write(
        self, saved: Sequence[Saved], others: Sequence[Found]
    ) -> list[FinishedItem]:
        ledger, batch_id = self._run.ledger, self._batch_id
        finished = []
        for item, outcome, rows in saved:
            executed = _executed(outcome)
            if ledger.done(batch_id, item.position, rows, executed):
                finished.append(self._finished(item, outcome, rows))
        back: dict[str, list[int]] = {}
        for item, outcome in others:
            if outcome.verdict == "again":
                back.setdefault(outcome.kind, []).append(item.position)
                continue
            place = (batch_id, item.position)
            if ledger.failed(*place, outcome.kind, outcome.text):
                finished.append(self._finished(item, outcome, ()))
        for why, positions in back.items():
            ledger.back_to_todo(batch_id, positions, why)
        return finished

    def _finished(
        self, item: BatchItem, outcome: Outcome, rows: Sequence[OutputRow]
    ) -> FinishedItem:
        is_done = outcome.verdict == "done"
        return FinishedItem(
            index=item.item.index,
            key=item.item.key,
            values=item.item.values,
            status="done" if is_done else "failed",
            paths=tuple(self._run.outputs.address(row.path) for row in rows),
            seeds=outcome.seeds,
            kind=outcome.kind or None,
            error=outcome.text or None,
            server=self._server.url,
        )


def accept(
    run: SweepRun, batch_id: str, items: int, placed: EnqueueOutcome
) -> Flow[None]:
    """Note the jobs of a batch that is in the queue.

    Args:
        run: The run.
        batch_id: The id that was intended.
        items: How many items it has.
        placed: What the server took.
    """
    for warning in placed.warnings:
        logger.warning("batch %s: %s", batch_id, warning)
    jobs = jobs_of(batch_id, placed, items)
    yield from run_blocking(partial(run.ledger.accept, batch_id, jobs))


def _executed(outcome: Outcome) -> dict[str, Any]:
    return {
        "seeds": dict(outcome.seeds),
        "session_id": outcome.session_id,
        "seconds": outcome.seconds,
    }


def _output_row(
    ordinal: int, name: str, path: str, saved: Union[SavedFile, Outcome]
) -> OutputRow:
    assert isinstance(saved, SavedFile)
    return OutputRow(
        ordinal=ordinal,
        image_name=name,
        path=path,
        sha256=saved.sha256,
        bytes=saved.bytes,
        width=saved.width,
        height=saved.height,
    )
