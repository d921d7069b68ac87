"""Submitting a handle: resolved, compiled, checked, enqueued once."""

from __future__ import annotations

import pytest

from invokeai_py_client.board.board_handle import BoardHandle
from invokeai_py_client.board.models import Board
from invokeai_py_client.exceptions import (
    FieldValidationError,
    InputNotFoundError,
    QueueFullError,
    SubmissionUnknownError,
    UnprocessableEntityError,
    WorkflowError,
)
from invokeai_py_client.workflow.async_workflow_repo import (
    AsyncWorkflowRepository,
)
from invokeai_py_client.workflow.workflow_repo import WorkflowRepository
from queue_double import Fault, QueueDouble, drive, json_reply, reply
from workflow_builder import definition, node, text_to_image

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40
MODELS = [
    {"key": "k1", "hash": "h1", "name": "Tiny", "base": "sd-1", "type": "main"},
    {"key": "k2", "hash": "h2", "name": "Large", "base": "sdxl", "type": "main"},
]


class Desk:
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
def desk(tmp_path):
    return Desk(tmp_path)


@pytest.fixture
def portrait(desk):
    return desk.repo.create_workflow(text_to_image())


def test_making_a_handle_sends_nothing(desk, portrait):
    assert [item.name for item in portrait.list_inputs()][1] == "positive_prompt"
    assert desk.queue.requests == []


def test_what_is_sent_is_what_the_gui_would_send(desk, portrait):
    submission = portrait.submit(positive_prompt="a harbour")
    assert desk.bodies[0]["prepend"] is False
    batch = desk.batch
    assert batch["batch_id"] == submission.id
    assert (batch["origin"], batch["destination"]) == ("workflows", "gallery")
    assert batch["graph"]["nodes"]["positive"]["prompt"] == "a harbour"
    assert (batch["runs"], batch["data"]) == (1, [])
    assert batch["workflow"]["name"] == "Test"
    assert [job.item_id for job in submission.jobs] == [1]


def test_the_values_of_a_call_do_not_stay_in_the_handle(desk, portrait):
    portrait.submit(positive_prompt="once")
    portrait.submit()
    assert desk.batch["graph"]["nodes"]["positive"]["prompt"] == "a lighthouse"


def test_all_problems_come_at_once_and_nothing_is_sent(desk, portrait):
    with pytest.raises(FieldValidationError) as caught:
        portrait.submit(steps=0, width=65)
    assert len(caught.value.problems) == 2
    with pytest.raises(InputNotFoundError, match="positive_prompt"):
        portrait.submit(positiv_prompt="x")
    assert desk.queue.requests == []


def test_nodes_that_the_server_does_not_have_are_refused_by_name(desk):
    nodes = [node("x", "of_a_newer_server", label="New"), node("b", "blank_image")]
    desk.queue.extra_routes["/openapi.json"] = lambda request: {
        "openapi": "3.1.0",
        "components": {"schemas": {}},
    }
    handle = desk.repo.create_workflow(definition(nodes))
    with pytest.raises(
        FieldValidationError, match=r"'New'.*6\.14\.2.*of_a_newer_server"
    ):
        handle.submit()
    assert desk.bodies == []


def test_a_model_is_found_by_name_and_sent_whole(desk, portrait):
    portrait.submit(model="tiny")
    sent = desk.batch["graph"]["nodes"]["loader"]["model"]
    assert sent == {**MODELS[0], "base": "sd-1"}


def test_an_unknown_model_is_refused_with_the_input_and_a_suggestion(desk, portrait):
    with pytest.raises(FieldValidationError, match=r"input 0 'model': .*'Tiny'"):
        portrait.submit(model="Tinny")
    assert desk.bodies == []


def test_a_board_is_found_by_name_and_auto_means_the_one_of_the_call(desk, portrait):
    portrait.submit(board_="Portraits")
    assert desk.batch["graph"]["nodes"]["decode"]["board"] == {"board_id": "b1"}
    portrait.submit(board="Portraits")
    assert desk.batch["graph"]["nodes"]["decode"]["board"] == {"board_id": "b1"}
    portrait.submit()
    assert "board" not in desk.batch["graph"]["nodes"]["decode"]


