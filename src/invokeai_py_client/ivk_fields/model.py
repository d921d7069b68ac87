"""Models and lists of LoRAs: identifiers on the wire, names and records from people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Optional

from invokeai_py_client.exceptions import FieldProblem
from invokeai_py_client.exceptions.workflow import shown
from invokeai_py_client.ivk_fields.references import ModelReference, Reference
from invokeai_py_client.ivk_fields.scalar import as_float
from invokeai_py_client.ivk_fields.server_rules import MODEL_KEYS
from invokeai_py_client.ivk_fields.template_field import RefusedError, TemplateField
from invokeai_py_client.ivk_fields.value_rules import float_problems, must_be
from invokeai_py_client.nodes.template import InputTemplate

ALLOWED = "a model's name, key or hash, or its record (key, hash, name, base, type)"


_ANY_MODEL = ModelReference("")


def restrictions_of(template: Optional[InputTemplate]) -> ModelReference:
    """Which models a template takes, as a reference without a name."""
    gui: Mapping[str, Any] = template.gui if template is not None else {}

    def listed(key: str) -> tuple[str, ...]:
        value = gui.get(key)
        return tuple(map(str, value)) if isinstance(value, (list, tuple)) else ()

    return ModelReference(
        text="",
        base=listed("ui_model_base"),
        type=listed("ui_model_type"),
        format=listed("ui_model_format"),
        variant=listed("ui_model_variant"),
        provider_id=listed("ui_model_provider_id"),
    )


def lora_restrictions_of(template: Optional[InputTemplate]) -> ModelReference:
    """Which models a list of LoRAs takes: those of type ``lora``."""
    wanted = restrictions_of(template)
    return wanted if wanted.type else replace(wanted, type=("lora",))


def model_from(value: Any, wanted: ModelReference) -> Any:
    """A model identifier, or a reference to look up.

    Args:
        value: A name, key or hash; a record or part of one, as a mapping or an object;
            an identifier of InvokeAI 3 (`model_name`, `base_model`, `model_type`).
        wanted: What the input takes; narrows a look-up.

    Raises:
        RefusedError: It names no model.
    """
    if isinstance(value, ModelReference):
        return value
    if isinstance(value, str):
        if not value.strip():
            raise RefusedError("must name a model, got an empty string")
        return replace(wanted, text=value.strip())
    old = old_identifier(value, wanted)
    if old is not None:
        return old
    record = _record_of(value)
    if all(record.get(key) is not None for key in MODEL_KEYS):
        return record
    text = record.get("key") or record.get("hash") or record.get("name")
    if not text:
        raise RefusedError(f"must name a model, got {shown(value)}")
    base, kind = record.get("base"), record.get("type")
    return replace(
        wanted,
        text=text,
        base=(base,) if base else wanted.base,
        type=(kind,) if kind else wanted.type,
        submodel_type=record.get("submodel_type"),
    )


def _record_of(value: Any) -> dict[str, Any]:
    """The identifier's keys of a mapping or an object, enums as their values."""
    found: dict[str, Any] = {}
    for key in (*MODEL_KEYS, "submodel_type"):
        is_mapping = isinstance(value, Mapping)
        item = value.get(key) if is_mapping else getattr(value, key, None)
        item = getattr(item, "value", item)
        if isinstance(item, str):
            found[key] = str(item)
        elif item is None and is_mapping and key in value:
            found[key] = None
    return found


def old_identifier(
    value: Any, wanted: ModelReference = _ANY_MODEL
) -> Optional[ModelReference]:
    """The model that an identifier of InvokeAI 3 means; None for anything else.

    What it does not say about the model is what the field takes.
    """
    if not isinstance(value, Mapping):
        return None
    name, base = value.get("model_name"), value.get("base_model")
    if not isinstance(name, str) or not name.strip():
        return None
    kind = value.get("model_type")
    return replace(
        wanted,
        text=name.strip(),
        base=(base,) if isinstance(base, str) and base else wanted.base,
        type=(kind,) if isinstance(kind, str) and kind else wanted.type,
    )


def model_problems(value: Any, wanted: ModelReference) -> Iterator[FieldProblem]:
    """Problems of an identifier: what is missing, and whether the input takes it.

    References count as right; so do identifiers of InvokeAI 3, which are looked up.
    """
    if isinstance(value, ModelReference) or old_identifier(value) is not None:
        return
    if not isinstance(value, Mapping):
        yield must_be("a model", value)
        return
    # A model without a hash is still found by its key.
    missing = [
        key
        for key in MODEL_KEYS
        if not isinstance(value.get(key), str) or not (value.get(key) or key == "hash")
    ]
    if missing:
        yield FieldProblem(f"the model has no {', '.join(missing)}", "type")
        return
    for kind, choices in (("base", wanted.base), ("type", wanted.type)):
        if choices and value[kind] not in choices:
            words = " or ".join(choices)
            yield FieldProblem(
                f"must be a model of {kind} {words}, "
                f"{value['name']!r} is of {kind} {value[kind]}",
                f"model_{kind}",
                allowed=f"a model of {kind} {words}",
            )


