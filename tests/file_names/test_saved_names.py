"""Names of saved images: what they can say, and what is asked of the server for it."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from media_files import PNG
from workflow_builder import document, node

from invokeai_py_client import InvokeAIClient, WorkflowDefinition
from invokeai_py_client._file_names import FileNameTemplate, template_in
from invokeai_py_client.exceptions import ArgumentError


def definition(*more):
    blank = node("b", "blank_image", {"width": 24, "height": 16})
    blank["data"]["isIntermediate"] = False
    blank["data"]["label"] = "Plain sheet"
    return WorkflowDefinition.from_dict(
        document([blank, *more], form=[("b", "width"), ("b", "height")])
    )


@pytest.fixture
def asked():
    """The last part of the path of every request."""
    return []


@pytest.fixture
def client(invokeai_url, asked):
    def note(request):
        asked.append(request.url.path.rpartition("/")[2])

    hooks = {"event_hooks": {"request": [note]}}
    with InvokeAIClient(invokeai_url, http_options=hooks) as client:
        yield client


@pytest.fixture
def result(client):
    handle = client.workflow_repo.create_workflow(definition())
    return handle.run(width=32, runs=2)


def test_an_image_of_a_run_is_named_by_its_job(result, tmp_path):
    names = [
        image.save(f"{tmp_path}/{{width:04d}}/{{index:03d}}-{{output:slug}}.png")
        for image in result.images
    ]
    assert names == [
        tmp_path / "0032" / "000-plain-sheet.png",
        tmp_path / "0032" / "001-plain-sheet.png",
    ]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in names)


def test_what_made_an_image_is_not_part_of_its_data(result, client):
    image = result.images[0]
    again = client.image_repo.get_image(image.image_name)
    assert image == again
    assert image.model_dump() == again.model_dump()
    copy = pickle.loads(pickle.dumps(image)).with_runner(image._bound_runner)
    assert copy == image
    assert copy._job_fields["index"] == 0


def test_no_request_is_sent_for_what_is_known(result, tmp_path, asked):
    asked.clear()
    result.images[1].save(tmp_path / "{job}-{height}-{date:%Y}-{image_name}.png")
    assert asked == ["full"]


def test_an_unknown_field_is_refused_before_anything_is_sent(result, tmp_path, asked):
    asked.clear()
    for name, said in [
        ("{widht}.png", "did you mean 'width'"),
        ("{width:q}.png", "not a format"),
        ("{width", "brace"),
    ]:
        with pytest.raises(ArgumentError, match=said) as caught:
            result.images[0].save(tmp_path / name)
        assert caught.value.argument == "path"
    assert asked == []
    assert list(tmp_path.iterdir()) == []


async def test_the_asyncio_client_has_the_same_names(async_invokeai_client, tmp_path):
    handle = async_invokeai_client.workflow_repo.create_workflow(definition())
    result = await handle.run(width=40)
    path = await result.image.save(tmp_path / "{width}-{index}")
    assert path == tmp_path / "40-0.png"
    repo = async_invokeai_client.image_repo
    assert await repo.download_image(result.image, tmp_path / "{width}.png")
    (path,) = await repo.download_images(result.images, tmp_path, name="{height:03d}")
    assert path == tmp_path / "016.png"


def test_several_images_of_a_job_are_numbered(invokeai_client, tmp_path):
    second = node("c", "blank_image", {"width": 8, "height": 8})
    second["data"]["isIntermediate"] = False
    handle = invokeai_client.workflow_repo.create_workflow(definition(second))
    result = handle.run()
    paths = [image.save(tmp_path / "{index:02d}.png") for image in result.images]
    assert [path.name for path in paths] == ["00.png", "00-2.png"]
    paths = [image.save(tmp_path / "n{ordinal}.png") for image in result.images]
    assert [path.name for path in paths] == ["n1.png", "n2.png"]
    repo = invokeai_client.image_repo
    paths = repo.download_images(result.images, tmp_path / "x", name="{index}")
    assert [path.name for path in paths] == ["0.png", "0-2.png"]


def test_images_of_no_job_are_named_by_their_metadata(invokeai_client, tmp_path):
    repo = invokeai_client.image_repo
    images = [
        repo.upload_image(PNG, metadata=metadata)
        for metadata in (
            {"seed": 7, "positive_prompt": "A cat", "model": {"name": "SD 1"}},
            {"seed": 8, "positive_prompt": "A cat"},
            None,
        )
    ]
    paths = repo.download_images(
        images, tmp_path, name="{index:02d}-{seed}-{prompt:slug}-{model:slug}"
    )
    names = ["00-7-a-cat-sd-1.png", "01-8-a-cat-none.png", "02-none-none-none.png"]
    assert [path.name for path in paths] == names
    path = repo.download_image(images[1].image_name, tmp_path / "{seed}-{width}.png")
    assert path.name == "8-1.png"
    with pytest.raises(ArgumentError, match="no field 'steps'"):
        repo.download_images(images, tmp_path / "new", name="{steps}")
    assert not (tmp_path / "new").exists()


def test_two_files_never_share_a_name(invokeai_client, tmp_path):
    repo = invokeai_client.image_repo
    images = [
        repo.upload_image(PNG, metadata={"positive_prompt": prompt})
        for prompt in ("A/b", "a\\B", "A:b")
    ]
    paths = repo.download_images(images, tmp_path, name="{positive_prompt}")
    assert paths[0].name == "A_b.png"
    assert len({path.name.casefold() for path in paths}) == 3
    assert {path.parent for path in paths} == {tmp_path}
    again = repo.download_images(images[:1], tmp_path, name="{image_name}")
    assert again == [tmp_path / images[0].image_name]


# -- which part of a path is the template --------------------------------------------


def test_folders_that_exist_are_taken_as_they_are(tmp_path):
    folder = tmp_path / "{mine}"
    folder.mkdir()
    assert template_in(folder, "image_name") is None
    assert template_in(tmp_path / "a.png", "image_name") is None
    found, template = template_in(folder / "new" / "{index}.png", "image_name")
    assert (found, template.text) == (folder / "new", "{index}.png")


def test_a_template_that_ends_with_a_separator_is_a_folder(tmp_path):
    folder, template = template_in(f"{tmp_path}/{{index}}/", "image_name")
    assert folder == tmp_path
    assert template == FileNameTemplate.parse("{index}/{image_name}", argument="path")


def test_the_path_before_the_template_is_the_users(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path))
    folder, template = template_in("../other/{index}.png", "image_name")
    assert folder.resolve() == tmp_path / "other"
    assert template.text == "{index}.png"
    assert template_in("~/{index}", "image_name")[0] == tmp_path
    assert template_in("{index}", "image_name")[0] == Path()
    with pytest.raises(ArgumentError, match=r"'\.\.'"):
        template_in("{index}/../../x.png", "image_name")
