"""The root of the tree, and the error of a wrong argument."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from typing import Any, ClassVar, Optional

from invokeai_py_client._shown.readable import readable


class _ShortRepr(reprlib.Repr):
    """Names a value, which may be a megabyte."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = 80

    def repr_int(self, value: int, level: int) -> str:
        # Python itself refuses to print more digits than some thousands.
        if value.bit_length() > 1024:
            return f"<int of {value.bit_length()} bits>"
        return super().repr_int(value, level)


short_repr = _ShortRepr().repr


class InvokeAIError(Exception):
    """Anything this library raises on purpose.

    Attributes:
        message: What happened, one line; control characters are escaped, because the
            message may quote a server, a file or a user.
        hint: What the caller can do about it; None when nothing is known.
        submissions: Those that exist although a call for several failed; they were
            taken back, unless the error is a `SubmissionUnknownError`.
    """

    _has_lines: ClassVar[bool] = False
    submissions: Sequence[Any] = ()

    def __init__(self, message: str, *, hint: Optional[str] = None) -> None:
        self.message = readable(message, keep_lines=self._has_lines)
        self.hint = None if hint is None else readable(hint)
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # By its data: the constructors of subclasses take other arguments.
        return _restore, (type(self), self.args), vars(self)


def _restore(kind: type[InvokeAIError], args: tuple[Any, ...]) -> InvokeAIError:
    error = kind.__new__(kind)
    error.args = args
    return error


class ArgumentError(InvokeAIError, ValueError, TypeError):
    """An argument of a call is wrong; nothing was sent.

    Raised at the call itself, also by methods that return iterators. Values of a
    workflow's inputs are a `FieldValidationError` instead.

    Attributes:
        argument: The parameter's name.
        value: What was given.
        allowed: What would be allowed, as a phrase such as
            ``"a whole number from 1 on"``.
    """

    def __init__(
        self, argument: str, value: Any, allowed: str, *, hint: Optional[str] = None
    ) -> None:
        self.argument = argument
        self.value = value
        self.allowed = allowed
        super().__init__(
            f"{argument}={short_repr(value)} is not allowed; allowed: {allowed}",
            hint=hint,
        )
