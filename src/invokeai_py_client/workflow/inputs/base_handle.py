"""The pure half of both workflow handles: inputs, values, seeds, outputs, compile.

A handle is a template plus current values. Nothing here talks to a server, and
nothing but the methods that say so changes a value: `with_inputs` copies, and the
values of one call (`run(steps=30)`) live in a `CallValues` of their own.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, Optional, TypeVar, Union

from invokeai_py_client._arguments import checks_arguments
from invokeai_py_client.exceptions import FieldProblem, FieldValidationError
from invokeai_py_client.ivk_fields.base import IvkField
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.nodes.template import UNSET
from invokeai_py_client.workflow.checking.check_workflow import check_workflow
from invokeai_py_client.workflow.compiling.compile_workflow import compile_workflow
from invokeai_py_client.workflow.compiling.compiled_workflow import (
    CompiledWorkflow,
    CompileOptions,
)
from invokeai_py_client.workflow.compiling.seeds import (
    SeedPlan,
    draw_seeds,
    find_seeds,
    plan_seed,
)
from invokeai_py_client.workflow.document.definition import WorkflowDefinition
from invokeai_py_client.workflow.editor.loaded_workflow import FieldKey, LoadedWorkflow
from invokeai_py_client.workflow.editor.server_facts import ServerFacts
from invokeai_py_client.workflow.inputs.call_values import CallValues, SeedNumber, Seeds
from invokeai_py_client.workflow.inputs.described_workflow import DescribedWorkflow
from invokeai_py_client.workflow.inputs.given_values import changed_fields, given_cells
from invokeai_py_client.workflow.inputs.input_problems import (
    at_input,
    batch_targets,
    given_twice,
    unresolved_problems,
)
from invokeai_py_client.workflow.inputs.node_fields import (
    wire_value,
)
from invokeai_py_client.workflow.loading.load_workflow import (
    load_workflow,
    reload_workflow,
)
from invokeai_py_client.workflow.locking.workflow_lock import WorkflowLock

Seed = Union[Literal["keep", "random"], SeedNumber]
H = TypeVar("H", bound="BaseWorkflowHandle")

logger = logging.getLogger("invokeai_py_client")


@checks_arguments
class BaseWorkflowHandle(DescribedWorkflow):
    """A workflow with its current values; `WorkflowHandle` adds running it."""

    def __init__(
        self,
        source: Union[WorkflowDefinition, LoadedWorkflow],
        catalog: NodeCatalog,
        *,
        lock: Optional[WorkflowLock] = None,
    ) -> None:
        """See `DescribedWorkflow`; asks no server."""
        super().__init__(source, catalog, lock=lock)
        self._latest_load = (catalog, self._loaded)

    @property
    def seeds(self) -> Seeds:
        """Every node input called ``seed`` and where its value comes from."""
        return Seeds(find_seeds(self._loaded, self.edits()), self._set_seed)

    # -- setting ------------------------------------------------------------------

    def __setitem__(self, key: Any, value: Any) -> None:
        self.set_inputs({self.get_input(key).target: value})

    def set_inputs(
        self, inputs: Optional[Mapping[Any, Any]] = None, /, **values: Any
    ) -> None:
        """Set several inputs: all of them, or none when one is refused.

        Args:
            inputs: Values by anything that `get_input` takes; the empty cells (NaN) of
                a table's row are not given.
            **values: Values by name.

        Raises:
            InputNotFoundError: A key means no input, or several.
            FieldValidationError: Values are refused; lists all of them.
        """
        self._commit(self._checked(inputs, values))

    def set_node_value(self, node: str, field_name: str, value: Any) -> None:
        """Set any literal of the graph, whether the form shows it or not.

        Args:
            node: The node's id, or its label or type when only one has it.
            field_name: The field's name in the graph.
            value: The value; None removes it.

        Raises:
            InputNotFoundError: There is no such node or field.
            FieldValidationError: The value is refused, or an edge feeds the field.
        """
        self.get_node_field(node, field_name).value = value

    def with_inputs(
        self: H, inputs: Optional[Mapping[Any, Any]] = None, /, **values: Any
    ) -> H:
        """A copy with these values set; this handle stays as it is.

        Raises:
            InputNotFoundError: A key means no input, or several.
            FieldValidationError: Values are refused; lists all of them.
        """
        other = copy.copy(self)
        other.set_inputs(inputs, **values)
        return other

    def __copy__(self: H) -> H:
        other = super().__copy__()
        other._fields = self._fields.copy()
        other._inputs = None
        return other

    def _commit(self, checked: Mapping[FieldKey, IvkField[Any]]) -> None:
        for key, changed in checked.items():
            self._fields.field(key).value = changed.value

    def _checked(
        self, inputs: Optional[Mapping[Any, Any]], values: Mapping[str, Any]
    ) -> dict[FieldKey, IvkField[Any]]:
        """Copies of the fields that are given, with their new values."""
        given = [*given_cells(inputs or {}).items(), *values.items()]
        return changed_fields(self._loaded, self.inputs, given)

    # -- seeds and the values of one call -------------------------------------------

    def _set_seed(self, seed: int) -> SeedPlan:
        plan = plan_seed(self._loaded, self.edits(), seed)
        for key, value in plan.edits.items():
            self._fields.field(key).value = value
        for warning in plan.warnings:
            logger.warning("%s", warning.message)
        return plan

    def _with_call_values(
        self,
        inputs: Optional[Mapping[Any, Any]],
        values: Mapping[str, Any],
        seed: Seed = "keep",
        drawn_from: Optional[str] = None,
    ) -> CallValues:
        """The handle's values with those of one call on top; changes nothing.

        A value given for a seed itself wins over `seed`, unless that leaves no seed to
        set.

        Raises:
            InputNotFoundError: A key means no input, or several.
            FieldValidationError: Values are refused; lists all of them.
        """
        given = {
            key: wire_value(changed)
            for key, changed in self._checked(inputs, values).items()
        }
        edits = {**self._fields.old_models(), **self.edits(), **given}
        if seed == "keep":
            return CallValues(edits)
        number = draw_seeds(1, drawn_from)[0] if seed == "random" else int(seed)
        plan = plan_seed(self._loaded, edits, number)
        if plan.edits and plan.edits.keys() <= given.keys():
            # Each seed has its own value already: `seed` would do nothing.
            found = [self.inputs.at(*key) for key in plan.edits]
            raise FieldValidationError(
                [given_twice(item, number, "by seed= too") for item in found if item]
            )
        return CallValues({**edits, **plan.edits, **given}, number, plan.warnings)

    # -- loading and compiling -----------------------------------------------------

    def _loaded_with(
        self, catalog: NodeCatalog, facts: Optional[ServerFacts] = None
    ) -> LoadedWorkflow:
        """The workflow as a server holds it; loaded again only if that changes it."""
        known, latest = self._latest_load
        if catalog is not known:
            latest = load_workflow(self.definition, catalog, facts)
        elif facts is not None:
            latest = reload_workflow(latest, catalog, facts)
        self._latest_load = (catalog, latest)
        return latest

    def edits(self) -> dict[FieldKey, Any]:
        """Values that differ from the file's, by (node, field), in wire form.

        `UNSET` marks a value that was removed; values may hold `Reference`s.
        """
        return self._fields.edits()

    def compile(
        self,
        *,
        runs: int = 1,
        auto_add_board: Optional[str] = None,
        prepend: bool = False,
    ) -> CompiledWorkflow:
        """The payload that a submission would send, and what would be refused.

        It asks no server: names stay as they are. `preview` looks them up.

        Args:
            runs: How often the whole batch runs.
            auto_add_board: Id of the board that ``"auto"`` means; None for none.
            prepend: Put the jobs at the front of the queue.

        Returns:
            The payload; `problems` lists everything a submission would refuse.
        """
        options = CompileOptions(
            auto_add_board=auto_add_board, runs=runs, prepend=prepend
        )
        return self._compile(self._loaded, self._catalog, self.edits(), options)

    def _compile(
        self,
        loaded: LoadedWorkflow,
        catalog: NodeCatalog,
        edits: Mapping[FieldKey, Any],
        options: CompileOptions,
    ) -> CompiledWorkflow:
        """The payload for a server that has these node types."""
        unresolved = unresolved_problems(edits)
        # Without a server the file's own names stay where they are.
        old = {k: v for k, v in self._fields.old_models().items() if k not in edits}
        to_find = {**unresolved, **unresolved_problems(old)}
        compiled = compile_workflow(
            loaded,
            catalog,
            # Neither the file's value nor a reference may be sent in its place.
            edits={**edits, **dict.fromkeys(unresolved, UNSET)},
            options=options,
        )
        follow_up = {*to_find, *batch_targets(compiled, to_find)}
        refused, warnings = check_workflow(compiled, catalog)
        problems = [
            self._at_input(problem)
            for problem in (*compiled.problems, *refused)
            if (problem.node_id, problem.field_name) not in follow_up
        ]
        problems.extend(to_find.values())
        warnings = [*compiled.warnings, *warnings]
        return replace(compiled, problems=problems, warnings=warnings)

    def _at_input(self, problem: FieldProblem) -> FieldProblem:
        """The problem with the input's index and name, where the form shows it."""
        item = self.inputs.at(str(problem.node_id), str(problem.field_name))
        return problem if item is None else at_input(problem, item)

    def check(self) -> list[FieldProblem]:
        """Everything a submission would refuse about the present values.

        Names of models and boards, and local images, are looked up when
        submitting; this method takes them as valid.
        """
        problems = self.compile().problems
        return [problem for problem in problems if problem.kind != "unresolved"]
