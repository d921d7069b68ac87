"""Results: outputs by node and iteration, values and seeds as they really were."""

from __future__ import annotations

import copy
import hashlib
import json

import pytest
from paths import DATA

from invokeai_py_client._core.tracker import JobState
from invokeai_py_client.exceptions import (
    JobCanceledError,
    JobFailedError,
    WorkflowError,
)
from invokeai_py_client.models import IvkImage
from invokeai_py_client.video.models import VideoBase
from invokeai_py_client.workflow.jobs.result_names import (
    NamedPlace,
    NodeTitle,
    ResultNames,
)
from invokeai_py_client.workflow.results.build_result import (
    MediaFactory,
    NamedMedia,
    build_result,
    named_media,
)
from invokeai_py_client.workflow.results.read_session import (
    IMAGE,
    media_names,
    read_job,
)
from invokeai_py_client.workflow.results.run_result import NodeOutput
from invokeai_py_client.workflow.waiting.progress import RunProgress

NAMES = ResultNames(
    inputs=(
        NamedPlace("height", "bi", "height"),
        NamedPlace("width", "bi", "width"),
        NamedPlace("addend", "a", "b"),
    ),
    seeds=(NamedPlace("a.a", "a", "a"),),
    nodes={
        "bi": NodeTitle("blank", "Blank", "blank_image"),
        "c": NodeTitle("collect", "Collect", "collect"),
        "r": NodeTitle("random", "Random", "rand_int"),
        "a": NodeTitle("add", "Add", "add"),
        "it": NodeTitle("iterate", "Iterate", "iterate"),
        "rg": NodeTitle("range", "Range", "range"),
    },
    outputs=("bi",),
)


@pytest.fixture
def item():
    """A job of a real server: a loop of four blank images, a random number."""
    return json.loads((DATA / "iterated_job.json").read_text())


def media(session_id=None, intermediate=()):
    def image(record):
        name = record["image_name"]
        more = {"session_id": session_id, "is_intermediate": name in intermediate}
        return IvkImage(**record, **more)

    return NamedMedia(MediaFactory(image, VideoBase.bound_to(None)))


def result_of(item, result_names=NAMES, known=None, status="completed"):
    record = read_job(item, result_names)
    look = JobState(record.item_id, status)
    known = known or media(item["session"]["id"])
    return build_result(
        "batch-1", [look], {record.item_id: record}, result_names, known
    )


def widths(result, names):
    by_name = {
        entry["image"]["image_name"]: entry["width"]
        for entry in result.outputs["bi"].results
    }
    return [by_name[name] for name in names]


def test_images_of_a_loop_come_in_loop_order(item):
    result = result_of(item)
    names = [image.image_name for image in result.images]
    assert widths(result, names) == [8, 16, 24, 32]


def test_loop_order_does_not_depend_on_the_order_of_results(item):
    results = item["session"]["results"]
    item["session"]["results"] = dict(reversed(list(results.items())))
    result = result_of(item)
    assert [entry["width"] for entry in result.outputs["bi"].results] == [8, 16, 24, 32]


def test_paths_worked_out_are_those_that_a_newer_server_tells(item):
    told = [run.path for run in read_job(item, NAMES).runs]
    del item["session"]["prepared_iteration_paths"]
    record = read_job(item, NAMES)
    assert [run.path for run in record.runs] == told
    assert (3,) in told


def test_without_paths_loops_are_told_apart_by_the_prepared_graph(item):
    """Servers before 6.14 list iterations in the order of a set."""
    del item["session"]["prepared_iteration_paths"]
    nodes = item["session"]["execution_graph"]["nodes"]
    shuffled = sorted(nodes, key=lambda key: hashlib.sha256(key.encode()).digest())
    item["session"]["execution_graph"]["nodes"] = {key: nodes[key] for key in shuffled}
    result = result_of(item)
    assert [entry["width"] for entry in result.outputs["bi"].results] == [8, 16, 24, 32]


def test_nested_and_independent_loops_of_an_older_server_are_in_order():
    """Recorded from 6.8.1, which runs every pair of an outer and an inner loop.

    Row 0 has one cell and row 1 two; two marks go with each; a collector ends all.
    """
    job = json.loads((DATA / "nested_job_6.8.1.json").read_text())
    paths = {}
    for run in read_job(job, ResultNames()).runs:
        paths.setdefault(run.node_id, []).append(run.path)
    assert paths["row"] == [(0,), (1,)]
    assert paths["inner"] == [(0, 0), (1, 0), (1, 1)]
    assert paths["mark"] == [(0,), (1,)]
    assert paths["b"] == sorted(paths["b"])
    cells = {(0, 0), (1, 0), (1, 1)}
    assert set(paths["b"]) == cells
    assert paths["sum"] == sorted(paths["sum"])
    assert set(paths["sum"]) == {
        (row, mark, cell) for row, cell in cells for mark in (0, 1)
    }
    assert paths["all"] == [()]
    assert paths["again"] == paths["more"] == [(index,) for index in range(12)]


def test_values_are_those_the_nodes_got_not_those_that_were_sent(item):
    result = result_of(item)
    drawn = result.outputs["random"].value
    assert result.jobs[0].seeds == {"a.a": drawn}
    assert result.seeds == (drawn,)
    assert result.jobs[0].values == {
        "height": 16,
        "width": (8, 16, 24, 32),
        "addend": 1,
    }


