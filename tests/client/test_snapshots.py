"""Snapshots: tolerant of what they do not know, equal by data, free of connections."""

from __future__ import annotations

import copy
import importlib
import pickle
from dataclasses import FrozenInstanceError
from datetime import datetime, timezone

import pytest
from flow_play import Play
from media_files import PNG
from paths import REPOSITORY

from invokeai_py_client._aio.image_handle import AsyncIvkImage
from invokeai_py_client.board.models import Board, BoardVisibility
from invokeai_py_client.exceptions import InvokeAIError, NotFoundError
from invokeai_py_client.image.models import ImageBase, ImageCategory
from invokeai_py_client.model.models import ModelRecord
from invokeai_py_client.models import IvkImage, IvkJob, JobStatus
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.workflow.document.definition import WorkflowDefinition
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle

PUBLIC_MODULES = (
    "invokeai_py_client",
    *(
        f"invokeai_py_client.{name}"
        for name in (
            "admin", "board", "events", "exceptions", "gallery", "image", "ivk_fields",
            "model", "models", "nodes", "prompts", "queue", "video", "workflow",
        )
    ),
)  # fmt: skip
RECORD = {
    "image_name": "a.png",
    "image_category": "user",
    "image_origin": "external",
    "width": 4,
    "height": 2,
    "created_at": "2026-11-23 12:35:29.327",
    "starred": True,
    "board_id": None,
    "news_of_tomorrow": [1],
}


class OneAnswer:
    """A runner whose server answers everything with the same bytes."""

    def __init__(self, status=200, body=PNG):
        self.play = Play(lambda request: (status, body))

    def run(self, flow):
        return self.play.run(flow)


def test_unknown_keys_and_values_are_kept():
    image = IvkImage.model_validate({**RECORD, "image_category": "hologram"})
    assert image.model_extra == {"news_of_tomorrow": [1]}
    assert image.image_category == "hologram"
    assert image.model_dump(mode="json")["image_category"] == "hologram"
    assert Board(board_id="b", board_name="", board_visibility="guild")
    assert JobStatus("dreaming").is_terminal is False


def test_times_are_aware_utc():
    image = IvkImage.model_validate(RECORD)
    expected = datetime(2026, 11, 23, 12, 35, 29, 327000, tzinfo=timezone.utc)
    assert image.created_at == expected
    board = Board(board_id="b", board_name="", updated_at="2026-11-23 14:55:39")
    assert board.updated_at.tzinfo is timezone.utc


def test_snapshots_are_frozen():
    image = IvkImage.model_validate(RECORD)
    with pytest.raises(FrozenInstanceError):
        image.starred = False
    with pytest.raises(FrozenInstanceError):
        ModelRecord(key="k").name = "x"


def test_images_are_equal_by_data_in_both_clients():
    plain, bound = (
        IvkImage.model_validate(RECORD),
        IvkImage.bound_to(OneAnswer())(RECORD),
    )
    base, other = ImageBase.model_validate(RECORD), AsyncIvkImage(**RECORD)
    assert plain == bound == base == other
    assert len({plain, bound, base, other}) == 1
    assert plain != IvkImage.model_validate({**RECORD, "starred": False})
    assert plain != IvkImage.model_validate({**RECORD, "news_of_tomorrow": []})
    assert plain != "a.png"


def test_the_connection_is_in_no_dump_and_no_pickle():
    image = IvkImage.bound_to(OneAnswer())(RECORD)
    assert "runner" not in repr(image)
    assert "runner" not in image.model_dump_json()
    thawed = pickle.loads(pickle.dumps(image))
    assert thawed == image
    with pytest.raises(InvokeAIError, match="not connected"):
        thawed.bytes()
    assert copy.deepcopy(image).bytes() == PNG


def test_an_image_without_a_server_says_so(tmp_path):
    with pytest.raises(InvokeAIError, match="get_image"):
        IvkImage(image_name="a.png").save(tmp_path)


def test_a_notebook_shows_the_image_and_never_an_error():
    assert IvkImage.bound_to(OneAnswer())(RECORD)._repr_png_() == PNG
    assert (
        IvkImage.bound_to(OneAnswer(404, {"detail": "x"}))(RECORD)._repr_png_() is None
    )
    assert IvkImage.model_validate(RECORD)._repr_png_() is None
    # A notebook does not await.
    assert not hasattr(AsyncIvkImage, "_repr_png_")


def test_an_image_reads_itself_again():
    image = IvkImage.bound_to(OneAnswer(200, {**RECORD, "starred": False}))(RECORD)
    again = image.refresh()
    assert isinstance(again, IvkImage)
    assert (image.starred, again.starred) == (True, False)
    gone = IvkImage.bound_to(OneAnswer(404, {"detail": "x"}))(RECORD)
    with pytest.raises(NotFoundError):
        gone.refresh()


def test_uploads_are_assets():
    assert IvkImage.model_validate(RECORD).is_asset
    general = {**RECORD, "image_category": ImageCategory.GENERAL}
    assert not IvkImage.model_validate(general).is_asset
    board = Board(board_id="b", board_name="", image_count=2, asset_count=3)
    assert board.total_count == 5
    assert board.board_visibility is None
    assert BoardVisibility("shared") is BoardVisibility.SHARED


def test_a_job_summary_is_a_job():
    job = IvkJob(item_id=1, status="pending", batch_id="b")
    assert job.session is None
    assert job.status is JobStatus.PENDING


def frozen_classes():
    """Every public frozen class, in the module that users import it from."""
    found = {}
    for module in PUBLIC_MODULES:
        package = importlib.import_module(module)
        for name in getattr(package, "__all__", dir(package)):
            kind = getattr(package, name, None)
            if not isinstance(kind, type) or not kind.__module__.startswith("invokeai"):
                continue
            parameters = getattr(kind, "__dataclass_params__", None)
            is_frozen = getattr(parameters, "frozen", False) or getattr(
                kind, "model_config", {}
            ).get("frozen")
            if is_frozen:
                found[f"{kind.__module__}.{kind.__qualname__}"] = kind
    return found


def test_every_frozen_class_says_what_to_write_instead_of_setting_an_attribute():
    classes = frozen_classes()
    assert len(classes) > 90
    for name, kind in classes.items():
        made = object.__new__(kind)
        # What the advice of an input names.
        made.__dict__["name"] = "steps"
        with pytest.raises(FrozenInstanceError, match=r"be set: .{20}") as caught:
            made.width = 3
        assert caught.type is FrozenInstanceError, name
        assert str(caught.value).startswith(f"{kind.__name__}.width "), name


def test_the_value_of_an_input_is_set_by_what_the_error_says():
    handle = BaseWorkflowHandle(
        WorkflowDefinition.from_file(REPOSITORY / "examples/workflows/portrait.json"),
        NodeCatalog.bundled(),
    )
    item = handle.inputs["steps"]
    with pytest.raises(FrozenInstanceError) as caught:
        item.value = 3
    assert "handle['steps'] = … or input.field.value = …" in str(caught.value)
    handle["steps"] = 3
    assert item.value == 3
    item.field.value = 4
    assert handle["steps"] == 4
    with pytest.raises(AttributeError, match="from_dict"):
        handle.definition.name = "other"
    with pytest.raises(AttributeError, match=r'handle\["definition"\] = …'):
        handle.definition = None


def test_a_copy_of_a_snapshot_may_differ_and_keeps_its_connection():
    image = IvkImage.model_validate(RECORD)
    with pytest.raises(FrozenInstanceError, match=r"image_repo\.update_image"):
        image.starred = False
    assert image.model_copy(update={"starred": False}).starred is False
