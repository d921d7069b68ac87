"""Submitting a handle: resolved, compiled, checked, enqueued once."""

from __future__ import annotations

import copy
import re

import pytest
from media_files import PNG, png
from queue_double import Fault, QueueDouble, drive, json_reply, reply
from workflow_builder import definition, node, text_to_image

from invokeai_py_client._aio.workflow_repo import AsyncWorkflowRepository
from invokeai_py_client.board.board_handle import BoardHandle
from invokeai_py_client.board.models import Board
from invokeai_py_client.exceptions import (
    APITimeoutError,
    FieldValidationError,
    InputNotFoundError,
    KeyConflictError,
    QueueFullError,
    SubmissionUnknownError,
    UnprocessableEntityError,
    WorkflowError,
)
from invokeai_py_client.workflow.loading import load_workflow
from invokeai_py_client.workflow.workflow_repo import WorkflowRepository

MODELS = [
    {"key": "k1", "hash": "h1", "name": "Tiny", "base": "sd-1", "type": "main"},
    {"key": "k2", "hash": "h2", "name": "Large", "base": "sdxl", "type": "main"},
]


class RepositoryDouble:
    """A client's workflow repository on a queue in memory."""

    def __init__(self, tmp_path, version="6.14.2"):
        self.queue = QueueDouble()
        self.bodies = []
        self.uploads = []
        routes = self.queue.extra_routes
        routes["/api/v1/app/version"] = lambda request: {"version": version}
        routes["/api/v2/models/"] = lambda request: {"models": MODELS}
        routes["/api/v1/boards/"] = lambda request: [
            {"board_id": "b1", "board_name": "Portraits"}
        ]
        routes["/api/v1/images/upload"] = self.upload
        routes["/api/v1/images/i/"] = self.image
        routes["/api/v1/images/images_by_names"] = lambda request: [
            {"image_name": name} for name in request.json["image_names"]
        ]
        routes["/api/v1/queue/default/enqueue_batch"] = self.enqueue
        self.repo = WorkflowRepository(self, "http://server", cache_dir=tmp_path)

    def run(self, flow):
        return drive(flow, self.queue)

    def stream(self, flow):
        emitted = []
        drive(flow, self.queue, emitted=emitted)
        return iter(emitted)

    def enqueue(self, request):
        self.bodies.append(request.json)
        return self.queue.enqueue(request.json)

    def upload(self, request):
        self.uploads.append(f"up-{len(self.uploads)}.png")
        return {"image_name": self.uploads[-1]}

    def image(self, request):
        name = request.path.split("/")[-1]
        if name in self.uploads:
            return {"image_name": name}
        return reply(request, 404, b'{"detail": "Image not found"}')

    @property
    def batch(self):
        return self.bodies[-1]["batch"]

    def sent(self, method, path):
        return self.queue.requests.count((method, path))


@pytest.fixture
def context(tmp_path):
    return RepositoryDouble(tmp_path)


@pytest.fixture
def portrait(context):
    return context.repo.create_workflow(text_to_image())


def test_making_a_handle_sends_nothing(context, portrait):
    assert [item.name for item in portrait.list_inputs()][1] == "positive_prompt"
    assert context.queue.requests == []


def test_what_is_sent_is_what_the_gui_would_send(context, portrait):
    submission = portrait.submit(positive_prompt="a harbour")
    assert context.bodies[0]["prepend"] is False
    batch = context.batch
    assert batch["batch_id"] == submission.id
    assert (batch["origin"], batch["destination"]) == ("ivk", "ivk")
    assert batch["graph"]["nodes"]["positive"]["prompt"] == "a harbour"
    assert (batch["runs"], batch["data"]) == (1, [])
    assert batch["workflow"]["name"] == "Test"
    assert [job.item_id for job in submission.jobs] == [1]


def test_the_file_is_not_loaded_again_to_be_submitted(context, portrait, monkeypatch):
    def refuse(*_):
        raise AssertionError("the file is loaded again")

    monkeypatch.setattr(load_workflow, "read_document", refuse)
    portrait.submit(positive_prompt="a")
    portrait.submit(positive_prompt="b", runs=2)
    assert len(context.bodies) == 2


