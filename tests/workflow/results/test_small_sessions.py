"""Results of small sessions: what counts as made, how it ended, how it reads."""

from __future__ import annotations

from typing import Any

import pytest

from invokeai_py_client import IvkVideo
from invokeai_py_client._core.tracker import JobState
from invokeai_py_client.exceptions import (
    JobCanceledError,
    JobFailedError,
    JobLostError,
    OutputNotFoundError,
    WorkflowError,
)
from invokeai_py_client.image.models import own_fields
from invokeai_py_client.models import IvkImage
from invokeai_py_client.workflow.jobs.result_names import NodeTitle, ResultNames
from invokeai_py_client.workflow.results.build_result import (
    MediaFactory,
    NamedMedia,
    build_result,
)
from invokeai_py_client.workflow.results.read_session import read_job
from invokeai_py_client.workflow.results.run_result import NodeOutputs, RunResult

UNNAMED = ResultNames()


def picture(name: str) -> dict[str, Any]:
    return {"type": "image_output", "image": {"image_name": name}}


def clip(name: str) -> dict[str, Any]:
    return {"type": "video_output", "video": {"video_name": name}}


def a_job(
    results: dict[str, Any],
    *,
    types: dict[str, str] | None = None,
    edges: tuple[tuple[str, str], ...] = (),
    item_id: int = 7,
    **row: Any,
) -> dict[str, Any]:
    """A job that ran the nodes of `results`, each once, in their order."""
    types = dict.fromkeys(results, "a_node") if types is None else types
    graph = {
        "nodes": {key: {"id": key, "type": kind} for key, kind in types.items()},
        "edges": [
            {
                "source": {"node_id": start, "field": "image"},
                "destination": {"node_id": end, "field": "image"},
            }
            for start, end in edges
        ],
    }
    session = {"id": "s", "graph": graph, "execution_graph": {}, "results": results}
    return {
        "item_id": item_id,
        "status": "completed",
        **row,
        "session": {**session, **row.get("session", {})},
    }


def result_of(
    *jobs: dict[str, Any],
    names: ResultNames = UNNAMED,
    intermediate: tuple[str, ...] = (),
    session_id: str | None = None,
    **more: Any,
) -> RunResult[IvkImage, IvkVideo]:
    def image(record: dict[str, Any]) -> IvkImage:
        is_intermediate = record["image_name"] in intermediate
        return IvkImage(
            **record, is_intermediate=is_intermediate, session_id=session_id
        )

    def video(record: dict[str, Any]) -> IvkVideo:
        is_intermediate = record["video_name"] in intermediate
        return IvkVideo(**record, is_intermediate=is_intermediate)

    records = {job["item_id"]: read_job(job, names) for job in jobs}
    states = [JobState(job["item_id"], job["status"]) for job in jobs]
    media = NamedMedia(MediaFactory(image, video), **more)
    return build_result("b", states, records, names, media)


def names_of(images: Any) -> list[str]:
    return [str(image) for image in images]


def test_without_gallery_images_those_that_feed_no_other_node_count() -> None:
    job = a_job(
        {"draft": picture("draft.png"), "final": picture("final.png")},
        edges=(("draft", "final"),),
    )
    hidden = ("draft.png", "final.png")
    assert names_of(result_of(job, intermediate=hidden).images) == ["final.png"]
    assert names_of(result_of(job).images) == ["draft.png", "final.png"]


def test_when_only_nodes_in_between_made_images_the_last_of_them_counts() -> None:
    job = a_job(
        {
            "first": picture("first.png"),
            "second": picture("second.png"),
            "size": {"type": "integer_output", "value": 8},
        },
        edges=(("first", "second"), ("second", "size")),
    )
    result = result_of(job, intermediate=("first.png", "second.png"))
    assert names_of(result.images) == ["second.png"]


def test_videos_count_as_images_do() -> None:
    job = a_job({"make": clip("a.mp4"), "more": clip("b.mp4")})
    result = result_of(job, intermediate=("b.mp4",))
    assert names_of(result.videos) == ["a.mp4"]
    assert str(result.video) == str(result.jobs[0].video) == "a.mp4"
    assert names_of(result.outputs["more"].videos) == ["b.mp4"]
    assert "b.mp4" in repr(result.outputs["more"])
    with pytest.raises(WorkflowError, match="gave no image"):
        _ = result.image


