"""Values that edges bring, as far as they can be calculated before a run.

The server checks what an edge brings to a field by that field alone, and a result not
at all. A node whose rule over several fields is broken that way, an infinite number or
an integer that is too long is stored and cannot be read again: it ends the worker that
serves all queues (docs/dev/checks.md). What literals decide is calculated here and
refused; what is known in the run only is warned of.
"""

from __future__ import annotations

import collections
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from invokeai_py_client.exceptions import FieldProblem
from invokeai_py_client.workflow.checking.graph_checks import (
    COLLECT,
    ITERATE,
    GraphView,
)
from invokeai_py_client.workflow.checking.if_nodes import (
    CONDITION,
    Branch,
    condition_faults,
    find_branches,
    skipped_nodes,
    stalled_branches,
)
from invokeai_py_client.workflow.checking.job_values import JobValues
from invokeai_py_client.workflow.checking.node_results import RESULTS
from invokeai_py_client.workflow.checking.node_rules import rules_of
from invokeai_py_client.workflow.compiling.compiled_workflow import CompiledWorkflow
from invokeai_py_client.workflow.document.warnings import WorkflowWarning
from invokeai_py_client.workflow.editor.loaded_workflow import FieldKey

# Calculating ends after so many results: what is left is not known.
MAX_RESULTS = 50_000
MAX_JOBS = 1_000


@dataclass
class EdgeFindings:
    """What is wrong with values that edges bring, each once."""

    problems: dict[tuple[Any, ...], FieldProblem] = field(default_factory=dict)
    warnings: dict[tuple[Any, ...], WorkflowWarning] = field(default_factory=dict)

    def add(self, problem: FieldProblem, may_skip: bool) -> None:
        """Keep a problem, as a warning where the node may not run at all."""
        key = problem.node_id, problem.field_name, problem.kind
        if may_skip:
            self.warn(problem.message, *key)
        else:
            self.problems.setdefault(key, problem)

    def warn(self, message: str, *key: Any) -> None:
        """Keep a warning."""
        warning = WorkflowWarning(message, "edge_value", key[0], key[1])
        self.warnings.setdefault(key, warning)


def judge_edges(compiled: CompiledWorkflow, view: GraphView) -> EdgeFindings:
    """Calculate what edges bring, for every job, and judge it."""
    order = _calculable(view)
    findings = EdgeFindings()
    if not order:
        return findings
    branches = find_branches(view)
    titles = {node_id: node.title for node_id, node in compiled.loaded.nodes.items()}
    for problem in stalled_branches(view, branches, titles):
        findings.add(problem, False)
    budget = MAX_RESULTS
    for given in _jobs(compiled, set(order)):
        job = JobValues(view, given, budget)
        _judge_job(job, view, order, branches, titles, findings)
        budget = job.budget - len(order)
        if budget <= 0:
            break
    return findings


def _judge_job(
    job: JobValues,
    view: GraphView,
    order: Sequence[str],
    branches: Sequence[Branch],
    titles: Mapping[str, str],
    findings: EdgeFindings,
) -> None:
    if any((branch.if_id, CONDITION) in view.edges_into for branch in branches):
        for node_id in order:  # the conditions, before what they skip is known
            collections.deque(job.judge(node_id, titles), 0)
    skipped = skipped_nodes(branches, job.condition_of)
    for node_id in order:
        if node_id in skipped.never:
            continue
        for found in job.judge(node_id, titles):
            if isinstance(found, FieldProblem):
                findings.add(found, node_id in skipped.perhaps)
            else:
                findings.warn(*found)
    faults = condition_faults(view, skipped, job.brought_values, titles)
    for problem, may_be_fine in faults:
        findings.add(problem, may_be_fine)


def _calculable(view: GraphView) -> list[str]:
    """The nodes to look at, in the order they run: what is calculated or gets it."""
    kinds = {*RESULTS, ITERATE, COLLECT}
    makers = {node_id for node_id in view.nodes if view.type_of(node_id) in kinds}
    fed = {edge.target[0] for edge in view.edges if edge.source[0] in makers}
    fed |= {
        edge.target[0] for edge in view.edges if rules_of(view.type_of(edge.target[0]))
    }
    wanted = {node_id for node_id in makers | fed if view.template(node_id) is not None}
    return [node_id for node_id in view.run_order if node_id in wanted]


def _jobs(
    compiled: CompiledWorkflow, wanted: set[str]
) -> Iterator[Mapping[FieldKey, Any]]:
    """The batch values of each job, as far as they matter here."""
    columns = []
    for group in compiled.data:
        lists = {
            (datum["node_path"], datum["field_name"]): datum["items"]
            for datum in group
            if datum["node_path"] in wanted
        }
        # Many rows differ in other fields only.
        rows = {repr(row): row for row in zip(*lists.values())}
        if lists:
            columns.append([dict(zip(lists, row)) for row in rows.values()])
    for combination in itertools.islice(itertools.product(*columns), MAX_JOBS):
        given: dict[FieldKey, Any] = {}
        for row in combination:
            given.update(row)
        yield given
