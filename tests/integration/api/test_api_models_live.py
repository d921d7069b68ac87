"""Everything about models, through both clients.

Not exercised, because they need the internet: looking up and installing HuggingFace
repositories beyond their failure, downloads and with them pausing, resuming and
restarting those that run, a HuggingFace token that is accepted. Nor is a successful
conversion: it needs a single-file checkpoint of several GB.
"""

from __future__ import annotations

import io
import shutil

import pytest
from model_files import diffusers_vae, embedding
from paths import NO_SUCH_ID
from PIL import Image

from invokeai_py_client.client import InvokeAIClient
from invokeai_py_client.exceptions import (
    ImageError,
    ModelError,
    NotFoundError,
    UnprocessableEntityError,
)
from invokeai_py_client.model.models import HuggingFaceToken, InstallStatus

from ..noun_calls import collected, done, either_client
from ..servers import models_folder

pytestmark = pytest.mark.live


@pytest.fixture(params=["blocking", "asyncio"])
async def models(request, live_url, tiny_models):
    """The model repository of either client."""
    async for client in either_client(request.param, live_url):
        yield client.model_repo


@pytest.fixture
async def main(models):
    return await done(models.get_model("tiny-sd1"))


@pytest.fixture
async def vae(models):
    return await done(models.get_model("tiny-sdxl-vae"))


def picture(size=(600, 300)):
    sink = io.BytesIO()
    Image.new("RGB", size, "red").save(sink, "PNG")
    return sink.getvalue()


# -- records -------------------------------------------------------------------


async def test_models_are_found_by_every_route(models, main):
    assert await done(models.get_model_by_hash(main.hash)) == main
    found = models.get_model_by_attributes(
        name=main.name, type=main.type, base=main.base
    )
    assert (await done(found)).key == main.key
    with pytest.raises(NotFoundError, match="hash"):
        await done(models.get_model_by_hash("blake3:nothing"))
    with pytest.raises(NotFoundError):
        await done(models.get_model_by_attributes(name="no", type="vae", base="sdxl"))


async def test_lists_are_filtered_and_ordered_by_the_server(models):
    by_size = await done(models.list_models(order_by="size", descending=True))
    sizes = [model.file_size for model in by_size]
    assert sizes == sorted(sizes, reverse=True)
    both = await done(models.list_models(base=["sd-1", "sdxl"], type="main"))
    assert {"tiny-sd1", "tiny-sdxl"} <= {model.name for model in both}
    with pytest.raises(UnprocessableEntityError, match="created_at"):
        await done(models.list_models(order_by="colour"))


async def test_records_are_changed_and_emptied(models, main):
    changed = await done(
        models.update_model(main, description="small", trigger_phrases=["tiny"])
    )
    assert (changed.description, changed.trigger_phrases) == ("small", ["tiny"])
    back = await done(
        models.update_model(main.key, description=None, trigger_phrases=None)
    )
    assert (back.description, back.trigger_phrases) == (None, None)
    assert back.key == main.key


async def test_what_a_kind_of_model_does_not_have_is_refused(models, vae):
    with pytest.raises(ModelError, match="trigger_phrases"):
        await done(models.update_model(vae, trigger_phrases=["tiny"]))
    with pytest.raises(UnprocessableEntityError, match="key cannot be changed"):
        await done(models.update_model(vae, key="other"))
    with pytest.raises(UnprocessableEntityError, match="base"):
        await done(models.update_model(vae, base="no-such-base"))
    with pytest.raises(NotFoundError):
        await done(models.update_model(NO_SUCH_ID, name="x"))


@pytest.mark.real_server("the simulator identifies no model again")
async def test_models_are_identified_again(models, main):
    assert (await done(models.reidentify_model(main))).name == main.name
    result = await done(models.reidentify_models([main, NO_SUCH_ID]))
    assert result.done == [main.key]
    assert [(item.key, item.error) for item in result.failed] == [
        (NO_SUCH_ID, "model not found")
    ]
    with pytest.raises(NotFoundError):
        await done(models.reidentify_model(NO_SUCH_ID))


@pytest.mark.real_server("the simulator converts nothing")
async def test_only_checkpoints_are_converted(models, main):
    with pytest.raises(ModelError, match="not a main"):
        await done(models.convert_model(main))
    # The server says 424.
    with pytest.raises(NotFoundError, match=NO_SUCH_ID):
        await done(models.convert_model(NO_SUCH_ID))


# -- covers --------------------------------------------------------------------


@pytest.mark.real_server("the simulator keeps no covers")
async def test_a_cover_is_set_read_and_removed(models, main, tmp_path):
    path = tmp_path / "cover.png"
    path.write_bytes(picture())
    await done(models.set_cover_image(main, path))
    cover = Image.open(io.BytesIO(await done(models.get_cover_image(main))))
    assert (cover.format, cover.size) == ("WEBP", (256, 128))
    assert (await done(models.get_model(main.key))).cover_image
    # The answer is 204, without content.
    assert await done(models.delete_cover_image(main)) is None
    with pytest.raises(NotFoundError):
        await done(models.delete_cover_image(main))


