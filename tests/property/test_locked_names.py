"""With a lock, a script sets the field it meant or gets an error, after any edits."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from form_editor import FormEditor
from goldens import default_workflows, own_goldens, read_json
from paths import REPOSITORY

from invokeai_py_client import InputNotFoundError, LockedInputError, WorkflowDefinition
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle
from invokeai_py_client.workflow.locking.workflow_lock import WorkflowLock

CATALOG = NodeCatalog.bundled()
EXAMPLES = {
    path.stem: read_json(path)
    for path in sorted((REPOSITORY / "examples/workflows").glob("*.json"))
}


def _handle(document: Any, lock: Any = None) -> BaseWorkflowHandle:
    definition = WorkflowDefinition.from_dict(document)
    return BaseWorkflowHandle(definition, CATALOG, lock=lock)


def _try(document: Any, seeds: range) -> Counter[str]:
    """Edit a workflow at random, and use every key of a script of before."""
    before = _handle(document)
    lock = WorkflowLock.from_dict(before.create_lock().to_dict())
    keys: dict[Any, tuple[str, str]] = {}
    for item in before.list_inputs():
        for key in (item.name, item.label, item.field_name, item.target):
            try:
                keys[key] = before.get_input(key).target
            except InputNotFoundError:
                continue
    outcomes: Counter[str] = Counter()
    for seed in seeds:
        editor = FormEditor(document, seed)
        editor.edit(1 + seed % 6)
        after = _handle(editor.document, lock)
        shown = set(after.inputs.names)
        assert len(shown) == len(after)
        for key, (node_id, field_name) in keys.items():
            right = (editor.became[node_id], field_name)
            try:
                found = after.get_input(key)
            except LockedInputError as error:
                outcomes[error.kind] += 1
            else:
                outcomes["recreated" if right[0] != node_id else "same"] += 1
                assert found.target == right, (seed, key)
    return outcomes


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_locked_name_never_means_another_field_in_the_examples(name):
    outcomes = _try(EXAMPLES[name], range(60))
    assert outcomes["same"]
    assert outcomes["missing"]


@pytest.mark.slow
def test_a_locked_name_never_means_another_field_after_a_thousand_edits():
    documents = {
        **default_workflows(),
        **{golden.name: golden.document for golden in own_goldens() if golden.loads},
    }
    known = {
        name: document
        for name, document in documents.items()
        if (document.get("form") or {}).get("elements") and document.get("nodes")
    }
    outcomes: Counter[str] = Counter()
    rounds = 1 + 1000 // len(known)
    for place, name in enumerate(known):
        outcomes += _try(known[name], range(place, place + rounds))
    assert {"same", "recreated", "missing"} == outcomes.keys()
