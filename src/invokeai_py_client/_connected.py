"""Snapshots that can fetch themselves: frozen data with a private runner."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Optional

from pydantic import PrivateAttr

from invokeai_py_client._core.decode import parse
from invokeai_py_client._snapshot import Snapshot
from invokeai_py_client.exceptions import InvokeAIError

if TYPE_CHECKING:
    from typing_extensions import Self


class BoundSnapshot(Snapshot):
    """A snapshot with a connection, which belongs to neither its data nor its dumps.

    Attributes:
        KIND: What messages call it. Its repository and its name are named after it:
            `image_repo`, `image_name`.
    """

    KIND: ClassVar[str]

    # Any: a Runner or an AsyncRunner, as the class blocks or awaits.
    _bound_runner: Any = PrivateAttr(default=None)

    @classmethod
    def bound_to(cls, runner: Any) -> Callable[[Any], Self]:
        """A reader of the server's records whose results fetch through `runner`.

        Args:
            runner: A `Runner` for a blocking class, an `AsyncRunner` for an async
                one.

        Returns:
            A function from the server's JSON object to a snapshot; it raises
            `APIResponseError` when the object does not fit.
        """
        return lambda data: parse(cls, data).with_runner(runner)

    # Pydantic would compare private attributes and classes as well; two clients'
    # views of the same data are equal here, blocking or asyncio.
    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BoundSnapshot) or other.KIND != self.KIND:
            return NotImplemented
        return self.__dict__ == other.__dict__ and self.model_extra == other.model_extra

    def __hash__(self) -> int:
        return hash(str(self))

    def __str__(self) -> str:
        return str(getattr(self, f"{self.KIND}_name"))

    def with_runner(self, runner: Any) -> Self:
        """The same snapshot, fetching through `runner`."""
        bound = self.model_copy()
        bound._bound_runner = runner
        return bound

    def _require_runner(self) -> Any:
        if self._bound_runner is None:
            raise InvokeAIError(
                f"{self.KIND} {self} is not connected to a server",
                hint=f"get it from client.{self.KIND}_repo.get_{self.KIND}(name)",
            )
        return self._bound_runner

    # The connection belongs to this process: pickles travel without it, and a
    # deep copy shares it.
    def __getstate__(self) -> dict[Any, Any]:
        state = super().__getstate__()
        private = state["__pydantic_private__"] or {}
        return {**state, "__pydantic_private__": {**private, "_bound_runner": None}}

    def __deepcopy__(self, memo: Optional[dict[int, Any]] = None) -> Self:
        return self.model_copy()
