"""A sweep on a server, with the client and the server killed on the way."""

from __future__ import annotations

import random
import sys
import time

import pytest
from sweep_rig import Client, blank, check_exact, counts, done_in, sizes

from invokeai_py_client import InvokeAIClient
from invokeai_py_client.sweep import Sweep

pytestmark = pytest.mark.live

COUNT = 60


@pytest.mark.timeout(900)
def test_sixty_items_survive_five_kills_of_the_client_and_two_of_the_server(
    start_server, tmp_path, capsys
):
    draw = random.Random(5)
    victims = ["client"] * 5 + ["server"] * 2
    draw.shuffle(victims)
    # Every other instant is as good: 1 is early, 55 leaves something to do.
    points = sorted(draw.sample(range(1, 55), len(victims)))
    folder = tmp_path / "s"
    with (
        start_server(root=tmp_path / "server") as server,
        Client(server.url, folder, COUNT) as client,
    ):
        for point, victim in zip(points, victims):
            while not client.is_over and done_in(folder) < point:
                time.sleep(0.05)
            if victim == "client":
                client.kill_and_repeat()
            else:
                server.kill()
                server.start()
        assert client.wait(300) == 0
        check_exact(folder, COUNT)
        found = counts(folder)
        with InvokeAIClient(server.url) as asking:
            jobs = sum(1 for _ in asking.queue_repo.iter_jobs())
        text = f"{found.done} done, {jobs} jobs, {found.reruns} reruns"
        with capsys.disabled():
            sys.stdout.write(f"\n{text}, {found.doubles} doubles\n")
        assert jobs == COUNT + found.reruns + found.doubles


def test_a_sweep_is_made_streamed_and_read(live_url, tmp_path):
    with InvokeAIClient(live_url) as client:
        workflow = client.workflow_repo.create_workflow(blank())
        plan = workflow.sweep(zip=sizes(12))
        items = list(plan.stream(tmp_path / "s", server_copy="delete"))
        assert sorted(item.index for item in items) == list(range(12))
        check_exact(tmp_path / "s", 12)
        names = [item.paths[0].name for item in Sweep.open(tmp_path / "s").items()]
        assert names == [f"{index:05d}.png" for index in range(12)]
        tag = f"ivk-sweep:{Sweep.open(tmp_path / 's').id}"
        assert client.queue_repo.count_tagged(tag).total == 0
