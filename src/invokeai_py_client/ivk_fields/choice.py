"""One of several options, which may be texts or integers."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from enum import Enum
from functools import lru_cache
from typing import Any, ClassVar, Optional

from invokeai_py_client.ivk_fields.faults import (
    Fault,
    allowed_choices,
    choice_faults,
    is_choice,
)
from invokeai_py_client.ivk_fields.number import as_integer
from invokeai_py_client.ivk_fields.template_field import RefusedError, TemplateField


@lru_cache(maxsize=256)
def enum_of(name: str, choices: tuple[Any, ...]) -> type[Enum]:
    """Options as an enumeration: ``"480p"`` is the member ``_480P``."""
    members: dict[str, Any] = {}
    for choice in choices:
        words = "_".join(re.findall(r"[^\W_]+", str(choice))).upper() or "EMPTY"
        base = words if words[0].isalpha() else f"_{words}"
        key, count = base, 1
        while key in members:
            count += 1
            key = f"{base}_{count}"
        members[key] = choice
    # The functional form makes the class; mypy wants its members spelled out.
    return Enum(name, members)  # type: ignore[return-value]


class IvkEnumField(TemplateField[Any]):
    """One of the template's options, by its value; labels are not values.

    Members of an `Enum` (of `choice_enum`, or your own with the same values) are
    taken too.
    """

    TYPE: ClassVar[str] = "EnumField"

    @property
    def choices(self) -> Optional[tuple[Any, ...]]:
        """The options; None when the template is not known."""
        options = self.template.gui.get("options") if self.template else None
        if not options:
            options = self.limits.choices
        return tuple(options) if options else None

    @property
    def labels(self) -> Mapping[str, str]:
        """What the GUI calls the options; those it calls by their value are absent."""
        template = self.template
        labels = template.gui.get("ui_choice_labels") if template else None
        return labels if isinstance(labels, Mapping) else {}

    @property
    def choice_enum(self) -> type[Enum]:
        """The options as an `Enum`, for completion in editors and loops."""
        name = self.template.title if self.template else "Choice"
        title = "".join(letter for letter in name.title() if letter.isalnum())
        return enum_of(title or "Choice", self.choices or ())

    def _accept(self, value: Any) -> Any:
        if isinstance(value, Enum):
            value = value.value
        value = as_integer(value)
        if not isinstance(value, (str, int)) or isinstance(value, bool):
            raise RefusedError(
                "type", f"must be one of the options, got {value!r}", self.allowed
            )
        if self.choices is not None and not is_choice(value, self.choices):
            raise RefusedError("choice", self._not_a_choice(value), self.allowed)
        return value

    def _not_a_choice(self, value: Any) -> str:
        by_label = {label.casefold(): key for key, label in self.labels.items()}
        names = [str(choice) for choice in self.choices or ()]
        near = (
            [by_label[str(value).casefold()]]
            if str(value).casefold() in by_label
            else (difflib.get_close_matches(str(value), names, n=1))
        )
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return f"must be one of {self.allowed}, got {value!r}{hint}"

    def _wire_faults(self, value: Any) -> Iterator[Fault]:
        if self.choices is None and not isinstance(value, (str, int)):
            yield Fault("type", f"must be text or an integer, got {value!r}")
            return
        yield from choice_faults(value, self.choices, self.labels)

    @property
    def allowed(self) -> Optional[str]:
        """The options, with the GUI's labels."""
        if self.choices is None:
            return None
        return allowed_choices(self.choices, self.labels)
