"""What a ledger promises, method by method."""

from __future__ import annotations

import sqlite3

import pytest
from ledger_rig import intent, item, items, new_ledger, output, send

from invokeai_py_client.exceptions import (
    LocalFileExistsError,
    LocalFileNotFoundError,
    SweepChangedError,
    SweepError,
)
from invokeai_py_client.sweep.ledger.ledger import Ledger
from invokeai_py_client.sweep.ledger.records import BatchJob


@pytest.fixture
def ledger(tmp_path):
    with new_ledger(tmp_path, 4) as made:
        yield made
    while REOPENED:
        REOPENED.pop().close()


REOPENED = []


def reopened(ledger):
    ledger.close()
    REOPENED.append(Ledger.open(ledger.path))
    return REOPENED[-1]


def test_a_new_ledger_has_its_meta_and_an_identity(tmp_path):
    path = tmp_path / "ledger.db"
    with Ledger.create(path, {"plan": "abc"}) as ledger:
        assert ledger.meta["plan"] == "abc"
        sweep_id = ledger.sweep_id
    with Ledger.open(path) as ledger:
        assert ledger.sweep_id == sweep_id
    assert [p.name for p in tmp_path.iterdir()] == ["ledger.db"]


def test_a_ledger_that_exists_is_not_made_again(ledger):
    with pytest.raises(LocalFileExistsError, match=r"ledger\.db"):
        Ledger.create(ledger.path, {})
    assert ledger.counts().total == 4


def test_a_missing_ledger_is_named(tmp_path):
    with pytest.raises(LocalFileNotFoundError, match=r"none\.db"):
        Ledger.open(tmp_path / "none.db")
    assert list(tmp_path.iterdir()) == []


def test_items_are_taken_once_and_in_order(ledger):
    assert [i.index for i in ledger.take("p", 3)] == [0, 1, 2]
    rest = ledger.take("p", 3)
    assert [i.index for i in rest] == [3]
    assert ledger.take("p", 3) == []
    ledger.release(rest)
    assert [i.key for i in ledger.take("p", 3)] == ["key-3"]


def test_an_unknown_part_has_no_items(ledger):
    assert ledger.take("other", 3) == []


def test_the_same_items_again_change_nothing(ledger):
    send(ledger, "b1", 2)
    assert ledger.add_items(items(4)) == 0
    assert ledger.counts().sent == 2


def test_rows_at_the_end_extend_the_sweep(ledger):
    assert ledger.add_items(items(6)) == 2
    assert ledger.counts().total == 6


def test_fewer_rows_are_refused_and_counted(ledger):
    with pytest.raises(SweepChangedError, match="4 items, the plan has 3"):
        ledger.add_items(items(3))


def test_other_values_are_refused_by_name(ledger):
    changed = [item(0), item(1), item(2, steps=99), *items(6)[3:]]
    with pytest.raises(SweepChangedError) as caught:
        ledger.add_items(changed)
    assert caught.value.differences == (
        "item 2: steps is 20 in the folder and 99 here",
    )
    assert ledger.counts().total == 4


def test_a_key_that_two_items_share_is_refused(ledger):
    with pytest.raises(SweepChangedError, match="same key as item 1: 'key-1'"):
        ledger.add_items([*items(4), item(4, key="key-1")])


def test_a_plan_that_fails_on_the_way_adds_nothing(ledger):
    def broken():
        yield from items(3000)
        raise ValueError("row 3000")

    with pytest.raises(ValueError, match="row 3000"):
        ledger.add_items(broken())
    assert ledger.counts().total == 4


def test_an_intent_survives_the_process(ledger):
    send(ledger, "b1", 3, payload=b"exact bytes")
    (batch,) = reopened(ledger).open_batches()
    assert (batch.id, batch.state, batch.payload) == ("b1", "intended", b"exact bytes")
    assert [(i.position, i.item.key, i.attempt) for i in batch.items] == [
        (0, "key-0", 1),
        (1, "key-1", 1),
        (2, "key-2", 1),
    ]
    assert batch.items[0].item.values == {"steps": 20}


def test_the_open_batches_of_one_server(ledger):
    send(ledger, "b1", 1, server="http://a")
    send(ledger, "b2", 1, server="http://b")
    assert [b.id for b in ledger.open_batches("http://b")] == ["b2"]
    assert [b.id for b in ledger.open_batches()] == ["b1", "b2"]


def test_one_batch_is_read_as_long_as_it_is_open(ledger):
    send(ledger, "b1", 1)
    send(ledger, "b2", 2)
    assert [ledger.open_batch(row.id) for row in ledger.open_batches()] == (
        ledger.open_batches()
    )
    assert ledger.is_batch_open("b1")
    ledger.mark_lost("b1", "gone")
    assert ledger.open_batch("b1") is ledger.open_batch("b9") is None
    assert [ledger.is_batch_open(f"b{n}") for n in (1, 2, 9)] == [False, True, False]


def test_an_item_cannot_be_sent_twice_at_once(ledger):
    (first,) = ledger.take("p", 1)
    ledger.intend(intent("b1", [first]))
    with pytest.raises(SweepError, match="item 0 is not to do but sent"):
        ledger.intend(intent("b2", [first]))
    assert [b.id for b in ledger.open_batches()] == ["b1"]


