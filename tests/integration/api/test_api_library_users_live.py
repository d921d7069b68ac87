"""What belongs to others on a server with several users.

Videos, zips, presets, prompts, the client state and the workflow library; each call
is refused with `PermissionDeniedError`, or what is not one's own is absent.
"""

from __future__ import annotations

import zipfile

import pytest

from invokeai_py_client.client import InvokeAIClient
from invokeai_py_client.exceptions import NotFoundError, PermissionDeniedError

from .test_api_library_live import FILE, picture
from .test_api_videos_live import TINY

pytestmark = pytest.mark.live

PASSWORD = "Secret123!"


@pytest.fixture(scope="module")
def users(start_server):
    """Clients of an administrator and two users."""
    with start_server(multiuser=True) as server:
        server.set_up_admin("admin@example.com", PASSWORD)

        def client(name):
            return InvokeAIClient(
                server.url, email=f"{name}@example.com", password=PASSWORD
            )

        admin = client("admin")
        for name in ("a", "b"):
            account = {
                "email": f"{name}@example.com",
                "password": PASSWORD,
                "display_name": name,
                "is_admin": False,
            }
            admin.request("POST", "/api/v1/auth/users", json=account)
        clients = (admin, client("a"), client("b"))
        yield clients
        for item in clients:
            item.close()


@pytest.fixture(scope="module")
def owned(users):
    """What user a has: a board with an image and a video, a preset, a prompt, …"""
    _, a, _ = users
    board = a.board_repo.create_board("A's")
    return {
        "board": board,
        "image": board.upload_image_data(picture()),
        "video": a.video_repo.upload_video(TINY, board=board),
        "preset": a.style_preset_repo.create_preset("mine"),
        "prompt": a.system_prompt_repo.create_prompt("x", content="y"),
        "workflow": a.workflow_repo.save_workflow(FILE),
    }


REFUSED = {
    "zip": lambda b, o, at: b.image_repo.download_images_as_zip(
        o["image"], at / "x.zip"
    ),
    "image exists": lambda b, o, at: b.image_repo.image_exists(o["image"]),
    "image urls": lambda b, o, at: b.image_repo.get_image_urls(o["image"]),
    "video exists": lambda b, o, at: b.video_repo.video_exists(o["video"]),
    "video": lambda b, o, at: b.video_repo.get_video(o["video"]),
    "video file": lambda b, o, at: b.video_repo.download_video(o["video"], at),
    "move": lambda b, o, at: b.video_repo.move_videos(o["video"], board="none"),
    "update": lambda b, o, at: b.video_repo.update_video(o["video"], starred=True),
    "delete": lambda b, o, at: b.video_repo.delete_video(o["video"]),
    "upload": lambda b, o, at: b.video_repo.upload_video(TINY, board=o["board"]),
    "listing": lambda b, o, at: list(b.video_repo.list_videos(board=o["board"])),
    "gallery": lambda b, o, at: list(b.gallery_repo.list_items(board=o["board"])),
    "clear": lambda b, o, at: b.image_repo.delete_intermediate_images(),
    "preset": lambda b, o, at: b.style_preset_repo.get_preset(o["preset"]),
    "preset name": lambda b, o, at: b.style_preset_repo.update_preset(
        o["preset"], name="z"
    ),
    "export": lambda b, o, at: b.style_preset_repo.export_presets(at),
    "prompt": lambda b, o, at: b.system_prompt_repo.get_prompt(o["prompt"]),
    "prompt text": lambda b, o, at: b.system_prompt_repo.update_prompt(
        o["prompt"], content="z"
    ),
    "moves": lambda b, o, at: b.image_move_repo.get_image_move_status(),
    "recall": lambda b, o, at: b.recall_repo.send_parameters(
        {"reference_images": [{"image_name": o["image"].image_name}]}
    ),
    "workflow": lambda b, o, at: b.workflow_repo.get_workflow_record(o["workflow"]),
    "change": lambda b, o, at: b.workflow_repo.update_workflow(o["workflow"], FILE),
    "remove": lambda b, o, at: b.workflow_repo.delete_workflow(o["workflow"]),
    "publish": lambda b, o, at: b.workflow_repo.set_workflow_public(
        o["workflow"], True
    ),
}


RECALL = pytest.param(
    "recall", marks=pytest.mark.real_server("the simulator has no web interface")
)


@pytest.mark.parametrize(
    "name", [*(name for name in REFUSED if name != "recall"), RECALL]
)
def test_what_belongs_to_others_is_refused(users, owned, tmp_path, name):
    with pytest.raises(PermissionDeniedError):
        REFUSED[name](users[2], owned, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_lists_and_changes_of_many_leave_out_what_belongs_to_others(users, owned):
    _, a, b = users
    video = owned["video"]
    assert b.video_repo.list_video_names() == []
    assert list(b.gallery_repo.list_items()) == []
    assert b.gallery_repo.list_days() == []
    assert b.video_repo.star_videos(video).skipped == [video.video_name]
    assert b.video_repo.delete_videos(video).skipped == [video.video_name]
    assert b.image_repo.delete_uncategorized_images().changed == []
    assert owned["preset"].id not in [p.id for p in b.style_preset_repo.list_presets()]
    assert b.workflow_repo.find_workflow(owned["workflow"].workflow_id) is None
    a.client_state_repo.set_value("k", "a")
    assert b.client_state_repo.find_value("k") is None
    assert a.video_repo.video_exists(video)


def test_owners_and_administrators_get_their_zips(users, owned, tmp_path):
    admin, a, _ = users
    image = owned["image"]
    for number, client in enumerate((a, admin)):
        path = client.image_repo.download_images_as_zip(
            image, tmp_path / f"{number}.zip"
        )
        assert zipfile.ZipFile(path).namelist() == [f"user/{image}"]
    with pytest.raises(NotFoundError):
        a.image_repo.download_images_as_zip("gone.png", tmp_path / "gone.zip")


def test_a_public_workflow_is_read_by_all_and_changed_by_its_owner(users):
    _, a, b = users
    workflow = a.workflow_repo.save_workflow(FILE, name="shared")
    assert workflow.is_public is False
    a.workflow_repo.set_workflow_public(workflow, True)
    assert b.workflow_repo.get_workflow_record(workflow).is_public
    listed = b.workflow_repo.list_workflows(is_public=True)
    assert workflow.workflow_id in [record.workflow_id for record in listed]
    for change in (
        lambda: b.workflow_repo.delete_workflow(workflow),
        lambda: b.workflow_repo.set_workflow_thumbnail(workflow, picture()),
        lambda: b.workflow_repo.set_workflow_public(workflow, False),
    ):
        with pytest.raises(PermissionDeniedError):
            change()
