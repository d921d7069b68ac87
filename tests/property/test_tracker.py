"""The tracker's promise: order, duplicates and losses do not change the outcome."""

from __future__ import annotations

from hypothesis import given, strategies as st

from invokeai_py_client._core.tracker import JobState, JobTracker

PATHS = [
    ["pending", "in_progress", "completed"],
    ["pending", "in_progress", "failed"],
    ["pending", "canceled"],
    ["pending", "in_progress", "canceled"],
    ["pending", "in_progress", "waiting", "pending", "in_progress", "completed"],
    ["pending", "dreaming", "completed"],
]


@st.composite
def histories(draw):
    """Some jobs with a true history each, and the looks that got through."""
    paths = draw(st.lists(st.sampled_from(PATHS), min_size=1, max_size=4))
    looks = []
    for item_id, path in enumerate(paths):
        for sequence, status in enumerate(path):
            numbered = draw(st.booleans())
            look = JobState(item_id, status, sequence if numbered else None)
            # Any look may be lost or doubled, but the end is seen at least once:
            # a REST look always gets there.
            low = 1 if sequence == len(path) - 1 else 0
            looks += [look] * draw(st.integers(low, 3))
    return paths, draw(st.permutations(looks))


@given(histories())
def test_every_order_ends_in_the_true_final_status(history):
    paths, looks = history
    tracker = JobTracker(range(len(paths)))
    for look in looks:
        tracker.update(look)
    assert [tracker[item].status for item in tracker.item_ids] == [
        path[-1] for path in paths
    ]
    assert tracker.is_done
    assert tracker.unfinished == ()


@given(histories(), st.data())
def test_numbered_looks_give_the_highest_sequence_seen_so_far(history, data):
    paths, looks = history
    numbered = [look for look in looks if look.sequence is not None]
    shown = numbered[: data.draw(st.integers(0, len(numbered)))]
    tracker = JobTracker(range(len(paths)))
    for look in shown:
        tracker.update(look)
    for item_id in tracker.item_ids:
        seen = [look for look in shown if look.item_id == item_id]
        newest = max(seen, key=lambda look: look.sequence or 0, default=None)
        assert tracker[item_id].status == (newest.status if newest else "pending")


@given(histories(), st.sets(st.integers(0, 3)))
def test_deleting_jobs_never_undoes_an_end_and_never_leaves_one_open(history, gone):
    paths, looks = history
    tracker = JobTracker(range(len(paths)))
    for look in looks:
        tracker.mark_lost(gone)
        tracker.update(look)
    tracker.mark_lost(gone)
    assert [tracker[item].status for item in tracker.item_ids] == [
        path[-1] for path in paths
    ]
    assert not any(tracker[item].lost for item in tracker.item_ids)
