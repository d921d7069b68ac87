# Generated from system_prompt_repo.py by scripts/generate_async.py; do not edit.
"""`AsyncSystemPromptRepository`: instructions for the models that expand prompts."""

from __future__ import annotations

from typing import Optional

from invokeai_py_client._io.runner import AsyncRunner
from invokeai_py_client.system_prompt import flows
from invokeai_py_client.system_prompt.models import (
    SystemPrompt,
    SystemPromptLike,
    system_prompt_id_of,
)

__all__ = ["AsyncSystemPromptRepository"]


class AsyncSystemPromptRepository:
    """Reads and changes the server's system prompts, from 6.14 on.

    Every method raises `UnsupportedVersionError` on an older server.

    Args:
        runner: What runs the flows: the client's.
    """

    def __init__(self, runner: AsyncRunner) -> None:
        self._runner = runner

    async def list_prompts(self) -> list[SystemPrompt]:
        """List the user's own and the public ones; an administrator sees all."""
        return await self._runner.run(flows.list_prompts())

    async def get_prompt(self, prompt: SystemPromptLike) -> SystemPrompt:
        """Read one by its id.

        Raises:
            NotFoundError: There is none of that id.
            PermissionDeniedError: It belongs to somebody else.
        """
        return await self._runner.run(flows.get_prompt(system_prompt_id_of(prompt)))

    async def create_prompt(self, name: str, content: str) -> SystemPrompt:
        """Make one; on a server with several users it is private at first.

        Args:
            name: Not empty; need not be unique.
            content: The instructions, not empty.

        Raises:
            UnprocessableEntityError: `name` or `content` is empty.
        """
        return await self._runner.run(flows.create_prompt(name, content))

    async def update_prompt(
        self,
        prompt: SystemPromptLike,
        *,
        name: Optional[str] = None,
        content: Optional[str] = None,
        is_public: Optional[bool] = None,
    ) -> SystemPrompt:
        """Change one; what is None stays as it is.

        Returns:
            The prompt as it is now.

        Raises:
            NotFoundError: There is none of that id.
            PermissionDeniedError: It belongs to somebody else.
            ValueError: Nothing to change was given.
        """
        return await self._runner.run(
            flows.update_prompt(
                system_prompt_id_of(prompt),
                name=name,
                content=content,
                is_public=is_public,
            )
        )

    async def delete_prompt(self, prompt: SystemPromptLike) -> None:
        """Delete one for good.

        Raises:
            NotFoundError: There is none of that id.
            PermissionDeniedError: It belongs to somebody else.
        """
        return await self._runner.run(flows.delete_prompt(system_prompt_id_of(prompt)))
