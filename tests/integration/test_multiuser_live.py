"""Several users of one server: each has their own, and nobody breaks on the others'.

One server of this module's own, with an administrator and two users. Jobs of others
are listed with everything private replaced by the word "redacted".
"""

from __future__ import annotations

import asyncio
import io
import threading
import time
import uuid

import pytest
from PIL import Image
from workflow_builder import definition, node

from invokeai_py_client._aio.client import AsyncInvokeAIClient
from invokeai_py_client.client import InvokeAIClient
from invokeai_py_client.exceptions import (
    APIError,
    AuthenticationError,
    BoardError,
    FieldValidationError,
    ImageError,
    ModelError,
    PermissionDeniedError,
    QueueError,
    WorkflowError,
)
from invokeai_py_client.workflow.document.definition import WorkflowDefinition

from .noun_calls import done

pytestmark = pytest.mark.live

ADMIN = ("admin@example.com", "Adminpass1")
PASSWORD = "Userpass1"
TEXT_TO_IMAGE = "Text to Image - SD1.5"


@pytest.fixture(scope="module")
def server(start_server):
    """A multi-user server with the tiny models and the users a and b."""
    with start_server(multiuser=True) as server:
        server.set_up_admin(*ADMIN)
        server.install_tiny_models()
        with InvokeAIClient(server.url, email=ADMIN[0], password=ADMIN[1]) as client:
            for name in ("a", "b"):
                client.user_repo.create_user(f"{name}@example.com", PASSWORD)
        yield server


@pytest.fixture
def sign_in(server):
    """Makes clients of users, which are closed at the end."""
    clients = []

    def make(name, **options):
        email, password = (
            ADMIN if name == "admin" else (f"{name}@example.com", PASSWORD)
        )
        options = options or {"email": email, "password": password}
        clients.append(InvokeAIClient.from_url(server.url, **options))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def admin(sign_in):
    return sign_in("admin")


@pytest.fixture
def ann(sign_in):
    return sign_in("a")


@pytest.fixture
def ben(sign_in):
    return sign_in("b")


@pytest.fixture(params=["blocking", "asyncio"])
async def ben_either(request, server):
    """User b with either client."""
    options = {"email": "b@example.com", "password": PASSWORD}
    if request.param == "blocking":
        with InvokeAIClient.from_url(server.url, **options) as blocking:
            yield blocking
    else:
        async with AsyncInvokeAIClient.from_url(server.url, **options) as asynchronous:
            yield asynchronous


def blank():
    """One blank image, which no cache serves."""
    made = node("b", "blank_image", {"width": 16, "height": 16}, label="Blank")
    made["data"].update(useCache=False, isIntermediate=False)
    return definition([made], form=[("b", "color"), ("b", "width")])


def submit(client, runs=1, **values):
    handle = client.workflow_repo.create_workflow(blank())
    return handle.submit(runs=runs, **values)


def picture():
    sink = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(sink, "PNG")
    return sink.getvalue()


def token_of(client):
    client.queue_repo.get_queue_status()
    return client._settings.credentials.token


def change_password(admin, client):
    """Set the same password again: it ends every token and connection of the user."""
    user = client.user_repo.get_me()
    admin.user_repo.update_user(user, password=PASSWORD)


# -- everybody's own -----------------------------------------------------------


@pytest.mark.parametrize("name", ["admin", "a", "b"])
def test_the_main_job_runs_for_everybody(sign_in, name):
    client = sign_in(name)
    assert client.check().has_events
    handle = client.workflow_repo.load(TEXT_TO_IMAGE)
    handle.set_inputs(model="tiny-sd1", width=64, height=64)
    handle.set_node_value("denoise_latents", "steps", 2)
    board = client.board_repo.create_board(f"board of {name}")
    seen = []
    result = handle.run(
        positive_prompt=f"a lighthouse {uuid.uuid4().hex}",
        seed=7,
        board=board.board_id,
        on_progress=seen.append,
        timeout=60,
    )
    assert result.seeds == (7,)
    assert result.image.refresh().board_id == board.board_id
    assert result.image.bytes().startswith(b"\x89PNG")
    assert [image.image_name for image in board.list_images()] == [
        result.image.image_name
    ]
    assert seen[-1].fraction == 1.0


async def test_the_asyncio_client_logs_in_and_runs(server):
    options = {"email": "b@example.com", "password": PASSWORD}
    async with AsyncInvokeAIClient.from_url(server.url, **options) as client:
        handle = client.workflow_repo.create_workflow(blank())
        results = await asyncio.gather(
            *[handle.run(width=width, timeout=60) for width in (8, 24)]
        )
    assert [result.image.width for result in results] == [8, 24]


def test_waits_of_two_users_do_not_meet(ann, ben):
    hers, his = submit(ann, runs=2, width=24), submit(ben, runs=2, width=32)
    heard = list(his.events())
    assert {event.item_id for event in heard} == {job.item_id for job in his.jobs}
    assert [image.width for image in his.wait(timeout=60).images] == [32, 32]
    assert [image.width for image in hers.wait(timeout=60).images] == [24] * 2


