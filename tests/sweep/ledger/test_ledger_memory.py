"""Memory does not grow with the number of items."""

from __future__ import annotations

import tracemalloc

import pytest
from ledger_rig import item, output, send

from invokeai_py_client.sweep.folder.manifest import write_manifests
from invokeai_py_client.sweep.ledger.ledger import Ledger

PIECE = 200


def peak_of(folder, count):
    """The most bytes that Python held while everything was done with `count` items."""
    folder.mkdir()
    tracemalloc.start()
    with Ledger.create(folder / "ledger.db", {}) as ledger:
        ledger.add_items(
            item(n, steps=n, positive_prompt="x" * 50) for n in range(count)
        )
        for start in range(0, count, PIECE):
            send(ledger, f"b{start}", PIECE)
            for position in range(PIECE):
                ledger.done(f"b{start}", position, [output(start + position)])
            ledger.mark_over(f"b{start}")
        assert sum(1 for _ in ledger.items("done")) == count
        write_manifests(folder, ledger)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.slow
def test_ten_times_the_items_take_the_same_memory(tmp_path):
    few = peak_of(tmp_path / "few", 2_000)
    many = peak_of(tmp_path / "many", 20_000)
    assert many < few + 500_000
