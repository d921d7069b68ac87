"""The workflow library: the simulator's own samples and what clients save."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Callable, Optional

from .database import Database, Row, timestamp
from .node_schema import NodeSchemas
from .sample_workflows import samples

Emit = Callable[[str, Mapping[str, Any]], None]


class WorkflowNotFoundError(LookupError):
    """No workflow has this id."""


class DefaultWorkflowError(ValueError):
    """A workflow that came with the server can be neither made nor removed."""


class Workflows:
    """The workflow library of one server."""

    def __init__(self, database: Database, emit: Emit, schemas: NodeSchemas) -> None:
        self._database = database
        self._emit = emit
        self._add_samples(schemas)

    def _add_samples(self, schemas: NodeSchemas) -> None:
        for workflow in samples(schemas):
            workflow_id = str(workflow["id"])
            if self._database.value(
                "SELECT 1 FROM workflows WHERE workflow_id = ?", (workflow_id,)
            ):
                continue
            self._store(workflow_id, workflow, "default", "system", public=True)

    def _store(
        self,
        workflow_id: str,
        workflow: Mapping[str, Any],
        category: str,
        user_id: str,
        *,
        public: bool,
    ) -> None:
        now = timestamp()
        self._database.insert(
            "workflows",
            {
                "workflow_id": workflow_id,
                "workflow": json.dumps({**workflow, "id": workflow_id}),
                "category": category,
                "created_at": now,
                "updated_at": now,
                "user_id": user_id,
                "is_public": int(public),
            },
        )

    def create(
        self,
        workflow: Mapping[str, Any],
        user_id: str,
        *,
        public: bool,
        announced: bool = True,
    ) -> dict[str, Any]:
        """Save a workflow under a new id; `announced` tells clients by an event.

        Raises:
            DefaultWorkflowError: Its category is `default`.
        """
        category = str(workflow["meta"]["category"])
        if category == "default":
            raise DefaultWorkflowError(
                "Default workflows cannot be created via this method"
            )
        workflow_id = str(uuid.uuid4())
        self._store(workflow_id, workflow, category, user_id, public=public)
        if announced:
            self._emit(
                "workflow_created",
                {"workflow_id": workflow_id, "user_id": user_id, "is_public": public},
            )
        return self.record(workflow_id)

    def row(self, workflow_id: str) -> Row:
        """The row of a workflow.

        Raises:
            WorkflowNotFoundError: There is none.
        """
        row = self._database.one(
            "SELECT * FROM workflows WHERE workflow_id = ?", (workflow_id,)
        )
        if row is None:
            raise WorkflowNotFoundError(workflow_id)
        return row

    def record(self, workflow_id: str) -> dict[str, Any]:
        """A workflow with its record, as the API shows it."""
        row = self.row(workflow_id)
        return {**_base(row), "workflow": json.loads(row["workflow"])}

    def opened(self, workflow_id: str) -> None:
        """Note that a client opened a workflow.

        Raises:
            WorkflowNotFoundError: There is none.
        """
        self.row(workflow_id)
        self._database.run(
            "UPDATE workflows SET opened_at = ? WHERE workflow_id = ?",
            (timestamp(), workflow_id),
        )

    def update(self, workflow: Mapping[str, Any]) -> dict[str, Any]:
        """Replace the workflow that has this one's id; a default one stays as it is."""
        workflow_id = str(workflow["id"])
        row = self.row(workflow_id)
        self._database.run(
            "UPDATE workflows SET workflow = ?, updated_at = ? "
            "WHERE workflow_id = ? AND category = 'user'",
            (json.dumps(dict(workflow)), timestamp(), workflow_id),
        )
        self._announce_update(row, bool(row["is_public"]))
        return self.record(workflow_id)

    def set_public(self, workflow_id: str, public: bool) -> dict[str, Any]:
        """Share a workflow with every user, or no longer; its tags say so too."""
        row = self.row(workflow_id)
        workflow = json.loads(row["workflow"])
        tags = [tag for tag in tags_of(workflow) if public or tag != "shared"]
        if public and "shared" not in tags:
            tags.append("shared")
        self._database.run(
            "UPDATE workflows SET is_public = ?, workflow = ?, updated_at = ? "
            "WHERE workflow_id = ? AND category = 'user'",
            (
                int(public),
                json.dumps({**workflow, "tags": ", ".join(tags)}),
                timestamp(),
                workflow_id,
            ),
        )
        self._announce_update(row, public)
        return self.record(workflow_id)

    def _announce_update(self, row: Row, public: bool) -> None:
        self._emit(
            "workflow_updated",
            {
                "workflow_id": row["workflow_id"],
                "user_id": row["user_id"],
                "old_is_public": bool(row["is_public"]),
                "new_is_public": public,
            },
        )

    def delete(self, workflow_id: str, *, announced: bool = True) -> None:
        """Remove a workflow; `announced` tells clients by an event.

        Raises:
            DefaultWorkflowError: It came with the server.
        """
        row = self.row(workflow_id)
        if row["category"] == "default":
            raise DefaultWorkflowError("Default workflows cannot be deleted")
        self._database.run(
            "DELETE FROM workflows WHERE workflow_id = ?", (workflow_id,)
        )
        if announced:
            self._emit(
                "workflow_deleted",
                {
                    "workflow_id": workflow_id,
                    "user_id": row["user_id"],
                    "is_public": bool(row["is_public"]),
                },
            )

    def set_thumbnail(self, workflow_id: str, data: Optional[bytes]) -> None:
        """Set or remove the picture of a workflow."""
        self.row(workflow_id)
        self._database.run(
            "UPDATE workflows SET thumbnail = ? WHERE workflow_id = ?",
            (data, workflow_id),
        )

    def matching(
        self,
        *,
        categories: Optional[Sequence[str]] = None,
        tags: Optional[Sequence[str]] = None,
        text: Optional[str] = None,
        has_been_opened: Optional[bool] = None,
        is_public: Optional[bool] = None,
        user_id: Optional[str] = None,
        order_by: str = "name",
        ascending: bool = True,
    ) -> list[dict[str, Any]]:
        """The list items of workflows.

        Args:
            categories: `user`, `default`.
            tags: Any of these in the workflow's comma-separated tags.
            text: Found in name, description or tags.
            has_been_opened: Only those that were, or were not.
            is_public: Only shared ones, or others.
            user_id: Only this user's, besides the default ones.
            order_by: `name`, `created_at`, `updated_at`, `opened_at` or `is_public`.
            ascending: Smallest first.
        """
        items = [
            {**_base(row), **_summary(row)}
            for row in self._database.all("SELECT * FROM workflows")
            if _selected(row, categories, has_been_opened, is_public, user_id)
        ]
        if tags:
            items = [item for item in items if any(has_tag(item, tag) for tag in tags)]
        if text:
            shown = ("name", "description", "tags")
            items = [
                item
                for item in items
                if any(_alike(text.strip(), str(item[key])) for key in shown)
            ]
        items.sort(
            key=lambda item: str(item[order_by] or "").lower(), reverse=not ascending
        )
        return items


