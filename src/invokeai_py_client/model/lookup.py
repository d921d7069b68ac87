"""Which model a string means: a pure decision over the server's list of models."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Optional, Union

from invokeai_py_client._arguments import Kind, Naming
from invokeai_py_client._suggestions import did_you_mean, list_names, near_names
from invokeai_py_client.exceptions import ModelError
from invokeai_py_client.model.models import ModelRecord

_TEXT = Naming("model", "key").kind(ModelRecord)
_MODEL = Kind(
    "a model's name, key, hash, record or identifier",
    lambda value: dict(value) if isinstance(value, Mapping) else _TEXT.convert(value),
)
ModelLike = Annotated[Union[str, ModelRecord, Mapping[str, Any]], _MODEL]
"""A key, hash or name, a record, or the identifier a workflow holds."""


def model_reference(model: ModelLike) -> Union[str, Mapping[str, Any]]:
    """The text or the identifier that `model` is; the `KnownId` of a record.

    Raises:
        ArgumentError: It is neither a model nor what could mean one.
    """
    found: Union[str, Mapping[str, Any]] = _MODEL.read("model", model)
    return found


SUGGESTIONS = 5


@dataclass(frozen=True)
class Restriction:
    """Which bases, types and formats are acceptable; None means any."""

    bases: Optional[frozenset[str]] = None
    types: Optional[frozenset[str]] = None
    formats: Optional[frozenset[str]] = None

    def fits(self, model: ModelRecord) -> bool:
        """True when the model is acceptable; base ``"any"`` suits every base."""
        return (
            (self.bases is None or model.base in self.bases or model.base == "any")
            and (self.types is None or model.type in self.types)
            and (self.formats is None or model.format in self.formats)
        )

    def describe(self) -> str:
        """What is acceptable, such as ``"sdxl main"``."""
        kinds = (self.bases, self.types, self.formats)
        return " ".join("/".join(sorted(kind)) for kind in kinds if kind is not None)

    @property
    def model(self) -> str:
        """What messages call an acceptable model, such as ``"sdxl main model"``."""
        return f"{self.describe()} model".lstrip()


def restriction(
    base: Union[str, Iterable[str], None] = None,
    type: Union[str, Iterable[str], None] = None,
    format: Union[str, Iterable[str], None] = None,
) -> Restriction:
    """Read one or several acceptable bases, types and formats."""
    return Restriction(_as_set(base), _as_set(type), _as_set(format))


def _as_set(values: Union[str, Iterable[str], None]) -> Optional[frozenset[str]]:
    if values is None:
        return None
    return frozenset(map(str, [values] if isinstance(values, str) else values))


# The first rule that any model satisfies decides: a key wins over a hash, which two
# models with the same files share, and both over names.
_RULES: tuple[Callable[[ModelRecord, str], bool], ...] = (
    lambda model, text: model.key == text,
    lambda model, text: model.hash == text,
    lambda model, text: model.name == text,
    lambda model, text: model.name.casefold() == text.casefold(),
)


def pick_model(
    models: Sequence[ModelRecord],
    reference: ModelLike,
    allowed: Restriction = Restriction(),
) -> Optional[ModelRecord]:
    """The one acceptable model that `reference` means; None when there is none.

    A key of an identifier that is not installed here gives way to its hash, then to
    its name with its base and type: the same model has another key on each server.

    Raises:
        ModelError: Several models fit equally well.
    """
    if isinstance(reference, str):
        return _pick_text(models, reference, allowed)
    data = _identifier(reference)
    for rule in ("key", "hash"):
        found = _only(models, data, (rule,), allowed)
        if found is not None:
            return found
    parts = tuple(part for part in ("name", "base", "type") if data.get(part))
    return _only(models, data, parts, allowed) if "name" in parts else None


def _identifier(reference: Union[ModelRecord, Mapping[str, Any]]) -> dict[str, Any]:
    if isinstance(reference, ModelRecord):
        return dict(reference.identifier())
    data = dict(reference)
    # Workflows of InvokeAI 3 wrote these names.
    for old, new in (("model_name", "name"), ("base_model", "base")):
        data.setdefault(new, data.get(old))
    return data


def _pick_text(
    models: Sequence[ModelRecord], text: str, allowed: Restriction
) -> Optional[ModelRecord]:
    for rule in _RULES:
        fitting = [model for model in models if text and rule(model, text)]
        acceptable = [model for model in fitting if allowed.fits(model)]
        if acceptable:
            return _single(acceptable, text)
    return None


def _only(
    models: Sequence[ModelRecord],
    data: Mapping[str, Any],
    parts: Sequence[str],
    allowed: Restriction,
) -> Optional[ModelRecord]:
    same = [
        model
        for model in models
        if all(data.get(part) and getattr(model, part) == data[part] for part in parts)
        and allowed.fits(model)
    ]
    return _single(same, str(data.get("name") or data.get("key"))) if same else None


def _single(models: Sequence[ModelRecord], text: str) -> ModelRecord:
    if len(models) == 1:
        return models[0]
    shown = "; ".join(model.describe() for model in models[:SUGGESTIONS])
    raise ModelError(
        f"{text!r} means {len(models)} models: {shown}",
        candidates=[model.key for model in models],
        hint="pass the key, or restrict base and type",
    )


def many(models: Union[ModelLike, Iterable[ModelLike]]) -> list[ModelLike]:
    """One model or several, as a list."""
    if isinstance(models, (str, ModelRecord, Mapping)):
        return [models]
    return list(models)


def get_one(
    models: Sequence[ModelRecord],
    reference: ModelLike,
    allowed: Restriction = Restriction(),
) -> ModelRecord:
    """The one acceptable model that `reference` means.

    Raises:
        ModelError: There is none, or several fit equally well.
    """
    found = pick_model(models, reference, allowed)
    if found is None:
        raise unknown_model(models, reference, allowed)
    return found


def unknown_model(
    models: Sequence[ModelRecord],
    reference: ModelLike,
    allowed: Restriction = Restriction(),
) -> ModelError:
    """The error for a reference that no acceptable model answers to."""
    text = reference if isinstance(reference, str) else _text_of(reference)
    names = _names(models, allowed)
    try:
        refused = pick_model(models, reference)
    except ModelError:
        refused = None
    if refused is not None:
        return ModelError(
            f"{refused.describe()} is not of the kind {allowed.describe()!r}",
            candidates=names[:SUGGESTIONS],
            hint=_listing(names, allowed),
        )
    near = near_names(text, names)
    return ModelError(
        f"there is no {allowed.model} {text!r} on the server",
        candidates=near,
        hint=did_you_mean(near) or _listing(names, allowed),
    )


def no_such_model(
    models: Sequence[ModelRecord], text: str, allowed: Restriction
) -> ModelError:
    """The error for words and a kind that no model has; it lists what there is."""
    words = f" with {text!r} in its name, key or description" if text.split() else ""
    near = _names(models, allowed) if words else []
    there = sorted({f"{model.base} {model.type}" for model in models})
    hint = _listing(near, allowed) if near else "there are: " + ", ".join(there)
    return ModelError(
        f"the server has no {allowed.model}{words}",
        candidates=near[:SUGGESTIONS],
        hint=hint if models else "install one in InvokeAI's model manager",
    )


def _text_of(reference: Union[ModelRecord, Mapping[str, Any]]) -> str:
    data = _identifier(reference)
    return str(data.get("name") or data.get("key") or dict(reference))


def _names(models: Sequence[ModelRecord], allowed: Restriction) -> list[str]:
    return sorted({model.name for model in models if allowed.fits(model)})


def _listing(names: Sequence[str], allowed: Restriction) -> str:
    if names:
        return f"there are {list_names(names)}"
    return f"the server has no {allowed.model}"


def find_models(
    models: Sequence[ModelRecord], text: str, allowed: Restriction
) -> list[ModelRecord]:
    """The acceptable models whose name, key, hash or description has all words."""
    words = text.casefold().split()
    found = []
    for model in models:
        parts = (model.name, model.key, model.hash, model.description or "")
        searchable = "\n".join(parts).casefold()
        if allowed.fits(model) and all(word in searchable for word in words):
            found.append(model)
    return found