def test_a_model_that_is_gone_for_a_while_is_used_when_it_is_back(context, portrait):
    models = context.queue.extra_routes["/api/v2/models/"]
    context.queue.extra_routes["/api/v2/models/"] = lambda request: {"models": []}
    for _ in range(2):
        with pytest.raises(FieldValidationError, match="model"):
            portrait.submit()
    context.queue.extra_routes["/api/v2/models/"] = models
    portrait.submit()
    assert context.batch["graph"]["nodes"]["loader"]["model"]["key"] == "k1"


def test_the_values_of_a_call_do_not_stay_in_the_handle(context, portrait):
    portrait.submit(positive_prompt="once")
    portrait.submit()
    assert context.batch["graph"]["nodes"]["positive"]["prompt"] == "a lighthouse"


def test_all_problems_come_at_once_and_nothing_is_sent(context, portrait):
    with pytest.raises(FieldValidationError) as caught:
        portrait.submit(steps=0, width=65)
    assert len(caught.value.problems) == 2
    with pytest.raises(InputNotFoundError, match="positive_prompt"):
        portrait.submit(positiv_prompt="x")
    assert context.queue.requests == []


def test_nodes_that_the_server_does_not_have_are_refused_by_name(context):
    nodes = [node("x", "of_a_newer_server", label="New"), node("b", "blank_image")]
    context.queue.extra_routes["/openapi.json"] = lambda request: {
        "openapi": "3.1.0",
        "components": {"schemas": {}},
    }
    handle = context.repo.create_workflow(definition(nodes))
    with pytest.raises(
        FieldValidationError, match=r"'New'.*6\.14\.2.*of_a_newer_server"
    ):
        handle.submit()
    assert context.bodies == []


def test_a_model_is_found_by_name_and_sent_whole(context, portrait):
    portrait.submit(model="tiny")
    sent = context.batch["graph"]["nodes"]["loader"]["model"]
    assert sent == {**MODELS[0], "base": "sd-1"}


def test_an_unknown_model_is_refused_with_the_input_and_a_suggestion(context, portrait):
    with pytest.raises(FieldValidationError, match=r"input 0 'model' .*'Tiny'"):
        portrait.submit(model="Tinny")
    assert context.bodies == []


def test_a_board_is_found_by_name_and_auto_means_the_one_of_the_call(context, portrait):
    portrait.submit(board_="Portraits")
    assert context.batch["graph"]["nodes"]["decode"]["board"] == {"board_id": "b1"}
    portrait.submit(board="Portraits")
    assert context.batch["graph"]["nodes"]["decode"]["board"] == {"board_id": "b1"}
    portrait.submit()
    assert "board" not in context.batch["graph"]["nodes"]["decode"]


def test_a_board_of_the_board_repository_goes_wherever_a_name_goes(context, portrait):
    made = Board.model_validate({"board_id": "b1", "board_name": "Portraits"})
    for board in (made, BoardHandle(context, made)):
        portrait.submit(board=board)
        assert context.batch["graph"]["nodes"]["decode"]["board"] == {"board_id": "b1"}
        portrait.submit(board_=board)
        assert context.batch["graph"]["nodes"]["decode"]["board"] == {"board_id": "b1"}


def test_what_is_not_a_board_is_refused_before_anything_is_enqueued(context, portrait):
    with pytest.raises(TypeError, match="board=5 is not allowed"):
        portrait.submit(board=5)
    assert context.bodies == []


def test_a_seed_pins_the_random_node(context, portrait):
    portrait.submit(seed=7)
    source = context.batch["graph"]["nodes"]["source"]
    assert (source["low"], source["high"]) == (7, 8)


def test_random_seeds_differ_between_runs_and_travel_in_one_request(context, portrait):
    submission = portrait.submit(runs=3, seed="random")
    (group,) = context.batch["data"]
    lows, highs = (datum["items"] for datum in group)
    assert len(set(lows)) == 3
    assert highs == [low + 1 for low in lows]
    assert context.batch["runs"] == 1
    assert [job.values["source.low"] for job in submission.jobs] == lows
    assert len(context.bodies) == 1


