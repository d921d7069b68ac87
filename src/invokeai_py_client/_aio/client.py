# Generated from client.py by scripts/generate_async.py; do not edit.
"""`AsyncInvokeAIClient`: one InvokeAI server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Optional, Union

from invokeai_py_client._arguments import Json, Name, Seconds, checks_arguments
from invokeai_py_client._core import server_flows
from invokeai_py_client._core.events import ServerEvent
from invokeai_py_client._core.send import learn_version
from invokeai_py_client._core.server_flows import EventKind, ServerCheck
from invokeai_py_client._exports import set_module
from invokeai_py_client._io.asyncio_driver import AsyncioDriver
from invokeai_py_client.base_client import BaseClient

if TYPE_CHECKING:
    from invokeai_py_client._aio.app import AsyncAppRepository
    from invokeai_py_client._aio.board_repo import AsyncBoardRepository
    from invokeai_py_client._aio.client_state import AsyncClientStateRepository
    from invokeai_py_client._aio.gallery_repo import AsyncGalleryRepository
    from invokeai_py_client._aio.image_move import AsyncImageMoveRepository
    from invokeai_py_client._aio.image_repo import AsyncImageRepository
    from invokeai_py_client._aio.model_repo import AsyncModelRepository
    from invokeai_py_client._aio.node_pack import AsyncNodePackRepository
    from invokeai_py_client._aio.prompt import AsyncPromptRepository
    from invokeai_py_client._aio.queue_repo import AsyncQueueRepository
    from invokeai_py_client._aio.recall import AsyncRecallRepository
    from invokeai_py_client._aio.style_preset import AsyncStylePresetRepository
    from invokeai_py_client._aio.submission import AsyncSubmission
    from invokeai_py_client._aio.system_prompt import AsyncSystemPromptRepository
    from invokeai_py_client._aio.user import AsyncUserRepository
    from invokeai_py_client._aio.video_repo import AsyncVideoRepository
    from invokeai_py_client._aio.workflow_handle import AsyncWorkflowHandle
    from invokeai_py_client._aio.workflow_repo import AsyncWorkflowRepository
    from invokeai_py_client._core.flow import Flow

__all__ = ["AsyncInvokeAIClient"]


@set_module("invokeai_py_client")
@checks_arguments
class AsyncInvokeAIClient(BaseClient):
    """An InvokeAI server. The asyncio client: its methods return when they are done.

    It may be used in several event loops, one after the other. Close it, or use it in an `async with` statement, to
    close its connections; the objects it returned need it open.

    Example:
        ```python
        async with AsyncInvokeAIClient("http://localhost:9090") as client:
            workflow = await client.workflow_repo.load("portrait.json")
        ```
    """

    _runner: AsyncioDriver

    def _open(self) -> AsyncioDriver:
        return AsyncioDriver(self._settings, self._hub)

    async def __aenter__(self) -> AsyncInvokeAIClient:
        return self

    async def __aexit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections and the event socket; later calls are refused."""
        await self._runner.close()

    # Each repository is imported when it is first used: a script needs one or two.

    @cached_property
    def workflow_repo(self) -> AsyncWorkflowRepository:
        """`AsyncWorkflowRepository`: load and run workflows; the server's library."""
        from invokeai_py_client._aio.workflow_repo import AsyncWorkflowRepository

        return AsyncWorkflowRepository(
            self._runner,
            self.url,
            settle_time=self._settle_time,
            open_other=_client_opener(self._settle_time),
            recipe=self._recipe_maker(),
        )

    @cached_property
    def board_repo(self) -> AsyncBoardRepository:
        """`AsyncBoardRepository`: the gallery's boards and what is on them."""
        from invokeai_py_client._aio.board_repo import AsyncBoardRepository

        return AsyncBoardRepository(self._runner)

    @cached_property
    def image_repo(self) -> AsyncImageRepository:
        """`AsyncImageRepository`: upload, find, download, change and delete images."""
        from invokeai_py_client._aio.image_repo import AsyncImageRepository

        return AsyncImageRepository(self._runner, self.url)

    @cached_property
    def video_repo(self) -> AsyncVideoRepository:
        """`AsyncVideoRepository`: upload, find, download, change and delete videos."""
        from invokeai_py_client._aio.video_repo import AsyncVideoRepository

        return AsyncVideoRepository(self._runner)

    @cached_property
    def model_repo(self) -> AsyncModelRepository:
        """`AsyncModelRepository`: find, install, change and delete the server's models."""
        from invokeai_py_client._aio.model_repo import AsyncModelRepository

        return AsyncModelRepository(self._runner)

    @cached_property
    def queue_repo(self) -> AsyncQueueRepository[AsyncSubmission]:
        """`AsyncQueueRepository`: follow, cancel and retry jobs; find submissions."""
        from invokeai_py_client._aio.queue_repo import AsyncQueueRepository

        finder = _submission_finder(self._runner, self.url, self._settle_time)
        return AsyncQueueRepository(self._runner, find_submission=finder)

    @cached_property
    def style_preset_repo(self) -> AsyncStylePresetRepository:
        """`AsyncStylePresetRepository`: the presets that the GUI calls prompt templates."""
        from invokeai_py_client._aio.style_preset import AsyncStylePresetRepository

        return AsyncStylePresetRepository(self._runner)

    @cached_property
    def system_prompt_repo(self) -> AsyncSystemPromptRepository:
        """`AsyncSystemPromptRepository`: instructions for the models that expand prompts."""
        from invokeai_py_client._aio.system_prompt import AsyncSystemPromptRepository

        return AsyncSystemPromptRepository(self._runner)

    @cached_property
    def gallery_repo(self) -> AsyncGalleryRepository:
        """`AsyncGalleryRepository`: images and videos in one order, and by day."""
        from invokeai_py_client._aio.gallery_repo import AsyncGalleryRepository

        return AsyncGalleryRepository(self._runner)

    @cached_property
    def client_state_repo(self) -> AsyncClientStateRepository:
        """`AsyncClientStateRepository`: strings that the server keeps for the user."""
        from invokeai_py_client._aio.client_state import AsyncClientStateRepository

        return AsyncClientStateRepository(self._runner)

    @cached_property
    def recall_repo(self) -> AsyncRecallRepository:
        """`AsyncRecallRepository`: send parameters to the GUI's generation panel."""
        from invokeai_py_client._aio.recall import AsyncRecallRepository

        return AsyncRecallRepository(self._runner)

    @cached_property
    def image_move_repo(self) -> AsyncImageMoveRepository:
        """`AsyncImageMoveRepository`: move the server's image files into other folders."""
        from invokeai_py_client._aio.image_move import AsyncImageMoveRepository

        return AsyncImageMoveRepository(self._runner)

    @cached_property
    def prompt_repo(self) -> AsyncPromptRepository:
        """`AsyncPromptRepository`: expand prompts, and read them from images."""
        from invokeai_py_client._aio.prompt import AsyncPromptRepository

        return AsyncPromptRepository(self._runner)

    @cached_property
    def user_repo(self) -> AsyncUserRepository:
        """`AsyncUserRepository`: log in and out, and the accounts of the server."""
        from invokeai_py_client._aio.user import AsyncUserRepository

        return AsyncUserRepository(self._runner)

    @cached_property
    def app_repo(self) -> AsyncAppRepository:
        """`AsyncAppRepository`: the server's settings, log, caches, devices and fonts."""
        from invokeai_py_client._aio.app import AsyncAppRepository

        return AsyncAppRepository(self._runner)

    @cached_property
    def node_pack_repo(self) -> AsyncNodePackRepository:
        """`AsyncNodePackRepository`: install and remove packs of custom nodes."""
        from invokeai_py_client._aio.node_pack import AsyncNodePackRepository

        return AsyncNodePackRepository(self._runner)

    async def submit_many(
        self,
        workflows: Sequence[
            Union[AsyncWorkflowHandle, tuple[AsyncWorkflowHandle, Mapping[str, Any]]]
        ],
    ) -> list[AsyncSubmission]:
        """Submit several workflows together; see `AsyncWorkflowRepository.submit_many`."""
        return await self._runner.run(self.workflow_repo._submit_many_flow(workflows))

    async def server_version(self) -> str:
        """Read the server's version, such as ``"6.14.2"``.

        Raises:
            APIConnectionError: Nothing answers at the address.
            APIResponseError: What answers is not an InvokeAI server.
        """
        return await self._runner.run(learn_version(again=True))

    async def check(self) -> ServerCheck:
        """Find out whether the server can be used: version, log-in, event socket.

        Raises:
            APIConnectionError: Nothing answers at the address.
            APIResponseError: What answers is not an InvokeAI server.
            AuthenticationError: The server wants a log-in, or refuses this one.
        """
        return await self._runner.run(server_flows.check_server())

    def events(
        self, *kinds: EventKind, queue_id: Name = "default"
    ) -> AsyncIterator[ServerEvent]:
        """Iterate over what happens on the server, as it happens, without end.

        Listening starts with the first step of the loop and ends when the loop is
        left. What happened while the socket was away is lost; a `ConnectionEvent`
        reports when it was lost and when it came back.

        Args:
            kinds: The events that are wanted: the server's names, such as
                ``"queue_item_status_changed"``, or classes of the module `events`,
                such as `ModelInstallEvent`; none for all.
            queue_id: The queue to subscribe to; most servers send the events of the
                others as well.

        Raises:
            APIConnectionError: The event socket cannot be reached.
        """
        return self._runner.stream(server_flows.watch_events(kinds, queue_id))

    async def request(
        self,
        method: Name,
        path: Name,
        *,
        params: Optional[Mapping[str, Any]] = None,
        json: Json = None,
        form: Optional[Mapping[str, str]] = None,
        files: Optional[Mapping[str, tuple[str, bytes, str]]] = None,
        repeatable: Optional[bool] = None,
        request_timeout: Optional[Seconds] = None,
    ) -> Any:
        """Send any request: for routes that this library has no method for.

        It has the same credentials, retries and errors as every other call.

        Args:
            method: The HTTP method.
            path: The path from the server's root, such as ``"/api/v1/boards/"``.
            params: The query; a list repeats its key, None leaves a key out.
            json: A JSON body.
            form: Fields of a multipart body.
            files: Files of a multipart body: (file name, content, MIME type) by
                field.
            repeatable: Whether a lost answer may lead to another try; None means
                yes for GET, PATCH and DELETE, no for POST and PUT.
            request_timeout: Seconds for the whole answer; None for the client's
                limit, which is on silence.

        Returns:
            The decoded JSON; None for an answer without content, bytes for a file.

        Raises:
            APIError: As every call; the subclass says what was wrong.
        """
        return await self._runner.run(
            server_flows.request_any(
                method,
                path,
                params=params,
                json=json,
                form=form,
                files=files,
                repeatable=repeatable,
                request_timeout=request_timeout,
            )
        )


def _submission_finder(
    runner: AsyncioDriver, url: str, settle_time: float
) -> Callable[[str, str], Flow[AsyncSubmission]]:
    """Find submissions without importing workflows before, or keeping the client."""

    def find(queue_id: str, submission_id: str) -> Flow[AsyncSubmission]:
        from invokeai_py_client._aio.workflow_repo import AsyncWorkflowRepository

        workflows = AsyncWorkflowRepository(runner, url, settle_time=settle_time)
        return workflows._submission_flow(queue_id, submission_id)

    return find


def _client_opener(settle_time: float) -> Callable[[str], AsyncInvokeAIClient]:
    """Make clients of other servers, which get none of this client's credentials."""

    def open_client(url: str) -> AsyncInvokeAIClient:
        return AsyncInvokeAIClient(url, settle_time=settle_time)

    return open_client
