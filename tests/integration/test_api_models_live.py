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
from PIL import Image

from invokeai_py_client.async_client import AsyncInvokeAIClient
from invokeai_py_client.client import InvokeAIClient
from invokeai_py_client.exceptions import (
    ImageError,
    ModelError,
    NotFoundError,
    UnprocessableEntityError,
)
from invokeai_py_client.model.models import HuggingFaceToken, InstallStatus
from model_files import embedding

from .noun_calls import collected, done
from .servers import models_folder

pytestmark = pytest.mark.live


@pytest.fixture(params=["blocking", "asyncio"])
async def models(request, live_url, tiny_models):
    """The model repository of either client."""
    if request.param == "blocking":
        with InvokeAIClient.from_url(live_url) as blocking:
            yield blocking.model_repo
    else:
        async with AsyncInvokeAIClient.from_url(live_url) as asynchronous:
            yield asynchronous.model_repo


@pytest.fixture
async def main(models):
    return await done(models.resolve("tiny-sd1"))


@pytest.fixture
async def vae(models):
    return await done(models.resolve("tiny-sdxl-vae"))


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
        await done(models.update_model("no-such-key", name="x"))


async def test_models_are_identified_again(models, main):
    assert (await done(models.reidentify_model(main))).name == main.name
    result = await done(models.reidentify_models([main, "no-such-key"]))
    assert result.done == [main.key]
    assert [(item.key, item.error) for item in result.failed] == [
        ("no-such-key", "model not found")
    ]
    with pytest.raises(NotFoundError):
        await done(models.reidentify_model("no-such-key"))


async def test_only_checkpoints_are_converted(models, main):
    with pytest.raises(ModelError, match="not a main"):
        await done(models.convert_model(main))
    # The server says 424.
    with pytest.raises(NotFoundError, match="no-such-key"):
        await done(models.convert_model("no-such-key"))


# -- covers --------------------------------------------------------------------


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


async def test_a_missing_cover_is_not_found_instead_of_a_failure(models, vae):
    with pytest.raises(NotFoundError, match="no cover image"):
        await done(models.get_cover_image(vae))
    with pytest.raises(NotFoundError):
        await done(models.get_cover_image("no-such-key"))
    with pytest.raises(NotFoundError):
        await done(models.set_cover_image("no-such-key", picture()))


async def test_a_broken_cover_is_named(models, main):
    with pytest.raises(ImageError, match="cannot read"):
        await done(models.set_cover_image(main, picture()[:60]))
    with pytest.raises(ImageError, match="no picture"):
        await done(models.set_cover_image(main, b"text"))


# -- relations -----------------------------------------------------------------


async def test_models_are_related_both_ways(models, main, vae):
    await done(models.relate_models(main, vae))
    await done(models.relate_models(vae, main))
    assert await done(models.list_related_models(main)) == [vae.key]
    assert await done(models.list_related_models(vae.key)) == [main.key]
    both = await done(models.list_related_models([main, vae]))
    assert set(both) == {main.key, vae.key}
    await done(models.unrelate_models(main, vae))
    await done(models.unrelate_models(main, vae))
    assert await done(models.list_related_models(main)) == []


async def test_relations_of_unknown_models_are_refused(models, main):
    # The server itself answers 500.
    with pytest.raises(NotFoundError):
        await done(models.relate_models(main, "no-such-key"))
    with pytest.raises(ValueError, match="itself"):
        await done(models.relate_models(main, main.key))
    assert await done(models.list_related_models("no-such-key")) == []


# -- installing ----------------------------------------------------------------


async def test_a_local_file_is_installed_and_stays_where_it_is(models, tmp_path):
    path = embedding(tmp_path / "mine.safetensors")
    seen = []
    job = await done(models.install_model(path, name="Mine"))
    model = await done(job.wait(60, on_progress=seen.append))
    assert (model.name, model.type, model.base) == ("Mine", "embedding", "sd-1")
    assert seen[-1].status is InstallStatus.COMPLETED
    assert path.exists()
    await done(models.delete_model(model))
    assert path.exists(), "only files in the server's own folder go with a model"
    with pytest.raises(NotFoundError):
        await done(models.delete_model(model))