def test_runs_that_would_all_be_the_same_are_warned_of(context):
    handle = context.repo.create_workflow(text_to_image("literal"))
    assert "nothing is random" in handle.submit(runs=2).warnings[0]
    assert handle.submit(runs=2, seed="random").warnings == ()
    random = context.repo.create_workflow(text_to_image("rand_int"))
    assert random.submit(runs=2).warnings == ()
    assert "nothing is random" in random.submit(runs=2, seed=7).warnings[0]


def blank(label="Blank", **values):
    return node("b", "blank_image", values, label=label, is_intermediate=False)


@pytest.fixture
def resize(context):
    nodes = [node("r", "img_resize", {"width": 8, "height": 8}, is_intermediate=False)]
    return context.repo.create_workflow(definition(nodes, form=[("r", "image")]))


def test_a_local_image_is_uploaded_once_for_its_content(context, resize, tmp_path):
    (tmp_path / "a.png").write_bytes(PNG)
    (tmp_path / "copy.png").write_bytes(PNG)
    for source in (tmp_path / "a.png", tmp_path / "copy.png", PNG):
        resize.submit(image=source)
        sent = context.batch["graph"]["nodes"]["r"]["image"]
        assert sent == {"image_name": "up-0.png"}
    assert len(context.uploads) == 1


def test_an_image_that_is_neither_here_nor_there_is_refused_with_the_rest(context):
    context.queue.extra_routes["/api/v1/images/images_by_names"] = lambda request: []
    made = node("r", "img_resize", is_intermediate=False)
    loader = node("m", "main_model_loader")
    form = [("r", "image"), ("m", "model")]
    handle = context.repo.create_workflow(definition([made, loader], form=form))
    with pytest.raises(FieldValidationError) as caught:
        handle.submit(image="gone.png", model="Tony")
    image, model = caught.value.problems
    assert image.input_index == 0
    assert image.kind == "missing_image"
    words = "the server has no image 'gone.png', and there is no such file here"
    assert image.message == f"input 0 'image' (Resize Image.image): {words}"
    assert "did you mean 'Tiny'" in model.message
    assert context.bodies == []


def test_an_upload_that_was_deleted_since_is_repeated(context, resize):
    resize.submit(image=PNG)
    context.uploads[0] = "gone"
    resize.submit(image=PNG)
    assert context.batch["graph"]["nodes"]["r"]["image"] == {"image_name": "up-1.png"}


def test_the_same_key_never_enqueues_twice(context, portrait):
    first = portrait.submit(key="monday", positive_prompt="a")
    again = portrait.submit(key="monday", positive_prompt="a")
    assert first.id == again.id
    assert [job.item_id for job in again.jobs] == [1]
    assert (first.adopted, again.adopted) == (False, True)
    assert (first.warnings, again.warnings) == ((), ())
    assert len(context.bodies) == 1
    assert portrait.submit(key="tuesday").id != first.id


DIFFERENT = [
    ({"positive_prompt": "b"}, "positive_prompt is 'a' there, 'b' here"),
    ({"steps": 4}, "steps is 2 there, 4 here"),
    ({"board": "Portraits"}, "is not set there, {'board_id': 'b1'} here"),
    ({"seed": 8}, "Random Integer.high is 8 there, 9 here"),
    ({"runs": 2}, "jobs is 1 there, 2 here"),
]


@pytest.mark.parametrize(("values", "difference"), DIFFERENT)
def test_a_key_belongs_to_its_values(context, portrait, values, difference):
    given = {"positive_prompt": "a", "seed": 7}
    portrait.submit(key="monday", **given)
    with pytest.raises(KeyConflictError, match="'monday' belongs to") as caught:
        portrait.submit(key="monday", **{**given, **values})
    assert re.search(difference, str(caught.value))
    assert caught.value.key == "monday"
    assert len(context.bodies) == 1
    # The other way around, so that what was left out counts as well.
    portrait.submit(key="tuesday", **{**given, **values})
    with pytest.raises(KeyConflictError):
        portrait.submit(key="tuesday", **given)
    assert len(context.bodies) == 2