def test_a_board_of_the_board_repository_goes_wherever_a_name_goes(desk, portrait):
    made = Board.model_validate({"board_id": "b1", "board_name": "Portraits"})
    for board in (made, BoardHandle(desk, made)):
        portrait.submit(board=board)
        assert desk.batch["graph"]["nodes"]["decode"]["board"] == {"board_id": "b1"}
        portrait.submit(board_=board)
        assert desk.batch["graph"]["nodes"]["decode"]["board"] == {"board_id": "b1"}


def test_what_is_no_board_is_refused_before_anything_is_enqueued(desk, portrait):
    with pytest.raises(TypeError, match="expected a board or its id, not int"):
        portrait.submit(board=5)
    assert desk.bodies == []


def test_a_seed_pins_the_random_node(desk, portrait):
    portrait.submit(seed=7)
    source = desk.batch["graph"]["nodes"]["source"]
    assert (source["low"], source["high"]) == (7, 8)


def test_random_seeds_differ_between_runs_and_travel_in_one_request(desk, portrait):
    submission = portrait.submit(runs=3, seed="random")
    (group,) = desk.batch["data"]
    lows, highs = (datum["items"] for datum in group)
    assert len(set(lows)) == 3
    assert highs == [low + 1 for low in lows]
    assert desk.batch["runs"] == 1
    assert [job.values["source.low"] for job in submission.jobs] == lows
    assert len(desk.bodies) == 1


def test_runs_that_would_all_be_the_same_are_warned_of(desk):
    handle = desk.repo.create_workflow(text_to_image("literal"))
    assert "nothing is random" in handle.submit(runs=2).warnings[0]
    assert handle.submit(runs=2, seed="random").warnings == ()
    random = desk.repo.create_workflow(text_to_image("rand_int"))
    assert random.submit(runs=2).warnings == ()
    assert "nothing is random" in random.submit(runs=2, seed=7).warnings[0]


def blank(label="Blank", **values):
    return node("b", "blank_image", values, label=label, is_intermediate=False)


@pytest.fixture
def resize(desk):
    nodes = [node("r", "img_resize", {"width": 8, "height": 8}, is_intermediate=False)]
    return desk.repo.create_workflow(definition(nodes, form=[("r", "image")]))


def test_a_local_picture_is_uploaded_once_for_its_content(desk, resize, tmp_path):
    (tmp_path / "a.png").write_bytes(PNG)
    (tmp_path / "copy.png").write_bytes(PNG)
    for source in (tmp_path / "a.png", tmp_path / "copy.png", PNG):
        resize.submit(image=source)
        sent = desk.batch["graph"]["nodes"]["r"]["image"]
        assert sent == {"image_name": "up-0.png"}
    assert len(desk.uploads) == 1


def test_a_picture_that_is_neither_here_nor_there_is_refused_with_the_rest(desk):
    desk.queue.extra_routes["/api/v1/images/images_by_names"] = lambda request: []
    made = node("r", "img_resize", is_intermediate=False)
    loader = node("m", "main_model_loader")
    form = [("r", "image"), ("m", "model")]
    handle = desk.repo.create_workflow(definition([made, loader], form=form))
    with pytest.raises(FieldValidationError) as caught:
        handle.submit(image="gone.png", model="Tony")
    picture, model = caught.value.problems
    assert picture.input_index == 0
    assert picture.kind == "missing_image"
    words = "input 0 'image': the server has no image 'gone.png', and there is no such"
    assert picture.message.startswith(words)
    assert "did you mean 'Tiny'" in model.message
    assert desk.bodies == []


def test_an_upload_that_was_deleted_since_is_repeated(desk, resize):
    resize.submit(image=PNG)
    desk.uploads[0] = "gone"
    resize.submit(image=PNG)
    assert desk.batch["graph"]["nodes"]["r"]["image"] == {"image_name": "up-1.png"}


