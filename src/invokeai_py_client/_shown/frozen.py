"""Frozen objects of the public API: what to write instead of setting an attribute."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError
from typing import Any, NoReturn

_DATACLASS = "it never changes; dataclasses.replace makes a changed copy"
_MODEL = "it never changes; model_copy(update={{{name!r}: …}}) makes a changed copy"


def explain_frozen(kind: type[Any]) -> None:
    """Let a frozen dataclass or pydantic model say what to do where it is set.

    A class may have the advice as `_SET`, with ``{name}`` and ``{self}`` in it.
    """
    parameters = getattr(kind, "__dataclass_params__", None)
    configuration = getattr(kind, "model_config", {})
    if parameters is not None and parameters.frozen:
        default = _DATACLASS
    elif configuration.get("frozen"):
        default = _MODEL
    else:
        return
    changed: Any = kind
    changed.__setattr__ = _refusing(getattr(kind, "_SET", default), changed.__setattr__)


def _refusing(
    advice: str, plain: Callable[[Any, str, Any], None]
) -> Callable[[Any, str, Any], None]:
    def refuse_or_set(self: Any, name: str, value: Any) -> None:
        if name.startswith("_"):
            plain(self, name, value)
        else:
            _refuse(self, name, advice)

    return refuse_or_set


def _refuse(self: Any, name: str, advice: str) -> NoReturn:
    instead = advice.format(name=name, self=self)
    raise FrozenInstanceError(f"{type(self).__name__}.{name} cannot be set: {instead}")
