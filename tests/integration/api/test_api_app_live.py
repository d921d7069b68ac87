"""The server as a program, prompts, node packs and the queue's rest.

Not exercised: texts by language and vision models (they need such a model, of
several GB), and installing a node pack (it needs a git repository on a public
address). Settings and caches are those of a server of this module alone.
"""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path

import pytest
from paths import NO_SUCH_ID
from PIL import ImageFont

from invokeai_py_client._aio.client import AsyncInvokeAIClient
from invokeai_py_client.admin.app_models import LogLevel
from invokeai_py_client.events import ModelInstallEvent
from invokeai_py_client.exceptions import (
    APIResponseError,
    APIStatusError,
    ModelError,
    NodePackError,
    NotFoundError,
    UnprocessableEntityError,
)
from invokeai_py_client.models import JobStatus
from invokeai_py_client.queue.models import StallKind

from ..noun_calls import collected, done, either_client, enqueue

pytestmark = pytest.mark.live


@pytest.fixture(params=["blocking", "asyncio"])
async def client(request, own_server):
    """Either client of this module's server."""
    async for made in either_client(request.param, own_server.url):
        yield made


# -- the server as a program -----------------------------------------------------


async def test_the_server_describes_itself(client):
    app = client.app_repo
    assert await done(app.get_version()) == await done(client.server_version())
    packages = await done(app.get_dependencies())
    assert "torch" in packages
    assert isinstance(await done(app.is_patchmatch_available()), bool)
    assert [item.device for item in await done(app.list_devices())]


@pytest.mark.real_server("the simulator changes no settings")
async def test_settings_are_changed_and_refused(client):
    app = client.app_repo
    config = await done(app.get_runtime_config())
    assert config.config["multiuser"] is False
    changed = await done(
        app.update_runtime_config(image_subfolder_strategy="type", max_queue_history=7)
    )
    assert changed.config["image_subfolder_strategy"] == "type"
    assert changed.config["max_queue_history"] == 7
    back = await done(
        app.update_runtime_config(
            image_subfolder_strategy="flat",
            max_queue_history=None,
            generation_devices="auto",
        )
    )
    assert back.config["max_queue_history"] is None
    assert "image_subfolder_strategy" in back.set_fields
    with pytest.raises(UnprocessableEntityError, match="'flat', 'date'"):
        await done(app.update_runtime_config(image_subfolder_strategy="other"))
    with pytest.raises(UnprocessableEntityError, match="cuda:99"):
        await done(app.update_runtime_config(generation_devices=["cuda:99"]))
    with pytest.raises(ValueError, match="something to change"):
        await done(app.update_runtime_config())


@pytest.mark.real_server("the simulator changes no settings")
async def test_paid_services_are_configured_without_telling_the_key(client):
    app = client.app_repo
    services = [item.provider_id for item in await done(app.list_external_providers())]
    assert "openai" in services
    made = await done(
        app.set_external_provider("openai", api_key="sk-1", base_url="http://host")
    )
    assert (made.api_key_configured, made.base_url) == (True, "http://host")
    statuses = await done(app.list_external_provider_statuses())
    (status,) = [item for item in statuses if item.provider_id == "openai"]
    assert status.configured
    config = await done(app.get_runtime_config())
    assert "sk-1" not in str(config)
    back = await done(app.reset_external_provider("openai"))
    assert (back.api_key_configured, back.base_url) == (False, None)
    with pytest.raises(NotFoundError, match="no-such"):
        await done(app.set_external_provider("no-such", api_key="x"))
    with pytest.raises(NotFoundError, match="no-such"):
        await done(app.reset_external_provider("no-such"))


@pytest.mark.real_server("the simulator changes no settings")
async def test_the_log_level_is_set_by_name_and_number(client):
    app = client.app_repo
    assert await done(app.set_log_level("debug")) is LogLevel.DEBUG
    assert await done(app.get_log_level()) is LogLevel.DEBUG
    assert await done(app.set_log_level(20)) is LogLevel.INFO
    with pytest.raises(ValueError, match="loud"):
        await done(app.set_log_level("loud"))