def test_the_same_key_never_enqueues_twice(desk, portrait):
    first = portrait.submit(key="monday", positive_prompt="a")
    again = portrait.submit(key="monday", positive_prompt="b")
    other = desk.repo.create_workflow(text_to_image()).submit(key="monday")
    assert first.id == again.id == other.id
    assert [job.item_id for job in again.jobs] == [1]
    assert (first.adopted, again.adopted) == (False, True)
    assert len(desk.bodies) == 1
    assert portrait.submit(key="tuesday").id != first.id


def test_a_key_finds_jobs_that_are_finished_or_cancelled(desk, portrait):
    first = portrait.submit(key="monday")
    first.cancel()
    again = portrait.submit(key="monday")
    assert again.adopted
    assert len(desk.bodies) == 1


def test_a_key_whose_jobs_did_not_fit_may_be_used_again(desk, portrait):
    desk.queue.max_queue_size = 1
    with pytest.raises(QueueFullError, match="took 1 of 2"):
        portrait.submit(key="monday", runs=2)
    desk.queue.max_queue_size = 100
    again = portrait.submit(key="monday", runs=2)
    assert [job.item_id for job in again.jobs] == [2, 3]
    assert not again.adopted


def test_an_unknown_submission_settles_itself_later(desk, portrait):
    portrait.submit()
    # The models are asked for first; then the reply is lost, and all looks with it.
    lost = [Fault("lost", handled=True)] + [Fault("lost")] * 400
    desk.queue.faults.extend([None, *lost])
    with pytest.raises(SubmissionUnknownError) as caught:
        portrait.submit(positive_prompt="x")
    desk.queue.faults.clear()
    submission = caught.value.settle()
    assert submission.id == caught.value.batch_id
    assert [job.item_id for job in submission.jobs] == [2]


def test_several_submissions_of_one_handle_are_waited_for_one_by_one(desk, portrait):
    with pytest.raises(WorkflowError, match="nothing was submitted"):
        portrait.wait_for_completion()
    first, second = portrait.submit(), portrait.submit()
    with pytest.raises(WorkflowError, match="2 submissions of this handle"):
        portrait.wait_for_completion()
    desk.queue.move(1, "completed")
    assert portrait.wait_for_completion(first).id == first.id
    desk.queue.move(2, "completed")
    assert portrait.wait_for_completion().id == second.id
    assert portrait.wait_for_completion().id == second.id
    assert portrait.submit_sync.__func__ is portrait.submit.__func__


def test_copies_have_submissions_of_their_own(desk, portrait):
    portrait.submit()
    copy = portrait.with_inputs(steps=3)
    with pytest.raises(WorkflowError, match="nothing was submitted"):
        copy.wait_for_completion()


def test_many_are_all_checked_before_the_first_is_sent(desk, portrait):
    other = desk.repo.create_workflow(text_to_image("literal"))
    with pytest.raises(FieldValidationError):
        desk.repo.submit_many([portrait, (other, {"model": "nobody"})])
    assert desk.bodies == []
    submissions = desk.repo.submit_many([portrait, (other, {"steps": 4, "runs": 2})])
    assert [len(submission) for submission in submissions] == [1, 2]
    assert desk.repo.submit_many([]) == []


def test_many_ask_once_for_the_models_and_the_boards(desk, portrait):
    other = desk.repo.create_workflow(text_to_image("literal"))
    options = {"model": "Tiny", "board": "Portraits"}
    desk.repo.submit_many([(portrait, options), (other, options), (portrait, options)])
    assert desk.sent("GET", "/api/v2/models/") == 1
    assert desk.sent("GET", "/api/v1/boards/") == 1
    # What was installed since is known to the next call.
    portrait.submit(model="Tiny")
    assert desk.sent("GET", "/api/v2/models/") == 2


def test_a_run_says_what_to_do_when_interrupted_before_it_sends(desk, portrait):
    desk.queue.at(2.0, lambda: desk.queue.move(1, "completed"))
    portrait.run()
    make, taken_back = desk.queue.on_interrupt
    assert taken_back is None
    desk.queue.add(desk.batch["batch_id"])
    desk.run(make())
    assert desk.queue.rows[2]["status"] == "canceled"


