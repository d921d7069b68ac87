"""What packages offer: names imported when first used, classes that show themselves.

Importing any module imports its packages first: a package that imported all it offers
would cost everyone who needs one of its modules the time of all of them.
"""

from __future__ import annotations

import reprlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from importlib import import_module
from typing import Any, TypeVar

from invokeai_py_client._shown.readable import readable

LIBRARY = __name__.rpartition(".")[0]

T = TypeVar("T", bound=type)


def lazy_exports(
    package: str, homes: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Make a package's `__getattr__`, `__dir__` and `__all__`.

    Type checkers need the same imports once more, under `TYPE_CHECKING`, each as
    ``X as X``, which exports it; with these three in its `else`, they still report a
    name that does not exist.

    Args:
        package: The package's `__name__`.
        homes: The names by module, separated by spaces. Modules are named from this
            library on: a package also offers classes of other packages, such as its
            mirrors.
    """
    home_of = {
        name: module for module, names in homes.items() for name in names.split()
    }

    def get(name: str) -> Any:
        module = home_of.get(name)
        if module is None:
            raise AttributeError(_no_such_name(package, name, list(home_of)))
        value = getattr(import_module(f"{LIBRARY}.{module}"), name)
        # Found there from now on, without this function.
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        # Pydantic leaves classes such as `IvkField[str]` in the module.
        own = filter(str.isidentifier, vars(sys.modules[package]))
        return sorted({*own, *home_of})

    return get, names, sorted(home_of)


def _no_such_name(package: str, name: str, known: Iterable[str]) -> str:
    from invokeai_py_client._suggestions import did_you_mean, near_names

    question = "" if name.startswith("_") else did_you_mean(near_names(name, known))
    message = f"module {package!r} has no attribute {name!r}"
    return f"{message}; {question}" if question else message


def set_module(name: str) -> Callable[[T], T]:
    """Let a class say that it is from the package that users import it from.

    What names a class shows that package: representations, tracebacks, pickles, which
    therefore outlive a move of the file. A dataclass or a pydantic model without a
    representation of its own gets `brief_repr`; a frozen one says what to write instead
    of setting its attributes. Put it above all other decorators.
    """

    def change(kind: T) -> T:
        # Not for a program that only asks for the version.
        from invokeai_py_client._shown.frozen import explain_frozen

        # As strings they resolve only in the defining module, but pydantic and other
        # readers resolve them in the named one.
        scope = {**vars(sys.modules[kind.__module__]), kind.__name__: kind}
        # Its own, which `__annotations__` alone is not before Python 3.10.
        annotations = kind.__dict__.get("__annotations__")  # noqa: RUF063
        if annotations:
            kind.__annotations__ = {
                key: _evaluated(value, scope) for key, value in annotations.items()
            }
        kind.__module__ = name
        shown = kind.__repr__
        is_pydantic = (getattr(shown, "__module__", "") or "").startswith("pydantic")
        # The representation that `dataclass` writes is the only wrapped one.
        if is_pydantic or hasattr(shown, "__wrapped__"):
            kind.__repr__ = brief_repr  # type: ignore[assignment,method-assign]
        if is_pydantic:
            kind.__str__ = brief_repr  # type: ignore[assignment,method-assign]
        explain_frozen(kind)
        return kind

    return change


def _evaluated(annotation: Any, scope: dict[str, Any]) -> Any:
    if not isinstance(annotation, str):
        return annotation
    try:
        return eval(annotation, scope)
    except NameError:
        # Imported for type checkers alone.
        return annotation


LONGEST_REPR = 200
_SIZED = (str, bytes, tuple, list, dict)
SECRETS = ("password", "token", "secret", "api_key")


class _Brief(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 2
        self.maxstring = self.maxother = 60
        self.maxdict = self.maxlist = self.maxtuple = self.maxset = 3

    def repr_instance(self, x: Any, level: int) -> str:
        value = x.value if isinstance(x, Enum) else x
        return " ".join(super().repr_instance(value, level).split())


_brief = _Brief()


def brief_repr(thing: Any) -> str:
    """One line for a dataclass or a pydantic model: what was set, shortened.

    Fields that are at their defaults are left out, and so are those declared with
    ``repr=False`` and what may be secret.
    """
    parts: list[str] = []
    room = LONGEST_REPR
    for name, default, is_shown in _fields_of(type(thing)):
        value = getattr(thing, name, default)
        is_secret = isinstance(value, str) and any(word in name for word in SECRETS)
        is_empty = value is None or (isinstance(value, _SIZED) and not value)
        if is_empty or is_secret or not is_shown or _is_same(value, default):
            continue
        part = f"{name}={_brief.repr(value)}"
        room -= len(part) + 2
        if room < 0:
            parts.append("…")
            break
        parts.append(part)
    return f"{type(thing).__name__}({', '.join(parts)})"


def one_line(text: str) -> str:
    """A representation of at most three lines, for any names in it."""
    text = readable(" ".join(text.split()))
    return text if len(text) <= LONGEST_REPR else f"{text[: LONGEST_REPR - 2]}…>"


def html_table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table for notebooks, its texts escaped."""
    from html import escape  # Only notebooks need it.

    def line(tag: str, cells: Iterable[Any]) -> str:
        texts = (escape(readable(str(cell))) for cell in cells)
        return "".join(f"<{tag}>{text}</{tag}>" for text in texts)

    lines = [line("th", head), *(line("td", row) for row in rows)]
    return "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


def _is_same(value: Any, default: Any) -> bool:
    return value is default or (type(value) is type(default) and value == default)


def _fields_of(kind: Any) -> Iterator[tuple[str, Any, bool]]:
    """Name, default, and whether to show it, of each field."""
    # By what they have: importing their packages would slow every start.
    fields = getattr(kind, "__dataclass_fields__", None) or kind.model_fields
    for name, field in fields.items():
        yield name, field.default, field.repr
