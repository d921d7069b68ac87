"""Models: which one a reference means, near misses, and installations."""

from __future__ import annotations

import pytest
from flow_play import Play, scripted
from hypothesis import given, strategies as st

from invokeai_py_client._arguments import KnownId
from invokeai_py_client.exceptions import (
    APIConnectionError,
    APIResponseError,
    APIStatusError,
    JobTimeoutError,
    ModelError,
    NotFoundError,
)
from invokeai_py_client.model.lookup import find_models, pick_model, restriction
from invokeai_py_client.model.model_repo import ModelRepository
from invokeai_py_client.model.models import ModelRecord


def model(key, name, base="sd-1", type="main", hash="", **more):
    return ModelRecord(key=key, name=name, base=base, type=type, hash=hash, **more)


JUGGERNAUT = model("k1", "Juggernaut XL", "sdxl", hash="blake3:a")
DREAM_SD1 = model("k2", "Dream", "sd-1", hash="blake3:b")
DREAM_SDXL = model("k3", "Dream", "sdxl", hash="blake3:c")
LORA = model("k4", "dream", "sdxl", "lora", hash="blake3:d")
VAE = model("k5", "Any VAE", "any", "vae")
MODELS = [JUGGERNAUT, DREAM_SD1, DREAM_SDXL, LORA, VAE]


def server(models=MODELS):
    records = [item.model_dump() for item in models]
    return Play(lambda request: (200, {"models": records}))


def test_key_wins_over_hash_over_name_over_case():
    named_like_a_key = model("k9", "k1", hash="k1")
    hashed = model("k8", "x", hash="Dream")
    models = [named_like_a_key, hashed, *MODELS]
    assert pick_model(models, "k1") is JUGGERNAUT
    assert pick_model(models, "Dream") is hashed
    assert pick_model(MODELS, "dream") is LORA
    assert pick_model(MODELS, "juggernaut xl") is JUGGERNAUT


@given(st.permutations(MODELS))
def test_the_order_of_the_servers_list_does_not_matter(models):
    assert pick_model(models, "Dream", restriction(base="sd-1")) is DREAM_SD1
    assert pick_model(models, "k3") is DREAM_SDXL
    assert pick_model(models, "nothing") is None
    with pytest.raises(ModelError):
        pick_model(models, "Dream")


def test_the_same_files_installed_twice_need_a_key():
    twins = [model("a", "one", hash="same"), model("b", "two", hash="same")]
    assert pick_model(twins, "b").name == "two"
    with pytest.raises(ModelError, match="2 models") as caught:
        pick_model(twins, "same")
    assert set(caught.value.candidates) == {"a", "b"}


def test_restrictions_decide_between_equal_names():
    assert pick_model(MODELS, "dream", restriction(type="main", base="sdxl")) is (
        DREAM_SDXL
    )
    assert pick_model(MODELS, "Any VAE", restriction(base="sdxl")) is VAE
    assert pick_model(MODELS, "k4", restriction(type=["main", "vae"])) is None


def test_an_identifier_of_another_server_is_found_by_hash_or_name():
    foreign = {"key": "elsewhere", "hash": "blake3:c", "name": "renamed"}
    assert pick_model(MODELS, foreign) is DREAM_SDXL
    foreign = {"key": "elsewhere", "name": "Dream", "base": "sd-1", "type": "main"}
    assert pick_model(MODELS, foreign) is DREAM_SD1
    old = {"model_name": "Dream", "base_model": "sdxl", "model_type": "main"}
    assert pick_model(MODELS, old) is DREAM_SDXL
    assert pick_model(MODELS, DREAM_SD1) is DREAM_SD1
    assert pick_model(MODELS, {"name": "Dream", "base": "flux"}) is None
    assert pick_model(MODELS, {}) is None
    assert pick_model(MODELS, "") is None


def test_a_near_miss_suggests():
    repository = ModelRepository(server())
    with pytest.raises(ModelError, match="did you mean 'Juggernaut XL'") as caught:
        repository.get_model("Jugernaut")
    assert caught.value.candidates == ("Juggernaut XL",)
    with pytest.raises(ModelError, match="there are"):
        repository.get_model("zzzzzz")
    with pytest.raises(ModelError, match="has no flux lora"):
        repository.get_model("zzzzzz", base="flux", type="lora")


def test_a_model_of_the_wrong_kind_is_named_as_such():
    with pytest.raises(ModelError, match=r"'Juggernaut XL' .* is not of the kind"):
        ModelRepository(server()).get_model("Juggernaut XL", base="sd-1")


def test_words_are_searched_everywhere():
    described = model("k7", "x", description="A painterly STYLE")
    assert find_models([described, *MODELS], "style paint", restriction()) == [
        described
    ]
    assert find_models(MODELS, "", restriction(type="lora")) == [LORA]
    assert ModelRepository(server()).search_models("dream", base="sdxl") == [
        DREAM_SDXL,
        LORA,
    ]


def test_any_model_of_a_kind_is_the_first_found():
    repository = ModelRepository(server())
    assert repository.get_any_model(type="lora") == LORA
    found = repository.search_models("dream", base="sdxl")
    assert repository.get_any_model("dream", base="sdxl") == found[0]


