"""One batch as a task for another process, and what that process reports.

A task is plain data. Whoever does it writes no ledger and gives no file its name: it
looks whether the batch is in the queue already, enqueues it if not, follows it,
downloads its files, and returns facts. A task that is done twice, because a worker died
or was thought to be dead, takes over the jobs of the first time: the id of the batch is
its key.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Optional, Protocol, Union

from invokeai_py_client._core.flow import Flow, gather, run_blocking
from invokeai_py_client.exceptions import InvokeAIError
from invokeai_py_client.sweep.batches.harvest_flows import (
    EVENT_KINDS,
    BatchHarvest,
    Found,
)
from invokeai_py_client.sweep.batches.outcomes import MediaName, Outcome
from invokeai_py_client.sweep.batches.payloads import jobs_of, request_of
from invokeai_py_client.sweep.batches.placing_flows import place
from invokeai_py_client.sweep.batches.request_counter import RequestCounter
from invokeai_py_client.sweep.batches.save_flows import (
    DOWNLOADS,
    RecentFiles,
    fetch,
)
from invokeai_py_client.sweep.folder.incoming import Incoming, new_name
from invokeai_py_client.sweep.folder.outputs import LocalOutputs
from invokeai_py_client.sweep.folder.saved_file import SavedFile
from invokeai_py_client.sweep.ledger.records import BatchRow
from invokeai_py_client.workflow.jobs.result_names import ResultNames
from invokeai_py_client.workflow.submitting.enqueue_options import EnqueueOutcome
from invokeai_py_client.workflow.waiting.watch_flows import listen_early


class ClientRecipe(Protocol):
    """How to make a blocking client; it can be pickled, and shows no credentials."""

    def open(self) -> Any:
        """Make the client."""


@dataclass(frozen=True)
class ChunkTask:
    """A batch to be done.

    Attributes:
        row: The batch as the ledger has it.
        queue_id: The queue that it belongs into.
        names: What the workflow's nodes are called.
        recipe: Makes a client of the batch's server.
        settle_time: Seconds to look for jobs whose reply was lost.
        incoming: The folder for files.
        tries: How many workers died at it.
        was_sent: The batch may have been sent before.
    """

    row: BatchRow = field(repr=False)
    queue_id: str
    names: ResultNames = field(repr=False)
    recipe: ClientRecipe
    settle_time: float
    incoming: Incoming
    tries: int = 0
    was_sent: bool = False

    @property
    def server(self) -> str:
        """The address of the server."""
        return self.row.server

    @property
    def key(self) -> str:
        """The id of the batch; a task that is given again has one of its own."""
        return self.row.id if not self.tries else f"{self.row.id}-{self.tries}"


@dataclass(frozen=True)
class WorkedFile:
    """A file that a worker downloaded.

    Attributes:
        saved: What it is.
        name: What it is called in the incoming folder.
        content: The file itself, if the worker does not see that folder.
    """

    saved: SavedFile
    name: str
    content: Optional[bytes] = field(default=None, repr=False)


@dataclass
class ChunkFacts:
    """What a worker found out.

    Attributes:
        placed: What became of enqueuing; None when that was done before.
        refusal: Why the server surely took nothing of the batch.
        found: Items that are over, with what became of each.
        files: What they made, or what becomes of items whose file cannot be had.
        jobless: Positions of items that the server never made a job of.
        requests: How many requests were sent.
        error: What ended the work too early; all else is true all the same.
    """

    placed: Optional[EnqueueOutcome] = None
    refusal: Optional[str] = None
    found: list[Found] = field(default_factory=list)
    files: dict[MediaName, Union[WorkedFile, Outcome]] = field(default_factory=dict)
    jobless: Sequence[int] = ()
    requests: int = 0
    error: Optional[InvokeAIError] = None


def do_chunk(task: ChunkTask) -> ChunkFacts:
    """Do a task, in the process of the worker.

    Raises:
        DriverGoneError: Nobody waits for it.
    """
    facts, counter = ChunkFacts(), RequestCounter()
    with _folder(task) as (folder, is_shared), task.recipe.open() as client:
        work = _Work(task, facts, folder)
        try:
            client._runner.run(counter.count(work.flow()))
        except InvokeAIError as error:
            facts.error = error
        facts.requests = counter.total
        if not is_shared:
            for file, worked in facts.files.items():
                if isinstance(worked, WorkedFile):
                    content = (folder / worked.name).read_bytes()
                    facts.files[file] = replace(worked, content=content)
    return facts


@contextmanager
def _folder(task: ChunkTask) -> Iterator[tuple[Path, bool]]:
    """Where files go, and whether that is the driver's folder."""
    if task.incoming.is_seen():
        yield task.incoming.path, True
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder), False


class _Work:
    """Enqueues, follows and fetches one batch; `facts` grow meanwhile."""

    def __init__(self, task: ChunkTask, facts: ChunkFacts, folder: Path) -> None:
        self._task = task
        self._facts = facts
        self._folder = folder

    def flow(self) -> Flow[None]:
        """Return when everything is known."""
        task, row, mailbox = self._task, self._task.row, None
        if row.state != "accepted":
            mailbox = yield from listen_early(task.queue_id, row.id, EVENT_KINDS)
            row = yield from self._place(row)
        harvest = BatchHarvest(row, task.queue_id, task.names, self._fetch, mailbox)
        self._facts.jobless = yield from harvest.run()

    def _place(self, row: BatchRow) -> Flow[BatchRow]:
        """The batch with its jobs, once they are in the queue."""
        task = self._task
        # What a worker sent that was killed may still be on its way.
        is_first = yield from run_blocking(partial(task.incoming.begin, row.id))
        placed = yield from place(
            request_of(row),
            task.settle_time,
            self._doubt,
            self._refuse,
            self._is_wanted,
            task.was_sent or not is_first,
        )
        # Somebody wants it: else that was an error.
        assert placed is not None
        self._facts.placed = placed
        jobs = jobs_of(row.id, placed, len(row.items))
        return replace(row, state="accepted", jobs=jobs)

    def _doubt(self, _: str) -> Flow[None]:
        """The ledger is not here."""
        yield from ()

    def _refuse(self, why: str) -> Flow[None]:
        self._facts.refusal = why
        yield from ()

    def _is_wanted(self) -> Flow[bool]:
        yield from run_blocking(self._task.incoming.is_seen)
        return True

    def _fetch(self, found: Sequence[Found]) -> Flow[None]:
        """Download what items made."""
        yield from run_blocking(self._task.incoming.is_seen)
        known = self._facts.files
        wanted = [f for _, outcome in found for f in outcome.made if f not in known]
        # The server's cache may give several items one image.
        files = list(dict.fromkeys(wanted))
        fetched = yield from gather(
            [self._fetch_one(file) for file in files], limit=DOWNLOADS
        )
        known.update(zip(files, fetched))
        self._facts.found += found

    def _fetch_one(self, file: MediaName) -> Flow[Union[WorkedFile, Outcome]]:
        name = new_name()
        outputs, recent = LocalOutputs(self._folder), RecentFiles()
        saved = yield from fetch(file, [name], outputs, recent, self._task.server)
        return saved if isinstance(saved, Outcome) else WorkedFile(saved, name)