def test_a_key_belongs_to_its_workflow(context, portrait):
    portrait.submit(key="monday")
    other = context.repo.create_workflow(definition([blank()]))
    with pytest.raises(KeyConflictError, match="node Blank is not set there"):
        other.submit(key="monday")
    assert len(context.bodies) == 1


def test_seeds_that_are_drawn_are_no_other_values(context, portrait):
    first = portrait.submit(key="monday", seed="random", runs=3)
    again = portrait.submit(key="monday", seed="random", runs=3)
    one = portrait.submit(key="tuesday", seed="random")
    assert portrait.submit(key="tuesday", seed="random").jobs == one.jobs
    # Who has another's jobs has their seeds.
    assert [job.values for job in again.jobs] == [job.values for job in first.jobs]
    with pytest.raises(KeyConflictError, match="positive_prompt"):
        portrait.submit(key="monday", seed="random", runs=3, positive_prompt="b")
    assert len(context.bodies) == 2


def test_an_image_that_another_process_uploads_again_is_the_same_value(
    context, resize, tmp_path
):
    contents = {"up-0.png": PNG, "up-1.png": PNG, "up-2.png": png(grey=9)}
    context.image = lambda request: (
        reply(request, 200, contents[request.path.split("/")[-2]], "image/png")
        if request.path.endswith("/full")
        else {"image_name": request.path.split("/")[-1]}
    )
    context.queue.extra_routes["/api/v1/images/i/"] = context.image
    first = resize.submit(key="monday", image=PNG)
    again = resize.submit(key="monday", image=PNG + b"0")
    assert (again.adopted, again.jobs[0].item_id) == (True, first.jobs[0].item_id)
    with pytest.raises(KeyConflictError, match="image"):
        resize.submit(key="monday", image=PNG + b"1")


def test_the_missing_rest_of_a_key_is_added(context, portrait):
    """As after a process that was killed while it waited for room."""
    context.queue.max_queue_size = 3
    part = portrait.submit(key="monday", runs=10, on_full="partial")
    assert len(part) == 3
    context.queue.max_queue_size = 100
    context.queue.move(1, "completed")
    whole = portrait.submit(key="monday", runs=10, on_full="wait")
    assert [job.item_id for job in whole.jobs] == list(range(1, 11))
    assert whole.adopted
    assert (
        "3 of 10 jobs were in the queue under this key; the missing 7 were added"
        in (whole.warnings)
    )
    again = portrait.submit(key="monday", runs=10)
    assert [job.item_id for job in again.jobs] == list(range(1, 11))
    assert len(context.bodies) == 2


def test_a_rest_that_does_not_fit_is_taken_back_alone(context, portrait):
    context.queue.max_queue_size = 3
    portrait.submit(key="monday", runs=10, on_full="partial")
    context.queue.max_queue_size = 5
    with pytest.raises(QueueFullError, match="took 2 of 7") as caught:
        portrait.submit(key="monday", runs=10)
    assert (caught.value.requested, caught.value.enqueued) == (7, 2)
    assert [row["status"] for row in context.queue.rows.values()] == ["pending"] * 3


def test_a_retried_job_is_no_second_copy(context, portrait):
    first = portrait.submit(key="monday", runs=2)
    context.queue.move(1, "failed")
    session = context.queue.rows[1]["session"]
    context.queue.add(first.id, session=session, retried_from_item_id=1)
    again = portrait.submit(key="monday", runs=2)
    assert [job.item_id for job in again.jobs] == [1, 2]
    assert sorted(context.queue.rows) == [1, 2, 3]
    assert again.warnings == first.warnings


def test_a_key_finds_jobs_that_are_finished_or_cancelled(context, portrait):
    first = portrait.submit(key="monday")
    first.cancel()
    again = portrait.submit(key="monday")
    assert again.adopted
    assert len(context.bodies) == 1