@pytest.mark.real_server("the simulator keeps no covers")
async def test_a_missing_cover_is_not_found_instead_of_a_failure(models, vae):
    with pytest.raises(NotFoundError, match="no cover image"):
        await done(models.get_cover_image(vae))
    with pytest.raises(NotFoundError):
        await done(models.get_cover_image(NO_SUCH_ID))
    with pytest.raises(NotFoundError):
        await done(models.set_cover_image(NO_SUCH_ID, picture()))


@pytest.mark.real_server("the simulator keeps no covers")
async def test_a_broken_cover_is_named(models, main):
    with pytest.raises(ImageError, match="is damaged: it is cut off"):
        await done(models.set_cover_image(main, picture()[:60]))
    with pytest.raises(ImageError, match="not an image"):
        await done(models.set_cover_image(main, b"text"))


# -- relations -----------------------------------------------------------------


@pytest.mark.real_server("the simulator relates no models")
async def test_models_are_related_both_ways(models, main, vae):
    await done(models.relate_models(main, vae))
    await done(models.relate_models(vae, main))
    assert await done(models.list_related_model_keys(main)) == [vae.key]
    assert await done(models.list_related_model_keys(vae.key)) == [main.key]
    both = await done(models.list_related_model_keys([main, vae]))
    assert set(both) == {main.key, vae.key}
    await done(models.unrelate_models(main, vae))
    await done(models.unrelate_models(main, vae))
    assert await done(models.list_related_model_keys(main)) == []


@pytest.mark.real_server("the simulator relates no models")
async def test_relations_of_unknown_models_are_refused(models, main):
    # The server itself answers 500.
    with pytest.raises(NotFoundError):
        await done(models.relate_models(main, NO_SUCH_ID))
    with pytest.raises(ModelError, match="itself"):
        await done(models.relate_models(main, main.key))
    assert await done(models.list_related_model_keys(NO_SUCH_ID)) == []


# -- installing ----------------------------------------------------------------


async def test_a_local_model_is_installed_and_stays_where_it_is(models, tmp_path):
    path = diffusers_vae(tmp_path / "mine")
    seen = []
    job = await done(models.install_model(path, name="Mine"))
    model = await done(job.wait(60, on_progress=seen.append))
    assert (model.name, model.type, model.base) == ("Mine", "vae", "sdxl")
    assert seen[-1].status is InstallStatus.COMPLETED
    assert path.exists()
    await done(models.delete_model(model))
    assert path.exists(), "only files in the server's own folder go with a model"
    with pytest.raises(NotFoundError):
        await done(models.delete_model(model))


@pytest.mark.real_server("the simulator copies what it is to move")
async def test_files_are_moved_when_asked(models, tmp_path):
    path = diffusers_vae(tmp_path / "moved")
    model = await done((await done(models.install_model(path, move=True))).wait(60))
    assert not list(path.iterdir())
    await done(models.delete_model(model))


async def test_deleting_several_models_tells_which_did_not_exist(models, tmp_path):
    path = diffusers_vae(tmp_path / "moved")
    model = await done((await done(models.install_model(path, move=True))).wait(60))
    result = await done(models.delete_models([model, NO_SUCH_ID]))
    assert result.done == [model.key]
    assert [item.key for item in result.failed] == [NO_SUCH_ID]


async def test_a_success_that_fails_in_the_job_is_an_error(models, tmp_path):
    path = diffusers_vae(tmp_path / "twice")
    model = await done((await done(models.install_model(path))).wait(60))
    again = await done(models.install_model(path))
    with pytest.raises(ModelError, match="Duplicate"):
        await done(again.wait(60))
    await done(models.delete_model(model))

    (tmp_path / "empty").mkdir()
    empty = await done(models.install_model(tmp_path / "empty"))
    with pytest.raises(ModelError, match="ended with error"):
        await done(empty.wait(60))

    junk = tmp_path / "junk.safetensors"
    junk.write_bytes(b"x" * 100)
    job = await done(models.install_model(junk))
    with pytest.raises(ModelError, match="does not know what it is") as caught:
        await done(job.wait(60))
    await done(models.delete_model(caught.value.candidates[0]))

    with pytest.raises(ModelError, match="cannot install"):
        await done(models.install_model("/no/such/path"))


@pytest.mark.real_server("the simulator downloads nothing")
async def test_a_download_without_internet_fails_in_the_job(models):
    url = "http://127.0.0.1:9/model.safetensors"
    job = await done(models.install_model(url))
    # The server does not fetch from private addresses.
    with pytest.raises(ModelError, match="UnsafeDownloadURL"):
        await done(job.wait(60))