def test_without_the_workflow_values_go_by_their_batch_fields(item):
    assert result_of(item, ResultNames()).jobs[0].values == {"a.b": 1}


def test_outputs_are_found_by_id_name_and_label(item):
    outputs = result_of(item).outputs
    assert outputs["bi"] is outputs["blank"] is outputs["Blank"]
    with pytest.raises(KeyError, match="no output of a node called 'nope'"):
        outputs["nope"]


def test_plain_values_of_any_node_are_there(item):
    outputs = result_of(item).outputs
    assert outputs["range"].value == [8, 16, 24, 32]
    assert [value["index"] for value in outputs["iterate"].values] == [0, 1, 2, 3]
    with pytest.raises(WorkflowError, match="ran 4 times"):
        _ = outputs["iterate"].value


def test_images_inside_lists_are_found(item):
    outputs = result_of(item).outputs
    assert outputs["collect"].images == outputs["blank"].images


def test_each_image_counts_once_although_collect_hands_it_on(item):
    assert len(result_of(item).images) == 4


def test_when_nothing_goes_to_the_gallery_the_final_images_count(item):
    names = named_media([read_job(item, NAMES)], IMAGE)
    make = media(item["session"]["id"], intermediate=names)
    assert len(result_of(item, known=make).images) == 4


def test_intermediate_images_stay_out_when_others_are_in_the_gallery(item):
    names = named_media([read_job(item, NAMES)], IMAGE)
    make = media(item["session"]["id"], intermediate=names[1:])
    result = result_of(item, known=make)
    assert [image.image_name for image in result.images] == names[:1]


def test_an_image_of_an_earlier_session_is_marked_as_cached(item):
    assert not result_of(item).outputs["bi"].cached
    assert result_of(item, known=media("another")).outputs["bi"].cached


def test_an_image_that_was_put_in_is_neither_result_nor_cached(item):
    name = next(media_names(item["session"]["results"], IMAGE))
    item["session"]["graph"]["nodes"]["bi"]["image"] = {"image_name": name}
    result = result_of(item, known=media("another"))
    assert name not in [image.image_name for image in result.images]


def test_one_image_is_asked_for_and_several_are_an_error(item):
    result = result_of(item)
    with pytest.raises(WorkflowError, match=r"gave 4 images: .*\.png"):
        _ = result.image


def test_a_failed_job_keeps_what_ran_before(item):
    failed = copy.deepcopy(item)
    results = failed["session"]["results"]
    *_, prepared, collected = [
        key for key, value in results.items() if list(media_names(value, IMAGE))
    ]
    del results[prepared], results[collected]
    failed["session"]["errors"] = {prepared: "MemoryError: CUDA out of memory"}
    failed.update(status="failed", error_type="OutOfMemoryError", error_message="x")
    result = result_of(failed, status="failed")
    assert len(result.images) == 3
    error = result.jobs[0].error
    assert isinstance(error, JobFailedError)
    assert (error.node_id, error.node_type) == ("bi", "blank_image")
    assert error.out_of_memory
    with pytest.raises(JobFailedError) as caught:
        result.raise_for_status()
    assert caught.value.result is result


def test_a_redacted_session_is_an_empty_result(item):
    item["session"] = {
        "id": "redacted",
        "graph": {"id": "redacted", "nodes": {}, "edges": []},
        "execution_graph": {},
    }
    job = result_of(item).jobs[0]
    assert (job.images, dict(job.outputs), job.session_id) == ((), {}, None)


@pytest.mark.parametrize("session", [None, {}, {"results": None, "graph": 7}])
def test_odd_sessions_are_read_without_complaint(item, session):
    item["session"] = session
    assert result_of(item, known=media()).images == ()


def test_a_job_whose_row_is_gone_says_so():
    states = [JobState(1, "pending", lost=True), JobState(2, "completed")]
    result = build_result("b", states, {}, NAMES, media())
    assert [job.status for job in result.jobs] == ["canceled", "completed"]
    assert "was deleted" in str(result.jobs[0].error)
    assert "completed and deleted" in str(result.jobs[1].error)
    with pytest.raises(JobCanceledError):
        result.raise_for_status()


def test_results_of_several_jobs_are_joined_by_node(item):
    second = {**copy.deepcopy(item), "item_id": 99}
    records = [read_job(item, NAMES), read_job(second, NAMES)]
    result = build_result(
        "b",
        [JobState(record.item_id, "completed") for record in records],
        {record.item_id: record for record in records},
        NAMES,
        media(item["session"]["id"]),
    )
    assert len(result.outputs["bi"].images) == 8
    assert len(result.images) == 8
    assert result.is_complete


def test_reprs_stay_short(item):
    result = result_of(item)
    for thing in (result, result.jobs[0], result.outputs["bi"]):
        assert len(repr(thing)) < 120


def test_progress_reads_as_one_line() -> None:
    progress = RunProgress(
        total=3,
        finished=1,
        counts={},
        fraction=0.5,
        node_name="Denoise",
        message="Denoising",
        step=0.25,
        why="2 jobs are ahead",
    )
    assert str(progress) == (" 50%  1/3 jobs  Denoise  Denoising 25%  2 jobs are ahead")


def test_images_and_outputs_show_themselves_briefly() -> None:
    image = IvkImage(image_name="a.png", width=64, height=32, session_id="s")
    assert repr(image) == "<IvkImage a.png 64x32>"
    output = NodeOutput("n", "text", "Text", "string", ({"value": "x" * 5000},))
    assert len(repr(output)) < 120
