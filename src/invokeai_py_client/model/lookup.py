"""Which model a text means: a pure decision over the server's list of models."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional, Union

from invokeai_py_client.exceptions import ModelError
from invokeai_py_client.model.models import ModelRecord

__all__ = ["ModelLike", "Restriction", "find_models", "pick_model", "restriction"]

ModelLike = Union[str, ModelRecord, Mapping[str, Any]]
"""A key, hash or name, a record, or the identifier a workflow holds."""

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
        """What is acceptable, in words such as ``"sdxl main"``."""
        parts = [
            "/".join(sorted(values))
            for values in (self.bases, self.types, self.formats)
            if values is not None
        ]
        return " ".join(parts)


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
    if isinstance(values, str):
        return frozenset({str(values)})
    return frozenset(str(value) for value in values)


Rule = Callable[[ModelRecord, str], bool]

# The first rule that any model satisfies decides: a key wins over a hash, which two
# models with the same files share, and both over names.
_RULES: tuple[Rule, ...] = (
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
        hint="give the key, or restrict base and type",
    )


def unknown_model(
    models: Sequence[ModelRecord],
    reference: ModelLike,
    allowed: Restriction = Restriction(),
) -> ModelError:
    """The error for a reference that no acceptable model answers to."""
    text = reference if isinstance(reference, str) else _text_of(reference)
    kind = allowed.describe()
    what = f"{kind} model" if kind else "model"
    refused = _refused(models, reference)
    if refused is not None:
        return ModelError(
            f"{refused.describe()} is no {what}",
            candidates=_names(models, allowed)[:SUGGESTIONS],
            hint=_listing(_names(models, allowed), what),
        )
    names = _names(models, allowed)
    near = suggest(text, names)
    hint = "did you mean " + " or ".join(repr(name) for name in near) + "?"
    return ModelError(
        f"there is no {what} {text!r} on the server",
        candidates=near,
        hint=hint if near else _listing(names, what),
    )


def no_such_model(
    models: Sequence[ModelRecord], text: str, allowed: Restriction
) -> ModelError:
    """The error for words and a kind that no model has; it tells what there is."""
    kind = allowed.describe()
    what = f"{kind} model" if kind else "model"
    words = f" with {text!r} in its texts" if text.split() else ""
    near = _names(models, allowed) if words else []
    there = sorted({f"{model.base} {model.type}" for model in models})
    hint = _listing(near, what) if near else "there are: " + ", ".join(there)
    return ModelError(
        f"the server has no {what}{words}",
        candidates=near[:SUGGESTIONS],
        hint=hint if models else "install one in InvokeAI's model manager",
    )


def _refused(
    models: Sequence[ModelRecord], reference: ModelLike
) -> Optional[ModelRecord]:
    """A model that the reference means but that is not acceptable."""
    try:
        return pick_model(models, reference)
    except ModelError:
        return None


def _text_of(reference: Union[ModelRecord, Mapping[str, Any]]) -> str:
    data = _identifier(reference)
    return str(data.get("name") or data.get("key") or dict(reference))


def _names(models: Sequence[ModelRecord], allowed: Restriction) -> list[str]:
    return sorted({model.name for model in models if allowed.fits(model)})


def _listing(names: Sequence[str], what: str) -> str:
    if not names:
        return f"the server has no {what}"
    more = f" and {len(names) - SUGGESTIONS} more" if len(names) > SUGGESTIONS else ""
    shown = ", ".join(repr(name) for name in names[:SUGGESTIONS])
    return f"there are {shown}{more}"


def suggest(text: str, names: Sequence[str]) -> list[str]:
    """Names that come near `text`: those that contain it, then similar spellings."""
    folded = {name.casefold(): name for name in names}
    wanted = text.casefold()
    near = [key for key in folded if wanted and wanted in key]
    near += difflib.get_close_matches(wanted, folded, n=SUGGESTIONS, cutoff=0.6)
    return [folded[key] for key in dict.fromkeys(near)][:SUGGESTIONS]


def find_models(
    models: Sequence[ModelRecord], text: str, allowed: Restriction
) -> list[ModelRecord]:
    """The acceptable models whose name, key, hash or description has all words."""
    words = text.casefold().split()
    return [
        model
        for model in models
        if allowed.fits(model) and all(word in _searchable(model) for word in words)
    ]


def _searchable(model: ModelRecord) -> str:
    parts = (model.name, model.key, model.hash, model.description or "")
    return "\n".join(parts).casefold()
