# Generated from workflow/library/library_repo.py by scripts/generate_async.py; do not edit.
"""`AsyncWorkflowLibrary`: the workflows that the server keeps, as in the GUI's library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Optional

from invokeai_py_client._arguments import Name, PathLike, checks_arguments
from invokeai_py_client._io.runner import AsyncRunner
from invokeai_py_client._objects.handle import Repository
from invokeai_py_client.image.sources import ImageSource
from invokeai_py_client.workflow.document.definition import (
    WorkflowContent,
    WorkflowDefinition,
)
from invokeai_py_client.workflow.library import (
    library_change_flows as changes,
    library_flows,
)
from invokeai_py_client.workflow.library.library_change_flows import WorkflowLike
from invokeai_py_client.workflow.library.library_flows import WorkflowRecord
from invokeai_py_client.workflow.library.library_repo import OrderBy


@checks_arguments
class AsyncWorkflowLibrary(Repository[AsyncRunner]):
    """The part of the workflow repository that is about the server's library.

    Where a workflow of the library is asked for, its record, its id or its name will
    do; for a name that several have, a `WorkflowError` lists their ids.
    """

    async def list_workflows(
        self,
        *,
        categories: Sequence[Name] = (),
        tags: Sequence[Name] = (),
        query: Optional[str] = None,
        has_been_opened: Optional[bool] = None,
        is_public: Optional[bool] = None,
        is_callable: Optional[bool] = None,
        order_by: OrderBy = "name",
        descending: bool = False,
    ) -> list[WorkflowRecord]:
        """List the server's library.

        Args:
            categories: ``"user"``, ``"default"`` or both; all when empty.
            tags: Only workflows with one of these tags.
            query: Only workflows with this text in their name or description.
            has_been_opened: Only those that were, or were not, opened in the GUI.
            is_public: Only those that all users see, or only those that not.
            is_callable: Only those that a `call_saved_workflow` node can run, or
                only those that it cannot.
            order_by: ``"name"``, ``"created_at"``, ``"updated_at"``, ``"opened_at"``
                or ``"is_public"``.
            descending: Reverse the order.

        Raises:
            UnprocessableEntityError: The server does not know a category.
            UnsupportedVersionError: The server is too old for a filter.
        """
        return await self._runner.run(
            library_flows.list_filtered(
                categories=categories,
                tags=tags,
                query=query,
                has_been_opened=has_been_opened,
                is_public=is_public,
                is_callable=is_callable,
                order_by=order_by,
                descending=descending,
            )
        )

    async def find_workflow(self, name: Name) -> Optional[WorkflowRecord]:
        """The library's workflow of this name or id; None when there is none.

        Raises:
            WorkflowError: Several have that name.
        """
        return await self._runner.run(library_flows.find_record(name))

    async def get_workflow(self, workflow: WorkflowLike) -> WorkflowDefinition:
        """Read a workflow of the library.

        Raises:
            WorkflowError: The library has none of this name, or several.
            NotFoundError: The library has none of this id.
        """
        return await self._runner.run(changes.load(workflow))

    async def get_workflow_record(self, workflow: WorkflowLike) -> WorkflowRecord:
        """Read what the library says about a workflow now.

        Raises:
            WorkflowError: The library has none of this id or name, or several.
        """
        return await self._runner.run(changes.get_record(workflow))

    async def save_workflow(
        self, source: WorkflowContent, *, name: Optional[Name] = None
    ) -> WorkflowRecord:
        """Put a workflow into the library, as a new workflow of the user.

        Names need not be unique; see `push_workflow` to replace one.

        Args:
            source: A definition, a dict, or a workflow file or an image that carries
                one: its path or its content.
            name: What to call it; None for the name inside.

        Raises:
            UnprocessableEntityError: The server cannot store it.
            WorkflowFormatError: It is not a workflow; nothing was sent.
        """
        return await self._runner.run(changes.save(source, name))

    async def update_workflow(
        self,
        workflow: WorkflowLike,
        source: WorkflowContent,
        *,
        name: Optional[Name] = None,
    ) -> WorkflowRecord:
        """Replace the content of a workflow of the library; its id stays.

        Args:
            workflow: Which one.
            source: As for `save_workflow`.
            name: What to call it; None for the name inside.

        Raises:
            PermissionDeniedError: It belongs to another user.
            WorkflowError: There is none, or it comes with the server, which would
                answer with success and change nothing.
            WorkflowFormatError: `source` is not a workflow; nothing was sent.
        """
        return await self._runner.run(changes.replace(workflow, source, name))

    async def push_workflow(
        self, source: WorkflowContent, *, name: Optional[Name] = None
    ) -> WorkflowRecord:
        """Save a workflow, replacing the user's workflow of the same name, if any.

        Raises:
            WorkflowError: Several have that name.
            WorkflowFormatError: It is not a workflow; nothing was sent.
        """
        return await self._runner.run(changes.push(source, name))

    async def pull_workflow(
        self, workflow: WorkflowLike, path: PathLike, *, overwrite: bool = True
    ) -> Path:
        """Save a workflow of the library as a JSON file, as the GUI exports it.

        Args:
            workflow: Which one.
            path: A file, or a folder in which it is called like the workflow, with a
                tag that no other workflow has.
            overwrite: Replace a file that exists already.

        Raises:
            FileExistsError: The file exists and `overwrite` is False.
            WorkflowError: The library has none of this id or name, or several.
        """
        return await self._runner.run(changes.pull(workflow, path, overwrite))

    async def delete_workflow(self, workflow: WorkflowLike) -> None:
        """Delete a workflow from the library for good.

        Raises:
            PermissionDeniedError: It belongs to another user.
            WorkflowError: There is none, or it comes with the server.
        """
        return await self._runner.run(changes.remove(workflow))

    async def set_workflow_public(
        self, workflow: WorkflowLike, is_public: bool
    ) -> WorkflowRecord:
        """Let all users see a workflow, or only its owner. Needs InvokeAI 6.13."""
        return await self._runner.run(changes.set_public(workflow, is_public))

    async def mark_workflow_opened(self, workflow: WorkflowLike) -> None:
        """Note that a workflow was opened now, as the GUI does."""
        return await self._runner.run(changes.mark_opened(workflow))

    async def find_workflow_thumbnail(self, workflow: WorkflowLike) -> Optional[bytes]:
        """Download the image of a workflow; None when it has none."""
        return await self._runner.run(changes.find_thumbnail(workflow))

    async def set_workflow_thumbnail(
        self, workflow: WorkflowLike, image: ImageSource
    ) -> None:
        """Give a workflow an image: all that `AsyncImageRepository.upload_image` takes.

        Raises:
            ImageError: No image, or one the server cannot read.
        """
        return await self._runner.run(changes.set_thumbnail(workflow, image))

    async def delete_workflow_thumbnail(self, workflow: WorkflowLike) -> None:
        """Take a workflow's image away, if it has one."""
        return await self._runner.run(changes.delete_thumbnail(workflow))

    async def list_workflow_tags(
        self, *, categories: Sequence[Name] = (), is_public: Optional[bool] = None
    ) -> list[str]:
        """List every tag in the library, each once; filters as in `list_workflows`."""
        return await self._runner.run(
            library_flows.list_tags(categories=categories, is_public=is_public)
        )

    async def count_workflows_by_tag(
        self,
        tags: Sequence[Name],
        *,
        categories: Sequence[Name] = (),
        has_been_opened: Optional[bool] = None,
        is_public: Optional[bool] = None,
    ) -> Mapping[str, int]:
        """Count the workflows that have each of `tags`."""
        return await self._runner.run(
            library_flows.count_by(
                "tag",
                tags=tags,
                categories=categories,
                has_been_opened=has_been_opened,
                is_public=is_public,
            )
        )

    async def count_workflows_by_category(
        self,
        *,
        categories: Sequence[Name] = ("user", "default"),
        has_been_opened: Optional[bool] = None,
        is_public: Optional[bool] = None,
    ) -> Mapping[str, int]:
        """Count the workflows of each category."""
        return await self._runner.run(
            library_flows.count_by(
                "category",
                categories=categories,
                has_been_opened=has_been_opened,
                is_public=is_public,
            )
        )
