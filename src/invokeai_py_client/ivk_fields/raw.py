"""Values without a widget: kept as JSON, or only shown.

The GUI keeps some values that it cannot edit (lists of LoRA or ControlNet metadata),
and shows fields of nodes that it does not know. Theirs is the raw value.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from invokeai_py_client.ivk_fields.faults import Fault, list_faults, shown
from invokeai_py_client.ivk_fields.template_field import TemplateField


def json_fault(value: Any) -> Iterator[Fault]:
    """A fault when a value is no JSON: the wire could not carry it."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        yield Fault("type", f"must be JSON: {error}", "any JSON value")


class IvkRawField(TemplateField[Any]):
    """Any JSON value, sent as it is; the server alone knows what is right."""

    def _faults_of(self, value: Any) -> Iterator[Fault]:
        template = self.template
        if template is not None and template.type.cardinality == "COLLECTION":
            return list_faults(value, self.limits, _object_faults)
        return json_fault(value)

    @property
    def allowed(self) -> str:
        """Anything, or a list of objects where the template wants a list."""
        template = self.template
        if template is not None and template.type.cardinality == "COLLECTION":
            return "a list of JSON objects"
        return "any JSON value"


def _object_faults(value: Any) -> Iterator[Fault]:
    if not isinstance(value, Mapping):
        yield Fault("type", f"must be an object, got {shown(value)}", "a JSON object")
        return
    yield from json_fault(value)


class IvkUnknownField(TemplateField[Any]):
    """A field that takes no value here: only an edge feeds it, or nobody knows it.

    It shows what the file holds and refuses to be set.
    """

    READ_ONLY: ClassVar[bool] = True

    def _checked(self, value: Any) -> Any:
        # Unsetting would be a change too.
        kind = f"a field of type {self.type_name}" if self.type_name else "the field"
        text = f"{kind} takes no value, got {shown(value)}"
        raise self.refusal([Fault("read_only", text, "an edge only")], value)

    def _wire_faults(self, value: Any) -> Iterator[Fault]:
        return json_fault(value)