async def test_the_cache_of_node_results_is_switched_and_cleared(client):
    app = client.app_repo
    await done(app.disable_invocation_cache())
    assert not (await done(app.get_invocation_cache())).enabled
    await done(app.enable_invocation_cache())
    await done(app.clear_invocation_cache())
    cache = await done(app.get_invocation_cache())
    assert (cache.enabled, cache.size) == (True, 0)


@pytest.mark.real_server("the simulator has no fonts")
async def test_fonts_are_listed_and_downloaded(client, own_server):
    folder = Path(own_server.root) / "fonts" / "mine"
    folder.mkdir(parents=True, exist_ok=True)
    content = a_font()
    (folder / "a font.ttf").write_bytes(content)
    (font,) = await done(client.app_repo.list_fonts())
    assert [face.path for face in font.faces] == ["mine/a font.ttf"]
    assert await done(client.app_repo.get_font(font.path)) == content


def a_font():
    """The bytes of the font that comes with Pillow."""
    found = ImageFont.load_default(size=10)
    return found.font_bytes


@pytest.mark.real_server("the simulator has no fonts")
async def test_a_missing_font_is_not_found(client):
    app = client.app_repo
    with pytest.raises(NotFoundError):
        await done(app.get_font("folder/none.ttf"))
    with pytest.raises((NotFoundError, APIStatusError, APIResponseError)):
        await done(app.get_font("../invokeai.yaml"))


# -- prompts ---------------------------------------------------------------------


async def test_variants_of_prompts(client):
    prompts = client.prompt_repo
    found = await done(prompts.expand_dynamic_prompt("a {red|blue} {cat|dog}"))
    assert found.prompts == ["a red cat", "a red dog", "a blue cat", "a blue dog"]
    few = await done(prompts.expand_dynamic_prompt("{1|2|3|4}", max_prompts=2))
    assert few.prompts == ["1", "2"]
    drawn = [
        await done(
            prompts.expand_dynamic_prompt(
                "{1|2|3|4}", combinatorial=False, max_prompts=5, seed=3
            )
        )
        for _ in range(2)
    ]
    assert drawn[0].prompts == drawn[1].prompts
    assert len(drawn[0].prompts) == 5
    # An error comes with status 200.
    broken = await done(prompts.expand_dynamic_prompt("a {red|blue"))
    assert broken.prompts == ["a {red|blue"]
    assert broken.error
    with pytest.raises(ValueError, match="max_prompts"):
        await done(prompts.expand_dynamic_prompt("x", max_prompts=0))


async def test_texts_need_a_model_of_the_right_kind(client, own_server):
    prompts = client.prompt_repo
    with pytest.raises(NotFoundError, match="0000"):
        await done(prompts.expand_prompt("a house", model=NO_SUCH_ID))
    with pytest.raises(NotFoundError):
        await done(prompts.describe_image("none.png", model=NO_SUCH_ID))


# -- node packs ------------------------------------------------------------------

PACK = """
from invokeai.invocation_api import (
    BaseInvocation,
    InputField,
    InvocationContext,
    StringOutput,
    invocation,
)

@invocation("test_shout", title="Shout", category="test", version="1.0.0")
class ShoutInvocation(BaseInvocation):
    text: str = InputField(default="hello")

    def invoke(self, context: InvocationContext) -> StringOutput:
        return StringOutput(value=self.text.upper())
"""


@pytest.mark.real_server("the simulator has no node packs")
async def test_failures_of_node_packs_are_errors_though_the_status_is_200(client):
    packs = client.node_pack_repo
    with pytest.raises(NodePackError, match="Invalid node pack name"):
        await done(packs.install_node_pack(".."))
    with pytest.raises(NodePackError, match="clone failed"):
        await done(packs.install_node_pack("http://127.0.0.1:9/none.git"))
    with pytest.raises(NodePackError, match="not found"):
        await done(packs.uninstall_node_pack("none"))


@pytest.mark.real_server("the simulator has no node packs")
async def test_a_pack_put_into_the_folder_is_loaded_and_removed(client):
    packs = client.node_pack_repo
    folder = Path((await done(packs.get_node_packs())).custom_nodes_path)
    name = f"pack_{uuid.uuid4().hex[:8]}"
    (folder / name).mkdir(parents=True)
    source = PACK.replace("test_shout", f"shout_{name}")
    (folder / name / "__init__.py").write_text(source)
    assert "reloaded" in await done(packs.reload_node_packs())
    found = await done(packs.get_node_packs())
    (mine,) = [pack for pack in found.node_packs if pack.name == name]
    assert mine.node_types == [f"shout_{name}"]
    await done(packs.uninstall_node_pack(mine))
    assert not (folder / name).exists()