@pytest.mark.parametrize(
    ("words", "kind", "message"),
    [
        (
            "",
            {"base": "flux2", "type": "main"},
            r"no flux2 main model \(there are: .*sdxl",
        ),
        ("gone", {"type": "lora"}, r"no lora model with 'gone' .*there are 'dream'"),
    ],
)
def test_a_kind_that_no_model_has_is_an_error_that_lists_what_there_is(
    words, kind, message
):
    with pytest.raises(ModelError, match=message):
        ModelRepository(server()).get_any_model(words, **kind)


def test_one_odd_record_does_not_break_the_list():
    records = [
        {"key": "a", "name": "n", "description": None, "base": "new-base"},
        {"key": "b", "type": "new_type", "surprise": {"x": 1}},
    ]
    play = Play(lambda request: (200, {"models": records}))
    found = ModelRepository(play).list_models()
    assert found[0].base == "new-base"
    assert found[1].model_extra == {"surprise": {"x": 1}}
    broken = Play(lambda request: (200, {"models": [{"name": "no key"}]}))
    with pytest.raises(APIResponseError, match="key"):
        ModelRepository(broken).list_models()


def test_filters_go_to_the_server():
    play = server()
    ModelRepository(play).list_models(base="sdxl", type="main", format="diffusers")
    assert play.requests[0].params == {
        "base_models": "sdxl",
        "model_type": "main",
        "model_format": "diffusers",
        "model_name": None,
    }


def test_an_identifier_has_what_graphs_need():
    assert DREAM_SD1.identifier() == {
        "key": "k2",
        "hash": "blake3:b",
        "name": "Dream",
        "base": "sd-1",
        "type": "main",
    }


def test_an_unknown_key_is_not_found():
    play = Play(scripted((404, {"detail": "model not found"})))
    with pytest.raises(NotFoundError):
        ModelRepository(play).get_model(KnownId("k"))


def install(status, **more):
    return {"id": 3, "status": status, "source": {"path": "/m"}, **more}


def test_a_local_path_is_never_moved_unless_asked():
    play = Play(lambda request: (201, install("waiting")))
    repository = ModelRepository(play)
    job = repository.install_model("/m", name="tiny")
    repository.install_model("/m", move=True)
    assert job.job_id == 3
    assert play.requests[0].params["inplace"] == "true"
    assert play.requests[0].json == {"name": "tiny"}
    assert play.requests[1].params["inplace"] == "false"
    # The server wants a body even when there is nothing to say.
    assert play.requests[1].has_json


def test_waiting_for_an_installation_follows_it_to_the_model():
    seen = []
    play = Play(
        scripted(
            (201, install("waiting")),
            (200, install("running")),
            APIConnectionError("restarting"),
            (200, install("running")),
            (200, install("completed", config_out=DREAM_SD1.model_dump())),
        )
    )
    job = ModelRepository(play).install_model("/m")
    assert job.wait(on_progress=lambda state: seen.append(str(state.status))) == (
        DREAM_SD1
    )
    assert seen == ["running", "completed"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            (200, install("error", error_reason="DuplicateModelException", error="x")),
            "DuplicateModelException: x",
        ),
        ((200, install("cancelled")), "cancelled"),
        ((415, {"detail": "No job with id 3 known"}), "forgets"),
        ((404, {"detail": "No job with id 3 known"}), "forgets"),
        (
            (
                200,
                install(
                    "completed",
                    config_out={"key": "k", "name": "junk", "type": "unknown"},
                ),
            ),
            "does not know what it is",
        ),
    ],
)
def test_an_installation_that_did_not_work_is_a_model_error(answer, words):
    play = Play(scripted((201, install("waiting")), answer))
    with pytest.raises(ModelError, match=words):
        ModelRepository(play).install_model("/m").wait()


def test_a_source_the_server_does_not_take_is_a_model_error():
    play = Play(scripted((409, {"detail": "Unsupported model source: '/nope'"})))
    with pytest.raises(ModelError, match="/nope"):
        ModelRepository(play).install_model("/nope")


def test_a_wait_ends_in_time_and_says_how_far_it_was():
    play = Play(lambda request: (200, install("downloading")))
    job = ModelRepository(play).install_model("/m")
    with pytest.raises(JobTimeoutError, match="downloading"):
        job.wait(timeout=10)
    assert play.time == pytest.approx(10)


def test_a_wait_gives_up_on_a_server_that_stays_away():
    answers = [(201, install("waiting"))]
    play = Play(lambda request: answers.pop() if answers else APIConnectionError("x"))
    with pytest.raises(APIConnectionError):
        ModelRepository(play).install_model("/m").wait()


def test_deleting_asks_for_an_uncompressed_answer():
    play = Play(scripted((204, None)))
    ModelRepository(play).delete_model(KnownId("k"))
    assert play.requests[0].identity


@pytest.mark.parametrize("status", [400, 403, 422])
def test_another_refusal_of_a_source_stays_what_it_is(status):
    play = Play(scripted((status, {"detail": "no"})))
    with pytest.raises(APIStatusError) as caught:
        ModelRepository(play).install_model("/m")
    assert caught.value.status_code == status
