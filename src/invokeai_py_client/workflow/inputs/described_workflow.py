"""The readable half of workflow handles: what the form shows, by which names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Optional, Union

from invokeai_py_client._arguments import checks_arguments
from invokeai_py_client._exports import one_line
from invokeai_py_client._objects.handle import Handle
from invokeai_py_client.exceptions import WorkflowError
from invokeai_py_client.ivk_fields.base import IvkField
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.workflow.document.definition import WorkflowDefinition
from invokeai_py_client.workflow.document.warnings import WorkflowWarning
from invokeai_py_client.workflow.editor.loaded_workflow import LoadedWorkflow
from invokeai_py_client.workflow.inputs.build_inputs import build_inputs, name_warnings
from invokeai_py_client.workflow.inputs.locked_names import LockedNames
from invokeai_py_client.workflow.inputs.node_fields import NodeFields, find_node_field
from invokeai_py_client.workflow.inputs.outputs import WorkflowOutput, find_outputs
from invokeai_py_client.workflow.inputs.workflow_input import Inputs, WorkflowInput
from invokeai_py_client.workflow.loading.load_workflow import load_workflow
from invokeai_py_client.workflow.locking.match_inputs import InputChange, lock_fields
from invokeai_py_client.workflow.locking.workflow_lock import WorkflowLock


@checks_arguments
class DescribedWorkflow(Handle):
    """A workflow and the inputs of its form; `BaseWorkflowHandle` adds setting them."""

    _KEEP = "its definition and its values"
    _SET = 'handle["{name}"] = … for an input'

    def _advise(self, name: str) -> str:
        if name in self.inputs.names:
            return f'handle["{name}"] is the value of the input'
        return super()._advise(name)

    def __init__(
        self,
        source: Union[WorkflowDefinition, LoadedWorkflow],
        catalog: NodeCatalog,
        *,
        lock: Optional[WorkflowLock] = None,
    ) -> None:
        """Discover the inputs of a workflow; asks no server.

        Args:
            source: The workflow, never changed; or what `load_workflow` made of it
                with this catalog and with what is known of a server.
            catalog: The node types to read it with.
            lock: What the names of inputs mean; None to name them by the form.

        Raises:
            WorkflowFormatError: The workflow cannot be loaded.
        """
        self._catalog = catalog
        self._loaded = (
            load_workflow(source, catalog)
            if isinstance(source, WorkflowDefinition)
            else source
        )
        self._locked = None if lock is None else LockedNames(lock, self._loaded)
        self._warnings = (
            *self._loaded.warnings,
            *name_warnings(self._loaded, self._locked),
            *(() if self._locked is None else self._locked.warnings),
        )
        self._fields = NodeFields(self._loaded)
        self._inputs: Optional[Inputs] = None

    @property
    def definition(self) -> WorkflowDefinition:
        """The workflow as it was given."""
        return self._loaded.definition

    @property
    def catalog(self) -> NodeCatalog:
        """The node types it was discovered with."""
        return self._catalog

    @property
    def inputs(self) -> Inputs:
        """The form's inputs by name, in order; see `get_input` for other keys."""
        if self._inputs is None:
            self._inputs = build_inputs(self._loaded, self._fields, self._locked)
        return self._inputs

    @property
    def warnings(self) -> Sequence[WorkflowWarning]:
        """What loading the file changed, dropped or cannot do."""
        return self._warnings

    def list_inputs(self) -> list[WorkflowInput]:
        """The form's inputs, top to bottom."""
        return list(self.inputs.in_order)

    def get_input(self, key: Any) -> WorkflowInput:
        """The input that `key` means.

        Args:
            key: A name, a label, an index, a (node id, field) pair, or a field name
                or the tail of a name when only one input has it.

        Raises:
            InputNotFoundError: No input has that key, or several have.
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

    def json_schema(self) -> dict[str, Any]:
        """JSON Schema (draft 2020-12) of the values that `run` and `submit` take.

        An object of values by input name. Each default is the handle's own value;
        inputs that cannot be set are left out, and only those that have no value yet
        are required. Models, boards and images are strings: a name, a key or an id.
        """
        definition = self.definition
        about = {"title": definition.name, "description": definition.description}
        texts = {key: text for key, text in about.items() if text}
        return {**self.inputs.json_schema(), **texts}

    @property
    def lock(self) -> Optional[WorkflowLock]:
        """What the names of inputs mean; None when the form alone says."""
        return None if self._locked is None else self._locked.lock

    def create_lock(self) -> WorkflowLock:
        """A lock that keeps the names that inputs have now; `save` writes it.

        Names of a lock that is in use stay: those of an input whose type changed too,
        which the new lock accepts. It leaves out those that mean nothing any more.
        """
        items = self.inputs.in_order
        names = {item.name: item.target for item in items}
        if self._locked is not None:
            names = self._locked.all_names(items)
        return lock_fields(names, self._loaded, self._catalog.version)

    def list_lock_changes(self) -> list[InputChange]:
        """How each input differs from the lock, then what is new.

        Raises:
            WorkflowError: There is no lock.
        """
        if self._locked is None:
            raise WorkflowError(
                "the workflow has no lock, so nothing says what its names meant",
                hint="make one with create_lock().save(path) or `ivk workflow lock`",
            )
        new = self._locked.new_inputs(self.inputs.in_order)
        return [*self._locked.changes, *new]

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
        name = self.definition.name or "workflow"
        return one_line(
            f"<{type(self).__name__} {name[:100]!r}: {len(self.inputs)} inputs>"
        )

    def _repr_html_(self) -> str:
        return self.inputs._repr_html_()
