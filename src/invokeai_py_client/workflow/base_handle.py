"""The pure half of both workflow handles: inputs, values, seeds, outputs, compile.

A handle is a template plus current values. Nothing here talks to a server, and
nothing but the methods that say so changes a value: `with_inputs` copies, and the
values of one call (`run(steps=30)`) live in a `CallValues` of their own.
"""

from __future__ import annotations

import copy
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Optional, TypeVar, Union

from invokeai_py_client.exceptions import (
    FieldProblem,
    FieldValidationError,
)
from invokeai_py_client.ivk_fields.base import IvkField
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.nodes.template import UNSET
from invokeai_py_client.workflow.checks import check_workflow, workflow_warnings
from invokeai_py_client.workflow.compile import compile_workflow
from invokeai_py_client.workflow.compiled import CompiledWorkflow, CompileOptions
from invokeai_py_client.workflow.definition import WorkflowDefinition
from invokeai_py_client.workflow.facts import Facts
from invokeai_py_client.workflow.form import form_fields
from invokeai_py_client.workflow.handle_values import CallValues, Seeds
from invokeai_py_client.workflow.input_problems import (
    at_input,
    batch_targets,
    given_twice,
    unresolved_problems,
    with_name,
)
from invokeai_py_client.workflow.inputs import Inputs, WorkflowInput, build_inputs
from invokeai_py_client.workflow.load import load_workflow
from invokeai_py_client.workflow.loaded import (
    FieldKey,
    LoadedWorkflow,
    WorkflowWarning,
)
from invokeai_py_client.workflow.node_fields import (
    NodeFields,
    find_node_field,
    setting_problem,
    wire_value,
)
from invokeai_py_client.workflow.outputs import WorkflowOutput, find_outputs
from invokeai_py_client.workflow.seeds import (
    MAX_SEED,
    SeedPlan,
    find_seeds,
    plan_seed,
    seed_problem,
)

__all__ = ["BaseWorkflowHandle", "CallValues", "Seeds"]

Seed = Union[int, str]
H = TypeVar("H", bound="BaseWorkflowHandle")


