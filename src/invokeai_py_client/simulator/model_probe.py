"""What the files of a model are: a small part of what the real server recognises.

Folders are told by their configuration, `.safetensors` files by the names and shapes
of their tensors. What is not told here is `unknown`, as it is on the real server when
it does not know either. Nothing is unpickled.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Optional

from .model_folder import MODEL_SUFFIXES

Fields = dict[str, Any]
Shapes = Mapping[str, list[int]]

_CONFIGS = ("config.json", "model_index.json")
_MOST_FILES = 50
_DEEPEST = 2
# The width of the text embedding that the cross attention takes.
_BASES = {768: "sd-1", 1024: "sd-2", 1280: "sdxl-refiner", 2048: "sdxl"}
_LORA_BASES = {768: "sd-1", 1024: "sd-2", 1280: "sdxl", 2048: "sdxl"}
_EMBEDDING_BASES = {768: "sd-1", 1024: "sd-2", 1280: "sdxl"}
_VARIANTS = {4: "normal", 5: "depth", 9: "inpaint"}
_PIPELINES = {
    "StableDiffusionPipeline",
    "StableDiffusionInpaintPipeline",
    "StableDiffusionXLPipeline",
    "StableDiffusionXLInpaintPipeline",
    "StableDiffusionXLImg2ImgPipeline",
    "LatentConsistencyModelPipeline",
}
_SIZES = {"sd-1": 512, "sd-2": 768, "sdxl": 1024}
_LORA_PREFIXES = ("lora_te_", "lora_unet_", "lora_te1_", "lora_te2_")
_UNET = "model.diffusion_model."
_KEYS = "1.transformer_blocks.0.attn2.to_k.weight"


def check_path(path: Path) -> None:
    """Refuse what does not even look like a model.

    Raises:
        ValueError: A file of another kind, or a folder without a model's files.
        FileNotFoundError: Nothing is there.
    """
    if path.is_file():
        if path.suffix.lower() not in MODEL_SUFFIXES:
            raise ValueError(
                f"File extension {path.suffix} is not a recognized model format. "
                f"Expected one of: {', '.join(MODEL_SUFFIXES)}"
            )
        return
    if any(_class_name(_json(path / name)) for name in _CONFIGS):
        return
    files = [part for part in path.rglob("[!.]*") if part.is_file()]
    if len(files) > _MOST_FILES:
        raise ValueError(
            f"Directory contains more than {_MOST_FILES} files. This looks like a "
            "general-purpose directory rather than a model. Please provide a path to "
            "a specific model file or model directory."
        )
    if not _has_model(path, 0):
        raise ValueError(
            f"No model files or config files found in directory {path}. Expected to "
            f"find model files with extensions: {', '.join(MODEL_SUFFIXES)} or config "
            f"files: {', '.join(_CONFIGS)}"
        )


def _has_model(folder: Path, depth: int) -> bool:
    return depth <= _DEEPEST and any(
        part.suffix.lower() in MODEL_SUFFIXES
        if part.is_file()
        else _has_model(part, depth + 1)
        for part in folder.iterdir()
    )


def name_of(path: Path) -> str:
    """What a model is called that was given no name."""
    known = (".safetensors", ".bin", ".pt", ".ckpt")
    return path.stem if path.suffix in known else path.name


def identify(path: Path, name: str) -> Optional[Fields]:
    """What is at a path: type, base and format, and what else its kind needs.

    Args:
        path: A file or folder that passed `check_path`.
        name: What the model is to be called; some can be told by it alone.

    Returns:
        None when it is unknown.
    """
    found: Optional[Fields] = None
    if path.is_dir():
        found = _pipeline(path) or _component(path, name)
    elif path.suffix == ".safetensors":
        shapes = tensor_shapes(path) or {}
        found = (
            _checkpoint(shapes)
            or _lora(shapes)
            or _vae(shapes, path.name)
            or _embedding(shapes)
        )
    if found and found["type"] == "main":
        size = _SIZES.get(found["base"])
        found["default_settings"] = size and {"width": size, "height": size}
    return found


def _json(path: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _class_name(config: Mapping[str, Any]) -> str:
    names = config.get("architectures")
    first = names[0] if isinstance(names, list) and names else ""
    return str(config.get("_class_name") or first)


def _config(path: Path) -> Mapping[str, Any]:
    return next(filter(None, (_json(path / name) for name in _CONFIGS)), {})


def _pipeline(path: Path) -> Optional[Fields]:
    if _class_name(_config(path)) not in _PIPELINES:
        return None
    unet = _json(path / "unet" / "config.json")
    scheduler = _json(path / "scheduler" / "scheduler_config.json")
    base = _BASES.get(unet.get("cross_attention_dim", 0))
    variant = _VARIANTS.get(unet.get("in_channels", 0))
    if base is None or variant is None or not scheduler:
        return None
    return {
        "type": "main",
        "format": "diffusers",
        "base": base,
        "variant": variant,
        "prediction_type": scheduler.get("prediction_type", "epsilon"),
        "repo_variant": _repo_variant(path),
    }


def _repo_variant(path: Path) -> str:
    weights = [*path.rglob("*.safetensors"), *path.rglob("*.bin")]
    return "fp16" if any(".fp16" in part.suffixes for part in weights) else ""


def _component(path: Path, name: str) -> Optional[Fields]:
    config = _config(path)
    kind = _class_name(config)
    if kind in ("AutoencoderKL", "AutoencoderTiny"):
        large = (
            config.get("scaling_factor") == 0.13025
            and config.get("sample_size") in (512, 1024)
        ) or re.search(r"xl\b", name, re.IGNORECASE)
        base = "sdxl" if large else "sd-1"
        return {"type": "vae", "format": "diffusers", "base": base}
    if kind == "ControlNetModel":
        found = _BASES.get(config.get("cross_attention_dim", 0))
        if found in ("sd-1", "sd-2", "sdxl"):
            return {
                "type": "controlnet",
                "format": "diffusers",
                "base": found,
                "repo_variant": _repo_variant(path),
                "default_settings": {"preprocessor": None},
            }
    return None


def tensor_shapes(path: Path) -> Optional[Shapes]:
    """The tensors of a `.safetensors` file; None when it is none."""
    with path.open("rb") as file:
        start = file.read(8)
        size = struct.unpack("<Q", start)[0] if len(start) == 8 else -1
        whole = path.stat().st_size
        if not 0 < size <= whole - 8:
            return None
        try:
            header = json.loads(file.read(size))
            tensors = {k: v for k, v in header.items() if k != "__metadata__"}
            ends = [tensor["data_offsets"][1] for tensor in tensors.values()]
            shapes = {k: list(tensor["shape"]) for k, tensor in tensors.items()}
        except (ValueError, AttributeError, KeyError, TypeError, IndexError):
            return None
    return shapes if 8 + size + max(ends, default=0) == whole else None


def _checkpoint(shapes: Shapes) -> Optional[Fields]:
    small = shapes.get(f"{_UNET}input_blocks.2.{_KEYS}", [0])[-1]
    large = shapes.get(f"{_UNET}input_blocks.4.{_KEYS}", [0])[-1]
    first = shapes.get(f"{_UNET}input_blocks.0.0.weight", [0, 0])
    base = _BASES.get(small) if small in (768, 1024) else None
    if base is None and large in (1280, 2048):
        base = _BASES[large]
    variant = _VARIANTS.get(first[1])
    if base is None or variant is None:
        return None
    return {
        "type": "main",
        "format": "checkpoint",
        "base": base,
        "variant": variant,
        "prediction_type": "v_prediction" if base == "sd-2" else "epsilon",
    }


def _lora(shapes: Shapes) -> Optional[Fields]:
    if not any(name.startswith(_LORA_PREFIXES) for name in shapes):
        return None
    for name, shape in shapes.items():
        if "attn2_to_k" in name and name.endswith("lora_down.weight"):
            base = _LORA_BASES.get(shape[-1])
            if base is None:
                return None
            return {
                "type": "lora",
                "format": "lycoris",
                "base": base,
                "default_settings": {},
            }
    return None


def _vae(shapes: Shapes, file_name: str) -> Optional[Fields]:
    if not any(n.startswith(("encoder.conv_in", "decoder.conv_in")) for n in shapes):
        return None
    shape = shapes.get("decoder.conv_in.weight", [0, 4])
    if len(shape) > 4 or shape[1] not in (4, 16) or "bn.running_mean" in shapes:
        return None  # a kind of later models
    base = "flux" if shape[1] == 16 else "sd-1"
    if base == "sd-1":
        for word, known in (("xl", "sdxl"), ("sd2", "sd-2")):
            if word in file_name.lower():
                base = known
                break
    return {"type": "vae", "format": "checkpoint", "base": base}


def _embedding(shapes: Shapes) -> Optional[Fields]:
    named = next((shapes[n] for n in ("emb_params", "clip_g") if n in shapes), None)
    if named is not None:
        width = (named or [0])[-1]
    elif 0 < len(shapes) < 10:
        width = (next(iter(shapes.values())) or [0])[0]
    else:
        return None
    base = _EMBEDDING_BASES.get(width)
    if base is None:
        return None
    return {"type": "embedding", "format": "embedding_file", "base": base}