# -- what belongs to others ----------------------------------------------------


async def test_jobs_of_others_are_listed_without_what_is_private(ben_either, ann):
    hers = submit(ann)
    hers.wait(timeout=60)
    queue, item_id = ben_either.queue_repo, hers.jobs[0].item_id
    mine = await done(ben_either.workflow_repo.create_workflow(blank()).run(timeout=60))
    listed = {job.item_id: job for job in await done(queue.list_jobs())}
    assert listed[item_id].batch_id == "redacted"
    assert listed[mine.jobs[0].item_id].batch_id == mine.id
    only = await done(queue.list_jobs(batch=mine.id))
    assert [job.item_id for job in only] == [mine.jobs[0].item_id]
    job = await done(queue.get_job(item_id))
    assert (job.status, job.user_id) == ("completed", "redacted")
    assert job.session["graph"]["nodes"] == {}
    with pytest.raises(QueueError, match="no jobs of a submission"):
        await done(queue.get_submission(hers.id))
    assert (await done(queue.get_batch_status(hers.id))).total == 0


async def test_jobs_of_others_cannot_be_changed(ben_either, ann):
    hers = submit(ann, runs=3)
    queue, last = ben_either.queue_repo, hers.jobs[-1].item_id
    assert (await done(queue.get_job_position(last))).message
    for verb in (queue.cancel_job, queue.delete_job):
        with pytest.raises(PermissionDeniedError):
            await done(verb(last))
    assert await done(queue.cancel_batch(hers.id)) == 0
    await done(queue.cancel_pending_jobs())
    with pytest.raises(PermissionDeniedError, match="Admin"):
        await done(queue.pause_processor())
    assert hers.wait(timeout=60).is_complete


async def test_images_and_boards_of_others_are_refused(ben_either, ann):
    hers = ann.image_repo.upload_image(picture()).image_name
    board = ann.board_repo.create_board("private").board_id
    images, boards = ben_either.image_repo, ben_either.board_repo
    mine = await done(images.upload_image(picture()))
    for verb in (
        lambda: images.get_image(hers),
        lambda: images.get_image_bytes(hers),
        lambda: images.find_image_metadata(hers),
        lambda: images.delete_image(hers),
        lambda: images.update_image(hers, starred=True),
        lambda: images.upload_image(picture(), board=board),
        lambda: images.move_images([mine], board=board),
        lambda: boards.update_board(board, name="mine"),
        lambda: boards.delete_board(board),
    ):
        with pytest.raises(PermissionDeniedError):
            await done(verb())
    assert (await done(images.delete_images([hers]))).skipped == [hers]
    with pytest.raises(ImageError, match=r"1 of 2"):
        await done(images.get_images([mine.image_name, hers]))
    names = [image.image_name for image in await done(images.list_images())]
    assert mine.image_name in names
    assert hers not in names
    assert board not in [found.board_id for found in await done(boards.list_boards())]
    handle = ben_either.workflow_repo.create_workflow(blank())
    with pytest.raises(BoardError, match="no board"):
        await done(handle.run(board=board))


def test_a_board_that_is_shared_can_be_seen_by_others(ann, ben):
    board = ann.board_repo.create_board("shared", visibility="shared")
    image = board.upload_image_data(picture())
    assert board.board_id in [found.board_id for found in ben.board_repo.list_boards()]
    (seen,) = ben.image_repo.list_images(board=board.board_id)
    assert seen.image_name == image.image_name
    assert seen.bytes().startswith(b"\x89PNG")
    with pytest.raises(PermissionDeniedError):
        ben.board_repo.update_board(board.board_id, name="mine")


def test_an_image_of_others_is_refused_as_an_input(ann, ben):
    hers = ann.image_repo.upload_image(picture()).image_name
    resize = node("r", "img_resize", {"width": 8, "height": 8}, is_intermediate=False)
    handle = ben.workflow_repo.create_workflow(
        definition([resize], form=[("r", "image")])
    )
    with pytest.raises(FieldValidationError, match=r"input 0 'image'.*no image"):
        handle.run(image=hers, timeout=60)


def test_workflows_of_others_are_not_in_the_library(ann, ben):
    name = f"of a {uuid.uuid4().hex}"
    file = {**blank().to_dict(), "name": name}
    saved = ann.workflow_repo.save_workflow(WorkflowDefinition.from_dict(file))
    workflow_id = saved.workflow_id
    assert ann.workflow_repo.load(name).run(timeout=60).image
    for key in (name, workflow_id):
        with pytest.raises(WorkflowError, match="neither a file nor a workflow"):
            ben.workflow_repo.load(key)
    with pytest.raises((PermissionDeniedError, WorkflowError)):
        ben.workflow_repo.delete_workflow(workflow_id)
    assert ann.workflow_repo.find_workflow(name).workflow_id == workflow_id


