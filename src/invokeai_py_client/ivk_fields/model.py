"""Models: identifiers on the wire, names and records from people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Optional

from invokeai_py_client.ivk_fields.faults import Fault, shown
from invokeai_py_client.ivk_fields.references import ModelReference, Reference
from invokeai_py_client.ivk_fields.template_field import RefusedError, TemplateField
from invokeai_py_client.nodes.template import InputTemplate

RECORD_KEYS = ("key", "hash", "name", "base", "type")
ALLOWED = "a model's name, key or hash, or its record (key, hash, name, base, type)"


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
            raise RefusedError("type", "must name a model, got an empty text", ALLOWED)
        return _reference(value.strip(), wanted)
    old = old_identifier(value)
    if old is not None:
        return old
    record = _record_of(value)
    if all(record.get(key) is not None for key in RECORD_KEYS):
        return record
    text = record.get("key") or record.get("hash") or record.get("name")
    if not text:
        raise RefusedError("type", f"must name a model, got {shown(value)}", ALLOWED)
    return _reference(
        text,
        wanted,
        record.get("base"),
        record.get("type"),
        record.get("submodel_type"),
    )


def _reference(
    text: str,
    wanted: ModelReference,
    base: Optional[str] = None,
    kind: Optional[str] = None,
    submodel: Optional[str] = None,
) -> ModelReference:
    return ModelReference(
        text=text,
        base=(base,) if base else wanted.base,
        type=(kind,) if kind else wanted.type,
        format=wanted.format,
        variant=wanted.variant,
        provider_id=wanted.provider_id,
        submodel_type=submodel,
    )


def _record_of(value: Any) -> dict[str, Any]:
    """The identifier's keys of a mapping or an object, enums as their values."""
    found: dict[str, Any] = {}
    for key in (*RECORD_KEYS, "submodel_type"):
        item = value.get(key) if isinstance(value, Mapping) else _attribute(value, key)
        item = getattr(item, "value", item)
        if isinstance(item, str):
            found[key] = str(item)
        elif item is None and isinstance(value, Mapping) and key in value:
            found[key] = None
    return found


def _attribute(value: Any, key: str) -> Any:
    return getattr(value, key, None)


def old_identifier(value: Any) -> Optional[ModelReference]:
    """The model that an identifier of InvokeAI 3 means; None for anything else."""
    if not isinstance(value, Mapping):
        return None
    name, base = value.get("model_name"), value.get("base_model")
    if not isinstance(name, str) or not name.strip():
        return None
    kind = value.get("model_type")
    return ModelReference(
        text=name.strip(),
        base=(base,) if isinstance(base, str) and base else (),
        type=(kind,) if isinstance(kind, str) and kind else (),
    )


def model_faults(value: Any, wanted: ModelReference) -> Iterator[Fault]:
    """Faults of an identifier: what it lacks, and whether the input takes it.

    References count as right; so do identifiers of InvokeAI 3, which are looked up.
    """
    if isinstance(value, ModelReference) or old_identifier(value) is not None:
        return
    if not isinstance(value, Mapping):
        yield Fault("type", f"must be a model, got {shown(value)}", ALLOWED)
        return
    missing = [
        key
        for key in RECORD_KEYS
        if not isinstance(value.get(key), str) or not value.get(key)
    ]
    # A model without a hash is still found by its key.
    missing = [key for key in missing if not (key == "hash" and value.get(key) == "")]
    if missing:
        yield Fault("type", f"the model lacks {', '.join(missing)}", ALLOWED)
        return
    for kind, choices in (("base", wanted.base), ("type", wanted.type)):
        if choices and value[kind] not in choices:
            words = " or ".join(choices)
            yield Fault(
                f"model_{kind}",
                f"must be a model of {kind} {words}, "
                f"{value['name']!r} is of {kind} {value[kind]}",
                f"a model of {kind} {words}",
            )


def allowed_models(wanted: ModelReference) -> str:
    """Which models an input takes, such as ``a model of base sdxl and type main``."""
    words = [
        f"{kind} {' or '.join(choices)}"
        for kind, choices in (("base", wanted.base), ("type", wanted.type))
        if choices
    ]
    return f"a model of {' and '.join(words)}" if words else ALLOWED


class IvkModelIdentifierField(TemplateField[Any]):
    """A model by name, key, hash or record.

    A text becomes a `ModelReference`, looked up at submission among the models that
    the input takes; a record is checked against the template's bases and types at once.
    """

    TYPE: ClassVar[str] = "ModelIdentifierField"

    @property
    def wanted(self) -> ModelReference:
        """Which models the input takes, as a reference without a name."""
        return restrictions_of(self.template)

    def _accept(self, value: Any) -> Any:
        return model_from(value, self.wanted)

    def _wire_faults(self, value: Any) -> Iterator[Fault]:
        return model_faults(value, self.wanted)

    def unresolved(self) -> list[Reference]:
        """The model to look up, also where a file holds an old identifier."""
        old = old_identifier(self.value)
        return super().unresolved() if old is None else [old]

    @property
    def allowed(self) -> str:
        """Such as ``a model of base sdxl and type main``."""
        return allowed_models(self.wanted)