# -- the queue's rest --------------------------------------------------------------


async def test_jobs_of_a_destination_are_deleted_slashes_or_not(client):
    queue = client.queue_repo
    for destination in (uuid.uuid4().hex, f"a/{uuid.uuid4().hex}"):
        await done(queue.pause_processor())
        try:
            await enqueue(client, runs=3, destination=destination)
            await enqueue(client, destination="other")
            assert await done(queue.delete_jobs_by_destination(destination)) == 3
            counts = await done(queue.get_destination_counts(destination))
            assert counts.total == 0
            assert await done(queue.delete_jobs_by_destination(destination)) == 0
            others = await done(queue.get_destination_counts("other"))
            assert others.pending == 1
        finally:
            await done(queue.clear_queue())
            await done(queue.resume_processor())


async def test_watching_tells_who_is_ahead_what_blocks_and_when_it_ends(client):
    queue = client.queue_repo
    await done(queue.pause_processor())
    try:
        first = await enqueue(client, runs=2, destination="watch")
        mine = await enqueue(client, destination="watch")
        (item_id,) = mine["item_ids"]
        seen = []
        async for snapshot in stream(queue.watch_queue(item_id)):
            seen.append(snapshot)
            if len(seen) == 1:
                await done(queue.resume_processor())
        assert [job.item_id for job in seen[0].ahead] == sorted(first["item_ids"])
        assert seen[0].status.stall.kind is StallKind.PAUSED
        assert "2 jobs ahead" in seen[0].message
        assert seen[0].estimate is None
        assert seen[-1].job.status is JobStatus.COMPLETED
        ahead = [len(snapshot.ahead) for snapshot in seen]
        assert ahead == sorted(ahead, reverse=True)
        assert seen[-1].seconds_per_job > 0
        idle = await collected(queue.watch_queue(until_idle=True))
        assert idle[-1].status.is_idle
    finally:
        await done(queue.clear_queue())
        await done(queue.resume_processor())


async def stream(items):
    """The items of either client's stream, one at a time."""
    if hasattr(items, "__aiter__"):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item


# -- events and the escape hatch ---------------------------------------------------


async def test_events_are_chosen_by_class(own_server, tmp_path):
    async def listen(client):
        seen = []
        async for event in client.events(ModelInstallEvent):
            seen.append(event)
            if event.is_over:
                break
        return seen

    async with AsyncInvokeAIClient.from_url(own_server.url) as client:
        listener = asyncio.create_task(listen(client))
        # Nothing tells when listening has begun, so there is more than one to hear.
        for number in range(20):
            junk = tmp_path / f"junk-{number}.safetensors"
            junk.write_bytes(b"x" * 64)
            job = await client.model_repo.install_model(junk)
            with pytest.raises(ModelError, match="does not know what it is"):
                await job.wait(30)
            await asyncio.wait([listener], timeout=0.5)
            if listener.done():
                break
        seen = await listener
        assert {type(event) for event in seen} == {ModelInstallEvent}
        assert seen[-1].name == "model_install_complete"
        assert seen[-1].config["key"] == seen[-1].key
        unknown = await client.model_repo.list_models(type="unknown")
        await client.model_repo.delete_models(unknown)


async def test_anything_can_be_requested_with_the_same_errors(client):
    version = await done(client.request("GET", "/api/v1/app/version"))
    assert set(version) == {"version"}
    with pytest.raises(NotFoundError):
        await done(client.request("GET", "/api/v1/boards/none-such"))
    # The server's web page, with status 200.
    with pytest.raises(APIResponseError, match="web page"):
        await done(client.request("GET", "/api/v1/no/such/route"))
    board = await done(
        client.request("POST", "/api/v1/boards/", params={"board_name": "requested"})
    )
    gone = await done(client.request("DELETE", f"/api/v1/boards/{board['board_id']}"))
    assert gone["board_id"] == board["board_id"]
