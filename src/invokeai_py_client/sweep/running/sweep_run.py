"""What all flows of one run share: the ledger, where files go, when to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Optional, Protocol, Union

from invokeai_py_client._core.flow import Flow
from invokeai_py_client._exports import one_line, set_module
from invokeai_py_client.exceptions import SweepError
from invokeai_py_client.exceptions.base import short_repr
from invokeai_py_client.image.board_flows import NO_BOARD, BoardTarget
from invokeai_py_client.sweep.batches.request_counter import RequestCounter
from invokeai_py_client.sweep.batches.save_flows import RecentFiles
from invokeai_py_client.sweep.folder.incoming import Incoming
from invokeai_py_client.sweep.folder.outputs import Outputs
from invokeai_py_client.sweep.folder.remote_target import RemoteFile
from invokeai_py_client.sweep.ledger.ledger import Ledger
from invokeai_py_client.sweep.ledger.records import LedgerItem
from invokeai_py_client.sweep.running.progress import ServerProgress
from invokeai_py_client.sweep.running.traits_flows import USUAL, ServerTraits
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle
from invokeai_py_client.workflow.jobs.result_names import ResultNames
from invokeai_py_client.workflow.submitting.prepare_flows import SubmitContext

ServerCopy = Literal["keep", "delete"]


@set_module("invokeai_py_client.sweep")
@dataclass(frozen=True)
class FinishedItem:
    """An item that is over.

    Attributes:
        index: Its place in the plan, from 0.
        key: Its identity.
        values: Its plain values by input name.
        status: ``"done"`` or ``"failed"``.
        paths: Its files, in order; of `outputs=` they are `RemoteFile`s.
        seeds: The seeds as executed, by name.
        kind: Why it failed, such as ``"out_of_memory"``; see `Sweep.retry`.
        error: The same, for people.
        server: The server that made it.
    """

    index: int
    key: str
    values: Mapping[str, Any]
    status: Literal["done", "failed"]
    paths: tuple[Union[Path, RemoteFile], ...] = ()
    seeds: Mapping[str, Any] = field(default_factory=dict)
    kind: Optional[str] = None
    error: Optional[str] = None
    server: str = ""

    def __repr__(self) -> str:
        files = ", ".join(path.name for path in self.paths) or self.kind or "no file"
        values = ", ".join(f"{k}={short_repr(v)}" for k, v in self.values.items())
        return one_line(f"<FinishedItem {self.index} {self.status}: {files}; {values}>")


class NameFiles(Protocol):
    """Says where the files of an item go."""

    def __call__(
        self, item: LedgerItem, kinds: Sequence[str], executed: Mapping[str, Any]
    ) -> list[str]:
        """One path for each file, relative to the target, with forward slashes."""
        ...


@dataclass
class SweepServer:
    """A server, and the workflow as its client compiles it.

    Attributes:
        url: Its address.
        names: What the workflow's nodes are called, to read sessions.
        board: Where outputs go that are left on "auto".
        traits: What it says of itself.
        jobs_per_item: How many jobs its workflow makes of an item, as far as known.
    """

    url: str
    context: SubmitContext
    handle: BaseWorkflowHandle
    names: ResultNames
    board: BoardTarget = NO_BOARD
    traits: ServerTraits = USUAL
    jobs_per_item: int = 1


@dataclass
class Workers:
    """Processes elsewhere that do batches for us.

    Attributes:
        executor: What gives them tasks; None once it is broken.
        incoming: Where they put files.
    """

    executor: Optional[Executor]
    incoming: Incoming


def _no_report() -> Flow[None]:
    yield from ()


class ItemClaims:
    """The items whose files are being put into place; threads may share it.

    Two servers may have made an item: of one the files get the names, and it is done
    before those of the other could.
    """

    def __init__(self) -> None:
        self._claimed: set[int] = set()
        self._lock = threading.Lock()

    def take(self, indices: Sequence[int]) -> bool:
        """Claim all of these items, or none while another has one of them."""
        with self._lock:
            if not self._claimed.isdisjoint(indices):
                return False
            self._claimed.update(indices)
            return True

    def release(self, indices: Sequence[int]) -> None:
        """Let others have them."""
        with self._lock:
            self._claimed.difference_update(indices)


@dataclass
class SweepRun:
    """One run of a sweep.

    Attributes:
        folder: Where files begin that came with the plan.
        outputs: Where files go.
        urls: The addresses of the servers.
        max_failures: How many items may fail before the run ends; None for any.
        report: Called after each group of items that ended, and when a server is lost.
        is_ending: Whether it is to send nothing more.
        claims: Whose files are being put into place.
        recent: What was saved lately.
        requests: How many requests were sent.
        workers: Who does batches; None when this process does.
        failures: How many items have failed in this run.
        in_flight_at: How many items a server has, by its address; None while it is out
            of reach.
        may_move: Told the index of an item that ran out of memory, where, and in
            what words; whether it is to be tried on a larger server.
    """

    ledger: Ledger
    folder: Path
    outputs: Outputs
    name_files: NameFiles
    tag: str
    urls: Sequence[str]
    server_copy: ServerCopy = "keep"
    max_failures: Optional[int] = None
    report: Callable[[], Flow[None]] = _no_report
    is_ending: Callable[[], bool] = lambda: False
    claims: ItemClaims = field(default_factory=ItemClaims)
    recent: RecentFiles = field(default_factory=RecentFiles)
    requests: RequestCounter = field(default_factory=RequestCounter)
    workers: Optional[Workers] = None
    failures: int = 0
    may_move: Callable[[int, str, str], bool] = lambda *_: False
    in_flight_at: Callable[[str], Optional[int]] = lambda _: 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._done_by: dict[str, int] = {}

    def count(self, item: FinishedItem) -> None:
        """Count an item that ended."""
        with self._lock:
            self.failures += item.status == "failed"
            done = self._done_by.get(item.server, 0) + (item.status == "done")
            self._done_by[item.server] = done

    def server_progress(self) -> tuple[ServerProgress, ...]:
        """What each server does."""
        found = []
        for url in self.urls:
            in_flight = self.in_flight_at(url)
            done = self._done_by.get(url, 0)
            is_reachable = in_flight is not None
            found.append(ServerProgress(url, done, in_flight or 0, is_reachable))
        return tuple(found)

    def check_failures(self) -> None:
        """End the run when too many items have failed in it.

        Raises:
            SweepError: They have; everything is recorded.
        """
        if self.max_failures is not None and self.failures > self.max_failures:
            raise SweepError(
                f"{self.failures} items failed, more than max_failures="
                f"{self.max_failures} allows",
                hint="what is in the queue goes on; run the sweep again to go on",
            )