async def test_a_file_is_moved_when_asked(models, tmp_path):
    path = embedding(tmp_path / "moved.safetensors")
    job = await done(models.install_model(path, move=True))
    model = await done(job.wait(60))
    assert not path.exists()
    result = await done(models.delete_models([model, "no-such-key"]))
    assert result.done == [model.key]
    assert [item.key for item in result.failed] == ["no-such-key"]


async def test_a_success_that_fails_in_the_job_is_an_error(models, tmp_path):
    path = embedding(tmp_path / "twice.safetensors")
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


async def test_a_download_without_internet_fails_in_the_job(models):
    url = "http://127.0.0.1:9/model.safetensors"
    job = await done(models.install_model(url))
    # The server does not fetch from private addresses.
    with pytest.raises(ModelError, match="UnsafeDownloadURL"):
        await done(job.wait(60))


async def test_installations_are_watched_found_controlled_and_forgotten(
    models, tmp_path
):
    path = embedding(tmp_path / "watched.safetensors")
    job = await done(models.install_model(path))
    states = await collected(job.watch(60))
    assert states[-1].status is InstallStatus.COMPLETED
    assert [state.status.is_terminal for state in states[:-1]].count(True) == 0

    found = await done(models.get_install(job.job_id))
    assert (await done(found.get_status())) == states[-1]
    # What has ended stays as it is.
    for verb in (found.pause, found.resume, found.restart_failed):
        assert (await done(verb())).status is InstallStatus.COMPLETED
    kept = await done(found.restart_file("http://host/file"))
    assert kept.status is InstallStatus.COMPLETED
    with pytest.raises(UnprocessableEntityError, match="URL"):
        await done(found.restart_file("no url"))
    await done(found.cancel())

    assert job.job_id in [item.id for item in await done(models.list_installs())]
    await done(models.prune_installs())
    assert job.job_id not in [item.id for item in await done(models.list_installs())]
    # The server says 404 to the first and 415 to the others.
    with pytest.raises(ModelError, match="no installation"):
        await done(models.get_install(job.job_id))
    for verb in (found.pause, found.resume, found.restart_failed, found.cancel):
        with pytest.raises(ModelError, match="no installation"):
            await done(verb())
    await done(models.delete_model(await done(models.resolve("watched"))))


# -- where models come from ----------------------------------------------------


async def test_starter_models_are_known(models):
    starters = await done(models.list_starter_models())
    assert len(starters.starter_models) > 100
    sdxl = starters.starter_bundles["sdxl"]
    assert all(model.source for model in sdxl.models)


async def test_folders_are_scanned(models, tmp_path):
    path = embedding(tmp_path / "models" / "new.safetensors")
    found = await done(models.scan_folder(tmp_path / "models"))
    assert [(item.path, item.is_installed) for item in found] == [(str(path), False)]
    with pytest.raises(ModelError, match="cannot scan"):
        await done(models.scan_folder("/no/such/folder"))


async def test_huggingface_says_what_it_lacks(models):
    assert await done(models.get_huggingface_token()) in set(HuggingFaceToken)
    with pytest.raises(ModelError, match="owner/no-such-name"):
        await done(models.get_huggingface_repository("owner/no-such-name"))


# -- what the server keeps -----------------------------------------------------


async def test_the_cache_is_read_and_emptied(models):
    stats = await done(models.get_cache_stats())
    assert stats is None or stats.cache_size >= 0
    assert await done(models.empty_cache()) is None


async def test_missing_models_and_orphans_are_found(models, live_server, tmp_path):
    path = embedding(tmp_path / "gone.safetensors")
    model = await done((await done(models.install_model(path))).wait(60))
    path.unlink()
    assert model.key in [item.key for item in await done(models.list_missing_models())]
    await done(models.delete_model(model))

    orphan = models_folder(live_server) / "orphan-folder"
    embedding(orphan / "left.safetensors")
    try:
        found = await done(models.list_orphans())
        (mine,) = [item for item in found if item.path == "orphan-folder"]
        assert mine.files == ["left.safetensors"]
        assert mine.size_bytes > 3000
        result = await done(models.delete_orphans([mine, "no-such-folder"]))
        assert result.deleted == ["orphan-folder"]
        assert list(result.errors) == ["no-such-folder"]
        assert not orphan.exists()
    finally:
        shutil.rmtree(orphan, ignore_errors=True)


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
