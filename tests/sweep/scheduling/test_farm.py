"""Eight unequal servers, one lost on the way, one added: close to the best possible."""

from __future__ import annotations

import random

import pytest
from farm import Farm, FarmServer

SERVERS = 8


def unequal_farm(seed, *, models=4, items=3000, costs=False):
    """A farm whose seventh part of the work may be lost with a server."""
    rng = random.Random(seed)
    weights = [rng.uniform(0.3, 1.0) for _ in range(models)]
    parts = {
        f"model-{n}": int(items * weight / sum(weights))
        for n, weight in enumerate(weights)
    }
    servers = [
        FarmServer(f"server-{n}", rng.uniform(0.5, 2.0)) for n in range(SERVERS + 1)
    ]
    expected = items * 7.2 / sum(server.speed for server in servers[:SERVERS])
    servers[0].dies_at = expected * rng.uniform(0.15, 0.6)
    servers[SERVERS].joins_at = expected * rng.uniform(0.15, 0.6)
    factors = {part: rng.uniform(0.5, 3.0) for part in parts} if costs else {}
    return Farm(parts, servers, seed=seed, switch_seconds=5.0, costs=factors)


def judge(farm, models, *, idle=0.02):
    farm.run()
    servers = farm.servers.values()
    assert farm.now <= 1.05 * farm.lower_bound
    assert farm.idle <= idle
    assert sum(s.switches for s in servers) <= models + len(servers) - 1


@pytest.mark.parametrize("seed", range(50))
def test_a_farm_is_used_to_the_end(seed):
    judge(unequal_farm(seed), 4)


@pytest.mark.parametrize("seed", range(10))
def test_ten_thousand_items_of_eight_models(seed):
    judge(unequal_farm(seed, models=8, items=10_000), 8)


@pytest.mark.parametrize("seed", range(10))
def test_models_that_differ_in_their_cost_are_learnt(seed):
    # Jobs take up to three times as long, and so does the last one of a server.
    judge(unequal_farm(seed, costs=True), 4, idle=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(0, 1000, 100))
def test_a_thousand_farms_are_used_to_the_end(start):
    for seed in range(start, start + 100):
        judge(unequal_farm(seed), 4)
