"""What a server knows of an image: of its job, else what is stored with it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, Optional

from invokeai_py_client._core.decode import parse
from invokeai_py_client._core.flow import Flow
from invokeai_py_client.image import media_flows
from invokeai_py_client.image.media import IMAGE
from invokeai_py_client.image.models import ImageBase
from invokeai_py_client.recipe.read_recipe import Known
from invokeai_py_client.recipe.recipe import Recipe, make_recipe
from invokeai_py_client.workflow.lookup.session_flows import find_job_of_image


def recipe_of(image: ImageBase) -> Flow[Recipe]:
    """What made an image, from the server that has it."""
    read = partial(parse, ImageBase)
    record = yield from media_flows.get_record(IMAGE, read, str(image))
    job = yield from find_job_of_image(record, image._job_fields)
    known = yield from stored_with(str(image), record.has_workflow)
    known = replace(known, job=job, node_id=record.node_id)
    return make_recipe(known, str(image), _size(record))


def stored_with(name: str, has_workflow: bool) -> Flow[Known]:
    """What is stored with an image."""
    metadata = yield from media_flows.get_metadata(IMAGE, name)
    carried: dict[str, Any] = {}
    if has_workflow:
        carried = yield from media_flows.get_stored(IMAGE, name)
    return Known(carried.get("workflow"), carried.get("graph"), metadata)


def _size(record: ImageBase) -> Optional[tuple[int, int]]:
    if record.width is None or record.height is None:
        return None
    return record.width, record.height
