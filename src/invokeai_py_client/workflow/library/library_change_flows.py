"""Changing the server's workflow library: save, replace, delete, thumbnails."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Optional, Union

from invokeai_py_client._arguments import KnownId, Naming, PathLike
from invokeai_py_client._core.decode import parse
from invokeai_py_client._core.flow import Flow, run_blocking
from invokeai_py_client._core.messages import RetryRule
from invokeai_py_client._core.send import (
    delete,
    get,
    patch,
    post,
    put,
    request_json,
    route,
    send,
)
from invokeai_py_client._file_names import tag
from invokeai_py_client._target_path import file_in
from invokeai_py_client.exceptions import WorkflowError
from invokeai_py_client.image.files import plan_target, whole_file
from invokeai_py_client.image.media import IMAGE
from invokeai_py_client.image.media_flows import (
    decode_upload,
    open_source,
    read_whole,
)
from invokeai_py_client.image.sources import ImageSource
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.workflow.document.definition import (
    WorkflowContent,
    WorkflowDefinition,
    read_definition,
)
from invokeai_py_client.workflow.inputs.naming import slug
from invokeai_py_client.workflow.library.library_flows import (
    LIBRARY,
    WORKFLOW,
    WorkflowRecord,
    get_record_by_name,
    list_records,
    load_saved,
    read_saved,
)
from invokeai_py_client.workflow.loading.load_workflow import load_workflow
from invokeai_py_client.workflow.loading.read_document import HEAD_TEXTS

THUMBNAIL = WORKFLOW + "/thumbnail"

_WORKFLOW = Naming("workflow", "workflow_id").kind(WorkflowRecord)
WorkflowLike = Annotated[Union[str, WorkflowRecord], _WORKFLOW]
"""A workflow of the library: its record, its id, or its name."""


def resolve(workflow: WorkflowLike) -> Flow[str]:
    """The id of a workflow of the library.

    Raises:
        WorkflowError: The library has none of this id or name, or several.
    """
    text: str = _WORKFLOW.read("workflow", workflow)
    if isinstance(text, KnownId):
        return text
    record = yield from get_record_by_name(text, "the library has no workflow")
    return record.workflow_id


def load(workflow: WorkflowLike) -> Flow[WorkflowDefinition]:
    """A workflow of the library."""
    return (yield from load_saved((yield from resolve(workflow))))


def get_record(workflow: WorkflowLike) -> Flow[WorkflowRecord]:
    """What the library says about one now."""
    return _record((yield from read_saved((yield from resolve(workflow)))))


def _record(reply: Any) -> WorkflowRecord:
    """A record of the library's long form, which has some of its texts inside."""
    data = dict(parse(dict[str, Any], reply))
    workflow = parse(dict[str, Any], data.pop("workflow", None) or {})
    meta = workflow.get("meta")
    inside = {
        key: workflow[key] for key in HEAD_TEXTS if isinstance(workflow.get(key), str)
    }
    if isinstance(meta, Mapping) and isinstance(meta.get("category"), str):
        inside["category"] = meta["category"]
    known = ("name", "description", "tags", "category")
    return parse(
        WorkflowRecord, {**{k: inside[k] for k in known if k in inside}, **data}
    )


def content_of(source: WorkflowContent, name: Optional[str]) -> dict[str, Any]:
    """A workflow as the library takes it: a user's, with every text there is."""
    definition = read_definition(source)
    document = definition.to_dict()
    if definition.is_graph:
        # Its nodes have no versions, without which the GUI loads none.
        document = dict(load_workflow(definition, NodeCatalog.bundled()).document)
    document.pop("id", None)
    for key in HEAD_TEXTS:
        if not isinstance(document.get(key), str):
            document[key] = ""
    meta = document.get("meta")
    meta = dict(meta) if isinstance(meta, Mapping) else {}
    # A user cannot save a default workflow; the server fails on one.
    document["meta"] = {"version": "3.0.0", **meta, "category": "user"}
    for key in ("exposedFields", "nodes", "edges"):
        document.setdefault(key, [])
    if name is not None:
        document["name"] = name
    return document


def save(source: WorkflowContent, name: Optional[str]) -> Flow[WorkflowRecord]:
    """Put a workflow into the library under a new id."""
    document = yield from run_blocking(lambda: content_of(source, name))
    reply = yield from request_json(post(LIBRARY, json={"workflow": document}))
    return _record(reply)


