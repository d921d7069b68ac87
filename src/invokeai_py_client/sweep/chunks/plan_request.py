"""What `sweep` was asked for, so that it can be planned again."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Optional

from invokeai_py_client.image.board_flows import NO_BOARD, BoardTarget
from invokeai_py_client.sweep.planning.base_plan import PlanParts
from invokeai_py_client.sweep.planning.plain_values import Contents, Keep
from invokeai_py_client.sweep.planning.plan_sweep import SweepSeed, plan_sweep
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle


@dataclass(frozen=True)
class PlanRequest:
    """The arguments of `sweep`.

    It is planned once, when it is made: tables are read then, and what is set in the
    handle later does not change it. A sweep that is taken up again draws the seeds of
    its first run.
    """

    handle: BaseWorkflowHandle
    product: Optional[Mapping[Any, Any]] = field(default=None, repr=False)
    zip: Optional[Mapping[Any, Any]] = field(default=None, repr=False)
    rows: Any = field(default=None, repr=False)
    runs: int = 1
    key: Optional[str] = None
    seed: SweepSeed = "keep"
    board: BoardTarget = NO_BOARD

    _contents: Contents = field(init=False, repr=False, compare=False)
    _parts: PlanParts = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Plan it.

        Raises:
            ArgumentError: As `plan_sweep`, as the others.
            InputNotFoundError: A column means no input, or several.
            FieldValidationError: An input cannot be set, or is set twice.
        """
        contents, handle = Contents(), copy.copy(self.handle)
        parts = plan_sweep(
            handle,
            product=self.product,
            zip=self.zip,
            rows=self.rows,
            runs=self.runs,
            key=self.key,
            seed=self.seed,
            keep=contents.keep,
        )
        # A table may be large, and can perhaps be read only once.
        made = {"handle": handle, "rows": None, "_contents": contents, "_parts": parts}
        for name, value in made.items():
            object.__setattr__(self, name, value)

    def parts(
        self, *, root: Optional[int] = None, keep: Optional[Keep] = None
    ) -> PlanParts:
        """The parts of the plan.

        Args:
            root: What drawn seeds follow from; None for the number of the plan.
            keep: Where content that is not a file goes; it gets what there is.
        """
        parts = self._parts if root is None else self._parts.redrawn(root)
        if keep is None:
            return parts
        self._contents.hand_to(keep)
        return replace(parts, keep=keep)
