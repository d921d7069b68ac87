"""`SystemPromptRepository`: instructions for the models that expand prompts."""

from __future__ import annotations

from typing import Annotated, ClassVar, Optional, Union

from pydantic import Field

from invokeai_py_client._arguments import Name, Naming, checks_arguments
from invokeai_py_client._core.send import (
    call_model,
    changes_of,
    post,
)
from invokeai_py_client._exports import set_module
from invokeai_py_client._io.runner import Runner
from invokeai_py_client._objects.handle import Repository
from invokeai_py_client._objects.named_records import NamedRecords
from invokeai_py_client._snapshot import Snapshot, UtcDatetime


@set_module("invokeai_py_client.prompts")
class SystemPrompt(Snapshot):
    """Instructions for the language models that expand prompts.

    Attributes:
        id: The server's id.
        user_id: ``"system"`` for those that come with the server, and for all on a
            server for a single user.
        is_public: Whether all users see it.
    """

    _SET: ClassVar[str] = (
        "system_prompt_repo.update_prompt(prompt, …) changes it on the server"
    )

    id: str = Field(min_length=1)
    name: str
    content: str
    user_id: str = "system"
    is_public: bool = False
    created_at: Optional[UtcDatetime] = None
    updated_at: Optional[UtcDatetime] = None


PATH = "/api/v1/system_prompts/"
PROMPTS = NamedRecords(SystemPrompt, Naming("system prompt", "id"), PATH, PATH + "i/{}")
SystemPromptLike = Annotated[Union[str, SystemPrompt], PROMPTS.kind]
"""A system prompt, its name or its id."""


@set_module("invokeai_py_client.prompts")
@checks_arguments
class SystemPromptRepository(Repository[Runner]):
    """Reads and changes the server's system prompts, from 6.14 on.

    Every method raises `UnsupportedVersionError` on an older server.
    """

    def list_prompts(self) -> list[SystemPrompt]:
        """List the user's own and the public ones; an administrator sees all."""
        return self._runner.run(PROMPTS.list_all())

    def get_prompt(self, prompt: SystemPromptLike) -> SystemPrompt:
        """Read one.

        Raises:
            NotFoundError: There is none of that id.
            PermissionDeniedError: It belongs to another user.
        """
        return self._runner.run(PROMPTS.get(prompt))

    def create_prompt(self, name: Name, *, content: Name) -> SystemPrompt:
        """Make one; on a server with several users it is private at first.

        Args:
            name: Not empty; need not be unique.
            content: The instructions, not empty.
        """
        request = post(PATH, json={"name": name, "content": content})
        return self._runner.run(call_model(SystemPrompt, request))

    def update_prompt(
        self,
        prompt: SystemPromptLike,
        *,
        name: Optional[Name] = None,
        content: Optional[Name] = None,
        is_public: Optional[bool] = None,
    ) -> SystemPrompt:
        """Change one; what is None stays as it is.

        Returns:
            The prompt as it is now.

        Raises:
            NotFoundError: There is none of that id.
            PermissionDeniedError: It belongs to another user.
            ArgumentError: Nothing to change was given.
        """
        values = {"name": name, "content": content, "is_public": is_public}
        return self._runner.run(PROMPTS.update(prompt, changes_of(values)))

    def delete_prompt(self, prompt: SystemPromptLike) -> None:
        """Delete one for good.

        Raises:
            NotFoundError: There is none of that id.
            PermissionDeniedError: It belongs to another user.
        """
        return self._runner.run(PROMPTS.delete(prompt))
