"""Reference workflows: problems exactly where a 6.14.2 server has them.

The verdicts were compared with the server's own models; what it accepts may show
required inputs without a value, empty batches and models of the wrong base only.
"""

from __future__ import annotations

import json

from invokeai_py_client.exceptions import WorkflowFormatError
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.workflow.document.definition import WorkflowDefinition
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle

# Told by the check, taken by the server: docs/dev/checks.md says why.
TAKEN_ANYWAY = {"missing_input", "batch_empty", "model_base", "model_type"}

REFUSED_BY_THE_SERVER = {
    "case--14-type-coercions": {"collect"},
    "case--17-boards": {"type"},
    "case--20-batch-problems": {"batch_length"},
    "case--22-batch-through-connector": {"batch_target"},
    "case--24-batch-values-undefined": {"batch_type"},
    "case--80-color-fields": {"color", "type"},
    "case--81-enum-fields": {"choice"},
    "case--87-image-access": {"min_items", "minimum"},
    "case--95-stateless-literals": {"type"},
    # Taken, and its job fails: an `if` without a value feeds a number.
    "case--91-collect-mixed": {"edge_value"},
}
# What only a server can answer.
ASKING = {"generator", "missing_answer", "unresolved"}


def test_reference_workflows_have_the_servers_problems_and_no_others(shared_dir):
    verdicts = {}
    for path in sorted((shared_dir / "goldens" / "cases").glob("*.json")):
        definition = WorkflowDefinition.from_dict(json.loads(path.read_text()))
        try:
            handle = BaseWorkflowHandle(definition, NodeCatalog.bundled())
        except WorkflowFormatError:
            continue
        kinds = {item.kind for item in handle.compile().problems}
        verdicts[path.stem] = kinds - TAKEN_ANYWAY - ASKING
    found = {name: kinds for name, kinds in verdicts.items() if kinds}
    assert len(verdicts) > 60
    for name, kinds in REFUSED_BY_THE_SERVER.items():
        if name in verdicts:
            assert found.get(name) == kinds, name
    assert set(found) <= set(REFUSED_BY_THE_SERVER)