def test_a_key_whose_jobs_did_not_fit_may_be_used_again(context, portrait):
    context.queue.max_queue_size = 1
    with pytest.raises(QueueFullError, match="took 1 of 2"):
        portrait.submit(key="monday", runs=2)
    context.queue.max_queue_size = 100
    again = portrait.submit(key="monday", runs=2)
    assert [job.item_id for job in again.jobs] == [2, 3]
    assert not again.adopted
    # Sent as the GUI would, and its reply says enough.
    assert (context.batch["runs"], context.batch["data"]) == (2, [])
    assert context.queue.requests[-1][1].endswith("enqueue_batch")


def test_jobs_of_another_user_under_a_key_are_adopted_unseen(context, portrait):
    first = portrait.submit(key="monday")
    row = context.queue.rows[1]
    row["field_values"] = None
    row["session"] = {"id": "redacted", "graph": {"id": "redacted", "nodes": {}}}
    again = portrait.submit(key="monday", positive_prompt="b")
    assert again.jobs[0].item_id == first.jobs[0].item_id
    assert "cannot be seen" in again.warnings[0]
    with pytest.raises(KeyConflictError, match="jobs is 1 there, 2 here"):
        portrait.submit(key="monday", runs=2)
    assert list(context.queue.rows) == [1]


def test_a_key_whose_batch_is_there_twice_adopts_the_oldest_copy_alone(
    context, portrait
):
    first = portrait.submit(key="monday", runs=2)
    context.queue.enqueue(context.bodies[-1])
    again = portrait.submit(key="monday", runs=2)
    assert again.adopted
    assert [job.item_id for job in again.jobs] == [job.item_id for job in first.jobs]
    assert [row["item_id"] for row in context.queue.of_batch(first.id)] == [1, 2]
    assert "jobs [3, 4] were in the queue twice and removed" in again.warnings


def test_a_copy_with_other_values_is_removed_too(context, portrait):
    first = portrait.submit(key="monday")
    body = copy.deepcopy(context.bodies[-1])
    body["batch"]["graph"]["id"] = "another"
    body["batch"]["graph"]["nodes"]["positive"]["prompt"] = "late"
    context.queue.enqueue(body)
    again = portrait.submit(key="monday")
    assert [job.item_id for job in again.jobs] == [job.item_id for job in first.jobs]
    assert list(context.queue.rows) == [1]


def test_an_unknown_submission_settles_itself_later(context, portrait):
    portrait.submit()
    # The models are asked for first; then the reply is lost, and all looks with it.
    lost = [Fault("lost", handled=True)] + [Fault("lost")] * 400
    context.queue.faults.extend([None, *lost])
    with pytest.raises(SubmissionUnknownError) as caught:
        portrait.submit(positive_prompt="x")
    context.queue.faults.clear()
    submission = caught.value.settle()
    assert submission.id == caught.value.batch_id
    assert [job.item_id for job in submission.jobs] == [2]


@pytest.mark.parametrize("arrived", [True, False])
def test_the_rest_of_a_key_whose_reply_is_lost_settles_later(
    context, portrait, arrived
):
    context.queue.max_queue_size = 1
    portrait.submit(key="monday", runs=3, on_full="partial")
    context.queue.max_queue_size = 100
    del context.queue.extra_routes["/api/v1/queue/default/enqueue_batch"]

    def lose(request):
        if arrived:
            context.queue.enqueue(request.json)
        context.queue.faults.extend([Fault("lost")] * 400)
        raise APITimeoutError("no answer")

    context.queue.extra_routes["/api/v1/queue/default/enqueue_batch"] = lose
    with pytest.raises(SubmissionUnknownError) as caught:
        portrait.submit(key="monday", runs=3)
    context.queue.faults.clear()
    context.queue.extra_routes["/api/v1/queue/default/enqueue_batch"] = context.enqueue
    submission = caught.value.settle()
    assert [job.item_id for job in submission.jobs] == [1, 2, 3]
    assert list(context.queue.rows) == [1, 2, 3]
    assert submission.adopted
    assert portrait.submit(key="monday", runs=3).jobs == submission.jobs


