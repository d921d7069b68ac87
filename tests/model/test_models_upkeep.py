"""Changing models and their surroundings: what the server hides is said."""

from __future__ import annotations

import pytest
from flow_play import Play, scripted
from media_files import PNG

from invokeai_py_client._arguments import KnownId
from invokeai_py_client._core.server_events import parse_event
from invokeai_py_client.exceptions import (
    APIStatusError,
    ImageError,
    InternalServerError,
    JobTimeoutError,
    ModelError,
    NotFoundError,
    UnsupportedVersionError,
)
from invokeai_py_client.model import install_flows
from invokeai_py_client.model.model_install import ModelInstallJob
from invokeai_py_client.model.model_repo import ModelRepository
from invokeai_py_client.model.models import InstallStatus, ModelInstall, ModelRecord

K, L = KnownId("k"), KnownId("l")
RECORD = {"key": "k", "name": "n", "base": "sd-1", "type": "main"}
UNKNOWN = (404, {"detail": "model not found"})
FAILED = (500, b"Internal Server Error")


def models(*answers):
    play = Play(scripted(*answers))
    return ModelRepository(play), play


def test_a_setting_that_the_server_ignored_is_an_error():
    repository, play = models((200, RECORD))
    with pytest.raises(ModelError, match="'nmae'"):
        repository.update_model(K, nmae="x", name="n")
    repository, play = models((200, {**RECORD, "description": None}))
    assert repository.update_model(K, description=None).key == "k"
    assert play.requests[0].json == {"description": None}


@pytest.mark.parametrize("bad", ["", 7, None])
def test_an_invalid_key_is_refused_before_anything_is_sent(bad):
    repository, play = models()
    for verb in ("delete_model", "reidentify_model", "get_cover_image"):
        with pytest.raises((TypeError, ValueError), match="key"):
            getattr(repository, verb)(bad)
    assert play.requests == []


def test_records_do_for_keys():
    repository, play = models((200, {"deleted": ["k", "l"], "failed": []}))
    repository.delete_models([ModelRecord(**RECORD), L])
    assert play.requests[0].json == {"keys": ["k", "l"]}


def test_a_missing_cover_is_told_from_a_missing_model_and_from_a_failure():
    repository, _ = models(FAILED, (200, RECORD))
    with pytest.raises(NotFoundError, match="no cover image"):
        repository.get_cover_image(K)
    repository, _ = models(FAILED, UNKNOWN)
    with pytest.raises(NotFoundError, match="model not found"):
        repository.get_cover_image(K)
    repository, _ = models(FAILED, (200, {**RECORD, "cover_image": "url"}))
    with pytest.raises(InternalServerError):
        repository.get_cover_image(K)


def test_a_cover_that_the_server_cannot_decode_is_an_image_error():
    for answer in (FAILED, (415, {"detail": "Failed to read image"})):
        repository, _ = models(answer)
        with pytest.raises(ImageError, match="cannot read"):
            repository.set_cover_image(K, PNG)


def test_relations_of_unknown_models_are_not_found():
    repository, _ = models(FAILED, (200, RECORD), UNKNOWN)
    with pytest.raises(NotFoundError):
        repository.relate_models(K, L)
    repository, _ = models()
    with pytest.raises(ModelError, match="itself"):
        repository.relate_models(K, K)


def test_an_old_server_that_would_ignore_the_order_is_not_asked():
    repository, play = models()
    play.shared.version = "6.12.0"
    with pytest.raises(UnsupportedVersionError, match=r"6\.13"):
        repository.list_models(order_by="size")
    assert play.requests == []


def test_a_source_that_the_server_cannot_look_up_hints_at_the_internet():
    repository, play = models(FAILED)
    with pytest.raises(ModelError, match="internet"):
        repository.install_model("owner/name")
    assert len(play.requests) == 1


# -- installations -------------------------------------------------------------


def job(status, **more):
    return {"id": 3, "source": {}, "status": status, **more}


def handle(play):
    return ModelInstallJob(play, ModelInstall.model_validate(job("waiting")))


def test_each_state_is_told_once_and_the_last_one_is_the_end():
    states = ["waiting", "waiting", "running", "running", "error"]
    play = Play(scripted(*[(200, job(state)) for state in states]))
    play.stream(install_flows.watch_install(3, None))
    assert [seen.status for seen in play.emitted] == ["waiting", "running", "error"]


def test_a_paused_installation_is_waited_for_until_the_time_is_over():
    play = Play(lambda request: (200, job("paused")))
    with pytest.raises(JobTimeoutError, match="paused"):
        handle(play).wait(10)
    assert play.time == pytest.approx(10)


def test_an_event_brings_the_next_poll_forward():
    ended = 30.0
    play = Play(lambda _: (200, job("running" if play.time < ended else "cancelled")))
    play.mailbox = object()
    event = parse_event("model_install_cancelled", {"id": 3})
    play.events = [(ended, event)]
    play.stream(install_flows.watch_install(3, None))
    assert play.time == pytest.approx(ended, abs=0.1)


def test_a_download_says_how_far_it_is():
    half = ModelInstall.model_validate(job("downloading", bytes=5, total_bytes=10))
    assert half.fraction == 0.5
    assert ModelInstall.model_validate(job("downloading")).fraction is None
    assert not half.status.is_terminal
    assert InstallStatus("new-in-seven").is_terminal is False


@pytest.mark.parametrize("verb", ["pause", "resume", "restart_failed", "cancel"])
def test_a_forgotten_installation_is_named(verb):
    play = Play(scripted((415, {"detail": "No job with id 3 known"})))
    with pytest.raises(ModelError, match="no installation 3"):
        getattr(handle(play), verb)()


@pytest.mark.parametrize("status", [403, 404, 413])
def test_another_refusal_of_a_cover_stays_what_it_is(status):
    repository, _ = models((status, {"detail": "no"}))
    with pytest.raises(APIStatusError) as caught:
        repository.set_cover_image(K, PNG)
    assert caught.value.status_code == status
