"""Loading a workflow from a file, a dict or the library."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Optional, Union

from invokeai_py_client._core.decode import parse
from invokeai_py_client._core.flow import Flow, run_blocking
from invokeai_py_client._core.send import drop_none
from invokeai_py_client.image import media_flows
from invokeai_py_client.image.media import IMAGE
from invokeai_py_client.image.models import ImageBase
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.workflow.compiling.server_queries import needed_facts
from invokeai_py_client.workflow.document.definition import (
    WorkflowContent,
    WorkflowDefinition,
    is_json,
    local_path,
    read_definition,
)
from invokeai_py_client.workflow.document.png_metadata import nothing_carried
from invokeai_py_client.workflow.document.unwrap import PNG_TEXTS
from invokeai_py_client.workflow.editor.loaded_workflow import LoadedWorkflow
from invokeai_py_client.workflow.editor.server_facts import SavedWorkflowQuery
from invokeai_py_client.workflow.library.library_flows import (
    get_record_by_name,
    load_saved,
)
from invokeai_py_client.workflow.loading.load_workflow import (
    load_workflow,
    reload_workflow,
)
from invokeai_py_client.workflow.locking.find_lock import LockOption, find_lock
from invokeai_py_client.workflow.locking.workflow_lock import WorkflowLock
from invokeai_py_client.workflow.lookup.catalog_flows import learn_catalog
from invokeai_py_client.workflow.lookup.known_server import KnownServer
from invokeai_py_client.workflow.lookup.server_facts_flows import (
    has_record,
    is_here,
    learn_facts,
)
from invokeai_py_client.workflow.lookup.session_flows import find_job_of_image

# As the server names its images.
_IMAGE_NAME = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.png")
# The server lets workflows call each other no deeper.
MAX_CALL_DEPTH = 4

WorkflowSource = Union[WorkflowContent, ImageBase]
"""What is at hand, the name or id of a workflow of the library, or an image object."""


def load(
    source: WorkflowSource, server: KnownServer, runner: Any, lock: LockOption = False
) -> Flow[tuple[LoadedWorkflow, NodeCatalog, Optional[WorkflowLock]]]:
    """Read a workflow and its lock; find node types that know all its nodes, if any do.

    The server is asked only for what is not at hand. Images that hold `runner`, which
    runs this flow, are on this server.
    """
    definition = yield from _definition(source, server, runner)
    locked = yield from run_blocking(lambda: find_lock(definition, lock))
    catalog = yield from _catalog(definition, server)
    loaded = load_workflow(definition, catalog)
    for _ in range(MAX_CALL_DEPTH):
        called = [
            query
            for query in needed_facts(loaded)
            if isinstance(query, SavedWorkflowQuery)
        ]
        if not called:
            break
        facts = yield from learn_facts(loaded.facts, called)
        loaded = reload_workflow(loaded, catalog, facts)
    return loaded, catalog, locked


def _catalog(definition: WorkflowDefinition, server: KnownServer) -> Flow[NodeCatalog]:
    wanted = set(_node_types(definition.to_dict()))
    at_hand = yield from run_blocking(server.stored_catalog)
    for catalog in (at_hand, NodeCatalog.bundled()):
        if catalog is not None and wanted.issubset(catalog):
            return catalog
    return (yield from learn_catalog(server, wanted))


def _definition(
    source: WorkflowSource, server: KnownServer, runner: Any
) -> Flow[WorkflowDefinition]:
    if isinstance(source, ImageBase):
        return (yield from _of_image(source, server, runner))
    if isinstance(source, str) and not is_json(source):
        own = _own_image(source, server)
        if own is not None:
            return (yield from _of_own_image(own, server))
        path = local_path(source)
        is_there = yield from run_blocking(lambda: _exists(path))
        if not is_there and _IMAGE_NAME.fullmatch(source):
            if (yield from has_record(IMAGE, source)):
                return (yield from _of_own_image(source, server))
        elif not is_there and not _looks_like_a_file(source):
            problem = "neither a file nor a workflow of the library:"
            record = yield from get_record_by_name(source, problem)
            saved = yield from load_saved(record.workflow_id)
            saved.loaded_from = source
            return saved
    return (yield from run_blocking(lambda: read_definition(source)))


def _of_image(
    image: ImageBase, server: KnownServer, runner: Any
) -> Flow[WorkflowDefinition]:
    if is_here(image, runner):
        return (yield from _of_own_image(image.image_name, server, image._job_fields))
    content = yield from media_flows.fetch(image)
    name = f"the image {image.image_name}"
    return WorkflowDefinition.from_bytes(content, source=name)


def _of_own_image(
    name: str, server: KnownServer, made_by: Optional[Mapping[str, Any]] = None
) -> Flow[WorkflowDefinition]:
    """The workflow of an image on this server, with what ran.

    What is neither in the graph nor in the metadata is in the job's session.
    """
    carried = yield from media_flows.get_stored(IMAGE, name)
    metadata = yield from media_flows.get_metadata(IMAGE, name)
    parts = (carried.get("workflow"), carried.get("graph"), metadata)
    if parts[0] is None and parts[1] is None:
        raise nothing_carried(f"the image {name}")
    document = drop_none(dict(zip(PNG_TEXTS, parts)))
    definition = WorkflowDefinition(document, source=f"the image {name}")
    if any(warning.kind == "unknown_value" for warning in definition.warnings):
        read = partial(parse, ImageBase)
        record = yield from media_flows.get_record(IMAGE, read, name)
        job = yield from find_job_of_image(record, made_by, server.queue_id)
        if job is not None:
            document["session"] = job["session"]
            definition = WorkflowDefinition(document, source=f"the image {name}")
    definition.loaded_from = name
    return definition


def _own_image(text: str, server: KnownServer) -> Optional[str]:
    """The name of the image of this server that an address shows."""
    start = f"{server.address.rstrip('/')}/api/v1/images/i/"
    return text[len(start) :].partition("/")[0] if text.startswith(start) else None


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _looks_like_a_file(text: str) -> bool:
    """True for what cannot be meant as a name, so that a typo is a missing file."""
    return text.lower().endswith((".json", ".png", ".webp"))


def _node_types(document: Mapping[str, Any]) -> list[str]:
    """Invocation types in a workflow of any version."""
    nodes = document.get("nodes")
    types = []
    for node in nodes if isinstance(nodes, list) else []:
        data = node.get("data") if isinstance(node, Mapping) else None
        node_type = data.get("type") if isinstance(data, Mapping) else None
        if isinstance(node_type, str) and node_type not in ("notes", "connector"):
            types.append(node_type)
    return types
