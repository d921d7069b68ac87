"""Items as the ledger has them."""

from __future__ import annotations

from invokeai_py_client.sweep.display.shown_item import items_of_ledger
from invokeai_py_client.sweep.folder.outputs import LocalOutputs
from invokeai_py_client.sweep.ledger.records import (
    LedgerItem,
    OutputRow,
    RecordedOutput,
)


class Ledger:
    """What a reader of a ledger gives, in the order of the plan."""

    def __init__(self, items, outputs):
        self._items, self._outputs = items, outputs

    def items(self):
        return iter(self._items)

    def outputs(self):
        return iter(self._outputs)


def item(index, state, **more):
    values = {"model": {"$model": {"text": "SD"}}, "image": {"$file": "/in/a.png"}}
    return LedgerItem(index, f"k{index}", values, "part", 1, state, **more)


def output(item, ordinal, server="http://a"):
    row = OutputRow(ordinal, "x.png", f"images/{item.index}-{ordinal}.png", "00", 1)
    return RecordedOutput(item, row, server, 0.0)


def test_items_have_their_files_and_values_as_people_read_them(tmp_path):
    done = item(0, "done", executed={"seeds": {"noise": 7}})
    failed = item(1, "failed", error_kind="out_of_memory")
    several = item(2, "done", executed={"seeds": {"a": 1, "b": 2}})
    ledger = Ledger(
        [done, failed, several, item(3, "todo")],
        [output(done, 0), output(several, 0, "http://b"), output(several, 1)],
    )
    first, second, third, fourth = items_of_ledger(ledger, LocalOutputs(tmp_path))
    assert first.values == {"model": "SD", "image": "/in/a.png"}
    assert (first.seed, first.server, first.key) == (7, "http://a", "k0")
    assert first.images == (tmp_path / "images/0-0.png",)
    assert (second.status, second.error, second.images) == (
        "failed",
        "out_of_memory",
        (),
    )
    assert len(third.images) == 2
    assert third.seed == {"a": 1, "b": 2}
    assert (fourth.status, fourth.images) == ("todo", ())