def test_a_batch_is_recorded_once(ledger):
    send(ledger, "b1", 1)
    with pytest.raises(SweepError, match="b1 is recorded already"):
        send(ledger, "b1", 1)


def test_the_id_that_the_server_says_and_its_jobs_are_kept(ledger):
    send(ledger, "b1", 2)
    jobs = (
        BatchJob(0, 7, "s7", "other"),
        BatchJob(0, 8, "s8", "other"),
        BatchJob(1, 9, None, "part"),
    )
    ledger.accept("b1", jobs)
    (batch,) = ledger.open_batches()
    assert (batch.state, batch.server_ids) == ("accepted", ("other", "part"))
    assert batch.jobs == jobs


def test_the_first_result_counts_and_the_second_is_a_double(ledger):
    send(ledger, "b1", 1)
    ledger.accept("b1", [BatchJob(0, 1, "s1")])
    ledger.mark_lost("b1", "the queue was cleared")
    send(ledger, "b2", 1)
    ledger.accept("b2", [BatchJob(0, 2, "s2")])
    assert ledger.done("b1", 0, [output(0, "late.png")])
    assert not ledger.done("b2", 0, [output(0, "twin.png")])
    assert [o.output.path for o in ledger.outputs()] == ["late.png"]
    counts = ledger.counts()
    assert (counts.done, counts.reruns, counts.doubles) == (1, 0, 1)
    ledger.mark_over("b2")
    assert ledger.open_batches() == []


def test_the_same_result_again_is_no_double(ledger):
    send(ledger, "b1", 1)
    assert ledger.done("b1", 0, [output(0)])
    assert ledger.done("b1", 0, [output(0)])
    assert ledger.counts().doubles == 0


def test_a_lost_batch_goes_back_except_what_is_done(ledger):
    send(ledger, "b1", 3)
    ledger.accept("b1", [BatchJob(n, n, f"s{n}") for n in range(3)])
    ledger.done("b1", 1, [output(1)])
    assert ledger.mark_lost("b1", "another database") == 2
    assert [(i.index, i.attempts) for i in ledger.take("p", 9)] == [
        (0, 1),
        (2, 1),
        (3, 0),
    ]
    assert ledger.open_batches() == []
    assert ledger.mark_lost("b1", "again") == 0


def test_an_accepted_item_that_is_accepted_again_is_a_rerun(ledger):
    send(ledger, "b1", 2)
    ledger.accept("b1", [BatchJob(0, 1, "s1"), BatchJob(1, 2, "s2")])
    ledger.back_to_todo("b1", [1], "cancelled, not by us")
    assert ledger.counts().reruns == 0
    (again,) = ledger.take("p", 1)
    ledger.intend(intent("b2", [again]))
    ledger.accept("b2", [BatchJob(0, 3, "s3")])
    assert ledger.counts().reruns == 1


def test_an_attempt_that_no_server_took_is_no_rerun(ledger):
    send(ledger, "b1", 2)
    ledger.accept("b1", [BatchJob(0, 1, "s1")])
    ledger.back_to_todo("b1", [1], "the queue was full")
    (again,) = ledger.take("p", 1)
    ledger.intend(intent("b2", [again]))
    ledger.accept("b2", [BatchJob(0, 2, "s2")])
    assert (again.index, ledger.counts().reruns) == (1, 0)


def test_a_withdrawn_batch_costs_no_attempt(ledger):
    send(ledger, "b1", 2)
    ledger.withdraw("b1", "the queue was full")
    assert [(i.index, i.attempts) for i in ledger.take("p", 2)] == [(0, 0), (1, 0)]
    assert ledger.open_batches() == []


def test_an_accepted_batch_is_not_withdrawn(ledger):
    send(ledger, "b1", 1)
    ledger.accept("b1", [BatchJob(0, 1, "s1")])
    with pytest.raises(SweepError, match="it is accepted"):
        ledger.withdraw("b1", "no")


def test_a_batch_with_results_is_not_withdrawn(ledger):
    send(ledger, "b1", 2)
    ledger.done("b1", 0, [output(0)])
    with pytest.raises(SweepError, match="it has results"):
        ledger.withdraw("b1", "no")
    assert ledger.counts().sent == 1


def test_what_is_unknown_waits(ledger):
    send(ledger, "b1", 2)
    ledger.mark_unknown("b1", "no answer")
    assert [b.state for b in ledger.open_batches()] == ["unknown"]
    assert [i.index for i in ledger.take("p", 9)] == [2, 3]
    ledger.accept("b1", [BatchJob(0, 1, "s1"), BatchJob(1, 2, "s2")])
    assert [b.state for b in ledger.open_batches()] == ["accepted"]
    ledger.mark_unknown("b1", "no answer again")
    assert [b.state for b in ledger.open_batches()] == ["accepted"]