def test_results_are_mapped_to_the_output_nodes(desk, portrait):
    session = {
        "id": "s",
        "results": {"p": {"type": "image_output", "image": {"image_name": "x.png"}}},
        "prepared_source_mapping": {"p": "decode"},
        "execution_graph": {"nodes": {"q": {"id": "q", "seed": 7, "type": "noise"}}},
    }
    session["prepared_source_mapping"]["q"] = "noise"
    desk.queue.at(1.0, lambda: desk.queue.move(1, "completed", session=session))
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
def custom_desk(desk):
    desk.openapi = CUSTOM
    desk.queue.extra_routes["/openapi.json"] = lambda request: desk.openapi
    return desk


def custom():
    return definition([node("m", "my_node", {"amount": 3})], form=[("m", "amount")])


def test_nodes_that_nobody_knows_are_asked_for_once(custom_desk):
    desk = custom_desk
    handle = desk.repo.load(custom())
    assert handle["amount"] == 3
    handle.submit()
    desk.repo.load(custom()).submit()
    assert desk.sent("GET", "/openapi.json") == 1


def test_node_types_are_kept_on_disk_for_the_next_client(custom_desk, tmp_path):
    custom_desk.repo.load(custom())
    later = Desk(tmp_path)
    assert later.repo.create_workflow(custom())["amount"] == 3
    later.repo.load(custom())
    assert later.queue.requests == []


def test_a_broken_file_of_node_types_is_read_anew(custom_desk, tmp_path):
    custom_desk.repo.load(custom())
    (stored,) = tmp_path.rglob("*.json")
    stored.write_text("{broken")
    later = Desk(tmp_path)
    later.queue.extra_routes["/openapi.json"] = lambda request: CUSTOM
    assert later.repo.load(custom())["amount"] == 3


def test_a_refused_batch_is_compiled_with_fresh_node_types_once(custom_desk):
    desk = custom_desk
    handle = desk.repo.load(custom())
    stored = desk.repo._server
    stored.catalog_is_fresh = False
    refusals = [b'{"detail": [{"type": "union_tag_invalid", "loc": [], "msg": "no"}]}']

    def enqueue(request):
        if refusals:
            return reply(request, 422, refusals.pop())
        return json_reply(request, desk.enqueue(request))

    desk.queue.extra_routes["/api/v1/queue/default/enqueue_batch"] = enqueue
    with pytest.raises(UnprocessableEntityError):
        handle.submit()
    assert desk.sent("GET", "/openapi.json") == 2
    stored.catalog_is_fresh = False
    refusals.append(b'{"detail": "old nodes"}')
    newer = {**CUSTOM["components"]["schemas"]}
    newer["MyNode"] = {**newer["MyNode"], "version": "1.1.0"}
    newer["MyNode"]["properties"] = {
        key: value
        for key, value in newer["MyNode"]["properties"].items()
        if key != "amount"
    }
    desk.openapi = {"components": {"schemas": newer}}
    handle.submit()
    assert "amount" not in desk.batch["graph"]["nodes"]["m"]


class AsyncDesk(Desk):
    """The same for the asyncio client."""

    def __init__(self, tmp_path):
        super().__init__(tmp_path)
        self.repo = AsyncWorkflowRepository(self, "http://server", cache_dir=tmp_path)

    async def run(self, flow):
        return drive(flow, self.queue)


async def test_the_asyncio_handle_does_the_same(tmp_path):
    desk = AsyncDesk(tmp_path)
    handle = desk.repo.create_workflow(text_to_image())
    submission = await handle.submit(seed=7)
    desk.queue.move(1, "completed")
    result = await submission.wait()
    assert (await handle.wait_for_completion()).id == result.id
    assert not hasattr(handle, "submit_sync")
    lost = [Fault("lost", handled=True)] + [Fault("lost")] * 400
    desk.queue.faults.extend([None, *lost])
    with pytest.raises(SubmissionUnknownError) as caught:
        await handle.submit()
    desk.queue.faults.clear()
    settled = await caught.value.settle()
    assert [job.item_id for job in settled.jobs] == [2]
