"""`InvokeAIClient`: one InvokeAI server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Optional, Union

from invokeai_py_client._arguments import Json, Name, Seconds, checks_arguments
from invokeai_py_client._core import server_flows
from invokeai_py_client._core.events import ServerEvent
from invokeai_py_client._core.send import learn_version
from invokeai_py_client._core.server_flows import EventKind, ServerCheck
from invokeai_py_client._exports import set_module
from invokeai_py_client._io.blocking_driver import BlockingDriver
from invokeai_py_client.base_client import BaseClient

if TYPE_CHECKING:
    from invokeai_py_client._core.flow import Flow
    from invokeai_py_client.admin.app import AppRepository
    from invokeai_py_client.admin.client_state import ClientStateRepository
    from invokeai_py_client.admin.image_move import ImageMoveRepository
    from invokeai_py_client.admin.node_pack import NodePackRepository
    from invokeai_py_client.admin.user import UserRepository
    from invokeai_py_client.board.board_repo import BoardRepository
    from invokeai_py_client.gallery.gallery_repo import GalleryRepository
    from invokeai_py_client.image.image_repo import ImageRepository
    from invokeai_py_client.model.model_repo import ModelRepository
    from invokeai_py_client.prompts.prompt import PromptRepository
    from invokeai_py_client.prompts.recall import RecallRepository
    from invokeai_py_client.prompts.style_preset import StylePresetRepository
    from invokeai_py_client.prompts.system_prompt import SystemPromptRepository
    from invokeai_py_client.queue.queue_repo import QueueRepository
    from invokeai_py_client.video.video_repo import VideoRepository
    from invokeai_py_client.workflow.submission import Submission
    from invokeai_py_client.workflow.workflow_handle import WorkflowHandle
    from invokeai_py_client.workflow.workflow_repo import WorkflowRepository

__all__ = ["InvokeAIClient"]


@set_module("invokeai_py_client")
@checks_arguments
class InvokeAIClient(BaseClient):
    """An InvokeAI server. The blocking client: its methods return when they are done.

    It may be used from several threads. Close it, or use it in a `with` statement, to
    close its connections; the objects it returned need it open.

    Example:
        ```python
        with InvokeAIClient("http://localhost:9090") as client:
            workflow = client.workflow_repo.load("portrait.json")
        ```
    """

    _runner: BlockingDriver

    def _open(self) -> BlockingDriver:
        return BlockingDriver(self._settings, self._hub)

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
        """`WorkflowRepository`: load and run workflows; the server's library."""
        from invokeai_py_client.workflow.workflow_repo import WorkflowRepository

        return WorkflowRepository(
            self._runner,
            self.url,
            settle_time=self._settle_time,
            open_other=_client_opener(self._settle_time),
            recipe=self._recipe_maker(),
        )

    @cached_property
    def board_repo(self) -> BoardRepository:
        """`BoardRepository`: the gallery's boards and what is on them."""
        from invokeai_py_client.board.board_repo import BoardRepository

        return BoardRepository(self._runner)

    @cached_property
    def image_repo(self) -> ImageRepository:
        """`ImageRepository`: upload, find, download, change and delete images."""
        from invokeai_py_client.image.image_repo import ImageRepository

        return ImageRepository(self._runner, self.url)

    @cached_property
    def video_repo(self) -> VideoRepository:
        """`VideoRepository`: upload, find, download, change and delete videos."""
        from invokeai_py_client.video.video_repo import VideoRepository

        return VideoRepository(self._runner)

    @cached_property
    def model_repo(self) -> ModelRepository:
        """`ModelRepository`: find, install, change and delete the server's models."""
        from invokeai_py_client.model.model_repo import ModelRepository

        return ModelRepository(self._runner)

    @cached_property
    def queue_repo(self) -> QueueRepository[Submission]:
        """`QueueRepository`: follow, cancel and retry jobs; find submissions."""
        from invokeai_py_client.queue.queue_repo import QueueRepository

        finder = _submission_finder(self._runner, self.url, self._settle_time)
        return QueueRepository(self._runner, find_submission=finder)

    @cached_property
    def style_preset_repo(self) -> StylePresetRepository:
        """`StylePresetRepository`: the presets that the GUI calls prompt templates."""
        from invokeai_py_client.prompts.style_preset import StylePresetRepository

        return StylePresetRepository(self._runner)

    @cached_property
    def system_prompt_repo(self) -> SystemPromptRepository:
        """`SystemPromptRepository`: instructions for the models that expand prompts."""
        from invokeai_py_client.prompts.system_prompt import SystemPromptRepository

        return SystemPromptRepository(self._runner)

    @cached_property
    def gallery_repo(self) -> GalleryRepository:
        """`GalleryRepository`: images and videos in one order, and by day."""
        from invokeai_py_client.gallery.gallery_repo import GalleryRepository

        return GalleryRepository(self._runner)

    @cached_property
    def client_state_repo(self) -> ClientStateRepository:
        """`ClientStateRepository`: strings that the server keeps for the user."""
        from invokeai_py_client.admin.client_state import ClientStateRepository

        return ClientStateRepository(self._runner)

    @cached_property
    def recall_repo(self) -> RecallRepository:
        """`RecallRepository`: send parameters to the GUI's generation panel."""
        from invokeai_py_client.prompts.recall import RecallRepository

        return RecallRepository(self._runner)

    @cached_property
    def image_move_repo(self) -> ImageMoveRepository:
        """`ImageMoveRepository`: move the server's image files into other folders."""
        from invokeai_py_client.admin.image_move import ImageMoveRepository

        return ImageMoveRepository(self._runner)

    @cached_property
    def prompt_repo(self) -> PromptRepository:
        """`PromptRepository`: expand prompts, and read them from images."""
        from invokeai_py_client.prompts.prompt import PromptRepository

        return PromptRepository(self._runner)

    @cached_property
    def user_repo(self) -> UserRepository:
        """`UserRepository`: log in and out, and the accounts of the server."""
        from invokeai_py_client.admin.user import UserRepository

        return UserRepository(self._runner)

    @cached_property
    def app_repo(self) -> AppRepository:
        """`AppRepository`: the server's settings, log, caches, devices and fonts."""
        from invokeai_py_client.admin.app import AppRepository

        return AppRepository(self._runner)

    @cached_property
    def node_pack_repo(self) -> NodePackRepository:
        """`NodePackRepository`: install and remove packs of custom nodes."""
        from invokeai_py_client.admin.node_pack import NodePackRepository

        return NodePackRepository(self._runner)

    def submit_many(
        self,
        workflows: Sequence[
            Union[WorkflowHandle, tuple[WorkflowHandle, Mapping[str, Any]]]
        ],
    ) -> list[Submission]:
        """Submit several workflows together; see `WorkflowRepository.submit_many`."""
        return self._runner.run(self.workflow_repo._submit_many_flow(workflows))

    def server_version(self) -> str:
        """Read the server's version, such as ``"6.14.2"``.

        Raises:
            APIConnectionError: Nothing answers at the address.
            APIResponseError: What answers is not an InvokeAI server.
        """
        return self._runner.run(learn_version(again=True))

    def check(self) -> ServerCheck:
        """Find out whether the server can be used: version, log-in, event socket.

        Raises:
            APIConnectionError: Nothing answers at the address.
            APIResponseError: What answers is not an InvokeAI server.
            AuthenticationError: The server wants a log-in, or refuses this one.
        """
        return self._runner.run(server_flows.check_server())

    def events(
        self, *kinds: EventKind, queue_id: Name = "default"
    ) -> Iterator[ServerEvent]:
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

    def request(
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
    runner: BlockingDriver, url: str, settle_time: float
) -> Callable[[str, str], Flow[Submission]]:
    """Find submissions without importing workflows before, or keeping the client."""

    def find(queue_id: str, submission_id: str) -> Flow[Submission]:
        from invokeai_py_client.workflow.workflow_repo import WorkflowRepository

        workflows = WorkflowRepository(runner, url, settle_time=settle_time)
        return workflows._submission_flow(queue_id, submission_id)

    return find


def _client_opener(settle_time: float) -> Callable[[str], InvokeAIClient]:
    """Make clients of other servers, which get none of this client's credentials."""

    def open_client(url: str) -> InvokeAIClient:
        return InvokeAIClient(url, settle_time=settle_time)

    return open_client