def test_files_of_a_job_are_numbered_from_1_those_of_its_result_first() -> None:
    job = a_job(
        {"draft": picture("draft.png"), "final": picture("final.png")},
        edges=(("draft", "final"),),
    )
    result = result_of(job, intermediate=("draft.png",))
    numbers = {}
    for name in ("draft", "final"):
        (image,) = result.outputs[name].images
        fields, is_known = own_fields(image)
        assert is_known
        numbers[name] = (fields["ordinal"], fields["output"])
    outputs = {name: result.outputs[name].name for name in numbers}
    assert numbers == {"final": (1, outputs["final"]), "draft": (2, outputs["draft"])}


def test_a_record_that_the_server_has_is_preferred_to_the_bare_name() -> None:
    known = IvkVideo(video_name="a.mp4", starred=True)
    result = result_of(a_job({"make": clip("a.mp4")}), videos={"a.mp4": known})
    assert result.video.starred


def test_a_node_of_unknown_type_has_that_of_the_workflow() -> None:
    names = ResultNames(nodes={"n": NodeTitle("node", "Node", "blank_image")})
    result = result_of(a_job({"n": picture("a.png")}, types={}), names=names)
    assert result.outputs["n"].node_type == "blank_image"


def test_an_image_of_an_unknown_session_is_not_taken_for_a_cached_one() -> None:
    job = a_job({"n": picture("a.png")})
    assert not result_of(job).outputs["n"].cached
    assert not result_of(job, session_id="s").outputs["n"].cached
    assert result_of(job, session_id="another").outputs["n"].cached
    job["session"]["id"] = None
    assert not result_of(job, session_id="another").outputs["n"].cached


def test_paths_that_the_server_tells_are_taken_as_they_are() -> None:
    nodes = {
        "it": {"id": "it", "type": "iterate"},
        "n": {"id": "n", "type": "blank_image"},
    }
    job = a_job(
        {"n1": picture("first.png"), "n0": picture("second.png")},
        types={"it": "iterate", "n": "blank_image"},
        session={
            "prepared_source_mapping": {"n0": "n", "n1": "n"},
            "prepared_iteration_paths": {"n0": [1], "n1": [0]},
            "execution_graph": {"nodes": {"n0": nodes["n"], "n1": nodes["n"]}},
        },
    )
    assert names_of(result_of(job).outputs["n"].images) == ["first.png", "second.png"]


def test_edges_without_an_end_lead_nowhere() -> None:
    """Only the loop of which a whole edge leads to the node counts."""
    prepared = {
        "a0": {"type": "iterate", "index": 1},
        "n0": {"type": "blank_image"},
        "n1": {"type": "blank_image"},
    }
    edges = [
        {"source": {"node_id": "a0"}, "destination": {"node_id": "n0"}},
        {"source": {"node_id": "a0"}, "destination": {}},
        {"source": {}, "destination": {"node_id": "n1"}},
        None,
    ]
    job = a_job(
        {"n0": picture("a.png"), "n1": picture("b.png")},
        session={
            "prepared_source_mapping": {"a0": "a", "n0": "n", "n1": "n"},
            "execution_graph": {"nodes": prepared, "edges": edges},
        },
    )
    paths = {run.result["image"]["image_name"]: run.path for run in read(job).runs}
    assert paths == {"a.png": (1,), "b.png": ()}


def read(job: dict[str, Any]) -> Any:
    return read_job(job, ResultNames())


def failure(job: dict[str, Any], **names: Any) -> JobFailedError:
    job["status"] = "failed"
    error = result_of(job, **names).jobs[0].error
    assert isinstance(error, JobFailedError)
    return error


def test_a_failure_names_what_is_known_of_its_node() -> None:
    errors = {"session": {"errors": {"n": "ValueError: too big"}}}
    error = failure(a_job({}, types={"n": "resize"}, **errors))
    assert str(error).startswith(
        "job 7 failed in node 'resize' (resize, n): ValueError: too big"
    )
    error = failure(a_job({}, types={"m": "other"}, **errors))
    assert "(?, n): ValueError: too big" in str(error)
    names = ResultNames(nodes={"n": NodeTitle("size", "My size", "resize")})
    error = failure(a_job({}, types={"n": "resize"}, **errors), names=names)
    assert "in node 'My size' (resize, n)" in str(error)


@pytest.mark.parametrize(
    ("kind", "words", "shown"),
    [
        ("ValueError", "too big", "job 7 failed: ValueError: too big"),
        ("ValueError", "ValueError: too big", "job 7 failed: ValueError: too big"),
        ("ValueError", None, "job 7 failed: ValueError"),
        (None, "too big", "job 7 failed: too big"),
        (None, None, "job 7 failed: the server gave no reason"),
    ],
)
def test_a_failure_says_its_reason_once(kind: Any, words: Any, shown: str) -> None:
    error = failure(a_job({}, error_type=kind, error_message=words))
    assert str(error).splitlines()[0] == shown