def allowed_models(wanted: ModelReference) -> str:
    """Which models an input takes, such as ``a model of base sdxl and type main``."""
    words = [
        f"{kind} {' or '.join(choices)}"
        for kind, choices in (("base", wanted.base), ("type", wanted.type))
        if choices
    ]
    return f"a model of {' and '.join(words)}" if words else ALLOWED


def model_schema(wanted: ModelReference) -> dict[str, Any]:
    """JSON Schema of what names a model."""
    kind = allowed_models(wanted) if wanted.base or wanted.type else "a model"
    about = f"The name, key or hash of {kind}"
    return {"type": "string", "minLength": 1, "description": about}


class IvkModelIdentifierField(TemplateField[Any]):
    """A model by name, key, hash or record.

    A string becomes a `ModelReference`, looked up at submission among the models that
    the input takes; a record is checked against the template's bases and types at once.
    """

    @property
    def wanted(self) -> ModelReference:
        """Which models the input takes, as a reference without a name."""
        return restrictions_of(self.template)

    def _accept(self, value: Any) -> Any:
        return model_from(value, self.wanted)

    def _wire_problems(self, value: Any) -> Iterator[FieldProblem]:
        return model_problems(value, self.wanted)

    def _item_schema(self) -> dict[str, Any]:
        return model_schema(self.wanted)

    def _plain(self, value: Any) -> Any:
        return value["key"]

    def unresolved(self) -> list[Reference]:
        """The model to look up, also where a file holds an old identifier."""
        old = old_identifier(self.value, self.wanted)
        return super().unresolved() if old is None else [old]

    @property
    def allowed(self) -> str:
        """Such as ``a model of base sdxl and type main``."""
        return allowed_models(self.wanted)


# What the GUI gives a LoRA that is added to a list.
DEFAULT_WEIGHT = 0.75
_LORA_KEYS = frozenset({"lora", "model", "weight"})


class IvkLoRAField(TemplateField["list[Any]"]):
    """A list of LoRAs, each a name, a (name, weight) pair or ``{lora, weight}``.

    A mapping of names to weights is taken too, as is a single LoRA. A LoRA named by a
    string is looked up at submission; a weight that is not given is 0.75.
    """

    _IS_LIST: ClassVar[bool] = True
    ALLOWED: ClassVar[str] = (
        "a list of LoRAs: names, (name, weight) pairs, "
        "or {'lora': model, 'weight': number}"
    )

    @property
    def wanted(self) -> ModelReference:
        """Which models the list takes: those of type ``lora``."""
        return lora_restrictions_of(self.template)

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
                raise RefusedError(must_be("a pair", item))
            model, weight = item
        elif isinstance(item, Mapping) and _LORA_KEYS & item.keys():
            unknown = item.keys() - _LORA_KEYS
            if unknown or ("lora" in item) is ("model" in item):
                got = f", got {shown(item)}"
                raise RefusedError(f"a LoRA has the keys lora and weight{got}")
            model = item.get("lora", item.get("model"))
            weight = item.get("weight", DEFAULT_WEIGHT)
        return {"lora": model_from(model, self.wanted), "weight": as_float(weight)}

    def _item_schema(self) -> dict[str, Any]:
        weight = {"type": "number", "default": DEFAULT_WEIGHT}
        name = model_schema(self.wanted)
        return {
            "type": "object",
            "properties": {"lora": name, "weight": weight},
            "required": ["lora"],
            "additionalProperties": False,
        }

    def _plain(self, value: Any) -> Any:
        return {"lora": value["lora"]["key"], "weight": value["weight"]}

    def _wire_problems(self, value: Any) -> Iterator[FieldProblem]:
        if not isinstance(value, Mapping) or "lora" not in value:
            yield must_be("a LoRA", value)
            return
        yield from model_problems(value["lora"], self.wanted)
        for problem in float_problems(value.get("weight")):
            yield replace(problem, what=f"weight {problem.what}")

    def unresolved(self) -> list[Reference]:
        """The LoRAs to look up, also where a file holds old identifiers."""
        items = self.value if isinstance(self.value, list) else []
        models = [item.get("lora") for item in items if isinstance(item, Mapping)]
        old = [model for model in map(old_identifier, models) if model is not None]
        return super().unresolved() + old
