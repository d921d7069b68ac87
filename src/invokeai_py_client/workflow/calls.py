"""One call of `run` or `submit`, and the place where it is handed in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Optional, Union, get_args

from invokeai_py_client._core.flow import Flow
from invokeai_py_client.exceptions import FieldProblem, FieldValidationError
from invokeai_py_client.image.models import BoardLike
from invokeai_py_client.workflow.base_handle import BaseWorkflowHandle, CallValues
from invokeai_py_client.workflow.enqueue_flows import OnFull
from invokeai_py_client.workflow.known_server import KnownServer
from invokeai_py_client.workflow.server_lists import ServerLists
from invokeai_py_client.workflow.ticket import Ticket

__all__ = ["BoardOption", "Call", "Desk"]

BoardOption = Optional[BoardLike]


@dataclass(frozen=True)
class Desk:
    """Where submissions are made: a server, and the runner of the caller's colour.

    Attributes:
        lists: What the server has: asked for once for all that is handed in here.
        redeem: Runs a flow that ends in a ticket and makes the submission of it; an
            awaitable where the caller is asynchronous.
    """

    server: KnownServer
    runner: Any = field(repr=False)
    redeem: Callable[[Flow[Ticket]], Any] = field(repr=False)
    lists: ServerLists = field(default_factory=ServerLists, repr=False)


@dataclass(frozen=True)
class Call:
    """One call of `run` or `submit`: a handle, its values, the options.

    Attributes:
        seed: ``"keep"``, ``"random"`` or a number.
        batch_id: The id the batch will have.
        keyed: `batch_id` was made from the caller's key; jobs may exist already.
    """

    handle: BaseWorkflowHandle
    values: CallValues
    batch_id: str
    runs: int = 1
    seed: Union[int, str] = "keep"
    board: BoardOption = None
    prepend: bool = False
    on_full: OnFull = "error"
    keyed: bool = False

    def __post_init__(self) -> None:
        if self.on_full not in get_args(OnFull):
            allowed = ", ".join(f'"{word}"' for word in get_args(OnFull))
            message = f"on_full={self.on_full!r} is not allowed; allowed: {allowed}"
            problem = FieldProblem(
                message, "on_full", value=self.on_full, allowed=allowed
            )
            raise FieldValidationError([problem])