def test_what_only_administrators_may_is_refused(ben, admin):
    for verb in (
        ben.user_repo.list_users,
        ben.app_repo.get_runtime_config,
        ben.queue_repo.resume_processor,
        ben.model_repo.empty_model_cache,
    ):
        with pytest.raises(PermissionDeniedError, match="Admin"):
            verb()
    with pytest.raises((PermissionDeniedError, ModelError), match="Admin"):
        ben.model_repo.install_model("/no/such/path")
    assert len(admin.user_repo.list_users()) >= 3


def test_an_administrator_sees_and_cancels_everybodys_jobs(admin, ben):
    his = submit(ben, runs=6)
    last = his.jobs[-1].item_id
    assert admin.queue_repo.get_job(last).batch_id == his.id
    assert admin.queue_repo.get_submission(his.id).jobs[-1].item_id == last
    assert str(admin.queue_repo.cancel_job(last).status) == "canceled"
    result = his.wait(timeout=60, check=False)
    assert [str(job.status) for job in result.jobs][-1] == "canceled"


# -- sockets -------------------------------------------------------------------


class Listener:
    """Collects a client's events in a thread, until the stream ends by an error."""

    def __init__(self, client, *names):
        self.events, self.error = [], None
        self._stream = client.events(*names)
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def _listen(self):
        try:
            for event in self._stream:
                self.events.append(event)
        except APIError as error:
            # Also when the test is over and closes the client.
            self.error = error

    def wait_for(self, condition, seconds=20.0):
        end = time.monotonic() + seconds
        while not condition(self):
            assert time.monotonic() < end, self.events
            time.sleep(0.05)


def wait_until_heard(client):
    """A client whose socket is connected, so that no event is missed."""
    assert client.check().has_events


def test_a_user_hears_of_others_only_that_something_happens(ann, ben):
    wait_until_heard(ben)
    listener = Listener(ben)
    # The stream subscribes in its thread; an own job shows that it does.
    own = submit(ben)
    listener.wait_for(
        lambda it: any(e.name == "invocation_complete" for e in it.events)
    )
    own.wait(timeout=60)
    hers = submit(ann)
    hers.wait(timeout=60)
    item_id = hers.jobs[0].item_id
    listener.wait_for(
        lambda it: any(
            getattr(e, "item_id", None) == item_id and e.status == "completed"
            for e in it.events
            if e.name == "queue_item_status_changed"
        )
    )
    about = [e for e in listener.events if getattr(e, "item_id", None) == item_id]
    assert {event.name for event in about} == {"queue_item_status_changed"}
    assert {event.batch_id for event in about} == {"redacted"}


def test_without_credentials_everything_says_so(sign_in, server):
    for options in ({"token": None}, {"token": "no-token"}):
        client = InvokeAIClient.from_url(server.url, **options)
        with client:
            assert client.server_version
            with pytest.raises(AuthenticationError, match="token="):
                client.check()
            with pytest.raises(AuthenticationError):
                next(client.events())
            with pytest.raises(AuthenticationError):
                submit(client)
    client = sign_in("a", email="a@example.com", password="Wrongpass1")
    with pytest.raises(AuthenticationError, match="password"):
        client.queue_repo.get_queue_status()
    with pytest.raises(AuthenticationError, match="password"):
        next(client.events())


# -- tokens --------------------------------------------------------------------


def test_the_token_that_comes_with_a_change_is_used_from_then_on(ann):
    before = token_of(ann)
    time.sleep(1.1)  # A token of the same second is the same text.
    ann.board_repo.create_board("fresh")
    after = ann._settings.credentials.token
    assert after != before
    assert token_of(ann) == after


def test_a_stale_token_is_replaced_where_the_password_is_known(sign_in):
    client = sign_in("a")
    client._settings.credentials.replace_token(None, "stale")
    stream = Listener(client, "queue_item_status_changed")
    assert submit(client).wait(timeout=60).image
    assert client.check().has_events
    submit(client).wait(timeout=60)
    stream.wait_for(lambda it: it.events or it.error)
    assert stream.error is None


def test_a_new_password_ends_tokens_and_not_the_waits_of_who_knows_it(
    admin, ann, sign_in
):
    by_token = sign_in("a", token=token_of(ann))
    wait_until_heard(by_token)
    listener = Listener(by_token)
    admin.queue_repo.pause_processor()
    try:
        submission = submit(ann, runs=2)
        same = by_token.queue_repo.get_submission(submission.id)
        outcomes = {}

        def wait(name, what):
            try:
                outcomes[name] = what.wait(timeout=60)
            except AuthenticationError as error:
                outcomes[name] = error

        known = threading.Thread(target=wait, args=("password", submission))
        unknown = threading.Thread(target=wait, args=("token", same))
        known.start()
        unknown.start()
        listener.wait_for(lambda it: it.events)
        change_password(admin, sign_in("a"))
        unknown.join(60)
        listener.wait_for(lambda it: it.error is not None)
    finally:
        admin.queue_repo.resume_processor()
    known.join(60)
    assert isinstance(outcomes["token"], AuthenticationError)
    assert "token=" in str(outcomes["token"])
    assert isinstance(listener.error, AuthenticationError)
    assert outcomes["password"].is_complete
    # The socket of the one who could log in again is back.
    assert ann.check().has_events