def has_tag(item: Mapping[str, Any], tag: str) -> bool:
    """Whether the server thinks so: the text of the tags has this in it."""
    return _alike(tag.strip(), item["tags"])


def _alike(wanted: str, text: str) -> bool:
    # SQL's LIKE: A to Z equal a to z, % and _ stand for anything.
    wild = {"%": ".*", "_": "."}
    pattern = "".join(wild.get(sign) or re.escape(sign) for sign in wanted)
    return bool(re.search(pattern, text, re.IGNORECASE | re.ASCII | re.DOTALL))


def tags_of(workflow: Mapping[str, Any]) -> list[str]:
    """The tags of a workflow, which are one text with commas."""
    return [tag.strip() for tag in workflow["tags"].split(",") if tag.strip()]


def _selected(
    row: Row,
    categories: Optional[Sequence[str]],
    has_been_opened: Optional[bool],
    is_public: Optional[bool],
    user_id: Optional[str],
) -> bool:
    if categories and row["category"] not in categories:
        return False
    if (
        has_been_opened is not None
        and (row["opened_at"] is not None) != has_been_opened
    ):
        return False
    if is_public is not None and bool(row["is_public"]) != is_public:
        return False
    return user_id is None or row["category"] == "default" or row["user_id"] == user_id


def _base(row: Row) -> dict[str, Any]:
    workflow = json.loads(row["workflow"])
    return {
        "workflow_id": row["workflow_id"],
        "name": workflow["name"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "opened_at": row["opened_at"],
        "user_id": row["user_id"],
        "is_public": bool(row["is_public"]),
    }


def _summary(row: Row) -> dict[str, Any]:
    workflow = json.loads(row["workflow"])
    return {
        "description": workflow["description"],
        "category": row["category"],
        "tags": workflow["tags"],
        "has_thumbnail": row["thumbnail"] is not None,
    }