def test_several_submissions_of_one_handle_are_waited_for_one_by_one(context, portrait):
    with pytest.raises(WorkflowError, match="nothing was submitted"):
        portrait.wait_for_completion()
    first, second = portrait.submit(), portrait.submit()
    with pytest.raises(WorkflowError, match="2 submissions of this handle"):
        portrait.wait_for_completion()
    context.queue.move(1, "completed")
    assert portrait.wait_for_completion(first).id == first.id
    context.queue.move(2, "completed")
    assert portrait.wait_for_completion().id == second.id
    assert portrait.wait_for_completion().id == second.id
    assert portrait.submit_sync.__func__ is portrait.submit.__func__


def test_copies_have_submissions_of_their_own(context, portrait):
    portrait.submit()
    copy = portrait.with_inputs(steps=3)
    with pytest.raises(WorkflowError, match="nothing was submitted"):
        copy.wait_for_completion()


def test_many_are_all_checked_before_the_first_is_sent(context, portrait):
    other = context.repo.create_workflow(text_to_image("literal"))
    with pytest.raises(FieldValidationError):
        context.repo.submit_many([portrait, (other, {"model": "nobody"})])
    assert context.bodies == []
    submissions = context.repo.submit_many([portrait, (other, {"steps": 4, "runs": 2})])
    assert [len(submission) for submission in submissions] == [1, 2]
    assert context.repo.submit_many([]) == []


def test_many_ask_once_for_the_models_and_the_boards(context, portrait):
    other = context.repo.create_workflow(text_to_image("literal"))
    options = {"model": "Tiny", "board": "Portraits"}
    context.repo.submit_many(
        [(portrait, options), (other, options), (portrait, options)]
    )
    assert context.sent("GET", "/api/v2/models/") == 1
    assert context.sent("GET", "/api/v1/boards/") == 1
    # What was installed since is known to the next call.
    portrait.submit(model="Tiny")
    assert context.sent("GET", "/api/v2/models/") == 2


def test_a_run_listens_after_the_checks_and_before_its_jobs_can_start(
    context, portrait, monkeypatch
):
    asked = []

    def spy(flow):
        answer = None
        while True:
            try:
                message = flow.send(answer)
            except StopIteration as stop:
                return stop.value
            asked.append(getattr(message, "path", type(message).__name__))
            answer = yield message

    with pytest.raises(FieldValidationError):
        context.run(spy(_run_flow(context, portrait, monkeypatch, steps=0)))
    assert "Subscribe" not in asked
    context.queue.at(2.0, lambda: context.queue.move(1, "completed"))
    context.run(spy(_run_flow(context, portrait, monkeypatch)))
    enqueue = asked.index("/api/v1/queue/default/enqueue_batch")
    assert asked[enqueue - 2 : enqueue] == ["Subscribe", "OnInterrupt"]


def _run_flow(context, handle, monkeypatch, **values):
    with monkeypatch.context() as patch:
        patch.setattr(context, "run", lambda flow: flow)
        return handle.run(**values)


def test_a_run_says_what_to_do_when_interrupted_before_it_sends(context, portrait):
    context.queue.at(2.0, lambda: context.queue.move(1, "completed"))
    portrait.run()
    make, taken_back = context.queue.on_interrupt
    assert taken_back is None
    context.queue.add(context.batch["batch_id"])
    context.run(make())
    assert context.queue.rows[2]["status"] == "canceled"


def test_results_are_mapped_to_the_output_nodes(context, portrait):
    session = {
        "id": "s",
        "results": {"p": {"type": "image_output", "image": {"image_name": "x.png"}}},
        "prepared_source_mapping": {"p": "decode"},
        "execution_graph": {"nodes": {"q": {"id": "q", "seed": 7, "type": "noise"}}},
    }
    session["prepared_source_mapping"]["q"] = "noise"
    context.queue.at(1.0, lambda: context.queue.move(1, "completed", session=session))
    result = portrait.run(seed=7)
    (mapping,) = portrait.map_outputs_to_images(result)
    assert (mapping.node_id, mapping.label) == ("decode", "Decode")
    assert [image.image_name for image in mapping.images] == ["x.png"]
    assert result.seeds == (7,)
    assert result.jobs[0].values["seed_"] == 7


