"""Identify the model at a path, by the configuration of diffusers folders only.

Another model is what the request says it is, or else `unknown`, as on the real server
when it cannot identify one. Weights are never read.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .model_folder import MODEL_SUFFIXES, files_of, hash_of, size_of
from .model_kinds import bundled_kinds

Fields = dict[str, Any]

_CONFIGS = ("model_index.json", "config.json")
_IDENTITY = ("type", "format", "base")
# The width of the text embedding that the cross attention takes.
_BASES = {768: "sd-1", 1024: "sd-2", 1280: "sdxl-refiner", 2048: "sdxl"}
_VARIANTS = {5: "depth", 9: "inpaint"}
_SIZES = {"sd-1": 512, "sd-2": 768, "sdxl": 1024}


def probe(path: Path, given: Mapping[str, Any]) -> Fields:
    """The record of the model at a path."""
    _check(path)
    said = {key: value for key, value in given.items() if value is not None}
    found = {**_identify(path), **said}
    if not found.keys() >= set(_IDENTITY):
        found.update(dict.fromkeys(_IDENTITY, "unknown"))
    return bundled_kinds().read(
        {
            "source": path.as_posix(),
            "source_type": "path",
            "name": path.stem if path.suffix in MODEL_SUFFIXES else path.name,
            "hash": hash_of(path),
            "key": str(uuid.uuid4()),
            "file_size": size_of(path),
            **found,
            "path": path.as_posix(),
        }
    )


def _check(path: Path) -> None:
    if path.is_file():
        if path.suffix.lower() not in MODEL_SUFFIXES:
            raise ValueError(
                f"File extension {path.suffix} is not a recognized model format. "
                f"Expected one of: {', '.join(MODEL_SUFFIXES)}"
            )
    elif not any(
        file.name in _CONFIGS or file.suffix.lower() in MODEL_SUFFIXES
        for file in files_of(path)
    ):
        raise ValueError(f"No model files or config files found in directory {path}.")


def _identify(path: Path) -> Fields:
    """Type, base and format of a diffusers folder; empty for anything else."""
    config = _json(path / _CONFIGS[0]) or _json(path / _CONFIGS[1])
    kind = str(config.get("_class_name", ""))
    if kind == "AutoencoderKL":
        large = config.get("scaling_factor") == 0.13025
        base = "sdxl" if large else "sd-1"
        return {"type": "vae", "format": "diffusers", "base": base}
    unet = _json(path / "unet" / "config.json")
    width = unet.get("cross_attention_dim")
    if not kind.startswith("StableDiffusion") or width not in _BASES:
        return {}
    base = _BASES[width]
    size = _SIZES.get(base)
    return {
        "type": "main",
        "format": "diffusers",
        "base": base,
        "variant": _VARIANTS.get(unet.get("in_channels", 4), "normal"),
        "prediction_type": "epsilon",
        "repo_variant": "",
        "default_settings": size and {"width": size, "height": size},
    }


def _json(path: Path) -> Fields:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
