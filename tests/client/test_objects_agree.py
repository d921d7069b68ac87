"""Every public class, by introspection: always true, and agreeing with itself."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from enum import Enum

import pytest
from paths import PORTRAIT
from public_api import public_classes

from invokeai_py_client import AsyncInvokeAIClient, InvokeAIClient
from invokeai_py_client.nodes import Unset
from invokeai_py_client.sweep import seeds
from invokeai_py_client.workflow import NodeOutput, NodeOutputs, WorkflowDefinition

# Collections are false when they are empty, as those of Python are.
COLLECTIONS = (Mapping, Sequence, Enum)
OBJECTS = [
    kind
    for kind in public_classes()
    if not issubclass(kind, COLLECTIONS) and kind is not Unset
]


def name_of(kind):
    return kind.__name__


@pytest.mark.parametrize("kind", OBJECTS, ids=name_of)
def test_an_object_is_true_however_little_is_in_it(kind):
    if hasattr(kind, "__len__"):
        assert "__bool__" in dir(kind), "it is false when it is empty"
    if hasattr(kind, "__bool__"):
        # Without any content: what is in it cannot matter.
        assert bool(object.__new__(kind)) is True


def mappings():
    """One object of each public class that is looked up by a key."""
    portrait = WorkflowDefinition.from_file(PORTRAIT)
    workflows = [
        client("http://host").workflow_repo.create_workflow(portrait)
        for client in (InvokeAIClient, AsyncInvokeAIClient)
    ]
    outputs = NodeOutputs(
        [
            NodeOutput("a", "one", "The label", "noise", (), ()),
            NodeOutput("b", "two", "twice", "noise", (), ()),
            NodeOutput("c", "three", "twice", "noise", (), ()),
        ]
    )
    workflow = workflows[0]
    return [*workflows, workflow.inputs, workflow._catalog, outputs]


MAPPINGS = {type(item).__name__: item for item in mappings()}
SEQUENCES = {
    type(item).__name__: item
    for item in [
        MAPPINGS["WorkflowHandle"].seeds,
        seeds(3, start=7),
        *(
            MAPPINGS[name].sweep(product={"steps": [1, 2]}, runs=2)
            for name in ("WorkflowHandle", "AsyncWorkflowHandle")
        ),
    ]
}
KEYS = [
    "noise", "steps", "Positive Prompt", "one", "The label", "twice", "a", "nonsense",
    "", 0, 3, 99, -1, True, 1.5, None, b"noise", ("noise", "seed"), ("noise", "nope"),
    ("noise",), (), ["noise"], {}, frozenset(), "\ud800",
]  # fmt: skip


def test_every_class_that_is_looked_up_is_tested_here():
    looked_up = {
        kind.__name__
        for kind in public_classes()
        if inspect.isfunction(getattr(kind, "__getitem__", None))
        or inspect.isfunction(getattr(kind, "__contains__", None))
        if not issubclass(kind, Enum)
    }
    assert looked_up == {*MAPPINGS, *SEQUENCES}


@pytest.mark.parametrize("key", KEYS, ids=repr)
@pytest.mark.parametrize("mapping", MAPPINGS.values(), ids=MAPPINGS)
def test_in_and_brackets_agree_about_every_key(mapping, key):
    try:
        mapping[key]
    except KeyError:
        assert key not in mapping
    except TypeError:
        # As a dict answers what cannot be a key.
        with pytest.raises(TypeError):
            assert key in mapping
    else:
        assert key in mapping


@pytest.mark.parametrize("mapping", MAPPINGS.values(), ids=MAPPINGS)
def test_what_iterating_yields_is_in_it_and_can_be_looked_up(mapping):
    assert len(list(mapping)) == len(mapping) > 0
    for key in mapping:
        assert key in mapping
        mapping[key]


@pytest.mark.parametrize("items", SEQUENCES.values(), ids=SEQUENCES)
def test_a_sequence_agrees_with_itself(items):
    assert list(items) == [items[index] for index in range(len(items))] != []
    assert all(item in items for item in items)
    assert None not in items
    with pytest.raises(IndexError):
        items[len(items)]
