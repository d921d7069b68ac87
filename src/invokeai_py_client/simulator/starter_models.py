"""The models that InvokeAI 6.14.2 knows where to get."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

Model = Mapping[str, Any]


def starter_models(installed: Iterable[Model]) -> dict[str, Any]:
    """What `GET /api/v2/models/starter_models` answers.

    Args:
        installed: The records of the server. What is among them is marked, and no
            longer named where another model needs it.
    """
    known = list(installed)
    found = _bundled()
    models = [_told(model, known) for model in found["models"]]
    by_source = {model["source"]: model for model in models}
    bundles = {
        key: {
            "name": bundle["name"],
            "models": [by_source[source] for source in bundle["models"]],
        }
        for key, bundle in found["bundles"].items()
    }
    return {"starter_models": models, "starter_bundles": bundles}


def _told(model: Model, installed: list[Model]) -> dict[str, Any]:
    told = _alone(model, installed)
    told["dependencies"] = [
        _alone(part, installed)
        for part in model.get("dependencies", ())
        if not _is_installed(part, installed)
    ]
    return told


def _alone(model: Model, installed: list[Model]) -> dict[str, Any]:
    return {
        "description": f"{model['name']}: {model['type']} for {model['base']}",
        **{key: model[key] for key in ("source", "name", "base", "type")},
        "format": model.get("format"),
        "variant": model.get("variant"),
        "is_installed": _is_installed(model, installed),
        "capabilities": model.get("capabilities"),
        "default_settings": model.get("default_settings"),
        "panel_schema": model.get("panel_schema"),
        "previous_names": model.get("previous_names", []),
    }


def _is_installed(model: Model, installed: list[Model]) -> bool:
    names = [model["name"], *model.get("previous_names", ())]
    return any(
        one["source"] == model["source"]
        or (
            one["name"] in names
            and one["base"] == model["base"]
            and one["type"] == model["type"]
        )
        for one in installed
    )


@lru_cache(maxsize=1)
def _bundled() -> dict[str, Any]:
    data = Path(__file__).with_name("data") / "starter-models-6.14.2.json.gz"
    return dict(json.loads(gzip.decompress(data.read_bytes())))