CUSTOM = {
    "components": {
        "schemas": {
            "MyNode": {
                "class": "invocation",
                "properties": {
                    "type": {"default": "my_node", "const": "my_node"},
                    "amount": {
                        "type": "integer",
                        "default": 3,
                        "field_kind": "input",
                        "input": "any",
                        "orig_required": False,
                    },
                },
                "title": "Mine",
                "version": "1.0.0",
                "output": {"$ref": "#/components/schemas/MyOutput"},
            },
            "MyOutput": {
                "class": "output",
                "properties": {
                    "type": {"default": "my_output", "const": "my_output"},
                    "value": {"type": "integer", "field_kind": "output"},
                },
            },
        }
    }
}


@pytest.fixture
def custom_context(context):
    context.openapi = CUSTOM
    context.queue.extra_routes["/openapi.json"] = lambda request: context.openapi
    return context


def custom():
    return definition([node("m", "my_node", {"amount": 3})], form=[("m", "amount")])


def test_nodes_that_nobody_knows_are_asked_for_once(custom_context):
    context = custom_context
    handle = context.repo.load(custom())
    assert handle["amount"] == 3
    handle.submit()
    context.repo.load(custom()).submit()
    assert context.sent("GET", "/openapi.json") == 1


def test_node_types_are_kept_on_disk_for_the_next_client(custom_context, tmp_path):
    custom_context.repo.load(custom())
    later = RepositoryDouble(tmp_path)
    assert later.repo.create_workflow(custom())["amount"] == 3
    later.repo.load(custom())
    assert later.queue.requests == []


def test_a_broken_file_of_node_types_is_read_anew(custom_context, tmp_path):
    custom_context.repo.load(custom())
    (stored,) = tmp_path.rglob("*.json")
    stored.write_text("{broken")
    later = RepositoryDouble(tmp_path)
    later.queue.extra_routes["/openapi.json"] = lambda request: CUSTOM
    assert later.repo.load(custom())["amount"] == 3


def test_a_refused_batch_is_compiled_with_fresh_node_types_once(custom_context):
    context = custom_context
    handle = context.repo.load(custom())
    stored = context.repo._server
    stored.catalog_is_fresh = False
    refusals = [b'{"detail": [{"type": "union_tag_invalid", "loc": [], "msg": "no"}]}']

    def enqueue(request):
        if refusals:
            return reply(request, 422, refusals.pop())
        return json_reply(request, context.enqueue(request))

    context.queue.extra_routes["/api/v1/queue/default/enqueue_batch"] = enqueue
    with pytest.raises(UnprocessableEntityError):
        handle.submit()
    assert context.sent("GET", "/openapi.json") == 2
    stored.catalog_is_fresh = False
    refusals.append(b'{"detail": "old nodes"}')
    newer = {**CUSTOM["components"]["schemas"]}
    newer["MyNode"] = {**newer["MyNode"], "version": "1.1.0"}
    newer["MyNode"]["properties"] = {
        key: value
        for key, value in newer["MyNode"]["properties"].items()
        if key != "amount"
    }
    context.openapi = {"components": {"schemas": newer}}
    handle.submit()
    assert "amount" not in context.batch["graph"]["nodes"]["m"]


class AsyncRepositoryDouble(RepositoryDouble):
    """The same for the asyncio client."""

    def __init__(self, tmp_path):
        super().__init__(tmp_path)
        self.repo = AsyncWorkflowRepository(self, "http://server", cache_dir=tmp_path)

    async def run(self, flow):
        return drive(flow, self.queue)


async def test_the_asyncio_handle_does_the_same(tmp_path):
    context = AsyncRepositoryDouble(tmp_path)
    handle = context.repo.create_workflow(text_to_image())
    submission = await handle.submit(seed=7)
    context.queue.move(1, "completed")
    result = await submission.wait()
    assert (await handle.wait_for_completion()).id == result.id
    assert not hasattr(handle, "submit_sync")
    lost = [Fault("lost", handled=True)] + [Fault("lost")] * 400
    context.queue.faults.extend([None, *lost])
    with pytest.raises(SubmissionUnknownError) as caught:
        await handle.submit()
    context.queue.faults.clear()
    settled = await caught.value.settle()
    assert [job.item_id for job in settled.jobs] == [2]
