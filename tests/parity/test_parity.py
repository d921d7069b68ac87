"""The payload is the GUI's: for every golden, field by field."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest
from goldens import own_goldens, shared_goldens
from payload_parity import DIFFERENCES, entries_of, unexplained

CLASSES = {"lenient load", "raw value kept", "works here", "refused here"}
OWN = {golden.name: golden for golden in own_goldens()}


@pytest.mark.parametrize("name", OWN)
def test_payload_is_the_guis(name: str) -> None:
    assert unexplained(OWN[name]) == []


def test_payload_is_the_guis_for_every_golden(
    shared_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    goldens = dict(shared_goldens(shared_dir))
    absent = [name for name, golden in goldens.items() if golden is None]
    known = [golden for golden in goldens.values() if golden is not None]
    loaded = [golden for golden in known if golden.loads]
    faults = {golden.name: unexplained(golden) for golden in known}
    wrong = {name: found for name, found in faults.items() if found}
    differing = sum(bool(entries_of(golden)) for golden in loaded)
    with capsys.disabled():
        sys.stdout.write(
            f"\nparity: {len(loaded) - differing} of {len(loaded)} loaded goldens "
            f"are equal in graph, batch data, all variants and form; "
            f"{differing} differ as differences.json says; {len(wrong)} are wrong; "
            f"{len(known) - len(loaded)} that the GUI refuses; "
            f"{len(absent)} without a workflow file\n"
        )
    assert wrong == {}
    if absent:
        pytest.skip(f"no installed server has the workflow files of {absent}")


def test_each_difference_has_a_known_class_and_a_golden() -> None:
    keys = Counter((entry["golden"], entry["path"]) for entry in DIFFERENCES)
    assert [key for key, count in keys.items() if count > 1] == []
    assert {entry["class"] for entry in DIFFERENCES} <= CLASSES
    assert all(entry["why"] for entry in DIFFERENCES)
    assert {
        entry["golden"] for entry in DIFFERENCES if entry["golden"].startswith("case--")
    } <= OWN.keys()