async def test_installations_are_watched_found_controlled_and_forgotten(
    models, tmp_path
):
    path = diffusers_vae(tmp_path / "watched")
    job = await done(models.install_model(path))
    states = await collected(job.watch(60))
    assert states[-1].status is InstallStatus.COMPLETED
    assert [state.status.is_terminal for state in states[:-1]].count(True) == 0

    found = await done(models.get_install(job.job_id))
    assert (await done(found.get_status())) == states[-1]
    await done(found.cancel())

    assert job.job_id in [item.id for item in await done(models.list_installs())]
    await done(models.prune_installs())
    assert job.job_id not in [item.id for item in await done(models.list_installs())]
    # The server says 404 to the first and 415 to the others.
    with pytest.raises(ModelError, match="no installation"):
        await done(models.get_install(job.job_id))
    with pytest.raises(ModelError, match="no installation"):
        await done(found.cancel())
    await done(models.delete_model(await done(models.get_model("watched"))))


@pytest.mark.real_server("the simulator downloads nothing that could be paused")
async def test_what_has_ended_cannot_be_paused_or_begun_again(models, tmp_path):
    path = diffusers_vae(tmp_path / "ended")
    job = await done(models.install_model(path))
    model = await done(job.wait(60))
    for verb in (job.pause, job.resume, job.restart_failed):
        assert (await done(verb())).status is InstallStatus.COMPLETED
    kept = await done(job.restart_file("http://host/file"))
    assert kept.status is InstallStatus.COMPLETED
    with pytest.raises(UnprocessableEntityError, match="URL"):
        await done(job.restart_file("no url"))
    await done(models.prune_installs())
    for verb in (job.pause, job.resume, job.restart_failed):
        with pytest.raises(ModelError, match="no installation"):
            await done(verb())
    await done(models.delete_model(model))


# -- where models come from ----------------------------------------------------


@pytest.mark.real_server("the simulator downloads nothing")
async def test_starter_models_are_known(models):
    starters = await done(models.get_starter_models())
    assert len(starters.starter_models) > 100
    sdxl = starters.starter_bundles["sdxl"]
    assert all(model.source for model in sdxl.models)


@pytest.mark.real_server("the simulator scans no folders")
async def test_folders_are_scanned(models, tmp_path):
    path = embedding(tmp_path / "models" / "new.safetensors")
    found = await done(models.scan_folder(tmp_path / "models"))
    assert [(item.path, item.is_installed) for item in found] == [(str(path), False)]
    with pytest.raises(ModelError, match="cannot scan"):
        await done(models.scan_folder("/no/such/folder"))


@pytest.mark.real_server("the simulator downloads nothing")
async def test_huggingface_says_what_it_lacks(models):
    assert await done(models.get_huggingface_token()) in set(HuggingFaceToken)
    with pytest.raises(ModelError, match="owner/no-such-name"):
        await done(models.get_huggingface_repository("owner/no-such-name"))


# -- what the server keeps -----------------------------------------------------


async def test_the_cache_is_read_and_emptied(models):
    stats = await done(models.find_model_cache_stats())
    assert stats is None or stats.cache_size >= 0
    assert await done(models.empty_model_cache()) is None


async def test_missing_models_are_found(models, tmp_path):
    path = diffusers_vae(tmp_path / "gone")
    model = await done((await done(models.install_model(path))).wait(60))
    shutil.rmtree(path)
    assert model.key in [item.key for item in await done(models.list_missing_models())]
    await done(models.delete_model(model))


@pytest.mark.real_server("the simulator looks for no orphans")
async def test_orphans_are_found_and_deleted(models, live_server):
    orphan = models_folder(live_server) / "orphan-folder"
    embedding(orphan / "left.safetensors")
    try:
        found = await done(models.list_orphaned_models())
        (mine,) = [item for item in found if item.path == "orphan-folder"]
        assert mine.files == ["left.safetensors"]
        assert mine.size_bytes > 3000
        result = await done(models.delete_orphaned_models([mine, "no-such-folder"]))
        assert result.deleted == ["orphan-folder"]
        assert list(result.errors) == ["no-such-folder"]
        assert not orphan.exists()
    finally:
        shutil.rmtree(orphan, ignore_errors=True)


@pytest.mark.real_server("the simulator downloads nothing")
@pytest.mark.slow
def test_a_token_is_set_and_forgotten_without_internet(
    start_server, tmp_path, monkeypatch
):
    """On a server of its own: the token is a file of the server's user."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "huggingface"))
    with start_server() as server, InvokeAIClient.from_url(server.url) as client:
        models = client.model_repo
        assert models.get_huggingface_token() is HuggingFaceToken.INVALID
        assert models.set_huggingface_token("hf_no") is not HuggingFaceToken.VALID
        assert models.delete_huggingface_token() is HuggingFaceToken.INVALID