def test_a_batch_with_open_items_is_not_over(ledger):
    send(ledger, "b1", 2)
    ledger.done("b1", 0, [output(0)])
    with pytest.raises(SweepError, match="1 items have no result"):
        ledger.mark_over("b1")
    ledger.failed("b1", 1, "node", "it broke")
    ledger.mark_over("b1")
    assert ledger.open_batches() == []


def test_failed_items_are_reopened_by_kind(ledger):
    send(ledger, "b1", 3)
    assert ledger.failed("b1", 0, "out_of_memory", "CUDA")
    assert ledger.failed("b1", 1, "node", "it broke")
    assert ledger.failed("b1", 2, "node", "it broke too")
    assert ledger.failed_kinds() == {"node": 2, "out_of_memory": 1}
    assert ledger.reopen("out_of_memory") == 1
    assert [(i.index, i.attempts) for i in ledger.take("p", 9)] == [(0, 1), (3, 0)]
    assert ledger.reopen() == 2
    assert ledger.counts().failed == 0


def test_a_late_failure_of_an_item_that_is_elsewhere_is_of_no_consequence(ledger):
    send(ledger, "b1", 1)
    ledger.mark_lost("b1", "gone")
    send(ledger, "b2", 1)
    assert not ledger.failed("b1", 0, "node", "late")
    assert ledger.counts().sent == 1


def test_a_late_result_makes_a_failed_item_done(ledger):
    send(ledger, "b1", 1)
    ledger.mark_lost("b1", "gone")
    send(ledger, "b2", 1)
    ledger.failed("b2", 0, "node", "it broke")
    assert ledger.done("b1", 0, [output(0)])
    (first,) = ledger.items("done")
    assert (first.error_kind, ledger.counts().failed) == (None, 0)


def test_an_item_that_came_late_while_it_was_taken_stays_done(ledger):
    send(ledger, "b1", 1)
    ledger.mark_lost("b1", "gone")
    taken = ledger.take("p", 2)
    ledger.done("b1", 0, [output(0)])
    ledger.intend(intent("b2", taken))
    assert not ledger.done("b2", 0, [output(0, "twin.png")])
    assert ledger.done("b2", 1, [output(1)])
    assert ledger.counts().done == 2


def test_skipped_items_are_reopened_with_all(ledger):
    assert ledger.skip([2, 3], "too many failures") == 2
    assert [i.index for i in ledger.take("p", 9)] == [0, 1]
    assert ledger.reopen("node") == 0
    assert ledger.reopen() == 2


def test_outputs_come_in_the_order_of_the_plan_with_what_made_them(ledger):
    send(ledger, "b1", 2, server="http://a")
    ledger.done("b1", 1, [output(1, "1a.png"), output(1, "1b.png", 1)], {"seed": 5})
    ledger.done("b1", 0, [output(0, "0.png")])
    found = list(ledger.outputs())
    assert [(o.item.index, o.output.path) for o in found] == [
        (0, "0.png"),
        (1, "1a.png"),
        (1, "1b.png"),
    ]
    assert (found[1].server, found[1].item.executed) == ("http://a", {"seed": 5})


def test_two_outputs_cannot_have_one_file(ledger):
    send(ledger, "b1", 2)
    ledger.done("b1", 0, [output(0, "same.png")])
    with pytest.raises(SweepError, match=r"item 1 cannot have the file same\.png"):
        ledger.done("b1", 1, [output(1, "same.png")])
    assert ledger.counts().done == 1


def test_parts_count_what_is_to_do(tmp_path):
    with Ledger.create(tmp_path / "ledger.db", {}) as ledger:
        parts = ["b", "a", "b", "b"]
        ledger.add_items(item(n, part=part) for n, part in enumerate(parts))
        assert list(ledger.parts().items()) == [("b", 3), ("a", 1)]
        ledger.intend(intent("b1", ledger.take("b", 2)))
        assert ledger.parts() == {"a": 1, "b": 1}


def test_events_are_only_ever_added(ledger):
    ledger.note("hello", "world")
    assert ("hello", "world") in [event[1:] for event in ledger.events()]
    ledger.close()
    db = sqlite3.connect(str(ledger.path))
    for change in ("UPDATE event SET what = 'x'", "DELETE FROM event"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            db.execute(change)
    db.close()


def test_what_is_not_in_the_ledger_is_named(ledger):
    with pytest.raises(SweepError, match="no batch b9"):
        ledger.mark_over("b9")
    send(ledger, "b1", 1)
    with pytest.raises(SweepError, match="no position 5"):
        ledger.done("b1", 5, [])


def test_what_is_recorded_as_a_group_is_recorded_as_a_whole_or_not_at_all(ledger):
    send(ledger, "b1", 3)
    with ledger.group():
        assert ledger.done("b1", 0, [output(0)])
        assert ledger.failed("b1", 1, "node_error", "odd")
    ended = {2: [output(2)], 9: []}
    with pytest.raises(SweepError, match="position 9"), ledger.group():
        all(ledger.done("b1", position, rows) for position, rows in ended.items())
    again = reopened(ledger)
    assert (again.counts().done, again.counts().failed, again.counts().sent) == (
        1,
        1,
        1,
    )
    assert again.done("b1", 2, [output(2)])