def test_the_row_of_a_job_is_preferred_to_events_and_session() -> None:
    state = JobState(
        7,
        "failed",
        error_type="EventError",
        error_message="from the event",
        error_traceback="traceback of the event",
    )
    media: Any = NamedMedia(MediaFactory(lambda _: None, lambda _: None))

    def error_of(**row: Any) -> JobFailedError:
        record = read(a_job({}, status="failed", **row))
        result = build_result("b", [state], {7: record}, ResultNames(), media)
        error = result.jobs[0].error
        assert isinstance(error, JobFailedError)
        return error

    error = error_of(
        error_type="RowError",
        error_message="from the row",
        error_traceback="traceback of the row",
        session={"errors": {"n": "from the session"}},
    )
    assert (error.error_type, error.error_message, error.traceback) == (
        "RowError",
        "from the row",
        "traceback of the row",
    )
    error = error_of(session={"errors": {"n": "from the session"}})
    assert (error.error_type, error.error_message, error.traceback) == (
        "EventError",
        "from the session",
        "traceback of the event",
    )
    assert error_of().error_message == "from the event"


def test_a_job_whose_number_belongs_to_another_is_lost_not_cancelled() -> None:
    media: Any = NamedMedia(MediaFactory(lambda _: None, lambda _: None))
    states = [JobState(7, "pending", lost=True, replaced=True)]
    result = build_result("b", states, {}, ResultNames(), media)
    with pytest.raises(JobLostError, match="belongs to another job"):
        result.raise_for_status()


def test_how_many_jobs_completed_is_said_where_there_are_several() -> None:
    good = [a_job({}, item_id=number) for number in (1, 2)]
    bad = a_job({}, item_id=3, status="canceled")
    result = result_of(*good, bad)
    assert "2 of 3 jobs completed" in repr(result)
    with pytest.raises(JobCanceledError) as caught:
        result.raise_for_status()
    assert "2 of 3 jobs completed" in str(caught.value.hint)
    with pytest.raises(JobCanceledError) as caught:
        result_of(bad).raise_for_status()
    assert "completed" not in str(caught.value.hint)


def test_an_image_that_is_there_is_given_although_another_job_failed() -> None:
    good = a_job({"n": picture("a.png"), "m": clip("a.mp4")}, item_id=1)
    bad = a_job({}, item_id=2, status="canceled")
    result = result_of(good, bad)
    assert (str(result.image), str(result.video)) == ("a.png", "a.mp4")
    without = result_of(bad)
    for name in ("image", "video"):
        with pytest.raises(JobCanceledError):
            getattr(without, name)


def test_a_result_is_true_also_without_jobs() -> None:
    result = result_of()
    assert result
    assert len(result) == 0
    result.raise_for_status()


def test_several_images_are_listed_up_to_ten() -> None:
    def listed(count: int) -> str:
        results = {f"n{at}": picture(f"{at}.png") for at in range(count)}
        with pytest.raises(WorkflowError) as caught:
            _ = result_of(a_job(results)).image
        assert caught.value.hint == "use .images"
        return str(caught.value).replace(" (use .images)", "")

    ten = ", ".join(f"{at}.png" for at in range(10))
    assert listed(2) == "the run gave 2 images: 0.png, 1.png"
    assert listed(10) == f"the run gave 10 images: {ten}"
    assert listed(11) == f"the run gave 11 images: {ten}, …"


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "no images"), (1, "0.png"), (3, "0.png, 1.png, 2.png"), (4, "4 images")],
)
def test_a_job_shows_up_to_three_images_by_name(count: int, shown: str) -> None:
    results = {f"n{at}": picture(f"{at}.png") for at in range(count)}
    job = result_of(a_job(results)).jobs[0]
    assert repr(job) == f"<JobResult 7 completed: {shown}>"


def test_a_notebook_shows_the_first_hundred_jobs() -> None:
    jobs = [a_job({}, item_id=number) for number in range(1, 103)]
    html = result_of(*jobs)._repr_html_()
    assert "<td>100</td>" in html
    assert "<td>101</td>" not in html


def test_outputs_that_are_not_found_list_those_there_are() -> None:
    with pytest.raises(OutputNotFoundError, match="outputs: none") as caught:
        NodeOutputs(())["n"]
    assert not caught.value.candidates
    names = ResultNames(
        nodes={
            "n": NodeTitle("one", "Same", "a_node"),
            "m": NodeTitle("two", "Same", "a_node"),
        }
    )
    job = a_job({"n": picture("a.png"), "m": picture("b.png")})
    with pytest.raises(OutputNotFoundError, match="outputs: one, two"):
        result_of(job, names=names).outputs["Same"]
