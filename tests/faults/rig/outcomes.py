"""What the fault tests have seen, counted, and written as a table."""

from __future__ import annotations

import re
import threading
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

START = "<!-- measured: begin -->"
END = "<!-- measured: end -->"

# What a submission can come to; the last three must never be.
GOOD = ("enqueued once", "refused", "unknown, raised")
BAD = ("lost", "silently doubled", "hung")


@dataclass
class Outcomes:
    """Counts of every kind of trial, filled by the tests of one session."""

    submissions: dict[str, Counter] = field(
        default_factory=lambda: defaultdict(Counter)
    )
    faults: dict[str, Counter] = field(default_factory=lambda: defaultdict(Counter))
    promises: dict[str, Counter] = field(default_factory=lambda: defaultdict(Counter))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def submission(self, stage: str, outcome: str) -> None:
        """Count how one submission under faults ended."""
        assert outcome in GOOD + BAD + ("settled later",), outcome
        with self._lock:
            self.submissions[stage][outcome] += 1

    def fault(self, kind: str, outcome: str, count: int = 1) -> None:
        """Count a fault by what its submission or wait came to."""
        with self._lock:
            self.faults[kind][outcome] += count

    def tried(self, promise: str, what: str, count: int = 1) -> None:
        """Count what was tried against a promise that held; `what` has no figures."""
        assert not re.search(r"\d", what), what
        with self._lock:
            self.promises[promise][what] += count

    def tables(self) -> str:
        """The measured part of the page."""
        return "\n".join([*self._stages(), "", *self._kinds(), "", *self._held()])

    def _stages(self) -> list[str]:
        columns = (*GOOD, "settled later", *BAD)
        lines = [
            "| submissions | schedules | " + " | ".join(columns) + " |",
            "| --- | ---: |" + " ---: |" * len(columns),
        ]
        for stage, counts in self.submissions.items():
            tried = sum(counts[word] for word in GOOD + BAD)
            row = " | ".join(f"{counts[word]:,}" for word in columns)
            lines.append(f"| {stage} | {tried:,} | {row} |")
        return lines

    def _kinds(self) -> list[str]:
        columns = sorted({word for counts in self.faults.values() for word in counts})
        lines = [
            "| fault | met | " + " | ".join(columns) + " |",
            "| --- | ---: |" + " ---: |" * len(columns),
        ]
        for kind, counts in sorted(self.faults.items()):
            row = " | ".join(f"{counts[word]:,}" for word in columns)
            lines.append(f"| {kind} | {sum(counts.values()):,} | {row} |")
        return lines

    def _held(self) -> list[str]:
        lines = ["| promise | what was tried |", "| --- | --- |"]
        for promise, counts in self.promises.items():
            tried = "; ".join(f"{count:,} {what}" for what, count in counts.items())
            lines.append(f"| {promise} | {tried} |")
        return lines

    def write(self, page: Path) -> None:
        """Put the tables between the marks of `page`."""
        text = page.read_text("utf-8")
        before, rest = text.split(START)
        after = rest.split(END)[1]
        page.write_text(f"{before}{START}\n\n{self.tables()}\n\n{END}{after}", "utf-8")
