# Generated from client.py by scripts/generate_async.py; do not edit.
"""`AsyncInvokeAIClient`: one InvokeAI server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Optional, Union

from invokeai_py_client._core import server_flows
from invokeai_py_client._core.events import ServerEvent
from invokeai_py_client._core.server_flows import EventKind, ServerCheck
from invokeai_py_client._io.async_driver import AsyncDriver
from invokeai_py_client.base_client import BaseClient

if TYPE_CHECKING:
    from invokeai_py_client._core.flow import Flow
    from invokeai_py_client.app.async_app_repo import AsyncAppRepository
    from invokeai_py_client.board.async_board_repo import AsyncBoardRepository
    from invokeai_py_client.client_state.async_client_state_repo import (
        AsyncClientStateRepository,
    )
    from invokeai_py_client.gallery.async_gallery_repo import AsyncGalleryRepository
    from invokeai_py_client.image.async_image_repo import AsyncImageRepository
    from invokeai_py_client.image_move.async_image_move_repo import (
        AsyncImageMoveRepository,
    )
    from invokeai_py_client.model.async_model_repo import AsyncModelRepository
    from invokeai_py_client.node_pack.async_node_pack_repo import (
        AsyncNodePackRepository,
    )
    from invokeai_py_client.prompt.async_prompt_repo import AsyncPromptRepository
    from invokeai_py_client.queue.async_queue_repo import (
        AsyncQueueRepository,
        AsyncSubmissionFinder,
    )
    from invokeai_py_client.recall.async_recall_repo import AsyncRecallRepository
    from invokeai_py_client.style_preset.async_style_preset_repo import (
        AsyncStylePresetRepository,
    )
    from invokeai_py_client.system_prompt.async_system_prompt_repo import (
        AsyncSystemPromptRepository,
    )
    from invokeai_py_client.user.async_user_repo import AsyncUserRepository
    from invokeai_py_client.video.async_video_repo import AsyncVideoRepository
    from invokeai_py_client.workflow.async_submission import AsyncSubmission
    from invokeai_py_client.workflow.async_workflow_handle import AsyncWorkflowHandle
    from invokeai_py_client.workflow.async_workflow_repo import AsyncWorkflowRepository

__all__ = ["AsyncInvokeAIClient"]


class AsyncInvokeAIClient(BaseClient):
    """An InvokeAI server. The asyncio client: its methods return when they are done.

    It may be used in several event loops, one after the other. Close it, or use
    it in an `async with` statement, to close its connections;
    everything it gave out needs it open.

    Example:
        ```python
        async with AsyncInvokeAIClient("http://localhost:9090") as client:
            workflow = await client.workflow_repo.load("portrait.json")
        ```
    """

    _runner: AsyncDriver

    def _open(self) -> AsyncDriver:
        return AsyncDriver(self._settings, self._hub)

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
        """Workflows: load one, set its inputs, run it."""
        from invokeai_py_client.workflow.async_workflow_repo import (
            AsyncWorkflowRepository,
        )

        return AsyncWorkflowRepository(
            self._runner, self.url, settle_time=self._settle_time
        )

    @cached_property
    def board_repo(self) -> AsyncBoardRepository:
        """The boards of the gallery."""
        from invokeai_py_client.board.async_board_repo import AsyncBoardRepository

        return AsyncBoardRepository(self._runner)

    @cached_property
    def image_repo(self) -> AsyncImageRepository:
        """The images of the gallery."""
        from invokeai_py_client.image.async_image_repo import AsyncImageRepository

        return AsyncImageRepository(self._runner)

    @cached_property
    def video_repo(self) -> AsyncVideoRepository:
        """The videos of the gallery."""
        from invokeai_py_client.video.async_video_repo import AsyncVideoRepository

        return AsyncVideoRepository(self._runner)

    @cached_property
    def model_repo(self) -> AsyncModelRepository:
        """The models the server has installed."""
        from invokeai_py_client.model.async_model_repo import AsyncModelRepository

        return AsyncModelRepository(self._runner)

    @cached_property
    def queue_repo(self) -> AsyncQueueRepository:
        """The queue and its jobs."""
        from invokeai_py_client.queue.async_queue_repo import AsyncQueueRepository

        finder = _submission_finder(self._runner, self.url, self._settle_time)
        return AsyncQueueRepository(self._runner, find_submission=finder)

    @cached_property
    def style_preset_repo(self) -> AsyncStylePresetRepository:
        """The style presets, which the GUI calls prompt templates."""
        from invokeai_py_client.style_preset.async_style_preset_repo import (
            AsyncStylePresetRepository,
        )

        return AsyncStylePresetRepository(self._runner)

    @cached_property
    def system_prompt_repo(self) -> AsyncSystemPromptRepository:
        """The instructions for the models that expand prompts."""
        from invokeai_py_client.system_prompt.async_system_prompt_repo import (
            AsyncSystemPromptRepository,
        )

        return AsyncSystemPromptRepository(self._runner)

    @cached_property
    def gallery_repo(self) -> AsyncGalleryRepository:
        """Images and videos in one order, and by day."""
        from invokeai_py_client.gallery.async_gallery_repo import AsyncGalleryRepository

        return AsyncGalleryRepository(self._runner)

    @cached_property
    def client_state_repo(self) -> AsyncClientStateRepository:
        """Texts by key that the server keeps for the user."""
        from invokeai_py_client.client_state.async_client_state_repo import (
            AsyncClientStateRepository,
        )

        return AsyncClientStateRepository(self._runner)

    @cached_property
    def recall_repo(self) -> AsyncRecallRepository:
        """Parameters for the GUI's generation panel."""
        from invokeai_py_client.recall.async_recall_repo import AsyncRecallRepository

        return AsyncRecallRepository(self._runner)

    @cached_property
    def image_move_repo(self) -> AsyncImageMoveRepository:
        """Moving the server's image files into other folders."""
        from invokeai_py_client.image_move.async_image_move_repo import (
            AsyncImageMoveRepository,
        )

        return AsyncImageMoveRepository(self._runner)

    @cached_property
    def prompt_repo(self) -> AsyncPromptRepository:
        """What the server can make of prompts."""
        from invokeai_py_client.prompt.async_prompt_repo import AsyncPromptRepository

        return AsyncPromptRepository(self._runner)

    @cached_property
    def user_repo(self) -> AsyncUserRepository:
        """Accounts of a server with several users, and the client's own."""
        from invokeai_py_client.user.async_user_repo import AsyncUserRepository

        return AsyncUserRepository(self._runner)

    @cached_property
    def app_repo(self) -> AsyncAppRepository:
        """The server as a program: settings, log, caches, devices, fonts."""
        from invokeai_py_client.app.async_app_repo import AsyncAppRepository

        return AsyncAppRepository(self._runner)

    @cached_property
    def node_pack_repo(self) -> AsyncNodePackRepository:
        """Packs of custom nodes."""
        from invokeai_py_client.node_pack.async_node_pack_repo import (
            AsyncNodePackRepository,
        )

        return AsyncNodePackRepository(self._runner)

    async def submit_many(
        self,
        workflows: Sequence[
            Union[AsyncWorkflowHandle, tuple[AsyncWorkflowHandle, Mapping[str, Any]]]
        ],
    ) -> list[AsyncSubmission]:
        """Submit several workflows together; see `AsyncWorkflowRepository.submit_many`."""
        return await self._runner.run(self.workflow_repo.submit_many_flow(workflows))

    async def server_version(self) -> str:
        """Read the server's version, such as ``"6.14.2"``.

        Raises:
            APIConnectionError: Nothing answers at the address.
            APIResponseError: Something answers that is no InvokeAI.
        """
        return await self._runner.run(server_flows.read_version())

    async def check(self) -> ServerCheck:
        """Find out whether the server can be used: version, log-in, event socket.

        Raises:
            APIConnectionError: Nothing answers at the address.
            APIResponseError: Something answers that is no InvokeAI.
            AuthenticationError: The server wants a log-in, or refuses this one.
        """
        return await self._runner.run(server_flows.check_server())

    def events(
        self, *kinds: EventKind, queue_id: str = "default"
    ) -> AsyncIterator[ServerEvent]:
        """Iterate over what happens on the server, as it happens, for ever.

        Listening starts with the first step of the loop and ends when the loop is
        left. What happened while the socket was away is lost; a `ConnectionEvent`
        tells when it went and came.

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
        method: str,
        path: str,
        *,
        params: Optional[Mapping[str, Any]] = None,
        json: Any = None,
        form: Optional[Mapping[str, str]] = None,
        files: Optional[Mapping[str, tuple[str, bytes, str]]] = None,
        repeatable: Optional[bool] = None,
        request_timeout: Optional[float] = None,
    ) -> Any:
        """Send any request, for what this library has no method for.

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
    runner: AsyncDriver, url: str, settle_time: float
) -> AsyncSubmissionFinder:
    """Finds submissions without workflows being imported before, or the client kept."""

    def find(queue_id: str, submission_id: str) -> Flow[AsyncSubmission]:
        from invokeai_py_client.workflow.async_workflow_repo import (
            AsyncWorkflowRepository,
        )

        workflows = AsyncWorkflowRepository(runner, url, settle_time=settle_time)
        return workflows.submission_flow(queue_id, submission_id)

    return find
