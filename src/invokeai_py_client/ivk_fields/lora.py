"""LoRA lists: models with weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from invokeai_py_client.ivk_fields.faults import Fault, float_faults, list_faults, shown
from invokeai_py_client.ivk_fields.model import (
    model_faults,
    model_from,
    old_identifier,
    restrictions_of,
)
from invokeai_py_client.ivk_fields.number import as_float
from invokeai_py_client.ivk_fields.references import ModelReference, Reference
from invokeai_py_client.ivk_fields.template_field import RefusedError, TemplateField

# What the GUI gives a LoRA that is added to a list.
DEFAULT_WEIGHT = 0.75
ALLOWED = (
    "a list of LoRAs: names, (name, weight) pairs, or {'lora': model, 'weight': number}"
)


class IvkLoRAField(TemplateField["list[Any]"]):
    """A list of LoRAs, each a name, a (name, weight) pair or ``{lora, weight}``.

    A mapping of names to weights is taken too, as is a single LoRA. Where a LoRA is
    named by a text, it is looked up at submission; a weight that is not given is 0.75.
    """

    TYPE: ClassVar[str] = "LoRAField"

    @property
    def wanted(self) -> ModelReference:
        """Which models the list takes: those of type ``lora``."""
        wanted = restrictions_of(self.template)
        return wanted if wanted.type else replace(wanted, type=("lora",))

    def _accept(self, value: Any) -> Any:
        if isinstance(value, Mapping) and self._is_weights(value):
            value = list(value.items())
        elif not isinstance(value, (list, tuple)) or self._is_pair(value):
            value = [value]
        return [self._item(item) for item in value]

    @staticmethod
    def _is_weights(value: Mapping[Any, Any]) -> bool:
        return bool(value) and all(
            isinstance(key, str) and isinstance(weight, (int, float))
            for key, weight in value.items()
        )

    @staticmethod
    def _is_pair(value: Any) -> bool:
        return (
            isinstance(value, tuple)
            and len(value) == 2
            and isinstance(as_float(value[1]), (int, float))
        )

    def _item(self, item: Any) -> dict[str, Any]:
        model, weight = item, DEFAULT_WEIGHT
        if isinstance(item, (list, tuple)):
            if len(item) != 2:
                raise RefusedError(
                    "type", f"must be a pair, got {shown(item)}", ALLOWED
                )
            model, weight = item
        elif isinstance(item, Mapping) and ("lora" in item or "model" in item):
            model = item.get("lora", item.get("model"))
            weight = item.get("weight", DEFAULT_WEIGHT)
        return {"lora": model_from(model, self.wanted), "weight": as_float(weight)}

    def _faults_of(self, value: Any) -> Iterator[Fault]:
        return list_faults(value, self.limits, self._wire_faults)

    def _wire_faults(self, value: Any) -> Iterator[Fault]:
        if not isinstance(value, Mapping) or "lora" not in value:
            yield Fault("type", f"must be a LoRA, got {shown(value)}", ALLOWED)
            return
        yield from model_faults(value["lora"], self.wanted)
        for fault in float_faults(value.get("weight")):
            yield replace(fault, text=f"weight {fault.text}")

    def unresolved(self) -> list[Reference]:
        """The LoRAs to look up, also where a file holds old identifiers."""
        found = super().unresolved()
        items = self.value if isinstance(self.value, list) else []
        for item in items:
            old = (
                old_identifier(item.get("lora")) if isinstance(item, Mapping) else None
            )
            if old is not None:
                found.append(old)
        return found

    @property
    def allowed(self) -> str:
        """What is taken."""
        return ALLOWED
