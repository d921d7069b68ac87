"""What a handle hands out about its values: those of one call, and its seeds."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Optional, Union, overload

from invokeai_py_client._arguments import checks_arguments, whole_number
from invokeai_py_client._exports import set_module
from invokeai_py_client.workflow.compiling.seeds import (
    MAX_SEED,
    SeedPlan,
    SeedSource,
)
from invokeai_py_client.workflow.document.warnings import WorkflowWarning
from invokeai_py_client.workflow.editor.loaded_workflow import FieldKey


@dataclass(frozen=True)
class CallValues:
    """The values of one call: the handle's own, what the call gave, its seed.

    Attributes:
        edits: Values that differ from the file's, by (node, field), in wire form;
            they may hold `Reference`s, to be resolved before compiling.
        seed: The seed that was set; None for ``"keep"``.
    """

    edits: Mapping[FieldKey, Any]
    seed: Optional[int] = None
    warnings: Sequence[WorkflowWarning] = field(default=())


SeedNumber = Annotated[int, whole_number(0, MAX_SEED)]


@checks_arguments
@set_module("invokeai_py_client.workflow")
class Seeds(Sequence[SeedSource]):
    """Every seed of a workflow and where its value comes from."""

    def __init__(
        self, sources: Sequence[SeedSource], write: Callable[[int], SeedPlan]
    ) -> None:
        """Hold the seeds as they are now; `write` sets one in the handle."""
        self._sources = tuple(sources)
        self._write = write

    def set(self, seed: SeedNumber) -> SeedPlan:
        """Give every seed that can be set this value, in the handle.

        Literals are written; a random node that feeds a seed is pinned to it. The
        plan that comes back lists the values written and warns of seeds that a
        batch or a calculation decides.

        Raises:
            ArgumentError: The seed is not an integer from 0 to 4294967295.
        """
        return self._write(seed)

    @overload
    def __getitem__(self, index: int) -> SeedSource: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[SeedSource]: ...
    def __getitem__(
        self, index: Union[int, slice]
    ) -> Union[SeedSource, Sequence[SeedSource]]:
        return self._sources[index]

    def __len__(self) -> int:
        return len(self._sources)

    def __repr__(self) -> str:
        names = ", ".join(f"{item.node_name} ({item.kind})" for item in self)
        return f"<{len(self)} seeds: {textwrap.shorten(names, 200)}>"

    def __str__(self) -> str:
        return "\n".join(map(repr, self._sources)) or "<no seeds>"
