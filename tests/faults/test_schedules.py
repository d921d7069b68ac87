"""Thousands of ways to lose an answer: enqueued once, refused, or told as unknown.

The real flows run against a model of the server's queue in virtual time. Each
schedule is a seed; a failing one is repeated by its number.
"""

from __future__ import annotations

from collections import Counter

import pytest

from faults.rig.lives import Life
from faults.rig.outcomes import BAD

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("quiet")]

QUICK = 5_200
LONG = 60_000


def live_through(seeds, outcomes, stage):
    bad = []
    totals = Counter()
    for seed in seeds:
        life = Life(seed)
        life.submit()
        outcomes.submission(stage, life.outcome)
        totals[life.outcome] += 1
        if life.settled:
            outcomes.submission(stage, "settled later")
        for kind in life.kinds:
            outcomes.fault(kind, life.outcome)
        if life.outcome in BAD:
            bad.append((seed, life.outcome))
    assert not bad
    return totals


@pytest.mark.timeout(600)
def test_no_schedule_loses_doubles_or_hangs_a_submission(outcomes):
    totals = live_through(range(QUICK), outcomes, "a model of the queue")
    # Every outcome that may be was there: the schedules are no easy ones.
    assert min(totals[word] for word in ("refused", "unknown, raised")) > 50
    assert totals["enqueued once"] > 1000


@pytest.mark.long
def test_ten_times_as_many_schedules(outcomes):
    live_through(range(QUICK, QUICK + LONG), outcomes, "a model of the queue, long")
