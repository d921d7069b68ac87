"""`Handle` and `Repository`: what is operated through a connection to a server."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NoReturn, Optional, TypeVar

from invokeai_py_client._suggestions import did_you_mean, near_names

H = TypeVar("H", bound="Handle")
RunnerT = TypeVar("RunnerT")


class Handle:
    """An object to operate: always true, without attributes that would do nothing.

    Attributes:
        _KEEP: What another process can take instead of the handle, for the error of
            pickling.
        _SET: What to write instead of an assignment to an attribute that does not
            exist; may hold ``{name}``.
    """

    _KEEP: ClassVar[str] = "what it was made from"
    _SET: ClassVar[str] = ""

    def __bool__(self) -> bool:
        return True

    def __setattr__(self, name: str, value: Any) -> None:
        known = getattr(type(self), name, None)
        instead = f"; write {self._SET.format(name=name)}" if self._SET else ""
        if isinstance(known, property) and known.fset is None:
            raise AttributeError(f"{type(self).__name__}.{name} cannot be set{instead}")
        if not name.startswith("_") and not hasattr(type(self), name):
            raise AttributeError(
                f"{type(self).__name__} has no attribute {name!r} to set{instead}"
            )
        super().__setattr__(name, value)

    if not TYPE_CHECKING:  # Which would take every name for an attribute.

        def __getattr__(self, name: str) -> Any:
            if name.startswith("_") or hasattr(type(self), name):
                # A name of Python's, or an error inside a property.
                return object.__getattribute__(self, name)
            advice = self._advise(name)
            raise AttributeError(
                f"{type(self).__name__} has no attribute {name!r}"
                + (f"; {advice}" if advice else "")
            )

    def _advise(self, name: str) -> str:
        """What may be meant by an attribute that does not exist; empty if unknown."""
        known = [name for name in dir(type(self)) if not name.startswith("_")]
        return did_you_mean(near_names(name, known))

    def __copy__(self: H) -> H:
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        return other

    def __deepcopy__(self: H, memo: Optional[dict[int, Any]] = None) -> H:
        # The connection is shared, and the rest is never changed in place.
        return copy.copy(self)

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError(
            f"a {type(self).__name__} cannot be pickled: it is connected to a server; "
            f"pickle {self._KEEP} instead"
        )


class Repository(Handle, Generic[RunnerT]):
    """What a client offers for one kind of thing on its server.

    Args:
        runner: What runs the flows: the client's.
    """

    _KEEP = "the client's url and options"

    def __init__(self, runner: RunnerT) -> None:
        self._runner = runner

    def __repr__(self) -> str:
        # What runs flows need not know a server; what a client makes does.
        return f"<{type(self).__name__} of {vars(self)['_runner'].server}>"
