"""What servers say of themselves, and what a sweep makes of it."""

from __future__ import annotations

import pytest
from flow_play import Play
from sweep_rig import blank, check_exact, counts, jobs_made, sizes
from workflow_builder import definition, node

from invokeai_py_client import InvokeAIClient
from invokeai_py_client.exceptions import FieldValidationError
from invokeai_py_client.simulator import SimulatedServer, model_record
from invokeai_py_client.sweep import Sweep
from invokeai_py_client.sweep.running.traits_flows import ServerTraits, learn_traits

SETTINGS = "GET /api/v1/app/runtime_config"
DEVICES = "GET /api/v1/app/generation_device_options"
CARDS = [{"device": f"cuda:{number}", "name": "card"} for number in range(4)]
REFUSED = (403, {"detail": "Admin privileges required"})
MISSING = (404, {"detail": "Not Found"})


def learnt(settings, devices=(200, CARDS)):
    """What is learnt, and what was asked."""
    if isinstance(settings, dict):
        settings = (200, {"config": settings, "set_fields": []})
    answers = {SETTINGS: settings, DEVICES: devices}
    play = Play(lambda request: answers[f"{request.method} {request.path}"])
    found = play.run(learn_traits())
    return found, play.lines


@pytest.mark.parametrize(
    ("settings", "devices"),
    [
        ({"generation_devices": "auto", "device": "auto"}, 4),
        ({"generation_devices": "auto", "device": "cuda:1"}, 1),
        ({"generation_devices": ["cuda:0", "cuda:2"], "device": "auto"}, 2),
        ({"generation_devices": ["cuda", "cuda:0"], "device": "cpu"}, 1),
        # Before 6.14 one device was used.
        ({"device": "auto"}, 1),
    ],
)
def test_devices_are_those_that_the_settings_mean(settings, devices):
    found, asked = learnt(settings)
    assert found.devices == devices
    assert len(asked) <= 2


def test_settings_that_are_refused_are_taken_to_be_the_usual_ones():
    found, _ = learnt(REFUSED)
    assert found == ServerTraits(devices=4, queue_size=10_000)


def test_a_server_that_tells_nothing_has_one_device():
    assert learnt(MISSING, MISSING)[0] == ServerTraits()
    assert learnt(REFUSED, REFUSED)[0] == ServerTraits()
    assert learnt((200, ["odd"]), (200, {"odd": 1}))[0] == ServerTraits()


def test_half_of_a_queue_is_left_to_others():
    found, _ = learnt({"device": "cpu", "max_queue_size": 100})
    assert found.batch_jobs * found.batches <= 50
    assert ServerTraits(queue_size=1).batch_jobs == 1


def test_a_sweep_keeps_every_device_busy(tmp_path):
    with SimulatedServer(devices=3, job_delay=0.05) as server:
        with InvokeAIClient(server.url) as client:
            plan = client.workflow_repo.create_workflow(blank()).sweep(zip=sizes(90))
            plan.run(tmp_path / "s")
            jobs = client.queue_repo.iter_jobs()
            assert len({job.device for job in jobs}) == 3
        check_exact(tmp_path / "s", 90)
        assert jobs_made(server) == 90


def test_others_find_room_in_the_queue_of_a_sweep(tmp_path):
    most, seen = 60, []
    with SimulatedServer(max_queue_size=most) as server:
        state = server.simulation.queue

        def look(event, payload):
            if event == "batch_enqueued" and payload["origin"] != "ivk":
                seen.append(most - state.free_places("default"))

        server.simulation.listen(look)
        others = []
        with InvokeAIClient(server.url) as client:
            workflow = client.workflow_repo.create_workflow(blank())

            def meanwhile(progress):
                if not others:
                    others.append(workflow.submit(runs=20))

            plan = workflow.sweep(zip=sizes(150))
            plan.run(tmp_path / "s", on_progress=meanwhile)
            assert len(others[0].wait().images) == 20
        check_exact(tmp_path / "s", 150)
        # What the others have counts as well.
        assert max(seen) <= most // 2 + 20
        assert counts(tmp_path / "s").reruns == 0


def test_a_run_without_anything_to_do_asks_nothing(tmp_path):
    with SimulatedServer() as server, InvokeAIClient(server.url) as client:
        plan = client.workflow_repo.create_workflow(blank()).sweep(zip=sizes(3))
        plan.run(tmp_path / "s")
        assert plan.run(tmp_path / "s").requests == 0


# -- what one of several servers does not have -------------------------------------

MODELS = [f"Model {number:02d}" for number in range(30)]


def with_model():
    """A workflow that loads a model beside its image."""
    made = node("b", "blank_image", {"width": 8, "height": 8}, is_intermediate=False)
    loader = node("m", "main_model_loader", {"model": None})
    form = [("m", "model"), ("b", "width")]
    return definition([made, loader], form=form)


def records(names):
    return [model_record(name, base="sd-1", type="main") for name in names]


def test_a_model_that_one_server_misses_is_told_before_anything_is_sent(tmp_path):
    """Also when it is that of the last of many parts."""
    one = SimulatedServer(models=records(MODELS))
    two = SimulatedServer(models=records(MODELS[:-1]))
    with one, two, InvokeAIClient(one.url) as client:
        workflow = client.workflow_repo.create_workflow(with_model())
        plan = workflow.sweep(product={"model": MODELS, "width": [8, 16]})
        with pytest.raises(FieldValidationError, match="Model 29") as caught:
            plan.run(tmp_path / "s", servers=[one.url, two.url])
        assert two.url in str(caught.value)
        assert one.url not in str(caught.value)
        assert jobs_made(one) == jobs_made(two) == 0
    assert Sweep.open(tmp_path / "s").status().todo == 60


def test_parts_are_checked_by_what_they_name_not_one_by_one(tmp_path, monkeypatch):
    from invokeai_py_client.sweep.running import chunk_flows, engine_flows

    prepared = []
    prepare = chunk_flows.prepare_chunk

    def count(context, handle, items, batch_id, *rest, **options):
        if not batch_id:
            prepared.append(items[0].index)
        return prepare(context, handle, items, batch_id, *rest, **options)

    monkeypatch.setattr(chunk_flows, "prepare_chunk", count)
    monkeypatch.setattr(engine_flows, "CHECKED_PARTS", 2)
    server = SimulatedServer(models=records(MODELS[:4]))
    with server, InvokeAIClient(server.url) as client:
        workflow = client.workflow_repo.create_workflow(with_model())
        plan = workflow.sweep(product={"model": MODELS[:4], "width": [8, 16]})
        plan.run(tmp_path / "s")
    assert prepared == [0, 2, 4, 6]
