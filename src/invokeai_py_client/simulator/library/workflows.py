"""The workflow library: the simulator's own samples and what clients save."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Optional

from ..base.database import Database, Row, timestamp
from ..base.events import Emit
from ..graphs.node_schema import NodeSchemas

# The simulator's own samples, which it can run.
_SAMPLES = Path(__file__).parents[1] / "data" / "sample-workflows.json"


class WorkflowNotFoundError(LookupError):
    """No workflow has this id."""


class DefaultWorkflowError(ValueError):
    """Workflows that come with the server can be neither created nor deleted."""


class Workflows:
    """The workflow library of one server."""

    def __init__(self, database: Database, emit: Emit, schemas: NodeSchemas) -> None:
        self._database = database
        self._emit = emit
        self._add_samples(schemas)

    def _add_samples(self, schemas: NodeSchemas) -> None:
        for workflow in json.loads(_SAMPLES.read_text("utf-8")):
            nodes = [node["data"] for node in workflow["nodes"]]
            if not {node["type"] for node in nodes} <= set(schemas.node_types):
                continue
            for node in nodes:
                node["version"] = schemas.node_schema(node["type"])["version"]
            workflow_id = workflow["id"]
            if not self._database.value(
                "SELECT 1 FROM workflows WHERE workflow_id = ?", (workflow_id,)
            ):
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
        self, workflow: Mapping[str, Any], user_id: str, *, public: bool
    ) -> dict[str, Any]:
        """Save a workflow under a new id."""
        category = str(workflow["meta"]["category"])
        if category == "default":
            raise DefaultWorkflowError(
                "Default workflows cannot be created via this method"
            )
        workflow_id = str(uuid.uuid4())
        self._store(workflow_id, workflow, category, user_id, public=public)
        self._emit(
            "workflow_created",
            {"workflow_id": workflow_id, "user_id": user_id, "is_public": public},
        )
        return self.record(workflow_id)

    def row(self, workflow_id: str) -> Row:
        """The row of a workflow."""
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
        """Record that a client opened a workflow."""
        self.row(workflow_id)
        opened = {"opened_at": timestamp()}
        self._database.update("workflows", opened, workflow_id=workflow_id)

    def update(self, workflow: Mapping[str, Any]) -> dict[str, Any]:
        """Replace the workflow with the same id; a default one does not change."""
        row = self.row(str(workflow["id"]))
        changes = {"workflow": json.dumps(dict(workflow))}
        return self._change(row, changes, bool(row["is_public"]))

    def set_public(self, workflow_id: str, public: bool) -> dict[str, Any]:
        """Share a workflow with all users or stop sharing it; its tags change too."""
        row = self.row(workflow_id)
        workflow = json.loads(row["workflow"])
        tags = [tag for tag in tags_of(workflow) if public or tag != "shared"]
        if public and "shared" not in tags:
            tags.append("shared")
        changed = json.dumps({**workflow, "tags": ", ".join(tags)})
        changes = {"is_public": int(public), "workflow": changed}
        return self._change(row, changes, public)

    def _change(
        self, row: Row, changes: Mapping[str, Any], public: bool
    ) -> dict[str, Any]:
        workflow_id = row["workflow_id"]
        changes = {**changes, "updated_at": timestamp()}
        where = {"workflow_id": workflow_id, "category": "user"}
        self._database.update("workflows", changes, **where)
        self._emit(
            "workflow_updated",
            {
                "workflow_id": workflow_id,
                "user_id": row["user_id"],
                "old_is_public": bool(row["is_public"]),
                "new_is_public": public,
            },
        )
        return self.record(workflow_id)

    def delete(self, workflow_id: str) -> None:
        """Remove a workflow."""
        row = self.row(workflow_id)
        if row["category"] == "default":
            raise DefaultWorkflowError("Default workflows cannot be deleted")
        self._database.run(
            "DELETE FROM workflows WHERE workflow_id = ?", (workflow_id,)
        )
        self._emit(
            "workflow_deleted",
            {
                "workflow_id": workflow_id,
                "user_id": row["user_id"],
                "is_public": bool(row["is_public"]),
            },
        )

    def set_thumbnail(self, workflow_id: str, data: Optional[bytes]) -> None:
        """Set or remove the thumbnail of a workflow."""
        self.row(workflow_id)
        changes = {"thumbnail": data}
        self._database.update("workflows", changes, workflow_id=workflow_id)

    def matching(
        self, wanted: Mapping[str, Any], user_id: Optional[str] = None
    ) -> list[dict[str, Any]]:
        """The list items of workflows."""
        rows = self._database.all("SELECT * FROM workflows")
        items = [
            {**_base(row), **_summary(row)}
            for row in rows
            if user_id in (None, row["user_id"]) or row["category"] == "default"
        ]
        order = wanted.get("order_by", "name")
        return sorted(
            (item for item in items if _selected(item, wanted)),
            key=lambda item: str(item[order] or "").lower(),
            reverse=wanted.get("direction") == "DESC",
        )


def has_tag(item: Mapping[str, Any], tag: str) -> bool:
    """Whether a workflow has a tag; the server looks for a substring."""
    return _alike(tag.strip(), item["tags"])


def _alike(wanted: str, text: str) -> bool:
    # SQL's LIKE: case does not matter in ASCII, and % and _ match anything.
    wild = {"%": ".*", "_": "."}
    pattern = "".join(wild.get(sign) or re.escape(sign) for sign in wanted)
    return bool(re.search(pattern, text, re.IGNORECASE | re.ASCII | re.DOTALL))


def tags_of(workflow: Mapping[str, Any]) -> list[str]:
    """The tags of a workflow, which are a comma-separated string."""
    return [tag.strip() for tag in workflow["tags"].split(",") if tag.strip()]


def call_compatibility(workflow: Mapping[str, Any]) -> dict[str, Any]:
    """Whether a workflow could be called from another one, by its return nodes."""
    returns = sum(
        node.get("data", {}).get("type") == "workflow_return"
        for node in workflow["nodes"]
    )
    if returns == 1:
        return {"is_callable": True, "reason": "ok", "message": None}
    exactly = "not contain more than" if returns else "contain exactly"
    return {
        "is_callable": False,
        "reason": f"{'multiple' if returns else 'missing'}_workflow_return",
        "message": f"The workflow must {exactly} one workflow_return node.",
    }


def _selected(item: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    categories, tags = wanted.get("categories"), wanted.get("tags")
    opened, public = wanted.get("has_been_opened"), wanted.get("is_public")
    text, shown = wanted.get("query"), ("name", "description", "tags")
    return (
        (not categories or item["category"] in categories)
        and (not tags or any(has_tag(item, tag) for tag in tags))
        and opened in (None, item["opened_at"] is not None)
        and public in (None, item["is_public"])
        and (not text or any(_alike(text.strip(), str(item[key])) for key in shown))
    )


def _base(row: Row) -> dict[str, Any]:
    workflow = json.loads(row["workflow"])
    own = ("created_at", "updated_at", "opened_at", "user_id")
    return {
        "workflow_id": row["workflow_id"],
        "name": workflow["name"],
        **{key: row[key] for key in own},
        "is_public": bool(row["is_public"]),
    }


def _summary(row: Row) -> dict[str, Any]:
    workflow = json.loads(row["workflow"])
    return {
        "description": workflow["description"],
        "category": row["category"],
        "tags": workflow["tags"],
    }
