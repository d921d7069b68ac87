"""Clients and servers killed at random instants: the next run makes it exact."""

from __future__ import annotations

import os
import random
import sys
import time

import pytest
from sweep_rig import Client, check_exact, counts, done_in, jobs_made, run_sweep

from invokeai_py_client.exceptions import InvokeAIError
from invokeai_py_client.simulator import RequestFault, SimulatedServer


def kill_and_go_on(server, folder, count, kills, server_kills, seed):
    """Run a sweep, killed so often; returns the instants for the report."""
    draw = random.Random(seed)
    # How far the sweep is decides when something is killed, not how fast it is.
    points = sorted(draw.sample(range(1, count), kills + server_kills))
    victims = ["client"] * kills + ["server"] * server_kills
    draw.shuffle(victims)
    with Client(server.url, folder, count) as client:
        for point, victim in zip(points, victims):
            while not client.is_over and done_in(folder) < point:
                time.sleep(0.02)
            # Any instant of what happens between two items that end.
            time.sleep(draw.random() * 0.1)
            if victim == "client":
                client.kill_and_repeat()
            else:
                server.restart()
        assert client.wait(240) == 0


def report(server, folder, capsys):
    found = counts(folder)
    made = jobs_made(server)
    text = f"{found.done} done, {made} jobs, {found.reruns} reruns"
    with capsys.disabled():
        sys.stdout.write(f"\n{text}, {found.doubles} doubles\n")
    return found, made


@pytest.mark.parametrize("rules", ["6", "7"])
def test_a_killed_client_and_a_killed_server_lose_and_double_nothing(
    tmp_path, capsys, rules
):
    with SimulatedServer(root=tmp_path / "server", rules=rules) as server:
        folder = tmp_path / "s"
        kill_and_go_on(server, folder, 250, kills=2, server_kills=1, seed=int(rules))
        check_exact(folder, 250)
        found, made = report(server, folder, capsys)
        assert made == 250 + found.reruns + found.doubles


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("rules", ["6", "7"])
def test_thousands_of_items_survive_twenty_kills(tmp_path, capsys, rules):
    """`make kills` does it with ten thousand."""
    items = int(os.environ.get("SWEEP_ITEMS", "1200"))
    with SimulatedServer(root=tmp_path / "server", rules=rules) as server:
        folder = tmp_path / "s"
        kill_and_go_on(server, folder, items, kills=20, server_kills=5, seed=9)
        check_exact(folder, items)
        found, made = report(server, folder, capsys)
        assert made == items + found.reruns + found.doubles


def test_ctrl_c_cancels_nothing_and_the_next_run_goes_on(tmp_path):
    with SimulatedServer() as server:
        with Client(server.url, tmp_path / "s", 150) as client:
            while not client.is_over and done_in(tmp_path / "s") < 30:
                time.sleep(0.02)
            client.interrupt()
            client.wait(60)
        run_sweep(server.url, tmp_path / "s", 150)
        check_exact(tmp_path / "s", 150)
        assert jobs_made(server) == 150


def test_a_client_that_dies_before_its_batch_is_sent_sends_it_later(tmp_path):
    """The intent is there, the jobs are not: the same batch is sent, once."""
    with SimulatedServer() as server:
        # The request dies with the client, which is killed while it waits.
        fault = RequestFault("delay", path="enqueue_batch", seconds=3)
        server.faults.add_request(fault)
        with Client(server.url, tmp_path / "s", 30) as client:
            while not client.is_over and not sent(tmp_path / "s"):
                time.sleep(0.02)
            client.kill()
        run_sweep(server.url, tmp_path / "s", 30)
        check_exact(tmp_path / "s", 30)
        assert counts(tmp_path / "s").reruns == 0
        assert jobs_made(server) == 30


def sent(folder):
    """Whether a batch is intended."""
    try:
        return bool(counts(folder).sent)
    except InvokeAIError:
        return False
