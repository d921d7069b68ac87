"""`InvokeAIClient`: one InvokeAI server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Optional, Union

from invokeai_py_client._core import server_flows
from invokeai_py_client._core.events import ServerEvent
from invokeai_py_client._core.server_flows import EventKind, ServerCheck
from invokeai_py_client._io.sync_driver import SyncDriver
from invokeai_py_client.base_client import BaseClient

if TYPE_CHECKING:
    from invokeai_py_client._core.flow import Flow
    from invokeai_py_client.app.app_repo import AppRepository
    from invokeai_py_client.board.board_repo import BoardRepository
    from invokeai_py_client.client_state.client_state_repo import ClientStateRepository
    from invokeai_py_client.gallery.gallery_repo import GalleryRepository
    from invokeai_py_client.image.image_repo import ImageRepository
    from invokeai_py_client.image_move.image_move_repo import ImageMoveRepository
    from invokeai_py_client.model.model_repo import ModelRepository
    from invokeai_py_client.node_pack.node_pack_repo import NodePackRepository
    from invokeai_py_client.prompt.prompt_repo import PromptRepository
    from invokeai_py_client.queue.queue_repo import QueueRepository, SubmissionFinder
    from invokeai_py_client.recall.recall_repo import RecallRepository
    from invokeai_py_client.style_preset.style_preset_repo import StylePresetRepository
    from invokeai_py_client.system_prompt.system_prompt_repo import (
        SystemPromptRepository,
    )
    from invokeai_py_client.user.user_repo import UserRepository
    from invokeai_py_client.video.video_repo import VideoRepository
    from invokeai_py_client.workflow.submission import Submission
    from invokeai_py_client.workflow.workflow_handle import WorkflowHandle
    from invokeai_py_client.workflow.workflow_repo import WorkflowRepository

__all__ = ["InvokeAIClient"]


class InvokeAIClient(BaseClient):
    """An InvokeAI server. The blocking client: its methods return when they are done.

    It may be used from several threads. Close it, or use
    it in a `with` statement, to close its connections;
    everything it gave out needs it open.

    Example:
        ```python
        with InvokeAIClient("http://localhost:9090") as client:
            workflow = client.workflow_repo.load("portrait.json")
        ```
    """

    _runner: SyncDriver

    def _open(self) -> SyncDriver:
        return SyncDriver(self._settings, self._hub)

    def __enter__(self) -> InvokeAIClient:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections and the event socket; later calls are refused."""
        self._runner.close()

    # Each repository is imported when it is first used: a script needs one or two.

    @cached_property
    def workflow_repo(self) -> WorkflowRepository:
        """Workflows: load one, set its inputs, run it."""
        from invokeai_py_client.workflow.workflow_repo import WorkflowRepository

        return WorkflowRepository(self._runner, self.url, settle_time=self._settle_time)

    @cached_property
    def board_repo(self) -> BoardRepository:
        """The boards of the gallery."""
        from invokeai_py_client.board.board_repo import BoardRepository

        return BoardRepository(self._runner)

    @cached_property
    def image_repo(self) -> ImageRepository:
        """The images of the gallery."""
        from invokeai_py_client.image.image_repo import ImageRepository

        return ImageRepository(self._runner)

    @cached_property
    def video_repo(self) -> VideoRepository:
        """The videos of the gallery."""
        from invokeai_py_client.video.video_repo import VideoRepository

        return VideoRepository(self._runner)

    @cached_property
    def model_repo(self) -> ModelRepository:
        """The models the server has installed."""
        from invokeai_py_client.model.model_repo import ModelRepository

        return ModelRepository(self._runner)

    @cached_property
    def queue_repo(self) -> QueueRepository:
        """The queue and its jobs."""
        from invokeai_py_client.queue.queue_repo import QueueRepository

        finder = _submission_finder(self._runner, self.url, self._settle_time)
        return QueueRepository(self._runner, find_submission=finder)

    @cached_property
    def style_preset_repo(self) -> StylePresetRepository:
        """The style presets, which the GUI calls prompt templates."""
        from invokeai_py_client.style_preset.style_preset_repo import (
            StylePresetRepository,
        )

        return StylePresetRepository(self._runner)

    @cached_property
    def system_prompt_repo(self) -> SystemPromptRepository:
        """The instructions for the models that expand prompts."""
        from invokeai_py_client.system_prompt.system_prompt_repo import (
            SystemPromptRepository,
        )

        return SystemPromptRepository(self._runner)

    @cached_property
    def gallery_repo(self) -> GalleryRepository:
        """Images and videos in one order, and by day."""
        from invokeai_py_client.gallery.gallery_repo import GalleryRepository

        return GalleryRepository(self._runner)

    @cached_property
    def client_state_repo(self) -> ClientStateRepository:
        """Texts by key that the server keeps for the user."""
        from invokeai_py_client.client_state.client_state_repo import (
            ClientStateRepository,
        )

        return ClientStateRepository(self._runner)

    @cached_property
    def recall_repo(self) -> RecallRepository:
        """Parameters for the GUI's generation panel."""
        from invokeai_py_client.recall.recall_repo import RecallRepository

        return RecallRepository(self._runner)

    @cached_property
    def image_move_repo(self) -> ImageMoveRepository:
        """Moving the server's image files into other folders."""
        from invokeai_py_client.image_move.image_move_repo import ImageMoveRepository

        return ImageMoveRepository(self._runner)

    @cached_property
    def prompt_repo(self) -> PromptRepository:
        """What the server can make of prompts."""
        from invokeai_py_client.prompt.prompt_repo import PromptRepository

        return PromptRepository(self._runner)

    @cached_property
    def user_repo(self) -> UserRepository:
        """Accounts of a server with several users, and the client's own."""
        from invokeai_py_client.user.user_repo import UserRepository

        return UserRepository(self._runner)

    @cached_property
    def app_repo(self) -> AppRepository:
        """The server as a program: settings, log, caches, devices, fonts."""
        from invokeai_py_client.app.app_repo import AppRepository

        return AppRepository(self._runner)

    @cached_property
    def node_pack_repo(self) -> NodePackRepository:
        """Packs of custom nodes."""
        from invokeai_py_client.node_pack.node_pack_repo import NodePackRepository

        return NodePackRepository(self._runner)

    def submit_many(
        self,
        workflows: Sequence[
            Union[WorkflowHandle, tuple[WorkflowHandle, Mapping[str, Any]]]
        ],
    ) -> list[Submission]:
        """Submit several workflows together; see `WorkflowRepository.submit_many`."""
        return self._runner.run(self.workflow_repo.submit_many_flow(workflows))

    def server_version(self) -> str:
        """Read the server's version, such as ``"6.14.2"``.

        Raises:
            APIConnectionError: Nothing answers at the address.
            APIResponseError: Something answers that is no InvokeAI.
        """
        return self._runner.run(server_flows.read_version())

    def check(self) -> ServerCheck:
        """Find out whether the server can be used: version, log-in, event socket.

        Raises:
            APIConnectionError: Nothing answers at the address.
            APIResponseError: Something answers that is no InvokeAI.
            AuthenticationError: The server wants a log-in, or refuses this one.
        """
        return self._runner.run(server_flows.check_server())

    def events(
        self, *kinds: EventKind, queue_id: str = "default"
    ) -> Iterator[ServerEvent]:
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

    def request(
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
        return self._runner.run(
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
    runner: SyncDriver, url: str, settle_time: float
) -> SubmissionFinder:
    """Finds submissions without workflows being imported before, or the client kept."""

    def find(queue_id: str, submission_id: str) -> Flow[Submission]:
        from invokeai_py_client.workflow.workflow_repo import WorkflowRepository

        workflows = WorkflowRepository(runner, url, settle_time=settle_time)
        return workflows.submission_flow(queue_id, submission_id)

    return find
