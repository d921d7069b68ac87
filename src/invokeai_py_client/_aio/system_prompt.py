# Generated from prompts/system_prompt.py by scripts/generate_async.py; do not edit.
"""`AsyncSystemPromptRepository`: instructions for the models that expand prompts."""

from __future__ import annotations

from typing import Optional

from invokeai_py_client._arguments import Name, checks_arguments
from invokeai_py_client._core.send import (
    call_model,
    changes_of,
    post,
)
from invokeai_py_client._exports import set_module
from invokeai_py_client._io.runner import AsyncRunner
from invokeai_py_client._objects.handle import Repository
from invokeai_py_client.prompts.system_prompt import (
    PATH,
    PROMPTS,
    SystemPrompt,
    SystemPromptLike,
)

"""A system prompt, its name or its id."""


@set_module("invokeai_py_client.prompts")
@checks_arguments
class AsyncSystemPromptRepository(Repository[AsyncRunner]):
    """Reads and changes the server's system prompts, from 6.14 on.

    Every method raises `UnsupportedVersionError` on an older server.
    """

    async def list_prompts(self) -> list[SystemPrompt]:
        """List the user's own and the public ones; an administrator sees all."""
        return await self._runner.run(PROMPTS.list_all())

    async def get_prompt(self, prompt: SystemPromptLike) -> SystemPrompt:
        """Read one.

        Raises:
            NotFoundError: There is none of that id.
            PermissionDeniedError: It belongs to another user.
        """
        return await self._runner.run(PROMPTS.get(prompt))

    async def create_prompt(self, name: Name, *, content: Name) -> SystemPrompt:
        """Make one; on a server with several users it is private at first.

        Args:
            name: Not empty; need not be unique.
            content: The instructions, not empty.
        """
        request = post(PATH, json={"name": name, "content": content})
        return await self._runner.run(call_model(SystemPrompt, request))

    async def update_prompt(
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
        return await self._runner.run(PROMPTS.update(prompt, changes_of(values)))

    async def delete_prompt(self, prompt: SystemPromptLike) -> None:
        """Delete one for good.

        Raises:
            NotFoundError: There is none of that id.
            PermissionDeniedError: It belongs to another user.
        """
        return await self._runner.run(PROMPTS.delete(prompt))