class BaseWorkflowHandle:
    """A workflow with its current values; `WorkflowHandle` adds running it."""

    def __init__(
        self,
        definition: WorkflowDefinition,
        catalog: NodeCatalog,
        *,
        facts: Optional[Facts] = None,
    ) -> None:
        """Discover the inputs of a workflow; asks no server.

        Args:
            definition: The workflow; never changed.
            catalog: The node types to read it with.
            facts: What is known of the server; without, everything that the file
                names is taken to exist.

        Raises:
            WorkflowFormatError: The workflow cannot be loaded.
        """
        self._definition = definition
        self._catalog = catalog
        self._facts = facts or Facts()
        self._loaded = load_workflow(definition, catalog, self._facts)
        self._fields = NodeFields(self._loaded)
        self._inputs: Optional[Inputs] = None

    # -- looking ------------------------------------------------------------------

    @property
    def definition(self) -> WorkflowDefinition:
        """The workflow as it was given."""
        return self._definition

    @property
    def loaded(self) -> LoadedWorkflow:
        """The workflow as the GUI would hold it, without the values set here."""
        return self._loaded

    @property
    def catalog(self) -> NodeCatalog:
        """The node types it was discovered with."""
        return self._catalog

    @property
    def inputs(self) -> Inputs:
        """The form's inputs by name, in order; see `get_input` for other keys."""
        if self._inputs is None:
            form = form_fields(self._loaded)
            fields = {}
            for index, item in enumerate(form):
                key = item.node_id, item.field_name
                if key not in fields:
                    fields[key] = self._fields.field(key)
                    fields[key].bind(input_index=index, label=item.label)
            self._inputs = build_inputs(form, fields)
            for shown in self._inputs.in_order:
                problem = setting_problem(self._loaded, shown.target)
                if problem is not None:
                    shown.field.lock(at_input(problem, shown))
        return self._inputs

    @property
    def warnings(self) -> Sequence[WorkflowWarning]:
        """What loading the file changed, dropped or cannot do."""
        return self._loaded.warnings

    @property
    def seeds(self) -> Seeds:
        """Every node input called ``seed`` and where its value comes from."""
        return Seeds(find_seeds(self._loaded, self.edits()), self._set_seed)

    def list_inputs(self) -> list[WorkflowInput]:
        """The form's inputs, top to bottom."""
        return list(self.inputs.in_order)

    def get_input(self, key: Any) -> WorkflowInput:
        """The input that `key` means.

        Args:
            key: A name, a label, an index, a (node id, field) pair, or a field name
                or the tail of a name when only one input has it.

        Raises:
            InputNotFoundError: None goes by that key, or several do.
        """
        return self.inputs.find(key)

    def get_input_value(self, key: Any) -> IvkField[Any]:
        """The typed field of an input; its `.value` reads and sets the value."""
        return self.get_input(key).field

    def get_node_field(self, node: str, field_name: str) -> IvkField[Any]:
        """The typed field of any node, whether the form shows it or not.

        Args:
            node: The node's id, or its label or type when only one has it.
            field_name: The field's name in the graph.

        Raises:
            InputNotFoundError: There is no such node or field.
        """
        return self._fields.field(find_node_field(self._loaded, node, field_name))

    def list_outputs(self) -> list[WorkflowOutput]:
        """Nodes whose results go to the gallery, in the file's order."""
        return find_outputs(self._loaded, self.inputs)

    def __getitem__(self, key: Any) -> Any:
        return self.get_input_value(key).value

    def __iter__(self) -> Iterator[str]:
        return iter(self.inputs)

    def __len__(self) -> int:
        return len(self.inputs)

    def __contains__(self, key: object) -> bool:
        return key in self.inputs

    def __repr__(self) -> str:
        name = self._definition.name or "workflow"
        return f"<{type(self).__name__} {name!r}: {len(self.inputs)} inputs>"

    def _repr_html_(self) -> str:
        return self.inputs._repr_html_()

    # -- setting ------------------------------------------------------------------

    def __setitem__(self, key: Any, value: Any) -> None:
        self.set_inputs({key: value})

    def set_inputs(
        self, inputs: Optional[Mapping[Any, Any]] = None, /, **values: Any
    ) -> None:
        """Set several inputs: all of them, or none when one is refused.

        Args:
            inputs: Values by anything that `get_input` takes.
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
        other = self._copied()
        other.set_inputs(inputs, **values)
        return other

    def _copied(self: H) -> H:
        other = copy.copy(self)
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
        given = [*(inputs or {}).items(), *values.items()]
        items = self.inputs.find_all([key for key, _ in given])
        checked: dict[FieldKey, IvkField[Any]] = {}
        problems: list[FieldProblem] = []
        for item, (_, value) in zip(items, given):
            if item.target in checked:
                problems.append(given_twice(item, value))
                continue
            changed = checked[item.target] = item.field.clone()
            problem = setting_problem(self._loaded, item.target)
            if problem is not None:
                problems.append(at_input(problem, item, value))
                continue
            try:
                changed.value = value
            except FieldValidationError as error:
                problems.extend(at_input(found, item) for found in error.problems)
        if problems:
            raise FieldValidationError(problems)
        return checked

    # -- seeds and the values of one call -------------------------------------------

    def _set_seed(self, seed: int) -> SeedPlan:
        problem = seed_problem(seed)
        if problem is not None:
            raise FieldValidationError([problem])
        plan = plan_seed(self._loaded, self.edits(), seed)
        for key, value in plan.edits.items():
            self._fields.field(key).value = value
        return plan

    def _with_call_values(
        self,
        inputs: Optional[Mapping[Any, Any]],
        values: Mapping[str, Any],
        seed: Seed = "keep",
    ) -> CallValues:
        """The handle's values with those of one call on top; changes nothing.

        Args:
            inputs: Values by anything that `get_input` takes.
            values: Values by name.
            seed: ``"keep"``, ``"random"`` or an integer. A value given for a seed
                itself wins.

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
        number = secrets.randbelow(MAX_SEED + 1) if seed == "random" else seed
        problem = seed_problem(number)
        if problem is not None or isinstance(number, str):
            raise FieldValidationError([problem] if problem else [])
        plan = plan_seed(self._loaded, edits, number)
        return CallValues({**edits, **plan.edits, **given}, number, plan.warnings)

    # -- compiling ------------------------------------------------------------------

    def edits(self) -> dict[FieldKey, Any]:
        """Values that differ from the file's, by (node, field), in wire form.

        `UNSET` stands for a value that was removed; values may hold `Reference`s.
        """
        return self._fields.edits()

    def compile(
        self,
        *,
        runs: int = 1,
        auto_add_board: Optional[str] = None,
        prepend: bool = False,
        facts: Optional[Facts] = None,
        catalog: Optional[NodeCatalog] = None,
        edits: Optional[Mapping[FieldKey, Any]] = None,
    ) -> CompiledWorkflow:
        """The payload that a submission would send, and what would be refused.

        Args:
            runs: How often the whole batch runs.
            auto_add_board: Id of the board that ``"auto"`` means; None for none.
            prepend: Put the jobs at the front of the queue.
            facts: What is known of the server; the handle's own when left out.
            catalog: Node types of the server it is for; the handle's own when left
                out.
            edits: Values to send instead of the handle's own `edits()`.

        Returns:
            The payload; `problems` lists everything a submission would refuse.
        """
        types = self._catalog if catalog is None else catalog
        given = self.edits() if edits is None else edits
        unresolved = unresolved_problems(given)
        # Without a server the file's own words stay where they are.
        old = {k: v for k, v in self._fields.old_models().items() if k not in given}
        to_find = {**unresolved, **unresolved_problems(old)}
        compiled = compile_workflow(
            self._definition,
            types,
            # Neither the file's value nor a reference may be sent in its place.
            edits={**given, **dict.fromkeys(unresolved, UNSET)},
            facts=self._facts if facts is None else facts,
            options=CompileOptions(
                auto_add_board=auto_add_board, runs=runs, prepend=prepend
            ),
        )
        follow_up = {*to_find, *batch_targets(compiled, to_find)}
        found = [*compiled.problems, *check_workflow(compiled, types)]
        problems = [
            with_name(problem, lambda index: self.inputs[index].name)
            for problem in found
            if (problem.node_id, problem.field_name) not in follow_up
        ]
        problems.extend(to_find.values())
        warnings = [*compiled.warnings, *workflow_warnings(compiled)]
        return replace(compiled, problems=problems, warnings=warnings)

    def check(self) -> list[FieldProblem]:
        """Everything a submission would refuse about the values as they stand.

        Names of models and boards, and local pictures, are looked up when
        submitting; here they count as right.
        """
        problems = self.compile().problems
        return [problem for problem in problems if problem.kind != "unresolved"]