def replace(
    workflow: WorkflowLike, source: WorkflowContent, name: Optional[str] = None
) -> Flow[WorkflowRecord]:
    """Put another content under an id of the library."""
    document = yield from run_blocking(lambda: content_of(source, name))
    workflow_id = yield from resolve_own(workflow, "changed")
    # The id inside decides, and answers 404 when it is another one.
    body = {"workflow": {**document, "id": workflow_id}}
    reply = yield from request_json(patch(route(WORKFLOW, workflow_id), json=body))
    return _record(reply)


def push(source: WorkflowContent, name: Optional[str]) -> Flow[WorkflowRecord]:
    """Save a workflow, replacing the user's workflow of that name, if any."""
    document = yield from run_blocking(lambda: content_of(source, name))
    records = yield from list_records({"categories": ["user"]})
    same = [record for record in records if record.name == document["name"]]
    if len(same) > 1:
        raise WorkflowError(
            f"{len(same)} workflows of the library are called {document['name']!r}",
            hint="replace one with update_workflow(id, ...)",
        )
    if same:
        return (yield from replace(same[0], document))
    return (yield from save(document, None))


def resolve_own(workflow: WorkflowLike, verb: str) -> Flow[str]:
    """The id of a workflow that is not one of the server's.

    The server answers changes of its default workflows with success and does nothing,
    and fails to delete them.
    """
    record = yield from get_record(workflow)
    if record.category == "default":
        raise WorkflowError(
            f"{record.name!r} comes with the server and cannot be {verb}",
            hint="save a copy of it: save_workflow(get_workflow(id))",
        )
    return record.workflow_id


def pull(workflow: WorkflowLike, target: PathLike, overwrite: bool) -> Flow[Path]:
    """Save a workflow of the library as a JSON file."""
    workflow_id = yield from resolve(workflow)
    saved = yield from read_saved(workflow_id)
    document = dict(parse(dict[str, Any], saved.get("workflow")))
    # The GUI's own files have none: it would be the id on this server.
    document.pop("id", None)
    # Half a character becomes the escape that JSON has for it.
    content = (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode(
        "utf-8", "backslashreplace"
    )
    # The name is the server's: letters, digits and underscores are left of it. It need
    # not be unique.
    stem = slug(str(document.get("name", ""))) or "workflow"
    name = f"{stem}-{tag(workflow_id)}.json"

    def write() -> Path:
        path = plan_target(file_in(target, name), name, overwrite)
        with whole_file(path, overwrite) as file:
            file.write(content)
        return path

    return (yield from run_blocking(write))


def remove(workflow: WorkflowLike) -> Flow[None]:
    """Delete a workflow from the library."""
    workflow_id = yield from resolve_own(workflow, "deleted")
    yield from request_json(delete(route(WORKFLOW, workflow_id)))


def set_public(workflow: WorkflowLike, is_public: bool) -> Flow[WorkflowRecord]:
    """Let all users see a workflow, or only its owner."""
    workflow_id = yield from resolve(workflow)
    request = patch(
        route(WORKFLOW + "/is_public", workflow_id), json={"is_public": is_public}
    )
    return _record((yield from request_json(request)))


def mark_opened(workflow: WorkflowLike) -> Flow[None]:
    """Note that a workflow was opened now."""
    workflow_id = yield from resolve(workflow)
    path = route(WORKFLOW + "/opened_at", workflow_id)
    yield from request_json(put(path, retry=RetryRule.SAFE))


def find_thumbnail(workflow: WorkflowLike) -> Flow[Optional[bytes]]:
    """The image of a workflow; None when it has none."""
    record = yield from get_record(workflow)
    if record.thumbnail_url is None:
        # Asking for it would be a failure of the server.
        return None
    return (yield from read_whole(get(route(THUMBNAIL, record.workflow_id))))


def set_thumbnail(workflow: WorkflowLike, image: ImageSource) -> Flow[None]:
    """Give a workflow an image."""
    workflow_id = yield from resolve(workflow)
    upload = yield from open_source(image)
    try:
        request = put(route(THUMBNAIL, workflow_id), files=[upload.part("image")])
        reply = yield from send(request)
    finally:
        upload.close()
    decode_upload(IMAGE, reply, upload.label)


def delete_thumbnail(workflow: WorkflowLike) -> Flow[None]:
    """Take a workflow's image away, if it has one."""
    record = yield from get_record(workflow)
    if record.thumbnail_url is not None:
        yield from request_json(delete(route(THUMBNAIL, record.workflow_id)))
