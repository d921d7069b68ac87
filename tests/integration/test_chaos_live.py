"""Work under faults of every kind: done once, refused, or told; nothing lost or hung.

`make chaos` runs five hundred schedules and prints the figures.
"""

from __future__ import annotations

import pytest

from faults.rig.chaos import BAD, Trial, run_all, tally

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.timeout(3600)]

WORKERS = 4


def test_no_schedule_loses_doubles_hangs_or_spoils(
    live_url, tmp_path, pytestconfig, capsys
):
    first, _, count = pytestconfig.getoption("--chaos").rpartition(":")
    seeds = range(int(first or 0), int(first or 0) + int(count))
    trials = run_all(
        lambda seed: Trial(seed, live_url, tmp_path), seeds, live_url, WORKERS
    )
    figures = tally(trials)
    reporter = pytestconfig.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        with capsys.disabled():
            reporter.write_line(f"\n{figures}")
    assert not [trial for trial in trials if trial.outcome in BAD], figures
