"""What a person sees of an object: a line or three, and no secret."""

from __future__ import annotations

import inspect
from dataclasses import fields, replace
from pathlib import Path

import pytest
from public_api import public_classes
from pydantic import BaseModel

from invokeai_py_client import (
    InvokeAIError,
    JobResult,
    JobStatus,
    Recipe,
    RecipeValue,
    RunResult,
    ServerEvent,
    WorkflowInput,
)
from invokeai_py_client.ivk_fields import IvkStringField
from invokeai_py_client.sweep import FinishedItem, ShownItem
from invokeai_py_client.workflow import NodeOutput, NodeOutputs

LONGEST = 300
SECRET = "s3cr3t-t0ken"
TEXT = f"first line\nsecond line\n{'x' * 5000}"
SECRET_NAMES = ("token", "password", "api_key", "secret")


def is_data(kind: type) -> bool:
    return hasattr(kind, "__dataclass_fields__") or issubclass(kind, BaseModel)


DATA = [
    kind
    for kind in public_classes()
    if is_data(kind)
    and not issubclass(kind, InvokeAIError)
    and not inspect.isabstract(kind)
    and not kind.__module__.endswith("simulator")
]


def filled(kind: type, content: object) -> object:
    """An instance whose every field holds `content`, unchecked.

    Where code reads parts of a field, these hold it.
    """
    if issubclass(kind, BaseModel):
        return kind.model_construct(**dict.fromkeys(kind.model_fields, content))
    values = {field.name: content for field in fields(kind)}
    if issubclass(kind, ServerEvent):
        values["payload"] = dict.fromkeys(kind.shown, content)
    elif kind is NodeOutput:
        values["results"] = ({"type": content, "value": content},) * 9
    elif kind in (ShownItem, FinishedItem, Recipe):
        held = RecipeValue(TEXT, content, "graph") if kind is Recipe else content
        values["values"] = {str(number): held for number in range(9)}
        values["paths"] = (Path(TEXT[:200]),) * 9
    elif kind is RunResult:
        values["jobs"] = (filled(JobResult, content),) * 9
    elif kind is JobResult:
        outputs = [filled(NodeOutput, content) for _ in range(9)]
        for number, output in enumerate(outputs):
            object.__setattr__(output, "node_id", f"{number}{TEXT}")
        values["outputs"] = NodeOutputs(outputs)
        values["status"] = JobStatus.COMPLETED
    elif kind is WorkflowInput:
        values.update(field=IvkStringField(value=TEXT), template=None)
    made = object.__new__(kind)
    for name, value in values.items():
        secret = any(word in name for word in SECRET_NAMES)
        object.__setattr__(made, name, SECRET if secret else value)
    return made


BIG = {
    "a string": TEXT,
    "many": [TEXT] * 100,
    "a mapping": {f"{number}{TEXT}": {TEXT: [TEXT] * 10} for number in range(10)},
    "a tuple": (TEXT,) * 100,
}


# Filled with what they hold, where a string in each field would mean nothing.
RESULTS = tuple(
    {"type": "string_collection_output", "collection": [f"{number}{TEXT}"] * 100}
    for number in range(100)
)
OUTPUT = NodeOutput(TEXT, TEXT, TEXT, TEXT, RESULTS)
JOBS = tuple(
    JobResult(number, number, JobStatus.COMPLETED, NodeOutputs([OUTPUT] * 100))
    for number in range(100)
)
LARGE = {
    "node output": OUTPUT,
    "node output of large values": replace(OUTPUT, results=RESULTS[:1]),
    "node outputs": NodeOutputs([replace(OUTPUT, node_id=str(n)) for n in range(100)]),
    "job result": JOBS[0],
    "run result": RunResult("id", JOBS),
}


@pytest.mark.parametrize("made", LARGE.values(), ids=LARGE)
def test_a_result_with_many_items_fits_three_lines(made):
    shown = repr(made)
    assert len(shown) <= LONGEST, shown
    assert shown.count("\n") < 3


@pytest.mark.parametrize("content", BIG.values(), ids=BIG)
@pytest.mark.parametrize("kind", DATA, ids=lambda kind: kind.__name__)
def test_a_representation_fits_three_lines_for_any_content(kind, content):
    shown = repr(filled(kind, content))
    assert len(shown) <= LONGEST, shown
    assert shown.count("\n") < 3
    assert SECRET not in shown
