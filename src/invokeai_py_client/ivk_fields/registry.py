"""Which class a field gets: a list of rules, the newest first.

```python
undo = field_registry.register(
    lambda info: info.get("type") == "CustomField",
    lambda info: IvkCustomField(value=info.get("value", "")),
)
```

A `field_info` has these keys: ``type`` (the template's type name), ``name``, ``value``
(absent when unset), ``label``, ``node_type``, ``cardinality``, ``required`` and
``template`` (an `InputTemplate`; None for a field that nothing is known of). Where
known it also has ``node_id`` and ``input_index``, which error messages then name.

Packages add rules through the entry point group ``invokeai_py_client.fields``: each
entry point is a callable that is given the registry, once, before it first builds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import metadata
from typing import Any, Optional

from invokeai_py_client._arguments import checked
from invokeai_py_client.exceptions import ArgumentError, FieldValidationError
from invokeai_py_client.ivk_fields.base import IvkField
from invokeai_py_client.ivk_fields.field_types import field_class
from invokeai_py_client.ivk_fields.template_field import IvkRawField, IvkUnknownField

FieldInfo = Mapping[str, Any]
Detect = Callable[[FieldInfo], bool]
Build = Callable[[FieldInfo], IvkField[Any]]

ENTRY_POINT_GROUP = "invokeai_py_client.fields"


def build_builtin(info: FieldInfo) -> IvkField[Any]:
    """The built-in field of a `field_info`, with its value as it is."""
    if not isinstance(info, Mapping):
        raise ArgumentError("field_info", info, "a mapping with a type")
    template = info.get("template")
    kind = field_class(info.get("type"), info.get("cardinality") or "SINGLE")
    # Where only an edge is taken, the server ignores a value of any type.
    if template is not None and template.input == "connection":
        kind = IvkUnknownField
    return kind.from_info(info)


class FieldRegistry:
    """Rules that choose a field's class, the newest first, the built-in ones last."""

    def __init__(self) -> None:
        self._rules: list[tuple[Detect, Build]] = []
        self._pending_entry_points = False

    @checked
    def register(self, detect_fn: Detect, build_fn: Build) -> Callable[[], None]:
        """Add a rule that goes before all others.

        Args:
            detect_fn: True for a `field_info` that `build_fn` is for. What it raises
                is not caught.
            build_fn: Makes the field. A value that the field refuses is kept raw.

        Returns:
            A function that takes the rule back; calling it again does nothing.

        Raises:
            ArgumentError: One of them cannot be called with a `field_info`.
        """
        # A plug-in's rules are older than those of the program that uses it.
        self._load_entry_points()
        rule = (detect_fn, build_fn)
        self._rules.insert(0, rule)

        def undo() -> None:
            self._rules = [other for other in self._rules if other is not rule]

        return undo

    def build(self, field_info: FieldInfo) -> IvkField[Any]:
        """The field of an input, bound to its place.

        A value that the field would refuse does not raise: it is kept and shows in
        the field's `problems()`.

        Raises:
            TypeError: The rule's `build_fn` returned something else than an `IvkField`.
        """
        build_fn = self._rule_for(field_info) or build_builtin
        field = _built(build_fn, field_info)
        if not isinstance(field, IvkField):
            raise TypeError(
                f"build_fn must give an IvkField, but for {field_info.get('name')!r} "
                f"({field_info.get('type')}) it gave {field!r}"
            )
        field.bind(
            node_id=field_info.get("node_id"),
            field_name=field_info.get("name"),
            input_index=field_info.get("input_index"),
            input_name=field_info.get("label") or None,
            template=field_info.get("template"),
            type_name=field_info.get("type"),
        )
        return field

    def has_rule(self, field_info: FieldInfo) -> bool:
        """Whether a registered rule, not a built-in one, makes the field."""
        return self._rule_for(field_info) is not None

    def _rule_for(self, field_info: FieldInfo) -> Optional[Build]:
        self._load_entry_points()
        fitting = (build for detect, build in self._rules if detect(field_info))
        return next(fitting, None)

    def copy(self) -> FieldRegistry:
        """An independent registry with the same rules, for tests."""
        self._load_entry_points()
        other = FieldRegistry()
        other._rules = list(self._rules)
        return other

    def load_entry_points_later(self) -> FieldRegistry:
        """Let installed packages add rules before the first use; returns itself."""
        self._pending_entry_points = True
        return self

    def _load_entry_points(self) -> None:
        if not self._pending_entry_points:
            return
        # Off before loading: a package may register while it is imported.
        self._pending_entry_points = False
        for entry_point in _entry_points():
            entry_point.load()(self)


def _built(build_fn: Build, info: FieldInfo) -> IvkField[Any]:
    try:
        return build_fn(info)
    except FieldValidationError:
        if "value" not in info:
            raise
    # The file's value is refused: the field without it, holding the raw value.
    without = {key: value for key, value in info.items() if key != "value"}
    try:
        kind = type(build_fn(without))
    except FieldValidationError:
        return IvkRawField.from_info(info)
    return kind.holding(info["value"])


def _entry_points() -> tuple[metadata.EntryPoint, ...]:
    if sys.version_info >= (3, 10):
        return tuple(metadata.entry_points(group=ENTRY_POINT_GROUP))
    else:
        return tuple(metadata.entry_points().get(ENTRY_POINT_GROUP, ()))


field_registry: FieldRegistry = FieldRegistry().load_entry_points_later()
